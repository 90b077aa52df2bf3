//! The mapping file beside an open review: looked up, chosen, written, and taken in by reading again.

use std::{fs, path::PathBuf};

use onse::tui::{explorer::Mapped, perform::MappingFile};

use super::*;

/// The mapping file as the command line hands it to the screen.
fn file(path: PathBuf) -> MappingFile {
    let (from, to) = (path.clone(), path);
    MappingFile {
        read: Arc::new(move || {
            let mapping = Mapping::read(&fs::read(&from)?);
            if let Some(problem) = mapping.unreadable() {
                anyhow::bail!("{problem}");
            }
            Ok(Mapped { label: from.display().to_string(), fixed: None, mapping: Arc::new(mapping) })
        }),
        write: Arc::new(move |before, after| {
            let saved = onse::io::mapping::save(&to, Some(before.bytes()), after, "20260705-0941")?;
            Ok(format!("written: {}", saved.file.display()))
        }),
    }
}

/// The built-in rows with these places, the later one without its data set.
fn text(with_set: usize, without: usize) -> (String, String) {
    let rows = Mapping::built_in().rows;
    let line = |at: usize, set: &str| format!("{},{},{set},{}\r\n", rows[at].property, rows[at].data_element, at);
    let head = "case_property,data_element_id,data_set_id,dhis2_name\r\n";
    let full = line(with_set, &rows[with_set].data_set);
    (format!("{head}{full}{}", line(without, "")), rows[without].property.clone())
}

#[tokio::test]
async fn a_data_set_is_chosen_written_and_taken_in_and_decisions_stay() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("case_property_map.csv");
    let (before, property) = text(0, 1);
    fs::write(&path, &before).unwrap();
    let sandbox = support::sandbox(20);
    let session = support::session(folder.path(), support::connect(sandbox.transport(support::ORIGIN)));
    let performer = performer(&session).with_mapping(file(path.clone()));
    let (_, model) = with(performer, Cmd::Read, async |keys| {
        shows("read; nothing has been written").await;
        keys.press("3/is:plain<enter>");
        shows("shown").await;
        keys.press("ja");
        shows("approved").await;
        keys.press("5");
        shows("looked up").await;
        keys.press("<enter><enter>");
        shows("chosen: ").await;
        keys.press("w");
        settle().await;
        assert_eq!(fs::read_to_string(&path).unwrap(), before, "asked, not written");
        keys.press("y");
        shows("F reads it into the review").await;
        let now = fs::read_to_string(&path).unwrap();
        assert!(now.len() == before.len() + 11 && now.contains("\r\n"), "{now}");
        keys.press("F");
        shows("read again: ").await;
        shows("kept, 0 reset").await;
        fs::write(&path, "nothing of a mapping").unwrap();
        keys.press("F");
        shows("not read again, the review is as it was: nothing was read").await;
        keys.press("q");
    })
    .await;
    let review = model.review.unwrap();
    assert_eq!((review.plan.head.generation, review.plan.width()), (2, 2));
    assert!(review.plan.head.mapping.starts_with(&path.display().to_string()), "{}", review.plan.head.mapping);
    assert!(review.plan.find_property(&property).is_some(), "the review has the row that was filled");
    let approved = review.plan.cells().filter(|cell| review.ledger.verdict(&review.plan, *cell).is_some()).count();
    assert!(approved > 0, "what was decided on the other property stands");
    assert!(model.explorer.written.is_none());
}

#[tokio::test]
async fn without_the_servers_the_mapping_is_shown_and_why_no_more() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("case_property_map.csv");
    fs::write(&path, text(0, 1).0).unwrap();
    let session = session(folder.path()).await;
    session.close();
    let store = Store::open(&folder.path().join("2026Q2.review")).unwrap();
    let sleep = Arc::new(|_| -> onse::io::transport::Later<'static, ()> { Box::pin(std::future::ready(())) });
    let session = Session::new(store, None, Arc::new(support::clock), sleep, "Grace");
    let (_, model) = with(performer(&session).with_mapping(file(path)), Cmd::Open, async |keys| {
        shows("read; nothing").await;
        keys.press("5");
        shows("data sets were not looked up: this review was opened without the servers (--offline)").await;
        keys.press("q");
    })
    .await;
    assert_eq!(model.explorer.mapped.unwrap().mapping.rows.len(), 2);
}
