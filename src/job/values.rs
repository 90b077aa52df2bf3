//! What is stored for many organisation units: data values of the quarter and the ones before it, and which reports are complete.
//! What the rows mean is `assemble`.

use std::{collections::BTreeMap, sync::Arc};

use super::{
    assemble::{Batch, Completed, Unread},
    columns::{Column, data_sets, elements},
    gather::{Gaps, Gather, Step, listed},
    server::Server,
};
use crate::{
    domain::{plan::State, quarter::Quarter},
    io::{
        dhis2::{Dhis2, Wanted},
        http::{Failure, Why},
    },
};

/// How many units may be refused by name before it is given up to ask which reports are complete: a number can do without.
const REFUSALS: usize = 20;

/// What was found.
#[derive(Debug, Default)]
pub(super) struct Found {
    pub(super) values: Vec<Batch>,
    pub(super) completed: Completed,
    pub(super) unread: Unread,
    /// What to say of it, one sentence each.
    pub(super) notes: Vec<String>,
}

impl Found {
    /// Units outside the account's reach, which are not asked for (fault matrix row D03).
    pub(super) fn leave_out(&mut self, units: Vec<String>) {
        if units.is_empty() {
            return;
        }
        let named: Vec<&str> = units.iter().map(String::as_str).collect();
        self.notes.push(format!(
            "organisation units outside the reach of this account: {} ({})",
            units.len(),
            listed(&named)
        ));
        let denied: BTreeMap<_, _> = [(None, State::NoAccess)].into();
        self.unread.units.extend(units.into_iter().map(|unit| (unit, denied.clone())));
    }

    /// Takes in more of it.
    pub(super) fn add(&mut self, other: Self) {
        self.values.extend(other.values);
        self.unread.add(other.unread);
        self.notes.extend(other.notes);
    }
}

/// What is asked.
pub(super) struct Values<'a> {
    dhis2: &'a Dhis2,
    quarter: Quarter,
    /// Quarterly data sets, and monthly ones for what they hold.
    sets: Vec<String>,
    wanted: Arc<Wanted>,
    apart: bool,
    columns: &'a [Column],
}

impl<'a> Values<'a> {
    pub(super) fn new(
        dhis2: &'a Dhis2,
        quarter: Quarter,
        asked: &[Column],
        columns: &'a [Column],
        server: &Server,
        earlier: &[Quarter],
    ) -> Self {
        let months = asked.iter().any(Column::monthly);
        let quarters = std::iter::once(quarter).chain(earlier.iter().copied()).map(|quarter| quarter.to_string());
        let wanted = Wanted {
            data_sets: Vec::new(),
            periods: quarters.chain(quarter.months().into_iter().filter(|_| months)).collect(),
            since: None,
            elements: elements(columns, server.sets.as_deref()),
        };
        let apart = !server.known().membership();
        Self { dhis2, quarter, sets: data_sets(asked), wanted: Arc::new(wanted), apart, columns }
    }

    /// The rows of these units.
    pub(super) async fn read(&self, units: &[String], tell: &(dyn Fn(Step) + Sync)) -> Result<Found, Failure> {
        let (dhis2, wanted) = (self.dhis2.clone(), Arc::clone(&self.wanted));
        let gather = Gather {
            dhis2: self.dhis2,
            units,
            sets: &self.sets,
            apart: self.apart,
            refusals: usize::MAX,
            ask: Arc::new(move |units, sets| {
                let (dhis2, wanted) = (dhis2.clone(), Wanted { data_sets: sets.to_vec(), ..Wanted::clone(&wanted) });
                Box::pin(async move { dhis2.data_values(&units, &wanted).await })
            }),
            rows: |values| values.rows().len(),
            fixed: &|sets| self.dhis2.fixed_len(&Wanted { data_sets: sets.to_vec(), ..Wanted::clone(&self.wanted) }),
        };
        let (mut values, mut foreign) = (Vec::new(), 0);
        let mut answered = |_: &[String], sets: &[String], got: crate::io::dhis2::Values| {
            foreign += got.foreign;
            let set = self.apart.then(|| sets.first().cloned().unwrap_or_default());
            values.push(Batch { set, values: got });
        };
        let Gaps { unread, mut notes } = gather.run(&mut answered, tell).await?;
        if foreign > 0 {
            notes.push(format!("{foreign} rows came for units or periods that were not asked for; they were left out"));
        }
        Ok(Found { values, completed: Completed::default(), unread, notes })
    }

    /// Which reports of these units are complete, of the quarter and of those a number is looked for in. Where that cannot be
    /// known the plan does without, and says so.
    pub(super) async fn completed(
        &self,
        units: &[String],
        back: u8,
        tell: &(dyn Fn(Step) + Sync),
    ) -> Result<(Completed, Option<String>), Failure> {
        let earlier = self.quarter.earlier().take(back.into());
        let periods: Vec<String> =
            std::iter::once(self.quarter).chain(earlier).map(|quarter| quarter.to_string()).collect();
        let quarterly: Vec<Column> = self.columns.iter().filter(|column| column.quarterly()).cloned().collect();
        let sets = data_sets(&quarterly);
        let mut completed = Completed::default();
        if units.is_empty() || sets.is_empty() {
            return Ok((completed, None));
        }
        let (dhis2, asked) = (self.dhis2.clone(), Arc::new(periods.clone()));
        let gather = Gather {
            dhis2: self.dhis2,
            units,
            sets: &sets,
            apart: false,
            refusals: REFUSALS,
            ask: Arc::new(move |units, sets| {
                let (dhis2, periods) = (dhis2.clone(), Arc::clone(&asked));
                Box::pin(async move { dhis2.registrations(&units, &sets, &periods).await })
            }),
            rows: Vec::len,
            fixed: &|sets| self.dhis2.registrations_len(sets, &periods),
        };
        let mut answered = |units: &[String], _: &[String], found| completed.add(units, found);
        // A registration is no report read: it moves no bar.
        let steps = |step| {
            if !matches!(step, Step::Settled(_)) {
                tell(step);
            }
        };
        match gather.run(&mut answered, &steps).await {
            Ok(Gaps { unread, .. }) => {
                let unknown = unread.units.len();
                completed.forget(&unread.sets);
                let note = (unknown > 0 || !unread.sets.is_empty()).then(|| {
                    format!(
                        "which reports are complete is not known for {unknown} facilities and {} data sets",
                        unread.sets.len()
                    )
                });
                Ok((completed, note))
            }
            Err(failure) if matches!(*failure.why, Why::SignIn { .. }) => Err(failure),
            Err(failure) => {
                let note = format!(
                    "which reports are complete is not known: {failure} A blank and a missing report look alike then"
                );
                Ok((Completed::default(), Some(note)))
            }
        }
    }
}
