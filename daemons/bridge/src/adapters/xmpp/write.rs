//! What goes out, as stanzas.

use crate::adapter::Outgoing;
use tokio_xmpp::jid::Jid;
use tokio_xmpp::minidom::Element;
use tokio_xmpp::parsers::message::{Id, Lang, Message, MessageType};
use tokio_xmpp::parsers::receipts::{Received, Request};
use tokio_xmpp::parsers::stanza_id::OriginId;

/// A message's id: the same in every try, so that programs that know ids show it once.
pub fn id(outgoing: &Outgoing<'_>) -> String {
    match outgoing.piece.of {
        1 => outgoing.id.to_string(),
        _ => format!("{}-{}", outgoing.id, outgoing.piece.number),
    }
}

/// The message; `None` when the address cannot be one.
pub fn message(outgoing: &Outgoing<'_>, id: &str) -> Option<Message> {
    let to = Jid::new(outgoing.to).ok()?;
    let text = outgoing.piece.text.chars().filter(|c| fits(*c)).collect();
    let mut message = Message::chat(to)
        .with_body(Lang::new(), text)
        .with_payload(Request)
        .with_payload(OriginId { id: id.to_owned() });
    message.id = Some(Id(id.to_owned()));
    Some(message)
}

/// "Your message is here", as the sender asked (XEP-0184).
pub fn thanks(to: Jid, type_: MessageType, id: String) -> Message {
    // The sender may be away: then it waits (XEP-0334).
    let store = Element::bare("store", "urn:xmpp:hints");
    let mut thanks = Message::new_with_type(type_, to).with_payload(Received { id });
    thanks.payloads.push(store);
    thanks
}

/// XML 1.0, section 2.2: other characters end the stream, however they are written.
fn fits(c: char) -> bool {
    matches!(c, '\t' | '\n' | '\r' | '\u{20}'..='\u{d7ff}' | '\u{e000}'..='\u{fffd}' | '\u{10000}'..)
}

#[cfg(test)]
mod tests {
    use super::*;
    use common::channel::Piece;
    use uuid::Uuid;

    fn piece(text: &str, number: u8, of: u8) -> Piece {
        let text = text.to_owned();
        Piece { text, number, of }
    }

    fn outgoing<'a>(to: &'a str, piece: &'a Piece) -> Outgoing<'a> {
        let id = Uuid::from_u128(7);
        Outgoing { id, to, piece }
    }

    #[test]
    fn a_message_asks_for_a_receipt_and_has_our_id() {
        let piece = piece("Terima kasih \u{1}😀 <b>&", 1, 1);
        let outgoing = outgoing("ani@dinas.example", &piece);
        let id = id(&outgoing);
        assert_eq!(id, Uuid::from_u128(7).to_string());
        let element = Element::from(message(&outgoing, &id).unwrap());
        assert_eq!(
            (element.attr("type"), element.attr("id")),
            (Some("chat"), Some(id.as_str()))
        );
        assert_eq!(
            element.get_child("body", "jabber:client").unwrap().text(),
            "Terima kasih 😀 <b>&"
        );
        assert!(element.has_child("request", "urn:xmpp:receipts"));
        let origin = element.get_child("origin-id", "urn:xmpp:sid:0").unwrap();
        assert_eq!(origin.attr("id"), Some(id.as_str()));
    }

    #[test]
    fn pieces_have_ids_of_their_own() {
        let (first, second) = (piece("a", 1, 2), piece("b", 2, 2));
        let ids = [&first, &second].map(|p| id(&outgoing("a@b", p)));
        assert_ne!(ids[0], ids[1]);
        assert!(ids[1].ends_with("-2"));
    }

    #[test]
    fn what_is_no_address_is_none() {
        let piece = piece("a", 1, 1);
        for to in ["", "@", "a@b@c", "+6281 2"] {
            assert!(message(&outgoing(to, &piece), "1").is_none(), "{to}");
        }
    }

    #[test]
    fn thanks_name_the_message() {
        let to = Jid::new("ani@dinas.example/phone").unwrap();
        let element = Element::from(thanks(to, MessageType::Chat, "m1".into()));
        assert_eq!(
            element
                .get_child("received", "urn:xmpp:receipts")
                .unwrap()
                .attr("id"),
            Some("m1")
        );
        assert!(element.get_child("body", "jabber:client").is_none());
    }
}
