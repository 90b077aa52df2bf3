//! The log file: what was asked and answered, by our own words only, never a secret and never on the terminal.

use std::path::{Path, PathBuf};

use anyhow::{Context as _, Result};
use tracing::level_filters::LevelFilter;
use tracing_appender::rolling::{RollingFileAppender, Rotation};
use tracing_subscriber::EnvFilter;

use super::private;

/// Where the log below `data` is.
pub(super) fn file(data: &Path) -> PathBuf {
    data.join("logs").join("onse.log")
}

/// Writes to `logs/onse.log` below `data` from now on. Other crates' words stay out at every level: they may quote headers.
pub(super) fn start(data: &Path, level: LevelFilter) -> Result<()> {
    if level == LevelFilter::OFF {
        return Ok(());
    }
    let folder = data.join("logs");
    private::folders(&folder).with_context(|| format!("cannot make the folder {}", folder.display()))?;
    // Made before it is opened below, since that would let others read it.
    private::log(&file(data)).with_context(|| format!("cannot write the log in {}", folder.display()))?;
    let file = RollingFileAppender::builder()
        .rotation(Rotation::NEVER)
        .filename_prefix("onse.log")
        .build(&folder)
        .with_context(|| format!("cannot write the log in {}", folder.display()))?;
    let only_ours = EnvFilter::try_new(format!("off,onse={level}")).context("the log level cannot be used")?;
    let subscriber = tracing_subscriber::fmt().with_env_filter(only_ours).with_writer(file).with_ansi(false).finish();
    // Only a second call in one process fails, and then the first log goes on.
    let _ = tracing::subscriber::set_global_default(subscriber);
    Ok(())
}
