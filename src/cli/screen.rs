//! Where the commands hand over to the full screen. The one place of the command line that knows it.

use std::{
    collections::BTreeMap,
    ffi::OsString,
    fs,
    io::{self, BufWriter, Write as _},
    path::{Path, PathBuf},
    sync::Arc,
    time::Instant,
};

use anyhow::{Context as _, Result};

use super::{
    args::Color,
    dry_run::write_forms,
    here::{Here, Seen},
    out::say,
    plain::Way,
    private,
};
use crate::{
    domain::{caseblock::USERNAME, plan::Cell},
    io::{
        config::{LookSettings, Theme},
        store::Store,
    },
    job::{
        export::View,
        fetch::Ask,
        report::Level,
        session::{Clock, Opened, Session},
    },
    tui::{
        model::{Look, Model, Run},
        msg::{Cmd, Msg, Now},
        perform::{MappingFile, Performer, WriteForms, WriteTable},
        terminal::{self, LastWords},
        theme::Choice,
        update::update,
    },
};

/// What the screen starts with.
pub(super) struct Opening {
    /// The review file, with or without the servers.
    pub(super) session: Session,
    /// What reading means; none where nothing can be read.
    pub(super) ask: Option<Ask>,
    /// What the file holds; none where it holds no plan yet and both sides are read first.
    pub(super) opened: Option<Opened>,
    /// The mapping; none where no profile says which (`--offline`).
    pub(super) mapping: Option<MappingFile>,
    /// What is known of the review before it is read or opened.
    pub(super) run: Run,
    /// The log file, for the last words of a fault.
    pub(super) log: Option<PathBuf>,
    /// The first line of the status line, where there is something to say.
    pub(super) said: Option<String>,
    /// Full screen or in lines.
    pub(super) way: Way,
}

/// How the screen was left.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Left {
    /// By the person's own choice.
    Done,
    /// By ctrl-c or a signal (fault matrix rows K20 and K21).
    Interrupted,
    /// The same while a submission was under way.
    CutShort,
    /// Nothing was ever read; only the review in lines says so.
    Unread,
    /// Nobody was there to be asked, and a decision was refused (fault matrix row V03).
    Refused,
}

/// Shows the review until the person leaves. What was decided and sent is in the review file, however the screen ended.
pub(super) async fn screen(here: &Here, opening: Opening) -> Result<Left> {
    let Opening { session, ask, opened, mapping, run, log, said, .. } = opening;
    let (started, clock) = (Instant::now(), Arc::clone(&here.clock));
    let now = move || Now { at: clock().strftime("%Y-%m-%dT%H:%M:%SZ").to_string(), since: started.elapsed() };
    // Offline nobody is signed in, and the forms can only be looked at.
    let username = if run.account.is_empty() { USERNAME.to_owned() } else { run.account.clone() };
    let first = if opened.is_none() { Cmd::Read } else { Cmd::Open };
    let mut performer =
        Performer::new(session.clone(), ask, username.clone(), forms_beside(username, Arc::clone(&here.clock)))
            .with_tables(table_beside(Arc::clone(&here.clock)))
            .with_opened(opened);
    if let Some(mapping) = mapping {
        performer = performer.with_mapping(mapping);
    }
    // For a review they were refused before; the demo needs no settings, so wrong ones do not stop it.
    let (seen, wrong) = match here.seen() {
        Ok(seen) => (seen, None),
        Err(error) => (Seen::default(), Some(format!("the keys and the look are the program's own: {error:#}"))),
    };
    let mut model = Model::new(run, look(seen.look, here.global.color, &env), (0, 0));
    model.keys = seen.keys;
    if let Some(wrong) = wrong {
        say(&wrong);
        update(&mut model, Msg::Note(Level::Look, wrong), &now());
    }
    if let Some(said) = said {
        update(&mut model, Msg::Note(Level::Ok, said), &now());
    }
    let words = LastWords { log, review: Some(session.path().to_owned()) };
    match Box::pin(terminal::review(&mut model, &mut performer, &now, words, first)).await {
        Err(error) if !model.interrupted => return Err(error),
        Err(error) => say(&format!("the review was left, because the terminal failed: {error:#}; decisions are saved")),
        Ok(()) => {}
    }
    Ok(match (model.interrupted, model.submit.is_sending() || model.submit.interrupts > 0) {
        (false, _) => Left::Done,
        (true, false) => Left::Interrupted,
        (true, true) => Left::CutShort,
    })
}

/// Writes the forms to a folder beside the review file, a new one each time.
fn forms_beside(username: String, clock: Clock) -> WriteForms {
    Arc::new(move |session: Session| {
        let (username, at) = (username.clone(), clock().strftime("%Y%m%d-%H%M%S").to_string());
        Box::pin(async move {
            let forms = session.forms_now(&username).await?;
            let folder = session.path().with_extension(format!("forms-{at}"));
            write_forms(&folder, &forms)?;
            Ok(folder.display().to_string())
        })
    })
}

/// Writes a table beside the review file, a new one each time: `2026Q2.20260712-0941.csv`, or with a number before the ending where
/// that is there already.
fn table_beside(clock: Clock) -> WriteTable {
    Arc::new(move |session: Session, cells: Vec<Cell>| {
        let at = clock().strftime("%Y%m%d-%H%M").to_string();
        Box::pin(async move {
            let opened = session.open().await?;
            let review = session.path().to_owned();
            tokio::task::spawn_blocking(move || write_table(&review, &at, &opened, cells)).await?
        })
    })
}

/// Writes the table; answers its path. One that cannot be finished does not stay.
fn write_table(review: &Path, at: &str, opened: &Opened, cells: Vec<Cell>) -> Result<String> {
    let Opened { plan, ledger, forms, .. } = opened;
    let known = |cell: &Cell| cell.facility < plan.height() && cell.property < plan.width();
    let cells: Vec<Cell> = cells.into_iter().filter(known).collect();
    // So that verdicts can come back in it.
    let id = Store::id(review)?.unwrap_or_default();
    let (path, file) = new_table(review, at)?;
    let (parts, history) = (BTreeMap::new(), BTreeMap::new());
    let view = View { review: &id, plan, ledger, forms, parts: &parts, history: &history, cells: &cells };
    let mut to = BufWriter::new(file);
    if let Err(error) = view.csv(&mut to).and_then(|()| to.flush()) {
        drop(to);
        let _ = fs::remove_file(&path);
        let path = path.display();
        return Err(error).with_context(|| format!("cannot write {path}; the review is as it was"));
    }
    Ok(path.display().to_string())
}

/// Most tables that get a name within a minute.
const MOST_TABLES: u32 = 99;

/// A file that was not there.
fn new_table(review: &Path, at: &str) -> Result<(PathBuf, fs::File)> {
    for number in 1..=MOST_TABLES {
        let more = if number == 1 { String::new() } else { format!("-{number}") };
        let path = review.with_extension(format!("{at}{more}.csv"));
        match private::file(&path) {
            Ok(file) => return Ok((path, file)),
            Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {}
            Err(error) => {
                let path = path.display();
                return Err(error).with_context(|| format!("cannot make {path}; the review is as it was"));
            }
        }
    }
    anyhow::bail!("{MOST_TABLES} tables of {at} stand beside {} already; none of them was touched", review.display())
}

pub(super) fn env(name: &str) -> Option<OsString> {
    std::env::var_os(name)
}

/// How things are drawn. No colour where it is unwanted (`NO_COLOR` set to anything but nothing), and `--color` stands above
/// that and above the settings; signs beyond ASCII where the settings or else the locale has them.
pub(super) fn look(settings: LookSettings, color: Color, env: &dyn Fn(&str) -> Option<OsString>) -> Look {
    let set = |name: &str| env(name).filter(|value| !value.is_empty());
    let locale = ["LC_ALL", "LC_CTYPE", "LANG"].into_iter().find_map(set);
    let utf8 = locale.is_some_and(|name| {
        let name = name.to_string_lossy().to_ascii_lowercase();
        name.contains("utf-8") || name.contains("utf8")
    });
    let no_color = set("NO_COLOR").is_some();
    let theme = match (color, settings.theme) {
        (Color::Never, _) | (Color::Auto, Theme::Mono) => Choice::Mono,
        (Color::Auto, _) if no_color => Choice::Mono,
        (_, Theme::Contrast) => Choice::Contrast,
        _ => Choice::Default,
    };
    let ascii = settings.ascii.unwrap_or(!utf8 && !cfg!(any(windows, target_os = "macos")));
    Look { ascii, theme, mouse: settings.mouse }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        domain::{plan::sample, returned::judge},
        io::{spreadsheet, store::Used},
        job::session::opened,
    };

    #[test]
    fn a_table_never_takes_the_place_of_another() {
        let home = tempfile::tempdir().unwrap();
        let review = home.path().join("2026Q2.review");
        let names: Vec<String> = (0..3)
            .map(|_| {
                let (path, _) = new_table(&review, "20260712-0941").unwrap();
                path.file_name().unwrap().to_string_lossy().into_owned()
            })
            .collect();
        assert_eq!(names, ["2026Q2.20260712-0941.csv", "2026Q2.20260712-0941-2.csv", "2026Q2.20260712-0941-3.csv"]);
        let error = new_table(&home.path().join("none/2026Q2.review"), "1").unwrap_err();
        assert!(error.to_string().contains("the review is as it was"), "{error:#}");
    }

    #[tokio::test]
    async fn verdicts_can_come_back_in_a_table() {
        let home = tempfile::tempdir().unwrap();
        let review = home.path().join("2026Q2.review");
        let store = Store::create(&review).unwrap();
        let used = Used {
            profile: "main".to_owned(),
            chunk_size: 1,
            form_xmlns: String::new(),
            stamp_property: None,
            submit_user_id: String::new(),
        };
        store.save_plan(Arc::new(sample(2, 1, |_| {})), used, Vec::new(), Vec::new()).await.unwrap();
        let opened = opened(store.load().await.unwrap()).unwrap();
        let cells: Vec<Cell> = opened.plan.cells().collect();
        let path = write_table(&review, "20260712-0941", &opened, cells.clone()).unwrap();
        let mut rows = spreadsheet::read(Path::new(&path)).unwrap();
        "reject".clone_into(&mut rows[1].verdict);
        let id = Store::id(&review).unwrap().unwrap();
        let judged = judge(&opened.plan, &opened.ledger, &id, &rows).unwrap();
        assert_eq!((judged.rows.len(), judged.rows[0].cell, judged.refused), (1, cells[1], Vec::new()));
    }

    #[test]
    fn the_look_follows_the_environment() {
        let with = |set: &'static [(&str, &str)]| {
            move |name: &str| set.iter().find(|(key, _)| *key == name).map(|(_, value)| OsString::from(value))
        };
        let usual = LookSettings::default();
        let theme = |color, set: &'static [(&str, &str)]| look(usual, color, &with(set)).theme;
        assert_eq!(theme(Color::Auto, &[("LANG", "en_US.UTF-8")]), Choice::Default);
        assert_eq!(theme(Color::Auto, &[("NO_COLOR", "1")]), Choice::Mono);
        assert_eq!(theme(Color::Auto, &[("NO_COLOR", "")]), Choice::Default);
        assert_eq!(theme(Color::Always, &[("NO_COLOR", "1")]), Choice::Default);
        assert_eq!(theme(Color::Never, &[]), Choice::Mono);
        let ascii = |set: &'static [(&str, &str)]| look(usual, Color::Auto, &with(set)).ascii;
        if cfg!(target_os = "linux") {
            assert!(ascii(&[]) && ascii(&[("LANG", "C")]));
            assert!(ascii(&[("LC_ALL", "C"), ("LANG", "de_DE.UTF-8")]));
            assert!(!ascii(&[("LC_CTYPE", "C.utf8")]));
        }
    }

    #[test]
    fn the_look_follows_the_settings() {
        let none = |_: &str| None;
        let contrast = LookSettings { theme: Theme::Contrast, ascii: Some(true), mouse: false };
        let drawn = look(contrast, Color::Auto, &none);
        assert_eq!(drawn, Look { theme: Choice::Contrast, ascii: true, mouse: false });
        assert_eq!(look(contrast, Color::Never, &none).theme, Choice::Mono);
        assert_eq!(look(contrast, Color::Auto, &|_| Some(OsString::from("1"))).theme, Choice::Mono);
        let mono = LookSettings { theme: Theme::Mono, ascii: Some(false), mouse: true };
        assert_eq!(look(mono, Color::Auto, &none), Look { theme: Choice::Mono, ascii: false, mouse: true });
        assert_eq!(look(mono, Color::Always, &none).theme, Choice::Default, "--color stands above the settings");
    }
}
