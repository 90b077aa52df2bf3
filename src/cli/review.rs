//! `onse`, `onse review` and `onse demo`: which review is opened, and with what, before the screen takes over.

use std::{
    io::{IsTerminal as _, Write as _},
    path::{Path, PathBuf},
    sync::Arc,
};

use anyhow::Result;

use super::{
    args::{self, Country, Scope},
    exit::{Exit, told, usage},
    here::{Here, Ready, create, first_steps},
    init, log, mapped,
    out::{Out, count, say, shell},
    plain::{Way, lines, way},
    read, sandbox,
    screen::{Left, Opening, env, look, screen},
};
use crate::{
    domain::{outcome::Outcome, plan::Head},
    io::{
        config::{CommCareSecret, Dhis2Secret, FlagSettings, LookSettings, Profile, Secrets, load},
        http::Secret,
        known::Known,
        store::{Form, Store},
    },
    job::{
        connect::{self, Ways},
        fetch::{Ask, Reach},
        session::{self, Session},
    },
    sandbox::{COMMCARE_API_KEY, DHIS2_PASSWORD},
    tui::{
        first::{self, Choice},
        model::Run,
        terminal,
    },
};

/// Where the sandbox of the demo is: a name that no network knows.
const ORIGIN: &str = "https://sandbox.invalid";

/// `onse` alone. Without settings or a profile in them it offers what can be done; nobody waits for a screen where there is none.
pub(super) async fn first(here: &Here, out: &mut Out) -> Result<Exit> {
    if std::io::stdout().is_terminal()
        && let Some(lacks) = here.lacks()?
    {
        return Box::pin(choice(here, &lacks, out)).await;
    }
    let scope = Scope { period: None, allow_unfinished: false, facilities: Vec::new() };
    let further = args::Further::default();
    review(here, &args::Review { file: None, new: false, scope, further, offline: false, plain: false }).await
}

/// The first screen and what is chosen there; where nothing can be drawn or typed, the same in words.
async fn choice(here: &Here, lacks: &str, out: &mut Out) -> Result<Exit> {
    let term = env("TERM").map(|term| term.to_string_lossy().into_owned());
    if !terminal::is_there() || !terminal::can_draw(term.as_deref()) {
        writeln!(out, "{}", first_steps(&here.places()?, lacks))?;
        return Ok(Exit::Done);
    }
    let look = look(LookSettings::default(), here.global.color, &env);
    match first::ask(look, lacks).await? {
        Choice::Demo => demo(here, &args::Demo { country: Country::default(), plain: false }).await,
        Choice::SetUp => init::init(here, &args::Init {}, out).await,
        Choice::Quit => Ok(Exit::Done),
        Choice::Interrupted => Err(told(Exit::Interrupted, "left; nothing was written").into()),
    }
}

pub(super) async fn review(here: &Here, args: &args::Review) -> Result<Exit> {
    match &args.file {
        Some(file) => {
            let way = way(args.plain, "onse show FILE, onse decide FILE and onse submit FILE do the same in lines")?;
            opened(here, file, args.offline, way, None).await
        }
        None => quarter(here, args).await,
    }
}

/// The newest unfinished review of the scope, else a new one.
async fn quarter(here: &Here, args: &args::Review) -> Result<Exit> {
    let quarter = here.quarter(&args.scope)?;
    let ready = here.ready(None)?;
    let mapping = here.mapping(Some(&ready.profile))?;
    let way = way(args.plain, "onse plan -o FILE reads the same without one")?;
    let ask = connect::ask(&ready.profile, mapping, &ready.flags, quarter, args.scope.facilities.clone())?;
    let (guessed, unfinished) = (args.scope.period.is_none(), !here.is_over(quarter));
    let ask = Ask { guessed, unfinished, reach: read::reach(&args.further, &ask.mapping)?, ..ask };
    let ask = read::remembering(here, ask, args.further.previous.clone())?;
    let folder = here.reviews(&ask.project)?;
    if !args.new {
        if let Some(file) = read::newest_unfinished(&folder, &ask) {
            if ask.reach != Reach::default() || ask.earlier.file.is_some() {
                return Err(usage(format!(
                    "--look-back, --no-history, --finer and --previous say how both sides are read, and {} was read already and is unfinished. \
                     Add --new to read again, or leave them out",
                    file.display()
                )));
            }
            let said = format!("went on with the unfinished review {}; --new reads a new one", file.display());
            return opened(here, &file, args.offline, way, Some(said)).await;
        }
        if args.offline {
            return Err(usage(format!("there is no unfinished review of {quarter}, and --offline reads no new one")));
        }
    }
    let connect = here.connect(&ready).await?;
    here.log()?;
    let path = folder.join(here.file_name(quarter));
    let session = here.session(create(&path)?, Some(connect));
    let mapping = mapped::of(here, &ready.profile);
    let shown = new(here, (session, &mapping), ask, &ready.profile, way, here.log_file()).await;
    if path.exists() {
        kept(&path);
    }
    shown
}

/// Opens a review file. Without `offline` its own profile is needed, and must lead to where it was read.
async fn opened(here: &Here, file: &Path, offline: bool, way: Way, said: Option<String>) -> Result<Exit> {
    here.seen()?;
    // Read once, under the hold: a large review takes most of a second to read.
    let store = Store::open_or_read(file)?;
    let loaded = store.load().await?;
    let offline_words = "this review was opened without the servers (--offline)";
    let (connect, profile, again) = if offline {
        (None, None, Err(offline_words.to_owned()))
    } else {
        let ready = here.ready(Some(&loaded.used.profile))?;
        connect::fits(&ready.profile, &loaded.plan.head)
            .map_err(|why| usage(format!("{why}, or look at it with --offline")))?;
        let again = again(here, &ready, &loaded.plan.head);
        (Some(here.connect(&ready).await?), Some(ready.profile), again.map_err(|error| format!("{error:#}")))
    };
    here.log()?;
    // Said here as well: on screen the next message takes its place.
    if let Some(said) = said.as_ref().filter(|_| way == Way::Screen) {
        say(said);
    }
    let account = profile.as_ref().map(|profile| profile.commcare.username.clone()).unwrap_or_default();
    let read_only = store.only_reads().map(str::to_owned);
    let run = run_of(here, &loaded.plan.head, account);
    let run = Run { read_only, not_again: again.as_ref().err().cloned(), ..run };
    let mut session = here.session(store, connect);
    let mut mapping = None;
    if let Some(profile) = profile {
        session = session.stale_after(profile.stale_after_days);
        let read = mapped::of(here, &profile);
        session = session.mapped_from(mapped::now(&read));
        mapping = Some(mapped::file(here, &read));
    }
    let (log, opened) = (here.log_file(), Some(session::opened(loaded)?));
    let shown =
        Box::pin(on_screen(here, Opening { session, ask: again.ok(), opened, mapping, run, log, said, way })).await;
    kept(file);
    shown
}

/// Says on leaving where the decisions are.
fn kept(file: &Path) {
    say(&format!("the review is in {}; onse review {} goes on from there", file.display(), shell(file)));
}

/// Reads into the new file of this session, and shows it.
async fn new(
    here: &Here,
    (session, mapping): (Session, &mapped::Read),
    ask: Ask,
    profile: &Profile,
    way: Way,
    log: Option<PathBuf>,
) -> Result<Exit> {
    let path = session.path().to_owned();
    let session = session.stale_after(profile.stale_after_days).mapped_from(mapped::now(mapping));
    let mapping = Some(mapped::file(here, mapping));
    let run = Run {
        project: ask.project.clone(),
        label: ask.label.clone(),
        dhis2: host(&ask.dhis2),
        quarter: ask.quarter.to_string(),
        file: String::new(),
        account: profile.commcare.username.clone(),
        who: here.who.clone(),
        read_only: None,
        not_again: None,
    };
    let opening = Opening { session, ask: Some(ask), opened: None, mapping, run, log, said: None, way };
    let shown = Box::pin(on_screen(here, opening)).await;
    if path.exists() {
        read::discard(&path);
    }
    shown
}

/// What a review file says of itself, for the head of the screen.
fn run_of(here: &Here, head: &Head, account: String) -> Run {
    Run {
        project: head.project.clone(),
        label: head.label.clone(),
        dhis2: host(&head.dhis2),
        quarter: head.quarter.to_string(),
        file: String::new(),
        account,
        who: here.who.clone(),
        read_only: None,
        not_again: None,
    }
}

/// What to ask to read a review again: the same quarter and facilities, as far back, with the mapping in use now. A review can
/// be opened without any of it.
fn again(here: &Here, ready: &Ready, head: &Head) -> Result<Ask> {
    let mapping = here.mapping(Some(&ready.profile))?;
    let ask = connect::ask(&ready.profile, mapping, &ready.flags, head.quarter, head.asked_for())?;
    let reach = Reach { look_back: head.look_back, history: !head.without_history, finer: Vec::new() };
    read::remembering(here, Ask { unfinished: !here.is_over(head.quarter), reach, ..ask }, None)
}

/// The host of an address, which is what fits a headline.
fn host(address: &str) -> String {
    let rest = address.split_once("://").map_or(address, |(_, rest)| rest);
    rest.split('/').next().unwrap_or(rest).to_owned()
}

/// Hands over to the screen, closes the file whatever comes of it, and says what is left open.
async fn on_screen(here: &Here, opening: Opening) -> Result<Exit> {
    let session: Session = opening.session.clone();
    let before = opening.opened.as_ref().map(|opened| fates(&opened.forms)).unwrap_or_default();
    let shown = match opening.way {
        Way::Screen => screen(here, opening).await,
        Way::Lines => lines(here, opening).await,
    };
    let now = session.open().await;
    session.close();
    let now = match now {
        Ok(opened) => fates(&opened.forms),
        // Nothing was ever read into it, so nothing was decided.
        Err(_) if Store::discard_blank(session.path()).unwrap_or(false) => {
            return ended(shown, &before, &[], session.path());
        }
        Err(error) => {
            let file = session.path().display();
            let words = format!("{file} could not be read again, so whether all that was sent is settled is not known");
            return Err(shown.err().unwrap_or(error).context(told(Exit::Partly, words)));
        }
    };
    if before != now {
        here.noted.submitted(session.path());
    }
    ended(shown, &before, &now, session.path())
}

fn fates(forms: &[Form]) -> Vec<Outcome> {
    forms.iter().map(Form::outcome).collect()
}

/// What leaving means: forms that are not settled are not done, and what was decided stays decided. `before` and `now` are the
/// outcomes of the forms when the review was opened and when it was left.
fn ended(shown: Result<Left>, before: &[Outcome], now: &[Outcome], file: &Path) -> Result<Exit> {
    let open = now.iter().filter(|outcome| !outcome.settled()).count();
    let (file, again) = (file.display(), shell(file));
    let not_settled =
        format!("{} not settled: open it again, and v on tab 4 settles them", count(open, "form is", "forms are"));
    let shown = shown.map_err(|error| {
        let exit = if open > 0 || before != now { Exit::Partly } else { Exit::Failed };
        let open = if open > 0 { format!("; {not_settled}") } else { String::new() };
        let words = format!("the review broke off; decisions are in {file}; onse review {again} goes on{open}");
        error.context(told(exit, words))
    })?;
    if shown == Left::Refused {
        return Ok(Exit::Usage);
    }
    if open > 0 {
        say(&not_settled);
        return Ok(Exit::Partly);
    }
    Ok(match shown {
        Left::Done => Exit::Done,
        Left::Unread => Exit::Failed,
        Left::CutShort if !now.is_empty() => Exit::Partly,
        _ => Exit::Interrupted,
    })
}

/// `onse demo`: a sandbox in this process, everything it writes in one temporary folder.
pub(super) async fn demo(here: &Here, args: &args::Demo) -> Result<Exit> {
    let way = way(args.plain, "onse sandbox runs the same servers for onse plan and other programs")?;
    let folder: PathBuf = sandbox::scratch("onse-demo")?;
    let shown = in_folder(here, &args.country, way, &folder).await;
    let file = folder.join(format!("{}.review", here.last_quarter()));
    let again = if file.exists() {
        format!("; to look at it again: onse review --offline {}", shell(&file))
    } else {
        String::new()
    };
    say(&format!("the review of the demo is in {}; nothing else was written{again}", folder.display()));
    shown
}

async fn in_folder(here: &Here, country: &Country, way: Way, folder: &Path) -> Result<Exit> {
    log::start(folder, here.global.log_level)?;
    let settings = load(&folder.join("config.toml"), &sandbox::settings(ORIGIN))?;
    let profile = settings.profile(None)?.clone();
    let servers = sandbox::build(here, country, false).transport(ORIGIN);
    let ways = Ways { dhis2: Arc::clone(&servers), commcare: servers };
    let secrets = Secrets {
        dhis2: Dhis2Secret::Password(Secret::new(DHIS2_PASSWORD)),
        commcare: CommCareSecret::ApiKey(Secret::new(COMMCARE_API_KEY)),
    };
    let connect = here.connected(&profile, &secrets, &ways)?;
    // The sandbox holds what the built-in mapping names, whatever stands in the current folder.
    let mapping = mapped::of_demo(here);
    let quarter = here.last_quarter();
    let used = if here.global.mapping.is_some() { here.mapping(None)? } else { mapping()? };
    let ask = connect::ask(&profile, used, &FlagSettings::default(), quarter, Vec::new())?;
    let log = Some(log::file(folder));
    let store = create(&folder.join(format!("{quarter}.review")))?;
    let session = here.session(store, Some(connect)).knowing(Known::in_folder(folder));
    new(here, (session, &mapping), ask, &profile, way, log).await
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cli::exit::leaves_unsaid;

    #[test]
    fn leaving_with_open_forms_is_not_done() {
        use Outcome::{Accepted, Applied, Frozen, NotApplied, Unknown};
        let file = Path::new("q.review");
        let left = |now: &[Outcome]| ended(Ok(Left::Done), &[], now, file).unwrap();
        assert_eq!([left(&[]), left(&[Applied, NotApplied])], [Exit::Done, Exit::Done]);
        for open in [Accepted, Frozen, Unknown] {
            assert_eq!(left(&[Applied, open]), Exit::Partly, "{open:?}");
        }
        let cut = |how, now: &[Outcome]| ended(Ok(how), &[], now, file).unwrap();
        assert_eq!(cut(Left::Interrupted, &[]), Exit::Interrupted);
        assert_eq!(cut(Left::Interrupted, &[Applied]), Exit::Interrupted);
        assert_eq!(cut(Left::Interrupted, &[Unknown]), Exit::Partly);
        assert_eq!(cut(Left::CutShort, &[]), Exit::Interrupted);
        assert_eq!(cut(Left::CutShort, &[Applied]), Exit::Partly);
    }

    #[test]
    fn a_broken_screen_says_where_the_decisions_are() {
        use Outcome::{Applied, Unknown};
        let broken = |before: &[Outcome], now: &[Outcome]| {
            let error =
                ended(Err(anyhow::anyhow!("the terminal is gone")), before, now, Path::new("q.review")).unwrap_err();
            let said = format!("{error:#}");
            for part in ["decisions are in q.review", "onse review q.review goes on", "the terminal is gone"] {
                assert!(said.contains(part), "{said}");
            }
            assert!(!leaves_unsaid(&error), "{said}");
            (Exit::of(&error), said.contains("not settled"))
        };
        assert_eq!(broken(&[], &[]), (Exit::Failed, false));
        assert_eq!(broken(&[Applied], &[Applied]), (Exit::Failed, false));
        assert_eq!(broken(&[], &[Applied]), (Exit::Partly, false));
        assert_eq!(broken(&[Unknown], &[Unknown]), (Exit::Partly, true));
    }
}
