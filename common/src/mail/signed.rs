//! S/MIME in one piece (`smime.p7m`): the signed mail is taken out, the signature is not checked
//! (who sent a mail is proven by its domain, see `proof`), an encrypted one is told apart (M19).

/// What a `smime.p7m` holds.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Wrapped {
    /// A MIME part that somebody signed.
    Signed(Vec<u8>),
    /// Encrypted; nobody here has a key.
    Encrypted,
    /// Something else, or unreadable.
    Unknown,
}

/// 1.2.840.113549.1.7.x (RFC 5652): 2 is signed, 3 and 16-23 enveloped of some kind.
const PKCS7: [u8; 8] = [0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 0x01, 0x07];
/// 1.2.840.113549.1.9.16.1.23, authenticated and enveloped (RFC 5083).
const AUTH_ENVELOPED: [u8; 11] = [
    0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 0x01, 0x09, 0x10, 0x01, 0x17,
];
/// Octet strings in octet strings; real ones go two deep, and each level doubles the work.
const DEEPEST: usize = 3;

/// Elements without a length in each other; a signed mail has six.
const DEEPEST_OPEN: usize = 16;

/// Looks into CMS bytes (DER, or BER with indefinite lengths as Outlook and others write it).
pub(crate) fn unwrap(bytes: &[u8]) -> Wrapped {
    find(bytes).unwrap_or(Wrapped::Unknown)
}

fn find(bytes: &[u8]) -> Option<Wrapped> {
    let (info, _) = expect(bytes, 0x30)?;
    let (kind, rest) = expect(info, 0x06)?;
    if kind == AUTH_ENVELOPED {
        return Some(Wrapped::Encrypted);
    }
    match kind.strip_prefix(&PKCS7)? {
        [2] => signed(rest).map(Wrapped::Signed),
        [3 | 4 | 6] => Some(Wrapped::Encrypted),
        _ => None,
    }
}

/// SignedData: version, digest algorithms, then the content with its kind (RFC 5652, 5.1).
fn signed(rest: &[u8]) -> Option<Vec<u8>> {
    let (explicit, _) = expect(rest, 0xa0)?;
    let (data, _) = expect(explicit, 0x30)?;
    let (_, rest) = expect(data, 0x02)?;
    let (_, rest) = expect(rest, 0x31)?;
    let (content, _) = expect(rest, 0x30)?;
    let (_, rest) = expect(content, 0x06)?;
    let (explicit, _) = expect(rest, 0xa0)?;
    let mut out = Vec::new();
    octets(explicit, &mut out, 0)?;
    Some(out)
}

/// An octet string, in one piece (0x04) or in several (0x24).
fn octets(bytes: &[u8], out: &mut Vec<u8>, depth: usize) -> Option<()> {
    let (tag, content, _) = element(bytes, 0)?;
    match tag {
        0x04 => out.extend_from_slice(content),
        0x24 if depth < DEEPEST => {
            let mut rest = content;
            while let Some((_, _, after)) = element(rest, 0) {
                octets(rest, out, depth + 1)?;
                rest = after;
            }
        }
        _ => return None,
    }
    Some(())
}

fn expect(bytes: &[u8], tag: u8) -> Option<(&[u8], &[u8])> {
    let (found, content, rest) = element(bytes, 0)?;
    (found == tag).then_some((content, rest))
}

/// One element: its tag, its content, what follows it. `None` at the end or when it is broken.
fn element(bytes: &[u8], depth: usize) -> Option<(u8, &[u8], &[u8])> {
    let (&tag, rest) = bytes.split_first()?;
    if tag == 0 {
        return None;
    }
    let (&first, rest) = rest.split_first()?;
    if first == 0x80 {
        return indefinite(tag, rest, depth);
    }
    let (length, rest) = match usize::from(first & 0x7f) {
        n if first < 0x80 => (n, rest),
        n @ 1..=4 => {
            let length = rest
                .get(..n)?
                .iter()
                .fold(0_usize, |l, &b| l << 8 | usize::from(b));
            (length, &rest[n..])
        }
        _ => return None,
    };
    Some((tag, rest.get(..length)?, &rest[length..]))
}

/// Content without a length ends with two zero bytes.
fn indefinite(tag: u8, content: &[u8], depth: usize) -> Option<(u8, &[u8], &[u8])> {
    if depth > DEEPEST_OPEN {
        return None;
    }
    let mut rest = content;
    while let Some((_, _, after)) = element(rest, depth + 1) {
        rest = after;
    }
    let after = rest.strip_prefix(&[0, 0])?;
    Some((tag, &content[..content.len() - rest.len()], after))
}
