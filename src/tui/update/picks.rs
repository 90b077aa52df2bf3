//! The list of flags, states and marks to show: each row is a word of the filter. The counts are of the whole review and stay; what
//! the filter shows is said when a word goes in or out.

use super::{Level, Model, Over, prompt, say, view};
use crate::{
    domain::{
        flags::{KNOWN, Severity},
        plan::{Kind, State},
        query::noted,
    },
    tui::model::{Pick, Review, Rows},
};

/// `f`.
pub(super) fn open(model: &mut Model) {
    let Some(review) = &model.review else { return };
    let picks = picks(review);
    let rows = Rows { all: (0..picks.len()).collect(), ..Rows::default() };
    model.over = Some(Over::Picks { picks, rows });
    say(model, Level::Ok, "counts are of the whole review; a word narrows what is shown");
}

/// Puts the word under the cursor into the filter, or takes it out. The list stays open.
pub(super) fn choose(model: &mut Model) {
    let Some(Over::Picks { picks, rows }) = &model.over else { return };
    let (Some(review), Some(pick)) = (&model.review, rows.current().and_then(|at| picks.get(at))) else { return };
    let words = review.filter.toggled(&pick.word);
    prompt::apply(model, &words);
    let Some(review) = &model.review else { return };
    let nothing = review.list.all.is_empty();
    if let Some(Over::Picks { picks, .. }) = &mut model.over {
        for pick in picks {
            pick.on = review.filter.has(&pick.word);
        }
    }
    if nothing {
        say(model, Level::Look, format!("nothing is shown by \"{words}\"; enter takes the word out again"));
    }
}

/// The words there are: marks and severities, notes, the flags and the states that need eyes that occur.
fn picks(review: &Review) -> Vec<Pick> {
    let tally = review.ledger.all();
    let (plan, ledger) = (&review.plan, &review.ledger);
    let mut severities = [0_usize; 3];
    for (cell, _) in plan.all_flags() {
        match plan.severity(cell).filter(|_| plan.kind(cell) == Kind::Change) {
            Some(Severity::Stop) => severities[0] += 1,
            Some(Severity::Review) => severities[1] += 1,
            _ => {}
        }
    }
    let count = |n: u32| usize::try_from(n).unwrap_or(usize::MAX);
    let notes = noted(plan, ledger);
    severities[2] = count(tally.changes) - severities[0] - severities[1];
    let pick = |word: String, meaning: &str, count: usize| {
        let on = review.filter.has(&word);
        Pick { word, meaning: meaning.to_owned(), count, on }
    };
    let mut picks = vec![
        pick("is:stop".to_owned(), "STOP: one by one, with a reason", severities[0]),
        pick("is:review".to_owned(), "REVIEW: look at it", severities[1]),
        pick("is:plain".to_owned(), "no flag", severities[2]),
        pick("is:left".to_owned(), "undecided", count(tally.left())),
        pick("is:approved".to_owned(), "approved, zeros too", count(tally.to_write())),
        pick("is:rejected".to_owned(), "rejected: the case keeps its value", count(tally.rejected + tally.kept)),
        pick("note:".to_owned(), "with a note", notes),
    ];
    let known =
        KNOWN.iter().map(|(id, meaning)| (id, meaning, plan.flagged(id).len())).filter(|(.., count)| *count > 0);
    picks.extend(known.map(|(id, meaning, count)| pick(format!("flag:{id}"), meaning, count)));
    let states = State::ALL.into_iter().zip(review.counts.states);
    let eyes = states.filter(|(state, count)| view::EYES.contains(state) && *count > 0);
    picks.extend(
        eyes.map(|(state, count)| pick(format!("state:{}", state.name().to_lowercase()), state.words(), count)),
    );
    picks
}
