//! What befalls calls of the store: they fail before or after the commit, or the process ends there.

use std::{sync::Arc, time::Duration};

use onse::io::store::{Gate, Moment};

use super::world::World;

pub(crate) fn gate(world: &Arc<World>) -> Gate {
    let world = Arc::clone(world);
    Arc::new(move |what, moment| {
        let world = Arc::clone(&world);
        Box::pin(async move {
            world.time.passes(Duration::from_millis(2));
            if moment == Moment::After && what == "keep the form" {
                world.books().froze();
            }
            let place = if moment == Moment::Before { "before" } else { "after" };
            if world.dice.falls(world.weather().kills) {
                world.kill(&format!("{place} \"{what}\""));
                return std::future::pending().await;
            }
            if world.dice.falls(world.weather().store) {
                world.say(|| format!("the store fails {place} \"{what}\""));
                world.set_failed(true);
                anyhow::bail!("No space left on device");
            }
            Ok(())
        })
    })
}
