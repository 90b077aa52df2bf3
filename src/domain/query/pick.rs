//! The naming of single facilities by a person: words to places, or a sentence that says why not.

use crate::domain::text::inert;

/// What a person may call a facility by.
#[derive(Clone, Copy, Debug)]
pub struct Called<'a> {
    /// `CommCare` case id.
    pub case_id: &'a str,
    /// DHIS2 organisation unit id; empty where the case has none.
    pub external_id: &'a str,
    /// Case name.
    pub name: &'a str,
}

/// The places of the facilities that `words` mean: one by its case id, every case of an organisation unit id, or the only
/// one with this whole name, else the only one whose name holds the words. Letter case does not matter in names. Where no
/// facility or several are meant, the error is a sentence that says so and tells them apart.
pub fn pick(facilities: &[Called<'_>], words: &str) -> Result<Vec<usize>, String> {
    let places = |test: &dyn Fn(&Called<'_>) -> bool| -> Vec<usize> {
        facilities.iter().enumerate().filter(|(_, one)| test(one)).map(|(at, _)| at).collect()
    };
    let shown = inert(words);
    let by_id = places(&|one| !words.is_empty() && (one.case_id == words || one.external_id == words));
    if !by_id.is_empty() {
        return Ok(by_id);
    }
    let lower = words.to_lowercase();
    let whole = places(&|one| one.name.to_lowercase() == lower);
    if whole.len() > 1 {
        let ids = several(whole.iter().map(|at| facilities[*at].case_id));
        return Err(format!("{} cases have the name \"{shown}\": {ids}; name one by its case id", whole.len()));
    }
    let found = if whole.is_empty() { places(&|one| one.name.to_lowercase().contains(&lower)) } else { whole };
    match found.len() {
        0 => Err(format!("no facility has the name or id \"{shown}\"; names are searched as plain text")),
        1 => Ok(found),
        count => {
            let names = several(found.iter().map(|at| facilities[*at].name));
            Err(format!("\"{shown}\" is in {count} names: {names}; name one"))
        }
    }
}

/// The first few of these texts, and how many more there are.
fn several<'a>(texts: impl ExactSizeIterator<Item = &'a str>) -> String {
    let count = texts.len();
    let first: Vec<String> = texts.take(8).map(|text| inert(text).into_owned()).collect();
    let more = if count > 8 { format!(" and {} more", count - 8) } else { String::new() };
    format!("{}{more}", first.join(", "))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_mean_one_facility_or_say_why_not() {
        let called = |case_id, external_id, name| Called { case_id, external_id, name };
        let all = [
            called("k1", "Uaaaaaaaaa1", "Kasenga"),
            called("k2", "Uaaaaaaaaa1", "Kasenga Annex"),
            called("k3", "Uaaaaaaaaa3", "Mponela"),
            called("k4", "", "MPONELA"),
        ];
        let found = |words: &str| pick(&all, words);
        assert_eq!(found("k2"), Ok(vec![1]));
        assert_eq!(found("Uaaaaaaaaa1"), Ok(vec![0, 1]), "both cases of an organisation unit");
        assert_eq!(found("KASENGA"), Ok(vec![0]), "a whole name is not also a part");
        assert_eq!(found("annex"), Ok(vec![1]));
        assert!(found("mponela").unwrap_err().contains("2 cases have the name \"mponela\": k3, k4"));
        assert!(found("kas").unwrap_err().contains("is in 2 names: Kasenga, Kasenga Annex"));
        assert!(found("zaria\u{1b}").unwrap_err().contains("no facility"));
        assert!(found("").is_err(), "no words are not the id of a case without one");
    }
}
