//! The valid name a person most likely meant, for messages about a name that is not known.
//!
//! It only words a hint. Nothing is ever taken as meant: the unknown name stays an error.

/// The choice closest to `word`, or `None` when all are too far to be worth naming.
///
/// Letter case, spaces around, and `-` against `_` do not count. Up to a third of the letters may differ, at least one;
/// two letters in the wrong order are one difference. Of equally close choices the first is taken.
pub fn nearest<'a>(word: &str, choices: impl IntoIterator<Item = &'a str>) -> Option<&'a str> {
    let word = folded(word);
    let mut best: Option<(usize, &'a str)> = None;
    for choice in choices {
        let other = folded(choice);
        let reach = (word.len().max(other.len()) / 3).max(1);
        // The lengths alone already differ by this much, so the table need not be filled for a hopeless pair.
        if word.len().abs_diff(other.len()) > reach {
            continue;
        }
        let far = distance(&word, &other);
        if far <= reach && best.is_none_or(|(least, _)| far < least) {
            best = Some((far, choice));
        }
    }
    best.map(|(_, choice)| choice)
}

fn folded(word: &str) -> Vec<char> {
    word.trim().chars().flat_map(char::to_lowercase).map(|c| if c == '-' { '_' } else { c }).collect()
}

/// Letters to change, add, drop or swap with their neighbour.
fn distance(a: &[char], b: &[char]) -> usize {
    let mut above_that: Vec<usize> = Vec::new();
    let mut above: Vec<usize> = (0..=b.len()).collect();
    for (i, x) in a.iter().enumerate() {
        let mut row = vec![i + 1];
        for (j, y) in b.iter().enumerate() {
            let change = above[j] + usize::from(x != y);
            let mut least = change.min(above[j + 1] + 1).min(row[j] + 1);
            if i > 0 && j > 0 && *x == b[j - 1] && a[i - 1] == *y {
                least = least.min(above_that[j - 1] + 1);
            }
            row.push(least);
        }
        above_that = std::mem::replace(&mut above, row);
    }
    above[b.len()]
}

#[cfg(test)]
mod tests {
    use super::{distance, nearest};

    #[test]
    fn the_closest_name_is_found() {
        let keys = ["mapping", "case_type", "label", "chunk_size", "url", "username"];
        for (typed, meant) in [
            ("maping", Some("mapping")),
            ("Case-Type", Some("case_type")),
            ("chunksize", Some("chunk_size")),
            ("lable", Some("label")),
            ("user_name", Some("username")),
            ("uri", Some("url")),
            ("password", None),
            ("", None),
        ] {
            assert_eq!(nearest(typed, keys), meant, "{typed}");
        }
    }

    #[test]
    fn of_equally_close_names_the_first_is_taken() {
        assert_eq!(nearest("cat", ["bat", "hat"]), Some("bat"));
        assert_eq!(nearest("cat", ["hat", "bat"]), Some("hat"));
    }

    #[test]
    fn the_distance_counts_single_slips() {
        let count = |a: &str, b: &str| distance(&a.chars().collect::<Vec<_>>(), &b.chars().collect::<Vec<_>>());
        for (a, b, steps) in [
            ("", "", 0),
            ("", "abc", 3),
            ("abc", "", 3),
            ("abc", "acb", 1),
            ("abc", "abd", 1),
            ("kitten", "sitting", 3),
        ] {
            assert_eq!(count(a, b), steps, "{a} {b}");
            assert_eq!(count(b, a), steps, "{b} {a}");
        }
    }
}
