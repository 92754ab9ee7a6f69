//! What joins the parts of a long text: the user data header (3GPP TS 23.040, section 9.2.3.24) and
//! the `sar_` parameters (SMPP 3.4, section 5.3.2.22 to 24).

use crate::port::Part;

/// Concatenated short messages, with a reference of 8 bits.
const IEI_8: u8 = 0x00;

/// The same with 16 bits.
const IEI_16: u8 = 0x08;

/// A part's header of 8 bits, its own length in front.
pub fn udh8(reference: u16, number: u8, of: u8) -> Vec<u8> {
    let [_, low] = reference.to_be_bytes();
    vec![5, IEI_8, 3, low, of, number]
}

/// A part's header of 16 bits, its own length in front.
pub fn udh16(reference: u16, number: u8, of: u8) -> Vec<u8> {
    let [high, low] = reference.to_be_bytes();
    vec![6, IEI_16, 4, high, low, of, number]
}

/// User data parted into what its header says of joining, and the text. A header that goes beyond
/// the data is none: then all of it is text.
pub fn part_from(user_data: &[u8]) -> (Option<Part>, &[u8]) {
    let Some((&length, rest)) = user_data.split_first() else {
        return (None, user_data);
    };
    match rest.split_at_checked(usize::from(length)) {
        Some((header, text)) => (joined_by(header), text),
        None => (None, user_data),
    }
}

/// The first element that joins.
fn joined_by(mut header: &[u8]) -> Option<Part> {
    while let [iei, length, rest @ ..] = header {
        let (element, after) = rest.split_at_checked(usize::from(*length))?;
        match (*iei, element) {
            (IEI_8, &[reference, of, number]) => {
                return Part::new(u16::from(reference), number, of);
            }
            (IEI_16, &[high, low, of, number]) => {
                return Part::new(u16::from_be_bytes([high, low]), number, of);
            }
            _ => header = after,
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn part(reference: u16, number: u8, of: u8) -> Option<Part> {
        Part::new(reference, number, of)
    }

    #[test]
    fn headers_as_phones_write_them() {
        let rows: [(&[u8], Option<Part>, &[u8]); 9] = [
            (&[5, 0, 3, 0xab, 2, 1, b'a'], part(0xab, 1, 2), b"a"),
            (&[6, 8, 4, 0x12, 0x34, 3, 3, b'a'], part(0x1234, 3, 3), b"a"),
            // Ports first, then the parts.
            (
                &[11, 5, 4, 0x0b, 0x84, 0, 0, 0, 3, 7, 2, 2, b'a'],
                part(7, 2, 2),
                b"a",
            ),
            // Something else only.
            (&[3, 0x24, 1, 1, b'a'], None, b"a"),
            // A part that cannot be: number 3 of 2, 0 of 2, 1 of 1.
            (&[5, 0, 3, 1, 2, 3, b'a'], None, b"a"),
            (&[5, 0, 3, 1, 2, 0, b'a'], None, b"a"),
            (&[5, 0, 3, 1, 1, 1, b'a'], None, b"a"),
            // Longer than all there is.
            (&[200, 0, 3, 1], None, &[200, 0, 3, 1]),
            (&[], None, b""),
        ];
        for (data, want, text) in rows {
            assert_eq!(part_from(data), (want, text), "{data:x?}");
        }
    }

    proptest! {
        #[test]
        fn what_is_written_is_read(reference in any::<u16>(), of in 2u8..=255, text in ".{0,9}") {
            let number = of / 2 + 1;
            for (mut data, reference) in [
                (udh8(reference, number, of), reference & 0xff),
                (udh16(reference, number, of), reference),
            ] {
                data.extend(text.bytes());
                let want = (Part::new(reference, number, of), text.as_bytes());
                prop_assert_eq!(part_from(&data), want);
            }
        }

        #[test]
        fn anything_can_be_read(data in proptest::collection::vec(any::<u8>(), 0..160)) {
            part_from(&data);
        }
    }
}
