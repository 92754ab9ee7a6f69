//! QR codes as squares on a page.

use super::page::{Area, Mark, Page};
use qrcode::{Color, EcLevel, QrCode};

/// The white around a code that a camera needs, in modules (ISO/IEC 18004, 6.3.8).
const QUIET: usize = 4;

/// Puts a QR code into a square area, its white margin included. Correction level M: paper that
/// travels on a lorry gets stains and folds. A text that is too long for any code is left out.
pub(crate) fn put(page: &mut Page, area: Area, text: &str) {
    let Ok(code) = QrCode::with_error_correction_level(text, EcLevel::M) else {
        return;
    };
    let side = code.width();
    let step = area.width / (side + 2 * QUIET) as f32;
    let colours = code.to_colors();
    let mut squares = Vec::new();
    for (row, line) in colours.chunks(side).enumerate() {
        let mut at = 0;
        // Neighbours are one rectangle: no printer leaves hair lines between them.
        for run in line.chunk_by(|a, b| a == b) {
            if run[0] == Color::Dark {
                squares.push(Area {
                    x: area.x + (QUIET + at) as f32 * step,
                    y: area.y + (QUIET + row) as f32 * step,
                    width: run.len() as f32 * step,
                    height: step,
                });
            }
            at += run.len();
        }
    }
    let says = text.to_owned();
    page.marks.push(Mark::Squares { squares, says });
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_code_stays_in_its_square_with_white_around() {
        let mut page = Page::new((200.0, 200.0));
        let area = Area {
            x: 10.0,
            y: 20.0,
            width: 100.0,
            height: 100.0,
        };
        put(&mut page, area, "VSK 208 ABCD2345");
        let [Mark::Squares { squares, says }] = page.marks.as_slice() else {
            panic!("{:?}", page.marks);
        };
        assert_eq!(says, "VSK 208 ABCD2345");
        assert!(squares.len() > 100);
        let step = squares.iter().map(|s| s.height).fold(0.0, f32::max);
        for s in squares {
            assert!(s.x >= 10.0 + 3.9 * step && s.x + s.width <= 110.0 - 3.9 * step);
            assert!(s.y >= 20.0 + 3.9 * step && s.y + s.height <= 120.0 - 3.9 * step);
        }
    }

    #[test]
    fn a_text_that_fits_no_code_makes_no_mark() {
        let mut page = Page::new((200.0, 200.0));
        let area = Area {
            x: 0.0,
            y: 0.0,
            width: 100.0,
            height: 100.0,
        };
        put(&mut page, area, &"x".repeat(4000));
        assert!(page.marks.is_empty());
    }
}
