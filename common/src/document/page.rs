//! Pages as lists of marks, before anything of PDF. Lengths are points (1/72 inch), `y` goes down.

use super::font::Face;

/// Points of a millimetre.
pub(crate) const MM: f32 = 72.0 / 25.4;
/// Width and height of A4 upright.
pub(crate) const A4: (f32, f32) = (210.0 * MM, 297.0 * MM);

/// How letters look.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) struct Style {
    pub face: Face,
    /// Size in points; what is to be read on paper has 8 or more.
    pub size: f32,
    /// 0 is black, 255 white.
    pub shade: u8,
}

impl Style {
    pub(crate) const fn regular(size: f32) -> Self {
        Self {
            face: Face::Regular,
            size,
            shade: 0,
        }
    }

    pub(crate) const fn bold(size: f32) -> Self {
        Self {
            face: Face::Bold,
            ..Self::regular(size)
        }
    }

    /// For what stands beside the main thing, such as the other language.
    pub(crate) const fn faint(size: f32) -> Self {
        Self {
            shade: 90,
            ..Self::regular(size)
        }
    }

    pub(crate) const fn white(self) -> Self {
        Self { shade: 255, ..self }
    }

    pub(crate) fn width(&self, text: &str) -> f32 {
        self.face.width(text, self.size)
    }
}

/// Letters in one style on one line; `x` is their left end, `y` the line they stand on.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Run {
    pub x: f32,
    pub y: f32,
    pub style: Style,
    pub text: String,
}

/// What a text is to a program that reads the page aloud.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Role {
    Heading(u16),
    Paragraph,
    /// Page numbers and the like, which are passed over.
    Aside,
}

/// A rectangle.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) struct Area {
    pub x: f32,
    pub y: f32,
    pub width: f32,
    pub height: f32,
}

/// Something on a page.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Mark {
    Text {
        role: Role,
        runs: Vec<Run>,
    },
    /// A straight line; dashed where somebody folds or writes.
    Line {
        from: (f32, f32),
        to: (f32, f32),
        width: f32,
        dashed: bool,
    },
    Frame {
        area: Area,
        width: f32,
    },
    Filled {
        area: Area,
        shade: u8,
    },
    /// Black squares such as those of a QR code, with what they say.
    Squares {
        squares: Vec<Area>,
        says: String,
    },
}

impl Mark {
    fn shift(&mut self, right: f32) {
        match self {
            Self::Text { runs, .. } => runs.iter_mut().for_each(|r| r.x += right),
            Self::Line { from, to, .. } => {
                from.0 += right;
                to.0 += right;
            }
            Self::Frame { area, .. } | Self::Filled { area, .. } => area.x += right,
            Self::Squares { squares, .. } => squares.iter_mut().for_each(|s| s.x += right),
        }
    }
}

/// One page.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Page {
    pub width: f32,
    pub height: f32,
    pub marks: Vec<Mark>,
}

impl Page {
    pub(crate) fn new((width, height): (f32, f32)) -> Self {
        Self {
            width,
            height,
            marks: Vec::new(),
        }
    }

    pub(crate) fn line(&mut self, from: (f32, f32), to: (f32, f32), width: f32) {
        let dashed = false;
        self.marks.push(Mark::Line {
            from,
            to,
            width,
            dashed,
        });
    }

    pub(crate) fn dashes(&mut self, from: (f32, f32), to: (f32, f32)) {
        let (width, dashed) = (0.5, true);
        self.marks.push(Mark::Line {
            from,
            to,
            width,
            dashed,
        });
    }

    pub(crate) fn frame(&mut self, area: Area, width: f32) {
        self.marks.push(Mark::Frame { area, width });
    }

    pub(crate) fn fill(&mut self, area: Area, shade: u8) {
        self.marks.push(Mark::Filled { area, shade });
    }

    /// Takes over all that stands on another page, so much to the right.
    pub(crate) fn take(&mut self, other: Self, right: f32) {
        self.marks.extend(other.marks.into_iter().map(|mut mark| {
            mark.shift(right);
            mark
        }));
    }

    /// Every run of letters on the page.
    #[cfg(test)]
    pub(crate) fn runs(&self) -> impl Iterator<Item = &Run> {
        self.marks.iter().flat_map(|mark| match mark {
            Mark::Text { runs, .. } => runs.as_slice(),
            _ => &[],
        })
    }

    /// All letters of the page in the order of the marks.
    #[cfg(test)]
    pub(crate) fn text(&self) -> String {
        let texts: Vec<&str> = self.runs().map(|r| r.text.as_str()).collect();
        texts.join(" ")
    }
}

/// A whole document.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Sheets {
    pub title: String,
    /// Tag of the language: `id`.
    pub language: &'static str,
    pub pages: Vec<Page>,
}
