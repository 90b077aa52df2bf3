//! What earlier reviews on this machine tell of the flags of the quarter that is read: which files are looked into, and what of
//! them counts. What it means for a flag is `domain::flags`. Nothing here changes a file or takes hold of one.

use std::{
    collections::BTreeSet,
    path::{Path, PathBuf},
};

use anyhow::{Context, Result, anyhow, bail};

use super::{ask::Ask, gather::listed};
use crate::{
    domain::{
        flags::Earlier,
        ledger::{Entry, Ledger},
        outcome::Outcome,
        plan::{Head, Plan},
        quarter::Quarter,
        text::inert,
    },
    io::store::{Form, Glance, Loaded, Store},
};

/// Review files read whole for what was accepted, and for what was written: the newest ones.
const MOST: usize = 20;
/// Review files looked into for what they are of. Names of the usual form are in the order of their quarters, so the newest are
/// among these.
const LOOKED_INTO: usize = 400;

/// Files passed over that a note names.
const NAMED: usize = 5;

/// Where earlier reviews are.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct EarlierFrom {
    /// The folder of the reviews of the project; `None` where there is none.
    pub folder: Option<PathBuf>,
    /// The one review whose accepted flags count, in place of those in the folder.
    pub file: Option<PathBuf>,
}

/// What earlier reviews tell.
#[derive(Clone, Debug, Default)]
pub struct Told {
    /// By cell and property.
    pub earlier: Earlier,
    /// What the reviewer should know about it, one sentence each.
    pub notes: Vec<String>,
}

/// Of which reading, and where to look: everything the reading of files needs, so that it can be done on another thread.
#[derive(Clone, Debug)]
pub struct Search {
    from: EarlierFrom,
    /// Address: a copy of the project on another server has its own history.
    commcare: String,
    project: String,
    case_type: String,
    quarter: Quarter,
    own: Option<PathBuf>,
}

impl Search {
    /// Looks for what `ask` needs.
    pub fn of(ask: &Ask) -> Self {
        Self {
            from: ask.earlier.clone(),
            commcare: ask.commcare.clone(),
            project: ask.project.clone(),
            case_type: ask.case_type.clone(),
            quarter: ask.quarter,
            own: None,
        }
    }

    /// The same with the review file it is read into: what was written from it counts too.
    #[must_use]
    pub fn for_file(self, own: &Path) -> Self {
        Self { own: Some(own.to_owned()), ..self }
    }

    /// Reads the files. Takes as long as they are large, so not to be called where others wait.
    ///
    /// One in the folder that cannot be read is passed over with a note. Fails only where the one review asked for by name cannot be
    /// used.
    pub fn read(&self) -> Result<Told> {
        let mut found = Told::default();
        let mut passed = Vec::new();
        let glances = self.glances(&mut passed);
        for (_, glance) in glances.iter().filter(|(_, glance)| glance.head.undo.is_none()) {
            found.earlier.take_spreads(&glance.head);
        }
        let (accepts, wrote) = self.choice(&glances);
        for (at, (path, _)) in glances.iter().enumerate() {
            let (accepts, wrote) = (accepts.contains(&at), wrote.contains(&at));
            if !accepts && !wrote {
                continue;
            }
            match Review::open(path) {
                Ok(review) if accepts => review.tell(self.quarter, &mut found.earlier),
                Ok(review) => review.tell_written(&mut found.earlier),
                Err(error) => passed.push(passed_over(path, &error)),
            }
        }
        if let Some(file) = &self.from.file {
            let review = self.previous(file)?;
            found.earlier.take_spreads(&review.plan.head);
            review.tell(self.quarter, &mut found.earlier);
        }
        found.notes.extend(counted(&found.earlier, self.from.file.as_deref()));
        passed.sort();
        let more = match passed.len().saturating_sub(NAMED) {
            0 => String::new(),
            more => format!("; and {more} more"),
        };
        passed.truncate(NAMED);
        let words = "earlier reviews passed over, so what was accepted or written there does not count";
        found.notes.extend((!passed.is_empty()).then(|| format!("{words}: {}{more}", passed.join("; "))));
        Ok(found)
    }

    /// Whether the review asked for by name can be used, if there is one; the error says why not.
    pub fn check(&self) -> Result<()> {
        self.from.file.as_deref().map_or(Ok(()), |file| self.previous(file).map(drop))
    }

    /// The review asked for by name.
    fn previous(&self, file: &Path) -> Result<Review> {
        let review = Review::open(file)?;
        let (head, shown) = (&review.plan.head, file.display());
        for (what, theirs, ours) in
            [("project", &head.project, &self.project), ("case type", &head.case_type, &self.case_type)]
        {
            if theirs != ours {
                bail!("{shown} is of {what} {}, and {what} {ours} is to be read", inert(theirs));
            }
        }
        if let Some(undone) = &head.undo {
            bail!("{shown} undoes {}; no number was accepted in it", inert(&undone.file));
        }
        if head.quarter >= self.quarter {
            bail!("{shown} is of {}, which is not before {}, the quarter to be read", head.quarter, self.quarter);
        }
        Ok(review)
    }

    /// Reviews of this project and case type up to this quarter, the newest last.
    fn glances(&self, passed: &mut Vec<String>) -> Vec<(PathBuf, Glance)> {
        let mut paths = self.paths();
        paths.sort();
        paths.dedup();
        let mut found = Vec::new();
        for path in paths.into_iter().rev().take(LOOKED_INTO) {
            match Store::glance(&path) {
                Ok(Some(glance)) if self.is_like(&glance.head) => found.push((path, glance)),
                // A reading under way, or one that was stopped.
                Ok(_) => {}
                Err(error) => passed.push(passed_over(&path, &error)),
            }
        }
        found.sort_by(|(a, one), (b, other)| (&one.head.read_at, a).cmp(&(&other.head.read_at, b)));
        found
    }

    fn paths(&self) -> Vec<PathBuf> {
        let entries = self.from.folder.as_ref().and_then(|folder| std::fs::read_dir(folder).ok());
        let paths = entries.into_iter().flatten().filter_map(|entry| Some(entry.ok()?.path()));
        let reviews = paths.filter(|path| path.extension().is_some_and(|ending| ending == "review"));
        reviews.chain(self.own.clone()).collect()
    }

    fn is_like(&self, head: &Head) -> bool {
        let same = head.commcare == self.commcare && head.project == self.project;
        same && head.case_type == self.case_type && head.quarter <= self.quarter
    }

    /// Which of these are read whole: for what was accepted, and for what was written. The newest of each.
    fn choice(&self, glances: &[(PathBuf, Glance)]) -> (BTreeSet<usize>, BTreeSet<usize>) {
        // Nobody accepted a number in an undo; what it wrote counts like any other.
        let read = |glance: &Glance| glance.decided && glance.head.undo.is_none();
        let before = |glance: &Glance| read(glance) && glance.head.quarter == self.quarter.before();
        let all = || glances.iter().enumerate().rev().map(|(at, (_, glance))| (at, glance));
        let accepts = all().filter(|(_, glance)| self.from.file.is_none() && before(glance)).take(MOST);
        let mut wrote: Vec<(&str, usize)> =
            all().filter_map(|(at, glance)| Some((glance.frozen_at.as_deref()?, at))).collect();
        wrote.sort_unstable();
        let wrote = wrote.into_iter().rev().take(MOST);
        (accepts.map(|(at, _)| at).collect(), wrote.map(|(_, at)| at).collect())
    }
}

/// A review that was read whole.
struct Review {
    name: String,
    plan: Plan,
    ledger: Ledger,
    entries: Vec<Entry>,
    forms: Vec<Form>,
}

impl Review {
    fn open(path: &Path) -> Result<Self> {
        let Loaded { plan, entries, forms, .. } = Store::read_only(path)?;
        let ledger = Ledger::replay(&plan, &entries).map_err(|why| anyhow!("{}: {why}", path.display()))?;
        Ok(Self { name: name(path), plan, ledger, entries, forms })
    }

    fn tell(&self, now: Quarter, earlier: &mut Earlier) {
        earlier.take_accepted(&self.name, &self.plan, &self.ledger, &self.entries, now);
        self.tell_written(earlier);
    }

    /// What its forms wrote: what was read back counts, what was refused or did not take effect was not written, and of the rest it
    /// is not known.
    fn tell_written(&self, earlier: &mut Earlier) {
        for form in &self.forms {
            for one in &form.cells {
                let value = match form.outcome_of(one.cell()) {
                    Outcome::Applied => Some(one.new.as_str()),
                    Outcome::NotApplied => continue,
                    Outcome::Frozen | Outcome::Accepted | Outcome::Unknown => None,
                };
                earlier.take_written(&self.plan, one.cell(), &form.frozen_at, value);
            }
        }
    }
}

/// The name of a file, for a sentence.
fn name(path: &Path) -> String {
    inert(&path.file_name().unwrap_or_default().to_string_lossy()).into_owned()
}

/// Why a file is passed over. Such an error names the file with the folders of this machine, which the plan is not to carry, and
/// ends with what to do for who wanted to open it.
fn passed_over(path: &Path, error: &anyhow::Error) -> String {
    let file = path.file_name().unwrap_or_default().to_string_lossy();
    let words = format!("{error:#}").replace(&*path.to_string_lossy(), &file);
    inert(words.split(';').next().unwrap_or_default()).into_owned()
}

/// Which reviews count, and on how many cells. Of one that was asked for by name it is said even where nothing was accepted in it.
fn counted(earlier: &Earlier, file: Option<&Path>) -> Option<String> {
    let cells = match earlier.accepted_cells() {
        1 => "1 cell".to_owned(),
        n => format!("{n} cells"),
    };
    let [(_, quarter), ..] = earlier.from() else {
        return file.map(|file| format!("no flag was accepted in {}", name(file)));
    };
    let files: Vec<&str> = earlier.from().iter().map(|(file, _)| file.as_str()).collect();
    Some(format!("flags accepted in {quarter} count here, on {cells}: {}", listed(&files)))
}

/// The same on a thread where nobody waits.
pub(super) async fn read(search: Search) -> Result<Told> {
    tokio::task::spawn_blocking(move || search.read()).await.context("earlier reviews could not be read")?
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_newest_are_read_whole() {
        let search = Search {
            from: EarlierFrom::default(),
            commcare: String::new(),
            project: String::new(),
            case_type: String::new(),
            quarter: Quarter::parse("2026Q2").unwrap(),
            own: None,
        };
        let glance = |quarter: &str, decided, frozen_at: Option<usize>| {
            let head = Head::of(Quarter::parse(quarter).unwrap());
            let frozen_at = frozen_at.map(|day| format!("2026-04-{day:02}T09:00:00Z"));
            (PathBuf::new(), Glance { head, decided, frozen_at })
        };
        // The first made its form last.
        let mut all: Vec<_> = (0..=MOST).map(|at| glance("2026Q1", true, Some(at + 1))).collect();
        all[0] = glance("2026Q1", true, Some(30));
        let (accepts, wrote) = search.choice(&all);
        assert_eq!(accepts, (1..=MOST).collect());
        assert_eq!(wrote, (0..=MOST).filter(|at| *at != 1).collect());
        assert_eq!(search.choice(&all[1..]), ((0..MOST).collect(), (0..MOST).collect()), "as many as may be");
        let others = [glance("2026Q1", false, None), glance("2025Q4", true, Some(1)), glance("2026Q2", true, None)];
        assert_eq!(search.choice(&others), (BTreeSet::new(), [1].into()));
        let named = Search { from: EarlierFrom { file: Some(PathBuf::new()), folder: None }, ..search };
        assert_eq!(named.choice(&all[1..]), (BTreeSet::new(), (0..MOST).collect()), "another one counts");
    }
}
