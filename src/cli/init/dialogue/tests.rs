use super::*;
use crate::{cli::init::answers::config, io::config::load, job::check::Line};

fn begun(known: Known) -> Dialogue {
    Dialogue::new(known, None).unwrap()
}

fn say(dialogue: &mut Dialogue, answers: &[&str]) {
    for text in answers {
        dialogue.answer(text).unwrap_or_else(|why| panic!("{text}: {why}"));
    }
}

fn knock(dialogue: &mut Dialogue, side: Side, knock: &Knock) {
    assert_eq!(dialogue.at, At::Do(Task::Knock(side)));
    dialogue.knocked(side, knock);
}

fn fine(dialogue: &mut Dialogue, side: Side) {
    assert_eq!(dialogue.at, At::Do(Task::Check(side)));
    dialogue.checked(side, false, None);
}

fn refused(dialogue: &mut Dialogue, text: &str, why: &str) {
    let before = dialogue.at;
    let said = dialogue.answer(text).unwrap_err();
    assert!(said.contains(why), "{text}: {said}");
    assert_eq!(dialogue.at, before, "the question stays open");
}

/// Everything up to the last check.
fn whole(known: Known) -> Dialogue {
    let mut dialogue = begun(known);
    say(&mut dialogue, &["onse-iss", "PRODUCTION", "dhis2.example.org"]);
    knock(&mut dialogue, Side::Dhis2, &Knock::Answers);
    say(&mut dialogue, &["importer", " pass word "]);
    fine(&mut dialogue, Side::Dhis2);
    say(&mut dialogue, &[""]);
    knock(&mut dialogue, Side::CommCare, &Knock::Answers);
    say(&mut dialogue, &["onse-iss", "me@example.org", " key ", ""]);
    fine(&mut dialogue, Side::CommCare);
    say(&mut dialogue, &[""]);
    assert_eq!(dialogue.at, At::Do(Task::Mapping));
    dialogue.mapped(false);
    dialogue
}

#[test]
fn a_whole_set_up_reads_back_as_answered() {
    let mut dialogue = whole(Known::default());
    assert_eq!(dialogue.at, At::Do(Task::Keyring));
    dialogue.keyring(Ok(()));
    assert!(dialogue.question().unwrap().text.contains("k the keyring"));
    say(&mut dialogue, &[""]);
    assert_eq!(dialogue.answers.place, Place::Keyring);
    say(&mut dialogue, &["y"]);
    assert_eq!(dialogue.at, At::Do(Task::Keep));
    let text = config(None, None, &dialogue.answers);
    let settings = load(std::path::Path::new("/c/config.toml"), &text).unwrap();
    let profile = settings.profile(None).unwrap();
    assert_eq!((profile.name.as_str(), profile.label.as_str()), ("onse-iss", "PRODUCTION"));
    assert_eq!(profile.dhis2.url.as_str(), "https://dhis2.example.org/");
    assert_eq!(profile.commcare.url.as_str(), "https://www.commcarehq.org/");
    assert_eq!(profile, &dialogue.answers.profile().unwrap());
    // A space may belong to a password, and never to a key.
    let table = dialogue.answers.secrets(true).unwrap();
    assert_eq!(table, "[onse-iss]\ndhis2_password = \" pass word \"\ncommcare_api_key = \"key\"\n");
    let hidden = dialogue.answers.secrets(false).unwrap() + &text + &format!("{:?}", dialogue.answers);
    assert!(!hidden.contains("pass word") && !hidden.contains("\"key\""), "{hidden}");
}

#[test]
fn x05_without_a_keyring_a_file_is_never_the_usual_answer() {
    let mut dialogue = whole(Known::default());
    dialogue.keyring(Err(&Unusable::new("it is locked")));
    let question = dialogue.question().unwrap();
    assert!(question.text.contains("it is locked") && question.usual == "n", "{question:?}");
    refused(&mut dialogue, "k", "it is locked");
    say(&mut dialogue, &[""]);
    assert_eq!(dialogue.answers.place, Place::Nowhere);
    // One that says no only when something is to be kept leads back to the question, with nothing written.
    let mut late = whole(Known::default());
    late.keyring(Ok(()));
    say(&mut late, &["k", "y"]);
    late.keyring(Err(&Unusable::new("it did not answer within 20 s")));
    assert_eq!((late.at, late.question().unwrap().usual.as_str()), (At::Ask(Part::Place), "n"));
    say(&mut late, &["f"]);
    assert_eq!((late.at, late.answers.place), (At::Ask(Part::Write), Place::File));
    // A file that cannot be added to is not offered.
    let mut closed = whole(Known { closed: Some("Others can get at it.".into()), ..Known::default() });
    closed.keyring(Ok(()));
    assert!(!closed.question().unwrap().text.contains("f a file"));
    refused(&mut closed, "f", "Others can get at it.");
}

#[test]
fn x08_a_file_in_a_repository_is_called_that_before_it_is_chosen() {
    let mut dialogue = whole(Known { repository: Some("/work".into()), ..Known::default() });
    dialogue.keyring(Ok(()));
    assert!(dialogue.question().unwrap().text.contains("inside a repository"));
}

#[test]
fn the_name_of_a_profile_that_is_there_leads_to_new_secrets_or_back() {
    let known = || Known { names: vec!["old".into()], profiles: vec!["old".into()], ..Known::default() };
    let mut dialogue = Dialogue::new(known(), Some("old")).unwrap();
    assert!(dialogue.question().unwrap().text.contains("There is a profile old already"));
    refused(&mut dialogue, "perhaps", "y or n");
    say(&mut dialogue, &[""]);
    assert_eq!(dialogue.at, At::Ask(Part::Name), "enter alone gives nothing anew");
    say(&mut dialogue, &["old", "y"]);
    assert_eq!((dialogue.at, dialogue.answers.name.as_str()), (At::Renew, "old"));
}

#[test]
fn answers_are_checked_at_once() {
    let mut dialogue = begun(Known { names: vec!["old".into()], ..Known::default() });
    refused(&mut dialogue, "old", "already");
    refused(&mut dialogue, "a b", "letters");
    assert!(Dialogue::new(Known { names: vec!["old".into()], ..Known::default() }, Some("old")).is_err());
    say(&mut dialogue, &["new", "-"]);
    assert_eq!(dialogue.answers.label, "");
    refused(&mut dialogue, "", "An answer is needed");
    for (url, why) in [
        ("https://me:pw@h.org", "user name or a password"),
        ("ftp://h.org", "https://"),
        ("https://h.org/?a=b", "before any"),
        ("https://", "not a web address"),
    ] {
        refused(&mut dialogue, url, why);
    }
    say(&mut dialogue, &["h.org"]);
    knock(&mut dialogue, Side::Dhis2, &Knock::Answers);
    refused(&mut dialogue, "a:b", "colon");
    say(&mut dialogue, &["u", ""]);
    assert_eq!(dialogue.at, At::Ask(Part::Url(Side::CommCare)), "without a secret nothing is checked");
    say(&mut dialogue, &[""]);
    knock(&mut dialogue, Side::CommCare, &Knock::Answers);
    refused(&mut dialogue, "a/b", "project space");
}

#[test]
fn http_beyond_this_machine_is_asked_about() {
    let mut dialogue = begun(Known::default());
    say(&mut dialogue, &["p", "", "http://127.0.0.1:8080/dhis"]);
    knock(&mut dialogue, Side::Dhis2, &Knock::Silent(Line::broken("a", "b", "")));
    say(&mut dialogue, &["a", "http://h.org"]);
    assert_eq!(dialogue.at, At::Ask(Part::Http(Side::Dhis2)));
    refused(&mut dialogue, "perhaps", "y or n");
    say(&mut dialogue, &[""]);
    assert_eq!((dialogue.at, dialogue.answers.dhis2.allow_http), (At::Ask(Part::Url(Side::Dhis2)), false));
    say(&mut dialogue, &["http://h.org", "y"]);
    knock(&mut dialogue, Side::Dhis2, &Knock::Answers);
    assert!(dialogue.answers.tables().contains("allow_http = true"));
    // Another address begins anew.
    say(&mut dialogue, &["u", "x"]);
    dialogue.checked(Side::Dhis2, true, None);
    say(&mut dialogue, &["a", "https://h.org"]);
    assert!(!dialogue.answers.tables().contains("allow_http"));
}

#[test]
fn a_private_authority_is_asked_for_where_it_is_one() {
    let mut dialogue = begun(Known { folder: "/here".into(), ..Known::default() });
    say(&mut dialogue, &["p", "", "https://h.org"]);
    let stranger = Knock::Stranger(Line::broken("a", "b", ""));
    knock(&mut dialogue, Side::Dhis2, &stranger);
    say(&mut dialogue, &["own.pem"]);
    assert_eq!(dialogue.answers.dhis2.ca_file, Some("/here/own.pem".into()));
    knock(&mut dialogue, Side::Dhis2, &stranger);
    say(&mut dialogue, &["-"]);
    assert_eq!(dialogue.at, At::Ask(Part::Trouble(Trouble::Way(Side::Dhis2))));
    refused(&mut dialogue, "x", "letters");
    say(&mut dialogue, &["k"]);
    assert!(dialogue.answers.dhis2.unchecked);
    say(&mut dialogue, &["u", "x"]);
    assert_eq!(dialogue.at, At::Ask(Part::Url(Side::CommCare)), "what does not answer is not asked further");
}

#[test]
fn the_spelling_that_answers_is_taken_once() {
    let mut dialogue = begun(Known::default());
    say(&mut dialogue, &["p", "", "https://h.org/gate/"]);
    knock(&mut dialogue, Side::Dhis2, &Knock::Answers);
    say(&mut dialogue, &["-", "d2p_x"]);
    let other = || Some(Spelling { url: "https://h.org/gate/".parse().unwrap(), api_root: true });
    assert!(dialogue.turns());
    dialogue.checked(Side::Dhis2, true, other());
    assert!(!dialogue.turns(), "the next such answer is told as any other");
    assert_eq!((dialogue.at, dialogue.answers.api_root), (At::Do(Task::Check(Side::Dhis2)), true));
    dialogue.checked(Side::Dhis2, true, other());
    assert_eq!(dialogue.at, At::Ask(Part::Trouble(Trouble::Server(Side::Dhis2))));
    assert!(dialogue.answers.tables().contains("api_root = true"));
    assert!(dialogue.answers.secrets(true).unwrap().contains("dhis2_token = "));
}

#[test]
fn a_side_that_refused_the_sign_in_is_not_asked_again_with_the_mapping() {
    let mut dialogue = whole(Known::default());
    dialogue.signed_in(Side::Dhis2, false);
    assert!(!dialogue.asks(Side::Dhis2) && dialogue.asks(Side::CommCare));
    dialogue.signed_in(Side::Dhis2, true);
    assert!(dialogue.asks(Side::Dhis2));
}

#[test]
fn a_secret_is_forgotten_only_with_a_user_name_that_is_taken() {
    let mut dialogue = whole(Known::default());
    dialogue.checked(Side::Dhis2, true, None);
    say(&mut dialogue, &["u"]);
    refused(&mut dialogue, "a:b", "colon");
    assert!(dialogue.dhis2_secret().is_some());
    say(&mut dialogue, &["-"]);
    assert!(dialogue.dhis2_secret().is_none());
    let mut token = begun(Known::default());
    say(&mut token, &["p", "", "h.org"]);
    knock(&mut token, Side::Dhis2, &Knock::Answers);
    say(&mut token, &["-", "d2p_x"]);
    token.checked(Side::Dhis2, true, None);
    say(&mut token, &["u"]);
    refused(&mut token, "a:b", "colon");
    assert!(token.dhis2_secret().is_some());
}

#[test]
fn the_mapping_named_by_the_flag_is_the_usual_answer() {
    let mut dialogue = whole(Known { mapping: Some("own.csv".into()), folder: "/here".into(), ..Known::default() });
    assert_eq!(dialogue.answers.mapping, Map::File("/here/own.csv".into()), "enter took it");
    dialogue.mapped(true);
    say(&mut dialogue, &["m"]);
    let question = dialogue.question().unwrap();
    assert!(question.usual == "own.csv" && question.text.contains("case_property_map.csv"), "{question:?}");
}

#[test]
fn each_trouble_leads_to_the_answer_that_is_mended() {
    let mut dialogue = whole(Known::default());
    let url = |side| At::Ask(Part::Url(side));
    for (side, text, at) in [
        (Side::Dhis2, "a", url(Side::Dhis2)),
        (Side::Dhis2, "u", At::Ask(Part::User(Side::Dhis2))),
        (Side::Dhis2, "s", At::Ask(Part::Secret(Side::Dhis2))),
        (Side::Dhis2, "r", At::Do(Task::Check(Side::Dhis2))),
        (Side::Dhis2, "k", url(Side::CommCare)),
        (Side::CommCare, "a", url(Side::CommCare)),
        (Side::CommCare, "p", At::Ask(Part::Project)),
        (Side::CommCare, "u", At::Ask(Part::User(Side::CommCare))),
        (Side::CommCare, "s", At::Ask(Part::Secret(Side::CommCare))),
        (Side::CommCare, "t", At::Ask(Part::CaseType)),
        (Side::CommCare, "r", At::Do(Task::Check(Side::CommCare))),
        (Side::CommCare, "k", At::Ask(Part::Mapping)),
    ] {
        dialogue.checked(side, true, None);
        say(&mut dialogue, &[text]);
        assert_eq!(dialogue.at, at, "{text}");
    }
    // What was answered before is what enter takes.
    dialogue.checked(Side::CommCare, true, None);
    say(&mut dialogue, &["p"]);
    assert_eq!(dialogue.question().unwrap().usual, "onse-iss");
    say(&mut dialogue, &["", "", "", ""]);
    assert_eq!(dialogue.at, At::Do(Task::Check(Side::CommCare)));
    assert!(dialogue.hq_secret().is_some());
    dialogue.mapped(true);
    say(&mut dialogue, &["m", "/maps/own.csv"]);
    assert!(dialogue.answers.tables().contains("mapping = \"/maps/own.csv\""));
    dialogue.mapped(true);
    say(&mut dialogue, &["k"]);
    assert_eq!(dialogue.at, At::Do(Task::Keyring));
}

#[test]
fn what_the_environment_gives_is_not_asked_and_not_kept() {
    let known = Known {
        dhis2: Some(Dhis2Secret::Password(Secret::new("env"))),
        hq: Some(CommCareSecret::ApiKey(Secret::new("env"))),
        ..Known::default()
    };
    let mut dialogue = begun(known);
    say(&mut dialogue, &["p", "", "h.org"]);
    knock(&mut dialogue, Side::Dhis2, &Knock::Answers);
    refused(&mut dialogue, "-", "a password needs its user");
    say(&mut dialogue, &["u"]);
    dialogue.checked(Side::Dhis2, true, None);
    refused(&mut dialogue, "s", "environment");
    say(&mut dialogue, &["r"]);
    fine(&mut dialogue, Side::Dhis2);
    say(&mut dialogue, &[""]);
    knock(&mut dialogue, Side::CommCare, &Knock::Answers);
    say(&mut dialogue, &["p", "u", ""]);
    fine(&mut dialogue, Side::CommCare);
    say(&mut dialogue, &[""]);
    dialogue.mapped(false);
    assert_eq!(dialogue.at, At::Ask(Part::Write), "nothing is to be kept");
    say(&mut dialogue, &[""]);
    assert_eq!(dialogue.at, At::Declined);
}

#[test]
fn a_profile_that_is_there_may_have_any_name() {
    for name in ["my site", "\u{e9}t\u{e9} \"2\" \\", "a.b", "it's"] {
        let known = Known { names: vec![name.into()], profiles: vec![name.into()], ..Known::default() };
        let mut dialogue = Dialogue::new(known, Some(name)).unwrap();
        assert!(dialogue.question().unwrap().text.contains(&format!("There is a profile {name} already")));
        say(&mut dialogue, &["y"]);
        assert_eq!((dialogue.at, dialogue.answers.name.as_str()), (At::Renew, name));
    }
    refused(&mut begun(Known::default()), "my site", "letters, digits");
}

#[test]
fn the_greeting_tells_of_the_profile_that_was_named() {
    let said = |profiles: &[&str], name: Option<&str>, there| {
        let profiles: Vec<String> = profiles.iter().map(|name| (*name).to_owned()).collect();
        let known = Known { names: profiles.clone(), profiles, ..Known::default() };
        let said = Dialogue::new(known, name).unwrap().greeting(std::path::Path::new("c.toml"), there);
        said.split_once(". Nothing is written before").unwrap().0.to_owned()
    };
    assert_eq!(said(&[], Some("main"), false), "This writes c.toml");
    assert_eq!(said(&[], None, true), "This adds a profile to c.toml");
    assert_eq!(said(&["main"], Some("new"), true), "This adds a profile to c.toml");
    assert_eq!(said(&["main"], None, true), "This adds a profile to c.toml, or gives one its secrets anew");
    let named = "This gives profile main of c.toml its secrets anew, or adds another profile";
    assert_eq!(said(&["main"], Some("main"), true), named);
}
