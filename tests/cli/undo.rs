//! `onse undo` in lines: exit codes, what is printed, what is refused, and the way of its review to the cases.

use std::{
    collections::BTreeMap,
    fs,
    io::{Read as _, Write as _},
    net::TcpStream,
};

use serde_json::{Value, json};

use crate::rig::{Home, Servers, cells, ready};

/// A review of which the changes without a STOP were sent; how many these are, and the form's id.
fn sent() -> (Home, Servers, usize, String) {
    let (home, servers) = ready();
    home.run(&["plan", "-o", "q.review"]).ok(3);
    home.run(&["undo", "q.review", "-o", "u.review"]).refused(1, &["nothing was sent from q.review"]);
    home.run(&["decide", "q.review", "--where", "", "--approve"]).ok(0);
    home.run(&["decide", "q.review", "--where", "is:review", "--approve"]).ok(0);
    let approved = home.run(&["show", "q.review", "--json"]).ok(0).json()["counts"]["approved"].as_u64().unwrap();
    let said = home.run(&["submit", "q.review", "--write", &approved.to_string(), "--json"]).ok(0).json();
    let form = said["forms"][0]["form_id"].as_str().unwrap().to_owned();
    (home, servers, usize::try_from(approved).unwrap(), form)
}

/// Someone else sends a form that sets the property of one case.
fn change(servers: &Servers, (case, property): &(String, String), value: &str) {
    let url = servers.text("commcare_url");
    let host = url.strip_prefix("http://").unwrap().split('/').next().unwrap().to_owned();
    let (user, key) = (servers.text("commcare_username"), servers.text("commcare_api_key"));
    let form = format!(
        "<data xmlns=\"x\"><case case_id=\"{case}\" xmlns=\"http://commcarehq.org/case/transaction/v2\"><update>\
         <{property}>{value}</{property}></update></case></data>"
    );
    let request = format!(
        "POST /a/{}/receiver/api/ HTTP/1.1\r\nHost: {host}\r\nAuthorization: ApiKey {user}:{key}\r\nContent-Type: text/xml\r\n\
         Content-Length: {}\r\nConnection: close\r\n\r\n{form}",
        servers.text("project"),
        form.len()
    );
    let mut wire = TcpStream::connect(&host).unwrap();
    wire.write_all(request.as_bytes()).unwrap();
    let mut answer = String::new();
    wire.read_to_string(&mut answer).unwrap();
    assert!(answer.starts_with("HTTP/1.1 201"), "{answer}");
}

/// What every cell of a review says under this key, by case and property.
fn held(home: &Home, file: &str, key: &str) -> BTreeMap<(String, String), Value> {
    let review = home.run(&["show", file, "--json"]).ok(0).json();
    let of = |(id, cell): (String, Value)| ((id, cell["property"].as_str().unwrap().to_owned()), cell[key].clone());
    cells(&review).into_iter().map(of).collect()
}

#[test]
fn an_undo_is_a_review_of_its_own_that_goes_the_same_way() {
    let (home, servers, approved, form) = sent();
    let (verdicts, old) = (held(&home, "q.review", "verdict"), held(&home, "q.review", "old"));
    let theirs = verdicts.iter().find(|(_, verdict)| **verdict == "approve").unwrap().0;
    change(&servers, theirs, "777");
    let file = fs::read(home.path("q.review")).unwrap();
    let undone = home.run(&["undo", "q.review", "-o", "u.review"]).ok(3);
    assert_eq!(fs::read(home.path("q.review")).unwrap(), file);
    let start = format!("file     u.review\nundo of  q.review\ncells    to be put back {}, of which", approved - 1);
    assert!(undone.out.starts_with(&start) && undone.out.contains("conflicts 1\n"), "{undone:?}");
    for line in
        [format!(", {}: the case holds 777 now, the review wrote ", theirs.1), format!("form 1   APPLIED   {form}\n")]
    {
        assert!(undone.out.contains(&line), "{line}: {undone:?}");
    }
    assert!(undone.err.contains("nothing was sent, q.review is as it was; next: onse review u.review"), "{undone:?}");

    let shown = home.run(&["show", "u.review", "--json"]).ok(0).json();
    assert_eq!((&shown["scope"], &shown["undo"]["file"]), (&json!("undo of q.review"), &json!("q.review")));
    assert_eq!(
        (&shown["undo"]["forms"][0]["form_id"], &shown["counts"]["changes"]),
        (&json!(form), &json!(approved - 1))
    );
    let new = held(&home, "u.review", "new");
    for (cell, value) in &new {
        let ours = verdicts[cell] == "approve" && cell != theirs;
        let expected = if ours { json!(old[cell].as_str().unwrap_or("")) } else { Value::Null };
        assert_eq!(*value, expected, "{cell:?}");
    }
    let blanks = new.values().filter(|value| **value == "").count();
    assert!(blanks > 0 && undone.out.contains(&format!("of which become blank {blanks} ")), "{undone:?}");
    let table = home.run(&["show", "u.review"]).ok(0).out;
    assert_eq!(table.lines().filter(|line| line.contains("  blank  ") && line.contains("REVIEW A04")).count(), blanks);

    home.run(&["decide", "u.review", "--where", "", "--approve"]).ok(0);
    home.run(&["decide", "u.review", "--where", "is:review", "--approve"]).ok(0);
    let sent = home.run(&["submit", "u.review", "--write", &(approved - 1).to_string()]).ok(0);
    assert!(sent.err.contains(&format!("{blanks} of the changes make a property blank")), "{sent:?}");
    let again = home.run(&["undo", "q.review", "-o", "v.review", "--json"]).ok(5).json();
    assert_eq!((&again["undo"], &again["schema"]), (&Value::Null, &json!(1)));
    assert_eq!(again["counts"], json!({"put_back": 0, "become_blank": 0, "as_before": approved - 1, "conflicts": 1}));
    let conflict = &again["conflicts"][0];
    assert_eq!((&conflict["case_id"], &conflict["now"]), (&json!(theirs.0), &json!("777")));
    assert!(
        conflict["ours"].is_string() && conflict["property"] == json!(theirs.1) && conflict["why"].is_string(),
        "{conflict}"
    );
    assert_eq!(again["forms"], json!([{"form_id": form, "outcome": "APPLIED"}]));
    assert!(!home.path("v.review").exists());
}

#[test]
fn what_cannot_be_undone_is_refused_and_no_file_is_made() {
    let (home, servers, approved, _) = sent();
    home.run(&["undo", "q.review", "-o", "q.review"]).refused(2, &["is the review that is undone"]);
    fs::write(home.path("there.review"), "mine").unwrap();
    home.run(&["undo", "q.review", "-o", "there.review"]).refused(1, &["never overwritten"]);
    assert_eq!(fs::read(home.path("there.review")).unwrap(), b"mine");
    home.run(&["undo", "none.review", "-o", "u.review"]).refused(1, &["none.review"]);
    home.run(&["undo", "q.review"]).refused(2, &["--output"]);
    let config = fs::read_to_string(home.path("config.toml")).unwrap();
    fs::write(home.path("config.toml"), config.replace("onse-demo", "onse-other")).unwrap();
    home.run(&["undo", "q.review", "-o", "u.review"]).refused(2, &["onse-demo", "onse-other", "--profile"]);
    fs::write(home.path("config.toml"), &config).unwrap();

    let first = home.run(&["undo", "q.review", "-o", "u.review", "--json"]).ok(3).json();
    assert_eq!((&first["undo"], &first["counts"]["put_back"]), (&json!("u.review"), &json!(approved)));
    // As a reading of the quarter it is none: neither the newest unfinished review, nor one whose accepted flags count.
    let folder = home.path("data/reviews/onse-demo");
    fs::create_dir_all(&folder).unwrap();
    home.run(&["plan", "--period", "2026Q3", "--allow-unfinished", "--previous", "u.review", "-o", "p.review"])
        .refused(2, &["undoes q.review"]);
    home.run(&["decide", "u.review", "--where", "", "--approve"]).ok(0);
    home.run(&["decide", "u.review", "--where", "is:review", "--approve"]).ok(0);
    home.run(&["submit", "u.review", "--write", &approved.to_string()]).ok(0);
    let none = home.run(&["undo", "q.review", "-o", "v.review"]).ok(0);
    assert!(none.err.contains("nothing can be put back") && !home.path("v.review").exists(), "{none:?}");
    drop(servers);
    home.run(&["undo", "u.review", "-o", "v.review"]).refused(1, &[]);
    assert!(!home.path("v.review").exists());
}
