//! Settings: the documented example, and for every mistake the file, the line and the nearest valid name.
#![expect(clippy::unwrap_used, reason = "a helper of a test fails the test")]

use std::ffi::OsString;
use std::path::{Path, PathBuf};

use onse::domain::flags::Limits;
use onse::io::config::{
    FlagSettings, LookSettings, Places, Settings, SettingsError, Theme, flags, keys, load, mapping, open, wanted,
};

/// The example of the documentation.
const EXAMPLE: &str = r#"default_profile = "onse-iss"

[profiles.onse-iss]
mapping       = "case_property_map.csv"   # relative to this file, or absolute
case_type     = "facility_supervision"
label         = "PRODUCTION"              # shown wherever something can be written
chunk_size    = 1000                      # case blocks per form, 1 to 1000
form_xmlns    = "http://commcarehq.org/dhis2-import"
stamp_property = "dhis2_last_imported"    # optional: set to the date of submission on every submitted case; the question shows it
submit_user_id = ""                       # optional: the CommCare user id written into the form, so that HQ shows who did it
stale_after_days = 14                     # an older review is read again before it can be submitted

[profiles.onse-iss.dhis2]
url      = "https://dhis2.example.org/service/dhis2core/api/v0/"
api_root = true                           # true: url already is the API root, nothing is appended
username = "importer"                     # with a password; or leave out and use a token

[profiles.onse-iss.commcare]
url      = "https://www.commcarehq.org"
project  = "onse-iss"
username = "me@example.org"

[keys]        # overrides of the key table
[flags]       # overrides of flag thresholds
"#;

/// The least a profile needs, with line 2 free for a test.
const LEAST: &str = r#"[profiles.malawi]

[profiles.malawi.dhis2]
url = "https://dhis2.example.org"

[profiles.malawi.commcare]
url = "https://www.commcarehq.org"
project = "onse-iss"
username = "me@example.org"
"#;

fn read(text: &str) -> Result<Settings, SettingsError> {
    load(Path::new("/etc/onse/config.toml"), text)
}

fn refused(text: &str) -> String {
    read(text).unwrap_err().to_string()
}

/// What is said when the second line of a profile is this.
fn line_2(line: &str) -> String {
    refused(&LEAST.replacen('\n', &format!("\n{line}"), 1))
}

/// What is said when `from` stands as `to`.
fn changed(from: &str, to: &str) -> String {
    assert!(LEAST.contains(from), "{from}");
    refused(&LEAST.replacen(from, to, 1))
}

#[test]
fn the_documented_example_is_read_whole() {
    let settings = read(EXAMPLE).unwrap();
    assert_eq!(settings.default_profile.as_deref(), Some("onse-iss"));
    assert!(settings.keys.is_empty() && settings.flags.is_empty());
    let profile = settings.profile(None).unwrap();
    assert_eq!(profile.name, "onse-iss");
    assert_eq!(profile.mapping.as_deref(), Some(Path::new("/etc/onse/case_property_map.csv")));
    assert_eq!((profile.case_type.as_str(), profile.label.as_str()), ("facility_supervision", "PRODUCTION"));
    assert_eq!((profile.chunk_size, profile.stale_after_days), (1000, 14));
    assert_eq!(profile.form_xmlns, "http://commcarehq.org/dhis2-import");
    assert_eq!(profile.stamp_property.as_deref(), Some("dhis2_last_imported"));
    assert_eq!(profile.submit_user_id, None);
    assert_eq!(profile.dhis2.url.as_str(), "https://dhis2.example.org/service/dhis2core/api/v0/");
    assert!(profile.dhis2.api_root && !profile.dhis2.allow_http);
    assert_eq!(profile.dhis2.username.as_deref(), Some("importer"));
    assert_eq!(profile.commcare.url.as_str(), "https://www.commcarehq.org/");
    assert_eq!((profile.commcare.project.as_str(), profile.commcare.username.as_str()), ("onse-iss", "me@example.org"));
    assert_eq!((&profile.dhis2.ca_file, &profile.commcare.ca_file), (&None, &None));
}

#[test]
fn what_is_left_out_has_the_documented_default() {
    let settings = read(LEAST).unwrap();
    let profile = settings.profile(None).unwrap();
    assert_eq!(profile.case_type, "facility_supervision");
    assert_eq!((profile.chunk_size, profile.stale_after_days), (1000, 14));
    assert_eq!(profile.form_xmlns, "http://commcarehq.org/dhis2-import");
    assert_eq!((&profile.mapping, &profile.stamp_property, &profile.submit_user_id), (&None, &None, &None));
    assert_eq!((profile.dhis2.api_root, &profile.dhis2.username), (false, &None));
    assert_eq!(profile.label, "");
    assert_eq!(read("").unwrap().profiles.len(), 0);
}

#[test]
fn an_unknown_key_is_named_with_its_line_and_the_nearest() {
    let profile_keys = "mapping, case_type, label, chunk_size, form_xmlns, stamp_property, submit_user_id, \
                        stale_after_days, notify, dhis2, commcare";
    assert_eq!(
        line_2("maping = \"a.csv\""),
        format!(
            "/etc/onse/config.toml:2: There is no key in [profiles.malawi] named \"maping\". Perhaps \"mapping\" is \
             meant. Known: {profile_keys}."
        )
    );
    assert!(
        line_2("sparkle = 1").contains(":2: There is no key in [profiles.malawi] named \"sparkle\". Known: mapping,")
    );
    assert!(changed("project =", "projct =").contains(":8: "), "line of the misspelt key");
    let top = refused("defaultprofile = \"x\"\n");
    assert!(
        top.contains(":1: There is no key named \"defaultprofile\". Perhaps \"default_profile\" is meant."),
        "{top}"
    );
}

#[test]
fn a_wrong_type_is_named_with_its_line() {
    for (line, said) in [
        ("chunk_size = \"1000\"", ":2: chunk_size must be a whole number from 1 to 1000; this is of type string."),
        ("chunk_size = 10.5", ":2: chunk_size must be a whole number from 1 to 1000; this is of type float."),
        ("mapping = 7", ":2: mapping must be text in quotes; this is of type integer."),
        (
            "stale_after_days = true",
            ":2: stale_after_days must be a whole number from 0 to 3650; this is of type boolean.",
        ),
        ("label = [\"a\"]", ":2: label must be text in quotes; this is of type array."),
    ] {
        let text = line_2(line);
        assert!(text.ends_with(said), "{text}");
    }
    assert!(
        changed("url = \"https://dhis2", "allow_http = 1\nurl = \"https://dhis2")
            .contains(":4: allow_http must be true or false")
    );
    assert!(refused("profiles = 3").contains(":1: profiles must be a table; this is of type integer."));
    assert!(refused("[profiles]\nx = 3").contains(":2: x must be a table; this is of type integer."));
}

#[test]
fn a_bad_value_is_named_with_its_line() {
    for (line, said) in [
        ("chunk_size = 0", ":2: chunk_size must be a whole number from 1 to 1000, not 0."),
        ("chunk_size = 1001", ":2: chunk_size must be a whole number from 1 to 1000, not 1001."),
        ("chunk_size = -5", ":2: chunk_size must be a whole number from 1 to 1000, not -5."),
        (
            "chunk_size = 99999999999999999999",
            ":2: chunk_size must be a whole number from 1 to 1000, not 99999999999999999999.",
        ),
        ("case_type = \"\"", ":2: case_type is empty."),
        ("form_xmlns = \" http://x\"", ":2: form_xmlns has spaces around it."),
        ("submit_user_id = \"a\\u0007\"", ":2: submit_user_id holds a control character."),
        ("mapping = \"\"", ":2: mapping is empty."),
    ] {
        let text = line_2(line);
        assert!(text.ends_with(said), "{text}");
    }
    assert!(
        line_2("stamp_property = \"owner_id\"").contains(":2: stamp_property \"owner_id\" cannot be a case property")
    );
    assert!(
        changed("\"onse-iss\"", "\"a/../b\"").contains(":8: project \"a/../b\" is not the name of a project space.")
    );
    assert!(changed("\"me@example.org\"", "\"me:you\"").contains(":9: username holds a colon"));
}

#[test]
fn what_must_be_there_is_asked_for_where_it_belongs() {
    assert_eq!(
        changed("project = \"onse-iss\"\n", ""),
        "/etc/onse/config.toml:6: project is missing in [profiles.malawi.commcare]."
    );
    assert_eq!(
        refused("\n[profiles.a]\nlabel = \"x\"\n"),
        "/etc/onse/config.toml:2: The table [profiles.a.dhis2] is missing.\n\
         /etc/onse/config.toml:2: The table [profiles.a.commcare] is missing."
    );
}

#[test]
fn everything_wrong_is_told_at_once_in_the_order_of_the_lines() {
    let text = "default_profile = \"malavi\"\nflag = 1\n".to_owned()
        + &LEAST.replacen('\n', "\nlable = \"x\"\nchunk_size = 0\n", 1).replace("https://dhis2", "http://dhis2");
    let found: Vec<u64> = read(&text).unwrap_err().wrong.iter().filter_map(|wrong| wrong.line).collect();
    assert_eq!(found, [1, 2, 4, 5, 8]);
    assert!(refused(&text).contains(":1: There is no profile \"malavi\". Perhaps \"malawi\" is meant. Known: malawi."));
}

#[test]
fn a_syntax_error_has_its_line() {
    assert!(
        refused("default_profile = \"a\"\nlabel = = 3\n")
            .starts_with("/etc/onse/config.toml:2: This is not valid TOML")
    );
    assert!(refused("a = 1\na = 2\n").starts_with("/etc/onse/config.toml:2: This is not valid TOML: duplicate key"));
}

#[test]
fn http_is_for_this_machine_or_when_allowed() {
    for url in ["http://localhost:8080/dhis", "http://127.0.0.1:1", "http://127.9.9.9/", "http://[::1]:80"] {
        assert!(read(&LEAST.replace("https://dhis2.example.org", url)).is_ok(), "{url}");
    }
    for url in ["http://dhis2.example.org", "http://localhost.example.org", "http://128.0.0.1", "HTTP://10.0.0.1"] {
        assert!(changed("https://dhis2.example.org", url).contains(":4: url starts with http://"), "{url}");
    }
    let allowed = LEAST.replace("url = \"https://dhis2.example.org\"", "url = \"http://10.0.0.1\"\nallow_http = true");
    assert!(read(&allowed).unwrap().profiles["malawi"].dhis2.allow_http);
    let other_side = LEAST.replace("https://www.commcarehq.org\"", "http://hq.example.org\"");
    assert!(refused(&other_side).contains(":7: url starts with http://"));
    let not_beside = allowed.replace("https://www.commcarehq.org\"", "http://hq.example.org\"");
    assert!(refused(&not_beside).contains(":8: url starts with http://"), "allowed for one side only");
}

#[test]
fn an_address_with_a_secret_is_refused_and_not_repeated() {
    for url in [
        "https://importer:MARKED@dhis2.example.org",
        "https://MARKED@dhis2.example.org",
        "https://dhis2.example.org/?token=MARKED",
        "https://dhis2.example.org/#MARKED",
        "https://importer:MARKED@dhis2.example.org:999999",
        "importer:MARKED@dhis2.example.org",
    ] {
        let text = changed("https://dhis2.example.org", url);
        assert!(text.contains(":4: url ") && !text.contains("MARKED"), "{text}");
    }
    assert!(
        changed("https://dhis2.example.org", "dhis2.example.org")
            .contains(":4: url \"dhis2.example.org\" is not a web address")
    );
    assert!(
        changed("https://dhis2.example.org", "ftp://dhis2.example.org").contains(":4: url must start with https://.")
    );
}

#[test]
fn a_secret_among_the_settings_is_refused_and_not_repeated() {
    for key in ["dhis2_password", "api_key", "token", "Password"] {
        let text = line_2(&format!("{key} = \"MARKED\""));
        assert!(text.contains(":2: The key ") && text.contains("secrets do not stand here"), "{text}");
        assert!(!text.contains("MARKED"), "{text}");
    }
}

#[test]
fn a_profile_is_the_asked_one_or_the_default_or_the_only_one() {
    let two = EXAMPLE.to_owned() + LEAST;
    let settings = read(&two).unwrap();
    assert_eq!(settings.profile(Some("malawi")).unwrap().name, "malawi");
    assert_eq!(settings.profile(None).unwrap().name, "onse-iss");
    assert_eq!(read(LEAST).unwrap().profile(None).unwrap().name, "malawi");
    let asked = settings.profile(Some("malavi")).unwrap_err().to_string();
    assert_eq!(
        asked,
        "/etc/onse/config.toml: There is no profile \"malavi\". Perhaps \"malawi\" is meant. Known: malawi, onse-iss."
    );
    let unclear = read(&two.replacen("default_profile = \"onse-iss\"", "", 1)).unwrap();
    assert!(unclear.profile(None).unwrap_err().to_string().contains("There are: malawi, onse-iss."));
    assert!(read("").unwrap().profile(None).unwrap_err().to_string().contains("onse init asks for one and adds it"));
}

#[test]
fn overrides_are_kept_with_their_lines() {
    let settings = read("[keys]\napprove = [\"a\", \"enter\"]\n\n[flags]\nT2 = { factor = 3.5 }\n").unwrap();
    assert_eq!(settings.keys["approve"].line, 2);
    assert_eq!(settings.keys["approve"].value[1].as_str(), Some("enter"));
    assert_eq!(settings.flags["T2"].line, 5);
    assert_eq!(settings.flags["T2"].value["factor"].as_float(), Some(3.5));
}

/// What `[flags]` with these lines says; the first of them is line 2.
fn flagged(lines: &str) -> Result<FlagSettings, Vec<String>> {
    let said = flags(&read(&format!("[flags]\n{lines}\n")).unwrap());
    said.map_err(|error| error.to_string().lines().map(str::to_owned).collect())
}

#[test]
fn thresholds_and_relations_of_flags_are_read_with_their_lines() {
    let found = flagged("t1_away = 8\nrelations = [\"cured <= started\",\n  \"a = b + c\"]\nt2_away = 2.5\n");
    let found = found.unwrap();
    let mut expected = Limits::default();
    expected.set("t1_away", 8.0).unwrap();
    expected.set("t2_away", 2.5).unwrap();
    assert_eq!(format!("{:?}", found.limits), format!("{expected:?}"));
    let relations: Vec<String> = found.relations.iter().map(|(line, rule)| format!("{line}: {rule}")).collect();
    assert_eq!(relations, ["3: cured <= started", "4: a = b + c"]);
    assert_eq!(found.file, Path::new("/etc/onse/config.toml"));
    let none = flags(&read(LEAST).unwrap()).unwrap();
    assert_eq!(format!("{:?}", none.limits), format!("{:?}", Limits::default()));
    assert!(none.relations.is_empty() && flagged("relations = []").unwrap().relations.is_empty());
}

#[test]
fn what_is_wrong_in_flags_is_told_at_once_with_lines_and_rules() {
    let told = flagged(
        "t2_away = 1000\nt1_awa = 7\nrelations = [\n  \"cured < started\",\n  \"a <= b\",\n  7,\n]\n\
         t1_away = \"six\"\nT2 = { factor = 3.5 }",
    )
    .unwrap_err();
    let expected: [(&str, &[&str]); 6] = [
        ("2: ", &["t2_away", "T2", "50"]),
        ("3: ", &["t1_awa", "Perhaps \"t1_away\" is meant"]),
        ("5: ", &["S20", "Only <=, >= and = are known"]),
        ("7: ", &["S20", "list of texts", "type integer"]),
        ("9: ", &["t1_away", "T1", "50", "type string"]),
        ("10: ", &["no threshold \"T2\"", "type table"]),
    ];
    assert_eq!(told.len(), expected.len(), "{told:?}");
    for (told, (line, parts)) in told.iter().zip(expected) {
        assert!(told.starts_with(&format!("/etc/onse/config.toml:{line}")), "{told}");
        assert!(parts.iter().all(|part| told.contains(part)), "{told}");
    }
}

#[test]
fn values_of_flags_that_are_none_are_refused() {
    for (lines, parts) in [
        ("relations = \"a <= b\"", ["S20", "of type string"]),
        ("relation = [\"a <= b\"]", ["no relation.", "Perhaps relations is meant"]),
        ("t1_away = nan", ["T1", "number"]),
        ("t1_away = inf", ["T1", "number"]),
        ("t1_away = -6", ["T1", "50"]),
        ("t1_away = 9223372036854775807", ["T1", "50"]),
        ("t1_away = true", ["T1", "type boolean"]),
    ] {
        let told = flagged(lines).unwrap_err();
        assert_eq!(told.len(), 1, "{told:?}");
        assert!(told[0].starts_with("/etc/onse/config.toml:2: "), "{told:?}");
        assert!(parts.iter().all(|part| told[0].contains(part)), "{told:?}");
    }
}

#[test]
fn thresholds_that_contradict_each_other_are_told_at_the_last_of_them() {
    let told = flagged("t1_away = 3\n# between\nt2_away = 4").unwrap_err();
    assert!(told[0].starts_with("/etc/onse/config.toml:4: ") && told[0].contains("must not be above"), "{told:?}");
    let told = flagged("t1_away = 3").unwrap_err();
    assert!(told[0].starts_with("/etc/onse/config.toml:2: "), "{told:?}");
}

fn env<'a>(set: &'a [(&'a str, &'a str)]) -> impl Fn(&str) -> Option<OsString> + 'a {
    |name| set.iter().find(|(known, _)| *known == name).map(|(_, value)| OsString::from(value))
}

#[test]
fn the_flag_wins_over_the_environment_and_secrets_lie_beside_the_settings() {
    let set = [("ONSE_CONFIG", "/a/settings.toml"), ("ONSE_DATA_DIR", "/data")];
    let places = Places::find(None, env(&set)).unwrap();
    assert_eq!(
        places,
        Places {
            config: PathBuf::from("/a/settings.toml"),
            config_named: true,
            secrets: PathBuf::from("/a/secrets.toml"),
            data: PathBuf::from("/data"),
        }
    );
    let places = Places::find(Some(Path::new("/b/c.toml")), env(&set)).unwrap();
    assert_eq!((places.config, places.secrets), (PathBuf::from("/b/c.toml"), PathBuf::from("/b/secrets.toml")));
    let named = |flag, set: &[(&str, &str)]| wanted(flag, "ONSE_PROFILE", env(set)).unwrap();
    assert_eq!(named(None, &[("ONSE_PROFILE", "b")]).as_deref(), Some("b"));
    assert_eq!(named(Some("a"), &[("ONSE_PROFILE", "b")]).as_deref(), Some("a"));
    assert_eq!(named(None, &[("ONSE_PROFILE", "")]), None);
}

#[test]
fn settings_nobody_named_may_be_absent_and_named_ones_may_not() {
    let folder = tempfile::tempdir().unwrap();
    let config = folder.path().join("config.toml");
    let mut places = Places::find(Some(&config), env(&[("ONSE_DATA_DIR", "/data")])).unwrap();
    let absent = open(&places).unwrap_err().to_string();
    assert_eq!(
        absent,
        format!("{}: It cannot be read: there is no such file. onse init writes one.", config.display())
    );
    places.config_named = false;
    assert_eq!(open(&places).unwrap(), None);
    std::fs::write(&config, LEAST).unwrap();
    assert_eq!(open(&places).unwrap().unwrap().file, config);
    std::fs::write(&config, b"\n\nlabel = \"caf\xE9\"").unwrap();
    assert!(open(&places).unwrap_err().to_string().contains("config.toml:3: The file must be UTF-8"));
}

#[test]
fn the_mapping_is_the_flag_the_profile_the_folder_or_the_built_in_one() {
    const HEAD: &str = "case_property,data_element_id,data_set_id,dhis2_name\n";
    let folder = tempfile::tempdir().unwrap();
    let path = |name: &str| folder.path().join(name);
    let write = |name: &str, property: &str| {
        std::fs::write(path(name), format!("{HEAD}{property},asCqjKclllu,q1Es3k3sZem,Beds\n")).unwrap();
    };
    let built_in = mapping(None, None, folder.path()).unwrap();
    assert_eq!((built_in.label.as_str(), built_in.file, built_in.mapping.rows.len()), ("built-in", None, 21));
    write("case_property_map.csv", "here");
    write("profile.csv", "profile");
    write("flag.csv", "flag");
    let text = LEAST.replacen('\n', "\nmapping = \"profile.csv\"\n", 1);
    let settings = load(&path("config.toml"), &text).unwrap();
    let profile = settings.profile(None).unwrap();
    let flag = path("flag.csv");
    for (given, property, name) in [
        ((None, None), "here", "case_property_map.csv"),
        ((None, Some(profile)), "profile", "profile.csv"),
        ((Some(flag.as_path()), Some(profile)), "flag", "flag.csv"),
    ] {
        let used = mapping(given.0, given.1, folder.path()).unwrap();
        assert_eq!(used.mapping.rows[0].property, property);
        assert_eq!((used.label, used.file), (path(name).display().to_string(), Some(path(name))));
    }
    std::fs::remove_file(path("profile.csv")).unwrap();
    let absent = mapping(None, Some(profile), folder.path()).unwrap_err().to_string();
    assert!(absent.ends_with("there is no such file. It is named by mapping of profile malawi."), "{absent}");
    std::fs::write(path("case_property_map.csv"), "a;b\n").unwrap();
    let bad = mapping(None, None, folder.path()).unwrap_err().to_string();
    assert!(bad.contains("case_property_map.csv:1: Missing: case_property,"), "never the built-in one instead: {bad}");
    assert!(mapping(Some(folder.path()), None, folder.path()).unwrap_err().to_string().contains("folder"));
}

proptest::proptest! {
    #[test]
    fn any_text_is_read_or_refused_with_a_reason(text in "(\\[profiles\\.a(\\.dhis2)?\\]\n|[a-z_]{1,9} = [\"0-9a-z\\[\\]{}.-]{0,9}\n|\\PC{0,9}\n){0,9}") {
        if let Err(error) = read(&text) {
            proptest::prop_assert!(!error.wrong.is_empty());
        }
    }
}

#[test]
fn the_look_is_read_and_what_is_wrong_with_it_has_its_line() {
    let usual = read(LEAST).unwrap().look;
    assert_eq!(usual, LookSettings { theme: Theme::Default, ascii: None, mouse: true });
    let set = read("theme = \"contrast\"\nascii = true\nmouse = false\n").unwrap().look;
    assert_eq!(set, LookSettings { theme: Theme::Contrast, ascii: Some(true), mouse: false });
    assert_eq!(read("theme = \"mono\"\nascii = false\n").unwrap().look.ascii, Some(false));
    for (text, said) in [
        (
            "\ntheme = \"contrst\"\n",
            ":2: There is no theme \"contrst\". Perhaps \"contrast\" is meant. Known: default, contrast, mono.",
        ),
        ("theme = 1\n", ":1: theme must be text in quotes; this is of type integer."),
        ("\n\nascii = \"yes\"\n", ":3: ascii must be true or false; this is of type string."),
        ("mouse = 0\n", ":1: mouse must be true or false; this is of type integer."),
        ("them = \"mono\"\n", ":1: There is no key named \"them\". Perhaps \"theme\" is meant."),
    ] {
        let what = refused(text);
        assert!(what.contains(said), "{what}");
    }
}

#[test]
fn keys_are_texts_or_lists_of_them_each_with_its_line() {
    let text = "[keys]\nundo = [\n  \"u\",\n  \"backspace\",\n]\nfilter = \"F\"\nnote = []\n";
    let (found, wrong) = keys(&read(text).unwrap());
    assert!(wrong.is_empty());
    let found: Vec<_> = found.iter().map(|key| (key.name.as_str(), key.line, key.keys.clone())).collect();
    assert_eq!(
        found,
        [
            ("filter", 6, vec![(6, "F".to_owned())]),
            ("note", 7, Vec::new()),
            ("undo", 2, vec![(3, "u".to_owned()), (4, "backspace".to_owned())]),
        ]
    );
    let (found, wrong) = keys(&read("[keys]\nundo = 1\nredo = [\n \"x\",\n true]\n").unwrap());
    assert!(found.is_empty());
    let mut lines: Vec<_> = wrong.iter().map(|wrong| (wrong.line, wrong.what.as_str())).collect();
    lines.sort_unstable();
    assert_eq!(lines.iter().map(|(line, _)| *line).collect::<Vec<_>>(), [Some(2), Some(5)]);
    assert!(lines[0].1.starts_with("[keys] undo must be a key in quotes, such as \"a\""), "{}", lines[0].1);
    assert!(lines[1].1.ends_with("this is of type boolean."), "{}", lines[1].1);
}
