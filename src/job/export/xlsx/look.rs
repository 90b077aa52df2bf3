//! How the cells of the workbook look, and writing a text or a number so that nothing of it is lost and nothing of it acts.

use rust_xlsxwriter::{Color, Format, FormatAlign, FormatBorder, Worksheet, XlsxError};

use crate::{
    domain::{flags::Severity, value::Number},
    io::spreadsheet::quoted,
};

/// The most letters of a cell, in units of two bytes, and some room for the words that say it was cut.
const MOST_LETTERS: usize = 32_600;
/// Height of a line, in points.
const LINE: f64 = 15.0;
/// The most digits of a number that a spreadsheet keeps.
const MOST_DIGITS: usize = 15;

/// What a cell is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Look {
    /// A text.
    Plain,
    /// A text of a row on which there is nothing to decide.
    Dim,
    /// A long text.
    Wrapped,
    /// A heading.
    Heading,
    /// The heading of a column of numbers.
    NumberHeading,
    /// The name of the sheet.
    Title,
    /// A number, or a text in a column of numbers.
    Number,
    /// The same of a row on which there is nothing to decide.
    DimNumber,
    /// A share.
    Percent,
    /// The word STOP.
    Stop,
    /// The word REVIEW.
    Review,
    /// The word INFO.
    Info,
    /// Where a person writes.
    Entry,
    /// Where a person writes why a STOP is right.
    Reason,
}

/// All of them, in the order of [`Look`].
const ALL: [Look; 14] = [
    Look::Plain,
    Look::Dim,
    Look::Wrapped,
    Look::Heading,
    Look::NumberHeading,
    Look::Title,
    Look::Number,
    Look::DimNumber,
    Look::Percent,
    Look::Stop,
    Look::Review,
    Look::Info,
    Look::Entry,
    Look::Reason,
];

/// The formats of a workbook.
pub(super) struct Looks(Vec<[Format; 2]>);

impl Looks {
    pub(super) fn new() -> Self {
        // Beside each the same with thousands told apart, for whole numbers.
        let both = |look: Look| [look.format(), look.format().set_num_format("#,##0")];
        Self(ALL.into_iter().map(both).collect())
    }

    fn of(&self, look: Look, whole: bool) -> Option<&Format> {
        let at = ALL.iter().position(|one| *one == look)?;
        self.0.get(at).map(|both| &both[usize::from(whole)])
    }
}

impl Look {
    /// The word for a severity.
    pub(super) fn severity(severity: Severity) -> Self {
        match severity {
            Severity::Stop => Self::Stop,
            Severity::Review => Self::Review,
            Severity::Info => Self::Info,
        }
    }

    fn format(self) -> Format {
        let top = Format::new().set_align(FormatAlign::Top);
        let filled =
            |fill: u32, ink: u32| top.clone().set_background_color(Color::RGB(fill)).set_font_color(Color::RGB(ink));
        let grey = Color::RGB(0x80_8080);
        match self {
            Self::Plain => top,
            Self::Dim => top.set_font_color(grey),
            Self::Wrapped => top.set_text_wrap(),
            Self::Heading => filled(0x1F_3A5F, 0xFF_FFFF).set_bold().set_text_wrap(),
            Self::NumberHeading => Self::Heading.format().set_align(FormatAlign::Right),
            Self::Title => top.set_bold().set_font_size(14),
            Self::Number => top.set_align(FormatAlign::Right),
            Self::DimNumber => top.set_align(FormatAlign::Right).set_font_color(grey),
            Self::Percent => top.set_align(FormatAlign::Right).set_num_format("0%"),
            Self::Stop => filled(0xC0_0000, 0xFF_FFFF).set_bold(),
            Self::Review => filled(0xFF_D966, 0x40_3000).set_bold(),
            Self::Info => filled(0xDD_E6F0, 0x20_3040),
            Self::Entry => framed(filled(0xFF_FBE6, 0x00_0000)),
            Self::Reason => framed(filled(0xF8_CBAD, 0x00_0000)),
        }
    }
}

fn framed(format: Format) -> Format {
    format.set_border(FormatBorder::Thin).set_border_color(Color::RGB(0xBF_BFBF))
}

/// A worksheet that is written into.
pub(super) struct Page<'a> {
    pub(super) sheet: &'a mut Worksheet,
    pub(super) looks: &'a Looks,
}

impl Page<'_> {
    /// A text, or the look alone where it is empty. It stays a text whatever it looks like.
    pub(super) fn text(&mut self, row: u32, column: u16, text: &str, look: Look) -> Result<(), XlsxError> {
        let format = self.looks.of(look, false);
        match format {
            Some(format) if text.is_empty() => {
                if matches!(look, Look::Entry | Look::Reason) {
                    self.sheet.write_blank(row, column, format)?;
                }
            }
            Some(format) => {
                self.sheet.write_string_with_format(row, column, short(&quoted(text)), format)?;
            }
            None => {
                self.sheet.write_string(row, column, short(&quoted(text)))?;
            }
        }
        Ok(())
    }

    /// A value: a number where a spreadsheet keeps every digit of it and writes it in the same way, else a text.
    pub(super) fn value(&mut self, row: u32, column: u16, text: &str, look: Look) -> Result<(), XlsxError> {
        let Some(number) = kept(text) else { return self.text(row, column, text, look) };
        self.number(row, column, number, look)
    }

    /// A number that is worked out and never comes back.
    pub(super) fn number(&mut self, row: u32, column: u16, number: f64, look: Look) -> Result<(), XlsxError> {
        let whole = look != Look::Percent && number.fract() == 0.0;
        match self.looks.of(look, whole) {
            Some(format) => self.sheet.write_number_with_format(row, column, number, format)?,
            None => self.sheet.write_number(row, column, number)?,
        };
        Ok(())
    }

    /// The headings with the widths of their columns, in letters; those of `numbers` stand on their right.
    pub(super) fn headings(
        &mut self,
        headings: &[(String, f64)],
        numbers: impl Fn(u16) -> bool,
    ) -> Result<(), XlsxError> {
        for (column, (heading, width)) in (0..).zip(headings) {
            let look = if numbers(column) { Look::NumberHeading } else { Look::Heading };
            self.text(0, column, heading, look)?;
            self.sheet.set_column_width(column, *width)?;
        }
        Ok(())
    }

    /// Makes a row as high as a text needs that is broken in a column of this width, in letters. Not every program does by itself.
    pub(super) fn height(&mut self, row: u32, text: &str, width: usize) -> Result<(), XlsxError> {
        let lines = text.split('\n').map(|line| line.chars().count().div_ceil(width).max(1)).sum::<usize>();
        if lines > 1 {
            // No row is higher than 409 points.
            let lines = u16::try_from(lines.min(27)).unwrap_or(27);
            self.sheet.set_row_height(row, f64::from(lines) * LINE)?;
        }
        Ok(())
    }
}

/// The number a text is, where nothing is lost by it: the text is how the number is plainly written, in no more digits than a
/// spreadsheet keeps. `12.0`, `007`, `1E3` and 16 digits are none.
fn kept(text: &str) -> Option<f64> {
    let number = Number::parse(text)?;
    let digits = text.bytes().filter(u8::is_ascii_digit).count();
    let near = number.approx();
    (digits <= MOST_DIGITS && number.to_string() == text && near.to_string() == text).then_some(near)
}

/// A text that fits a cell; a longer one ends in words that say so.
fn short(text: &str) -> String {
    let mut units = 0;
    let over = text.char_indices().find(|(_, letter)| {
        units += letter.len_utf16();
        units > MOST_LETTERS
    });
    match over {
        Some((at, _)) => format!("{} [cut here: it has {} letters]", &text[..at], text.chars().count()),
        None => text.to_owned(),
    }
}

/// Several texts as one, each on a line of its own, in a column of this width in letters.
pub(super) fn lines(
    page: &mut Page<'_>,
    (row, column): (u32, u16),
    texts: &[String],
    width: usize,
) -> Result<(), XlsxError> {
    let texts: Vec<String> = texts.iter().map(|text| quoted(text).into_owned()).collect();
    let Some(format) = page.looks.of(Look::Wrapped, false).filter(|_| !texts.is_empty()) else { return Ok(()) };
    let text = short(&texts.join("\n"));
    page.height(row, &text, width)?;
    page.sheet.write_string_with_format(row, column, text, format)?;
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_number_is_one_only_where_nothing_of_it_is_lost() {
        for text in ["0", "28", "-4", "1.5", "0.001", "1310", "999999999999999", "-0.25"] {
            assert_eq!(kept(text).map(|number| number.to_string()).as_deref(), Some(text));
        }
        for text in [
            "12.0",
            "007",
            "1E3",
            "+3",
            " 7",
            "1,200",
            "",
            "abc",
            "9999999999999999",
            "0.1234567890123456",
            "-0",
            "1e21",
            "12 (est)",
        ] {
            assert_eq!(kept(text), None, "{text}");
        }
    }

    #[test]
    fn a_text_too_long_for_a_cell_says_that_it_was_cut() {
        let long = "é👕".repeat(20_000);
        let cut = short(&long);
        assert!(cut.encode_utf16().count() <= 32_767);
        assert!(
            cut.ends_with("[cut here: it has 40000 letters]") && cut.starts_with("é👕é"),
            "{}",
            &cut[cut.len() - 60..]
        );
        assert_eq!(short("abc"), "abc");
    }
}
