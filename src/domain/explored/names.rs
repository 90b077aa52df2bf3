//! How like two names of data elements are, and by which words one is looked for.

use std::collections::BTreeMap;

use unicode_segmentation::UnicodeSegmentation;

/// Words that say little: half of all names have them.
const FILLING: [&str; 22] = [
    "a", "all", "and", "any", "at", "by", "for", "from", "in", "no", "number", "of", "on", "or", "per", "the", "to",
    "total", "who", "with", "within", "without",
];

/// How much of a name is looked at, in letters. A longer one is no name.
const LONGEST: usize = 300;

/// The words of a text, in small letters; a word is made of letters and digits.
pub fn words(text: &str) -> Vec<String> {
    text.chars()
        .take(LONGEST)
        .collect::<String>()
        .split(|c: char| !c.is_alphanumeric())
        .filter(|word| !word.is_empty())
        .map(str::to_lowercase)
        .collect()
}

/// The words that tell most about a name, at most `most`: the longest ones, which are the rarest as a rule; of equally long ones
/// those that stand last, since a name begins with its programme. Filling words only where there are no others.
pub fn telling(name: &str, most: usize) -> Vec<String> {
    let all = words(name);
    let mut kept: Vec<&String> = all.iter().filter(|word| !fills(word)).collect();
    if kept.is_empty() {
        kept = all.iter().collect();
    }
    kept.reverse();
    kept.sort_by_key(|word| std::cmp::Reverse(word.chars().count()));
    let mut telling: Vec<String> = Vec::new();
    for word in kept {
        if telling.len() < most && !telling.contains(word) {
            telling.push(word.clone());
        }
    }
    telling
}

fn fills(word: &str) -> bool {
    FILLING.contains(&word)
}

/// How like two names are, in percent; 100 only where they are the same but for spaces and letter case.
///
/// It counts the pairs of neighbouring letters that both have, word by word (the Dice measure). That takes "Women" for "woman",
/// "# of" for "Number of" and words in another order, which is how the same data element differs between servers; a
/// comparison letter by letter would punish a moved word, one of whole words a plural. Two unlike names get next to nothing.
pub fn alike(one: &str, other: &str) -> u8 {
    if same_name(one, other) {
        return 100;
    }
    let (left, right) = (pairs(one), pairs(other));
    let count = |pairs: &BTreeMap<(char, char), usize>| pairs.values().sum::<usize>();
    let all = count(&left) + count(&right);
    let shared: usize = left.iter().filter_map(|(pair, many)| right.get(pair).map(|others| (*many).min(*others))).sum();
    let percent = (200 * shared).checked_div(all).unwrap_or(0);
    u8::try_from(percent).unwrap_or(99).min(99)
}

/// Whether two names are the same but for spaces and letter case.
pub fn same_name(one: &str, other: &str) -> bool {
    let folded = |name: &str| name.split_whitespace().map(str::to_lowercase).collect::<Vec<_>>().join(" ");
    folded(one) == folded(other)
}

/// How often each pair of neighbouring letters stands in the words that say something. A word counts with its beginning, so that
/// one of a single letter counts too.
fn pairs(name: &str) -> BTreeMap<(char, char), usize> {
    let all = words(name);
    let fill = all.iter().all(|word| fills(word));
    let mut pairs = BTreeMap::new();
    for word in all.iter().filter(|word| fill || !fills(word)) {
        let mut before = ' ';
        for letter in word.chars() {
            *pairs.entry((before, letter)).or_default() += 1;
            before = letter;
        }
    }
    pairs
}

/// Most letters of a property that is suggested.
const PROPERTY: usize = 60;

/// A name for the property of a data element called so: `dhis_` and its words, as `CommCare` takes it. A person looks at it and
/// writes another where it is not good; where the name has no letter a to z it is `dhis_` and `id`.
pub fn suggested_property(name: &str, id: &str) -> String {
    let ascii = |text: &str| -> Vec<String> {
        let letters = text.chars().take(LONGEST).map(|c| if c.is_ascii_alphanumeric() { c } else { ' ' });
        let letters: String = letters.collect::<String>().to_lowercase();
        letters.unicode_words().map(str::to_owned).collect()
    };
    let mut property = "dhis".to_owned();
    let mut parts = ascii(name);
    if parts.is_empty() {
        parts = ascii(id);
    }
    for part in parts {
        if property.len() + 1 + part.len() > PROPERTY {
            break;
        }
        property.push('_');
        property.push_str(&part);
    }
    property
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::mapping::property_fault;

    #[test]
    fn names_of_the_same_thing_are_alike_and_others_are_not() {
        for (one, other, least, most) in [
            ("CHD EPI Pregnant women", "chd  epi pregnant WOMEN ", 100, 100),
            ("CHD EPI Pregnant women", "CHD EPI # of Pregnant Women", 99, 99),
            (
                "TB COMM Number of Sputum sample collection points in the catchment",
                "TB COMM Number of Sputum Collection Points",
                65,
                85,
            ),
            ("Pregnant woman", "Women, pregnant", 70, 95),
            ("NCD CC HIV Status +Ve on ART", "HMIS Bed Capacity", 0, 20),
            ("beds", "", 0, 0),
            ("", "", 100, 100),
            ("\u{1b}[2J", "\u{202e}", 0, 0),
            ("of the", "of a", 0, 99),
            ("\u{6c34}", "\u{6c34} \u{6c34}", 60, 70),
        ] {
            let percent = alike(one, other);
            assert!((least..=most).contains(&percent), "{one} and {other}: {percent}");
            assert_eq!(percent, alike(other, one), "{one} and {other}");
        }
        assert!(alike(&"x".repeat(100_000), &"y".repeat(100_000)) == 0);
    }

    #[test]
    fn the_longest_words_tell_most() {
        let found = telling("TB COMM Number of Sputum sample collection points in the catchment", 4);
        assert_eq!(found, ["collection", "catchment", "points", "sample"]);
        assert_eq!(telling("NCD CC HIV Status +Ve on ART", 4), ["status", "art", "hiv", "ncd"]);
        assert_eq!(telling("Number of the", 4), ["number", "the", "of"]);
        assert_eq!(telling("beds, Beds:BEDS]", 4), ["beds"]);
        assert!(telling("+ : [ ]", 4).is_empty());
    }

    #[test]
    fn a_suggested_property_is_one_commcare_takes() {
        for (name, id, expected) in [
            ("HMIS # of Functioning Ambulances", "MRqq82xATzI", "dhis_hmis_of_functioning_ambulances"),
            ("\u{6c34}\u{1b}", "MRqq82xATzI", "dhis_mrqq82xatzi"),
            ("", "", "dhis"),
            ("Ste-Th\u{e9}r\u{e8}se", "x", "dhis_ste_th_r_se"),
        ] {
            assert_eq!(suggested_property(name, id), expected);
        }
        for name in
            ["word ".repeat(40), "x".repeat(500), "=cmd()|' /C calc'!A0".to_owned(), "a,b;c\t\"d\"\r\ne".to_owned()]
        {
            let property = suggested_property(&name, "MRqq82xATzI");
            assert!(property_fault(&property).is_none() && property.len() <= PROPERTY, "{property}");
        }
    }
}
