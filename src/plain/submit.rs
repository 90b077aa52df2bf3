//! Submitting in lines: the checks, the typed count, progress by forms, the result. Only the number of changes makes an
//! [`Out::Submit`] (review-ux.md rule 1).

use super::{
    review::{Ask, Out, Review, line},
    say::{number, plural},
};
use crate::{
    domain::{outcome::Outcome, plan::Plan},
    job::{
        forms::place,
        report::{Check, FormLine, Held, Level, Phase, SIGNED_OUT, Sending},
    },
};

/// Of the largest changes, of those held and of those set already, how many are named.
const MOST: usize = 20;

impl Review {
    /// Takes the answer to [`Out::Check`]: prints the checks, and asks for the count where nothing stands against sending.
    pub fn checked(&mut self, result: Result<Check, String>) -> Vec<Out> {
        let check = match result {
            Ok(check) => check,
            Err(why) => return vec![line(format!("the checks could not be made, nothing was sent: {why}."))],
        };
        let mut out: Vec<Out> =
            check.lines.iter().map(|(level, text)| line(format!("{}: {text}", level.word()))).collect();
        out.extend(held(&self.plan, &check.held));
        if let Some((property, date)) = &check.stamp {
            out.push(line(format!("each case also gets {property} = {date}.")));
        }
        let biggest = self.biggest(MOST);
        if !biggest.is_empty() {
            out.push(line("the changes to look at again, the largest first:"));
            out.extend(biggest.into_iter().map(|cell| {
                let flag = self.plan.severity(cell).map(|severity| format!("  {}.", severity.word()));
                line(format!("   {}: {}.{}", self.called(cell), self.change(cell), flag.unwrap_or_default()))
            }));
        }
        let (zeros, blanks) = self.unusual();
        for (count, what) in [(zeros, "write a 0 that DHIS2 may not have stored"), (blanks, "make a property blank")] {
            if count > 0 {
                out.push(line(format!("{} of them {what}.", number(count))));
            }
        }
        if let Some((_, stop)) = check.lines.iter().find(|(level, _)| *level == Level::Stop) {
            out.push(line(format!("nothing can be sent: {stop}.")));
        } else if check.changes == 0 {
            out.push(line("no approved change waits to be sent."));
        } else {
            let (changes, facilities) = (plural(check.changes, "change"), plural(check.facilities, "facility"));
            let head = &self.plan.head;
            let label = if head.label.is_empty() { String::new() } else { format!(", {}", head.label) };
            let forms = plural(check.forms, "form");
            out.push(line(format!(
                "this will write {changes} in {facilities} of {}{label}, in {forms}.",
                head.project
            )));
            self.ask = Some(Ask::Count(check.changes));
        }
        out
    }
}

/// The count that was typed: sends where it is the number of changes.
pub(super) fn counted(count: usize, text: &str) -> Vec<Out> {
    let digits = text.replace(',', "");
    if text.is_empty() {
        return vec![line("no; nothing was sent.")];
    }
    if !digits.bytes().all(|byte| byte.is_ascii_digit()) || digits.parse() != Ok(count) {
        let right = number(count);
        return vec![line(format!(
            "{text} is not the number of changes, {right}; nothing was sent. submit asks again."
        ))];
    }
    let text = format!("submitting {}; ctrl-c stops after the form under way.", plural(count, "change"));
    vec![line(text), Out::Submit(count)]
}

/// How far a submission is, in a line.
pub(super) fn sending(sending: &Sending) -> String {
    let answered = |form: &&FormLine| form.outcome.is_some_and(|outcome| outcome != Outcome::Frozen);
    let (done, all) = (sending.forms.iter().filter(answered).count(), sending.forms.len());
    let applied = format!("{} of {} applied", number(sending.applied), plural(sending.changes, "change"));
    let what = match sending.phase {
        Phase::Checking => "the cases are read again before the first form".to_owned(),
        Phase::Sending => format!("{} of {} sent, {applied}", number(done), plural(all, "form")),
        Phase::ReadingBack => format!("{} sent; the cases are read back, {applied}", plural(done, "form")),
        Phase::Ended => format!("ended, {applied}"),
    };
    let told = sending.pause.as_ref().map(|pause| pause.why.clone()).or_else(|| sending.note.clone());
    format!("{what}{}.", told.map(|note| format!("; {}", note.trim_end_matches('.'))).unwrap_or_default())
}

/// What became of a submission: every form, and what was not sent.
pub(super) fn result(plan: &Plan, sending: &Sending) -> Vec<Out> {
    if sending.forms.is_empty() && sending.changes == 0 {
        return vec![line("no form was made so far, so none is open.")];
    }
    let mut out: Vec<Out> = Vec::new();
    for form in &sending.forms {
        let outcome = match form.outcome {
            Some(_) if form.replaced => "NOT APPLIED, sent again in later forms",
            outcome => outcome.map_or("not sent", Outcome::words),
        };
        let (facilities, changes) = (plural(form.facilities, "facility"), plural(form.changes, "change"));
        let (first, last) = (&form.first, &form.last);
        out.push(line(format!("form {}: {outcome}. {changes} in {facilities}, {first} to {last}.", form.number)));
        out.extend(form.answer.iter().map(|answer| line(format!("   answer: {answer}"))));
    }
    let named = |facility: u32| &plan.facility(facility).name;
    out.extend(sending.rejected.iter().map(|(at, why)| line(format!("rejected {}: {why}", named(*at)))));
    out.extend(sending.recent.iter().map(|at| {
        line(format!("recent {}: somebody changed the case within the minute before its form.", named(*at)))
    }));
    out.extend(held(plan, &sending.held));
    out.extend(some(&sending.elsewhere, |set| format!("already set: {}.", place(plan, set.cell))));
    let mut counts = format!("{} of {} applied", number(sending.applied), plural(sending.changes, "change"));
    for (n, what) in [
        (sending.accepted, "accepted, not seen"),
        (sending.not_applied, "NOT APPLIED"),
        (sending.unknown, "UNKNOWN"),
        (sending.held.len(), "held"),
        (sending.elsewhere.len(), "already set"),
    ] {
        if n > 0 {
            counts = format!("{counts}; {} {what}", number(n));
        }
    }
    out.push(line(format!("{counts}.")));
    out.extend(sending.note.iter().map(line));
    out.push(line(next(sending)));
    out
}

/// What it means, and what can be done next.
fn next(sending: &Sending) -> &'static str {
    if sending.refused {
        SIGNED_OUT
    } else if sending.all_applied() {
        "every change was read back with its new value."
    } else if sending.unknown > 0 {
        "UNKNOWN: no answer settled it. Bytes and form id are kept; settle forms asks again and settles it."
    } else if sending.not_applied > 0 {
        "what was not applied is still what the case held; decide again, then submit."
    } else if sending.accepted > 0 {
        "accepted changes were not seen yet, CommCare may take minutes to show them; verify looks again."
    } else {
        "left tells what still waits; submit makes the checks again."
    }
}

fn held(plan: &Plan, held: &[Held]) -> Vec<Out> {
    some(held, |held| format!("held {}: {}", place(plan, held.cell), held.why))
}

/// The first of these, and how many more there are.
fn some(all: &[Held], text: impl Fn(&Held) -> String) -> Vec<Out> {
    let mut out: Vec<Out> = all.iter().take(MOST).map(|one| line(text(one))).collect();
    if all.len() > MOST {
        out.push(line(format!("and {} more.", number(all.len() - MOST))));
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn x09_a_refused_sign_in_goes_before_what_it_left_behind() {
        let sending = |refused| Sending { refused, accepted: 1, not_applied: 1, ..Sending::default() };
        assert!(next(&sending(true)).contains("What was approved stands") && next(&sending(true)).contains("--ask"));
        assert!(next(&sending(false)).contains("decide again"));
    }
}
