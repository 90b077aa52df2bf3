//! How many reads of one server are under way at once: fewer each time it asks to slow down.

use std::sync::atomic::{AtomicUsize, Ordering};

use tokio::sync::{Semaphore, SemaphorePermit};

#[derive(Debug)]
pub(super) struct Slots {
    free: Semaphore,
    most: AtomicUsize,
}

/// The right to one read.
#[derive(Debug)]
pub(super) struct Slot<'a> {
    slots: &'a Slots,
    /// `None` only if the semaphore were closed, which never happens.
    permit: Option<SemaphorePermit<'a>>,
}

impl Slots {
    pub(super) fn new(most: usize) -> Self {
        Self { free: Semaphore::new(most), most: AtomicUsize::new(most) }
    }

    pub(super) fn most(&self) -> usize {
        self.most.load(Ordering::Relaxed)
    }

    pub(super) async fn take(&self) -> Slot<'_> {
        Slot { slots: self, permit: self.free.acquire().await.ok() }
    }
}

impl Slot<'_> {
    /// Ends the read. Where the server asked for less, the right is gone with it, unless it is the last one.
    pub(super) fn give_back(self, slow_down: bool) {
        let fewer = |most: usize| (slow_down && most > 1).then(|| most - 1);
        if self.slots.most.fetch_update(Ordering::Relaxed, Ordering::Relaxed, fewer).is_ok()
            && let Some(permit) = self.permit
        {
            permit.forget();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn each_request_to_slow_down_takes_one_away_but_never_the_last() {
        let slots = Slots::new(3);
        for left in [2, 1, 1] {
            slots.take().await.give_back(true);
            slots.take().await.give_back(false);
            assert_eq!((slots.most(), slots.free.available_permits()), (left, left));
        }
        let last = slots.take().await;
        assert_eq!(slots.free.available_permits(), 0);
        drop(last);
        assert_eq!(slots.free.available_permits(), 1);
    }
}
