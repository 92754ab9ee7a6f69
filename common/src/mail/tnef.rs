//! Outlook's `winmail.dat`: the files inside it (M17).
//!
//! Only what is needed to get the files out: the attributes of the attachment level ([MS-OXTNEF],
//! 2.1.3). The formatted text inside is left alone; the mail has it as text as well.

use super::files::{self, File};

/// The first four bytes of every TNEF stream ([MS-OXTNEF], 2.1.3.1).
pub(crate) const SIGNATURE: [u8; 4] = [0x78, 0x9f, 0x3e, 0x22];

const ATTACH_START: u32 = 0x0006_9002;
const ATTACH_TITLE: u32 = 0x0001_8010;
const ATTACH_DATA: u32 = 0x0006_800f;
const LEVEL_ATTACHMENT: u8 = 2;

/// The files in a TNEF stream, as far as it can be read; none if it holds none.
pub(crate) fn unwrap(bytes: &[u8], forwarded: bool) -> Vec<File> {
    let mut files: Vec<File> = Vec::new();
    // Four bytes of signature and two of a key that nobody uses.
    let mut rest = bytes.get(6..).unwrap_or_default();
    while let Some((level, id, data, after)) = attribute(rest) {
        rest = after;
        if level != LEVEL_ATTACHMENT {
            continue;
        }
        match (id, files.last_mut()) {
            (ATTACH_START, _) => files.push(empty(forwarded)),
            (ATTACH_TITLE, Some(file)) => {
                let title = data.strip_suffix(b"\0").unwrap_or(data);
                file.name = files::harmless(&super::charset::decode(title, None).text);
            }
            (ATTACH_DATA, Some(file)) => {
                file.content = data.to_vec();
                file.kind = files::kind(data);
            }
            _ => {}
        }
    }
    files.retain(|file| !file.content.is_empty());
    files
}

fn empty(forwarded: bool) -> File {
    File {
        name: String::new(),
        kind: files::FileKind::Empty,
        declared: "application/ms-tnef".to_owned(),
        content: Vec::new(),
        forwarded,
    }
}

/// Level, id, length, data, checksum; the checksum is not looked at: some writers get it wrong.
fn attribute(bytes: &[u8]) -> Option<(u8, u32, &[u8], &[u8])> {
    let (&level, rest) = bytes.split_first()?;
    let (id, rest) = number(rest)?;
    let (length, rest) = number(rest)?;
    let length = usize::try_from(length).ok()?;
    let data = rest.get(..length)?;
    Some((level, id, data, rest.get(length + 2..).unwrap_or_default()))
}

fn number(bytes: &[u8]) -> Option<(u32, &[u8])> {
    let (four, rest) = bytes.split_first_chunk::<4>()?;
    Some((u32::from_le_bytes(*four), rest))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn push(out: &mut Vec<u8>, id: u32, data: &[u8]) {
        out.push(LEVEL_ATTACHMENT);
        out.extend(id.to_le_bytes());
        out.extend((data.len() as u32).to_le_bytes());
        out.extend(data);
        out.extend([0, 0]);
    }

    #[test]
    fn files_come_out_and_a_cut_stream_gives_what_it_has() {
        let mut stream = SIGNATURE.to_vec();
        stream.extend([1, 0]);
        push(&mut stream, ATTACH_START, &[0; 14]);
        push(&mut stream, ATTACH_TITLE, b"data.pdf\0");
        push(&mut stream, ATTACH_DATA, b"%PDF-1.4");
        push(&mut stream, ATTACH_START, &[0; 14]);
        push(&mut stream, ATTACH_DATA, b"second");
        let all = unwrap(&stream, false);
        assert_eq!(all.len(), 2);
        assert_eq!(
            (all[0].name.as_str(), all[0].kind),
            ("data.pdf", files::FileKind::Pdf)
        );
        let cut = unwrap(&stream[..stream.len() - 4], false);
        assert_eq!(cut.len(), 1);
        assert!(unwrap(&SIGNATURE, false).is_empty());
    }
}
