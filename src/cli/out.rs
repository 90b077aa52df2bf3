//! Where words go: results to standard output, messages to standard error. A reader that went away is no error.

use std::{
    io::{self, IsTerminal as _, Write},
    path::Path,
};

use crate::domain::{
    text::{inert, shell_word},
    value::grouped,
};

/// Output whose reader may leave: `onse show … | head` ends quietly, and a submission goes on (fault matrix row K22).
pub(super) struct Results<W: Write> {
    to: W,
    gone: bool,
    /// Whether there was any result. Where there was none, what the screen left unwritten in a closed window is not its loss.
    any: bool,
}

/// Standard output.
pub(super) type Out = Results<io::BufWriter<io::Stdout>>;

/// Standard output, to be flushed at the end.
pub(super) fn results() -> Out {
    Results { to: io::BufWriter::new(io::stdout()), gone: false, any: false }
}

impl<W: Write> Results<W> {
    fn unless_gone<T>(&mut self, gone: T, write: impl FnOnce(&mut W) -> io::Result<T>) -> io::Result<T> {
        if self.gone {
            return Ok(gone);
        }
        match write(&mut self.to) {
            Err(error) if error.kind() == io::ErrorKind::BrokenPipe => {
                self.gone = true;
                Ok(gone)
            }
            other => other,
        }
    }
}

impl<W: Write> Write for Results<W> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.any = true;
        self.unless_gone(bytes.len(), |to| to.write(bytes))
    }

    fn flush(&mut self) -> io::Result<()> {
        if self.any { self.unless_gone((), Write::flush) } else { Ok(()) }
    }
}

/// One message to standard error. It may hold a server's text, so it is made inert; a line break stays one.
pub(super) fn say(text: &str) {
    let mut to = io::stderr().lock();
    for line in text.lines() {
        // Nothing can be said about a standard error that is closed.
        let _ = writeln!(to, "{}", inert(line));
    }
}

/// A file in a command that somebody copies: in quotes where it needs them.
pub(super) fn shell(file: &Path) -> String {
    shell_word(&file.display().to_string())
}

/// `1 change`, `1,204 changes`.
pub(super) fn count(n: usize, one: &str, more: &str) -> String {
    format!("{} {}", grouped(&n.to_string()), if n == 1 { one } else { more })
}

/// Whether a person can be asked: both sides of the conversation are a terminal.
pub(super) fn someone_is_there() -> bool {
    io::stdin().is_terminal() && io::stderr().is_terminal()
}

#[cfg(test)]
mod tests {
    use super::*;

    struct Closed(usize);

    impl Write for Closed {
        fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
            self.0 += 1;
            if self.0 > 1 { Err(io::ErrorKind::BrokenPipe.into()) } else { Ok(bytes.len()) }
        }

        fn flush(&mut self) -> io::Result<()> {
            Err(io::ErrorKind::StorageFull.into())
        }
    }

    #[test]
    fn a_reader_that_left_is_no_error_and_a_full_disk_is() {
        let mut out = Results { to: Closed(0), gone: false, any: false };
        out.flush().unwrap();
        assert_eq!(out.write(b"a").unwrap(), 1);
        assert_eq!(out.flush().unwrap_err().kind(), io::ErrorKind::StorageFull);
        for _ in 0..3 {
            writeln!(out, "a line").unwrap();
        }
        out.flush().unwrap();
        assert_eq!(out.to.0, 2);
    }
}
