//! Rows X: what is secret stays where it is, in a submission too.

use std::{
    collections::BTreeSet,
    fs,
    path::{Path, PathBuf},
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
};

use base64::{Engine as _, engine::general_purpose::STANDARD};
use bytes::Bytes;
use onse::{
    domain::outcome::Outcome,
    io::{
        http::{Secret, SignIn},
        transport::{Answer, Broken, Later, SharedTransport, Transport},
    },
    sandbox,
};

use crate::{
    cli::{Home, ready},
    kills::one_property,
    rig::{Approved, Bent, FORMS, Kept, is_form},
    support::{ask, connect, connect_as, on, read, submit},
};

/// What nobody may find: a password, a key, both as they stand in a header, and what a server sets as a cookie.
fn secrets() -> Vec<String> {
    let basic = STANDARD.encode(format!("{}:{}", sandbox::DHIS2_USER, sandbox::DHIS2_PASSWORD));
    let plain = [sandbox::DHIS2_PASSWORD, sandbox::COMMCARE_API_KEY, COOKIE].map(str::to_owned);
    plain.into_iter().chain([basic]).collect()
}

const COOKIE: &str = "marked-cookie-5b1e";

/// Fails where one of the secrets is in this.
#[track_caller]
fn clean(what: &str, bytes: &[u8], secrets: &[String]) {
    for secret in secrets {
        let at = bytes.windows(secret.len()).position(|piece| piece == secret.as_bytes());
        assert_eq!(at, None, "{secret} is in {what}");
    }
}

/// Every file below, with its bytes.
fn files(folder: &Path) -> Vec<(PathBuf, Vec<u8>)> {
    let files = fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path());
    files.filter(|path| path.is_file()).map(|path| (path.clone(), fs::read(path).unwrap())).collect()
}

/// A server that repeats what it was sent, sets a cookie, and fails the first forms.
struct Echo {
    inner: SharedTransport,
    forms: AtomicUsize,
    fails: usize,
}

impl Transport for Echo {
    fn send(&self, request: http::Request<Bytes>) -> Later<'_, Result<Answer, Broken>> {
        Box::pin(async move {
            let signed = request.headers()["authorization"].to_str().unwrap().to_owned();
            let cookie = format!("sessionid={COOKIE}; HttpOnly");
            assert!(request.headers().get("cookie").is_none(), "a cookie was sent back");
            if is_form(&request) {
                let nth = self.forms.fetch_add(1, Ordering::SeqCst);
                let said = format!("you sent {signed}");
                match [Some(500), Some(429), Some(423), None, Some(502), Some(401)][nth % 6] {
                    _ if nth >= self.fails => {}
                    None => return Err(Broken::NoAnswer(said)),
                    Some(status) => {
                        let body: Box<dyn onse::io::transport::Body> = Box::new(onse::io::transport::Whole::new(said));
                        let answer = http::Response::builder().status(status).header("set-cookie", cookie);
                        return Ok(answer.header("x-echo", signed).body(body).unwrap());
                    }
                }
            }
            let mut answer = self.inner.send(request).await?;
            answer.headers_mut().insert("set-cookie", cookie.parse().unwrap());
            answer.headers_mut().insert("x-echo", signed.parse().unwrap());
            Ok(answer)
        })
    }
}

#[tokio::test]
async fn x02_a_failing_server_that_repeats_what_it_was_sent_is_not_quoted_in_a_submission() {
    let log = Kept::default();
    let subscriber = tracing_subscriber::fmt()
        .with_max_level(tracing::Level::TRACE)
        .with_writer(log.clone())
        .with_ansi(false)
        .finish();
    let _guard = tracing::subscriber::set_default(subscriber);
    let rig = Approved::new().await;
    let echo = Echo { inner: rig.line(), forms: AtomicUsize::new(0), fails: 6 };
    let session = rig.over(Arc::new(echo));
    // The last failure is a refusal after the form may have arrived; then the server works again.
    let told = submit(&session).await.unwrap();
    let mut said = vec![format!("{told:?}")];
    assert!(told.unknown > 0 && told.note.is_some(), "{told:?}");
    for (path, bytes) in files(rig.folder.path()) {
        clean(&path.display().to_string(), &bytes, &secrets());
    }
    let told = submit(&session).await.unwrap();
    said.push(format!("{told:?} {session:?}"));
    session.close();
    assert!(told.all_applied(), "{told:?}");
    for (path, bytes) in files(rig.folder.path()) {
        clean(&path.display().to_string(), &bytes, &secrets());
    }
    let log = log.0.lock().unwrap().clone();
    assert!(String::from_utf8_lossy(&log).contains("/receiver/api/"), "the log was not captured");
    clean("the log", &log, &secrets());
    clean("what was told", said.concat().as_bytes(), &secrets());
}

#[test]
fn x03_a_panic_prints_no_secret_of_a_client() {
    let transport = sandbox::Sandbox::new(&sandbox::Options::new((2026, 2)), Arc::new(crate::support::clock));
    let sources = connect(transport.transport(crate::support::ORIGIN))(Arc::new(|_| {}));
    let user = sandbox::COMMCARE_USER.to_owned();
    let sign_in = SignIn::ApiKey { user, key: Secret::new(sandbox::COMMCARE_API_KEY) };
    let panics = std::panic::AssertUnwindSafe(|| panic!("{sources:?} {sources:#?} {sign_in:?} {sign_in:#?}"));
    let said = std::panic::catch_unwind(panics).unwrap_err();
    let said = said.downcast_ref::<String>().unwrap();
    assert!(said.contains("***") && said.contains("CommCare"), "{said}");
    clean("the words of a panic", said.as_bytes(), &secrets());
}

/// What a core dump of the program holds: none of its memory.
#[cfg(target_os = "linux")]
#[test]
fn x03_a_core_dump_of_the_program_holds_none_of_its_memory() {
    let home = Home::new();
    let servers = crate::cli::Servers::start(&home, &[]);
    let filter = fs::read_to_string(format!("/proc/{}/coredump_filter", servers.child.0.id())).unwrap();
    assert_eq!(filter.trim(), "00000000");
}

#[tokio::test]
async fn x07_no_credential_token_or_cookie_is_in_the_file_its_log_or_a_form() {
    let rig = Approved::new().await;
    let session = rig.over(Arc::new(Echo { inner: rig.line(), forms: AtomicUsize::new(0), fails: 0 }));
    read(&session, &ask(&[])).await.unwrap();
    let mut all: Vec<(String, Vec<u8>)> = Vec::new();
    let take = |all: &mut Vec<_>, when: &str| {
        all.extend(
            files(rig.folder.path()).into_iter().map(|(path, bytes)| (format!("{} {when}", path.display()), bytes)),
        );
    };
    take(&mut all, "while it is open");
    assert!(all.iter().any(|(name, bytes)| name.contains("-wal") && !bytes.is_empty()), "the log is looked at");
    all.extend(
        session.forms_now(sandbox::COMMCARE_USER).await.unwrap().into_iter().map(|form| ("a dry run".to_owned(), form)),
    );
    let told = submit(&session).await.unwrap();
    assert!(told.all_applied(), "{told:?}");
    all.push(("the result".to_owned(), format!("{told:?}").into_bytes()));
    take(&mut all, "after sending");
    session.close();
    take(&mut all, "closed");
    all.extend(rig.sandbox.forms().into_iter().map(|form| ("a form".to_owned(), form.bytes.to_vec())));
    let trail = onse::io::store::Store::read_only_trail(&rig.path()).unwrap();
    assert!(trail.entries.len() > FORMS);
    all.push(("the trail".to_owned(), format!("{trail:?}").into_bytes()));
    for (what, bytes) in &all {
        clean(what, bytes, &secrets());
    }
    // What should be there is: who gets the file knows where it is from.
    let file = String::from_utf8_lossy(&fs::read(rig.path()).unwrap()).into_owned();
    assert!([sandbox::PROJECT, crate::support::ORIGIN].iter().all(|part| file.contains(part)));
}

#[test]
fn x07_a_whole_review_by_command_leaves_the_secrets_where_they_were() {
    let (home, servers) = ready();
    let count = one_property(&home);
    let secrets: Vec<String> = ["dhis2_password", "commcare_api_key"].map(|name| servers.text(name)).into();
    let mut said = Vec::new();
    for args in [
        &["submit", "q.review", "--dry-run", "forms", "--log-level", "trace"][..],
        &["submit", "q.review", "--write", &count, "--log-level", "trace"],
        &["show", "q.review", "--json"],
        &["show", "q.review", "--facility", "Zomba"],
        &["undo", "q.review", "-o", "u.review", "--log-level", "trace"],
        &["show", "u.review", "--json"],
        &["export", "q.review", "--to", "r.html"],
        &["export", "q.review", "--to", "r.md"],
        &["export", "q.review", "--to", "r.csv"],
        &["export", "q.review", "--to", "r.json"],
    ] {
        let ran = home.run(args);
        said.push(format!("{ran:?}"));
    }
    clean("what was printed", said.concat().as_bytes(), &secrets);
    let files = home.files();
    let names: BTreeSet<_> = files.iter().filter_map(|(path, _)| path.file_name()?.to_str()).collect();
    for name in ["q.review", "u.review", "form-001.xml", "onse.log", "r.html", "r.md", "r.csv", "r.json"] {
        assert!(names.contains(name), "{name} is not in {names:?}");
    }
    let report = fs::read_to_string(home.path("r.html")).unwrap();
    assert!(report.contains("onse-demo") && report.contains("127.0.0.1"), "whoever gets it knows where it is from");
    for (path, bytes) in files.iter().filter(|(path, _)| !path.ends_with("secrets.toml")) {
        clean(&path.display().to_string(), bytes, &secrets);
    }
}

#[tokio::test]
async fn x09_a_password_that_changes_in_the_middle_stops_with_what_is_and_is_not_applied() {
    let rig = Approved::new().await;
    let forms = AtomicUsize::new(0);
    let changed = move |request: &http::Request<Bytes>| {
        // From the second form on, for every request.
        let nth =
            if is_form(request) { forms.fetch_add(1, Ordering::SeqCst) + 1 } else { forms.load(Ordering::SeqCst) };
        let commcare = request.uri().path().starts_with("/a/");
        (nth > 1 && commcare).then(|| (401, r#"{"error": "Unauthorized"}"#.to_owned()))
    };
    let session = rig.over(Arc::new(Bent { inner: rig.line(), rule: Box::new(changed) }));
    let told = submit(&session).await.unwrap();
    let of = |number: usize| told.forms[number].outcome;
    assert_eq!((of(0), of(1), of(2)), (Some(Outcome::Applied), Some(Outcome::NotApplied), None), "{told:?}");
    assert_eq!((told.applied, told.waiting > 0, told.refused), (told.forms[0].changes, true, true));
    let note = told.note.clone().unwrap();
    for part in ["form 2", "401", "ONSE_COMMCARE_API_KEY", "user name", "--ask"] {
        assert!(note.contains(part), "{part}: {note}");
    }
    // The file holds just that.
    let opened = session.open().await.unwrap();
    session.close();
    assert_eq!(
        opened.forms.iter().map(onse::io::store::Form::outcome).collect::<Vec<_>>(),
        [Outcome::Applied, Outcome::NotApplied]
    );
    assert_eq!((rig.sandbox.forms().len(), rig.effective()), (1, 1));
    // Still the old password: nothing more happens. With the new one it goes on.
    let old = on(onse::io::store::Store::open(&rig.path()).unwrap(), connect_as(rig.line(), "old", sandbox::PROJECT));
    let refused = submit(&old).await.unwrap();
    old.close();
    let note = refused.note.unwrap();
    assert!(note.contains("ONSE_COMMCARE_API_KEY") && rig.sandbox.forms().len() == 1, "{note}");
    let sent = {
        let session = rig.open();
        let sent = submit(&session).await.unwrap();
        session.close();
        sent
    };
    assert_eq!((sent.applied, rig.effective(), sent.refused), (rig.cells.len(), FORMS, false), "{sent:?}");
    rig.holds_what_was_approved();
}

/// What was accepted is not looked for again and again with a key that is refused: that locks accounts.
#[tokio::test]
async fn x09_d01_a_key_that_changes_behind_a_form_is_not_tried_again_and_again() {
    let rig = Approved::new().await;
    let (sent, refused) = (Arc::new(AtomicUsize::new(0)), Arc::new(AtomicUsize::new(0)));
    let (forms, tries) = (Arc::clone(&sent), Arc::clone(&refused));
    let changed = move |request: &http::Request<Bytes>| {
        let before = if is_form(request) { forms.fetch_add(1, Ordering::SeqCst) } else { forms.load(Ordering::SeqCst) };
        let is = before > 0 && request.uri().path().starts_with("/a/");
        is.then(|| {
            tries.fetch_add(1, Ordering::SeqCst);
            (401, r#"{"error": "Unauthorized"}"#.to_owned())
        })
    };
    let session = rig.over(Arc::new(Bent { inner: rig.line(), rule: Box::new(changed) }));
    let told = submit(&session).await.unwrap();
    session.close();
    assert_eq!((told.forms[0].outcome, told.applied), (Some(Outcome::Accepted), 0), "{told:?}");
    assert!(told.note.unwrap().contains("401") && told.refused);
    let (sent, refused) = (sent.load(Ordering::SeqCst), refused.load(Ordering::SeqCst));
    assert_eq!((sent, refused), (1, 1));
    rig.ends_well().await;
}
