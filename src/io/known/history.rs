//! Earlier quarters between runs: one sheet for each account and organisation unit.

use std::sync::Arc;

use flate2::Crc;
use jiff::Timestamp;
use rusqlite::{OptionalExtension, Transaction, TransactionBehavior, params};

use super::{Account, Known};
use crate::domain::{
    history::{Cached, Fact, LONGEST, Reuse, Sheet, reuse},
    quarter::Quarter,
};

impl Known {
    /// What this account was told of these organisation units, data elements and quarters, and when. What is not known, or was
    /// damaged, is told by [`Cached::needs`].
    pub async fn history(
        &self,
        account: &Account,
        units: &[String],
        elements: &[String],
        quarters: &[Quarter],
    ) -> Cached {
        let (account, note) = (account.clone(), self.note.clone());
        let asked = Arc::new((units.to_vec(), elements.to_vec(), quarters.to_vec()));
        let of = Arc::clone(&asked);
        let found = self.call(move |connection| {
            let transaction = connection.transaction()?;
            let Some(held) = Shelf::find(&transaction, &account)? else { return Ok(None) };
            let (mut failed, mut damaged) = (None, false);
            let cached = Cached::new(&of.0, &of.1, &of.2, |unit| match held.kept(unit) {
                Ok(Kept::Sheet(sheet)) => Some(sheet),
                Ok(Kept::Damaged) => {
                    damaged = true;
                    None
                }
                Ok(Kept::Nothing) => None,
                Err(error) => {
                    failed.get_or_insert(error);
                    None
                }
            });
            if damaged {
                let words = "a part of what is known of earlier quarters was damaged and is asked for again";
                note.say(format!("{words}; nothing else changes"));
            }
            failed.map_or(Ok(Some(cached)), Err)
        });
        found.await.flatten().unwrap_or_else(|| Cached::unknown(&asked.0, &asked.1, &asked.2))
    }

    /// Keeps what a run took in, beside what is known already; of what both know, what was read later. What nobody can use any more
    /// at `now` is dropped, whoever kept it.
    pub async fn keep_history(&self, account: &Account, cached: Arc<Cached>, now: Timestamp) {
        let account = account.clone();
        self.call(move |connection| {
            let transaction = connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
            let sql = "INSERT OR IGNORE INTO account(base, mark) VALUES(?1, ?2)";
            transaction.execute(sql, [&account.server, &account.mark])?;
            if let Some(held) = Shelf::find(&transaction, &account)? {
                for (unit, news) in cached.news() {
                    held.keep(unit, news, now)?;
                }
            }
            let before = now.as_second().saturating_sub(LONGEST.as_secs());
            transaction.execute("DELETE FROM history WHERE newest < ?1", [before])?;
            transaction.execute("DELETE FROM account WHERE number NOT IN (SELECT account FROM history)", [])?;
            transaction.commit()
        })
        .await;
    }
}

/// What the file holds of an organisation unit.
enum Kept {
    Nothing,
    Sheet(Sheet),
    Damaged,
}

/// What the file holds of one account.
struct Shelf<'a> {
    transaction: &'a Transaction<'a>,
    account: &'a Account,
    number: i64,
}

impl<'a> Shelf<'a> {
    fn find(transaction: &'a Transaction<'a>, account: &'a Account) -> rusqlite::Result<Option<Self>> {
        let sql = "SELECT number FROM account WHERE base = ?1 AND mark = ?2";
        let number = transaction.query_row(sql, [&account.server, &account.mark], |row| row.get(0)).optional()?;
        Ok(number.map(|number| Self { transaction, account, number }))
    }

    fn kept(&self, unit: &str) -> rusqlite::Result<Kept> {
        let sql = "SELECT sheet, mark FROM history WHERE account = ?1 AND unit = ?2";
        let mut select = self.transaction.prepare_cached(sql)?;
        let mut rows = select.query(params![self.number, unit])?;
        let Some(row) = rows.next()? else { return Ok(Kept::Nothing) };
        let bytes = row.get_ref(0)?.as_blob()?;
        if row.get_ref(1)?.as_i64()? != i64::from(self.mark(unit, bytes)) {
            return Ok(Kept::Damaged);
        }
        Ok(Sheet::from_bytes(bytes).map_or(Kept::Damaged, Kept::Sheet))
    }

    fn keep(&self, unit: &str, news: &Sheet, now: Timestamp) -> rusqlite::Result<()> {
        let usable = |fact: &Fact<'_>| reuse(fact.read_at, now) != Reuse::No;
        let sheet = match self.kept(unit)? {
            Kept::Sheet(before) => before.only(usable).with(&news.only(usable)),
            Kept::Nothing | Kept::Damaged => news.only(usable),
        };
        let newest = sheet.iter().map(|fact| fact.read_at.as_second()).max().unwrap_or(0);
        let bytes = sheet.bytes();
        self.transaction
            .prepare_cached("INSERT OR REPLACE INTO history VALUES(?1, ?2, ?3, ?4, ?5)")?
            .execute(params![self.number, unit, newest, self.mark(unit, &bytes), bytes])?;
        Ok(())
    }

    /// Of the account and the unit too: in a damaged file one may be found under the name of another.
    fn mark(&self, unit: &str, bytes: &[u8]) -> u32 {
        let mut mark = Crc::new();
        for part in [self.account.mark.as_bytes(), unit.as_bytes(), &[0], bytes] {
            mark.update(part);
        }
        mark.sum()
    }
}
