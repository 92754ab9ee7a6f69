//! The parts of a mail, found in one pass over its lines.
//!
//! mail-parser reads the headers here and its decoders the contents, but the walk is ours: the
//! crate's searches the rest of the mail once more for each boundary that never comes (measured: time
//! grows with boundaries times bytes), and it cannot be told to stop (M20).

use super::headers::{self, Fields};
use super::limits::{Limits, Refusal};
use super::part::{self, Part};
use std::borrow::Cow;

/// A container whose end has not come yet.
struct Open {
    boundary: Vec<u8>,
    kind: String,
    letter: usize,
    /// What its preamble would be read as if no part ever comes.
    fields: Fields,
    start: usize,
    seen: bool,
}

/// What a mail consists of.
#[derive(Debug, Default)]
pub(crate) struct Walked<'a> {
    /// Its parts, those of attached mails included.
    pub parts: Vec<Part<'a>>,
    /// The headers of attached mails.
    pub attached: Vec<Fields>,
}

struct Walk<'a, 'l> {
    raw: &'a [u8],
    limits: &'l Limits,
    stack: Vec<Open>,
    parts: Vec<Part<'a>>,
    attached: Vec<Fields>,
    count: usize,
}

/// Where the pass stands.
enum State {
    /// In a header block that began here, of a mail (`top`) or part on this letter level.
    Header {
        start: usize,
        letter: usize,
        top: bool,
    },
    /// In the body of a part.
    Body {
        fields: Fields,
        kind: String,
        start: usize,
        letter: usize,
    },
    /// Before the first or after the last part of a container.
    Between,
}

/// All parts of a mail, those of attached mails included.
pub(crate) fn parts<'a>(raw: &'a [u8], limits: &Limits) -> Result<Walked<'a>, Refusal> {
    walk(raw, limits, 0, 0)
}

fn walk<'a>(
    raw: &'a [u8],
    limits: &Limits,
    letter: usize,
    count: usize,
) -> Result<Walked<'a>, Refusal> {
    let mut walk = Walk {
        raw,
        limits,
        stack: Vec::new(),
        parts: Vec::new(),
        attached: Vec::new(),
        count,
    };
    let mut state = State::Header {
        start: 0,
        letter,
        top: true,
    };
    let mut at = 0;
    for line in raw.split_inclusive(|&b| b == b'\n') {
        let next = at + line.len();
        state = walk.line(state, line, at, next)?;
        at = next;
    }
    walk.end(state)?;
    walk.unwrap_encoded()
}

impl<'a> Walk<'a, '_> {
    fn line(
        &mut self,
        state: State,
        line: &[u8],
        at: usize,
        next: usize,
    ) -> Result<State, Refusal> {
        if line.starts_with(b"--")
            && let Some(found) = self.boundary(line)
        {
            return self.boundary_found(state, found, at, next);
        }
        match state {
            State::Header { start, letter, top }
                if line.trim_ascii().is_empty() && line.len() <= 2 =>
            {
                let fields = self.header(start, at, letter, top)?;
                self.header_ended(fields, next, letter)
            }
            State::Header { start, .. } if next - start > self.limits.header_bytes => {
                Err(Refusal::HeaderTooLarge {
                    limit: self.limits.header_bytes,
                })
            }
            other => Ok(other),
        }
    }

    /// Which open container this line belongs to, the innermost first, and whether it ends it.
    fn boundary(&self, line: &[u8]) -> Option<(usize, bool)> {
        let line = line[2..].trim_ascii_end();
        self.stack
            .iter()
            .enumerate()
            .rev()
            .find_map(
                |(level, open)| match line.strip_prefix(open.boundary.as_slice())? {
                    b"" => Some((level, false)),
                    b"--" => Some((level, true)),
                    _ => None,
                },
            )
    }

    fn boundary_found(
        &mut self,
        state: State,
        (level, last): (usize, bool),
        at: usize,
        next: usize,
    ) -> Result<State, Refusal> {
        self.close(state, at)?;
        // Inner containers whose end never came are ended by their parent's line.
        self.shrink(level + 1, at);
        self.stack[level].seen = true;
        if last {
            self.stack.truncate(level);
            return Ok(State::Between);
        }
        let letter = self.stack[level].letter;
        Ok(State::Header {
            start: next,
            letter,
            top: false,
        })
    }

    /// Reads a header block; that of an attached mail is kept aside as well.
    fn header(
        &mut self,
        start: usize,
        at: usize,
        letter: usize,
        top: bool,
    ) -> Result<Fields, Refusal> {
        self.one_more()?;
        if at - start > self.limits.header_bytes {
            return Err(Refusal::HeaderTooLarge {
                limit: self.limits.header_bytes,
            });
        }
        let fields = Fields::parse(&self.raw[start..at]);
        if top && letter > 0 {
            self.attached.push(fields.clone());
        }
        Ok(fields)
    }

    fn header_ended(
        &mut self,
        fields: Fields,
        next: usize,
        letter: usize,
    ) -> Result<State, Refusal> {
        let (kind, boundary) = self.kind(&fields);
        if let Some(boundary) = boundary {
            self.open(Open {
                boundary,
                kind,
                letter,
                fields,
                start: next,
                seen: false,
            })?;
            return Ok(State::Between);
        }
        if part::is_mail(&kind) && part::is_plain(&fields.encoding()) {
            self.deeper(letter)?;
            // The attached mail itself is listed as well, so that it can be named.
            self.push(fields, kind, Cow::Borrowed(&self.raw[next..next]), letter);
            return Ok(State::Header {
                start: next,
                letter: letter + 1,
                top: true,
            });
        }
        Ok(State::Body {
            fields,
            kind,
            start: next,
            letter,
        })
    }

    fn deeper(&self, letter: usize) -> Result<(), Refusal> {
        match self.stack.len() + letter + 1 > self.limits.depth {
            true => Err(Refusal::TooDeep {
                limit: self.limits.depth,
            }),
            false => Ok(()),
        }
    }

    fn open(&mut self, open: Open) -> Result<(), Refusal> {
        if open.boundary.len() > self.limits.boundary_bytes {
            return Err(Refusal::BoundaryTooLong {
                limit: self.limits.boundary_bytes,
            });
        }
        self.deeper(open.letter)?;
        self.stack.push(open);
        Ok(())
    }

    /// Ends what is open at a boundary line or at the end of the mail.
    fn close(&mut self, state: State, at: usize) -> Result<(), Refusal> {
        match state {
            State::Between => {}
            State::Header { start, letter, top } => {
                let fields = self.header(start, at, letter, top)?;
                let (kind, _) = self.kind(&fields);
                self.push(fields, kind, Cow::Borrowed(&self.raw[at..at]), letter);
            }
            State::Body {
                fields,
                kind,
                start,
                letter,
            } => {
                let body = self.slice(start, at);
                self.push(fields, kind, Cow::Borrowed(body), letter);
            }
        }
        Ok(())
    }

    /// Closes containers from this level on. One without a single part is read as a text: the
    /// boundary was empty, wrong or lost (M13).
    fn shrink(&mut self, level: usize, at: usize) {
        while self.stack.len() > level {
            let Some(open) = self.stack.pop() else { break };
            if !open.seen {
                let body = self.slice(open.start, at);
                self.push(
                    open.fields,
                    "text/plain".to_owned(),
                    Cow::Borrowed(body),
                    open.letter,
                );
            }
        }
    }

    fn end(&mut self, state: State) -> Result<(), Refusal> {
        let at = self.raw.len();
        self.close(state, at)?;
        self.shrink(0, at);
        Ok(())
    }

    /// A body without the line end that belongs to the boundary line after it.
    fn slice(&self, start: usize, at: usize) -> &'a [u8] {
        let body = &self.raw[start.min(at)..at];
        if at == self.raw.len() {
            return body;
        }
        let body = body.strip_suffix(b"\n").unwrap_or(body);
        body.strip_suffix(b"\r").unwrap_or(body)
    }

    fn push(&mut self, fields: Fields, kind: String, body: Cow<'a, [u8]>, letter: usize) {
        let top = self.stack.last().filter(|open| open.letter == letter);
        let container = top.map(|open| open.kind.clone()).unwrap_or_default();
        self.parts.push(Part {
            fields,
            kind,
            container,
            letter,
            body,
        });
    }

    fn one_more(&mut self) -> Result<(), Refusal> {
        self.count += 1;
        match self.count > self.limits.parts {
            true => Err(Refusal::TooManyParts {
                limit: self.limits.parts,
            }),
            false => Ok(()),
        }
    }

    fn kind(&self, fields: &Fields) -> (String, Option<Vec<u8>>) {
        let in_digest = self
            .stack
            .last()
            .is_some_and(|open| open.kind == "multipart/digest");
        part::kind_of(fields, in_digest)
    }

    /// Attached mails that came in base64 or quoted-printable are decoded and walked too, their
    /// parts counted with all others.
    fn unwrap_encoded(self) -> Result<Walked<'a>, Refusal> {
        let (limits, mut count) = (self.limits, self.count);
        let mut attached = self.attached;
        let mut all = Vec::with_capacity(self.parts.len());
        for part in self.parts {
            let inner =
                (part::is_mail(&part.kind) && !part.body.is_empty() && part.letter < ENCODED)
                    .then(|| part.content());
            let letter = part.letter + 1;
            all.push(part);
            let Some(inner) = inner else { continue };
            let found = owned(&inner, limits, letter, count)?;
            count += found.parts.len();
            all.extend(found.parts);
            attached.extend(found.attached);
        }
        Ok(Walked {
            parts: all,
            attached,
        })
    }
}

fn owned(
    raw: &[u8],
    limits: &Limits,
    letter: usize,
    count: usize,
) -> Result<Walked<'static>, Refusal> {
    let Walked { parts, attached } = walk(raw, limits, letter, count)?;
    Ok(Walked {
        parts: parts.into_iter().map(Part::into_owned).collect(),
        attached,
    })
}

/// Each level of encoding costs a copy; nobody writes more than one.
const ENCODED: usize = 3;

/// A header block that is read although the mail is refused, to know whom to answer.
pub(crate) fn top_fields(raw: &[u8], limits: &Limits) -> Fields {
    let looked_at = &raw[..raw.len().min(limits.header_bytes)];
    let (end, _) = headers::split(looked_at);
    Fields::parse(&looked_at[..end])
}
