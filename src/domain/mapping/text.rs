//! From the bytes of a mapping file to its text and back, whatever a spreadsheet saved it as (fault matrix rows M01 and M04).
//! What the text says is not looked at here.

use encoding_rs::WINDOWS_1252;

use super::{Problem, foreign, read::whole, shown};

/// How a file writes its letters. It is kept when the file is written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Encoding {
    /// UTF-8, after a byte order mark of so many bytes: three or none.
    Utf8(usize),
    /// UTF-16 with the low byte first, after its byte order mark; Excel's "Unicode text".
    Utf16Le,
    /// UTF-16 with the high byte first, after its byte order mark.
    Utf16Be,
    /// Windows-1252, one byte a letter: Excel's plain "CSV" in western Europe.
    Windows1252,
}

/// The text of a file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Text {
    /// The text, without a byte order mark.
    pub(super) text: String,
    /// How it was written.
    pub(super) encoding: Encoding,
}

impl Text {
    /// The text of these bytes with the letters that may have been meant otherwise, or the one reason why they are none.
    pub(super) fn of(bytes: &[u8]) -> Result<(Self, Vec<Problem>), Problem> {
        if let Some(what) = foreign::binary(bytes) {
            return Err(whole(what));
        }
        let read = match bytes {
            [0xFF, 0xFE, rest @ ..] => Self::utf16(rest, Encoding::Utf16Le, u16::from_le_bytes),
            [0xFE, 0xFF, rest @ ..] => Self::utf16(rest, Encoding::Utf16Be, u16::from_be_bytes),
            _ => Self::of_bytes(bytes)?,
        };
        match foreign::text(&read.0.text) {
            Some(what) => Err(whole(what)),
            None => Ok(read),
        }
    }

    /// Text whose letters take a byte or several. Where one is not UTF-8, all of it is Windows-1252: a spreadsheet writes a whole file
    /// in one way, and each byte must be found again when the file is written.
    fn of_bytes(bytes: &[u8]) -> Result<(Self, Vec<Problem>), Problem> {
        let (mark, rest) = match bytes.strip_prefix(MARK) {
            Some(rest) => (MARK.len(), rest),
            None => (0, bytes),
        };
        let at = match std::str::from_utf8(rest) {
            Ok(text) => return Ok((Self { text: text.to_owned(), encoding: Encoding::Utf8(mark) }, Vec::new())),
            Err(error) => error.valid_up_to(),
        };
        if mark > 0 {
            let what = format!(
                "The file says it is UTF-8, and the line has a byte that is not; two programs may have written in it. {SAVE_UTF8}"
            );
            return Err(Problem { line: line_at(rest, at), ..whole(what) });
        }
        let text = windows_1252(bytes);
        Ok((Self { text, encoding: Encoding::Windows1252 }, vec![windows_doubt(bytes, at)]))
    }

    /// Units without a partner read as one replacement letter each, so that a letter takes the same bytes there and back. A last
    /// single byte is no letter and stays behind the text.
    fn utf16(bytes: &[u8], encoding: Encoding, unit: fn([u8; 2]) -> u16) -> (Self, Vec<Problem>) {
        let (pairs, odd) = bytes.as_chunks::<2>();
        let (mut text, mut broken) = (String::with_capacity(pairs.len()), None);
        for letter in char::decode_utf16(pairs.iter().copied().map(unit)) {
            if letter.is_err() {
                broken = broken.or(Some(text.len()));
            }
            text.push(letter.unwrap_or(char::REPLACEMENT_CHARACTER));
        }
        let doubt = |at, what| Problem { line: line_at(text.as_bytes(), at), blocks: false, ..whole(what) };
        let mut doubts = Vec::new();
        doubts.extend(broken.map(|at| {
            doubt(at, format!("A letter of the line is damaged and reads as \u{fffd}. Write it again. {SAVE_UTF8}"))
        }));
        if !odd.is_empty() {
            let what = "The file ends in the middle of a letter, so it may have been cut off. Look whether its last rows are there.";
            doubts.push(doubt(text.len(), what.to_owned()));
        }
        (Self { text, encoding }, doubts)
    }

    /// Bytes that a part of the text takes in the file.
    pub(super) fn length(&self, part: &str) -> usize {
        match self.encoding {
            Encoding::Utf8(_) => part.len(),
            Encoding::Utf16Le | Encoding::Utf16Be => part.encode_utf16().count() * 2,
            Encoding::Windows1252 => part.chars().count(),
        }
    }

    /// Bytes before the text.
    pub(super) fn start(&self) -> usize {
        match self.encoding {
            Encoding::Utf8(mark) => mark,
            Encoding::Utf16Le | Encoding::Utf16Be => 2,
            Encoding::Windows1252 => 0,
        }
    }

    /// A text as the file writes it; `None` where it cannot, because of a letter that Windows-1252 does not have.
    pub(super) fn bytes_of(&self, text: &str) -> Option<Vec<u8>> {
        match self.encoding {
            Encoding::Utf8(_) => Some(text.as_bytes().to_vec()),
            Encoding::Utf16Le => Some(text.encode_utf16().flat_map(u16::to_le_bytes).collect()),
            Encoding::Utf16Be => Some(text.encode_utf16().flat_map(u16::to_be_bytes).collect()),
            Encoding::Windows1252 => {
                let (bytes, _, lost) = WINDOWS_1252.encode(text);
                (!lost).then(|| bytes.into_owned())
            }
        }
    }
}

/// The byte order mark of UTF-8.
const MARK: &[u8] = b"\xEF\xBB\xBF";
/// What to do about letters that are in doubt.
const SAVE_UTF8: &str = "Open the file in the spreadsheet, look at its letters, and save it as \"CSV UTF-8\".";

fn windows_1252(bytes: &[u8]) -> String {
    WINDOWS_1252.decode_without_bom_handling(bytes).0.into_owned()
}

/// The line on which a byte stands, the first being 1.
fn line_at(bytes: &[u8], at: usize) -> u64 {
    let ends = |(place, byte): (usize, &u8)| match byte {
        b'\n' => true,
        b'\r' => bytes.get(place + 1) != Some(&b'\n'),
        _ => false,
    };
    let before = bytes.iter().enumerate().take(at).filter(|place| ends(*place)).count();
    u64::try_from(before).unwrap_or(u64::MAX).saturating_add(1)
}

/// How the first letter that is not UTF-8 was read, and that letters written as UTF-8 beside it now read wrong.
fn windows_doubt(bytes: &[u8], at: usize) -> Problem {
    let mut what = format!(
        "The file is not UTF-8. It was read as Windows-1252, in which this has the letter \"{}\". {SAVE_UTF8}",
        shown(&windows_1252(bytes.get(at..=at).unwrap_or_default()))
    );
    what.extend(utf8_letter(bytes).map(|(place, letter)| {
        let wrong = windows_1252(letter.encode_utf8(&mut [0; 4]).as_bytes());
        let (line, wrong, letter) = (line_at(bytes, place), shown(&wrong), shown(&letter.to_string()));
        format!(" Other letters were written as UTF-8 and now read wrong, on line {line} \"{wrong}\" for \"{letter}\".")
    }));
    Problem { line: line_at(bytes, at), value: word_at(bytes, at), blocks: false, ..whole(what) }
}

/// The first letter beyond ASCII that is written as UTF-8, with its place.
fn utf8_letter(bytes: &[u8]) -> Option<(usize, char)> {
    let mut at = 0;
    for chunk in bytes.utf8_chunks() {
        if let Some((place, letter)) = chunk.valid().char_indices().find(|(_, letter)| !letter.is_ascii()) {
            return Some((at + place, letter));
        }
        at += chunk.valid().len() + chunk.invalid().len();
    }
    None
}

/// The word around a byte, of at most 20 letters on each side.
fn word_at(bytes: &[u8], at: usize) -> String {
    let inside = |byte: &&u8| !matches!(byte, b' ' | b',' | b';' | b'\t' | b'|' | b'"' | b'\r' | b'\n');
    let (before, after) = bytes.split_at_checked(at).unwrap_or_default();
    let left = before.iter().rev().take(20).take_while(inside).count();
    let right = after.iter().take(20).take_while(inside).count();
    windows_1252(bytes.get(at - left..at + right).unwrap_or_default())
}
