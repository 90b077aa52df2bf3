//! What HQ's answer to a form means (commcare.md sections 4.3, 5.3 and 6; fault matrix section 2).
//!
//! Status, nature and form-id header are judged together. Where the answer does not settle it, the receipt says so, and
//! reading the cases back decides; nothing unclear is taken for a success or a failure.

use std::time::Duration;

use http::HeaderMap;
use quick_xml::{Reader, XmlVersion, events::Event};

use super::super::http::{cut, inert, line, retry_after};

/// Longest message kept: it names the case and the field at fault.
const MESSAGE: usize = 1000;

/// Errors that lie in a single case block (commcare.md section 5.3).
const PER_CASE: [&str; 6] =
    ["IllegalCaseId", "InvalidCaseIndex", "CaseValueError", "PhoneDateValueError", "UsesReferrals", "MissingProductId"];

/// The outcome of one attempt to send one form.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Receipt {
    /// HQ has the form. Not yet seen in the cases.
    Accepted {
        /// HQ already had these bytes under this form id: they took effect once.
        duplicate: bool,
    },
    /// Success by status, but without what proves it. Reading back decides.
    Unclear {
        /// What was odd.
        why: String,
    },
    /// HQ said yes and threw the form away. Nothing changed.
    Ignored,
    /// Stored as an error form, no case changed. Never to be sent again by itself.
    Rejected {
        /// One case block is at fault, so a smaller form may pass (fault matrix row H14).
        per_case: bool,
        /// HQ's message.
        message: String,
    },
    /// Form and cases are saved, a follow-up step failed; HQ repeats that itself. Reading back confirms.
    SavedWithError {
        /// HQ's message.
        message: String,
    },
    /// Bad request, credentials, permission, wrong project, or a redirect. Nothing changed; stop.
    Refused {
        /// HTTP status.
        status: u16,
        /// What happened and what to check.
        message: String,
    },
    /// This form is being processed at the moment: same bytes again later.
    Locked,
    /// Too many at once: same bytes again after the time, when one was given.
    SlowDown(Option<Duration>),
    /// Larger than HQ or a proxy takes. Nothing of it was accepted.
    TooLarge,
    /// The project is being migrated, nothing was stored: same bytes again after the time, when one was given.
    Unavailable(Option<Duration>),
    /// HQ's staff blocked the project. Stop.
    Blocked {
        /// HQ's message.
        message: String,
    },
    /// The form may or may not have taken effect: same bytes again, or read back.
    Unknown {
        /// What happened.
        why: String,
        /// Whether a gateway on the way lost patience: a smaller form may be done in time (fault matrix row H19).
        gateway: bool,
    },
    /// Nothing left this machine.
    NotSent {
        /// The cause.
        why: String,
    },
}

/// Whether HQ's message about a rejected form blames a single case block.
pub fn is_per_case(message: &str) -> bool {
    PER_CASE.contains(&message.split(':').next().unwrap_or_default().trim())
}

/// Judges a whole answer to the form `form_id`, which was sent with `X-OpenRosa-Version: 3.0`.
pub fn receipt(status: u16, headers: &HeaderMap, body: &[u8], form_id: &str) -> Receipt {
    let text = String::from_utf8_lossy(body);
    match status {
        201 => created(headers, &text, form_id),
        // Only the receiver itself answers 201; a sign-in page or a portal on the way answers 200.
        200..=299 => Receipt::Unclear { why: format!("the answer has status {status}, not 201{}", said(&text)) },
        409 | 423 => Receipt::Locked,
        413 => Receipt::TooLarge,
        422 => unprocessable(&text),
        429 => Receipt::SlowDown(retry_after(headers)),
        503 => Receipt::Unavailable(retry_after(headers)),
        509 => Receipt::Blocked { message: openrosa(&text).map_or_else(|| line(&text), |answer| answer.message) },
        408 | 500..=599 => {
            let why = format!("the server or its gateway failed ({status}){}", said(&text));
            Receipt::Unknown { why, gateway: matches!(status, 408 | 502 | 504) }
        }
        _ => Receipt::Refused { status, message: format!("{}{}", refusal(status), said(&text)) },
    }
}

fn created(headers: &HeaderMap, text: &str, form_id: &str) -> Receipt {
    let unclear = |why: &str| Receipt::Unclear { why: why.to_owned() };
    let Some(answer) = openrosa(text) else { return unclear("status 201, but no OpenRosa message in the answer") };
    if answer.nature != "submit_success" {
        let why = format!("status 201 with nature {}: {}", line(&answer.nature), line(&answer.message));
        return Receipt::Unclear { why };
    }
    if answer.message.to_lowercase().contains("ignored") {
        return Receipt::Ignored;
    }
    match headers.get("x-commcarehq-formid").map(|id| id.as_bytes().trim_ascii()) {
        None | Some(b"") => unclear("status 201, but without the form id header"),
        Some(id) => Receipt::Accepted { duplicate: id != form_id.as_bytes() },
    }
}

fn unprocessable(text: &str) -> Receipt {
    let Some(Answer { nature, message }) = openrosa(text) else {
        return Receipt::Unclear { why: format!("status 422 without an OpenRosa message{}", said(text)) };
    };
    match nature.as_str() {
        "processing_failure" => Receipt::Rejected { per_case: is_per_case(&message), message },
        "post_processing_failure" => Receipt::SavedWithError { message },
        _ => Receipt::Unclear { why: format!("status 422 with nature {}: {}", line(&nature), line(&message)) },
    }
}

/// What a refusal means and what to check.
fn refusal(status: u16) -> &'static str {
    match status {
        300..=399 => {
            "sent on to another address, which is not followed for a form; check the CommCare url in the profile"
        }
        400 => "HQ could not read the request; it may not know the project",
        401 => {
            "the sign-in was refused; check the user name and ONSE_COMMCARE_API_KEY; a command started with --ask asks for it"
        }
        403 => "this account may not submit; it needs \"edit data\" and \"access APIs\" in this project",
        404 => "there is no receiver at this address; check the CommCare url and the project name",
        407 => "a proxy on the way demands its own sign-in; set its user and password in HTTPS_PROXY",
        _ => "HQ refused the form",
    }
}

fn said(text: &str) -> String {
    let page = text.trim_start().starts_with('<');
    match openrosa(text).map_or_else(|| line(text), |answer| line(&answer.message)) {
        shown if page && shown.starts_with('<') => ", with an HTML page".to_owned(),
        shown if shown.is_empty() => shown,
        shown => format!(", it said: {shown}"),
    }
}

/// An OpenRosa answer: `<OpenRosaResponse><message nature="…">…</message></OpenRosaResponse>`.
struct Answer {
    nature: String,
    message: String,
}

/// The answer in `text`, if it is one and whole.
fn openrosa(text: &str) -> Option<Answer> {
    let mut reader = Reader::from_str(text);
    let mut nature = None;
    let mut message = String::new();
    let mut path: Vec<String> = Vec::new();
    loop {
        let event = reader.read_event().ok()?;
        let inside = path.len() == 2 && path.last().is_some_and(|name| name == "message");
        match event {
            Event::Start(start) => {
                path.push(start.local_name().as_ref().to_owned());
                match path.as_slice() {
                    [root] if root != "OpenRosaResponse" => return None,
                    [_, name] if name == "message" && nature.is_none() => {
                        let value = start.try_get_attribute("nature").ok()??;
                        nature = Some(value.normalized_value(XmlVersion::Implicit1_0).ok()?.into_owned());
                    }
                    _ => {}
                }
            }
            Event::End(_) => {
                path.pop();
                if path.is_empty() {
                    break;
                }
            }
            Event::Text(part) if inside => message.push_str(&part),
            Event::CData(part) if inside => message.push_str(&part),
            Event::GeneralRef(name) if inside => message.push_str(&resolved(&name)),
            Event::Eof => return None,
            _ => {}
        }
    }
    Some(Answer { nature: nature?, message: cut(&inert(message.trim()), MESSAGE) })
}

fn resolved(name: &quick_xml::events::BytesRef<'_>) -> String {
    if let Ok(Some(character)) = name.resolve_char_ref() {
        return character.to_string();
    }
    quick_xml::escape::resolve_xml_entity(name).map_or_else(|| format!("&{};", &**name), str::to_owned)
}

#[cfg(test)]
mod tests {
    use super::*;

    const OURS: &str = "0123456789abcdef0123456789abcdef";

    fn xml(nature: &str, message: &str) -> String {
        format!(
            r#"<OpenRosaResponse xmlns="http://openrosa.org/http/response"><message nature="{nature}">{message}</message></OpenRosaResponse>"#
        )
    }

    fn judged(status: u16, id: Option<&str>, body: &str) -> Receipt {
        let mut headers = HeaderMap::new();
        if let Some(id) = id {
            headers.insert("X-CommCareHQ-FormID", id.parse().unwrap());
        }
        receipt(status, &headers, body.as_bytes(), OURS)
    }

    /// The rows of commcare.md section 4.3 in their order, with version 3.0 and with the older natures.
    #[test]
    fn every_situation_of_the_table() {
        let ok = xml("submit_success", "   √   ");
        let rejected = |per_case, message: &str| Receipt::Rejected { per_case, message: message.into() };
        let too_long =
            "CaseValueError: Error processing case update: Field: name, Error: Value exceeds allowed length: 255";
        let invalid = "There was an error processing the form: Invalid XML: x";
        let post = "Error performing post save operations";
        let cases = [
            (201, Some(OURS), ok.clone(), Receipt::Accepted { duplicate: false }),
            (201, Some("fedcba"), ok.clone(), Receipt::Accepted { duplicate: true }),
            (422, Some(OURS), xml("processing_failure", too_long), rejected(true, too_long)),
            (422, Some(OURS), xml("post_processing_failure", post), Receipt::SavedWithError { message: post.into() }),
            (422, None, xml("processing_failure", invalid), rejected(false, invalid)),
            (423, None, format!("XFormLockError: {OURS}"), Receipt::Locked),
            (409, None, String::new(), Receipt::Locked),
            (429, None, String::new(), Receipt::SlowDown(None)),
            (422, None, xml("processing_failure", "bad file name"), rejected(false, "bad file name")),
            (413, None, "Form exceeds 10MB size limit\n".into(), Receipt::TooLarge),
            (503, None, "Service Temporarily Unavailable".into(), Receipt::Unavailable(None)),
            (503, None, String::new(), Receipt::Unavailable(None)),
            (509, None, xml("submit_error", "blocked"), Receipt::Blocked { message: "blocked".into() }),
            (201, None, xml("submit_success", "   √ (this submission was ignored)   "), Receipt::Ignored),
        ];
        for (status, id, body, expected) in cases {
            assert_eq!(judged(status, id, &body), expected, "{status} {body}");
        }
    }

    #[test]
    fn refusals_stop_and_say_what_to_check() {
        for (status, body, part) in [
            (400, "Post may not have an empty body\n", "empty body"),
            (400, "No domain with name onse", "No domain"),
            (401, "", "ONSE_COMMCARE_API_KEY"),
            (401, r#"{"error": "OTP token is incorrect"}"#, "OTP token"),
            (403, "<!DOCTYPE html><html>", "an HTML page"),
            (404, "", "project name"),
            (405, "", "refused"),
            (406, "{}", "refused"),
            (407, "", "HTTPS_PROXY"),
            (302, "", "not followed"),
        ] {
            let Receipt::Refused { status: told, message } = judged(status, Some(OURS), body) else {
                panic!("{status} is no refusal")
            };
            assert!(told == status && message.contains(part), "{status}: {message}");
        }
    }

    #[test]
    fn what_may_have_taken_effect_is_unknown() {
        for status in [408, 500, 502, 504, 520, 524, 599] {
            let found = judged(status, None, "<html>gateway</html>");
            assert!(matches!(found, Receipt::Unknown { .. }), "{status}: {found:?}");
        }
    }

    #[test]
    fn a_success_without_its_proof_is_unclear() {
        let ok = xml("submit_success", "√");
        let cut_off = ok.strip_suffix("</OpenRosaResponse>").unwrap();
        let other = ok.replace("OpenRosaResponse", "html");
        for (status, id, body) in [
            (201, Some(OURS), ""),
            (201, Some(OURS), "created"),
            (201, Some(OURS), cut_off),
            (201, Some(OURS), other.as_str()),
            (201, None, ok.as_str()),
            (201, Some(""), ok.as_str()),
            (200, Some(OURS), ok.as_str()),
            (204, None, ""),
            (201, Some(OURS), &xml("submit_error", "Form is a duplicate of another! (x)")),
            (201, Some(OURS), &xml("processing_failure", "x")),
            (422, None, ""),
            (422, None, &xml("submit_error", "x")),
        ] {
            let found = judged(status, id, body);
            assert!(matches!(found, Receipt::Unclear { .. }), "{status} {body}: {found:?}");
        }
    }

    #[test]
    fn every_class_of_a_single_case_is_known() {
        for class in PER_CASE {
            let found = judged(422, None, &xml("processing_failure", &format!("{class}: detail: more")));
            assert!(matches!(found, Receipt::Rejected { per_case: true, .. }), "{class}");
        }
        let found = judged(422, None, &xml("processing_failure", "SomethingCaseValueError: x"));
        assert!(matches!(found, Receipt::Rejected { per_case: false, .. }));
    }

    #[test]
    fn messages_are_resolved_inert_and_cut() {
        let body =
            xml("processing_failure", &format!("IllegalCaseId: a &lt;b&gt; &#x9b;&#233; &odd; {}", "x".repeat(5000)));
        let Receipt::Rejected { per_case: true, message } = judged(422, None, &body) else { panic!("not rejected") };
        assert!(message.starts_with("IllegalCaseId: a <b> \u{fffd}é &odd; xxx"), "{message}");
        assert_eq!(message.chars().count(), MESSAGE + 1);
    }

    #[test]
    fn the_time_to_wait_is_read() {
        let mut headers = HeaderMap::new();
        headers.insert("retry-after", "2.5".parse().unwrap());
        let wait = Some(Duration::from_millis(2500));
        assert_eq!(receipt(429, &headers, b"", OURS), Receipt::SlowDown(wait));
        assert_eq!(receipt(503, &headers, b"", OURS), Receipt::Unavailable(wait));
    }
}
