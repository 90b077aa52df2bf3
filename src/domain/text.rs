//! Text for people: server text made inert, widths, and names shortened so that they stay distinct.
//! Escaping for XML, HTML and CSV is not here: it belongs to whoever writes that format.

use std::{borrow::Cow, collections::BTreeSet};

use unicode_segmentation::UnicodeSegmentation;
use unicode_width::UnicodeWidthStr;

/// What a cut leaves behind.
const ELLIPSIS: &str = "…";

/// Whether a character may act on a terminal or on the order of other characters instead of being seen.
fn acts(c: char) -> bool {
    c.is_control()
        || matches!(c,
            '\u{061C}' | '\u{200B}'..='\u{200F}' | '\u{2028}'..='\u{202E}' | '\u{2060}'..='\u{206F}'
            | '\u{FEFF}' | '\u{FFF9}'..='\u{FFFB}' | '\u{E0000}'..='\u{E007F}')
}

/// Server text with everything that could act on a terminal shown as a placeholder: ESC is `<1B>`, a line break `<A>`
/// (fault matrix rows V06, V10).
pub fn inert(text: &str) -> Cow<'_, str> {
    if !text.chars().any(acts) {
        return Cow::Borrowed(text);
    }
    let mut out = String::with_capacity(text.len() + 8);
    for c in text.chars() {
        if acts(c) {
            out.extend(['<'].into_iter().chain(format!("{:X}", u32::from(c)).chars()).chain(['>']));
        } else {
            out.push(c);
        }
    }
    Cow::Owned(out)
}

/// Columns a text takes on a terminal.
pub fn width(text: &str) -> usize {
    text.width()
}

/// The text in at most `columns` columns, cut at the end with an ellipsis; never in the middle of a character.
pub fn fit(text: &str, columns: usize) -> Cow<'_, str> {
    if width(text) <= columns {
        return Cow::Borrowed(text);
    }
    if columns == 0 {
        return Cow::Borrowed("");
    }
    Cow::Owned(format!("{}{ELLIPSIS}", head(text, columns - 1)))
}

/// The text in at most `columns` columns, cut in the middle with an ellipsis so that both ends stay: what tells two
/// facilities apart often stands last, "(new)". Never in the middle of a character; a number at the cut goes whole where
/// something else is left beside it.
pub fn fit_middle(text: &str, columns: usize) -> Cow<'_, str> {
    if width(text) <= columns {
        return Cow::Borrowed(text);
    }
    if columns < 3 {
        return fit(text, columns);
    }
    let end = tail(text, (columns - 1) / 2);
    let start = head(text, columns - 1 - width(end));
    let hidden = &text[start.len()..text.len() - end.len()];
    let digit = |c: char| c.is_ascii_digit();
    let mut ends = (start, end);
    let whole = start.trim_end_matches(digit);
    if hidden.starts_with(digit) && !whole.is_empty() {
        ends.0 = whole;
    }
    let whole = end.trim_start_matches(digit);
    if hidden.ends_with(digit) && !whole.is_empty() {
        ends.1 = whole;
    }
    Cow::Owned(format!("{}{ELLIPSIS}{}", ends.0, ends.1))
}

/// The longest start of `text` within `columns`.
fn head(text: &str, columns: usize) -> &str {
    let mut used = 0;
    for (at, cluster) in text.grapheme_indices(true) {
        used += width(cluster);
        if used > columns {
            return &text[..at];
        }
    }
    text
}

/// The longest end of `text` within `columns`.
fn tail(text: &str, columns: usize) -> &str {
    let mut used = 0;
    for (at, cluster) in text.grapheme_indices(true).rev() {
        used += width(cluster);
        if used > columns {
            return &text[at + cluster.len()..];
        }
    }
    text
}

/// The start all names share, up to and with its last underscore, so that a heading can say it once. Empty where a name
/// would vanish.
pub fn common_start<'a>(names: &[&'a str]) -> &'a str {
    start_of(names.iter().copied())
}

/// The same of names that are not kept in a list; nothing is set aside for them, however many they are.
pub fn start_of<'a>(names: impl Iterator<Item = &'a str> + Clone) -> &'a str {
    let Some(first) = names.clone().next() else { return "" };
    let shared = names.clone().fold(first.len(), |shared, name| {
        first.bytes().zip(name.bytes()).take(shared).take_while(|(a, b)| a == b).count()
    });
    let end = first.as_bytes()[..shared].iter().rposition(|b| *b == b'_').map_or(0, |at| at + 1);
    let mut names = names;
    if names.any(|name| name.len() == end) { "" } else { &first[..end] }
}

/// The names in at most `columns` columns each, cut in the middle where they are longer, and distinct wherever the full
/// names are. The cut is moved until they are; where no cut does it, a number is added.
pub fn shorten(names: &[&str], columns: usize) -> Vec<String> {
    let columns = columns.max(5);
    let room = columns - 1;
    let cut = |back: usize| -> Vec<String> {
        names
            .iter()
            .map(|name| {
                if width(name) <= columns {
                    (*name).to_owned()
                } else {
                    format!("{}{ELLIPSIS}{}", head(name, room - back), tail(name, back))
                }
            })
            .collect()
    };
    let distinct = |short: &[String]| short.iter().collect::<BTreeSet<_>>().len();
    let wanted = names.iter().collect::<BTreeSet<_>>().len();
    let middle = room / 2;
    let mut best = cut(middle);
    for step in 1..=middle {
        if distinct(&best) == wanted {
            return best;
        }
        for back in [middle + step, middle - step] {
            if back < room {
                let other = cut(back);
                if distinct(&other) > distinct(&best) {
                    best = other;
                }
            }
        }
    }
    if distinct(&best) < wanted { numbered(names, &best, columns) } else { best }
}

/// Adds the place of a name to every short form that two different names share.
fn numbered(names: &[&str], short: &[String], columns: usize) -> Vec<String> {
    (0..names.len())
        .map(|i| {
            let clash = (0..names.len()).any(|j| short[i] == short[j] && names[i] != names[j]);
            let mark = format!("#{}", i + 1);
            if clash {
                format!("{}{mark}", head(&short[i], columns.saturating_sub(mark.len())))
            } else {
                short[i].clone()
            }
        })
        .collect()
}

/// A word for a shell: as it stands where that is safe, else in quotes. For commands that somebody copies.
pub fn shell_word(word: &str) -> String {
    let safe = |c: char| c.is_alphanumeric() || "/._-+=:,@%".contains(c);
    if !word.is_empty() && !word.starts_with('-') && word.chars().all(safe) {
        return word.to_owned();
    }
    // One that begins with a dash would be a flag in quotes as well.
    let dash = if word.starts_with('-') { "./" } else { "" };
    format!("'{dash}{}'", word.replace('\'', "'\\''"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn nothing_that_acts_gets_through() {
        assert_eq!(inert("Zomba \u{1b}[31mHC\u{7}"), "Zomba <1B>[31mHC<7>");
        assert_eq!(inert("a\u{202e}b\u{9b}c\r\n"), "a<202E>b<9B>c<D><A>");
        assert!(matches!(inert("Chikwawa é 👕 مرفق"), Cow::Borrowed(_)));
    }

    #[test]
    fn cuts_by_what_is_seen() {
        assert_eq!(fit("Matope South HC", 9), "Matope S…");
        assert_eq!(fit("診療所診療所", 5), "診療…");
        assert_eq!(fit("e\u{301}e\u{301}e\u{301}", 2), "e\u{301}…");
        assert_eq!(fit("abc", 0), "");
        assert_eq!(fit("abc", 3), "abc");
    }

    #[test]
    fn a_cut_in_the_middle_keeps_what_stands_last() {
        assert_eq!(fit_middle("Matope South Community Health Centre (new)", 20), "Matope Sou…tre (new)");
        assert_eq!(fit_middle("Area 25 HC", 10), "Area 25 HC");
        assert_eq!(fit_middle("Area 1234 Health Post", 14), "Area …h Post");
        assert_eq!(fit_middle("診療所診療所", 7), "診療…所");
        assert_eq!((fit_middle("abcd", 2), fit_middle("abcd", 0)), (Cow::from("a…"), Cow::from("")));
    }

    #[test]
    fn common_start_ends_at_an_underscore() {
        assert_eq!(common_start(&["dhis_beds", "dhis_births"]), "dhis_");
        assert_eq!(common_start(&["dhis_", "dhis_births"]), "");
        assert_eq!(common_start(&["beds", "births"]), "");
        assert_eq!(common_start(&[]), "");
        assert_eq!(common_start(&["dhis_beds"]), "dhis_");
    }

    #[test]
    fn the_real_names_stay_distinct_at_every_width() {
        let map = include_str!("../../case_property_map.csv");
        let names: Vec<&str> = map.lines().skip(1).filter_map(|l| l.split(',').next()).collect();
        let start = common_start(&names);
        assert_eq!(start, "dhis_");
        let rest: Vec<&str> = names.iter().map(|n| &n[start.len()..]).collect();
        for columns in 12..60 {
            let short = shorten(&rest, columns);
            assert_eq!(short.iter().collect::<BTreeSet<_>>().len(), 21, "{columns}: {short:?}");
            assert!(short.iter().all(|s| width(s) <= columns));
        }
    }

    #[test]
    fn a_word_for_a_shell_stays_one_word() {
        let cases = [
            ("/data/2026Q2-x.review", "/data/2026Q2-x.review"),
            ("a b", "'a b'"),
            ("it's $HOME", "'it'\\''s $HOME'"),
            ("-x", "'./-x'"),
            ("", "''"),
        ];
        for (word, expected) in cases {
            assert_eq!(shell_word(word), expected);
        }
    }

    proptest! {
        #[test]
        fn fit_never_exceeds_and_never_panics(text in "\\PC{0,30}", columns in 0_usize..40) {
            prop_assert!(width(&fit(&text, columns)) <= columns);
        }

        #[test]
        fn a_middle_cut_fits_and_keeps_both_ends_whole(text in "\\PC{0,30}", columns in 0_usize..40) {
            let short = fit_middle(&text, columns);
            prop_assert!(width(&short) <= columns);
            if let Cow::Owned(short) = &short && columns >= 3 {
                let at = |s: &str| s.grapheme_indices(true).map(|(at, _)| at).chain([s.len()]).collect::<BTreeSet<_>>();
                let whole = at(&text);
                let kept = short.match_indices(ELLIPSIS).any(|(cut, _)| {
                    let (start, end) = (&short[..cut], &short[cut + ELLIPSIS.len()..]);
                    text.starts_with(start) && text.ends_with(end)
                        && whole.contains(&start.len()) && whole.contains(&(text.len() - end.len()))
                });
                prop_assert!(kept, "{short:?}");
            }
        }

        #[test]
        fn short_names_are_distinct(names in prop::collection::btree_set("[a-c_]{1,30}", 1..12), columns in 8_usize..20) {
            let names: Vec<&str> = names.iter().map(String::as_str).collect();
            let short = shorten(&names, columns);
            prop_assert_eq!(short.iter().collect::<BTreeSet<_>>().len(), names.len());
            prop_assert!(short.iter().all(|s| width(s) <= columns));
        }

        #[test]
        fn inert_text_has_nothing_that_acts(text in any::<String>()) {
            prop_assert!(!inert(&text).chars().any(acts));
        }
    }
}
