//! What stands above a mail, as far as it is needed to know what to do with it.

use super::headers::{Fields, Mailbox};
use jiff::Timestamp;
use mail_parser::HeaderValue;
use mail_parser::parsers::MessageStream;

/// The header of the mail itself. It can be read even when the mail is refused, so that the
/// refusal can be answered.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Heading {
    /// Decoded, in one line; empty if there is none.
    pub subject: String,
    /// All addresses of all `From` fields. More than one, or one without an address, proves
    /// nobody (see `proof`).
    pub from: Vec<Mailbox>,
    /// Where the sender wants answers. Not used for answers with content: an answer goes to the
    /// proven sender only.
    pub reply_to: Vec<Mailbox>,
    /// Whom it was written to. What it was delivered to stands in the envelope.
    pub to: Vec<Mailbox>,
    /// Further readers.
    pub cc: Vec<Mailbox>,
    /// Without angle brackets; `None` if the sender wrote none (M4).
    pub message_id: Option<String>,
    /// What this answers.
    pub in_reply_to: Vec<String>,
    /// The thread, the oldest first.
    pub references: Vec<String>,
    /// What the sender's clock said, if it can be read. Only to be shown: see
    /// [`Heading::date_shown`].
    pub date: Option<Timestamp>,
    /// Everything, as it came.
    pub fields: Fields,
}

/// A sender's clock further from the time of receipt than this is wrong: a mail that waits longer
/// is given back by every mail server (Postfix `maximal_queue_lifetime`: 5 days).
const CLOCK_SLACK_S: i64 = 7 * 24 * 3600;

impl Heading {
    pub(crate) fn new(fields: Fields) -> Self {
        Self {
            subject: fields.text("subject"),
            from: fields.mailboxes("from"),
            reply_to: fields.mailboxes("reply-to"),
            to: fields.mailboxes("to"),
            cc: fields.mailboxes("cc"),
            message_id: fields.ids("message-id").into_iter().next(),
            in_reply_to: fields.ids("in-reply-to"),
            references: fields.ids("references"),
            date: fields.first("date").and_then(|f| date(&f.line())),
            fields,
        }
    }

    /// The date to show: the sender's if it is near the time of receipt, else that of receipt.
    /// Logic uses the time of receipt alone (M15).
    pub fn date_shown(&self, received: Timestamp) -> Timestamp {
        let near = |at: &Timestamp| (at.as_second() - received.as_second()).abs() <= CLOCK_SLACK_S;
        self.date.filter(near).unwrap_or(received)
    }

    /// Whether it stands in a thread: something is being answered.
    pub fn is_in_thread(&self) -> bool {
        !self.in_reply_to.is_empty() || !self.references.is_empty()
    }
}

fn date(line: &[u8]) -> Option<Timestamp> {
    let HeaderValue::DateTime(found) = MessageStream::new(line).parse_date() else {
        return None;
    };
    // A zone beyond 14 hours exists nowhere.
    let plausible = found.is_valid() && found.tz_hour <= 14 && found.year <= 2200;
    plausible
        .then(|| Timestamp::from_second(found.to_timestamp()).ok())
        .flatten()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// M15: a clock that is far off is not shown, one that cannot be read does no harm.
    #[test]
    fn a_wrong_clock_is_not_shown() {
        let received: Timestamp = "2019-08-05T00:12:33Z".parse().expect("a time");
        for (date, shown) in [
            ("Mon, 5 Aug 2019 07:12:32 +0700", "2019-08-05T00:12:32Z"),
            ("Mon, 5 Aug 2019 00:10:00 GMT", "2019-08-05T00:10:00Z"),
            ("Thu, 1 Jan 1970 00:00:00 +0000", "2019-08-05T00:12:33Z"),
            ("Fri, 5 Aug 2039 07:12:32 +0700", "2019-08-05T00:12:33Z"),
            ("Sen, 5 Agustus 2019", "2019-08-05T00:12:33Z"),
            ("32 Foo 99999 99:99:99 +9999", "2019-08-05T00:12:33Z"),
            ("", "2019-08-05T00:12:33Z"),
        ] {
            let heading = Heading::new(Fields::parse(format!("Date: {date}\r\n").as_bytes()));
            assert_eq!(heading.date_shown(received).to_string(), shown, "{date}");
        }
    }
}
