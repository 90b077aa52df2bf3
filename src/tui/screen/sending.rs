//! Submit under way and after: every form with its outcome, and what became of the changes.

use ratatui::layout::Rect;

use super::{reading::clock, submit};
use crate::{
    domain::{
        outcome::Outcome,
        text::{fit_middle, inert},
    },
    job::report::{FormLine, Phase, SIGNED_OUT, Sending},
    tui::{
        layout::Layout,
        model::{Fate, Model, Place},
        parts::{Canvas, Pen, Piece, columns, count, percent, piece, plural, share, wrap},
        table::{Sheet, cursor, window},
        theme::Role,
    },
};

/// Forms that are seen at least, whatever is said under them.
const FEWEST_FORMS: u16 = 3;
/// Columns of the bar of progress.
const BAR: usize = 50;

/// The second line: where to, and for how long.
pub(super) fn place(model: &Model, sent: &Sending, pen: &mut Pen<'_>) {
    let run = &model.run;
    let open = sent.accepted + sent.unknown;
    let what = match sent.phase {
        Phase::Ended if model.unsent() + open == 0 => "Submitted to ",
        Phase::Ended if sent.forms.iter().all(|form| form.form_id.is_none()) => "Stopped before sending to ",
        Phase::Ended => "Partly submitted to ",
        _ => "Submitting to ",
    };
    pen.put(what, Role::Text).put(&run.project, Role::Strong);
    if !run.label.is_empty() {
        pen.gap(2).put(&run.label, Role::Stop);
    }
    let paused = match (sent.phase, model.submit.paused, model.submit.stopping) {
        (Phase::Ended, ..) => "",
        (_, _, true) => "stopping after this form   ",
        (_, true, _) => "paused   ",
        _ => "",
    };
    pen.close(&[piece(paused, Role::Review), piece(clock(sent.elapsed), Role::Dim)]);
}

/// Draws the body: counts above, the forms in a window, the sentence of what is waited for below.
pub(super) fn draw(model: &Model, sent: &Sending, body: Rect, canvas: &mut Canvas<'_>) {
    let waiting = waiting(model, sent);
    counts(sent, waiting, body, canvas);
    let here = model.submit.line(model.unsent());
    if sent.phase == Phase::Ended {
        doors(
            sent,
            (waiting, model.unsent()),
            here,
            Rect { y: body.y + 1, height: body.height.saturating_sub(1), ..body },
            canvas,
        );
    }
    let (forms, under, sheet) = places(model, sent, body);
    table(model, sent, here, forms, canvas);
    sheet.draw(canvas, under);
}

/// Forms that are seen at once.
pub(in crate::tui) fn forms_height(model: &Model, sent: &Sending) -> usize {
    let (forms, ..) = places(model, sent, model.layout().body);
    forms.height.saturating_sub(1).into()
}

/// Which line the cursor can stand on is seen in this line of the window, counted as [`Place`]s are.
pub(in crate::tui) fn row_at(model: &Model, sent: &Sending, layout: &Layout, line: u16) -> Option<usize> {
    let (forms, ..) = places(model, sent, layout.body);
    let doors = if sent.phase == Phase::Ended { 1 + Fate::counts(sent, model.unsent()).len() } else { 0 };
    let door = usize::from(line.checked_sub(layout.body.y + 1)?);
    if door < doors && line < layout.body.bottom() {
        return Some(door);
    }
    let (rows, shown) = seen(model, sent, forms);
    let form = usize::from(line.checked_sub(rows.y)?);
    let at = model.submit.top + form;
    (form < shown && at < sent.forms.len()).then_some(doors + at)
}

/// Where the rows of the forms stand under their heading, and how many there are: the last line may say how many more follow.
fn seen(model: &Model, sent: &Sending, area: Rect) -> (Rect, usize) {
    let rows = Rect { y: area.y + 1, height: area.height.saturating_sub(1), ..area };
    let height = usize::from(rows.height);
    let more = sent.forms.len() > model.submit.top + height;
    (rows, height.saturating_sub(usize::from(more)))
}

/// Where the forms stand with their heading, and what stands under them.
fn places<'a>(model: &'a Model, sent: &'a Sending, body: Rect) -> (Rect, Rect, Sheet<'a>) {
    let width = usize::from(body.width);
    let mut sheet = Sheet::default();
    let now = super::reading::time(model).unwrap_or_default();
    let pause = sent.pause.as_ref().map(|pause| pause.words(now));
    let told = pause.iter().chain(&sent.note);
    for line in told.flat_map(|note| wrap(&inert(note), width.saturating_sub(2))) {
        sheet.line(move |pen| _ = pen.gap(1).put(&line, Role::Text));
    }
    if sent.phase == Phase::Ended {
        result(&mut sheet, model, sent, waiting(model, sent), width);
    }
    submit::held(&mut sheet, model, &sent.held, width);
    let above = match sent.phase {
        Phase::Ended => 2 + columns(Fate::counts(sent, model.unsent()).len()),
        _ => 3,
    };
    // What is said gives way to the forms.
    let most = body.height.saturating_sub(above + 1 + FEWEST_FORMS + 1).min(body.height * 2 / 5);
    let below = columns(sheet.len()).min(most);
    let forms = Rect { y: body.y + above, height: body.height.saturating_sub(above + 1 + below), ..body };
    let under = Rect { y: body.bottom().saturating_sub(below), height: below, ..body };
    (forms.intersection(body), under, sheet)
}

/// The lines after the end that open something: the checks again, then what became of the changes.
fn doors(sent: &Sending, (waiting, unsent): (usize, usize), here: Option<Place>, area: Rect, canvas: &mut Canvas<'_>) {
    let again = if waiting > 0 { "check again, then type the count of the rest" } else { "check again" };
    let line = |row: u16, place: Place, number: &str, text: &str, role: Role, canvas: &mut Canvas<'_>| {
        canvas.pen(area, row).gap(3).right(9, number, role).gap(1).put(text, role);
        cursor(canvas, area, row, here == Some(place), true);
    };
    line(0, Place::Again, "", again, Role::Text, canvas);
    for (row, (fate, number)) in (1..area.height).zip(Fate::counts(sent, unsent)) {
        let role = match fate {
            Fate::Applied => Role::Approved,
            Fate::Accepted => Role::Text,
            Fate::NotApplied => Role::Stop,
            Fate::Unsent | Fate::Unknown | Fate::Held => Role::Review,
        };
        let text = match fate {
            Fate::Applied => format!("of {} applied", count(sent.changes)),
            // A refused form was sent, so its changes are only not in the cases.
            Fate::Unsent if sent.not_applied > 0 => "approved, not written".to_owned(),
            _ => fate.words().to_owned(),
        };
        line(row, Place::Count(fate), &count(number), &text, role, canvas);
    }
}

/// Approved changes that are in no form that was sent, once nothing more is sent; a refused form's count among them.
fn waiting(model: &Model, sent: &Sending) -> usize {
    if sent.phase == Phase::Ended { model.unsent() } else { 0 }
}

fn counts(sent: &Sending, waiting: usize, body: Rect, canvas: &mut Canvas<'_>) {
    let total = sent.forms.len();
    let done = sent.forms.iter().filter(|form| form.outcome.is_some_and(|o| o != Outcome::Frozen)).count();
    let mut pen = canvas.pen(body, 0);
    let what = match sent.phase {
        Phase::Checking => "the cases are read again before the first form".to_owned(),
        // Forms are no measure here: what waits is in none yet.
        Phase::Ended if waiting > 0 => format!("{} sent; not all that is approved", plural(done, "form", "forms")),
        Phase::ReadingBack => format!("{} sent; the cases are read back", plural(done, "form", "forms")),
        _ => format!("{} of {} sent  {}%", count(done), plural(total, "form", "forms"), percent(done, total)),
    };
    let room = usize::from(body.width).saturating_sub(crate::domain::text::width(&what) + 6);
    let far = if waiting > 0 { share(sent.applied, sent.applied + waiting) } else { share(done, total) };
    pen.gap(1).bar(BAR.min(room), far).gap(3).put(&what, Role::Text);
    if sent.phase == Phase::Ended {
        return;
    }
    let mut row = 1;
    let mut used = 0;
    for (text, role) in outcome_pieces(sent) {
        let wide = u16::try_from(crate::domain::text::width(&text)).unwrap_or(body.width);
        if used > 0 && used + wide + 5 > body.width && row < 2 {
            row += 1;
            used = 0;
        }
        canvas.pen(body, row).gap(3 + used).put(&text, role);
        used += wide + if body.width < 100 { 2 } else { 4 };
    }
}

/// `1,090 of 3,980 applied    1,089 accepted    361 unknown`, while forms are sent.
fn outcome_pieces(sent: &Sending) -> Vec<Piece<'static>> {
    // A form whose answer is awaited is under way, not lost; what becomes of it is known only when sending ended.
    let lost = sent.forms.iter().filter(|form| form.outcome == Some(Outcome::Unknown)).map(|form| form.changes);
    let unknown = lost.sum::<usize>().min(sent.unknown);
    let mut pieces = vec![piece(format!("{} of {} applied", count(sent.applied), count(sent.changes)), Role::Approved)];
    for (number, word, role) in [
        (sent.accepted, "accepted", Role::Text),
        (sent.not_applied, "not applied", Role::Stop),
        (sent.unknown - unknown, "under way", Role::Text),
        (unknown, "unknown", Role::Review),
        (sent.held.len(), "held", Role::Review),
    ] {
        if number > 0 {
            pieces.push(piece(format!("{} {word}", count(number)), role));
        }
    }
    pieces
}

/// What the numbers mean once nothing more is done.
fn result<'a>(sheet: &mut Sheet<'a>, model: &Model, sent: &'a Sending, waiting: usize, width: usize) {
    let open = sent.accepted + sent.unknown;
    let text = if sent.refused {
        SIGNED_OUT
    } else if waiting > 0 && open == 0 && sent.not_applied == 0 {
        "What was sent is settled. The first line makes the checks again and asks for the count of the rest."
    } else if sent.all_applied() {
        "Every change was read back with its new value."
    } else if sent.unknown > 0 {
        "UNKNOWN means no answer settled it. Bytes and form id are kept; v asks again and settles it."
    } else if sent.not_applied > 0 {
        "What was not applied is still what the case held; the server's words stand at its form."
    } else if sent.accepted > 0 {
        "Accepted changes were not seen yet: CommCare may take minutes to show them. v looks again."
    } else {
        "Nothing more is sent."
    };
    for line in wrap(text, width.saturating_sub(2)) {
        sheet.line(move |pen| _ = pen.gap(1).put(&line, Role::Strong));
    }
    let Some(review) = &model.review else { return };
    let name = |facility: u32| inert(&review.plan.facility(facility).name).into_owned();
    let rejected =
        sent.rejected.iter().map(|(facility, why)| (format!("{}: {}", name(*facility), inert(why)), Role::Stop));
    let recent = sent.recent.iter().map(|facility| {
        (format!("{}: somebody changed the case within the minute before its form", name(*facility)), Role::Review)
    });
    for (text, role) in rejected.chain(recent.take(3)) {
        for line in wrap(&text, width.saturating_sub(2)) {
            sheet.line(move |pen| _ = pen.gap(1).put(&line, role));
        }
    }
    for form in &sent.forms {
        if let Some(answer) = form.answer.as_deref().filter(|_| form.outcome != Some(Outcome::Applied)) {
            let text = format!("form {}: {}", form.number, inert(answer));
            for line in wrap(&text, width.saturating_sub(2)) {
                sheet.line(move |pen| _ = pen.gap(1).put(&line, Role::Stop));
            }
        }
    }
}

/// The forms on screen, from the first one seen.
fn table(model: &Model, sent: &Sending, here: Option<Place>, area: Rect, canvas: &mut Canvas<'_>) {
    let id = match area.width {
        ..80 => 0,
        80..120 => 11,
        _ => 38,
    };
    let names = usize::from(area.width).saturating_sub(8 + 9 + 3 + 20 + id);
    let mut pen = canvas.pen(area, 0);
    let role = Role::Heading;
    pen.right(6, "form", role).gap(2).left(names, "facilities", role).right(9, "changes", role).gap(3);
    pen.left(20, "outcome", role).put(if id > 0 { "form id" } else { "" }, role);
    let (rows, shown) = seen(model, sent, area);
    let more = sent.forms.len().saturating_sub(model.submit.top + usize::from(rows.height));
    for (row, at) in window(rows, model.submit.top, sent.forms.len()).take(shown) {
        form(&sent.forms[at], names, id, &mut canvas.pen(rows, row));
        cursor(canvas, rows, row, here == Some(Place::Form(at)), true);
    }
    if more > 0 {
        let text = format!("… {} more", count(more + 1));
        canvas.pen(rows, rows.height.saturating_sub(1)).gap(4).put(&text, Role::Dim);
    }
}

fn form(form: &FormLine, names: usize, room: usize, pen: &mut Pen<'_>) {
    let (first, last) = (inert(&form.first), inert(&form.last));
    let range = if first == last || form.facilities < 2 {
        fit_middle(&first, names).into_owned()
    } else {
        let each = names.saturating_sub(4) / 2;
        format!("{} … {}", fit_middle(&first, each), fit_middle(&last, each))
    };
    let (outcome, role) = match form.outcome {
        None => ("waiting", Role::Dim),
        Some(_) if form.replaced => ("sent again below", Role::Dim),
        Some(outcome) => (outcome.words(), outcome_role(outcome)),
    };
    pen.right(6, &count(form.number), Role::Text).gap(2).left(names, &range, Role::Text);
    pen.right(9, &count(form.changes), Role::Text).gap(3).left(20, outcome, role);
    let id = form.form_id.as_deref().unwrap_or("");
    let short = id.get(..8).unwrap_or(id);
    pen.put(
        if room > 36 {
            id
        } else if room > 0 {
            short
        } else {
            ""
        },
        Role::Dim,
    );
}

/// How an outcome looks; its words carry it.
fn outcome_role(outcome: Outcome) -> Role {
    match outcome {
        Outcome::Frozen | Outcome::Accepted => Role::Text,
        Outcome::Applied => Role::Approved,
        Outcome::NotApplied => Role::Stop,
        Outcome::Unknown => Role::Review,
    }
}
