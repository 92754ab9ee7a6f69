//! What stands on the pages of a permit, from the head down.

use super::words::{Words, day};
use super::{PermitPage, PermitPlace};
use crate::document::page::{A4, Area, MM, Page, Role, Style};
use crate::document::qr;
use crate::document::text::{Align, Lines};
use crate::language::Both;

/// White at the sides: room for a hole punch.
pub(super) const MARGIN: f32 = 20.0 * MM;
const WIDTH: f32 = A4.0 - 2.0 * MARGIN;
/// Below this nothing but the foot.
const BOTTOM: f32 = A4.1 - 17.0 * MM;
/// What the last part needs: what is filled in by hand, seal, signatures.
const CLOSING: f32 = 92.0 * MM;
const ROW: f32 = 15.0;
/// Room above a line that somebody writes on.
const HAND: f32 = 20.0;
/// Where values begin beside their names.
const VALUES: f32 = 62.0 * MM;

const HEADING: Style = Style::bold(10.5);
const NAME: Style = Style::regular(9.5);
const VALUE: Style = Style::bold(10.0);
const SMALL: Style = Style::faint(8.0);

pub(super) struct Body<'a> {
    page: &'a PermitPage,
    words: &'a Words,
    done: Vec<Page>,
    sheet: Page,
    y: f32,
}

impl<'a> Body<'a> {
    pub fn new(page: &'a PermitPage, words: &'a Words) -> Self {
        Self {
            page,
            words,
            done: Vec::new(),
            sheet: Page::new(A4),
            y: 15.0 * MM,
        }
    }

    pub fn pages(mut self) -> Vec<Page> {
        self.training();
        self.head();
        self.owner();
        self.places();
        self.animals();
        self.room(CLOSING);
        self.by_hand();
        self.closing();
        self.done.push(self.sheet);
        self.done
    }

    /// Goes on to the next page when there is less room than this.
    fn room(&mut self, height: f32) {
        if self.y + height > BOTTOM {
            let full = std::mem::replace(&mut self.sheet, Page::new(A4));
            self.done.push(full);
            self.y = 18.0 * MM;
            self.training();
        }
    }

    fn put(&mut self, pieces: &[(Style, &str)], (x, width): (f32, f32), role: Role) {
        let lines = Lines::wrap(pieces, width);
        lines.put(&mut self.sheet, (x, self.y), role, Align::Left);
        self.y += lines.height();
    }

    fn centred(&mut self, style: Style, text: &str, role: Role) {
        let lines = Lines::wrap(&[(style, text)], WIDTH);
        lines.put(&mut self.sheet, (MARGIN, self.y), role, Align::Centre);
        self.y += lines.height();
    }

    /// White on black across the top: nobody takes it for a true one, not even on a copy.
    fn training(&mut self) {
        if !self.page.training {
            return;
        }
        let area = Area {
            x: 0.0,
            y: 0.0,
            width: A4.0,
            height: 11.0 * MM,
        };
        self.sheet.fill(area, 0);
        let words = self.words;
        let text = format!(
            "{}  /  {}",
            words.main(|w| &w.training),
            words.small(|w| &w.training)
        );
        let lines = Lines::wrap(&[(Style::bold(14.0).white(), &text)], WIDTH);
        let at = (MARGIN, 2.2 * MM);
        lines.put(&mut self.sheet, at, Role::Paragraph, Align::Centre);
    }

    fn head(&mut self) {
        let (page, words) = (self.page, self.words);
        self.centred(Style::bold(13.0), &page.office, Role::Paragraph);
        self.y += 3.0;
        let y = self.y;
        self.sheet.line((MARGIN, y), (MARGIN + WIDTH, y), 1.2);
        self.y += 12.0;
        self.centred(
            Style::bold(15.0),
            words.main(|w| &w.title),
            Role::Heading(1),
        );
        self.centred(SMALL, words.small(|w| &w.title), Role::Paragraph);
        self.y += 6.0;
        let number = format!("{} {}", words.main(|w| &w.number), page.number);
        self.centred(Style::bold(14.0), &number, Role::Paragraph);
        let issued = format!("{}: {}", words.main(|w| &w.issued), day(page.issued, words));
        self.centred(NAME, &issued, Role::Paragraph);
        self.centred(SMALL, words.small(|w| &w.issued), Role::Paragraph);
        self.y += 8.0;
        let across = (MARGIN, WIDTH);
        self.put(
            &[(NAME, words.main(|w| &w.statement))],
            across,
            Role::Paragraph,
        );
        self.put(
            &[(SMALL, words.small(|w| &w.statement))],
            across,
            Role::Paragraph,
        );
    }

    /// A heading with a line below it.
    fn section(&mut self, of: impl Fn(&'static super::words::File) -> &'static Both) {
        self.y += 8.0;
        let small = format!(" {}", self.words.small(&of));
        let pieces = [(HEADING, self.words.main(&of)), (SMALL, small.as_str())];
        self.put(&pieces, (MARGIN, WIDTH), Role::Heading(2));
        let y = self.y + 1.0;
        self.sheet.line((MARGIN, y), (MARGIN + WIDTH, y), 0.5);
        self.y += 4.0;
    }

    /// A name in both languages, and its value or a line to write on.
    fn row(&mut self, of: impl Fn(&'static super::words::File) -> &'static Both, value: &str) {
        let y = self.y;
        if value.is_empty() {
            self.y += HAND - 13.0;
        }
        let small = format!(" {}", self.words.small(&of));
        let pieces = [(NAME, self.words.main(&of)), (SMALL, small.as_str())];
        self.put(&pieces, (MARGIN, VALUES - 4.0), Role::Paragraph);
        let below = self.y;
        self.y = y;
        let x = MARGIN + VALUES;
        if value.is_empty() {
            self.y += HAND;
            let y = self.y;
            self.sheet.dashes((x, y), (MARGIN + WIDTH, y));
        } else {
            self.put(&[(VALUE, value)], (x, WIDTH - VALUES), Role::Paragraph);
        }
        self.y = below.max(self.y) + 2.0;
    }

    fn owner(&mut self) {
        let page = self.page;
        self.section(|w| &w.owner);
        self.row(|w| &w.owner_name, &page.owner);
        self.row(|w| &w.owner_id, &page.owner_id);
        if !page.owner_phone.is_empty() {
            self.row(|w| &w.owner_phone, &page.owner_phone);
        }
    }

    /// Both places side by side, level by level.
    fn places(&mut self) {
        self.y += 8.0;
        let (page, top) = (self.page, self.y);
        let half = WIDTH / 2.0;
        self.place(|w| &w.origin, &page.origin, MARGIN);
        let left = self.y;
        self.y = top;
        self.place(|w| &w.destination, &page.destination, MARGIN + half);
        self.y = self.y.max(left) + 2.0;
        let area = Area {
            x: MARGIN,
            y: top,
            width: WIDTH,
            height: self.y - top,
        };
        self.sheet.frame(area, 0.8);
        let (middle, bottom) = (MARGIN + half, self.y);
        self.sheet.line((middle, top), (middle, bottom), 0.8);
    }

    fn place(
        &mut self,
        of: impl Fn(&'static super::words::File) -> &'static Both,
        place: &PermitPlace,
        x: f32,
    ) {
        let (x, width) = (x + 6.0, WIDTH / 2.0 - 12.0);
        let words = self.words;
        self.y += 3.0;
        let small = format!(" {}", words.small(&of));
        let pieces = [(HEADING, words.main(&of)), (SMALL, small.as_str())];
        let code = format!("{} ", words.main(|w| &w.code));
        let code = Lines::wrap(&[(SMALL, &code), (VALUE, &place.code)], width);
        code.put(&mut self.sheet, (x, self.y), Role::Paragraph, Align::Right);
        self.put(&pieces, (x, width), Role::Heading(2));
        let levels = words.levels();
        for ((large, small), value) in levels.zip(&place.names) {
            let small = format!(" {small}");
            self.y += 2.0;
            self.put(
                &[(Style::regular(8.5), large), (SMALL, &small)],
                (x, width),
                Role::Paragraph,
            );
            self.put(&[(VALUE, value)], (x, width), Role::Paragraph);
        }
    }

    fn animals(&mut self) {
        self.room(5.0 * ROW);
        self.section(|w| &w.animals);
        self.animals_head();
        for (at, animals) in self.page.animals.iter().enumerate() {
            if self.y + 2.0 * ROW > BOTTOM {
                self.room(A4.1);
                self.animals_head();
            }
            let (large, small) = self.words.pair(&animals.kind);
            let small = if small == large { "" } else { small };
            let small = format!(" {small}");
            let number = animals.number.to_string();
            let kind = [(VALUE, large), (SMALL, small.as_str())];
            self.animals_row(&(at + 1).to_string(), (VALUE, &number), &kind);
        }
        let all: i64 = self.page.animals.iter().map(|a| a.number).sum();
        let (all, small) = (
            all.to_string(),
            format!(" {}", self.words.small(|w| &w.total)),
        );
        let kind = [
            (NAME, self.words.main(|w| &w.total)),
            (SMALL, small.as_str()),
        ];
        self.animals_row("", (VALUE, &all), &kind);
    }

    fn animals_head(&mut self) {
        let words = self.words;
        let small = format!(" {}", words.small(|w| &w.kind));
        let kind = [(NAME, words.main(|w| &w.kind)), (SMALL, small.as_str())];
        let area = Area {
            x: MARGIN,
            y: self.y,
            width: WIDTH,
            height: ROW,
        };
        self.sheet.fill(area, 230);
        self.animals_row("", (NAME, words.main(|w| &w.count)), &kind);
    }

    fn animals_row(&mut self, at: &str, number: (Style, &str), kind: &[(Style, &str)]) {
        let top = self.y + 1.0;
        let place = |sheet: &mut Page, pieces: &[(Style, &str)], x: f32, width: f32, align| {
            let lines = Lines::wrap(pieces, width);
            lines.put(sheet, (x, top), Role::Paragraph, align);
            lines.height()
        };
        let sheet = &mut self.sheet;
        if !at.is_empty() {
            place(
                sheet,
                &[(Style::faint(10.0), at)],
                MARGIN + 2.0,
                18.0,
                Align::Right,
            );
        }
        place(sheet, &[number], MARGIN + 24.0, 50.0, Align::Right);
        let height = place(sheet, kind, MARGIN + 88.0, WIDTH - 92.0, Align::Left);
        self.y += ROW.max(height + 2.0);
        let y = self.y;
        self.sheet.line((MARGIN, y), (MARGIN + WIDTH, y), 0.3);
    }

    fn by_hand(&mut self) {
        self.section(|w| &w.by_hand);
        self.row(|w| &w.vehicle, "");
        self.row(|w| &w.departure, "");
        self.row(|w| &w.remarks, "");
    }

    fn closing(&mut self) {
        self.y = BOTTOM - 54.0 * MM;
        let top = self.y;
        self.seal(top);
        let column = (WIDTH - 50.0 * MM) / 2.0;
        let officer = MARGIN + 50.0 * MM;
        self.signature(|w| &w.officer, &self.page.officer, (officer, top), column);
        self.signature(|w| &w.head, "", (officer + column, top), column);
        self.stamp((officer + column, top + 14.0 * MM));
    }

    /// QR code, and below it what it says in a form for people.
    fn seal(&mut self, top: f32) {
        let Some(seal) = &self.page.seal else { return };
        let side = 33.0 * MM;
        let area = Area {
            x: MARGIN - 3.0,
            y: top - 4.0,
            width: side,
            height: side,
        };
        // Capitals take fewer squares, and so make larger ones.
        let ask = format!("VSK {} {}", self.page.number, seal.token.to_uppercase());
        let ask = match self.page.gateway.as_str() {
            "" => ask,
            number => format!("SMSTO:{number}:{ask}"),
        };
        qr::put(&mut self.sheet, area, &ask);
        self.y = area.y + side;
        let typed = format!("VSK {} {}", self.page.number, seal.check);
        let (words, across) = (self.words, (MARGIN, 46.0 * MM));
        self.put(&[(VALUE, &typed)], across, Role::Paragraph);
        self.put(
            &[(SMALL, words.main(|w| &w.check))],
            across,
            Role::Paragraph,
        );
        self.put(
            &[(SMALL, words.small(|w| &w.check))],
            across,
            Role::Paragraph,
        );
    }

    fn signature(
        &mut self,
        of: impl Fn(&'static super::words::File) -> &'static Both,
        name: &str,
        (x, y): (f32, f32),
        width: f32,
    ) {
        let width = width - 8.0;
        self.y = y;
        self.put(&[(NAME, self.words.main(&of))], (x, width), Role::Paragraph);
        self.put(
            &[(SMALL, self.words.small(&of))],
            (x, width),
            Role::Paragraph,
        );
        self.y = y + 42.0 * MM;
        let y = self.y;
        self.sheet.dashes((x, y), (x + width, y));
        self.put(&[(VALUE, name)], (x, width), Role::Paragraph);
    }

    fn stamp(&mut self, (x, y): (f32, f32)) {
        let side = 24.0 * MM;
        let corners = [(x, y), (x + side, y), (x + side, y + side), (x, y + side)];
        for (at, from) in corners.iter().enumerate() {
            self.sheet.dashes(*from, corners[(at + 1) % 4]);
        }
        let words = self.words;
        let text = format!(
            "{} / {}",
            words.main(|w| &w.stamp),
            words.small(|w| &w.stamp)
        );
        let lines = Lines::wrap(&[(SMALL, &text)], side);
        let at = (x, y + side / 2.0 - 6.0);
        lines.put(&mut self.sheet, at, Role::Aside, Align::Centre);
    }
}
