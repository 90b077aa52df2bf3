//! Approved cells to forms: one case block for each case, and the exact bytes of each form. How many cases go into one form
//! is decided in `job::forms`.
//!
//! Nothing but the given cells and the one stamp property gets into a form: no name, type, owner or external id, and no
//! element that creates or closes a case. Bytes are built once and then kept; this module makes no ids and reads no
//! clock, and it does not decide what is approved.

use std::collections::{BTreeMap, BTreeSet, HashSet};
use std::fmt;

use quick_xml::escape::partial_escape;

use super::{mapping::property_fault, text::inert};

/// The form namespace when the profile names none; the same as that of the importer before this one (commcare.md
/// section 3).
pub const FORM_XMLNS: &str = "http://commcarehq.org/dhis2-import";

/// The user name written into a form when there is none to name (commcare.md section 3).
pub const USERNAME: &str = "system";

/// The namespace of a case block (commcare.md section 2.1).
const CASE_XMLNS: &str = "http://commcarehq.org/case/transaction/v2";

/// The device id of a submission: where the form came from, for which project, on which day (`YYYY-MM-DD`).
pub fn device_id(project: &str, date: &str) -> String {
    format!("dhis2-import-{project}-{date}")
}

/// The update of one case.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Block {
    /// The case that is updated. HQ creates a case for an id it does not know, so it must come from the case list.
    pub case_id: String,
    /// Properties with their new values as text; an empty value clears the property.
    pub set: Vec<(String, String)>,
}

/// An approved cell as it goes into a block: case id, property, value.
pub type Approved = (String, String, String);

/// One block for each case, in the order in which the cases first come.
///
/// Every cell lands in exactly one block. A property given twice stays twice, and [`form`] refuses it.
pub fn blocks(cells: impl IntoIterator<Item = Approved>) -> Vec<Block> {
    let mut places: BTreeMap<String, usize> = BTreeMap::new();
    let mut blocks: Vec<Block> = Vec::new();
    for (case_id, property, value) in cells {
        // Cells mostly stand case by case.
        if let Some(last) = blocks.last_mut().filter(|last| last.case_id == case_id) {
            last.set.push((property, value));
            continue;
        }
        let place = *places.entry(case_id).or_insert_with_key(|case_id| {
            blocks.push(Block { case_id: case_id.clone(), set: Vec::new() });
            blocks.len() - 1
        });
        blocks[place].set.push((property, value));
    }
    blocks
}

/// What surrounds the case blocks of one form.
#[derive(Clone, Copy, Debug)]
pub struct Envelope<'a> {
    /// The form's own id (`instanceID`), never used for other bytes (commcare.md section 6).
    pub form_id: &'a str,
    /// The form's namespace, see [`FORM_XMLNS`].
    pub xmlns: &'a str,
    /// Where the form comes from, see [`device_id`].
    pub device_id: &'a str,
    /// The user name shown for the form, see [`USERNAME`].
    pub username: &'a str,
    /// The CommCare user the changes are shown under; empty for none.
    pub user_id: &'a str,
    /// The time of the form and of every change in it, UTC: `YYYY-MM-DDTHH:MM:SS.ffffffZ`.
    pub at: &'a str,
    /// A property with its value set on every case of the form beside the approved cells.
    pub stamp: Option<(&'a str, &'a str)>,
}

/// Why a form was not built. Nothing of it was made or sent.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Unfit {
    /// The case it is about; empty when it is about the form as a whole.
    pub case_id: String,
    /// The property it is about; empty when it is about the case or the form.
    pub property: String,
    /// What is wrong, as the end of a sentence.
    pub what: String,
}

impl Unfit {
    /// Whether a cell of this case and property cannot be sent because of it: what is said of a case is said of all its cells, and
    /// what is said of a form of all there are.
    pub fn is_about(&self, case_id: &str, property: &str) -> bool {
        let fits = |said: &str, one: &str| said.is_empty() || said == one;
        fits(&self.case_id, case_id) && fits(&self.property, property)
    }
}

impl fmt::Display for Unfit {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match (self.case_id.as_str(), self.property.as_str()) {
            ("", _) => write!(f, "The form cannot be built: {}", self.what),
            (case, "") => write!(f, "Case {} cannot be sent: {}", case.escape_debug(), self.what),
            (case, property) => write!(
                f,
                "Property {} of case {} cannot be sent: {}",
                property.escape_debug(),
                case.escape_debug(),
                self.what
            ),
        }
    }
}

impl std::error::Error for Unfit {}

/// The exact bytes of one form (commcare.md sections 2 and 3), or the first thing that makes it unfit to send.
///
/// Unfit: no block, a block without cells, a case twice, a property twice, a name or a character XML or CommCare cannot
/// take (fault matrix rows H22 and H23).
pub fn form(envelope: &Envelope<'_>, blocks: &[Block]) -> Result<Vec<u8>, Unfit> {
    checked(envelope)?;
    if blocks.is_empty() {
        return Err(of_form("it has no case to update".to_owned()));
    }
    let mut seen = BTreeSet::new();
    let mut cases = String::new();
    let mut sound = HashSet::new();
    for block in blocks {
        if !seen.insert(&block.case_id) {
            return Err(of_case(block, "the case stands twice in one form".to_owned()));
        }
        write_case(&mut cases, envelope, block, &mut sound)?;
    }
    let at = html(envelope.at);
    let text = format!(
        r#"<?xml version='1.0' ?>
<system version="1" uiVersion="1" xmlns="{xmlns}" xmlns:orx="http://openrosa.org/jr/xforms">
    <orx:meta xmlns:cc="http://commcarehq.org/xforms">
        <orx:deviceID>{device}</orx:deviceID>
        <orx:timeStart>{at}</orx:timeStart>
        <orx:timeEnd>{at}</orx:timeEnd>
        <orx:username>{username}</orx:username>
        <orx:userID>{user_id}</orx:userID>
        <orx:instanceID>{form_id}</orx:instanceID>
        <cc:appVersion />
    </orx:meta>
    {cases}
</system>
"#,
        xmlns = html(envelope.xmlns),
        device = html(envelope.device_id),
        username = html(envelope.username),
        user_id = html(envelope.user_id),
        form_id = html(envelope.form_id),
    );
    Ok(text.into_bytes())
}

/// The first character XML cannot carry at all, in any spelling (XML 1.0, production 2). For planning, so that such a
/// value is named long before it would be sent.
pub fn forbidden(text: &str) -> Option<char> {
    if text.bytes().all(|byte| (b' '..0x7f).contains(&byte)) {
        return None;
    }
    text.chars().find(|c| {
        let control = *c < ' ' && !matches!(c, '\t' | '\n' | '\r');
        control || matches!(c, '\u{fffe}' | '\u{ffff}')
    })
}

/// What keeps a case with this id out of every form, as the end of a sentence. For planning too, where the facility is named and
/// nothing is proposed for it (fault matrix row H22).
pub fn id_fault(case_id: &str) -> Option<String> {
    unprintable(case_id).map(|found| format!("its id holds the character {}", code(found)))
}

/// Refuses an envelope that HQ would misread. Without a form id nothing would protect against sending twice.
fn checked(envelope: &Envelope<'_>) -> Result<(), Unfit> {
    for (what, value, may_be_empty) in [
        ("form id", envelope.form_id, false),
        ("form namespace", envelope.xmlns, false),
        ("device id", envelope.device_id, false),
        ("user name", envelope.username, true),
        ("user id", envelope.user_id, true),
    ] {
        if value.is_empty() && !may_be_empty {
            return Err(of_form(format!("its {what} is empty")));
        }
        if let Some(found) = unprintable(value) {
            return Err(of_form(format!("its {what} holds the character {}", code(found))));
        }
    }
    if is_time(envelope.at) {
        Ok(())
    } else {
        let at = envelope.at.escape_debug();
        Err(of_form(format!("its time {at} is not like 2026-01-05T22:30:00.123456Z")))
    }
}

/// Writes one block. `sound` are names of properties that were looked at already: the same few come with every case.
fn write_case<'a>(
    out: &mut String,
    envelope: &Envelope<'a>,
    block: &'a Block,
    sound: &mut HashSet<&'a str>,
) -> Result<(), Unfit> {
    if block.case_id.is_empty() {
        return Err(of_form("one of its cases has no id".to_owned()));
    }
    if let Some(fault) = id_fault(&block.case_id) {
        return Err(of_case(block, fault));
    }
    let cells = cells(envelope, block, sound)?;
    out.push_str("<case");
    attribute(out, "case_id", &block.case_id);
    attribute(out, "date_modified", envelope.at);
    if !envelope.user_id.is_empty() {
        attribute(out, "user_id", envelope.user_id);
    }
    attribute(out, "xmlns", CASE_XMLNS);
    out.push_str("><update>");
    for (property, value) in cells {
        element(out, property, value);
    }
    out.push_str("</update></case>");
    Ok(())
}

/// The checked cells of a block by name, which is the order HQ's own tool writes them in.
fn cells<'a>(
    envelope: &Envelope<'a>,
    block: &'a Block,
    sound: &mut HashSet<&'a str>,
) -> Result<Vec<(&'a str, &'a str)>, Unfit> {
    if block.set.is_empty() {
        return Err(of_case(block, "nothing is to be changed in it".to_owned()));
    }
    let mut cells = Vec::with_capacity(block.set.len() + 1);
    let set = block.set.iter().map(|(property, value)| (property.as_str(), value.as_str()));
    for (property, value) in set.chain(envelope.stamp) {
        let unfit = |what| Err(Unfit { case_id: block.case_id.clone(), property: property.to_owned(), what });
        if !sound.contains(property) {
            if let Some(fault) = property_fault(property) {
                return unfit(format!("the property name {fault}"));
            }
            sound.insert(property);
        }
        if let Some(found) = forbidden(value) {
            return unfit(format!("its value holds the character {}, which XML cannot carry", code(found)));
        }
        cells.push((property, value));
    }
    cells.sort_unstable();
    if let Some([(property, _), _]) = cells.array_windows().find(|[(a, _), (b, _)]| a == b) {
        return Err(Unfit {
            case_id: block.case_id.clone(),
            property: (*property).to_owned(),
            what: "it is set twice".to_owned(),
        });
    }
    Ok(cells)
}

fn attribute(out: &mut String, name: &str, value: &str) {
    out.push(' ');
    out.push_str(name);
    out.push_str("=\"");
    out.push_str(&partial_escape(value).replace('"', "&quot;"));
    out.push('"');
}

/// A value of a cell. A carriage return is written as a reference, since a reader turns a bare one into a line feed and
/// the case would then hold something else than what was approved.
fn element(out: &mut String, name: &str, value: &str) {
    out.push('<');
    out.push_str(name);
    if value.is_empty() {
        out.push_str(" />");
        return;
    }
    out.push('>');
    // Most values are digits.
    if value.bytes().all(|byte| byte.is_ascii_digit()) {
        out.push_str(value);
    } else {
        out.push_str(&partial_escape(value));
    }
    out.push_str("</");
    out.push_str(name);
    out.push('>');
}

/// The escaping HQ uses in the envelope.
fn html(value: &str) -> String {
    partial_escape(value).replace('"', "&quot;").replace('\'', "&#x27;")
}

/// A character that has no place in an id or a name, though some of them may stand in a value: what a person would not see, or
/// would see in another order, could not be checked by anyone.
fn unprintable(text: &str) -> Option<char> {
    let unseen = |c: &char| {
        let mut bytes = [0; 4];
        let one: &str = c.encode_utf8(&mut bytes);
        inert(one) != one
    };
    forbidden(text).or_else(|| text.chars().find(unseen))
}

/// Whether it has the one shape HQ's own tools write, six digits after the point.
fn is_time(at: &str) -> bool {
    const SHAPE: &str = "0000-00-00T00:00:00.000000Z";
    let fits = |(c, shape): (char, char)| {
        if shape == '0' { c.is_ascii_digit() } else { c == shape }
    };
    at.len() == SHAPE.len() && at.chars().zip(SHAPE.chars()).all(fits)
}

fn code(found: char) -> String {
    format!("U+{:04X}", u32::from(found))
}

fn of_form(what: String) -> Unfit {
    Unfit { case_id: String::new(), property: String::new(), what }
}

fn of_case(block: &Block, what: String) -> Unfit {
    Unfit { case_id: block.case_id.clone(), property: String::new(), what }
}
