//! What networks send in: `deliver_sm` (SMPP 3.4, section 4.6.1), read octet by octet and never
//! refused for small faults. Networks write letters into numbers and leave closing zeros out; a
//! strict reader would break off, and be sent the same again for ever.

use super::join;
use super::receipt::{self, Said};
use super::settings::Settings;
use super::text;
use crate::port::{Arrived, Part, Receipt};
use jiff::Timestamp;

/// `esm_class`: kinds of messages (SMPP 3.4, section 5.2.12).
const KIND: u8 = 0b0011_1100;
const RECEIPT: u8 = 0b0000_0100;
const INTERMEDIATE: u8 = 0b0010_0000;

/// `esm_class`: the text begins with a header.
const UDHI: u8 = 0b0100_0000;

/// An international number (SMPP 3.4, section 5.2.5).
const INTERNATIONAL: u8 = 1;

/// Optional parameters (SMPP 3.4, section 5.3.2).
const RECEIPTED_MESSAGE_ID: u16 = 0x001e;
const SAR_MSG_REF_NUM: u16 = 0x020c;
const SAR_TOTAL_SEGMENTS: u16 = 0x020e;
const SAR_SEGMENT_SEQNUM: u16 = 0x020f;
const NETWORK_ERROR_CODE: u16 = 0x0423;
const MESSAGE_PAYLOAD: u16 = 0x0424;
const MESSAGE_STATE: u16 = 0x0427;

/// What came in.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Delivered {
    /// A text, or a part of one.
    Text(Arrived),
    /// What became of a text of ours.
    Receipt(Receipt),
    /// A receipt that does not say of what, or what.
    Vague,
}

/// The fields that matter, as they are.
struct Message<'a> {
    from: String,
    esm_class: u8,
    data_coding: u8,
    user_data: &'a [u8],
    parameters: Vec<(u16, &'a [u8])>,
}

/// Reads the body of a `deliver_sm`; `None` when it breaks off before its text.
pub fn read(body: &[u8], settings: &Settings, now: Timestamp) -> Option<Delivered> {
    let message = message(body)?;
    let kind = message.esm_class & KIND;
    let named = message.parameter(RECEIPTED_MESSAGE_ID).is_some();
    let stated = message.parameter(MESSAGE_STATE).is_some();
    let is_receipt = kind == RECEIPT || kind == INTERMEDIATE || (named && stated);
    Some(match is_receipt {
        true => message.receipt(settings, now),
        false => Delivered::Text(message.text(settings, now)),
    })
}

impl<'a> Message<'a> {
    fn parameter(&self, tag: u16) -> Option<&'a [u8]> {
        let found = self.parameters.iter().find(|(t, _)| *t == tag);
        found.map(|(_, value)| *value)
    }

    /// An optional parameter that is a string, with or without its closing zero.
    fn string(&self, tag: u16) -> Option<String> {
        let text = cut_at_zero(self.parameter(tag)?);
        (!text.is_empty()).then_some(text)
    }

    fn octet(&self, tag: u16) -> Option<u8> {
        self.parameter(tag)?.last().copied()
    }

    fn text(&self, settings: &Settings, now: Timestamp) -> Arrived {
        let (by_header, octets) = match self.esm_class & UDHI {
            0 => (None, self.user_data),
            _ => join::part_from(self.user_data),
        };
        Arrived {
            from: self.from.clone(),
            text: text::read(self.data_coding, octets, settings.alphabet),
            // Some gateways give texts that come in ids, too, by the same parameter.
            id: self.string(RECEIPTED_MESSAGE_ID),
            sent_at: now,
            part: by_header.or_else(|| self.sar()),
        }
    }

    fn sar(&self) -> Option<Part> {
        let reference = match self.parameter(SAR_MSG_REF_NUM)? {
            [low] => u16::from(*low),
            [.., high, low] => u16::from_be_bytes([*high, *low]),
            [] => return None,
        };
        let number = self.octet(SAR_SEGMENT_SEQNUM)?;
        Part::new(reference, number, self.octet(SAR_TOTAL_SEGMENTS)?)
    }

    /// Parameters are standard, texts are not: those count first. When it happened stands in the
    /// text without its time zone, so the time of arrival is taken.
    fn receipt(&self, settings: &Settings, now: Timestamp) -> Delivered {
        let Said { id, state, error } = receipt::read(&text::read(
            self.data_coding,
            self.user_data,
            settings.alphabet,
        ));
        let id = self.string(RECEIPTED_MESSAGE_ID).or(id);
        let state = self.octet(MESSAGE_STATE).map(receipt::state).or(state);
        let (Some(id), Some(state)) = (id, state) else {
            return Delivered::Vague;
        };
        Delivered::Receipt(Receipt {
            provider_id: settings.receipt_ids.receipted(&id),
            state,
            reason: self.network_error().or(error).map(|e| format!("error {e}")),
            at: now,
        })
    }

    /// Network and code (SMPP 3.4, section 5.3.2.31); code 0 is none.
    fn network_error(&self) -> Option<String> {
        match self.parameter(NETWORK_ERROR_CODE)? {
            [network, high, low] if (*high, *low) != (0, 0) => {
                let code = u16::from_be_bytes([*high, *low]);
                Some(format!("{network}/{code}"))
            }
            _ => None,
        }
    }
}

fn message(body: &[u8]) -> Option<Message<'_>> {
    let mut rest = Octets(body);
    let _service_type = rest.string()?;
    let (ton, _npi) = (rest.octet()?, rest.octet()?);
    let source = rest.string()?;
    let (_ton, _npi, _destination) = (rest.octet()?, rest.octet()?, rest.string()?);
    let esm_class = rest.octet()?;
    let (_protocol, _priority) = (rest.octet()?, rest.octet()?);
    let (_schedule, _validity) = (rest.string()?, rest.string()?);
    let (_registered, _replace) = (rest.octet()?, rest.octet()?);
    let data_coding = rest.octet()?;
    let (_canned, length) = (rest.octet()?, rest.octet()?);
    let short = rest.take(usize::from(length))?;
    let parameters = rest.parameters();
    let payload = parameters.iter().find(|(tag, _)| *tag == MESSAGE_PAYLOAD);
    Some(Message {
        from: address(source, ton),
        esm_class,
        data_coding,
        user_data: payload.map_or(short, |(_, value)| *value),
        parameters,
    })
}

/// As a network writes it; its kind is all that tells whether a number has its country's code.
fn address(source: &[u8], ton: u8) -> String {
    let address = cut_at_zero(source);
    let digits = !address.is_empty() && address.bytes().all(|b| b.is_ascii_digit());
    match digits && ton == INTERNATIONAL {
        true => format!("+{address}"),
        false => address,
    }
}

fn cut_at_zero(octets: &[u8]) -> String {
    let end = octets.iter().position(|o| *o == 0);
    String::from_utf8_lossy(&octets[..end.unwrap_or(octets.len())])
        .trim()
        .to_owned()
}

struct Octets<'a>(&'a [u8]);

impl<'a> Octets<'a> {
    fn octet(&mut self) -> Option<u8> {
        self.take(1)?.first().copied()
    }

    fn take(&mut self, count: usize) -> Option<&'a [u8]> {
        let (taken, rest) = self.0.split_at_checked(count)?;
        self.0 = rest;
        Some(taken)
    }

    /// Up to the closing zero.
    fn string(&mut self) -> Option<&'a [u8]> {
        let end = self.0.iter().position(|o| *o == 0)?;
        let text = self.take(end)?;
        self.take(1)?;
        Some(text)
    }

    /// Tag, length, value, again and again; what breaks off is left out.
    fn parameters(&mut self) -> Vec<(u16, &'a [u8])> {
        let mut found = Vec::new();
        while let Some(&[t1, t2, l1, l2]) = self.take(4) {
            let length = u16::from_be_bytes([l1, l2]);
            let Some(value) = self.take(usize::from(length)) else {
                break;
            };
            found.push((u16::from_be_bytes([t1, t2]), value));
        }
        found
    }
}

#[cfg(test)]
mod tests;
