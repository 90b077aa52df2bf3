//! What only its owner may enter or read: folders and files of forms, logs, reviews and the sandbox's accounts, and the memory of
//! this process.

use std::{
    fs::{DirBuilder, File, OpenOptions},
    io,
    path::Path,
};

/// Makes a folder with those above it that are missing. One that is there stays as it is.
pub(super) fn folders(path: &Path) -> io::Result<()> {
    builder().recursive(true).create(path)
}

/// Makes a folder that was not there.
pub(super) fn folder(path: &Path) -> io::Result<()> {
    builder().create(path)
}

fn builder() -> DirBuilder {
    #[cfg_attr(not(unix), expect(unused_mut, reason = "only Unix gives it a mode"))]
    let mut folder = DirBuilder::new();
    #[cfg(unix)]
    std::os::unix::fs::DirBuilderExt::mode(&mut folder, 0o700);
    folder
}

/// Makes a file that was not there.
pub(super) fn file(path: &Path) -> io::Result<File> {
    options().write(true).create_new(true).open(path)
}

/// Opens a file to write at its end, and makes it where it is not there.
pub(super) fn log(path: &Path) -> io::Result<File> {
    options().append(true).create(true).open(path)
}

/// Keeps the memory of this process, which holds secrets, out of core dumps (fault matrix row X03). Only Linux can be told so
/// without system calls of our own; a process that cannot be told goes on.
pub(super) fn no_memory_in_dumps() {
    // Bits of kinds of memory, none of them (core(5), "Controlling which mappings are written to the core dump").
    #[cfg(target_os = "linux")]
    let _ = std::fs::write("/proc/self/coredump_filter", "0");
}

fn options() -> OpenOptions {
    #[cfg_attr(not(unix), expect(unused_mut, reason = "only Unix gives it a mode"))]
    let mut options = OpenOptions::new();
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    options
}

#[cfg(all(test, unix))]
mod tests {
    use std::os::unix::fs::PermissionsExt as _;

    use super::*;

    #[test]
    fn what_is_made_is_the_owners_alone() {
        let home = tempfile::tempdir().unwrap();
        let (above, within) = (home.path().join("a"), home.path().join("a/b"));
        folders(&within).unwrap();
        folders(&within).unwrap();
        assert!(folder(&within).is_err());
        let (form, old) = (within.join("form"), within.join("log"));
        file(&form).unwrap();
        assert!(file(&form).is_err());
        log(&old).unwrap();
        log(&old).unwrap();
        let mode = |path: &Path| std::fs::metadata(path).unwrap().permissions().mode() & 0o777;
        assert_eq!([mode(&above), mode(&within), mode(&form), mode(&old)], [0o700, 0o700, 0o600, 0o600]);
    }
}
