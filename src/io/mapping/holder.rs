//! Who has a file open in a spreadsheet program, by the small file such a program puts beside it (fault matrix row M17).

use std::{
    ffi::OsString,
    fmt,
    fs::File,
    io::{self, ErrorKind, Read as _},
    path::{Path, PathBuf},
};

/// Most bytes read of such a file; both kinds have some hundred.
const MOST: u64 = 4096;
/// Most characters shown of a name.
const SHOWN: usize = 60;

/// A program that has the file open.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Holder {
    /// Its name.
    program: &'static str,
    /// Who has it, where and since when, as far as it says.
    who: Vec<String>,
    /// The file that says so.
    pub(super) lock: PathBuf,
}

impl fmt::Display for Holder {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.program)?;
        if self.who.is_empty() { Ok(()) } else { write!(f, " ({})", self.who.join(", ")) }
    }
}

/// Who has the file open, as far as a file beside it says.
pub(super) fn of(file: &Path) -> Option<Holder> {
    let name = file.file_name()?;
    let beside = |before: &str, behind: &str| {
        let mut lock = OsString::from(before);
        lock.push(name);
        lock.push(behind);
        file.with_file_name(lock)
    };
    let libre = beside(".~lock.", "#");
    if let Some(bytes) = content(&libre) {
        return Some(Holder { program: "LibreOffice", who: of_libre(&bytes), lock: libre });
    }
    let excel = beside("~$", "");
    let bytes = content(&excel)?;
    Some(Holder { program: "Excel", who: of_excel(&bytes), lock: excel })
}

/// What stands in a lock file; nothing where it may not be read, which Excel sees to; `None` where there is none, or what is there is
/// no file: a pipe would be waited for without end.
fn content(path: &Path) -> Option<Vec<u8>> {
    let read = || {
        let mut bytes = Vec::new();
        let file = path.metadata()?.is_file();
        file.then(|| File::open(path)?.take(MOST).read_to_end(&mut bytes)).transpose()?;
        Ok::<_, io::Error>(file.then_some(bytes))
    };
    read().unwrap_or_else(|error| kept(&error).then(Vec::new))
}

/// Whether somebody keeps the file to himself. Any other failure says nothing of a holder: a name may be too long for there to be
/// such a file at all.
fn kept(error: &io::Error) -> bool {
    // Windows: a sharing violation and a lock violation.
    let shared = cfg!(windows) && matches!(error.raw_os_error(), Some(32 | 33));
    shared || error.kind() == ErrorKind::PermissionDenied
}

/// One line: full name, account, machine, time and settings, with commas between and a semicolon at the end.
fn of_libre(bytes: &[u8]) -> Vec<String> {
    let text = String::from_utf8_lossy(bytes);
    let (mut fields, mut escaped) = (vec![String::new()], false);
    for c in text.chars() {
        match c {
            _ if escaped => escaped = false,
            '\\' => {
                escaped = true;
                continue;
            }
            ',' => {
                fields.push(String::new());
                continue;
            }
            ';' => break,
            _ => {}
        }
        if let Some(field) = fields.last_mut() {
            field.push(c);
        }
    }
    let [name, account, machine, time] = [0, 1, 2, 3].map(|at| fields.get(at).and_then(|field| shown(field)));
    let time = time.map(|time| format!("since {time}"));
    [name.or(account), machine, time].into_iter().flatten().collect()
}

/// A length and the name in the letters of the machine, then from byte 55 on the same in UTF-16.
fn of_excel(bytes: &[u8]) -> Vec<String> {
    let wide = bytes.get(55..57).and_then(|length| {
        let length = usize::from(u16::from_le_bytes([length[0], length[1]]));
        let (units, _) = bytes.get(57..57 + length * 2)?.as_chunks::<2>();
        Some(String::from_utf16_lossy(&units.iter().copied().map(u16::from_le_bytes).collect::<Vec<_>>()))
    });
    let narrow = || {
        let name = bytes.get(1..=usize::from(*bytes.first()?))?;
        Some(String::from_utf8_lossy(name).into_owned())
    };
    wide.or_else(narrow).and_then(|name| shown(&name)).into_iter().collect()
}

/// Somebody else's text as it may stand in a message; `None` where there is none.
fn shown(text: &str) -> Option<String> {
    let text = text.trim_matches(|c: char| c.is_whitespace() || c == '\0');
    let shown: String = text.chars().take(SHOWN).flat_map(char::escape_debug).collect();
    (!shown.is_empty()).then_some(shown)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn held(name: &str, content: &[u8]) -> String {
        let folder = tempfile::tempdir().unwrap();
        std::fs::write(folder.path().join(name), content).unwrap();
        of(&folder.path().join("map.csv")).unwrap().to_string()
    }

    #[test]
    fn a_lock_file_of_libreoffice_says_who_where_and_since_when() {
        let lock = ".~lock.map.csv#";
        let all = b"Grace Banda,grace,laptop,12.07.2026 09:41,file:///home/grace/.config/libreoffice/4;";
        assert_eq!(held(lock, all), "LibreOffice (Grace Banda, laptop, since 12.07.2026 09:41)");
        assert_eq!(
            held(lock, b",root,dev,23.11.2026 03:20,file:///tmp/p;"),
            "LibreOffice (root, dev, since 23.11.2026 03:20)"
        );
        assert_eq!(held(lock, b"Banda\\, Grace,,;,x"), "LibreOffice (Banda, Grace)");
        assert_eq!(held(lock, b""), "LibreOffice");
        assert_eq!(held(lock, b",,,,;"), "LibreOffice");
        let long = held(lock, format!("\u{1b}[2J\u{202e}{}", "x".repeat(9000)).as_bytes());
        assert!(long.starts_with("LibreOffice (\\u{1b}[2J\\u{202e}xxx") && long.len() < 120, "{long}");
    }

    #[test]
    fn a_lock_file_of_excel_says_who() {
        let lock = "~$map.csv";
        let name = "Grace Bandá";
        let mut bytes = vec![11];
        bytes.extend("Grace Band?".bytes());
        bytes.resize(55, b' ');
        bytes.extend([11, 0]);
        bytes.extend(name.encode_utf16().flat_map(u16::to_le_bytes));
        bytes.resize(165, b' ');
        assert_eq!(held(lock, &bytes), "Excel (Grace Bandá)");
        assert_eq!(held(lock, &bytes[..55]), "Excel (Grace Band?)");
        for broken in [&b""[..], b"\xFF", b"\x05ab", b"\0", &[0xFF; 165]] {
            assert_eq!(held(lock, broken), "Excel");
        }
    }

    #[test]
    fn only_a_file_that_is_kept_from_others_is_held_unread() {
        assert!(kept(&ErrorKind::PermissionDenied.into()));
        for kind in [ErrorKind::NotFound, ErrorKind::InvalidFilename, ErrorKind::NotADirectory, ErrorKind::Other] {
            assert!(!kept(&kind.into()), "{kind}");
        }
        let folder = tempfile::tempdir().unwrap();
        let long = format!("{}.csv", "m".repeat(250));
        assert_eq!(of(&folder.path().join(long)), None);
        std::fs::create_dir(folder.path().join("~$map.csv")).unwrap();
        assert_eq!(of(&folder.path().join("map.csv")), None);
    }

    #[cfg(unix)]
    #[test]
    fn a_pipe_is_no_lock_file_and_is_not_waited_for() {
        let folder = tempfile::tempdir().unwrap();
        let pipe = folder.path().join(".~lock.map.csv#");
        assert!(std::process::Command::new("mkfifo").arg(&pipe).status().unwrap().success());
        assert_eq!(of(&folder.path().join("map.csv")), None);
    }

    #[test]
    fn without_a_lock_file_nobody_has_it() {
        let folder = tempfile::tempdir().unwrap();
        std::fs::write(folder.path().join(".~lock.other.csv#"), "x").unwrap();
        assert_eq!(of(&folder.path().join("map.csv")), None);
    }
}
