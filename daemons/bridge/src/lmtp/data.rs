//! A mail as it travels behind DATA: dots in front of lines are doubled, a lone one ends it.

use std::sync::Arc;
use tokio::sync::{OwnedSemaphorePermit, Semaphore};

/// Room in memory is taken in steps of so many bytes.
const STEP: u64 = 64 * 1024;

/// What is left of the memory for mails that come in.
#[derive(Clone)]
pub struct Room(Arc<Semaphore>);

impl Room {
    pub fn new(bytes: u64) -> Self {
        let steps = usize::try_from(bytes / STEP + 1).unwrap_or(Semaphore::MAX_PERMITS);
        Self(Arc::new(Semaphore::new(steps.min(Semaphore::MAX_PERMITS))))
    }

    fn step(&self) -> Option<OwnedSemaphorePermit> {
        self.0.clone().try_acquire_owned().ok()
    }
}

/// A mail that came to its end.
pub enum Received {
    /// All of it. The room is given back with it.
    Mail(Vec<u8>, Vec<OwnedSemaphorePermit>),
    /// More than is ever taken.
    TooLarge,
    /// There was no room for it now.
    NoRoom,
}

/// Only CR LF ends a line: a dot behind a bare LF or CR is part of the mail, whatever follows.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum At {
    /// At the beginning of a line.
    Start,
    Text,
    Cr,
    /// Behind a dot that began a line.
    Dot,
    DotCr,
}

/// What has come of a mail so far.
pub struct Unstuffed<'a> {
    at: At,
    most: u64,
    room: &'a Room,
    taken: Vec<OwnedSemaphorePermit>,
    raw: Vec<u8>,
    refused: Option<Received>,
}

impl<'a> Unstuffed<'a> {
    pub fn new(most: u64, room: &'a Room) -> Self {
        Self {
            at: At::Start,
            most,
            room,
            taken: Vec::new(),
            raw: Vec::new(),
            refused: None,
        }
    }

    /// Takes what came: how many bytes of it are the mail's, and whether it ended with them.
    pub fn feed(&mut self, chunk: &[u8]) -> (usize, bool) {
        let mut rest = chunk;
        while let Some((&byte, after)) = rest.split_first() {
            if self.at == At::Text {
                // The most of a mail: up to the next CR at once.
                let text = rest.iter().position(|b| *b == b'\r').unwrap_or(rest.len());
                self.push(&rest[..text]);
                rest = &rest[text..];
                if let Some((_, after)) = rest.split_first() {
                    self.push(b"\r");
                    self.at = At::Cr;
                    rest = after;
                }
                continue;
            }
            if self.at == At::DotCr && byte == b'\n' {
                return (chunk.len() - after.len(), true);
            }
            self.step(byte);
            rest = after;
        }
        (chunk.len(), false)
    }

    fn step(&mut self, byte: u8) {
        match (self.at, byte) {
            (At::Start, b'.') => {
                self.at = At::Dot;
                return;
            }
            (At::Dot, b'\r') => {
                self.at = At::DotCr;
                return;
            }
            // It ended nothing, so it is the line's own.
            (At::DotCr, _) => {
                self.push(b"\r");
                self.at = At::Cr;
            }
            _ => {}
        }
        self.at = match (self.at, byte) {
            (At::Cr, b'\n') => At::Start,
            (_, b'\r') => At::Cr,
            _ => At::Text,
        };
        self.push(&[byte]);
    }

    fn push(&mut self, bytes: &[u8]) {
        if self.refused.is_some() {
            return;
        }
        let size = (self.raw.len() + bytes.len()) as u64;
        if size > self.most {
            return self.refuse(Received::TooLarge);
        }
        while (self.taken.len() as u64) * STEP < size {
            match self.room.step() {
                Some(step) => self.taken.push(step),
                None => return self.refuse(Received::NoRoom),
            }
        }
        self.raw.extend_from_slice(bytes);
    }

    fn refuse(&mut self, why: Received) {
        self.refused = Some(why);
        self.raw = Vec::new();
        self.taken.clear();
    }

    /// What came of it.
    pub fn received(self) -> Received {
        match self.refused {
            Some(why) => why,
            None => Received::Mail(self.raw, self.taken),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    /// What came of these bytes, cut into chunks of this size, and what was left behind the end.
    fn fed(bytes: &[u8], chunk: usize) -> (Option<Vec<u8>>, Vec<u8>) {
        let room = Room::new(1 << 20);
        let mut mail = Unstuffed::new(1 << 20, &room);
        let mut at = 0;
        while at < bytes.len() {
            let end = (at + chunk).min(bytes.len());
            let (taken, ended) = mail.feed(&bytes[at..end]);
            at += taken;
            if ended {
                let Received::Mail(raw, _) = mail.received() else {
                    panic!("refused");
                };
                return (Some(raw), bytes[at..].to_vec());
            }
        }
        (None, Vec::new())
    }

    fn stuffed(mail: &[u8]) -> Vec<u8> {
        let text = String::from_utf8(mail.to_vec()).unwrap();
        let lines = text.split("\r\n").map(|line| match line.starts_with('.') {
            true => format!(".{line}"),
            false => line.to_owned(),
        });
        (lines.collect::<Vec<_>>().join("\r\n") + "\r\n.\r\n").into_bytes()
    }

    #[test]
    fn a_mail_ends_at_its_lone_dot_and_loses_the_doubled_ones() {
        let (mail, rest) = fed(b"a\r\n..\r\n...b\r\n.c\r\n.\r\nQUIT\r\n", 1000);
        assert_eq!(mail.unwrap(), b"a\r\n.\r\n..b\r\nc\r\n");
        assert_eq!(rest, b"QUIT\r\n");
        assert_eq!(fed(b".\r\n", 1).0.unwrap(), b"");
    }

    /// Each of these ends a mail for some server in the world.
    #[test]
    fn nothing_else_ends_it_so_that_no_mail_is_smuggled_in_another() {
        for end in [
            "\n.\n",
            "\n.\r\n",
            "\r\n.\n",
            "\r.\r",
            "\r\n.\r",
            "\r.\r\n",
            "\n.\r",
            "\r\n\0.\r\n",
            "\r\n.\r\r\n",
        ] {
            let bytes = format!("a{end}MAIL FROM:<x@y>\r\n");
            assert_eq!(fed(bytes.as_bytes(), 1000).0, None, "{end:?}");
        }
    }

    #[test]
    fn a_mail_that_is_too_large_is_read_to_its_end_and_not_kept() {
        let room = Room::new(1 << 20);
        let mut mail = Unstuffed::new(5, &room);
        assert_eq!(mail.feed(b"12345\r\n.\r\nQUIT"), (10, true));
        assert!(matches!(mail.received(), Received::TooLarge));
        let mut mail = Unstuffed::new(7, &room);
        assert_eq!(mail.feed(b"12345\r\n.\r\n"), (10, true));
        assert!(matches!(mail.received(), Received::Mail(raw, _) if raw == b"12345\r\n"));
    }

    #[test]
    fn mails_share_the_room_and_give_it_back() {
        let room = Room::new(STEP);
        let large = vec![b'a'; usize::try_from(STEP).unwrap() + 1];
        let mut one = Unstuffed::new(1 << 20, &room);
        one.feed(&large);
        let mut other = Unstuffed::new(1 << 20, &room);
        other.feed(b"a\r\n.\r\n");
        assert!(matches!(other.received(), Received::NoRoom));
        drop(one);
        let mut again = Unstuffed::new(1 << 20, &room);
        again.feed(b"a\r\n.\r\n");
        assert!(matches!(again.received(), Received::Mail(..)));
    }

    proptest! {
        #[test]
        fn every_mail_comes_as_it_was_however_it_is_cut(
            mail in "(a|\\.|\r\n|\n|\r|b){0,60}",
            chunk in 1usize..70,
        ) {
            // A CR at the very end would make a line's end of the LF that follows.
            let mail = mail.replace('\r', "") + "c";
            let mail = mail.replace('\n', "\r\n");
            let (got, rest) = fed(&stuffed(mail.as_bytes()), chunk);
            prop_assert_eq!(got.unwrap(), (mail + "\r\n").into_bytes());
            prop_assert!(rest.is_empty());
        }
    }
}
