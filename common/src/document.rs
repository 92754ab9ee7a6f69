//! Documents ready to print, as PDF: the [`permit()`] that travels with animals, and the cards that
//! officers carry (see [`crate::manual`]).
//!
//! A document is first a list of marks on pages (`page`, with `text` and `qr` to place them), then
//! bytes (`pdf`, the only file that knows the PDF library). No clock and nothing random goes in: the
//! same values are the same bytes, so a mail that is tried again carries the same file. Words stand
//! in `common/documents/*.toml`, the fonts beside them with their licence.

mod font;
pub(crate) mod page;
mod pdf;
mod permit;
mod qr;
mod seal;
pub(crate) mod text;

pub use permit::{PermitAnimals, PermitPage, PermitPlace};
pub use seal::Seal;

use crate::language::Language;
use crate::mail::token::Signer;
use crate::messages::Document;
use crate::{Failure, Result};

/// The kind of document that [`permit()`] makes.
pub const PERMIT: &str = "permit";

/// Media type of every document.
pub const MEDIA_TYPE: &str = "application/pdf";

/// The movement permit as PDF, A4 upright: the given language large, the other one small beside it.
/// A page without a seal has no QR code and no letters to check it by. Some milliseconds.
///
/// # Errors
/// None that values could cause; whatever is wrong is wrong for ever ([`crate::Verdict::Quarantine`]).
pub fn permit(page: &PermitPage, language: Language) -> Result<Vec<u8>> {
    pdf::write(&permit::sheets(page, language))
}

/// Any document that a message asks for. Seals what needs a seal.
///
/// # Errors
/// A kind that this program does not make, or values that do not fit it: both wrong for ever.
pub fn made(asked: &Document, signer: &Signer) -> Result<Vec<u8>> {
    let unfit = |e: String| Failure::quarantine(format!("document `{}`: {e}", asked.kind));
    let language = Language::from_tag(&asked.language);
    let language = language.ok_or_else(|| unfit("its language is neither id nor en".into()))?;
    match asked.kind.as_str() {
        PERMIT => {
            let values = serde_json::Value::Object(asked.values.clone());
            // Without the value itself: an owner's number is nothing for a log.
            let page = serde_path_to_error::deserialize(values);
            let mut page: PermitPage =
                page.map_err(|e| unfit(format!("its value `{}` does not fit", e.path())))?;
            let (number, training) = (page.number, page.training);
            page.seal
                .get_or_insert_with(|| Seal::of(number, training, signer));
            permit(&page, language)
        }
        _ => Err(unfit("this program makes no such document".into())),
    }
}

/// The marks of a document as PDF.
pub(crate) fn written(sheets: &page::Sheets) -> Result<Vec<u8>> {
    pdf::write(sheets)
}

#[cfg(test)]
mod tests;
