//! How large a report of a country is, and what making it takes. How long is in `benches/signoff.rs`.

use crate::sample::{Sample, at, head, plan};
use onse::domain::{
    ledger::Act,
    outcome::Outcome,
    plan::{Cell, State},
};

const FACILITIES: usize = 1_106;
const CHANGES: usize = 5_900;

/// A country: 5,900 changes applied, each with eight quarters before and three category option combos.
fn country() -> Sample {
    applied(CHANGES, 3)
}

/// So many changes applied, every so many cells one.
fn applied(changes: usize, step: usize) -> Sample {
    let names: Vec<String> = (0..FACILITIES).map(|n| format!("Matope South Health Centre {n}")).collect();
    let names: Vec<&str> = names.iter().map(String::as_str).collect();
    let elements: Vec<String> = (0..21).map(|n| format!("HMIS Number of something counted each quarter {n}")).collect();
    let elements: Vec<&str> = elements.iter().map(String::as_str).collect();
    let mut cells: Vec<Cell> = Vec::new();
    let plan = plan(&names, &elements, head(), |draft| {
        let every = draft.plan().cells().collect::<Vec<_>>();
        cells.extend(every.iter().step_by(step).take(changes));
        for cell in &cells {
            let old = u64::from(cell.facility) * 37 + u64::from(cell.property) * 1_009;
            draft.set(*cell, Some(&old.to_string()), Some(&(old + 17).to_string()), State::Reported);
        }
    });
    let mut sample = Sample::of(plan);
    for cell in &cells {
        let base = u64::from(cell.facility) * 37 + u64::from(cell.property) * 1_009;
        let values: Vec<String> = (0..8).map(|n| (base + n * 13 % 29).to_string()).collect();
        sample.past(*cell, &values.iter().map(String::as_str).collect::<Vec<_>>());
        sample.parts(*cell, &[("c1", "1204"), ("c2", "803"), ("c3AbcDefGhi", "12")]);
    }
    sample.decide("Grace", Act::Approve, &cells, None);
    let sent: Vec<_> = cells.iter().map(|cell| (*cell, Some(Outcome::Applied))).collect();
    sample.form("Grace", Outcome::Accepted, &sent, None);
    sample
}

#[test]
fn a_country_fits_in_5_mb_and_takes_no_more_memory_than_it_is_long() {
    let sample = country();
    let mut html = Vec::with_capacity(6_000_000);
    let used = allocation_counter::measure(|| sample.report().html(&mut html).unwrap());
    assert!(html.len() < 5_000_000, "{} bytes", html.len());
    assert_eq!(String::from_utf8(html).unwrap().matches("<svg ").count(), CHANGES);
    assert!(used.bytes_max < 20_000_000, "{} bytes at once", used.bytes_max);
    let each = used.count_total / u64::try_from(CHANGES).unwrap();
    assert!(each < 150, "{each} allocations for each change");
    let markdown = sample.markdown();
    assert!(markdown.len() < 3_000_000, "{} bytes", markdown.len());
    assert!(sample.plan.state(at(0, 0)) == State::Reported);
}

#[test]
fn a_report_too_large_to_open_leaves_out_the_small_things_and_says_so() {
    let mut sample = country();
    let many: Vec<String> =
        (0..12).map(|n| format!("{n} a category option combo with a long name of its own")).collect();
    for form in &sample.forms.clone() {
        for of in &form.cells {
            let values: Vec<(&str, &str)> = many.iter().map(|name| (name.as_str(), "1")).collect();
            sample.parts(of.cell(), &values);
        }
    }
    let html = sample.html();
    assert!(html.len() < 5_000_000, "{} bytes", html.len());
    assert!(html.contains("There are too many for category options here"), "it is said");
    assert!(!html.contains("<details>"));
}

#[test]
fn however_many_changes_were_applied_the_report_stays_under_5_mb() {
    for (changes, step) in [(7_700, 3), (9_500, 2), (11_000, 2), (19_000, 1)] {
        let sample = applied(changes, step);
        let html = sample.html();
        assert!(html.len() < 5_000_000, "{changes}: {} bytes", html.len());
        let told = html.contains("There are too many for category options here");
        assert_ne!(told, html.contains("<details>"), "{changes}: what is left out is said");
        assert_eq!(html.contains("<svg "), changes < 12_000, "{changes}: pictures stay as long as there is room");
    }
}
