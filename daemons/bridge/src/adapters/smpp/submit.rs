//! What goes out: `submit_sm` (SMPP 3.4, section 4.4.1).

use super::join;
use super::settings::{Join, Settings};
use super::text;
use crate::adapter::Outgoing;
use common::code::sms;
use rusmpp::pdus::SubmitSm;
use rusmpp::tlvs::MessageSubmissionRequestTlvValue as Parameter;
use rusmpp::types::{AnyOctetString, COctetString, OctetString};
use rusmpp::values::{
    DataCoding, EsmClass, MessagePayload, Npi, RegisteredDelivery, ServiceType, Ton,
};
use std::collections::HashSet;
use std::str::FromStr;
use std::sync::{Mutex, PoisonError};
use uuid::Uuid;

/// `esm_class`: the text begins with a header (SMPP 3.4, section 5.2.12).
const UDHI: u8 = 0b0100_0000;

/// Most octets of the short message; more go into the payload parameter (SMPP 3.4, section 5.2.21).
const SHORT: usize = 254;

/// A failure or a success is told, nothing else (SMPP 3.4, section 5.2.17).
const FINAL_RECEIPT: u8 = 1;

/// How a piece goes out.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Way {
    /// It is a part that the receiver's phone puts together with others.
    pub joined: bool,
    /// In UCS-2, whatever it says.
    pub wide: bool,
}

/// The message; an `Err` says why SMPP cannot carry it.
pub fn message(
    outgoing: &Outgoing<'_>,
    settings: &Settings,
    way: Way,
) -> Result<SubmitSm, &'static str> {
    let receiver = receiver(outgoing.to, settings.plus);
    let too_long = "the address does not fit into SMPP";
    let receiver = COctetString::from_str(&receiver).map_err(|_| too_long)?;
    // Both were checked when the settings were read.
    let ours = |_| "a setting does not fit into SMPP";
    let (data_coding, octets) = text::write(&outgoing.piece.text, settings.alphabet, way.wide);
    let (header, mut parameters) = joining(outgoing, settings.join, way);
    let esm_class = if header.is_empty() { 0 } else { UDHI };
    let mut octets = [header, octets].concat();
    if octets.len() > SHORT {
        let payload = AnyOctetString::from_vec(std::mem::take(&mut octets));
        parameters.push(Parameter::MessagePayload(MessagePayload::new(payload)));
    }
    let receipts = if settings.receipts { FINAL_RECEIPT } else { 0 };
    Ok(SubmitSm::builder()
        .service_type(ServiceType::new(
            COctetString::from_str(&settings.service_type).map_err(ours)?,
        ))
        .source_addr_ton(Ton::from(settings.source_ton()))
        .source_addr_npi(Npi::from(settings.source_npi))
        .source_addr(COctetString::from_str(&settings.source).map_err(ours)?)
        .dest_addr_ton(Ton::from(settings.dest_ton))
        .dest_addr_npi(Npi::from(settings.dest_npi))
        .destination_addr(receiver)
        // Named even when it is nothing: the library's own default asks for an acknowledgement.
        .esm_class(EsmClass::from(esm_class))
        .registered_delivery(RegisteredDelivery::from(receipts))
        .data_coding(DataCoding::from(data_coding))
        .short_message(OctetString::from_vec(octets).map_err(|_| "too long for SMPP")?)
        .tlvs(parameters)
        .build())
}

/// Canonical numbers begin with `+`.
fn receiver(to: &str, plus: bool) -> String {
    match to.strip_prefix('+') {
        Some(digits) if !plus => digits.to_owned(),
        _ => to.to_owned(),
    }
}

/// Header and parameters that join a piece with the others.
fn joining(outgoing: &Outgoing<'_>, join: Join, way: Way) -> (Vec<u8>, Vec<Parameter>) {
    let (number, of) = (outgoing.piece.number, outgoing.piece.of);
    if !way.joined {
        return (vec![], vec![]);
    }
    let reference = reference(outgoing.id);
    match join {
        Join::Udh8 => (join::udh8(reference, number, of), vec![]),
        Join::Udh16 => (join::udh16(reference, number, of), vec![]),
        Join::Sar => {
            let parameters = vec![
                Parameter::SarMsgRefNum(reference),
                Parameter::SarTotalSegments(of),
                Parameter::SarSegmentSeqnum(number),
            ];
            (vec![], parameters)
        }
    }
}

/// The same in every try, so that a phone joins what several tries brought.
fn reference(id: Uuid) -> u16 {
    let [.., high, low] = id.into_bytes();
    u16::from_be_bytes([high, low])
}

/// Texts of several parts that go out in UCS-2 now: a last part that needs none of it must have it
/// all the same, because the parts of a text share one alphabet (3GPP TS 23.040, section 9.2.3.24.1).
#[derive(Default)]
pub struct Wide(Mutex<HashSet<Uuid>>);

/// Most characters of a part in UCS-2; one in GSM-7 that others follow has at least 76.
const WIDEST_PART: usize = 67;

/// Texts that broke off are forgotten when there are so many.
const REMEMBERED: usize = 1000;

impl Wide {
    /// How this piece goes; `joins` when the channel's texts are joined by the receiver's phone.
    pub fn way(&self, outgoing: &Outgoing<'_>, joins: bool) -> Way {
        let (text, piece) = (&outgoing.piece.text, outgoing.piece);
        let joined = joins && piece.of > 1;
        let last = piece.number >= piece.of;
        let short = text.encode_utf16().count() <= WIDEST_PART;
        let by_itself = !sms::is_gsm7(text) || (!last && short);
        if !joined {
            return Way {
                joined,
                wide: false,
            };
        }
        let mut wide = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if last {
            return Way {
                joined,
                wide: wide.remove(&outgoing.id) || by_itself,
            };
        }
        if wide.len() >= REMEMBERED {
            wide.clear();
        }
        if by_itself {
            wide.insert(outgoing.id);
        }
        Way {
            joined,
            wide: by_itself,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::settings::tests::settings;
    use super::*;
    use common::channel::{Length, Piece, Split};
    use rusmpp::values::EsmClass;

    const ID: Uuid = Uuid::from_u128(0x1234);

    fn piece(text: &str, number: u8, of: u8) -> Piece {
        Piece {
            text: text.to_owned(),
            number,
            of,
        }
    }

    fn made(piece: &Piece, more: &str, way: Way) -> SubmitSm {
        let to = "+6281234567890";
        message(&Outgoing { id: ID, to, piece }, &settings(more), way).unwrap()
    }

    const PLAIN: Way = Way {
        joined: false,
        wide: false,
    };
    const JOINED: Way = Way {
        joined: true,
        wide: false,
    };

    #[test]
    fn a_short_text_with_the_settings_addresses() {
        let more = "source = \"Kentongan\"\nservice_type = \"CMT\"\nplus = true\nreceipts = false";
        let sent = made(&piece("[1] sapi", 1, 1), more, PLAIN);
        assert_eq!(&sent.short_message()[..], b"\x1b\x3c1\x1b\x3e sapi");
        assert_eq!(sent.esm_class, EsmClass::from(0));
        assert_eq!(u8::from(sent.esm_class), 0);
        assert_eq!(u8::from(sent.data_coding), 0);
        assert_eq!(u8::from(sent.registered_delivery), 0);
        assert_eq!(
            (u8::from(sent.source_addr_ton), u8::from(sent.dest_addr_ton)),
            (5, 1)
        );
        assert_eq!(sent.destination_addr.as_str(), "+6281234567890");
        assert_eq!(sent.source_addr.as_str(), "Kentongan");
        let sent = made(
            &piece("ć", 1, 1),
            "source = \"3949\"\nsource_npi = 1",
            PLAIN,
        );
        assert_eq!(
            (&sent.short_message()[..], u8::from(sent.data_coding)),
            (&[1, 7][..], 8)
        );
        assert_eq!(sent.destination_addr.as_str(), "6281234567890");
        assert_eq!(u8::from(sent.registered_delivery), 1);
        assert_eq!(
            (
                u8::from(sent.source_addr_ton),
                u8::from(sent.source_addr_npi)
            ),
            (0, 1)
        );
    }

    #[test]
    fn parts_are_joined_as_the_settings_say() {
        let part = piece("a", 2, 3);
        let sent = made(&part, "", JOINED);
        assert_eq!(&sent.short_message()[..], &[5, 0, 3, 0x34, 3, 2, b'a']);
        assert_eq!(u8::from(sent.esm_class), UDHI);
        let sent = made(&part, "join = \"udh16\"", JOINED);
        assert_eq!(
            &sent.short_message()[..],
            &[6, 8, 4, 0x12, 0x34, 3, 2, b'a']
        );
        let sent = made(&part, "join = \"sar\"", JOINED);
        assert_eq!(
            (&sent.short_message()[..], u8::from(sent.esm_class)),
            (&b"a"[..], 0)
        );
        let tags: Vec<u16> = sent.tlvs().iter().map(|t| t.tag().into()).collect();
        assert_eq!(tags, [0x020c, 0x020e, 0x020f]);
        // Numbered pieces are texts of their own.
        let sent = made(&part, "", PLAIN);
        assert_eq!(&sent.short_message()[..], b"a");
    }

    #[test]
    fn what_is_longer_than_a_message_goes_as_payload() {
        let sent = made(&piece(&"a".repeat(254), 1, 1), "", PLAIN);
        assert_eq!((sent.sm_length(), sent.tlvs().len()), (254, 0));
        let sent = made(&piece(&"a".repeat(255), 1, 1), "", PLAIN);
        assert_eq!((sent.sm_length(), sent.tlvs().len()), (0, 1));
        assert_eq!(u16::from(sent.tlvs()[0].tag()), 0x0424);
        assert_eq!(sent.tlvs()[0].value_length(), 255);
    }

    #[test]
    fn an_address_that_does_not_fit_is_refused() {
        let piece = piece("a", 1, 1);
        for to in ["+628123456789012345678", "sapi@é"] {
            let outgoing = Outgoing {
                id: ID,
                to,
                piece: &piece,
            };
            assert!(message(&outgoing, &settings(""), PLAIN).is_err(), "{to}");
        }
    }

    #[test]
    fn all_parts_of_a_text_have_one_alphabet_and_fit() {
        let length = Length {
            split: Split::Joined,
            most: 0,
            pieces: 9,
        };
        let brackets = "[".repeat(200);
        for (text, wide) in [
            ("a".repeat(400), false),
            (brackets, false),
            (format!("{}{}", "🐄".repeat(40), "a".repeat(150)), true),
            (format!("{}ć", "[".repeat(150)), true),
        ] {
            let memory = Wide::default();
            let pieces = length.pieces(&text);
            assert!(pieces.len() > 1);
            for piece in &pieces {
                let outgoing = Outgoing {
                    id: ID,
                    to: "+62811",
                    piece,
                };
                let way = memory.way(&outgoing, true);
                assert_eq!(way, Way { joined: true, wide }, "{}", piece.text);
                let sent = message(&outgoing, &settings(""), way).unwrap();
                assert!(sent.sm_length() <= if wide { 140 } else { 159 });
            }
            assert!(memory.0.lock().unwrap().is_empty());
            let outgoing = Outgoing {
                id: ID,
                to: "+62811",
                piece: &pieces[0],
            };
            assert_eq!(memory.way(&outgoing, false), PLAIN, "not joined");
        }
    }
}
