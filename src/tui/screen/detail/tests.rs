use super::*;

fn text(line: &[Piece<'_>]) -> String {
    line.iter().map(|(text, _)| text.as_ref()).collect()
}

#[test]
fn a_share_reads_the_same_without_its_bar() {
    assert_eq!(text(&bar(0.5, 16)), format!("{}{}  50 %", "█".repeat(8), "░".repeat(8)));
    assert_eq!(text(&bar(0.004, 16)), format!("{}  <1 %", "░".repeat(16)));
}

#[test]
fn names_and_values_are_inert() {
    let part = PartLine { name: "a\u{1b}b".to_owned(), value: Some("1\u{1b}".to_owned()), ..PartLine::default() };
    assert_eq!((part_name(&part).as_str(), part_value(&part).as_str()), ("a<1B>b", "\"1<1B>\""));
}
