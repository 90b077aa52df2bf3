//! Why a candidate stands where it stands, what a facility would get, what is wrong with the row, and how far looking things up is.

use ratatui::layout::Rect;

use super::{in_candidates, list::told};
use crate::{
    domain::{
        explored::{Candidate, Element, Explored, Held, HeldAt},
        mapping::Problem,
        text::inert,
        value::{Number, grouped},
    },
    tui::{
        explorer::{Explorer, Looked},
        keymap::Action,
        layout::{Layout, Shape},
        model::Model,
        parts::{Canvas, count, percent, share, wrap},
        theme::Role,
    },
};

/// Sentences that belong together.
type Said = Vec<(String, Role)>;

/// Columns of the bar.
const BAR: usize = 20;

/// Draws the detail.
pub(super) fn draw(model: &Model, layout: &Layout, canvas: &mut Canvas<'_>) {
    let explorer = &model.explorer;
    let area = layout.detail;
    let mut blocks: Vec<Said> = Vec::new();
    if !explorer.shown().is_empty() {
        // With nothing listed the list says it.
        blocks.push(looking(model));
    }
    let (why, held, problems) = (why(explorer), held(explorer), problems(explorer));
    let named = match layout.shape {
        Shape::Three => {
            blocks.push(ids(explorer));
            Vec::new()
        }
        shape => named(explorer, shape),
    };
    if in_candidates(model) {
        blocks.extend([held, named, why, problems]);
    } else {
        blocks.extend([held, problems, named, why]);
    }
    blocks.push(explorer.explored.iter().flat_map(|known| &known.notes).map(|note| plain(note)).collect());
    blocks.retain(|block| !block.is_empty());
    let room = usize::from(area.width.saturating_sub(2));
    let blocks: Vec<Vec<(String, Role, bool)>> = blocks.iter().map(|block| lines(block, room)).collect();
    let height = usize::from(area.height);
    let all: usize = blocks.iter().map(Vec::len).sum();
    // A free line above where there is one to spare, and between what is said of different things where all fits.
    let above = usize::from(layout.shape != Shape::Stacked && height > 3 || all < height);
    let apart = usize::from(all + above + blocks.len().saturating_sub(1) <= height);
    let mut said: Vec<(String, Role, bool)> = Vec::new();
    for block in blocks {
        if apart > 0 && !said.is_empty() {
            said.push((String::new(), Role::Text, false));
        }
        said.extend(block);
    }
    write(canvas, area, above, &said);
}

/// The lines of a block; the first of each sentence is marked.
fn lines(block: &[(String, Role)], room: usize) -> Vec<(String, Role, bool)> {
    let wrapped = block.iter().flat_map(|(text, role)| {
        // A number stays beside its sign.
        let text = inert(text).replace(" %", "\u{a0}%");
        let lines = wrap(&text, room).into_iter().map(|line| line.replace('\u{a0}', " "));
        lines.enumerate().map(move |(at, line)| (line, *role, at == 0)).collect::<Vec<_>>()
    });
    wrapped.collect()
}

/// Writes as many lines as there is room for; the last one says how many sentences are not seen.
fn write(canvas: &mut Canvas<'_>, area: Rect, above: usize, said: &[(String, Role, bool)]) {
    let room = usize::from(area.height).saturating_sub(above);
    let cut = said.len() > room;
    let seen = if cut { room.saturating_sub(1) } else { said.len() };
    for (row, (line, role, _)) in (0..area.height).skip(above).zip(&said[..seen]) {
        canvas.pen(area, row).gap(1).put(line, *role);
    }
    if cut && room > 0 {
        let more = said[seen..].iter().filter(|(.., begins)| *begins).count();
        let last = area.height - 1;
        // The next line is there, and what follows it is counted.
        let text = if more > 1 { format!("   … {} more", count(more - 1)) } else { " …".to_owned() };
        let (line, role, _) = &said[seen];
        let fits = crate::domain::text::fit(line, usize::from(area.width).saturating_sub(text.len() + 2)).into_owned();
        canvas.pen(area, last).gap(1).put(&fits, *role).put(&text, Role::Dim);
    }
}

fn plain(text: &str) -> (String, Role) {
    (text.to_owned(), Role::Text)
}

/// What is being done, or why it failed.
pub(super) fn looking(model: &Model) -> Said {
    let open = model.keys.key(Action::Open);
    if let Some(words) = &model.explorer.searching {
        return vec![plain(&format!("Searching all data sets for \"{words}\""))];
    }
    match &model.explorer.looked {
        Looked::Asking(looking) if looking.of > 0 => {
            let done = looking.done.min(looking.of);
            vec![plain(&format!("Looking: {}, {} of {}", looking.step, count(done), count(looking.of)))]
        }
        Looked::Asking(looking) => vec![plain(&format!("Looking: {}", looking.step))],
        Looked::Failed(why) => {
            let mut said: Said = why.lines().map(|line| (line.to_owned(), Role::Stop)).collect();
            said.push(plain(&format!("Nothing was written; {open} in the rows asks again.")));
            said
        }
        Looked::Idle | Looked::Ready => Vec::new(),
    }
}

/// How far looking is, under what is said of it.
pub(super) fn bar(model: &Model, canvas: &mut Canvas<'_>, area: Rect, below: usize) {
    let Looked::Asking(looking) = &model.explorer.looked else { return };
    let row = u16::try_from(below).unwrap_or(u16::MAX);
    if looking.of > 0 {
        let done = looking.done.min(looking.of);
        let mut pen = canvas.pen(area, row);
        pen.gap(1).bar(BAR, share(done, looking.of)).gap(1);
        pen.right(4, &format!("{}%", percent(done, looking.of)), Role::Text);
    }
}

/// The reasons for and against the candidate under the cursor.
fn why(explorer: &Explorer) -> Said {
    let both = explorer.candidate().zip(explorer.explored.as_ref());
    let Some((candidate, known)) = both else { return Vec::new() };
    vec![plain(&candidate.why(known))]
}

/// Names and ids in full where the list has no room for them: of another data element, and of all where panes are stacked.
fn named(explorer: &Explorer, shape: Shape) -> Said {
    let Some(candidate) = explorer.candidate() else { return Vec::new() };
    if candidate.alike.is_none() && shape != Shape::Stacked {
        return Vec::new();
    }
    let both = |name: &str, id: &str| if name.is_empty() { id.to_owned() } else { format!("{name} ({id})") };
    let set = candidate.set.as_ref().map(|set| both(&set.name, &set.id));
    let element = candidate.alike.map(|_| both(&candidate.element_name, &candidate.element));
    let said = match (element, set) {
        (Some(element), Some(set)) => format!("{element} in {set}"),
        (Some(said), None) | (None, Some(said)) => said,
        (None, None) => return Vec::new(),
    };
    vec![(said, Role::Strong)]
}

/// What is wrong with the row under the cursor.
fn problems(explorer: &Explorer) -> Said {
    let one = |problem: &Problem| {
        let said = problem.to_string();
        let said = said.strip_prefix(&format!("line {}", problem.line)).unwrap_or(&said);
        let said = said.trim_start_matches([',', ':', ' ']).to_owned();
        if problem.blocks { (format!("!! {said}"), Role::Stop) } else { (format!("! {said}"), Role::Review) }
    };
    explorer.entry().into_iter().flat_map(told).map(one).collect()
}

/// What the facility holds of the candidate under the cursor; nothing where nobody asked.
fn held(explorer: &Explorer) -> Said {
    let asked = explorer.place.as_ref().zip(explorer.candidate()).zip(explorer.explored.as_ref());
    let Some(((place, candidate), known)) = asked else { return Vec::new() };
    let set = candidate.set.as_ref().map_or("no data set", |set| if set.name.is_empty() { &set.id } else { &set.name });
    let before = format!("{} in {set} for {}: ", known.quarter, place.name);
    match &explorer.held {
        None => vec![(format!("{before}asking DHIS2"), Role::Dim)],
        Some(Err(why)) => vec![(format!("{before}{why}"), Role::Stop)],
        Some(Ok(held)) => {
            let notes = held.notes.iter().map(|note| (note.clone(), Role::Review));
            std::iter::once((format!("{before}{}", values(held, candidate, known)), Role::Strong))
                .chain(notes)
                .collect()
        }
    }
}

/// `214 (4 category options)`; of a monthly data set by month.
fn values(held: &HeldAt, candidate: &Candidate, known: &Explored) -> String {
    let quarter = known.quarter;
    let period = candidate.set.as_ref().and_then(|set| set.period_type.as_deref());
    let Some(stored) = held.stored(candidate, quarter) else {
        return period.map_or_else(
            || "nothing can be reported on it".to_owned(),
            |period| format!("not asked for, a {} data set", period.to_lowercase()),
        );
    };
    // What is not there was not stored only where everything could be read.
    let nothing = if held.notes.is_empty() { "nothing stored" } else { "not read" };
    if stored.is_empty() {
        let months = if period == Some("Monthly") && held.notes.is_empty() { " in its three months" } else { "" };
        return format!("{nothing}{months}");
    }
    let of = |one: &Held| {
        if one.period == quarter.to_string() { value(one) } else { format!("{} {}", one.period, value(one)) }
    };
    if period != Some("Monthly") {
        return stored.into_iter().map(of).collect::<Vec<_>>().join(", ");
    }
    let month = |month: &String| {
        let one = stored.iter().find(|one| one.period == *month);
        one.map_or_else(|| format!("{month} {nothing}"), |one| of(one))
    };
    quarter.months().iter().map(month).collect::<Vec<_>>().join(", ")
}

/// A total with its parts; text in quotes.
fn value(held: &Held) -> String {
    let total = if Number::parse(&held.total).is_some() { grouped(&held.total) } else { format!("\"{}\"", held.total) };
    if held.parts > 1 { format!("{total} ({} category options)", count(held.parts)) } else { total }
}

/// Names and ids of the row and of the candidate, in full.
fn ids(explorer: &Explorer) -> Said {
    let Some(entry) = explorer.entry() else { return Vec::new() };
    let row = &entry.row;
    let both = |what: &str, id: &str, name: &str| {
        let id = if id.is_empty() { "no id" } else { id };
        plain(format!("{what}  {id}  {name}").trim_end())
    };
    let name = match &entry.element {
        Element::Shown(name) if !name.is_empty() => name,
        _ => &row.name,
    };
    let mut said = vec![
        (row.property.clone(), Role::Strong),
        both("data element", &row.data_element, name),
        both("data set    ", &row.data_set, ""),
    ];
    let Some((candidate, known)) = explorer.candidate().zip(explorer.explored.as_ref()) else { return said };
    said.push(("Candidate".to_owned(), Role::Strong));
    if candidate.alike.is_some() {
        said.push(both("data element", &candidate.element, &candidate.element_name));
    }
    if let Some(set) = &candidate.set {
        said.push(both("data set    ", &set.id, &set.name));
        let period = set.period_type.as_deref().map_or_else(|| "not told".to_owned(), str::to_lowercase);
        said.push(plain(&format!("period        {period}")));
        let reported = super::candidates::reported(set.reported, known.facilities);
        said.push(plain(&format!("reported      {reported}")));
        let assigned = set.assigned.map_or_else(|| "not told".to_owned(), count);
        said.push(plain(&format!("assigned to   {assigned} of them")));
    }
    said
}
