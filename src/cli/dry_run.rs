//! `onse submit --dry-run`: the forms as they stand now, as files to be looked at.

use std::{
    fs,
    io::{self, Write as _},
    path::Path,
};

use anyhow::{Context as _, Result};
use serde_json::json;

use super::{
    args,
    exit::{Exit, told, usage},
    here::Here,
    out::{Out, count, say},
    private, show,
    submit::{number, say_stamp},
};
use crate::{
    io::store::Store,
    job::session::{Opened, opened},
};

/// Writes forms to a new or empty folder and names the files.
pub(super) fn write_forms(folder: &Path, forms: &[Vec<u8>]) -> Result<Vec<String>> {
    if fs::read_dir(folder).is_ok_and(|mut entries| entries.next().is_some()) {
        return Err(usage(format!("{} is not empty; name a new or an empty folder", folder.display())));
    }
    if !forms.is_empty() {
        private::folders(folder).with_context(|| format!("cannot make the folder {}", folder.display()))?;
    }
    write_each(folder, forms, |path, form| private::file(path)?.write_all(form))
}

/// Writes one form after the other. Where one cannot be written, the error says what is there already.
fn write_each(
    folder: &Path,
    forms: &[Vec<u8>],
    mut write: impl FnMut(&Path, &[u8]) -> io::Result<()>,
) -> Result<Vec<String>> {
    let mut files = Vec::new();
    for (at, form) in (1..).zip(forms) {
        let path = folder.join(format!("form-{at:03}.xml"));
        write(&path, form).with_context(|| {
            let (path, done, all) = (path.display(), number(files.len()), count(forms.len(), "form", "forms"));
            let before = format!("{done} of {all} in {} were written before it", folder.display());
            told(Exit::Failed, format!("cannot write {path}; {before}. Nothing was sent, and the review is as it was"))
        })?;
        files.push(path.display().to_string());
    }
    Ok(files)
}

/// The forms as files. Touches no network and changes nothing in the review.
pub(super) fn dry_run(here: &Here, args: &args::Submit, folder: &Path, out: &mut Out) -> Result<Exit> {
    let loaded = Store::read_only(&args.file)?;
    let used = loaded.used.clone();
    let forms = show::forms(here, loaded)?;
    if !forms.is_empty() {
        say_stamp(here, &used);
    }
    let Opened { plan, ledger, .. } = opened(Store::read_only(&args.file)?)?;
    let changes = ledger.to_send(&plan).count();
    let files = write_forms(folder, &forms)?;
    if args.json {
        let document = json!({"schema": 1, "dry_run": true, "forms": files, "counts": {"changes": changes}});
        writeln!(out, "{document}")?;
        return Ok(Exit::Done);
    }
    for file in &files {
        writeln!(out, "{file}")?;
    }
    say(&match forms.len() {
        0 => "no approved change waits to be sent; nothing was written".to_owned(),
        n => format!(
            "{} in {}, as they stand now; nothing was sent",
            count(changes, "change", "changes"),
            count(n, "form", "forms")
        ),
    });
    Ok(Exit::Done)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn half_a_dry_run_says_what_is_there() {
        let mut left = 2;
        let full = |_: &Path, _: &[u8]| {
            left -= 1;
            if left < 0 { Err(io::ErrorKind::StorageFull.into()) } else { Ok(()) }
        };
        let error = write_each(Path::new("forms"), &vec![Vec::new(); 5], full).unwrap_err();
        let said = format!("{error:#}");
        assert!(said.contains("form-003.xml") && said.contains("2 of 5 forms in forms"), "{said}");
        assert!(said.contains("Nothing was sent") && !crate::cli::exit::leaves_unsaid(&error), "{said}");
    }
}
