//! Rule S20: how numbers of one facility must stand to each other, such as cured at most started
//! (data-quality-flags.md section 2). The rules come from the mapping and the settings; none is built in.

use std::collections::BTreeSet;
use std::fmt;

use super::{Flag, Severity};
use crate::domain::nearest::nearest;
use crate::domain::value::{Number, grouped};

/// The start of a property's name that may be left out, and is left out of sentences.
const PREFIX: &str = "dhis_";

/// With more properties than this no nearest name is looked for: it takes too long, and such a file is no mapping of ours.
const HINTS: usize = 1000;

/// A rule between one property and the sum of others of the same facility.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Relation {
    left: String,
    op: Op,
    right: Vec<String>,
}

/// How the left side must stand to the right one.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Op {
    AtMost,
    AtLeast,
    Equal,
}

impl Op {
    fn sign(self) -> &'static str {
        match self {
            Self::AtMost => "<=",
            Self::AtLeast => ">=",
            Self::Equal => "=",
        }
    }

    /// What to say where it does not hold; `None` where it does.
    fn broken(self, left: &Number, right: &Number) -> Option<&'static str> {
        match self {
            Self::AtMost => (left > right).then_some(">"),
            Self::AtLeast => (left < right).then_some("<"),
            Self::Equal => (left != right).then_some("is not"),
        }
    }
}

impl Relation {
    /// Reads a rule with both sides, such as `dhis_cured <= dhis_started` or `a = b + c`. The names are not looked at yet, see
    /// [`Relation::among`]. The error is one or two sentences with the remedy.
    pub fn parse(text: &str) -> Result<Self, String> {
        let (left, op, right) = sides(text)?;
        if left.is_empty() {
            return Err(format!("There is no name before the {}. Write a rule such as cured <= started.", op.sign()));
        }
        if left.contains('+') {
            let turned = match op {
                Op::AtMost => Op::AtLeast,
                Op::AtLeast => Op::AtMost,
                Op::Equal => Op::Equal,
            };
            let sign = turned.sign();
            return Err(format!("The left side must be one name. Turn the rule round, such as c {sign} a + b."));
        }
        Ok(Self { left: name(&left)?, op, right })
    }

    /// Reads what stands in the mapping beside `property`, which is the left side: `<= dhis_started`, `= a + b`.
    /// The error is one or two sentences with the remedy.
    pub fn beside(property: &str, text: &str) -> Result<Self, String> {
        let (left, op, right) = sides(text)?;
        if !(left.is_empty() || left == property || left == short(property)) {
            let sign = op.sign();
            return Err(format!("The left side is the property of the row. Begin with the {sign} here."));
        }
        Ok(Self { left: property.to_owned(), op, right })
    }

    /// The same with the full names of `properties`; `dhis_` may have been left out. Fails where a name is none of them, with
    /// the nearest one, and where a name stands in the rule twice.
    pub fn among(self, properties: &BTreeSet<&str>) -> Result<Self, String> {
        let left = full(&self.left, properties)?;
        let right = self.right.iter().map(|name| full(name, properties)).collect::<Result<Vec<_>, _>>()?;
        let mut seen = BTreeSet::from([left.as_str()]);
        if let Some(twice) = right.iter().find(|name| !seen.insert(name.as_str())) {
            return Err(format!("{} stands in the rule twice. A rule compares different properties.", quoted(twice)));
        }
        Ok(Self { left, op: self.op, right })
    }

    /// The property on the left, to which the flag belongs.
    pub fn left(&self) -> &str {
        &self.left
    }

    /// Every property it compares, the left one first.
    pub fn names(&self) -> impl Iterator<Item = &str> {
        std::iter::once(self.left()).chain(self.right.iter().map(String::as_str))
    }

    /// The flag where it does not hold, compared exactly, of the numbers of [`Relation::names`] by their place there. Silent where one
    /// of them is missing.
    pub fn broken(&self, value_at: impl Fn(usize) -> Option<Number>) -> Option<Flag> {
        let left = value_at(0)?;
        let mut sum = Number::default();
        for at in 1..=self.right.len() {
            sum += value_at(at)?;
        }
        let word = self.op.broken(&left, &sum)?;
        let term = |(name, at): (&String, usize)| Some(format!("{} {}", short(name), shown(&value_at(at)?)));
        let terms: Vec<String> = self.right.iter().zip(1..).filter_map(term).collect();
        let total = if terms.len() > 1 { format!(" = {}", shown(&sum)) } else { String::new() };
        let sentence = format!("{} {} {word} {}{total}", short(&self.left), shown(&left), terms.join(" + "));
        Some(Flag::new("S20", Severity::Review, sentence))
    }

    /// Every rule once, where it stands first. The order of a sum is no matter.
    pub fn once(all: impl IntoIterator<Item = Self>) -> Vec<Self> {
        let mut seen = BTreeSet::new();
        let mut new = |relation: &Self| {
            let mut right = relation.right.clone();
            right.sort_unstable();
            seen.insert((relation.left.clone(), relation.op, right))
        };
        all.into_iter().filter(|relation| new(relation)).collect()
    }
}

impl fmt::Display for Relation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {} {}", self.left, self.op.sign(), self.right.join(" + "))
    }
}

/// The left side as it stands, the operator, and the names on the right.
fn sides(text: &str) -> Result<(String, Op, Vec<String>), String> {
    const HOW: &str = "Write a rule such as <= started or = male + female.";
    let text = text.replace('≤', "<=").replace('≥', ">=");
    let Some(at) = text.find(['<', '>', '=']) else {
        return Err(format!("It has no <=, >= or =. {HOW}"));
    };
    let (left, rest) = text.split_at(at);
    let known = [Op::AtMost, Op::AtLeast, Op::Equal];
    let Some((op, right)) = known.into_iter().find_map(|op| Some((op, rest.strip_prefix(op.sign())?))) else {
        return Err("Only <=, >= and = are known. Write <= for at most and >= for at least.".to_owned());
    };
    if right.contains(['<', '>', '=']) {
        return Err(format!("Only one of <=, >= and = may stand in a rule. {HOW}"));
    }
    if right.trim().is_empty() {
        return Err(format!("There is no name after the {}. {HOW}", op.sign()));
    }
    let right = right.split('+').map(name).collect::<Result<_, _>>()?;
    Ok((left.trim().to_owned(), op, right))
}

/// One name, not looked up.
fn name(text: &str) -> Result<String, String> {
    let text = text.trim();
    if text.is_empty() {
        return Err("A name is missing beside a +.".to_owned());
    }
    if text.contains(char::is_whitespace) {
        return Err(format!("{} is not one name. Put + between names.", quoted(text)));
    }
    Ok(text.to_owned())
}

/// The property a person means by `name`: of that name, or of that name behind `dhis_`.
fn full(name: &str, properties: &BTreeSet<&str>) -> Result<String, String> {
    let long = format!("{PREFIX}{name}");
    for known in [name, &long] {
        if properties.contains(known) {
            return Ok(known.to_owned());
        }
    }
    let mut what = format!("There is no property {} in the mapping.", quoted(name));
    let known = properties.iter().copied();
    if properties.len() <= HINTS
        && let Some(close) = nearest(name, known.clone().chain(known.map(short)))
    {
        what.push_str(" Perhaps ");
        what.push_str(&quoted(close));
        what.push_str(" is meant.");
    }
    Err(what)
}

/// A name as it may stand in a message: at most 60 characters, control characters spelled out.
fn quoted(name: &str) -> String {
    let more = if name.chars().nth(60).is_some() { "…" } else { "" };
    let start: String = name.chars().take(60).flat_map(char::escape_debug).collect();
    format!("\"{start}{more}\"")
}

/// A name as it is said.
fn short(name: &str) -> &str {
    name.strip_prefix(PREFIX).unwrap_or(name)
}

fn shown(number: &Number) -> String {
    grouped(&number.to_string())
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::BTreeMap;

    const NAMES: [&str; 6] = ["dhis_cured", "dhis_started", "dhis_completed", "dhis_dead", "beds", "dhis_beds"];

    fn rule(text: &str) -> Result<Relation, String> {
        Relation::parse(text)?.among(&NAMES.into())
    }

    fn said(text: &str, values: &[(&str, &str)]) -> Option<String> {
        let values: BTreeMap<&str, &str> = values.iter().copied().collect();
        let rule = rule(text).unwrap();
        let names: Vec<&str> = rule.names().collect();
        let flag = rule.broken(|at| Number::parse(values.get(names[at])?))?;
        assert_eq!((flag.id.as_str(), flag.severity), ("S20", Severity::Review));
        Some(flag.sentence)
    }

    #[test]
    fn every_form_is_read() {
        for (text, full) in [
            ("dhis_cured <= dhis_started", "dhis_cured <= dhis_started"),
            ("cured<=started", "dhis_cured <= dhis_started"),
            (" cured >= completed+ dead ", "dhis_cured >= dhis_completed + dhis_dead"),
            ("cured ≤ started", "dhis_cured <= dhis_started"),
            ("cured ≥ started", "dhis_cured >= dhis_started"),
            ("cured = started", "dhis_cured = dhis_started"),
            ("beds <= dhis_beds", "beds <= dhis_beds"),
        ] {
            assert_eq!(rule(text).map(|rule| rule.to_string()), Ok(full.to_owned()), "{text}");
        }
        let beside = |text| Relation::beside("dhis_cured", text).map(|rule| rule.to_string());
        for text in ["<= started", "<=started", "cured <= started", "dhis_cured <= started"] {
            assert_eq!(beside(text).as_deref(), Ok("dhis_cured <= started"), "{text}");
        }
        assert!(beside("dead <= started").unwrap_err().contains("Begin with the <="));
        assert!(beside("started").unwrap_err().contains("no <=, >= or ="));
        let rule = rule("cured = completed + dead").unwrap();
        assert_eq!(rule.left(), "dhis_cured");
        assert_eq!(rule.names().collect::<Vec<_>>(), ["dhis_cured", "dhis_completed", "dhis_dead"]);
    }

    #[test]
    fn what_is_no_rule_is_told_with_a_remedy() {
        for (text, part) in [
            ("", "no <=, >= or ="),
            ("cured", "such as <= started"),
            ("cured < started", "Only <=, >= and = are known"),
            ("cured > started", "Only <=, >= and = are known"),
            ("cured == started", "Only one of"),
            ("cured <= started <= dead", "Only one of"),
            ("cured <=", "no name after the <="),
            (">= started", "no name before the >="),
            ("cured <= started +", "missing beside a +"),
            ("cured <= + started", "missing beside a +"),
            ("cured <= started dead", "\"started dead\" is not one name"),
            ("cured\tdead <= started", "is not one name"),
            ("completed + dead <= started", "such as c >= a + b"),
            ("completed + dead = started", "such as c = a + b"),
            ("cured <= startd", "\"startd\" in the mapping. Perhaps \"started\" is meant."),
            ("dhis_curd <= started", "\"dhis_curd\" in the mapping. Perhaps \"dhis_cured\" is meant."),
            ("cured <= Started", "Perhaps \"started\" is meant."),
            ("cured <= 100", "no property \"100\" in the mapping."),
            ("cured <= dhis_cured", "\"dhis_cured\" stands in the rule twice"),
            ("cured <= dead + started + dhis_dead", "\"dhis_dead\" stands in the rule twice"),
        ] {
            let said = rule(text).unwrap_err();
            assert!(said.contains(part), "{text}: {said}");
        }
    }

    #[test]
    fn no_nearest_name_is_sought_among_too_many() {
        let many: Vec<String> = (0..=HINTS).map(|n| format!("p{n}")).collect();
        let said = |names: &[String]| {
            Relation::parse("p1 <= p1000x").unwrap().among(&names.iter().map(String::as_str).collect()).unwrap_err()
        };
        assert!(said(&many[1..]).contains("Perhaps"));
        assert!(!said(&many).contains("Perhaps"));
    }

    #[test]
    fn a_rule_speaks_beside_equality_and_not_at_it() {
        let numbers = |cured, started| [("dhis_cured", cured), ("dhis_started", started)];
        for (text, cured, started, expected) in [
            ("cured <= started", "40", "31", Some("cured 40 > started 31")),
            ("cured <= started", "31", "31.0", None),
            ("cured <= started", "30", "31", None),
            ("cured <= started", "31.01", "31", Some("cured 31.01 > started 31")),
            ("cured >= started", "30", "31", Some("cured 30 < started 31")),
            ("cured >= started", "31", "31", None),
            ("cured >= started", "32", "31", None),
            ("cured = started", "31", "31", None),
            ("cured = started", "0", "1310", Some("cured 0 is not started 1,310")),
            ("cured = started", "32", "31", Some("cured 32 is not started 31")),
        ] {
            assert_eq!(said(text, &numbers(cured, started)).as_deref(), expected, "{text}: {cured} {started}");
        }
    }

    #[test]
    fn a_sum_is_exact_and_told_with_its_total() {
        let parts = |cured| [("dhis_cured", cured), ("dhis_completed", "0.1"), ("dhis_dead", "0.2")];
        assert_eq!(said("cured <= completed + dead", &parts("0.3")), None);
        assert_eq!(
            said("cured <= completed + dead", &parts("0.31")).as_deref(),
            Some("cured 0.31 > completed 0.1 + dead 0.2 = 0.3")
        );
        let many = [("dhis_cured", "40"), ("dhis_completed", "20"), ("dhis_dead", "3")];
        assert_eq!(
            said("cured = completed + dead", &many).as_deref(),
            Some("cured 40 is not completed 20 + dead 3 = 23")
        );
    }

    #[test]
    fn without_one_of_the_numbers_it_is_silent() {
        let all = [("dhis_cured", "40"), ("dhis_completed", "20"), ("dhis_dead", "3")];
        for missing in 0..all.len() {
            let rest: Vec<_> = all.iter().enumerate().filter(|(at, _)| *at != missing).map(|(_, pair)| *pair).collect();
            assert_eq!(said("cured <= completed + dead", &rest), None, "{missing}");
        }
        assert!(said("cured <= completed + dead", &all).is_some());
    }

    #[test]
    fn each_rule_counts_once_whatever_the_order_of_its_sum() {
        let rules = ["cured <= dead + started", "cured <= started", "cured <= started + dead", "cured >= started"];
        let once = Relation::once(rules.map(|text| rule(text).unwrap()));
        let once: Vec<String> = once.iter().map(ToString::to_string).collect();
        assert_eq!(
            once,
            ["dhis_cured <= dhis_dead + dhis_started", "dhis_cured <= dhis_started", "dhis_cured >= dhis_started"]
        );
    }
}
