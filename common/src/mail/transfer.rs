//! Content-Transfer-Encoding undone, never refusing: what is broken is read as far as it goes.

use super::words::hex;
use mail_parser::decoders::base64::base64_decode;
use mail_parser::decoders::quoted_printable::quoted_printable_decode;

/// The bytes that were sent. An unknown encoding is taken as none (RFC 2045, 6.4 would refuse).
pub(crate) fn decode(body: &[u8], encoding: &str) -> Vec<u8> {
    match encoding {
        "base64" => base64(body),
        "quoted-printable" => quoted_printable_decode(body).unwrap_or_else(|| lenient_quoted(body)),
        "x-uuencode" | "uuencode" | "x-uue" => uu(body),
        _ => body.to_vec(),
    }
}

fn base64(body: &[u8]) -> Vec<u8> {
    if let Some(bytes) = base64_decode(body) {
        return bytes;
    }
    // A footer that a list or a virus scanner pasted below, or stray bytes: take the alphabet
    // only, up to the padding.
    let alphabet = |b: &u8| b.is_ascii_alphanumeric() || matches!(b, b'+' | b'/');
    let end = body.iter().position(|&b| b == b'=').unwrap_or(body.len());
    let mut packed: Vec<u8> = body[..end].iter().copied().filter(alphabet).collect();
    while packed.len() % 4 == 1 {
        packed.pop();
    }
    base64_decode(&packed).unwrap_or_default()
}

fn lenient_quoted(body: &[u8]) -> Vec<u8> {
    let mut out = Vec::with_capacity(body.len());
    let mut rest = body;
    while let Some((&byte, after)) = rest.split_first() {
        rest = after;
        if byte != b'=' {
            out.push(byte);
        } else if let Some(value) = after.get(..2).and_then(|d| hex(d[0], d[1])) {
            out.push(value);
            rest = &after[2..];
        } else if let Some(next) = soft_break(after) {
            rest = next;
        } else {
            out.push(byte);
        }
    }
    out
}

fn soft_break(after: &[u8]) -> Option<&[u8]> {
    let blanks = after
        .iter()
        .take_while(|b| matches!(b, b' ' | b'\t' | b'\r'))
        .count();
    after[blanks..].strip_prefix(b"\n")
}

fn uu(body: &[u8]) -> Vec<u8> {
    let mut out = Vec::new();
    let lines = body.split(|&b| b == b'\n').map(<[u8]>::trim_ascii_end);
    for line in lines.skip_while(|l| !l.starts_with(b"begin ")).skip(1) {
        let Some((&length, data)) = line.split_first() else {
            continue;
        };
        if line == b"end" {
            break;
        }
        let value = |b: u8| b.wrapping_sub(32) & 63;
        let length = usize::from(value(length));
        let mut bytes = Vec::with_capacity(length + 3);
        for four in data.chunks(4) {
            let at = |i: usize| four.get(i).map_or(0, |&b| value(b));
            let (a, b, c, d) = (at(0), at(1), at(2), at(3));
            bytes.extend([a << 2 | b >> 4, b << 4 | c >> 2, c << 6 | d]);
        }
        bytes.truncate(length);
        out.extend(bytes);
    }
    out
}

#[cfg(test)]
mod tests {
    use super::decode;

    #[test]
    fn what_can_be_read_is_read() {
        for (encoding, body, out) in [
            ("base64", "c2FwaQ==", "sapi"),
            ("base64", "c2Fw\r\naQ==\r\n", "sapi"),
            (
                "base64",
                "c2FwaQ==\r\n--\r\nThis list is run by us\r\n",
                "sapi",
            ),
            ("base64", "c2F!waQ", "sapi"),
            ("quoted-printable", "a=20b=\r\nc", "a bc"),
            ("quoted-printable", "100=% =ZZ a=3Db", "100=% =ZZ a=b"),
            ("x-uuencode", "begin 644 a\n$<V%P:0``\n`\nend\n", "sapi"),
            ("7bit", "a=20b", "a=20b"),
            ("nonsense", "sapi", "sapi"),
        ] {
            let seen = decode(body.as_bytes(), encoding);
            assert_eq!(String::from_utf8_lossy(&seen), out, "{encoding} {body}");
        }
    }
}
