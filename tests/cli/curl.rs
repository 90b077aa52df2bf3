//! `plan --curl`: a script on standard output, no secret in it, and the plan as usual. And what is read beside the quarter.

use std::process::{Command, Stdio};

use serde_json::Value;

use crate::rig::{Home, Servers, ready};

/// Runs a script in a shell that knows the secrets of the sandbox.
fn shell(script: &str, servers: &Servers) -> String {
    let output = Command::new("sh")
        .args(["-c", script])
        .env("ONSE_DHIS2_PASSWORD", servers.text("dhis2_password"))
        .env("ONSE_COMMCARE_API_KEY", servers.text("commcare_api_key"))
        .env_remove("http_proxy")
        .stdin(Stdio::null())
        .output()
        .unwrap();
    assert!(output.status.success(), "{script}: {output:?}");
    String::from_utf8(output.stdout).unwrap()
}

fn planned(home: &Home) -> (Vec<String>, String) {
    let ran = home.run(&["plan", "--curl", "-o", "q.review"]).ok(3);
    (ran.out.lines().map(str::to_owned).collect(), ran.err)
}

#[test]
fn every_request_is_printed_and_nothing_secret() {
    let (home, servers) = ready();
    let (commands, said) = planned(&home);
    for part in
        ["file     q.review", "mapping  built-in (21 rows, ", "ONSE_DHIS2_PASSWORD", "next: onse review q.review"]
    {
        assert!(said.contains(part), "{part} is missing in {said}");
    }
    assert!(commands.iter().all(|command| command.starts_with("curl ")), "{commands:?}");
    let count = |part: &str| commands.iter().filter(|command| command.contains(part)).count();
    assert_eq!(
        count("-u \"importer:$ONSE_DHIS2_PASSWORD\" -H 'Accept: application/json' 'http://127"),
        count("/dhis2/api/")
    );
    assert_eq!(
        count("-H \"Authorization: ApiKey importer@example.org:$ONSE_COMMCARE_API_KEY\""),
        count("/api/case/v2/")
    );
    assert!(count("/api/dataValueSets?dataSet=") > 0 && count("/api/case/v2/?case_type=") > 0, "{commands:?}");
    assert_eq!(count("/dhis2/api/") + count("/api/case/v2/"), commands.len());
    for secret in ["dhis2_password", "commcare_api_key"].map(|key| servers.text(key)) {
        assert!(!commands.join("\n").contains(&secret) && !said.contains(&secret), "{secret}");
    }
    let plain = home.run(&["plan", "--json", "-o", "again.review"]).ok(3).json();
    assert_eq!(
        home.run(&["show", "q.review", "--json"]).ok(0).json()["counts"],
        plain["counts"],
        "the plan is made as usual"
    );
}

#[test]
fn the_commands_run_and_bring_what_was_read() {
    let (home, servers) = ready();
    let (commands, _) = planned(&home);
    let has_curl = Command::new("curl").arg("--version").stdout(Stdio::null()).status().is_ok();
    let mut cases = 0;
    for command in commands {
        let words = shell(&format!("curl() {{ printf '%s\\n' \"$@\"; }}\n{command}"), &servers);
        let words: Vec<&str> = words.lines().collect();
        assert!(words.last().unwrap().starts_with("http://127.0.0.1:") && words.len() == 5, "{command}: {words:?}");
        let secrets = [
            format!("importer:{}", servers.text("dhis2_password")),
            format!("Authorization: ApiKey importer@example.org:{}", servers.text("commcare_api_key")),
        ];
        assert!(secrets.iter().any(|secret| secret == words[1]), "{command}: {words:?}");
        if has_curl {
            let answer = shell(&format!("{command} --silent --show-error --fail"), &servers);
            let answer: Value = serde_json::from_str(&answer).unwrap();
            cases += answer["cases"].as_array().map_or(0, Vec::len);
        }
    }
    assert_eq!(cases, if has_curl { 40 } else { 0 });
}

#[test]
fn curl_and_json_are_refused_together() {
    let (home, _servers) = ready();
    home.run(&["plan", "--curl", "--json"]).refused(2, &["standard output", "onse show FILE --json"]);
    assert!(home.reviews().is_empty());
}

#[test]
fn what_would_be_passed_over_is_refused() {
    let (home, _servers) = ready();
    home.run(&["plan", "--finer", "Zzzzzzzzzz1=sum"]).refused(2, &["Zzzzzzzzzz1", "no usable row of the mapping"]);
    let twice = ["plan", "--finer", "q1Es3k3sZem=sum", "--finer", "q1Es3k3sZem=last"];
    let shown = home.run(&["plan", "-o", "q.review", "--json"]).ok(3).json();
    let set = shown["facilities"][0]["cells"][0]["data_set"].as_str().unwrap();
    let twice = twice.map(|word| word.replace("q1Es3k3sZem", set));
    home.run(&twice.each_ref().map(String::as_str)).refused(2, &[set, "twice"]);
    home.run(&["plan", "--look-back", "9"]).refused(2, &["--look-back", "0..=8"]);
    home.run(&["plan", "--finer", "x=mean"]).refused(2, &["sum, last, average, by-type, leave-out"]);
    let finer = format!("{set}=leave-out");
    home.run(&["plan", "-o", "r.review", "--look-back", "2", "--no-history", "--finer", &finer]).ok(3);
}
