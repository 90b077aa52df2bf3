//! Answers of a reading that has not ended: kept as they come, so that a reading that was stopped goes on from there (fault matrix
//! row K01). They are not for other readings, and not for later than a day.

use std::sync::Arc;

use flate2::Crc;
use jiff::Timestamp;
use rusqlite::{Connection, params};

use super::{Known, Work};
use crate::{
    domain::{
        history::{Reuse, reuse},
        quarter::Quarter,
    },
    io::dhis2::Values,
};

/// One answer with what was asked.
#[derive(Clone, Debug)]
pub struct Partial {
    /// The organisation units.
    pub units: Vec<String>,
    /// The only data set, where each was asked for by itself.
    pub set: Option<String>,
    /// Whether the quarter of the plan was asked for.
    pub target: bool,
    /// Earlier quarters that were asked for whole.
    pub read: Vec<Quarter>,
    /// Earlier quarters of which was asked what changed.
    pub changed: Vec<Quarter>,
    /// When it came.
    pub at: Timestamp,
    /// The rows.
    pub values: Values,
}

impl Partial {
    /// Rows of which nothing else matters, for tests and benches.
    pub fn of(values: Values) -> Self {
        let (read, changed) = (Vec::new(), Vec::new());
        Self { units: Vec::new(), set: None, target: true, read, changed, at: Timestamp::UNIX_EPOCH, values }
    }
}

/// All of it but time and rows, as it is written.
type About = (Vec<String>, Option<String>, bool, Vec<Quarter>, Vec<Quarter>);

impl Known {
    /// Keeps an answer of the reading `key`. Does not wait for it.
    pub fn stage(&self, key: &str, partial: Arc<Partial>) {
        let key = key.to_owned();
        let work: Work = Box::new(move |file| {
            let one = &partial;
            let about = (&one.units, &one.set, one.target, &one.read, &one.changed);
            // Texts and numbers always have a JSON.
            let about = serde_json::to_string(&about).unwrap_or_default();
            let rows = one.values.to_bytes();
            let mark = mark(&key, &about, &rows);
            file.run(|connection: &mut Connection| {
                connection.execute(
                    "INSERT INTO partial(key, at, about, mark, rows) VALUES(?1, ?2, ?3, ?4, ?5)",
                    params![key, one.at.as_second(), about, mark, rows],
                )
            });
        });
        // Where the thread is gone nothing is kept, which is said elsewhere.
        let _ = self.work.send(Some(work));
    }

    /// The answers of the reading `key` that are younger than a day, in the order they came. Damaged ones are passed over.
    pub async fn staged(&self, key: &str, now: Timestamp) -> Vec<Partial> {
        let key = key.to_owned();
        let found = self.call(move |connection| {
            let mut select =
                connection.prepare("SELECT at, about, mark, rows FROM partial WHERE key = ?1 ORDER BY number")?;
            let mut rows = select.query([&key])?;
            let mut all = Vec::new();
            while let Some(row) = rows.next()? {
                let (about, bytes) = (row.get_ref(1)?.as_str()?, row.get_ref(3)?.as_blob()?);
                if row.get::<_, u32>(2)? == mark(&key, about, bytes) {
                    all.extend(read(row.get(0)?, about, bytes));
                }
            }
            Ok(all)
        });
        let mut found: Vec<Partial> = found.await.unwrap_or_default();
        found.retain(|one| reuse(one.at, now) == Reuse::AsItStands);
        found
    }

    /// Forgets the answers of the reading `key`, which ended, and those of any that are too old to go on from.
    pub async fn unstage(&self, key: &str, now: Timestamp) {
        let key = key.to_owned();
        self.call(move |connection| {
            let oldest = now.as_second().saturating_sub(crate::domain::history::FRESH.as_secs());
            connection.execute("DELETE FROM partial WHERE key = ?1 OR at < ?2", params![key, oldest])
        })
        .await;
    }
}

fn read(at: i64, about: &str, rows: &[u8]) -> Option<Partial> {
    let (units, set, target, read, changed): About = serde_json::from_str(about).ok()?;
    let (at, values) = (Timestamp::from_second(at).ok()?, Values::from_bytes(rows)?);
    Some(Partial { units, set, target, read, changed, at, values })
}

/// Of the key too: in a damaged file one may be found under another.
fn mark(key: &str, about: &str, rows: &[u8]) -> u32 {
    let mut mark = Crc::new();
    for part in [key.as_bytes(), &[0], about.as_bytes(), &[0], rows] {
        mark.update(part);
    }
    mark.sum()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::io::dhis2::{DataValue, Elements};

    #[tokio::test]
    async fn answers_are_kept_until_the_reading_ends_or_a_day_is_over() {
        let known = Known::in_memory();
        let now: Timestamp = "2026-07-05T09:41:00Z".parse().unwrap();
        let row =
            DataValue { data_element: "de", org_unit: "ou", period: "2026Q2", value: Some("7"), ..Default::default() };
        let one = Partial {
            units: vec!["ou".to_owned()],
            set: None,
            target: true,
            read: vec![Quarter::parse("2026Q1").unwrap()],
            changed: Vec::new(),
            at: now,
            values: Values::of([row], &Elements::every()),
        };
        known.stage("a", Arc::new(one.clone()));
        known.stage("a", Arc::new(Partial { target: false, ..one.clone() }));
        known.stage("b", Arc::new(one.clone()));
        let staged = known.staged("a", now).await;
        assert_eq!(staged.iter().map(|one| one.target).collect::<Vec<_>>(), [true, false]);
        assert!(staged[0].values.rows().eq(one.values.rows()) && staged[0].read == one.read);
        assert_eq!(known.staged("c", now).await.len(), 0);
        let tomorrow = now + jiff::SignedDuration::from_hours(25);
        assert_eq!(known.staged("a", tomorrow).await.len(), 0);
        known.unstage("a", now).await;
        assert_eq!((known.staged("a", now).await.len(), known.staged("b", now).await.len()), (0, 1));
        known.unstage("a", tomorrow).await;
        assert_eq!(known.staged("b", now).await.len(), 0);
    }
}
