//! What comes in, as what it means to us.

use super::settings::Subscriptions;
use super::write;
use crate::port::{Arrived, Receipt};
use common::channel::Guard;
use jiff::Timestamp;
use sha2::{Digest, Sha256};
use tokio_xmpp::Stanza;
use tokio_xmpp::jid::{BareJid, Jid};
use tokio_xmpp::minidom::Element;
use tokio_xmpp::parsers::disco::{DiscoInfoResult, Identity};
use tokio_xmpp::parsers::iq::Iq;
use tokio_xmpp::parsers::message::{Message, MessageType};
use tokio_xmpp::parsers::ns;
use tokio_xmpp::parsers::presence::{Presence, Type};
use tokio_xmpp::parsers::stanza_error::{DefinedCondition, ErrorType, StanzaError};

/// The state of a receipt (XEP-0184); those of errors are their conditions.
const RECEIVED: &str = "received";

/// What is known of us.
pub struct Rules<'a> {
    pub account: &'a BareJid,
    pub subscriptions: &'a Subscriptions,
    pub guard: &'a Guard,
}

/// What a stanza means.
#[derive(Debug)]
pub enum Heard {
    /// Somebody wrote. Once it is taken, the sender is told so, if they asked.
    Text(Arrived, Option<Box<Message>>),
    /// What became of a message of ours.
    Receipt(Receipt),
    /// It wants an answer of ours.
    Answers(Vec<Stanza>),
    /// It is of no interest.
    Nothing,
}

/// What a stanza means, at this time.
pub fn heard(stanza: Stanza, rules: &Rules<'_>, now: Timestamp) -> Heard {
    match stanza {
        Stanza::Message(message) => message_means(message, rules, now),
        Stanza::Presence(presence) => presence_means(&presence, rules),
        Stanza::Iq(iq) => iq_means(iq, rules),
    }
}

fn message_means(message: Message, rules: &Rules<'_>, now: Timestamp) -> Heard {
    // Without a sender it is our own server's, and it has nothing to report.
    let Some(from) = message.from.clone() else {
        return Heard::Nothing;
    };
    // What other programs of our account say, and our own echo.
    if from.to_bare() == *rules.account {
        return Heard::Nothing;
    }
    match message.type_ {
        MessageType::Error => error_means(&message, now),
        MessageType::Chat | MessageType::Normal => text_means(&message, from, rules, now),
        MessageType::Groupchat | MessageType::Headline => Heard::Nothing,
    }
}

/// A message of ours came back: its condition (RFC 6120, section 8.3.3) is the receipt's state.
fn error_means(message: &Message, now: Timestamp) -> Heard {
    let error = child(message, "error", ns::DEFAULT_NS);
    let conditions = error.into_iter().flat_map(Element::children);
    let condition = conditions
        .filter(|c| c.ns() == ns::XMPP_STANZAS && c.name() != "text")
        .map(|c| c.name().to_owned())
        .next();
    let Some(id) = &message.id else {
        return Heard::Nothing;
    };
    let state = condition.unwrap_or_else(|| "undefined-condition".into());
    Heard::Receipt(Receipt {
        provider_id: id.0.clone(),
        reason: Some(state.clone()),
        state,
        at: now,
    })
}

fn text_means(message: &Message, from: Jid, rules: &Rules<'_>, now: Timestamp) -> Heard {
    // Rooms' invitations and whispers (XEP-0045): a room is nobody.
    if child(message, "x", ns::MUC_USER).is_some() {
        return Heard::Nothing;
    }
    let at = sent_at(message, now);
    let Some(text) = body(message) else {
        let received = child(message, "received", ns::RECEIPTS);
        return match received.and_then(|r| r.attr("id")) {
            Some(id) => Heard::Receipt(Receipt {
                provider_id: id.to_owned(),
                state: RECEIVED.to_owned(),
                reason: None,
                at,
            }),
            None => Heard::Nothing,
        };
    };
    let address = address(&from);
    let asked = child(message, "request", ns::RECEIPTS).is_some();
    let thanks = message
        .id
        .clone()
        .filter(|_| asked && !rules.guard.denies(&address, false));
    let thanks = thanks.map(|id| Box::new(write::thanks(from, message.type_.clone(), id.0)));
    let arrived = Arrived {
        id: network_id(message, text, rules.account),
        from: address,
        text: text.to_owned(),
        sent_at: at,
        part: None,
    };
    Heard::Text(arrived, thanks)
}

/// Without the program that somebody uses at the moment, in small letters.
fn address(jid: &Jid) -> String {
    jid.to_bare().to_string().to_lowercase()
}

/// What was written, in whatever language it is marked with: programs inherit the mark of their
/// connection. Of several, ours comes first.
fn body(message: &Message) -> Option<&str> {
    let best = message
        .get_best_body(vec!["id", "en"])
        .map(|(_, body)| body);
    let bodies = best.into_iter().chain(message.bodies.values());
    bodies
        .map(String::as_str)
        .find(|body| !body.trim().is_empty())
}

/// A message is the same one when the sender's program says so (XEP-0359 `origin-id`, the same
/// however often the program sends it), else when our server does (`stanza-id`, which others may
/// forge when they say it in its name), else by its `id`. Programs have been seen that begin
/// at 1 whenever they start, so the words belong to what they give.
fn network_id(message: &Message, text: &str, account: &BareJid) -> Option<String> {
    let given = |kind: &str, id: &str| Some(format!("{kind}:{id}:{}", digest(text)));
    let origin = child(message, "origin-id", ns::SID).and_then(|o| o.attr("id"));
    if let Some(id) = origin.filter(|id| !id.is_empty()) {
        return given("origin", id);
    }
    let ours = |e: &&Element| {
        let by = e.attr("by").and_then(|by| Jid::new(by).ok());
        e.is("stanza-id", ns::SID) && by.is_some_and(|by| by == *account)
    };
    let stanza_id = message
        .payloads
        .iter()
        .find(ours)
        .and_then(|e| e.attr("id"));
    if let Some(id) = stanza_id {
        return Some(format!("stanza:{id}"));
    }
    let id = message.id.as_ref().filter(|id| !id.0.is_empty());
    id.and_then(|id| given("id", &id.0))
}

fn digest(text: &str) -> String {
    let digest = Sha256::digest(text.as_bytes());
    digest.iter().take(8).map(|b| format!("{b:02x}")).collect()
}

/// When it was sent: what waited at a server says so (XEP-0203). Nobody's clock is ahead of ours.
fn sent_at(message: &Message, now: Timestamp) -> Timestamp {
    let delays = message.payloads.iter().filter(|e| e.is("delay", ns::DELAY));
    let stamps = delays.filter_map(|e| e.attr("stamp")?.parse().ok());
    stamps.min().map_or(now, |at: Timestamp| at.min(now))
}

fn presence_means(presence: &Presence, rules: &Rules<'_>) -> Heard {
    let from = presence.from.as_ref().map(Jid::to_bare);
    let Some(from) = from.filter(|f| presence.type_ == Type::Subscribe && f != rules.account)
    else {
        return Heard::Nothing;
    };
    let to = |type_: Type| Stanza::Presence(Presence::new(type_).with_to(from.clone()));
    Heard::Answers(match rules.subscriptions.allow(from.domain().as_str()) {
        true => vec![to(Type::Subscribed), to(Type::Subscribe)],
        false => vec![to(Type::Unsubscribed)],
    })
}

/// Every question is answered (RFC 6120, section 8.2.3).
fn iq_means(iq: Iq, rules: &Rules<'_>) -> Heard {
    let (from, id, answer) = match iq {
        Iq::Get {
            from, id, payload, ..
        } if payload.is("ping", ns::PING) => (from, id, Ok(None)),
        Iq::Get {
            from, id, payload, ..
        } if payload.is("query", ns::DISCO_INFO) => {
            (from, id, Ok(Some(Element::from(about(&payload)))))
        }
        Iq::Get { from, id, .. } | Iq::Set { from, id, .. } => (from, id, Err(())),
        Iq::Result { .. } | Iq::Error { .. } => return Heard::Nothing,
    };
    let to = from.unwrap_or_else(|| rules.account.clone().into());
    let answer = match answer {
        Ok(payload) => Iq::Result {
            from: None,
            to: Some(to),
            id,
            payload,
        },
        Err(()) => Iq::from_error(id, unavailable()).with_to(to),
    };
    Heard::Answers(vec![answer.into()])
}

/// What we are and can (XEP-0030): programs ask for receipts only where they are said to be given.
fn about(query: &Element) -> DiscoInfoResult {
    let features = [ns::DISCO_INFO, ns::PING, ns::RECEIPTS];
    DiscoInfoResult {
        node: query.attr("node").map(str::to_owned),
        identities: vec![Identity::new("client", "bot", "", "Kentongan")],
        features: features.map(str::to_owned).into(),
        extensions: Vec::new(),
    }
}

fn unavailable() -> StanzaError {
    StanzaError {
        type_: ErrorType::Cancel,
        by: None,
        defined_condition: DefinedCondition::ServiceUnavailable,
        texts: Default::default(),
        other: None,
    }
}

fn child<'a>(message: &'a Message, name: &str, namespace: &str) -> Option<&'a Element> {
    message.payloads.iter().find(|e| e.is(name, namespace))
}

#[cfg(test)]
mod tests;
