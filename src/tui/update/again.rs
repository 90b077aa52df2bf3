//! Reading both sides again: beginning and stopping it, what becomes of the screen, what was reset, and the choice for a data set
//! that is not quarterly, which is made by reading again.

use super::{Cmd, Level, Model, Over, decide::number, say};
use crate::{
    domain::{
        finer::{Choice, held},
        text::inert,
    },
    job::{generation::Pick, reach::Finer, report::Reading},
    tui::{
        keymap::{Action, why_not},
        model::{Again, Ask, Choosing, Course, Review, Submit},
    },
};

/// Begins to read again. The review stays on screen until the next reading is in its file.
pub(super) fn begin(model: &mut Model, pick: Option<Pick>, out: &mut Vec<Cmd>) {
    model.reading = Some(Reading::default());
    model.course = Course::On;
    model.explorer.late = false;
    say(model, Level::Ok, "reading both sides again; decisions wait until that ended, ctrl-c stops it");
    out.push(Cmd::ReadAgain(pick));
}

/// Stops reading again.
pub(super) fn stop(model: &mut Model, out: &mut Vec<Cmd>) {
    model.course = Course::Stopped;
    out.push(Cmd::CancelRead);
    say(model, Level::Look, "stopping; the review stays as it was read before");
}

/// The next reading failed or was stopped: nothing of the review changed.
pub(super) fn failed(model: &mut Model, why: &str) {
    model.reading = None;
    if std::mem::take(&mut model.course) == Course::Stopped {
        return say(model, Level::Look, "stopped reading; the review is as it was read before, with every decision");
    }
    say(model, Level::Stop, format!("not read again, the review is as it was: {why}"));
}

/// Takes over where the reviewer was: facilities and properties keep their numbers from reading to reading.
pub(super) fn carry(before: Review, review: &mut Review) {
    review.filter = before.filter;
    review.sort = before.sort;
    (review.unchanged, review.with_unchanged) = (before.unchanged, before.with_unchanged);
    (review.list, review.cells, review.column) = (before.list, before.cells, before.column);
    (review.property, review.left_at) = (before.property, before.left_at);
    review.doors = before.doors;
    review.last_reason = before.last_reason;
    review.again = Some(Again::of(&before.plan, &review.plan));
}

/// Says what the next reading made of the decisions. Checks made on the reading before are void.
pub(super) fn told(model: &mut Model) {
    model.course = Course::On;
    model.submit = Submit { job: model.submit.job + 1, ..Submit::default() };
    let Some(review) = &model.review else { return };
    let all = review.ledger.all();
    let kept = all.decided() + all.zeros + all.kept;
    let reset = review.reset_left().count();
    let where_to = if reset > 0 { "; tab 1 lists them" } else { "" };
    let kept = super::decide::plural(usize::try_from(kept).unwrap_or(usize::MAX), "decision");
    let text = format!("read again: {kept} kept, {} reset{where_to}", number(reset));
    say(model, if reset > 0 { Level::Look } else { Level::Ok }, text);
    // What somebody is typing or reading is not covered.
    if reset > 0 && model.over.is_none() && model.ask.is_none() {
        super::lists::reset(model);
    }
}

/// Enter on a data set that is not quarterly: asks what is made of it, or says why nothing can be.
pub(super) fn ask(model: &mut Model, at: usize) {
    let Some(review) = &model.review else { return };
    let head = &review.plan.head;
    let Some(unfit) = head.finer.get(at) else { return };
    if let Some(why) = &unfit.why {
        let lines =
            vec![format!("{why}."), String::new(), "Nothing is proposed for it, and nothing can be chosen.".to_owned()];
        model.over = Some(Over::Lines { title: "A data set that makes no quarter".to_owned(), lines, top: 0 });
        return;
    }
    if let Some(why) = why_not(model, Action::Read) {
        return say(model, Level::Look, why);
    }
    let chosen = head.choices.get(&unfit.data_set);
    let now = chosen.map(|chosen| format!(" Chosen now: {}.", unfit.words(chosen))).unwrap_or_default();
    let has = held(unfit.called(), head.quarter, unfit.months);
    let question = format!("{has}.{now} How is a quarter made of them? Both sides are read again for it.");
    let offered = unfit.offered();
    let asked = Choosing {
        data_set: unfit.data_set.clone(),
        called: inert(unfit.called()).into_owned(),
        offered: offered.iter().map(Finer::from).collect(),
        chosen: chosen.map(|chosen| same(&offered, chosen)),
        question,
    };
    model.ask = Some(Ask::Finer(asked));
}

/// What is chosen, as one of what is offered: each by its type is the same as the only way there is.
fn same(offered: &[Choice], chosen: &Choice) -> Finer {
    match (Finer::from(chosen), offered) {
        (Finer::ByType, [only, Choice::LeaveOut]) => Finer::from(only),
        (finer, _) => finer,
    }
}

/// A key of that question: reads again with the choice, or without any for this data set.
pub(super) fn answer(model: &mut Model, finer: Option<Finer>, out: &mut Vec<Cmd>) {
    let Some(Ask::Finer(Choosing { data_set, called, .. })) = model.ask.take() else { return };
    begin(model, Some(Pick { data_set, finer }), out);
    let what = finer.map_or("nothing", |finer| match finer {
        Finer::Sum => "sum of the months",
        Finer::Last => "last month",
        Finer::Average => "average of the months",
        Finer::ByType => "each data element by its type",
        Finer::LeaveOut => "leave out",
    });
    say(model, Level::Ok, format!("chosen for {called}: {what}; reading both sides again, ctrl-c stops it"));
}
