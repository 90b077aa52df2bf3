//! HQ's form receiver: what it does to cases, and what it answers, byte for byte.

use http::StatusCode;
use onse::sandbox::{CASE_TYPE, FOREIGN_CASE, Fate, Oddity};

use crate::rig::{Got, ORIGIN, Rig, block, form};

fn message(nature: &str, text: &str) -> String {
    format!(
        "<OpenRosaResponse xmlns=\"http://openrosa.org/http/response\"><message nature=\"{nature}\">{text}</message></OpenRosaResponse>"
    )
}

fn success() -> String {
    message("submit_success", "   \u{221a}   ")
}

fn id_of(got: &Got) -> &str {
    got.header("x-commcarehq-formid")
}

const NAME: &str = "dhis_cbdas";

fn set(case_id: &str, value: &str) -> String {
    block(case_id, &format!("<{NAME}>{value}</{NAME}>"))
}

#[tokio::test]
async fn a_form_changes_only_what_it_names() {
    let rig = Rig::new(10, 1);
    let id = &rig.sandbox.case_ids()[0];
    let before = rig.sandbox.case(id).unwrap();
    let got = rig.submit(form("f1", &block(id, "<dhis_beds> 7 &lt; é </dhis_beds><supervisor_remarks />"))).await;
    assert_eq!((got.status, got.text()), (StatusCode::CREATED, success().as_str()));
    assert_eq!(got.header("content-type"), "text/html; charset=utf-8");
    assert_eq!((id_of(&got), got.header("location")), ("f1", ORIGIN));
    assert_eq!(got.header("http_x_openrosa_version"), "1.0");
    let after = rig.sandbox.case(id).unwrap();
    assert_eq!(after.properties["dhis_beds"], " 7 < é ");
    assert_eq!(after.properties["supervisor_remarks"], "");
    assert_eq!(
        (&after.name, &after.case_type, &after.external_id),
        (&before.name, &before.case_type, &before.external_id)
    );
    assert_eq!(after.last_modified.to_string(), "2026-08-03T07:59:00.000001Z");
    assert!(after.server_last_modified > before.server_last_modified);
    let untouched =
        before.properties.iter().filter(|(name, _)| !["dhis_beds", "supervisor_remarks"].contains(&&***name));
    for (name, value) in untouched {
        assert_eq!(&after.properties[name], value);
    }
    assert_eq!(rig.sandbox.forms()[0].fate, Fate::Applied);
}

#[tokio::test]
async fn blank_built_ins_clear_and_the_last_of_two_wins() {
    let rig = Rig::new(10, 1);
    let id = &rig.sandbox.case_ids()[0];
    let twice = "<a>1</a><a>2</a><case_name /><external_id /><case_type>moved</case_type><a>3</a>";
    rig.submit(form("f1", &(block(id, twice) + &set(id, "5")))).await;
    let case = rig.sandbox.case(id).unwrap();
    assert_eq!((case.name.as_deref(), case.external_id.as_deref()), (Some(""), Some("")));
    assert_eq!((case.case_type.as_str(), case.properties["a"].as_str()), ("moved", "3"));
    assert_eq!(case.properties[NAME], "5");
    assert_eq!(rig.hq(&format!("?case_type={CASE_TYPE}")).await.json()["matching_records"], 9);
}

#[tokio::test]
async fn the_same_bytes_again_touch_nothing() {
    let rig = Rig::new(10, 1);
    let id = rig.sandbox.case_ids().remove(0);
    let bytes = form("f1", &set(&id, "11"));
    assert_eq!(id_of(&rig.submit(bytes.clone()).await), "f1");
    assert!(rig.sandbox.set_property(&id, NAME, "12"));
    let version_3 = rig.submit(bytes.clone()).await;
    assert_eq!((version_3.status, version_3.text()), (StatusCode::CREATED, success().as_str()));
    let record = id_of(&version_3).to_owned();
    assert!(record.len() == 32 && record != "f1");
    for other in ["2.0", "3", "3.00"] {
        let old = rig.submit_with(bytes.clone(), &[("x-openrosa-version", other)]).await;
        assert_eq!(old.status, StatusCode::CREATED);
        assert_eq!(old.text(), message("submit_error", "Form is a duplicate of another! (f1)"));
        assert!(![record.as_str(), "f1"].contains(&id_of(&old)));
    }
    assert_eq!(rig.sandbox.case(&id).unwrap().properties[NAME], "12", "the later edit stands");
    let forms = rig.sandbox.forms();
    assert_eq!(forms.len(), 5);
    assert_eq!(forms[1].fate, Fate::Duplicate("f1".to_owned()));
    assert_eq!(forms[1].id, record);
    assert_eq!(forms[0].bytes, bytes.as_bytes());
}

#[tokio::test]
async fn the_same_id_with_other_bytes_is_an_edit_and_rebuilds() {
    let rig = Rig::new(10, 1);
    let ids = rig.sandbox.case_ids();
    let first = block(&ids[0], "<only_old>1</only_old><both>old</both>") + &set(&ids[1], "1");
    rig.submit(form("f1", &first)).await;
    rig.submit(form("f2", &block(&ids[0], "<both>later</both>"))).await;
    let before = rig.sandbox.case(&ids[1]).unwrap();
    let got = rig.submit(form("f1", &block(&ids[0], "<both>new</both><only_new>2</only_new>"))).await;
    assert_eq!((got.status, id_of(&got)), (StatusCode::CREATED, "f1"));
    let case = rig.sandbox.case(&ids[0]).unwrap();
    assert_eq!(case.properties.get("only_old"), None, "what only the old version set is gone");
    assert_eq!(case.properties["only_new"], "2");
    assert_eq!(case.properties["both"], "later", "the history keeps its order");
    assert_ne!(rig.sandbox.case(&ids[1]).unwrap().properties.get(NAME), before.properties.get(NAME));
    let fates: Vec<Fate> = rig.sandbox.forms().into_iter().map(|form| form.fate).collect();
    assert_eq!(fates, [Fate::Applied, Fate::Applied, Fate::Replaced]);

    let clash = form("f1", &set(&ids[0], "clash")).replace("dhis2-import", "other");
    let got = rig.submit(clash).await;
    assert!(got.status == StatusCode::CREATED && id_of(&got) != "f1", "another namespace is another form");
    assert_eq!(rig.sandbox.case(&ids[0]).unwrap().properties[NAME], "clash");
}

#[tokio::test]
async fn an_unknown_case_id_makes_a_case() {
    let rig = Rig::new(10, 1);
    rig.submit(form("f1", &set("brand-new", "1"))).await;
    let case = rig.sandbox.case("brand-new").unwrap();
    assert_eq!((case.case_type.as_str(), case.name, case.external_id, case.closed), ("", None, None, false));
    assert_eq!(rig.hq("brand-new/").await.json()["properties"][NAME], "1");
    assert_eq!(rig.hq("?limit=5000").await.json()["matching_records"], 10 + 28 + 1);
}

#[tokio::test]
async fn one_bad_block_rejects_the_whole_form() {
    let rig = Rig::new(10, 1);
    let id = rig.sandbox.case_ids().remove(0);
    let before = rig.sandbox.case(&id).unwrap();
    let long = "x".repeat(256);
    for (number, (bad, error)) in [
        (set("", "1"), "IllegalCaseId: case_id must not be empty".to_owned()),
        (set(FOREIGN_CASE, "1"), "IllegalCaseId: Bad case id".to_owned()),
        (
            set("new", "1").replace("2026-08-03T07:59:00.000001Z", "garbage"),
            "PhoneDateValueError: 'garbage'".to_owned(),
        ),
        (
            block("new", &format!("<case_name>{long}</case_name>")),
            "CaseValueError: Error processing case update: Field: name, Error: Value exceeds allowed length: 255"
                .to_owned(),
        ),
        (
            block("new", "<date_opened>nope</date_opened>"),
            "CaseValueError: Error processing case update: Field: opened_on, Error: Unable to parse date string 'nope'"
                .to_owned(),
        ),
    ]
    .into_iter()
    .enumerate()
    {
        let bytes = form(&format!("bad{number}"), &(set(&id, "999") + &bad));
        let new = rig.submit(bytes.clone()).await;
        assert_eq!(
            (new.status, new.text()),
            (StatusCode::UNPROCESSABLE_ENTITY, message("processing_failure", &error).as_str())
        );
        assert_eq!(id_of(&new), format!("bad{number}"), "kept as an error form under its id");
        let old = rig.submit_with(bytes, &[]).await;
        assert_eq!((old.status, old.text()), (StatusCode::CREATED, message("submit_error", &error).as_str()));
        assert_eq!(rig.sandbox.forms().len(), number + 1, "the same error again makes no new record");
    }
    assert_eq!(rig.sandbox.case(&id), Some(before));
    assert_eq!(rig.sandbox.case("new"), None);
    assert!(rig.sandbox.forms().iter().all(|form| matches!(form.fate, Fate::Failed(_))));
}

#[tokio::test]
async fn what_is_no_form_is_refused_without_an_id() {
    let rig = Rig::new(5, 1);
    for (body, start) in [
        ("<data>", "There was an error processing the form: Invalid XML: "),
        ("\u{1}", "There was an error processing the form: Invalid XML: "),
        ("<data/>", "There was an error processing the form: Form is missing a required field: XMLNS"),
    ] {
        let got = rig.submit(body).await;
        assert_eq!(got.status, StatusCode::UNPROCESSABLE_ENTITY);
        let want = message("processing_failure", start);
        assert!(got.text().starts_with(want.split("</message>").next().unwrap()), "{}", got.text());
        assert_eq!(id_of(&got), "");
    }
    let empty = rig.submit("").await;
    assert_eq!((empty.status, empty.text()), (StatusCode::BAD_REQUEST, "Post may not have an empty body\n"));
    let stray = form("s1", &format!("<case case_id=\"{}\"/>", rig.sandbox.case_ids()[0]));
    assert_eq!(rig.submit(stray).await.status, StatusCode::INTERNAL_SERVER_ERROR);
    assert_eq!(rig.sandbox.forms().len(), 1);
}

#[tokio::test]
async fn multipart_has_its_own_rules() {
    let rig = Rig::new(5, 1);
    let id = rig.sandbox.case_ids().remove(0);
    let part = |name: &str, content: &str| {
        format!(
            "--xYx\r\nContent-Disposition: form-data; name=\"xml_submission_file\"; filename=\"{name}\"\r\n\r\n{content}\r\n--xYx--\r\n"
        )
    };
    let headers = [("content-type", "multipart/form-data; boundary=xYx"), ("x-openrosa-version", "3.0")];
    let bytes = form("f1", &set(&id, "21"));
    let got = rig.submit_with(part("f.xml", &bytes), &headers).await;
    assert_eq!((got.status, id_of(&got)), (StatusCode::CREATED, "f1"));
    assert_eq!(rig.sandbox.forms()[0].bytes, bytes.as_bytes());
    let named = rig.submit_with(part("f.txt", &bytes), &headers).await;
    assert_eq!(named.status, StatusCode::UNPROCESSABLE_ENTITY);
    let large = rig.submit_with(part("f.xml", &" ".repeat(10 * 1024 * 1024 + 1)), &headers).await;
    assert_eq!((large.status, large.text()), (StatusCode::PAYLOAD_TOO_LARGE, "Form exceeds 10MB size limit\n"));
    assert_eq!(rig.sandbox.forms().len(), 1);
}

#[tokio::test]
async fn closed_cases_take_values_and_a_form_can_close() {
    let rig = Rig::new(40, 1);
    let id = rig.planted(Oddity::Closed).remove(0).case_id.unwrap();
    rig.submit(form("f1", &set(&id, "3"))).await;
    let case = rig.sandbox.case(&id).unwrap();
    assert!(case.closed && case.properties[NAME] == "3");
    let open = rig.sandbox.case_ids().into_iter().find(|id| !rig.sandbox.case(id).unwrap().closed).unwrap();
    rig.submit(form("f2", &set(&open, "3").replace("</update>", "</update><close />"))).await;
    assert!(rig.sandbox.case(&open).unwrap().closed);
}
