//! Where the commands hand over to the full screen. The one place of the command line that knows it.

use anyhow::{Result, bail};

use super::{exit::Exit, here::Here};
use crate::job::{fetch::Ask, session::Session};

/// What the screen starts with.
pub(super) struct Opening {
    /// The review file, with or without the servers.
    pub(super) session: Session,
    /// What is to be read first; none where the file holds a plan.
    pub(super) ask: Option<Ask>,
    /// Who is signed in to `CommCare`; empty when offline.
    pub(super) account: String,
    /// The first line of the status line, where there is something to say.
    pub(super) said: Option<String>,
}

/// Shows the review until the person leaves.
pub(super) async fn screen(here: &Here, opening: Opening) -> Result<Exit> {
    let Opening { session, ask, account, said } = opening;
    let _ = (here, session, ask, account, said);
    std::future::ready(()).await;
    bail!("the screen is not built yet; nothing was read or changed. Use onse plan, show, decide and submit")
}
