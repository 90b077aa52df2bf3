//! Forms: exact bytes, what is refused, and that every approved cell is in its form once (commcare.md sections 2, 3).
#![expect(clippy::unwrap_used, reason = "a helper of a test fails the test")]

use std::collections::{BTreeMap, BTreeSet};

use onse::domain::caseblock::{Approved, Block, Envelope, FORM_XMLNS, Unfit, blocks, device_id, forbidden, form};
use proptest::prelude::*;
use quick_xml::events::Event;

const AT: &str = "2026-01-05T22:30:00.123456Z";

const ENVELOPE: Envelope<'static> = Envelope {
    form_id: "0123456789abcdef0123456789abcdef",
    xmlns: FORM_XMLNS,
    device_id: "dhis2-import-onse-iss-2026-01-05",
    username: "system",
    user_id: "",
    at: AT,
    stamp: None,
};

fn block(case_id: &str, set: &[(&str, &str)]) -> Block {
    let own = |(property, value): &(&str, &str)| ((*property).to_owned(), (*value).to_owned());
    Block { case_id: case_id.to_owned(), set: set.iter().map(own).collect() }
}

fn text(envelope: &Envelope<'_>, blocks: &[Block]) -> String {
    String::from_utf8(form(envelope, blocks).unwrap()).unwrap()
}

/// The line of the form that holds all case blocks.
fn cases(envelope: &Envelope<'_>, blocks: &[Block]) -> String {
    let text = text(envelope, blocks);
    text.lines().find(|line| line.starts_with("    <case ")).unwrap().trim_start().to_owned()
}

#[test]
fn the_whole_form_is_these_bytes() {
    let set = [block("c1", &[("dhis_b", "x"), ("dhis_a", "12")]), block("c2", &[("dhis_a", "0")])];
    assert_eq!(
        text(&ENVELOPE, &set),
        r#"<?xml version='1.0' ?>
<system version="1" uiVersion="1" xmlns="http://commcarehq.org/dhis2-import" xmlns:orx="http://openrosa.org/jr/xforms">
    <orx:meta xmlns:cc="http://commcarehq.org/xforms">
        <orx:deviceID>dhis2-import-onse-iss-2026-01-05</orx:deviceID>
        <orx:timeStart>2026-01-05T22:30:00.123456Z</orx:timeStart>
        <orx:timeEnd>2026-01-05T22:30:00.123456Z</orx:timeEnd>
        <orx:username>system</orx:username>
        <orx:userID></orx:userID>
        <orx:instanceID>0123456789abcdef0123456789abcdef</orx:instanceID>
        <cc:appVersion />
    </orx:meta>
    <case case_id="c1" date_modified="2026-01-05T22:30:00.123456Z" xmlns="http://commcarehq.org/case/transaction/v2"><update><dhis_a>12</dhis_a><dhis_b>x</dhis_b></update></case><case case_id="c2" date_modified="2026-01-05T22:30:00.123456Z" xmlns="http://commcarehq.org/case/transaction/v2"><update><dhis_a>0</dhis_a></update></case>
</system>
"#
    );
}

#[test]
fn a_plain_update_is_these_bytes() {
    assert_eq!(
        cases(&ENVELOPE, &[block("c1", &[("dhis_b", "x"), ("dhis_a", "12"), ("dhis_zero", "0")])]),
        r#"<case case_id="c1" date_modified="2026-01-05T22:30:00.123456Z" xmlns="http://commcarehq.org/case/transaction/v2"><update><dhis_a>12</dhis_a><dhis_b>x</dhis_b><dhis_zero>0</dhis_zero></update></case>"#
    );
}

#[test]
fn an_empty_value_is_an_empty_element_with_a_space() {
    assert_eq!(
        cases(&ENVELOPE, &[block("c1", &[("p", "")])]),
        r#"<case case_id="c1" date_modified="2026-01-05T22:30:00.123456Z" xmlns="http://commcarehq.org/case/transaction/v2"><update><p /></update></case>"#
    );
}

#[test]
fn text_and_attributes_are_escaped_as_hq_does() {
    let set = [block("id\"<&>'", &[("n", "A & B <\"C\"> 'D' é 👕"), ("p", "x ]]> &amp;")])];
    assert_eq!(
        cases(&ENVELOPE, &set),
        r#"<case case_id="id&quot;&lt;&amp;&gt;'" date_modified="2026-01-05T22:30:00.123456Z" xmlns="http://commcarehq.org/case/transaction/v2"><update><n>A &amp; B &lt;"C"&gt; 'D' é 👕</n><p>x ]]&gt; &amp;amp;</p></update></case>"#
    );
}

#[test]
fn names_are_in_code_point_order_and_the_stamp_is_one_of_them() {
    let envelope = Envelope { user_id: "usr", stamp: Some(("b", "2026-01-05")), ..ENVELOPE };
    assert_eq!(
        cases(&envelope, &[block("c1", &[("aaa", "1"), ("Zed", "2"), ("c", "3")])]),
        r#"<case case_id="c1" date_modified="2026-01-05T22:30:00.123456Z" user_id="usr" xmlns="http://commcarehq.org/case/transaction/v2"><update><Zed>2</Zed><aaa>1</aaa><b>2026-01-05</b><c>3</c></update></case>"#
    );
}

#[test]
fn the_envelope_is_escaped_as_html() {
    let device = device_id("a&b", "2026-01-05");
    let envelope = Envelope { device_id: &device, username: "<o'neil \"x\">", user_id: "u&1", ..ENVELOPE };
    let text = text(&envelope, &[block("c1", &[("p", "1")])]);
    assert!(text.contains("<orx:deviceID>dhis2-import-a&amp;b-2026-01-05</orx:deviceID>"), "{text}");
    assert!(text.contains("<orx:username>&lt;o&#x27;neil &quot;x&quot;&gt;</orx:username>"), "{text}");
    assert!(text.contains("<orx:userID>u&amp;1</orx:userID>"), "{text}");
}

#[test]
fn what_a_case_block_cannot_carry_is_refused_and_named() {
    for (set, said) in [
        (block("c1", &[]), "Case c1 cannot be sent: nothing is to be changed in it"),
        (block("", &[("p", "1")]), "The form cannot be built: one of its cases has no id"),
        (block("c\n1", &[("p", "1")]), "Case c\\n1 cannot be sent: its id holds the character U+000A"),
        (block("c\u{202e}1", &[("p", "1")]), "Case c\\u{202e}1 cannot be sent: its id holds the character U+202E"),
        (block("c\u{200b}1", &[("p", "1")]), "Case c\\u{200b}1 cannot be sent: its id holds the character U+200B"),
        (
            block("c1", &[("p", "a\u{1}")]),
            "Property p of case c1 cannot be sent: its value holds the character U+0001, which XML cannot carry",
        ),
        (
            block("c1", &[("p", "\u{ffff}")]),
            "Property p of case c1 cannot be sent: its value holds the character U+FFFF, which XML cannot carry",
        ),
        (block("c1", &[("p", "1"), ("p", "1")]), "Property p of case c1 cannot be sent: it is set twice"),
        (block("c1", &[("", "1")]), "Case c1 cannot be sent: the property name is empty"),
        (
            block("c1", &[("a b", "1")]),
            "Property a b of case c1 cannot be sent: the property name has a character other than a to z, 0 to 9, \"_\", \"-\" \
             and \".\"",
        ),
    ] {
        assert_eq!(form(&ENVELOPE, &[set]).unwrap_err().to_string(), said);
    }
    for name in ["case_name", "case_type", "owner_id", "external_id", "name", "date_opened", "close"] {
        let unfit = form(&ENVELOPE, &[block("c1", &[(name, "1")])]).unwrap_err();
        assert_eq!((unfit.case_id.as_str(), unfit.property.as_str()), ("c1", name));
        assert!(unfit.what.contains("reserved by CommCare"), "{unfit}");
    }
}

#[test]
fn a_case_twice_or_a_stamp_that_is_also_a_cell_is_refused() {
    let twice = form(&ENVELOPE, &[block("c1", &[("p", "1")]), block("c1", &[("q", "1")])]).unwrap_err();
    assert_eq!(twice.to_string(), "Case c1 cannot be sent: the case stands twice in one form");
    let envelope = Envelope { stamp: Some(("p", "2026-01-05")), ..ENVELOPE };
    let stamped = form(&envelope, &[block("c1", &[("p", "1")])]).unwrap_err();
    assert_eq!((stamped.property.as_str(), stamped.what.as_str()), ("p", "it is set twice"));
}

#[test]
fn an_envelope_hq_would_misread_is_refused() {
    let set = [block("c1", &[("p", "1")])];
    let what = |envelope: Envelope<'_>| form(&envelope, &set).unwrap_err().what;
    assert_eq!(what(Envelope { form_id: "", ..ENVELOPE }), "its form id is empty");
    assert_eq!(what(Envelope { xmlns: "", ..ENVELOPE }), "its form namespace is empty");
    assert_eq!(what(Envelope { username: "a\u{0}", ..ENVELOPE }), "its user name holds the character U+0000");
    for at in ["", "2026-01-05", "2026-01-05T22:30:00Z", "2026-01-05T22:30:00.123456+", "2026-01-05T22:30:00.12345éZ"]
    {
        assert!(what(Envelope { at, ..ENVELOPE }).contains("is not like"), "{at}");
    }
    assert_eq!(form(&ENVELOPE, &[]).unwrap_err().what, "it has no case to update");
}

#[test]
fn tabs_and_line_ends_are_allowed_and_other_controls_are_not() {
    assert_eq!(forbidden("a\t\n\r\u{85}\u{fffd}👕"), None);
    assert_eq!(forbidden("a\u{1f}b"), Some('\u{1f}'));
    assert_eq!(forbidden("\u{fffe}"), Some('\u{fffe}'));
}

/// Every cell of a form as a reader sees it. Fails when anything of a case stands outside its one `update`.
fn read(bytes: &[u8]) -> Vec<Approved> {
    let mut reader = quick_xml::Reader::from_reader(bytes);
    let mut buffer = Vec::new();
    let (mut path, mut case_id, mut value): (Vec<String>, _, _) = (Vec::new(), String::new(), String::new());
    let mut cells = Vec::new();
    loop {
        let event = reader.read_event_into(&mut buffer).unwrap().into_owned();
        let name = |start: &quick_xml::events::BytesStart<'_>| start.name().0.to_owned();
        match &event {
            Event::Start(start) | Event::Empty(start) => {
                let name = name(start);
                match path.iter().map(String::as_str).collect::<Vec<_>>()[..] {
                    ["system"] => assert!(["orx:meta", "case"].contains(&name.as_str()), "{name}"),
                    ["system", "case"] => assert_eq!(name, "update"),
                    ["system", "case", "update"] => value.clear(),
                    [] | ["system", "orx:meta"] => {}
                    _ => assert_eq!(path, Vec::<String>::new(), "{name} stands too deep"),
                }
                if name == "case" && path.len() == 1 {
                    let id = start.try_get_attribute("case_id").unwrap().unwrap();
                    case_id = id.normalized_value(quick_xml::XmlVersion::Implicit1_0).unwrap().into_owned();
                }
                path.push(name);
                if matches!(event, Event::Empty(_)) {
                    close(&mut path, &case_id, &value, &mut cells);
                }
            }
            Event::End(_) => close(&mut path, &case_id, &value, &mut cells),
            Event::Text(text) => value.push_str(&text.xml10_content()),
            Event::GeneralRef(entity) => {
                let plain = quick_xml::escape::unescape(&format!("&{};", &**entity)).unwrap().into_owned();
                value.push_str(&plain);
            }
            Event::Eof => return cells,
            Event::Decl(_) => {}
            other => assert_eq!(other, &Event::Eof, "not expected in a form"),
        }
    }
}

fn close(path: &mut Vec<String>, case_id: &str, value: &str, cells: &mut Vec<Approved>) {
    let name = path.pop().unwrap();
    if path == &["system", "case", "update"] {
        cells.push((case_id.to_owned(), name, value.to_owned()));
    }
}

/// Any text XML can carry.
fn value() -> impl Strategy<Value = String> {
    prop_oneof![any::<String>(), "[0-9]{0,6}", "[<>&\"'\\]\r\n\t é👕;#x]{0,12}"]
        .prop_map(|text| text.chars().filter(|c| forbidden(&c.to_string()).is_none()).collect())
}

fn approved() -> impl Strategy<Value = BTreeMap<(String, String), String>> {
    prop::collection::btree_map(("[a-zA-Z0-9<>&\"' é-]{1,3}", "dhis_[a-zA-Z0-9_.-]{1,2}"), value(), 1..60)
}

proptest! {
    #[test]
    fn every_approved_cell_is_read_back_exactly_once(cells in approved()) {
        let given: Vec<Approved> = cells.into_iter().map(|((case, property), value)| (case, property, value)).collect();
        let mut seen = read(&form(&ENVELOPE, &blocks(given.clone())).unwrap());
        seen.sort();
        prop_assert_eq!(seen, given);
    }

    #[test]
    fn the_stamp_is_the_only_addition(cells in approved()) {
        let envelope = Envelope { stamp: Some(("stamped", "2026-01-05")), ..ENVELOPE };
        let set = blocks(cells.keys().map(|(case, property)| (case.clone(), property.clone(), "1".to_owned())));
        let seen = read(&form(&envelope, &set).unwrap());
        let (stamps, rest): (Vec<_>, Vec<_>) = seen.into_iter().partition(|(_, property, _)| property == "stamped");
        let names: BTreeSet<(String, String)> = rest.iter().map(|(case, property, _)| (case.clone(), property.clone())).collect();
        prop_assert_eq!(names, cells.keys().cloned().collect::<BTreeSet<_>>());
        prop_assert_eq!(rest.len(), cells.len());
        prop_assert_eq!(stamps.len(), set.len());
    }

    #[test]
    fn any_text_is_written_well_or_refused(case in any::<String>(), name in "\\PC{0,4}|[a-z:_ <]{0,4}", text in any::<String>()) {
        match form(&ENVELOPE, &[block(&case, &[(&name, &text)])]) {
            Ok(bytes) => prop_assert_eq!(read(&bytes), [(case, name, text)]),
            Err(Unfit { what, .. }) => prop_assert!(!what.is_empty()),
        }
    }
}
