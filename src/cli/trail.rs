//! `onse show FILE --trail`: everything that was noted in a review, in order, also where the file is damaged. Reads the file and
//! changes nothing.

use std::{io::Write as _, path::Path};

use anyhow::{Result, anyhow};
use serde::Serialize;
use serde_json::Value;

use super::{
    exit::Exit,
    out::{Out, count, shell},
};
use crate::{
    domain::{outcome::Outcome, text::inert},
    io::store::{Noted, Store, Trail},
};

/// Held cells that a line names; the rest are counted. All are in the JSON.
const NAMED: usize = 3;

/// The whole trail as JSON.
#[derive(Serialize)]
struct Json<'a> {
    schema: u32,
    trail: Vec<Line<'a>>,
    mark: &'a str,
    damage: Option<&'a str>,
}

#[derive(Serialize)]
struct Line<'a> {
    seq: u64,
    at: &'a str,
    who: &'a str,
    what: &'a str,
    form: Option<u32>,
    decision: Option<u64>,
    detail: Value,
}

pub(super) fn trail(file: &Path, json: bool, out: &mut Out) -> Result<Exit> {
    let whole = Store::read_only_trail(file)?;
    let mark = whole.mark();
    let Trail { entries, damage } = whole;
    if json {
        let trail = entries.iter().map(line).collect();
        let json = Json { schema: 1, trail, mark: &mark, damage: damage.as_deref() };
        serde_json::to_writer(&mut *out, &json)?;
        writeln!(out)?;
    } else {
        for noted in &entries {
            let (seq, words) = (noted.seq, words(noted));
            writeln!(out, "{seq:>4}  {}  {}  {}", inert(&noted.at), inert(&noted.who), inert(&words))?;
        }
        if let Some(damage) = &damage {
            writeln!(out, "damaged: {}", inert(damage))?;
        } else if entries.is_empty() {
            writeln!(
                out,
                "no trail: the file is of a version before there was one, and gets it when it is opened for writing"
            )?;
        } else {
            writeln!(out, "mark of the last entry: {mark}")?;
        }
    }
    let Some(damage) = damage else { return Ok(Exit::Done) };
    let (file, again) = (file.display(), shell(file));
    Err(anyhow!("{file} is damaged or was edited: {damage}. onse verify {again} compares what was sent with the cases"))
}

fn line(noted: &Noted) -> Line<'_> {
    let Noted { seq, at, who, what, form, decision, detail: text } = noted;
    // What is not JSON any more is told as it stands.
    let detail = serde_json::from_str(text).unwrap_or_else(|_| Value::String(text.clone()));
    Line { seq: *seq, at, who, what, form: *form, decision: *decision, detail }
}

/// What an entry tells, on one line; where it cannot be understood, as it stands.
fn words(noted: &Noted) -> String {
    let told = serde_json::from_str(&noted.detail).ok().and_then(|detail: Value| {
        let detail = Detail(&detail);
        match noted.what.as_str() {
            "begun" => detail.begun(),
            "read" => detail.read(),
            "decision" => detail.decision(noted.decision?),
            "form" => detail.form(noted.form?),
            "answer" => detail.answer(noted.form?),
            "seen" => detail.seen(noted.form?),
            "held" => detail.held(),
            _ => None,
        }
    });
    told.unwrap_or_else(|| format!("{}: {}", noted.what, noted.detail))
}

/// The detail of an entry.
struct Detail<'a>(&'a Value);

impl<'a> Detail<'a> {
    fn text(&self, key: &str) -> Option<&'a str> {
        self.0.get(key)?.as_str()
    }

    fn number(&self, key: &str) -> Option<u64> {
        self.0.get(key)?.as_u64()
    }

    fn count(&self, key: &str, one: &str, more: &str) -> Option<String> {
        Some(count(usize::try_from(self.number(key)?).ok()?, one, more))
    }

    fn begun(&self) -> Option<String> {
        let version = self.number("version")?;
        let Some(from) = self.number("from") else { return Some(format!("begun: a file of version {version}")) };
        let decisions = self.count("decisions", "decision", "decisions")?;
        let forms = self.count("forms", "form", "forms")?;
        Some(format!(
            "begun: brought from version {from} to {version}; {decisions} and {forms} before are not in the trail"
        ))
    }

    fn read(&self) -> Option<String> {
        let reading = self.number("reading")?;
        let facilities = self.count("facilities", "facility", "facilities")?;
        let properties = self.count("properties", "property", "properties")?;
        Some(format!("reading {reading}: {facilities}, {properties}, fingerprint {}", self.text("fingerprint")?))
    }

    fn decision(&self, seq: u64) -> Option<String> {
        let act = self.text("act")?;
        let label = self.text("label").filter(|label| !label.is_empty());
        let what = match (act, self.number("of")) {
            (_, Some(of)) => format!("decision {of}"),
            ("settle" | "import", None) => label?.to_owned(),
            _ => {
                let cells = self.count("cells", "cell", "cells")?;
                label.map_or(cells.clone(), |label| format!("{cells}: {label}"))
            }
        };
        let said = match (act, self.text("reason")) {
            ("note", Some(text)) => format!("; it says: {text}"),
            ("note", None) => "; taken away".to_owned(),
            (_, Some(reason)) => format!("; reason: {reason}"),
            (_, None) => String::new(),
        };
        Some(format!("decision {seq}: {act} {what}{said}"))
    }

    fn form(&self, number: u32) -> Option<String> {
        let cells = self.count("cells", "cell", "cells")?;
        let cases = self.count("cases", "case", "cases")?;
        let bytes = self.count("bytes", "byte", "bytes")?;
        Some(format!("form {number}: frozen, {cells} of {cases}, {bytes}, id {}", self.text("form_id")?))
    }

    fn answer(&self, number: u32) -> Option<String> {
        let answer = self.text("answer").map_or_else(String::new, |answer| format!(": {answer}"));
        Some(format!("form {number}: {}{answer}", outcome(self.text("outcome")?)))
    }

    fn seen(&self, number: u32) -> Option<String> {
        let counts = self.0.as_object()?.iter().filter_map(|(name, n)| Some((outcome(name), n.as_u64()?)));
        let counts: Vec<String> = counts.map(|(name, n)| format!("{n} {name}")).collect();
        let what = if number == 0 { "already set".to_owned() } else { format!("form {number} read back") };
        Some(format!("{what}: {}", counts.join(", ")))
    }

    fn held(&self) -> Option<String> {
        let held = self.0.get("held")?.as_array()?;
        let mut lines = Vec::new();
        for one in held.iter().take(NAMED).map(Detail) {
            lines.push(format!(
                "{} of case {}: {}",
                one.text("property_name")?,
                one.text("case_id")?,
                one.text("why")?
            ));
        }
        if held.len() > NAMED {
            lines.push(format!("{} more", held.len() - NAMED));
        }
        Some(format!("held {}: {}", count(held.len(), "cell", "cells"), lines.join("; ")))
    }
}

/// The words for an outcome as it stands in the file.
fn outcome(name: &str) -> &str {
    Outcome::named(name).map_or(name, |outcome| outcome.words())
}
