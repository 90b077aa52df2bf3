//! Earlier quarters and what the flags tell of a cell, a property and the whole.

use super::*;

/// The quarters before 2026Q2 in which these values were reported, newest first; none where the text is empty.
fn series(values: &[&str]) -> Series {
    let mut quarter = Quarter::parse("2026Q2").unwrap();
    let past = values.iter().map(|value| {
        quarter = quarter.before();
        let part = PastPart { value: (*value).to_owned(), ..PastPart::default() };
        Past { quarter, parts: Some(part).filter(|part| !part.value.is_empty()).into_iter().collect() }
    });
    let past: Vec<Past> = past.collect();
    Series::before(Quarter::parse("2026Q2").unwrap(), &past)
}

/// The review at a cell of which earlier quarters were asked for.
fn with_history(size: (u16, u16), keys: &str, values: &[&str]) -> Model {
    let mut model = model(1106, PLAIN, size);
    common::press_only(&mut model, keys);
    let behind = common::behind(model.detail_cell().unwrap());
    let behind = Detail { history: Some(series(values)), ..behind };
    update(&mut model, Msg::Detail(Ok(behind)), &now());
    model
}

#[test]
fn earlier_quarters() {
    let usual = ["121", "115", "119", "124", "108", "117", "118", "120"];
    let sizes = [(60, 20), (80, 24), (120, 40), (200, 60)];
    for size in sizes {
        shot("history_facilities", &with_history(size, "3 l j j", &usual));
        shot("history_properties", &with_history(size, "2 l l", &usual));
    }
    for (what, keys, values) in [
        ("plain", "3 l", &usual[..]),
        ("gaps", "3 l j", &["", "1310.5", "", ""]),
        ("none", "3 l", &["", ""]),
        ("texts", "3 l", &["about 12"]),
    ] {
        for size in [(60, 20), (80, 24)] {
            shot(&format!("history_{what}"), &with_history(size, keys, values));
        }
    }
}

#[test]
fn no_size_cuts_an_earlier_number() {
    let long = ["98765432109876", "1234567890123.25", "7", "", "555555555555"];
    for (keys, height) in [("3 l", 40), ("2", 40), ("3 l", 20)] {
        for width in 60..220 {
            let text = rows(&drawn(&with_history((width, height), keys, &long))).join("\n");
            let known = ["98,765,432,109,876", "1,234,567,890,123.25", "a year ago -", "usual 895,061,722,839.125"];
            let whole = known.iter().all(|number| text.contains(number));
            // A folded detail tells all of the last four or none of them.
            let folded = height == 20 || width < 80;
            let some = text.contains("last 4: 98,765,432,109,876 1,234,567,890,123.25 7 -");
            assert!(whole && !folded || folded && (some || !text.contains("last 4")), "{keys} {width}\n{text}");
        }
    }
}

#[test]
fn history_is_silent_where_it_was_not_asked_for() {
    for keys in ["3 l j j", "2 l l"] {
        let text = rows(&drawn(&at((120, 40), PLAIN, keys))).join("\n");
        assert!(text.contains("under 5, female") && !text.contains("last 4") && !text.contains("earlier"), "{text}");
    }
}

/// A plan of which all is known that earlier quarters and the other facilities tell.
pub(crate) fn judged() -> onse::domain::plan::Plan {
    use common::property::{BEDS, MALARIA};
    let mut plan = common::plan_with(
        1106,
        |_, _| {},
        |draft| {
            for at in draft.plan().cells().collect::<Vec<_>>() {
                let usual = if at.facility == 0 { Some("118") } else { draft.plan().old(at) };
                let usual = usual.map(str::to_owned);
                draft.set_usual(at, usual.as_deref());
            }
            let far = "1,310 is 11x the usual 118 (8 quarters)";
            draft.flag(common::cell(0, MALARIA), Flag::new("T1", Severity::Stop, far));
            let missing = "not reported; 4 of the last 4 quarters were, usually 118";
            draft.flag(common::cell(0, BEDS), Flag::new("T5", Severity::Review, missing));
        },
    );
    let names: Vec<String> = plan.properties().iter().map(|property| property.name.clone()).collect();
    let of = |at: usize, id: &str, severity, said: &str| PropertyCheck::of_property(id, severity, &names[at], said);
    let zeros = "3 properties; 431 cells read (0?): nothing stored although the report is complete";
    let shift = "sum now 12,345, 1.4x after 8,818 in the mean of the 4 quarters before (1,003 facilities)";
    let mut checks = vec![
        PropertyCheck::of_run("R2", Severity::Review, "1 case that cannot take part"),
        PropertyCheck::of_run("C8", Severity::Review, zeros),
    ];
    let unit = "whole column is 4.1x the usual: 901 of 1,098 facilities are within 15 % of that";
    checks.push(of(usize::from(MALARIA), "C5", Severity::Stop, unit));
    checks.push(of(usize::from(MALARIA), "C1", Severity::Review, shift));
    checks.push(of(usize::from(MALARIA), "C3", Severity::Info, "701 of 1,098 reports were complete in time (64 %)"));
    checks.extend((10..17).map(|at| of(at, "C2", Severity::Review, "378 of 1,102 facilities have a value (34 %)")));
    let whole = |at: usize| Whole {
        kind: Kind::Flow,
        spread: "0.2000".to_owned(),
        shift: (at != 5).then(|| if at == 2 { "4.1012".to_owned() } else { "1.0450".to_owned() }),
        with: 1098,
        of: 1106,
    };
    plan.head.whole = names.iter().enumerate().map(|(at, name)| (name.clone(), whole(at))).collect();
    plan.head.checks = checks;
    plan
}

/// The same with what is behind the cell under the cursor.
fn judged_at(size: (u16, u16), look: Look, keys: &str) -> Model {
    let mut model = opened(judged(), size, "");
    model.look = look;
    common::press_only(&mut model, keys);
    if let Some(cell) = model.detail_cell() {
        let mut behind = common::behind(cell);
        for (part, usual) in behind.parts.iter_mut().zip([0.62, 0.3, 0.15, 0.004]) {
            part.usual = Some(usual);
        }
        let history = Some(series(&["100", "110", "95", "105", "98", "102", "107", "99"]));
        update(&mut model, Msg::Detail(Ok(Detail { history, ..behind })), &now());
    }
    model
}

#[test]
fn what_the_flags_tell() {
    for size in [(60, 20), (80, 24), (120, 40), (200, 60)] {
        let shot = |name: &str, keys: &str| shot(&format!("judged_{name}"), &judged_at(size, PLAIN, keys));
        shot("overview", "1 g");
        shot("overview_below", "1 G");
        shot("properties", "2 l l");
        shot("facilities", "3 l ]");
        shot("facilities_missing", "3 l G k k k");
    }
    let ascii = Look { ascii: true, theme: Themed::Mono, ..PLAIN };
    for (name, keys) in [("overview", "1 g"), ("properties", "2 l l")] {
        let model = judged_at((80, 24), ascii, keys);
        assert!(drawn(&model).content.iter().all(|cell| cell.symbol().is_ascii()), "{name}");
        shot(&format!("judged_{name}_ascii"), &model);
    }
}

#[test]
fn a_reading_without_history_says_what_is_not_looked_at() {
    let mut plan = common::plan(4);
    plan.head.facilities = vec!["Kasenga HC".to_owned()];
    plan.head.without_history = true;
    let text = rows(&drawn(&opened(plan, (120, 40), "1"))).join("\n");
    assert!(text.contains("nothing looks odd; earlier quarters were not read"), "{text}");
}

#[test]
fn no_size_cuts_a_number_for_the_multiple_of_the_usual() {
    for keys in ["2 l l", "3 l j j"] {
        let mut model = judged_at((60, 40), PLAIN, keys);
        for width in 60..220 {
            update(&mut model, Msg::Resize(width, 40), &now());
            let text = rows(&drawn(&model)).join("\n");
            let row = text.lines().find(|row| row.contains("120 →") && row.contains(" 1,310 ")).unwrap_or_default();
            assert!(row.contains("+1,190"), "{keys} {width}\n{text}");
            // On Facilities it gives way to columns of fourteen digits where these have room without it.
            let has_room = if keys.starts_with('2') { width >= 80 } else { (120..140).contains(&width) };
            assert!(!has_room || row.contains(" 11x "), "{keys} {width}\n{row}");
        }
    }
}
