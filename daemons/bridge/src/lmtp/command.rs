//! What a line of the mail server orders.

use smtp_proto::{Error, MAIL_BODY_BINARYMIME, Request};

/// A command that we know.
#[derive(Debug, PartialEq, Eq)]
pub enum Command {
    /// Hello.
    Lhlo,
    /// A mail from somebody (empty: from nobody), of so many bytes; 0: not told.
    Mail { from: String, size: u64 },
    /// For this receiver.
    Rcpt(String),
    /// Here it comes.
    Data,
    /// Forget it.
    Rset,
    /// Nothing.
    Noop,
    /// Do you know this address?
    Vrfy,
    /// What is known of where the mail came from.
    Forward(String),
    /// Farewell.
    Quit,
}

/// The command of a whole line, or the answer to one that cannot be understood.
pub fn read(line: &[u8]) -> Result<Command, &'static str> {
    if let Some(attributes) = forwarded(line) {
        return Ok(Command::Forward(attributes));
    }
    match Request::parse(&mut line.iter()) {
        Ok(Request::Lhlo { .. }) => Ok(Command::Lhlo),
        Ok(Request::Mail { from }) if from.flags & MAIL_BODY_BINARYMIME != 0 => {
            Err("555 5.6.1 BINARYMIME is not offered")
        }
        Ok(Request::Mail { from }) => Ok(Command::Mail {
            from: from.address.into_owned(),
            size: from.size as u64,
        }),
        Ok(Request::Rcpt { to }) if to.address.is_empty() => Err("501 5.1.3 a receiver is missing"),
        Ok(Request::Rcpt { to }) => Ok(Command::Rcpt(to.address.into_owned())),
        Ok(Request::Data) => Ok(Command::Data),
        Ok(Request::Rset) => Ok(Command::Rset),
        Ok(Request::Noop { .. }) => Ok(Command::Noop),
        Ok(Request::Vrfy { .. }) => Ok(Command::Vrfy),
        Ok(Request::Quit) => Ok(Command::Quit),
        // RFC 2033, section 4.1: HELO and EHLO must be refused.
        Ok(Request::Ehlo { .. } | Request::Helo { .. }) => Err("500 5.5.1 this is LMTP: say LHLO"),
        Ok(_) => Err("502 5.5.1 not offered"),
        Err(fault) => Err(answer(&fault)),
    }
}

fn answer(fault: &Error) -> &'static str {
    match fault {
        Error::InvalidSenderAddress => "501 5.1.7 the sender is no address",
        Error::InvalidRecipientAddress => "501 5.1.3 the receiver is no address",
        Error::UnsupportedParameter { .. } => "555 5.5.4 a parameter is not known",
        Error::InvalidParameter { .. } => "501 5.5.4 a parameter is wrong",
        Error::SyntaxError { .. } => "501 5.5.4 not understood",
        _ => "500 5.5.2 not understood",
    }
}

fn forwarded(line: &[u8]) -> Option<String> {
    let line = str::from_utf8(line).ok()?.trim_end();
    let (name, attributes) = line.split_once(' ')?;
    name.eq_ignore_ascii_case("XFORWARD")
        .then(|| attributes.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn of(line: &str) -> Result<Command, &'static str> {
        read(format!("{line}\r\n").as_bytes())
    }

    fn mail(from: &str, size: u64) -> Result<Command, &'static str> {
        let from = from.to_owned();
        Ok(Command::Mail { from, size })
    }

    #[test]
    fn commands_as_postfix_writes_them() {
        assert_eq!(of("LHLO mail.example.org"), Ok(Command::Lhlo));
        let line = "MAIL FROM:<pelsa@example.org> SIZE=512 BODY=8BITMIME";
        assert_eq!(of(line), mail("pelsa@example.org", 512));
        assert_eq!(of("MAIL FROM:<>"), mail("", 0));
        assert_eq!(
            of("mail from:<sén@exämple.org> SMTPUTF8"),
            mail("sén@exämple.org", 0)
        );
        let to = || Ok(Command::Rcpt("lapor@kentongan.example".into()));
        assert_eq!(of("RCPT TO:<lapor@kentongan.example>"), to());
        let named = "RCPT TO:<lapor@kentongan.example> ORCPT=rfc822;lapor@kentongan.example";
        assert_eq!(of(named), to());
        let forward = Command::Forward("NAME=a ADDR=192.0.2.7".into());
        assert_eq!(of("XFORWARD NAME=a ADDR=192.0.2.7"), Ok(forward));
        for (line, command) in [
            ("DATA", Command::Data),
            ("rset", Command::Rset),
            ("NOOP", Command::Noop),
            ("QUIT", Command::Quit),
        ] {
            assert_eq!(of(line), Ok(command));
        }
    }

    #[test]
    fn what_is_wrong_is_refused_for_good_with_its_code() {
        for (line, code) in [
            ("EHLO mail.example.org", "500 5.5.1"),
            ("HELO mail.example.org", "500 5.5.1"),
            ("BDAT 5 LAST", "502 5.5.1"),
            ("MAIL pelsa@example.org", "501 5.5.4"),
            ("MAIL FROM:<a@b> BODY=BINARYMIME", "555 5.6.1"),
            ("RCPT TO:<>", "501 5.1.3"),
            ("MAIL FROM:<a@b> NEW=1", "555 5.5.4"),
            ("HALO", "500 5.5.2"),
            ("", "500 5.5.2"),
        ] {
            let answer = of(line).unwrap_err();
            assert!(answer.starts_with(code), "{line}: {answer}");
        }
    }

    proptest! {
        #[test]
        fn nothing_panics(line in proptest::collection::vec(any::<u8>(), 0..200)) {
            let _ = read(&[line.as_slice(), b"\r\n"].concat());
        }
    }
}
