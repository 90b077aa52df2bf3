//! The `filter` parameter: `path:operator:value` (dhis2.md section 2).

use serde_json::Value;

use super::View;
use super::graph::{Member, Node};

/// One condition.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Filter {
    path: Vec<String>,
    operator: String,
    wanted: String,
}

impl Filter {
    /// Reads a condition; the error is the sentence DHIS2 would answer with 400.
    pub(crate) fn new(text: &str) -> Result<Self, String> {
        const KNOWN: [&str; 17] = [
            "eq", "ieq", "ne", "like", "ilike", "$like", "like$", "$ilike", "ilike$", "token", "in", "null", "empty",
            "gt", "ge", "lt", "le",
        ];
        let mut parts = text.splitn(3, ':');
        let (Some(path), Some(operator)) = (parts.next(), parts.next()) else {
            return Err(format!("Invalid filter: {text}"));
        };
        if !KNOWN.contains(&operator.trim_start_matches('!')) {
            return Err(format!("`{operator}` is not a valid operator."));
        }
        let path = path.split('.').map(str::to_owned).collect();
        Ok(Self { path, operator: operator.to_owned(), wanted: parts.next().unwrap_or_default().to_owned() })
    }

    /// Whether the object meets the condition.
    pub(crate) fn holds(&self, view: &View<'_>, node: Node) -> bool {
        let mut found = Vec::new();
        if self.path == ["identifiable"] {
            for name in ["id", "code", "name", "shortName"] {
                reach(view, node, &[name.to_owned()], &mut found);
            }
        } else {
            reach(view, node, &self.path, &mut found);
        }
        let (operator, wished) = match self.operator.strip_prefix('!') {
            Some(operator) => (operator, false),
            None if self.operator == "ne" => ("eq", false),
            None => (self.operator.as_str(), true),
        };
        let met = match operator {
            "null" | "empty" => found.is_empty(),
            operator => found.iter().any(|have| compare(operator, have, &self.wanted)),
        };
        met == wished
    }
}

/// The `order` parameter: `name:asc`, `name:desc`, or with a leading `i` without regard to case.
pub(crate) fn sort(view: &View<'_>, nodes: &mut [Node], order: &str) {
    let (name, way) = order.split_once(':').unwrap_or((order, "asc"));
    nodes.sort_by_cached_key(|&node| {
        let mut found = Vec::new();
        reach(view, node, &[name.to_owned()], &mut found);
        let text = found.into_iter().next();
        if way.starts_with('i') { text.map(|text| text.to_lowercase()) } else { text }
    });
    if way.ends_with("desc") {
        nodes.reverse();
    }
}

/// Collects the values at a path as text; an object at its end counts as its id.
fn reach(view: &View<'_>, node: Node, path: &[String], found: &mut Vec<String>) {
    let (name, rest) = path.split_first().map_or(("id", path), |(name, rest)| (name.as_str(), rest));
    match node.member(view, name) {
        Some(Member::Plain(Value::String(text))) => found.push(text),
        Some(Member::Plain(value)) => found.push(value.to_string()),
        Some(Member::One(next)) => reach(view, next, rest, found),
        Some(Member::Many(nodes)) => nodes.into_iter().for_each(|next| reach(view, next, rest, found)),
        None => {}
    }
}

fn compare(operator: &str, have: &str, wanted: &str) -> bool {
    let (low_have, low_wanted) = (have.to_lowercase(), wanted.to_lowercase());
    let number = || Some((have.parse::<f64>().ok()?, wanted.parse::<f64>().ok()?));
    match operator {
        "eq" => have == wanted,
        "ieq" => low_have == low_wanted,
        "like" => have.contains(wanted),
        "ilike" => low_have.contains(&low_wanted),
        "$like" => have.starts_with(wanted),
        "like$" => have.ends_with(wanted),
        "$ilike" => low_have.starts_with(&low_wanted),
        "ilike$" => low_have.ends_with(&low_wanted),
        "token" => low_wanted
            .split_whitespace()
            .all(|token| low_have.match_indices(token).any(|(at, _)| !low_have[..at].ends_with(char::is_alphanumeric))),
        "in" => wanted.trim_start_matches('[').trim_end_matches(']').split(',').any(|one| one.trim() == have),
        "gt" => number().is_some_and(|(have, wanted)| have > wanted),
        "ge" => number().is_some_and(|(have, wanted)| have >= wanted),
        "lt" => number().is_some_and(|(have, wanted)| have < wanted),
        "le" => number().is_some_and(|(have, wanted)| have <= wanted),
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use super::{Filter, compare};

    #[test]
    fn operators_compare_as_dhis2_does() {
        for (operator, have, wanted, met) in [
            ("eq", "Dowa", "Dowa", true),
            ("eq", "Dowa", "dowa", false),
            ("ieq", "Dowa", "dowa", true),
            ("like", "HMIS Bed Capacity", "bed", false),
            ("ilike", "HMIS Bed Capacity", "bed", true),
            ("token", "HMIS Bed Capacity", "cap hmis", true),
            ("token", "HMIS Bed Capacity", "apacity", false),
            ("in", "b", "[a,b]", true),
            ("in", "ab", "[a,b]", false),
            ("ge", "3", "3", true),
            ("gt", "3", "x", false),
        ] {
            assert_eq!(compare(operator, have, wanted), met, "{have} {operator} {wanted}");
        }
    }

    #[test]
    fn what_is_no_condition_is_refused() {
        assert!(Filter::new("name").is_err());
        assert!(Filter::new("name:almost:x").is_err());
        assert!(Filter::new("name:!ilike:a:b").is_ok());
    }
}
