//! What others do to cases and totals between the reading and a form: rows H07 to H10, H22, H23, H25, H26, H28, D24 and D27, and the
//! check of each cell against both sides.

use std::{collections::BTreeSet, time::Duration};

use onse::{
    domain::{
        flags::Severity,
        ledger::Act,
        mapping::{Mapping, property_fault},
        plan::{Cell, Kind},
        value::same,
    },
    io::http::Limits,
    job::report::{Held, Level, Sending},
};

use crate::{
    rig::{DATABASE, INDEX, Mishap, RECEIVER, VALUES, World, counts, one_each},
    support::{self, ORIGIN, connect_as, steering},
};

fn cells(held: &[Held]) -> Vec<Cell> {
    held.iter().map(|held| held.cell).collect()
}

fn without(cells: &[Cell], gone: &[Cell]) -> Vec<Cell> {
    cells.iter().copied().filter(|cell| !gone.contains(cell)).collect()
}

/// What was held is undecided and in the log as a reset, and everything else of this run is not.
async fn reset(world: &World, held: &[Cell]) {
    let opened = world.opened().await;
    assert_eq!(world.resets(), held);
    assert!(held.iter().all(|cell| opened.ledger.verdict(&world.plan, *cell).is_none()));
    let others = without(&world.cells, held);
    assert!(others.iter().all(|cell| opened.ledger.verdict(&world.plan, *cell).is_some()));
    assert!(world.to_send().await.is_empty());
}

#[tokio::test]
async fn h07_a_case_that_was_closed_opened_or_deleted_is_held_with_its_reason() {
    let mut world = World::read(40, 1000).await;
    let first = one_each(&world.plain().await, 12);
    assert!(world.sandbox.close_case(&world.case_id(first[11])));
    world.read_again().await;
    let fits = |cell: &Cell| Act::Approve.fits(&world.plan, *cell);
    let shut: Vec<Cell> = world.plan.row(first[11].facility).filter(fits).take(1).collect();
    let chosen = one_each(&world.plain().await, 10);
    world.approve(chosen.clone()).await;
    world.approve(shut.clone()).await;
    assert!(world.sandbox.close_case(&world.case_id(chosen[2])));
    assert!(world.sandbox.delete_case(&world.case_id(chosen[5])));
    assert!(world.sandbox.reopen_case(&world.case_id(shut[0])));
    let sent = world.submit().await;
    let mut gone = vec![chosen[2], chosen[5], shut[0]];
    gone.sort_unstable();
    assert_eq!((cells(&sent.held), counts(&sent)), (gone.clone(), [8, 0, 0, 0]));
    let why = |cell: Cell| &sent.held.iter().find(|held| held.cell == cell).unwrap().why;
    assert!(why(chosen[2]).contains("was closed since the plan was read"));
    assert!(why(chosen[5]).contains("is gone from CommCare; a form would create it anew"));
    assert!(why(shut[0]).contains("opened again since the plan was read"));
    world.wrote(&without(&world.cells, &gone));
    reset(&world, &gone).await;
    world.read_again().await;
    let stop = |flag: &onse::domain::flags::Flag| flag.id == "S34" && flag.severity == Severity::Stop;
    assert!(world.plan.flags(chosen[2]).iter().any(stop), "closed is a STOP in the next reading");
    assert_eq!(world.plan.offer(chosen[5]), None, "nothing is proposed for a case that is gone");
}

#[tokio::test]
async fn h08_a_new_name_is_not_written_over() {
    let world = World::approved(40, 10, 1000).await;
    let id = world.case_id(world.cells[3]);
    assert!(world.sandbox.set_property(&id, "case_name", "Kasenga Rural HC"));
    assert!(world.submit().await.all_applied());
    assert_eq!(world.sandbox.case(&id).unwrap().name.as_deref(), Some("Kasenga Rural HC"));
    world.wrote(&world.cells);
    assert!(world.line.posts().iter().all(|post| !String::from_utf8_lossy(post).contains("<case_name")));
}

#[tokio::test]
async fn h09_a_property_changed_by_a_phone_is_held_and_the_rest_of_the_facility_goes_on() {
    let mut world = World::read(40, 1000).await;
    let plain = world.plain().await;
    let row = plain.chunk_by(|a, b| a.facility == b.facility).find(|row| row.len() > 2).unwrap().to_vec();
    let others: Vec<Cell> = plain.iter().copied().filter(|cell| cell.facility != row[0].facility).take(10).collect();
    world.approve([row.clone(), others].concat()).await;
    world.edit(row[1], "987654");
    let sent = world.submit().await;
    assert_eq!((cells(&sent.held), counts(&sent)), (vec![row[1]], [world.cells.len() - 1, 0, 0, 0]));
    let held = &sent.held[0];
    assert!(held.why.starts_with("case changed since plan: ") && held.why.contains(" -> 987654 -> "), "{}", held.why);
    assert!(held.moved && !held.already_set && held.now.as_deref() == Some("987654"));
    world.wrote(&without(&world.cells, &[row[1]]));
    reset(&world, &[row[1]]).await;
    // The file keeps it in its trail too: what it was, what it is and what was approved.
    let trail = onse::io::store::Store::read_only_trail(world.session.path()).unwrap();
    assert!(format!("{trail:?}").contains("987654"), "the hold is in the trail");

    let opened = world.read_again().await;
    let flags = world.plan.flags(row[1]);
    let stop = flags.iter().find(|flag| flag.id == "S30").unwrap();
    assert!(stop.severity == Severity::Stop && stop.sentence.contains("987654"), "{flags:?}");
    assert!(!opened.ledger.undecided(&world.plan, world.plan.cells()).plain.contains(&row[1]), "no bulk approval");
    assert_eq!(world.plan.all_flags().filter(|(_, flags)| flags.iter().any(|flag| flag.id == "S30")).count(), 1);
    world.decide(Act::Approve, vec![row[1]]).await;
    let sent = world.submit().await;
    assert!(sent.all_applied() && sent.held.is_empty(), "approved on what it holds now: {sent:?}");
    assert_eq!(world.now(row[1]).as_deref(), world.plan.offer(row[1]));
}

#[tokio::test]
async fn h10_a_change_between_the_check_and_the_form_is_overwritten_and_what_was_read_is_kept() {
    let world = World::approved(40, 10, 1000).await;
    let cell = world.cells[4];
    let phone = world.edits(cell, "987654");
    world.line.set(move |asked| {
        if asked.has(RECEIVER) {
            phone();
        }
        Mishap::Pass
    });
    let sent = world.submit().await;
    assert!(sent.all_applied(), "read-back shows ours: {sent:?}");
    assert_eq!(world.now(cell).as_deref(), world.plan.offer(cell));
    let form = &world.opened().await.forms[0];
    let kept = form.cells.iter().find(|one| one.cell() == cell).unwrap();
    assert!(same(kept.old.as_deref(), world.plan.old(cell)), "what it replaced as far as it was read");
}

#[tokio::test]
async fn h10_facilities_somebody_worked_on_within_the_last_minute_are_listed() {
    let world = World::approved(40, 10, 5).await;
    let (before, just) = (world.cells[1], world.cells[7]);
    assert!(world.sandbox.set_property(&world.case_id(before), "remarks", "visited"));
    world.pass(Duration::from_secs(61)).await;
    assert!(world.sandbox.set_property(&world.case_id(just), "remarks", "visited"));
    let sent = world.submit().await;
    assert_eq!((&sent.recent, counts(&sent)), (&vec![just.facility], [10, 0, 0, 0]));
}

#[tokio::test]
async fn h22_a_case_id_xml_cannot_carry_is_out_at_planning_with_the_facility_named_and_the_rest_goes() {
    let mut world = World::read(40, 1000).await;
    let cell = one_each(&world.plain().await, 5)[3];
    let (id, name) = (world.case_id(cell), world.plan.facility(cell.facility).name.clone());
    // Read with an odd id for that case; HQ knows it by that id all along.
    let odd = format!("{}\\u0001", &id[1..]);
    world.line.set(move |asked| if asked.has(RECEIVER) { Mishap::Pass } else { Mishap::Bent(id.clone(), odd.clone()) });
    let folder = tempfile::tempdir().unwrap();
    let anew = crate::faults::session(folder.path(), world.line.clone(), &world.time, &Limits::default());
    world.plan = world.time.drive(Box::pin(support::read(&anew, &world.ask))).await.unwrap().plan;
    world.session = anew;
    let out: Vec<_> = world.plan.skipped().iter().filter(|case| case.case_id.contains('\u{1}')).collect();
    assert_eq!(out.len(), 1);
    assert!(out[0].case_name == name && out[0].reason.contains("its id holds the character U+0001"), "{out:?}");
    assert!(world.plan.facilities().iter().all(|facility| !facility.case_id.contains('\u{1}')), "nothing is proposed");
    world.approve(one_each(&world.plain().await, 24)).await;
    let sent = world.submit().await;
    assert_eq!((sent.held.len(), counts(&sent)), (0, [24, 0, 0, 0]));
    world.wrote(&world.cells);
}

#[test]
fn h23_a_property_that_is_no_xml_name_is_a_problem_of_its_line() {
    let head = "case_property,data_element_id,data_set_id,dhis2_name";
    for name in ["2beds", "number of beds", "beds<", "xmlbeds", "béds", "dhis:beds", "case_name", "name"] {
        let file = format!("{head}\ndhis_beds,asCqjKclllu,q1Es3k3sZem,x\n{name},yCJBWuhuOLc,q1Es3k3sZem,y\n");
        let mapping = Mapping::read(file.as_bytes());
        let problem = mapping.problems.iter().find(|problem| problem.line == 3).unwrap();
        assert!(problem.blocks && problem.to_string().starts_with("line 3, case_property"), "{problem}");
        assert!(property_fault(name).is_some() && mapping.usable().count() == 1, "{name}");
    }
}

#[tokio::test]
async fn h25_what_somebody_else_set_an_hour_ago_is_not_sent_again() {
    let world = World::approved(40, 10, 1000).await;
    for cell in &world.cells {
        world.edit(*cell, world.plan.offer(*cell).unwrap());
    }
    world.pass(Duration::from_hours(1)).await;
    let sent = world.submit().await;
    assert_eq!((cells(&sent.elsewhere), counts(&sent), sent.forms.len()), (world.cells.clone(), [0; 4], 0));
    assert!(sent.elsewhere.iter().all(|one| one.already_set && one.why.contains("already")), "{:?}", sent.elsewhere);
    assert!(world.line.posts().is_empty() && world.to_send().await.is_empty() && sent.held.is_empty());
    assert!(world.resets().is_empty());
    // A plan made now shows it as set.
    let later = World::read(40, 1000).await;
    for cell in &world.cells {
        later.edit(*cell, world.plan.offer(*cell).unwrap());
    }
    let mut later = later;
    later.read_again().await;
    assert!(world.cells.iter().all(|cell| later.plan.kind(*cell) == Kind::Same));
}

#[tokio::test]
async fn h26_the_wrong_project_is_refused_before_anything_is_sent() {
    let world = World::approved(40, 10, 1000).await;
    let path = world.session.path().to_owned();
    world.session.close();
    let store = onse::io::store::Store::open(&path).unwrap();
    let other =
        support::on(store, connect_as(world.sandbox.transport(ORIGIN), onse::sandbox::COMMCARE_API_KEY, "nobody"));
    let sent = support::submit(&other).await.unwrap();
    assert!(sent.note.as_ref().unwrap().contains("stopped before form 1"), "{sent:?}");
    assert!(sent.note.unwrap().contains("nobody"));
    assert!(world.sandbox.effects().is_empty() && world.sandbox.forms().is_empty());
    assert!(world.sandbox.requests().iter().all(|request| !request.path.contains(RECEIVER)));
    assert_eq!(other.open().await.unwrap().ledger.to_send(&world.plan).count(), 10, "as it was");
}

#[tokio::test]
async fn d24_a_total_that_moved_is_held_and_reset_and_the_rest_is_applied() {
    let mut world = World::approved(40, 20, 10).await;
    let moved = [world.cells[3], world.cells[14]];
    for cell in moved {
        world.edit_total(cell, 5);
    }
    let sent = world.submit().await;
    assert_eq!((cells(&sent.held), counts(&sent)), (moved.to_vec(), [18, 0, 0, 0]));
    for held in &sent.held {
        let was = world.plan.new_value(held.cell).unwrap();
        let is = was.parse::<i64>().unwrap() + 5;
        assert_eq!((held.why.clone(), held.moved), (format!("DHIS2 changed since plan: {was} -> {is}"), true));
    }
    world.wrote(&without(&world.cells, &moved));
    reset(&world, &moved).await;
    let opened = world.read_again().await;
    for cell in moved {
        let stop = world.plan.flags(cell).iter().find(|flag| flag.id == "S31").unwrap();
        assert!(stop.severity == Severity::Stop && stop.sentence.starts_with("DHIS2 changed since plan: "), "{stop:?}");
        assert!(opened.ledger.verdict(&world.plan, cell).is_none());
    }
    assert_eq!(world.plan.all_flags().filter(|(_, flags)| flags.iter().any(|flag| flag.id == "S31")).count(), 2);
}

#[tokio::test]
async fn d24_without_dhis2_before_the_second_form_it_stops_there_and_nothing_is_reset() {
    for status in [401, 503] {
        let world = World::approved(40, 20, 10).await;
        world.line.set(move |asked| {
            if asked.forms == 1 && asked.has("/dhis2/") {
                Mishap::Say(status, Vec::new(), String::new())
            } else {
                Mishap::Pass
            }
        });
        let sent = world.submit().await;
        assert_eq!((counts(&sent), sent.waiting, world.line.posts().len()), ([10, 0, 0, 0], 10, 1), "{status}");
        let note = sent.note.unwrap();
        assert!(note.contains("stopped before form 2") && note.contains("DHIS2"), "{note}");
        assert!(world.resets().is_empty() && world.to_send().await == world.cells[10..]);
        world.line.mend();
        assert_eq!(counts(&world.submit().await), [20, 0, 0, 0], "{status}");
        world.wrote(&world.cells);
    }
}

/// One organisation unit cannot be read again: its cell waits, decided as before.
#[tokio::test]
async fn d24_what_could_not_be_read_again_is_held_and_not_reset() {
    let world = World::approved(40, 10, 1000).await;
    let cell = world.cells[6];
    let unit = world.plan.facility(cell.facility).external_id.clone();
    world.line.set(move |asked| {
        if asked.has(VALUES) && asked.has(&unit) { Mishap::Say(500, Vec::new(), "{}".to_owned()) } else { Mishap::Pass }
    });
    let sent = world.submit().await;
    assert_eq!((cells(&sent.held), counts(&sent)), (vec![cell], [9, 0, 0, 0]));
    assert!(!sent.held[0].moved && sent.held[0].why.contains("could not be read again"), "{:?}", sent.held);
    assert!(world.resets().is_empty() && world.to_send().await == [cell]);
    world.line.mend();
    assert_eq!(counts(&world.submit().await), [10, 0, 0, 0]);
    world.wrote(&world.cells);
}

/// Two servers behind one address: the second does not have an edit yet.
#[tokio::test]
async fn d27_servers_that_disagree_show_up_as_a_moved_total() {
    let world = World::approved(40, 10, 1000).await;
    let cell = world.cells[2];
    let newer = world.edits_total(cell, 3);
    let mut once = false;
    world.line.set(move |asked| {
        if asked.has(VALUES) && !std::mem::replace(&mut once, true) {
            newer();
        }
        Mishap::Pass
    });
    let sent = world.submit().await;
    assert_eq!((cells(&sent.held), counts(&sent)), (vec![cell], [9, 0, 0, 0]));
    assert!(sent.held[0].why.starts_with("DHIS2 changed since plan"), "{:?}", sent.held);
}

/// A review with so many STOP approved, and as many other changes in other facilities.
async fn with_stops(count: usize) -> (World, Vec<Cell>, Vec<Cell>) {
    let mut world = World::read(120, 1000).await;
    let opened = world.opened().await;
    let stop =
        |cell: &Cell| world.plan.severity(*cell) == Some(Severity::Stop) && Act::Approve.fits(&world.plan, *cell);
    let all: Vec<Cell> = world.plan.cells().filter(stop).collect();
    let stops = one_each(&all, count);
    let theirs: BTreeSet<u32> = stops.iter().map(|cell| cell.facility).collect();
    let free = opened.ledger.undecided(&world.plan, world.plan.cells()).plain;
    let free: Vec<Cell> = free.into_iter().filter(|cell| !theirs.contains(&cell.facility)).collect();
    let plain = one_each(&free, count);
    for stop in &stops {
        world.approve(vec![*stop]).await;
    }
    world.approve(plain.clone()).await;
    (world, stops, plain)
}

#[tokio::test]
async fn of_a_cell_with_a_stop_the_database_is_asked_since_the_index_lags() {
    let (world, stops, plain) = with_stops(4).await;
    world.sandbox.hold_index(true);
    world.edit(stops[1], "987654");
    let sent = world.submit().await;
    assert_eq!((cells(&sent.held), sent.held[0].now.as_deref()), (vec![stops[1]], Some("987654")));
    world.wrote(&without(&world.cells, &[stops[1]]));
    reset(&world, &[stops[1]]).await;
    let first = world.line.asked(RECEIVER)[0].at;
    let before: Vec<_> = world.line.asked(DATABASE).into_iter().filter(|asked| asked.forms == 0).collect();
    assert_eq!(before.len(), 4, "each STOP, and nothing else: {before:?}, {first}");
    assert!(plain.iter().all(|cell| world.now(*cell).as_deref() == world.plan.offer(*cell)));
}

#[tokio::test]
async fn of_a_case_an_earlier_form_touched_the_database_is_asked() {
    let mut world = World::read(40, 1000).await;
    let plain = world.plain().await;
    let row = plain.chunk_by(|a, b| a.facility == b.facility).find(|row| row.len() > 1).unwrap().to_vec();
    world.approve(vec![row[0]]).await;
    assert!(world.submit().await.all_applied());
    world.sandbox.hold_index(true);
    world.edit(row[1], "987654");
    world.approve(vec![row[1]]).await;
    let sent = world.submit().await;
    assert_eq!((cells(&sent.held), sent.forms.len()), (vec![row[1]], 1));
    assert_eq!(world.now(row[1]).as_deref(), Some("987654"));
    world.wrote(&row[..1]);
}

#[tokio::test]
async fn h28_what_the_index_shows_as_moved_is_asked_of_the_database() {
    // The index shows an edit that is undone in the database meanwhile: the cell is as it was read, and goes.
    let world = World::approved(40, 10, 1000).await;
    let cell = world.cells[3];
    world.edit(cell, "987654");
    world.sandbox.hold_index(true);
    world.edit(cell, world.plan.old(cell).unwrap_or(""));
    let sent = world.submit().await;
    assert!(sent.held.is_empty() && sent.applied + sent.accepted == 10, "{sent:?}");
    world.wrote(&world.cells);
}

#[tokio::test]
async fn the_database_is_asked_ten_times_a_minute_and_not_at_all_once_it_says_slow_down() {
    // All cases were touched by an earlier form.
    let mut world = World::read(60, 1000).await;
    let plain = world.plain().await;
    let rows: Vec<&[Cell]> = plain.chunk_by(|a, b| a.facility == b.facility).filter(|row| row.len() > 1).collect();
    world.approve(rows.iter().take(14).map(|row| row[0]).collect()).await;
    assert_eq!(counts(&world.submit().await), [14, 0, 0, 0]);
    world.sandbox.hold_index(true);
    let second: Vec<Cell> = rows.iter().take(14).map(|row| row[1]).collect();
    world.approve(second.clone()).await;
    world.edit(second[0], "987654");
    assert!(world.line.asked(DATABASE).is_empty());
    let sent = world.submit().await;
    assert_eq!(cells(&sent.held), [second[0]]);
    let asked = world.line.asked(DATABASE);
    let within = |from: usize| {
        let minute = |at: jiff::Timestamp| at.duration_since(asked[from].at).as_secs() < 60;
        asked[from..].iter().filter(|one| minute(one.at)).count()
    };
    assert!(asked.len() >= 10 && (0..asked.len()).all(|from| within(from) <= 10), "{} in all", asked.len());

    let (world, ..) = with_stops(6).await;
    // One call for the index, two for the database, and no more for a while.
    world.sandbox.set_allowance(Some(3), Duration::from_secs(40));
    let sent = world.submit().await;
    assert_eq!(counts(&sent), [12, 0, 0, 0], "what is not asked of the database is sent by the index: {sent:?}");
    let asked = world.line.asked(DATABASE);
    assert_eq!(asked.len(), 3, "two answers and one refusal: {asked:?}");
    world.wrote(&world.cells);
}

#[tokio::test]
async fn the_older_api_has_no_database_to_ask() {
    let (world, stops, _) = with_stops(3).await;
    world.sandbox.set_case_v2(false);
    world.edit(stops[0], "987654");
    let sent = world.submit().await;
    assert_eq!((cells(&sent.held), counts(&sent)), (vec![stops[0]], [5, 0, 0, 0]));
    assert!(world.line.asked("/ext/").is_empty() && world.line.asked(INDEX).len() == 1);
}

#[tokio::test]
async fn h26_only_the_number_that_was_confirmed_is_sent() {
    let world = World::approved(40, 20, 10).await;
    let progress = tokio::sync::watch::channel(Sending::default()).0;
    let job = world.session.submit(onse::sandbox::COMMCARE_USER, 15, progress, steering());
    let sent = world.time.drive(job).await.unwrap();
    assert_eq!((counts(&sent), world.line.posts().len()), ([10, 0, 0, 0], 1));
    assert!(sent.note.unwrap().contains("more would be sent than was confirmed"));
    assert_eq!(world.to_send().await, world.cells[10..]);
}

/// The number of changes is asked for beside these lines, on the screen and in lines.
#[tokio::test]
async fn d26_h26_the_question_names_the_server_and_a_dhis2_version_that_was_never_tried() {
    let ours = ["2.42.1", "2.44.0", "next", ""];
    let words = [None, Some("2.44.0 is not one of the versions"), Some("not understood, next"), Some("does not say")];
    for (version, words) in ours.into_iter().zip(words) {
        let mut world = World::read(40, 1000).await;
        let told = world.plan.head.dhis2_version.clone();
        let said = format!("\"version\":\"{version}\"");
        let was = format!("\"version\":\"{told}\"");
        world.line.set(
            move |asked| {
                if asked.has("/system/info") { Mishap::Bent(was.clone(), said.clone()) } else { Mishap::Pass }
            },
        );
        world.read_again().await;
        assert_eq!(world.plan.head.dhis2_version, version);
        world.approve(one_each(&world.plain().await, 3)).await;
        let opened = world.opened().await;
        let check = world.time.drive(world.session.check(&world.plan, &opened.ledger)).await.unwrap();
        let lines: Vec<_> = check.lines.iter().filter(|(_, line)| line.contains("tested with")).collect();
        assert_eq!(lines.len(), usize::from(words.is_some()), "asked once: {lines:?}");
        if let Some(words) = words {
            assert!(lines[0].0 == Level::Look && lines[0].1.contains(words), "{lines:?}");
        }
        let place = format!(" in {} at {ORIGIN}: ", onse::sandbox::PROJECT);
        assert!(check.lines.iter().any(|(level, line)| *level == Level::Ok && line.contains(&place)), "{check:?}");
        assert!(world.submit().await.all_applied(), "a warning is no refusal");
    }
}
