//! Fault matrix rows V11 and V12: whatever servers and people wrote stays text.

use std::collections::{BTreeMap, BTreeSet};

use onse::domain::{
    flags::{Check, Flag, Severity},
    ledger::Act,
    outcome::Outcome,
    plan::{Head, Skipped, State},
};
use quick_xml::{Reader, events::Event};

use crate::sample::{Sample, at, head, mixed, plan};

/// Texts that would act in HTML, in Markdown, or on the order of characters.
const EVIL: [&str; 14] = [
    "<script>alert(1)</script>",
    "\"><img src=x onerror=alert(1)>",
    "' onmouseover='alert(1)",
    "</title></style></svg></td></table><iframe src=//evil.example>",
    "a\u{1b}[31m\u{7}\u{0}\u{202e}\u{2066}\u{200f}b\r\nc",
    "&lt;script&gt; &amp; ]]> <!-- --> <?x?>",
    "مركز صحي \u{202b}RTL",
    "a | b \\| c",
    "`code` ``more``",
    "[link](javascript:alert(1)) ![x](http://evil.example/x.png) <http://evil.example>",
    "# heading\n- item\n1. one",
    "**bold** _em_ ~~gone~~ $x$ @team https://evil.example www.evil.example",
    "1. one",
    "--- \u{fffe}\u{ffff}",
];

/// A review in which every text is a hostile one.
fn hostile(evil: &str) -> Sample {
    let head = Head {
        project: evil.to_owned(),
        label: evil.to_owned(),
        dhis2: evil.to_owned(),
        commcare: evil.to_owned(),
        mapping: evil.to_owned(),
        scope: evil.to_owned(),
        read_at: evil.to_owned(),
        dhis2_version: evil.to_owned(),
        incomplete: Some(evil.to_owned()),
        notes: vec![evil.to_owned()],
        mapping_problems: vec![evil.to_owned()],
        ..head()
    };
    let checks =
        vec![Check::of_run(evil, Severity::Review, evil), Check::of_property("C5", Severity::Stop, "dhis_p0", evil)];
    let plan = plan(&[evil, evil], &[evil, evil, evil], head, |draft| {
        for cell in draft.plan().cells().collect::<Vec<_>>() {
            draft.set(cell, Some(evil), Some("5"), State::Reported);
            draft.flag(cell, Flag::new("T2", Severity::Review, evil));
        }
        draft.name("c1".to_owned(), evil.to_owned());
        draft.name("a1".to_owned(), evil.to_owned());
        draft.skip(Skipped { case_id: evil.into(), case_name: evil.into(), reason: evil.into() });
        draft.say(checks, BTreeMap::new());
    });
    let mut sample = Sample { file: evil.to_owned(), ..Sample::of(plan) };
    sample.past(at(0, 0), &["4", "3"]);
    sample.parts(at(0, 0), &[("c1", evil), ("c2", "1")]);
    // A name and a reason as a person types them; the rest is from servers and files.
    sample.decide(evil, Act::Approve, &[at(0, 0)], Some(&format!("xxx {evil}")));
    sample.decide(evil, Act::Approve, &[at(0, 1), at(1, 1)], Some(evil));
    sample.decide(evil, Act::Reject, &[at(0, 2)], Some(evil));
    sample.form(evil, Outcome::Accepted, &[(at(0, 0), Some(Outcome::Applied))], Some(evil));
    sample.form(evil, Outcome::Unknown, &[(at(0, 1), None)], Some(evil));
    let evil = serde_json::to_string(evil).unwrap();
    let back = format!(
        r#"{{"held": [{{"facility": 1, "property": 1, "base": {evil}, "now": {evil}, "new": {evil}, "why": {evil}}}]}}"#
    );
    sample.note("Grace", "held", None, &back);
    sample
}

/// Elements and attributes that a report has, and no others.
fn held_to_the_list(html: &str) {
    let elements: BTreeSet<&str> =
        "html head meta title style body header main section footer h1 h2 p ul li a b bdi small br \
         table thead tbody tr th td details summary svg path circle"
            .split_whitespace()
            .collect();
    let attributes: BTreeSet<&str> =
        "lang charset http-equiv content name id class scope colspan viewBox role d cx cy r href"
            .split_whitespace()
            .collect();
    let mut reader = Reader::from_str(html);
    reader.config_mut().check_end_names = true;
    let mut open = 0_i32;
    loop {
        let event = reader.read_event().unwrap_or_else(|error| panic!("{error} in {html}"));
        let start = match &event {
            Event::Eof => break,
            Event::Start(start) => {
                open += 1;
                start
            }
            Event::Empty(start) => start,
            Event::End(_) => {
                open -= 1;
                continue;
            }
            Event::Text(_) | Event::GeneralRef(_) | Event::DocType(_) => continue,
            other => panic!("{other:?}"),
        };
        let name = start.name().as_ref().to_owned();
        assert!(elements.contains(name.as_str()), "<{name}>");
        for attribute in start.attributes() {
            let attribute = attribute.unwrap();
            let (key, value) = (attribute.key.as_ref().to_owned(), attribute.value.into_owned());
            assert!(attributes.contains(key.as_str()), "{name} {key}");
            assert!(key != "href" || value.starts_with('#'), "{value}");
            assert!(value.len() < 400 && !value.contains('<'), "{key}={value}");
        }
    }
    assert_eq!(open, 0, "every element is closed");
}

#[test]
fn v11_hostile_text_stays_text_in_html() {
    for evil in EVIL {
        let html = hostile(evil).html();
        held_to_the_list(&html);
        assert!(html.contains("content=\"default-src 'none'; style-src 'unsafe-inline'; img-src data:\""));
        let acts = |c: char| {
            c.is_control() && c != '\n'
                || matches!(c, '\u{200b}'..='\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2060}'..='\u{206f}')
        };
        assert!(!html.chars().any(acts), "{evil:?}");
        let style = html.split_once("<style>").unwrap().1.split_once("</style>").unwrap().0;
        for remote in ["url(", "@import", "http"] {
            assert!(!style.contains(remote), "{remote}");
        }
        // Nothing was lost on the way: it stands there, escaped.
        assert!(html.matches(&shown(evil)).count() > 20, "{evil:?}: {html}");
    }
}

/// The text as it stands in HTML, by another road than the program's.
fn shown(text: &str) -> String {
    let one = |c: char| match c {
        '&' => "&amp;".to_owned(),
        '<' => "&lt;".to_owned(),
        '>' => "&gt;".to_owned(),
        '"' => "&quot;".to_owned(),
        '\'' => "&#39;".to_owned(),
        '\u{fffe}' | '\u{ffff}' => "\u{fffd}".to_owned(),
        c if c.is_control() || matches!(c, '\u{200f}' | '\u{202b}' | '\u{202e}' | '\u{2066}') => {
            format!("&lt;{:X}&gt;", u32::from(c))
        }
        c => c.to_string(),
    };
    text.chars().map(one).collect()
}

#[test]
fn v11_names_are_set_apart_from_the_direction_around_them() {
    let name = "مركز صحي";
    let html = hostile(name).html();
    assert!(html.contains(&format!("<bdi>{name}</bdi>")), "{html}");
    assert!(html.contains("unicode-bidi: isolate"));
}

/// The fields of a row of a Markdown table: cut at every `|` that is no text.
fn fields(row: &str) -> usize {
    let mut escaped = false;
    let bar = |c: char| {
        let acts = c == '|' && !escaped;
        escaped = c == '\\' && !escaped;
        acts
    };
    row.chars().map(bar).filter(|acts| *acts).count()
}

#[test]
fn v12_hostile_text_stays_text_in_markdown() {
    for evil in EVIL {
        let report = hostile(evil).markdown();
        let mut heading = 0;
        for line in report.lines() {
            if line.starts_with("|---") {
                assert_eq!(fields(line), heading, "{line}");
            } else if line.starts_with('|') {
                heading = if heading == 0 { fields(line) } else { heading };
                assert_eq!(fields(line), heading, "{evil:?}: {line}");
            } else {
                heading = 0;
                let plain = line.is_empty() || line.starts_with("# Sign-off: ") || line.starts_with("## ");
                let sentence = line.starts_with(|c: char| c.is_ascii_uppercase()) || line.starts_with(char::is_numeric);
                assert!(plain || sentence, "{evil:?}: {line}");
            }
            unmarked(line, evil);
        }
        let titles: Vec<&str> = report.lines().filter(|line| line.starts_with('#')).collect();
        let ours = mixed().markdown();
        let known: BTreeSet<&str> = ours.lines().filter(|line| line.starts_with("## ")).collect();
        for title in &titles[1..] {
            assert!(known.contains(title), "{title}");
        }
    }
}

/// Every character that acts stands behind a backslash.
fn unmarked(line: &str, evil: &str) {
    let line = line.trim_start_matches('#');
    let mut escaped = false;
    let mut left = String::new();
    for c in line.chars() {
        assert!(escaped || !"`*[]<>~$@!&{}".contains(c), "{evil:?}: {c} in {line}");
        left.push(if escaped { 'x' } else { c });
        escaped = c == '\\' && !escaped;
    }
    for link in ["://", "www."] {
        assert!(!left.contains(link), "{evil:?}: {link} in {line}");
    }
}

#[test]
fn v12_text_reads_the_same_once_it_is_shown() {
    let names = ["dhis_beds_at_the_facility", "-4", "1. one", "# x", "a_b _c_", "=1+1", "- x", "+ x"];
    for name in names {
        let report = hostile(name).markdown();
        let row = report.lines().find(|line| line.starts_with("| DHIS2 | ")).unwrap();
        let shown = row.strip_prefix("| DHIS2 | ").unwrap().strip_suffix(" |").unwrap();
        assert_eq!(shown.replace('\\', ""), name);
    }
    let report = hostile("dhis_beds_at").markdown();
    assert!(report.contains("| DHIS2 | dhis_beds_at |"), "an underscore in a word is no mark");
    assert!(hostile("-4").markdown().contains("| DHIS2 | -4 |"), "a sign is no list");
}
