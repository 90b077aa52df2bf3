use super::*;

#[test]
fn lines_are_folded_on_a_terminal_only() {
    let line = Line::look("DHIS2 version", "one two three four five six seven eight", "do this and that, then that");
    assert_eq!(
        folded(&line, None),
        [
            "look  DHIS2 version   one two three four five six seven eight",
            "                      -> do this and that, then that"
        ]
    );
    let folded = folded(&line, Some(46));
    assert!(folded.iter().all(|text| width(text) <= 46), "{folded:?}");
    assert_eq!(folded[1], "                      six seven eight");
    assert_eq!(folded[3], "                         then that");
}

#[test]
fn a_refused_sign_in_says_where_its_secret_is_from() {
    let from = |place: &str| Some(place.to_owned());
    let keys = Keys { dhis2_from: from("the keyring"), commcare_from: None, ..Keys::default() };
    let refused = |what| keys.sourced(Line::broken(what, "refused (401)", "Check it.")).remedy;
    assert_eq!(refused("DHIS2 sign-in"), "Check it. It was tried with the secret from the keyring.");
    assert_eq!((refused("HQ sign-in"), refused("DHIS2 units")), ("Check it.".to_owned(), "Check it.".to_owned()));
    let fine = Line::ok("DHIS2 sign-in", "fine");
    assert_eq!(keys.sourced(fine.clone()), fine);
}

#[test]
fn what_is_wrong_here_counts_before_what_is_wrong_there() {
    let (ok, look) = (Line::ok("a", "b"), Line::look("a", "b", "c"));
    let (wrong, broken) = (Line::wrong("a", "b", "c"), Line::broken("a", "b", "c"));
    for (lines, code) in [
        (vec![], 0),
        (vec![ok.clone(), look.clone()], 0),
        (vec![ok, broken.clone()], 1),
        (vec![look, wrong.clone()], 2),
        (vec![broken, wrong], 2),
    ] {
        assert_eq!(exit(&lines).code(), code);
    }
}

#[test]
fn a_keyring_that_was_passed_over_is_said_where_a_secret_is_missing() {
    let config = "[profiles.main.dhis2]\nurl = 'https://d.example.org'\n[profiles.main.commcare]\nurl = 'https://h.example.org'\n\
                  project = 'p'\nusername = 'u'\n";
    let settings = config::load(Path::new("/c/config.toml"), config).unwrap();
    let places = config::Places::find(Some(Path::new("/c/config.toml")), |_| Some("/data".into())).unwrap();
    let (profile, flags) = (settings.profile(None).unwrap().clone(), config::flags(&settings).unwrap());
    let ready = Ready { places, settings, profile, flags };
    let line = |why: Option<Unusable>, typed: Option<()>| {
        let mut lines = Vec::new();
        let words = ("DHIS2 token", "ONSE_DHIS2_TOKEN", "dhis2_token");
        let entry = Entry::dhis2(&ready.profile);
        one(Ok(Err(why)), &entry, || Ok(typed), |()| ("DHIS2 token", ""), words, &ready, &mut lines).unwrap();
        lines.remove(0).sentence
    };
    let missing = "The DHIS2 token is missing, so that server was not asked.";
    let locked = || Some(Unusable::new("it is locked"));
    assert_eq!(line(locked(), None), format!("{missing} The keyring was passed over: it is locked."));
    assert_eq!(line(None, None), missing);
    let mut off = Unusable::new("it is turned off");
    off.off = true;
    assert_eq!(line(Some(off), None), missing, "nobody wanted it");
    assert!(!line(locked(), Some(())).contains("keyring"));
}
