//! What people are told about the codes: `docs/CODES.md` ([`markdown`]) and the cards that officers
//! carry ([`card()`]), both made from the code files, the lists and the permissions. Nothing in here
//! knows a code.

mod card;
mod page;
mod roles;
mod words;

pub use page::markdown;
pub use roles::Roles;

use crate::Result;
use crate::code::{Codes, Reader, Reading, Spec, spec::Chapter};
use crate::language::Language;
use std::sync::Arc;

/// The field card of one user type as PDF: A4 across, to be folded once. Holds every code that this
/// type may send, what it is used for most in front. The same codes are the same bytes.
///
/// # Errors
/// None that codes could cause.
pub fn card(codes: &Codes, roles: &Roles, kind: &str, language: Language) -> Result<Vec<u8>> {
    crate::document::written(&card::sheets(&Holder::of(codes, roles, kind, language)))
}

/// Name of a card's file: `vet-id.pdf`.
pub fn card_name(kind: &str, language: Language) -> String {
    format!("{}-{}.pdf", kind.to_lowercase(), language.tag())
}

/// Somebody of one user type, and what they may send.
struct Holder<'a> {
    codes: &'a Codes,
    roles: &'a Roles,
    kind: &'a str,
    language: Language,
}

impl<'a> Holder<'a> {
    fn of(codes: &'a Codes, roles: &'a Roles, kind: &'a str, language: Language) -> Self {
        Self {
            codes,
            roles,
            kind,
            language,
        }
    }

    fn with<T>(&self, act: impl FnOnce(&Reader<'_>) -> T) -> T {
        let may = |permission: &str| self.roles.may(self.kind, permission);
        act(&Reader {
            language: self.language,
            kind: self.kind,
            may: &may,
        })
    }

    /// Their codes by chapter: the chapter with most of their codes first, questions and
    /// administration last; within one in the order of the list of permissions, which begins with
    /// what is used most.
    fn chapters(&self) -> Vec<(Option<Chapter>, Vec<&'a Arc<Spec>>)> {
        let mine = |s: &&Arc<Spec>| self.roles.may(self.kind, &s.permission);
        let mut mine: Vec<_> = self.codes.specs().filter(mine).collect();
        mine.sort_by_key(|s| self.roles.rank(&s.permission));
        let mut chapters = by_chapter(mine);
        let last = |c: &Option<Chapter>| {
            matches!(
                c,
                None | Some(Chapter::Queries) | Some(Chapter::Administration)
            )
        };
        chapters.sort_by_key(|(chapter, codes)| match last(chapter) {
            true => (true, 0),
            false => (false, usize::MAX - codes.len()),
        });
        chapters
    }

    /// A message of theirs that is understood, from the code's examples: their own type's if there
    /// is one.
    fn example(&self, spec: &'a Spec) -> Option<&'a str> {
        let good = |text: &&str| {
            self.with(|reader| matches!(self.codes.read(text, reader), Reading::Parsed(..)))
        };
        let fine = spec.examples.iter().filter(|e| e.error.is_none());
        let own = fine.clone().filter(|e| self.is(&e.from));
        let texts = own.chain(fine).map(|e| e.text.trim());
        texts.filter(|t| !t.is_empty()).find(good)
    }

    /// Whether a word of an example means this user type.
    fn is(&self, word: &str) -> bool {
        let types = self.codes.lexicon().list("user_type");
        let meant = types.and_then(|types| types.meant(word));
        meant.is_some_and(|entry| entry.code == self.kind)
    }
}

/// Codes by chapter, in the order of both; those without a chapter last.
fn by_chapter(codes: Vec<&Arc<Spec>>) -> Vec<(Option<Chapter>, Vec<&Arc<Spec>>)> {
    let mut chapters: Vec<(Option<Chapter>, Vec<&Arc<Spec>>)> = Vec::new();
    for spec in codes {
        match chapters.iter_mut().find(|(c, _)| *c == spec.chapter) {
            Some((_, codes)) => codes.push(spec),
            None => chapters.push((spec.chapter, vec![spec])),
        }
    }
    chapters.sort_by_key(|(chapter, _)| (chapter.is_none(), *chapter));
    chapters
}

#[cfg(test)]
mod tests;
