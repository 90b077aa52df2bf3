//! What Data sets asks for: the mapping file and the two servers. Only the newest question of a kind is worked on.

use std::sync::Arc;

use anyhow::{Context as _, Result};
use futures_util::future::ready;
use tokio::{sync::watch, task::AbortHandle};

use super::{Performer, current, told};
use crate::{
    domain::{explored::Candidate, mapping::Mapping, plan::Plan},
    job::{
        connect::with_mapping,
        datasets::{Explorer, Facilities, Looking, Place},
        fetch::Ask,
        session::Session,
    },
    tui::{
        Replies,
        explorer::Mapped,
        msg::{Job, Msg},
    },
};

/// Reads the mapping as it is now.
pub type ReadMapping = Arc<dyn Fn() -> Result<Mapped> + Send + Sync>;

/// Puts these bytes in the place of the mapping that was read, and answers what was written where, in words.
pub type WriteMapping = Arc<dyn Fn(&Mapping, &[u8]) -> Result<String> + Send + Sync>;

/// The mapping file.
#[derive(Clone)]
pub struct MappingFile {
    /// Reads it.
    pub read: ReadMapping,
    /// Writes it.
    pub write: WriteMapping,
}

impl std::fmt::Debug for MappingFile {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("MappingFile")
    }
}

/// What is under way for Data sets, and what it works on.
#[derive(Default)]
pub(super) struct Looked {
    file: Option<MappingFile>,
    explorer: Arc<std::sync::Mutex<Option<Arc<Explorer>>>>,
    exploring: Option<AbortHandle>,
    searching: Option<AbortHandle>,
    valuing: Option<AbortHandle>,
}

impl Looked {
    /// Stops what only reads.
    pub(super) fn stop(&mut self) {
        for task in [self.exploring.take(), self.searching.take(), self.valuing.take()].into_iter().flatten() {
            task.abort();
        }
    }
}

impl Performer {
    /// The same, with the mapping in this file: it is read again before both sides are.
    #[must_use]
    pub fn with_mapping(mut self, file: MappingFile) -> Self {
        self.looked.file = Some(file);
        self
    }

    /// What reading means now: with the mapping as the file has it.
    pub(super) fn asked_anew(&self) -> impl Fn(&Ask) -> Result<Ask> + Send + Sync + use<> {
        let file = self.looked.file.clone();
        move |ask| {
            let Some(file) = &file else { return Ok(ask.clone()) };
            let mapped = (file.read)().context("nothing was read")?;
            with_mapping(ask, mapped.mapping.as_ref().clone(), mapped.label).context("nothing was read")
        }
    }

    /// Reads the mapping, and asks what DHIS2 holds for its rows.
    pub(super) fn explore(&mut self, job: Job, reply: &Replies) {
        self.looked.stop();
        let (file, session, ask) = (self.looked.file.clone(), self.session.clone(), self.ask.clone());
        let (plan, kept, said) = (current(&self.plan), Arc::clone(&self.looked.explorer), reply.clone());
        let work = async move {
            let explore = async {
                let mapped = (file.context("no mapping file is known here")?.read)()?;
                let mapping = Arc::clone(&mapped.mapping);
                let _ = said.send(Msg::Mapped(job, Ok(mapped)));
                let explorer = Arc::new(explorer(&session, ask.as_deref(), plan.as_deref(), mapping)?);
                *kept.lock().unwrap_or_else(std::sync::PoisonError::into_inner) = Some(Arc::clone(&explorer));
                let (progress, shown) = watch::channel(Looking::default());
                let tell = move |looking| _ = progress.send_replace(looking);
                told(explorer.explore(&tell), shown, &said, |looking| Msg::Looking(job, looking)).await
            };
            Msg::Explored(job, explore.await.map(Box::new).map_err(|error| format!("{error:#}")))
        };
        self.looked.exploring = Some(self.start(reply, work, move |why| ready(Msg::Explored(job, Err(why)))));
    }

    /// The explorer that was made for the mapping read last.
    fn explorer(&self) -> Result<Arc<Explorer>> {
        let kept = self.looked.explorer.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
        kept.clone().context("the servers were not asked yet")
    }

    pub(super) fn search(&mut self, job: Job, words: String, reply: &Replies) {
        if let Some(older) = self.looked.searching.take() {
            older.abort();
        }
        let explorer = self.explorer();
        let work = async move {
            let found = async { explorer?.search(&words).await };
            Msg::Found(job, found.await.map_err(|error| format!("{error:#}")))
        };
        self.looked.searching = Some(self.start(reply, work, move |why| ready(Msg::Found(job, Err(why)))));
    }

    pub(super) fn load_held(&mut self, job: Job, place: Place, candidates: Vec<Candidate>, reply: &Replies) {
        if let Some(older) = self.looked.valuing.take() {
            older.abort();
        }
        let explorer = self.explorer();
        let work = async move {
            let held = async { explorer?.values(&place, &candidates).await };
            Msg::Held(job, held.await.map_err(|error| format!("{error:#}")))
        };
        self.looked.valuing = Some(self.start(reply, work, move |why| ready(Msg::Held(job, Err(why)))));
    }

    pub(super) fn load_places(&mut self, job: Job, reply: &Replies) {
        let explorer = self.explorer();
        let work = async move {
            let places = async { explorer?.places().await };
            Msg::Places(job, places.await.map(Into::into).map_err(|error| format!("{error:#}")))
        };
        self.start(reply, work, move |why| ready(Msg::Places(job, Err(why))));
    }

    /// Writes the mapping. It is waited for on leaving.
    pub(super) fn write_mapping(&mut self, before: Arc<Mapping>, after: Vec<u8>, reply: &Replies) {
        let file = self.looked.file.clone();
        let work = async move {
            let write = async {
                let write = file.context("no mapping file is known here")?.write;
                tokio::task::spawn_blocking(move || write(&before, &after)).await?
            };
            Msg::MappingWritten(write.await.map_err(|error| format!("{error:#}")))
        };
        self.start(reply, work, |why| ready(Msg::MappingWritten(Err(why))));
    }
}

/// Who asks about this mapping: for the facilities of the review, or without one for those that would be read.
fn explorer(session: &Session, ask: Option<&Ask>, plan: Option<&Plan>, mapping: Arc<Mapping>) -> Result<Explorer> {
    let (quarter, facilities) = match (plan, ask) {
        (Some(plan), _) => {
            let place = |unit: &str, name: &str| Place { unit: unit.to_owned(), name: name.to_owned() };
            let known = plan.facilities().iter().filter(|one| !one.external_id.is_empty());
            let all = known.map(|one| place(&one.external_id, &one.name)).collect();
            (plan.head.quarter, Facilities::Known(all))
        }
        (None, Some(ask)) => {
            let facilities = Facilities::Cases { case_type: ask.case_type.clone(), wanted: ask.facilities.clone() };
            (ask.quarter, facilities)
        }
        (None, None) => anyhow::bail!("nothing says which quarter is looked at"),
    };
    session.explorer(mapping, quarter, facilities)
}
