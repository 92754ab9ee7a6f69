//! Delivery reports that come as mail: who was not reached, and why, as far as one can tell (M28).
//!
//! Only for mail servers that tell it in no better way: on AWS the events of `mail-events` are
//! surer. What is read here is a hint: only of the receiver of the very mail that the report is
//! about, and only when that mail is one of ours, is anything believed.

use super::{Fields, Letter};

/// What a report says about one recipient.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Failed {
    /// The address in lower case.
    pub address: String,
    /// What happened.
    pub action: Action,
    /// `5.1.1` and the like, if it is told.
    pub status: Option<String>,
    /// What the other server said, in one line; may hold an address: never log it.
    pub diagnostic: String,
}

/// What happened to a mail on its way to a recipient.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Action {
    /// Given up.
    Failed,
    /// Still being tried.
    Delayed,
    /// Arrived, was passed on or was distributed.
    Delivered,
}

impl Failed {
    /// Whether the address itself is at fault, so that it should not be written to again: given
    /// up, and a status of class 5 that names an address or mailbox that is not there
    /// (RFC 3463: 5.1.x addressing, 5.2.1 disabled). Without a status nobody said so: prose about
    /// a failure may be a person's, and name somebody else.
    pub fn is_permanent(&self) -> bool {
        let gone = |status: &str| status.starts_with("5.1.") || status == "5.2.1";
        self.action == Action::Failed && self.status.as_deref().is_some_and(gone)
    }
}

/// Everybody that a report tells about; empty if it is no report or cannot be understood.
pub fn read(letter: &Letter) -> Vec<Failed> {
    let statuses = letter.files.iter().filter(|f| {
        f.declared == "message/delivery-status" || f.declared == "message/global-delivery-status"
    });
    let found: Vec<Failed> = statuses.flat_map(|f| delivery_status(&f.content)).collect();
    if !found.is_empty() {
        return found;
    }
    let named = failed_recipients(letter);
    if named.is_empty() {
        by_text(&letter.text)
    } else {
        named
    }
}

/// The subject of the mail that was not delivered, and its message ids and references, in which a
/// token of ours may stand.
pub fn original_ids(letter: &Letter) -> Vec<String> {
    let headers = letter
        .files
        .iter()
        .filter(|f| f.declared == "text/rfc822-headers");
    let from_headers = headers
        .map(|f| Fields::parse(&f.content))
        .flat_map(|fields| {
            let mut ids = fields.ids("message-id");
            ids.extend(fields.ids("references"));
            ids
        });
    let attached = letter.attached.iter().flat_map(|heading| {
        heading
            .message_id
            .iter()
            .chain(&heading.references)
            .cloned()
            .collect::<Vec<_>>()
    });
    let own = letter
        .heading
        .in_reply_to
        .iter()
        .chain(&letter.heading.references)
        .cloned();
    attached.chain(from_headers).chain(own).collect()
}

/// RFC 3464: a block for the mail, then one for each recipient, blank lines between.
fn delivery_status(bytes: &[u8]) -> Vec<Failed> {
    let text = String::from_utf8_lossy(bytes).replace('\r', "");
    text.split("\n\n")
        .filter_map(|block| recipient(&Fields::parse(block.trim().as_bytes())))
        .collect()
}

fn recipient(fields: &Fields) -> Option<Failed> {
    let typed = |name: &str| {
        let text = fields.text(name);
        text.split_once(';')
            .map_or(text.clone(), |(_, value)| value.trim().to_owned())
    };
    let address = [typed("original-recipient"), typed("final-recipient")];
    let address = address.into_iter().find(|a| a.contains('@'))?;
    let status = fields.text("status");
    let diagnostic = typed("diagnostic-code");
    Some(Failed {
        address: bare(&address),
        action: action(&fields.text("action"), &status),
        status: status_in(&status).or_else(|| status_in(&diagnostic)),
        diagnostic,
    })
}

fn action(word: &str, status: &str) -> Action {
    match word.to_ascii_lowercase().as_str() {
        "failed" => Action::Failed,
        "delayed" => Action::Delayed,
        "delivered" | "relayed" | "expanded" => Action::Delivered,
        _ if status.starts_with('2') => Action::Delivered,
        _ if status.starts_with('4') => Action::Delayed,
        _ => Action::Failed,
    }
}

/// Exim and Gmail name whom they did not reach in a header of the report.
fn failed_recipients(letter: &Letter) -> Vec<Failed> {
    let status = status_in(&letter.text);
    let named = letter.heading.fields.all("x-failed-recipients");
    named
        .flat_map(|field| field.text().split(',').map(bare).collect::<Vec<_>>())
        .filter(|address| address.contains('@'))
        .map(|address| failed(address, status.clone(), &letter.text))
        .collect()
}

/// qmail, old Gmail, Exchange and whoever else writes prose: the first address that stands alone
/// on a line after a line that speaks of failure.
fn by_text(text: &str) -> Vec<Failed> {
    const WORDS: [&str; 9] = [
        "fail",
        "undeliver",
        "not be delivered",
        "unable to deliver",
        "couldn't be",
        "gagal",
        "tidak terkirim",
        "tidak dapat",
        "permanent",
    ];
    let lines: Vec<&str> = text.lines().take(60).collect();
    let speaks = |line: &&str| {
        let line = line.to_lowercase();
        WORDS.iter().any(|w| line.contains(w))
    };
    let Some(start) = lines.iter().position(speaks) else {
        return Vec::new();
    };
    let alone = |line: &&str| -> Option<String> {
        let line = line
            .trim()
            .trim_end_matches(':')
            .trim_matches(['<', '>', ' ', '*']);
        let address = line.split_whitespace().count() == 1 && is_address(line);
        address.then(|| bare(line))
    };
    let found = lines[start..].iter().find_map(alone);
    found
        .map(|address| failed(address, status_in(text), text))
        .into_iter()
        .collect()
}

fn failed(address: String, status: Option<String>, text: &str) -> Failed {
    let says = |line: &&str| status_in(line).is_some() || line.trim_start().starts_with("55");
    let diagnostic = text.lines().find(says).unwrap_or_default().trim();
    let diagnostic = diagnostic.chars().take(300).collect();
    Failed {
        address,
        action: Action::Failed,
        status,
        diagnostic,
    }
}

fn is_address(word: &str) -> bool {
    word.split_once('@')
        .is_some_and(|(local, domain)| !local.is_empty() && domain.contains('.'))
}

fn bare(address: &str) -> String {
    address
        .trim()
        .trim_matches(['<', '>', ' ', '"'])
        .to_lowercase()
}

/// `5.1.1` anywhere in a text (RFC 3463: class 2, 4 or 5, then two numbers of up to three digits).
fn status_in(text: &str) -> Option<String> {
    let words = text.split(|c: char| !(c.is_ascii_digit() || c == '.'));
    words
        .map(|w| w.trim_matches('.'))
        .find(|w| is_status(w))
        .map(str::to_owned)
}

fn is_status(word: &str) -> bool {
    let numbers: Vec<&str> = word.split('.').collect();
    let digits = |n: &&str| (1..=3).contains(&n.len());
    numbers.len() == 3 && matches!(numbers[0], "2" | "4" | "5") && numbers.iter().all(digits)
}
