//! What still has to go, as the forms it would make: cut smaller when a form proves too large or one of its cases spoils it.

use std::collections::{BTreeSet, VecDeque};

use crate::domain::plan::Cell;

/// Facilities in a form after one proved too large or too slow (fault matrix row H19).
const SMALLER: usize = 100;

/// Groups of cells, each a form to be, in the order of sending.
#[derive(Debug)]
pub(super) struct Queue {
    groups: VecDeque<Vec<Cell>>,
    /// Facilities in a form.
    size: usize,
}

impl Queue {
    /// Cells, which stand facility by facility, in forms of at most `size` facilities. Those of facilities that CommCare rejected by
    /// themselves before go last, each alone, so that they spoil no other's form.
    pub(super) fn new(cells: &[Cell], size: usize, rejected: &BTreeSet<u32>) -> Self {
        let (alone, fine): (Vec<Cell>, Vec<Cell>) =
            cells.iter().copied().partition(|cell| rejected.contains(&cell.facility));
        let groups = cut(&fine, size).into_iter().chain(cut(&alone, 1)).collect();
        Self { groups, size: size.max(1) }
    }

    /// The next form's cells.
    pub(super) fn next(&mut self) -> Option<Vec<Cell>> {
        self.groups.pop_front()
    }

    /// What waits, form by form.
    pub(super) fn waiting(&self) -> impl Iterator<Item = &[Cell]> {
        self.groups.iter().map(Vec::as_slice)
    }

    /// Puts the cells of a form that one of its cases spoiled in front, in halves. Whether it could be halved: a facility alone
    /// cannot.
    pub(super) fn halve(&mut self, cells: &[Cell]) -> bool {
        let count = count(cells);
        if count < 2 {
            return false;
        }
        self.in_front(cut(cells, count.div_ceil(2)));
        true
    }

    /// Puts the cells of a form that was given up before it was taken in front, as they were.
    pub(super) fn redo(&mut self, cells: Vec<Cell>) {
        self.groups.push_front(cells);
    }

    /// From now on forms are of at most 100 facilities, those that wait too.
    pub(super) fn smaller(&mut self) {
        if self.size > SMALLER {
            self.size = SMALLER;
            self.groups = self.groups.iter().flat_map(|group| cut(group, SMALLER)).collect();
        }
    }

    /// Puts the cells of a form that was too large in front, in forms of 100, or in halves where it was no larger. Whether it could.
    pub(super) fn shrink(&mut self, cells: &[Cell]) -> bool {
        self.smaller();
        let count = count(cells);
        if count <= self.size {
            self.size = count.div_ceil(2).max(1);
            self.groups = self.groups.iter().flat_map(|group| cut(group, self.size)).collect();
            return self.halve(cells);
        }
        self.in_front(cut(cells, self.size));
        true
    }

    fn in_front(&mut self, groups: Vec<Vec<Cell>>) {
        for group in groups.into_iter().rev() {
            self.groups.push_front(group);
        }
    }
}

fn count(cells: &[Cell]) -> usize {
    cells.chunk_by(|a, b| a.facility == b.facility).count()
}

/// Splits cells, which stand facility by facility, into groups of at most `size` facilities.
pub(crate) fn cut(cells: &[Cell], size: usize) -> Vec<Vec<Cell>> {
    let facilities: Vec<&[Cell]> = cells.chunk_by(|a, b| a.facility == b.facility).collect();
    facilities.chunks(size.max(1)).map(<[&[Cell]]>::concat).collect()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn cells(facilities: std::ops::Range<u32>) -> Vec<Cell> {
        facilities.flat_map(|facility| (0..2).map(move |property| Cell { facility, property })).collect()
    }

    fn sizes(queue: &Queue) -> Vec<usize> {
        queue.waiting().map(count).collect()
    }

    proptest! {
        #[test]
        fn every_cell_is_in_exactly_one_form(
            cells in prop::collection::btree_set((0..60_u32, 0..4_u16), 0..120), size in 0_usize..20,
        ) {
            let cells: Vec<Cell> = cells.into_iter().map(|(facility, property)| Cell { facility, property }).collect();
            let cut = cut(&cells, size);
            prop_assert_eq!(cut.concat(), cells);
            for (at, group) in cut.iter().enumerate() {
                prop_assert!((1..=size.max(1)).contains(&count(group)));
                let next = cut.get(at + 1).and_then(|next| next.first());
                prop_assert!(next.is_none_or(|next| group.iter().all(|cell| cell.facility < next.facility)));
            }
        }

        #[test]
        fn whatever_happens_to_it_no_cell_is_lost_or_doubled(
            facilities in 1..40_u32, size in 1_usize..50, steps in prop::collection::vec(0..4_u8, 0..60),
        ) {
            let all = cells(0..facilities);
            let mut queue = Queue::new(&all, size, &BTreeSet::new());
            let mut gone = Vec::new();
            for step in steps {
                let Some(group) = queue.next() else { break };
                let kept = match step {
                    0 => queue.halve(&group),
                    1 => queue.shrink(&group),
                    2 => { queue.smaller(); false }
                    _ => false,
                };
                if !kept {
                    gone.extend(group);
                }
            }
            gone.extend(queue.waiting().flatten());
            gone.sort_unstable();
            prop_assert_eq!(gone, all);
        }
    }

    #[test]
    fn a_bad_facility_ends_up_alone() {
        let mut queue = Queue::new(&cells(0..1000), 1000, &BTreeSet::new());
        let (mut forms, mut alone) = (0, None);
        while let Some(group) = queue.next() {
            forms += 1;
            if group.iter().any(|cell| cell.facility == 617) && !queue.halve(&group) {
                alone = Some(group);
            }
        }
        assert_eq!(alone, Some(cells(617..618)));
        assert_eq!(forms, 1 + 2 * 10, "two halves of every size");
        let again = Queue::new(&cells(0..1000), 1000, &BTreeSet::from([617]));
        assert_eq!(sizes(&again), [999, 1], "the next run sends it by itself, and last");
    }

    #[test]
    fn too_large_goes_on_in_hundreds_and_then_in_halves() {
        let mut queue = Queue::new(&cells(0..2000), 1000, &BTreeSet::new());
        let first = queue.next().unwrap();
        assert!(queue.shrink(&first));
        assert_eq!(sizes(&queue), [100; 20]);
        let first = queue.next().unwrap();
        assert!(queue.shrink(&first));
        assert_eq!(sizes(&queue), [50; 40]);
        let mut one = Queue::new(&cells(0..1), 1000, &BTreeSet::new());
        let first = one.next().unwrap();
        assert!(!one.shrink(&first));
        let mut slow = Queue::new(&cells(0..250), 1000, &BTreeSet::new());
        slow.smaller();
        assert_eq!(sizes(&slow), [100, 100, 50]);
    }
}
