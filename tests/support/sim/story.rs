//! What happened, in order, one line each.

use std::{collections::BTreeMap, sync::Mutex, time::Duration};

/// Form ids are random; a story names them by the order in which they first come, so that it replays.
#[derive(Default)]
pub(crate) struct Story {
    told: bool,
    lines: Mutex<Vec<String>>,
    forms: Mutex<BTreeMap<String, usize>>,
}

impl Story {
    /// A story that is told, or one that nobody wants to hear, which costs nothing.
    pub(crate) fn new(told: bool) -> Self {
        Self { told, ..Self::default() }
    }

    pub(crate) fn say(&self, at: Duration, line: impl FnOnce() -> String) {
        if self.told {
            let line = format!("{:>9.1} s  {}", at.as_secs_f64(), self.plain(&line()));
            self.lines.lock().unwrap().push(line);
        }
    }

    /// The name of a form.
    pub(crate) fn form(&self, id: &str) -> String {
        let mut forms = self.forms.lock().unwrap();
        let next = forms.len() + 1;
        format!("F{}", forms.entry(id.to_owned()).or_insert(next))
    }

    /// The same words with the names of forms in place of their ids.
    pub(crate) fn plain(&self, text: &str) -> String {
        let forms = self.forms.lock().unwrap();
        forms.iter().fold(text.to_owned(), |text, (id, at)| text.replace(id, &format!("F{at}")))
    }

    pub(crate) fn lines(&self) -> Vec<String> {
        self.lines.lock().unwrap().clone()
    }
}
