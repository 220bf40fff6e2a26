//! Paths as Python's `os.path` and `pathlib` write them: what people read is the same.

use std::ffi::{OsStr, OsString};
use std::os::unix::ffi::{OsStrExt, OsStringExt};
use std::path::{Path, PathBuf};

/// An absolute path without `.`, `..` and doubled slashes. Links are not resolved.
pub fn absolute(path: &OsStr, here: &Path) -> OsString {
    let mut whole = Vec::new();
    if !path.as_bytes().starts_with(b"/") {
        whole.extend_from_slice(here.as_os_str().as_bytes());
        whole.push(b'/');
    }
    whole.extend_from_slice(path.as_bytes());
    let mut parts: Vec<&[u8]> = Vec::new();
    for part in whole.split(|one| *one == b'/') {
        match part {
            b"" | b"." => {}
            b".." => {
                parts.pop();
            }
            _ => parts.push(part),
        }
    }
    // Two slashes at the start, and no more, are something else to POSIX.
    let start: &[u8] =
        if whole.starts_with(b"//") && !whole.starts_with(b"///") { b"//" } else { b"/" };
    OsString::from_vec([start, &parts.join(&b'/')].concat())
}

/// A path as it was given, without what `pathlib` leaves out: `.` and doubled slashes.
pub fn plain(path: &OsStr) -> OsString {
    let raw = path.as_bytes();
    let parts = raw.split(|one| *one == b'/').filter(|part| !matches!(*part, b"" | b"."));
    let joined = parts.collect::<Vec<_>>().join(&b'/');
    let start: &[u8] = match raw {
        [b'/', b'/', third, ..] if *third != b'/' => b"//",
        [b'/', b'/'] => b"//",
        [b'/', ..] => b"/",
        _ if joined.is_empty() => b".",
        _ => b"",
    };
    OsString::from_vec([start, &joined].concat())
}

/// The folder: what was asked for, else `$SIG_DIR`, else `~/.signet`.
pub fn folder(asked: Option<&OsStr>) -> PathBuf {
    let variable = std::env::var_os("SIG_DIR");
    let chosen = asked.map(OsStr::to_owned).filter(|dir| !dir.is_empty());
    match chosen.or(variable.filter(|dir| !dir.is_empty())) {
        Some(dir) => PathBuf::from(plain(&dir)),
        None => PathBuf::from(plain(home().join(".signet").as_os_str())),
    }
}

/// `$HOME` without slashes at its end, the root where nothing is left; without it what the system
/// says of the user.
fn home() -> PathBuf {
    match std::env::var_os("HOME") {
        Some(home) => {
            let end = home.as_bytes().iter().rposition(|one| *one != b'/');
            let home = end.and_then(|end| home.as_bytes().get(..=end)).unwrap_or(b"/");
            PathBuf::from(OsStr::from_bytes(home))
        }
        // Deprecated for what it did on Windows.
        #[allow(deprecated)]
        None => std::env::home_dir().unwrap_or_default(),
    }
}

/// A path as a shell takes it.
pub fn quoted(path: &str) -> String {
    let safe = |one: char| one.is_ascii_alphanumeric() || "_@%+=:,./-".contains(one);
    if !path.is_empty() && path.chars().all(safe) {
        path.to_owned()
    } else {
        format!("'{}'", path.replace('\'', "'\"'\"'"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_path_is_absolute_as_python_writes_it() {
        let here = Path::new("/home/alice");
        for (path, expected) in [
            ("a", "/home/alice/a"),
            ("./a/../b/", "/home/alice/b"),
            ("../../..", "/"),
            ("", "/home/alice"),
            ("/a//b/./c", "/a/b/c"),
            ("//a", "//a"),
            ("///a", "/a"),
        ] {
            assert_eq!(OsString::from(expected), absolute(OsStr::new(path), here), "{path}");
        }
    }

    #[test]
    fn a_folder_is_shown_as_it_was_given() {
        for (path, expected) in
            [("a//b/./c/", "a/b/c"), ("/a/../b", "/a/../b"), ("", "."), ("//x", "//x"), ("/", "/")]
        {
            assert_eq!(OsString::from(expected), plain(OsStr::new(path)), "{path}");
        }
    }

    #[test]
    fn what_a_shell_would_take_apart_is_quoted() {
        assert_eq!(["a/b.c", "''", "'a b'"], [quoted("a/b.c"), quoted(""), quoted("a b")]);
        assert_eq!("'a'\"'\"'b'", quoted("a'b"));
    }
}
