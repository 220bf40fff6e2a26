//! What a verified program gets of the environment, as `sig/verbs/environment.py`: an allow-list.
//!
//! V1  Passed are language, terminal, time zone, who and where one is. `PATH` is that of the system,
//!     `HOME` that of the user's account.
//! V2  More is passed by name, with `*` for the rest of one; but never what makes the dynamic linker,
//!     the C library, OpenSSL or Python load or do something else.

use std::ffi::OsString;
use std::io::{self, ErrorKind};
use std::os::unix::ffi::{OsStrExt, OsStringExt};

const PASSED: [&str; 10] =
    ["LANG", "LC_*", "TERM", "TZ", "USER", "LOGNAME", "SHELL", "PWD", "DISPLAY", "XDG_RUNTIME_DIR"];
const NEVER: [&str; 20] = [
    "LD_*",
    "DYLD_*",
    "PYTHON*",
    "_PYTHON_*",
    "__PYVENV_LAUNCHER__",
    "OPENSSL_*",
    "GCONV_PATH",
    "LOCPATH",
    "MUSL_LOCPATH",
    "NLSPATH",
    "TZDIR",
    "GLIBC_TUNABLES",
    "MALLOC_*",
    "GETCONF_DIR",
    "HOSTALIASES",
    "RESOLV_HOST_CONF",
    "RES_OPTIONS",
    "LOCALDOMAIN",
    "NIS_PATH",
    "SIG_RUN_*",
];
const PATH: &str = "/usr/local/bin:/usr/bin:/bin";
/// The list of the accounts of this machine.
pub const PASSWD: &str = "/etc/passwd";

type Pairs = Vec<(OsString, OsString)>;

/// What of an environment goes to a verified program (V1, V2). `home` is that of an account that
/// /etc/passwd does not list: user and path, as far as one is known.
pub fn passed(given: Pairs, more: &[String], home: Option<(u32, &str)>) -> Pairs {
    let more: Vec<&str> = more.iter().map(String::as_str).collect();
    let mut found: Pairs = vec![("PATH".into(), PATH.into()), ("HOME".into(), self::home(home))];
    for (name, value) in given {
        let raw = name.as_bytes();
        if (named(raw, &more) || named(raw, &PASSED)) && !never(raw) {
            found.retain(|(other, _)| *other != name);
            found.push((name, value));
        }
    }
    found
}

/// What a child of a verified program gets of its parent's environment: all but V2.
pub fn inherited(given: Pairs) -> Pairs {
    given.into_iter().filter(|(name, _)| !never(name.as_bytes())).collect()
}

fn never(name: &[u8]) -> bool {
    named(name, &NEVER)
}

fn named(name: &[u8], patterns: &[&str]) -> bool {
    patterns.iter().any(|pattern| match pattern.strip_suffix('*') {
        Some(start) => name.starts_with(start.as_bytes()),
        None => name == pattern.as_bytes(),
    })
}

/// The home of the user's account, whatever `HOME` says.
fn home(builders: Option<(u32, &str)>) -> OsString {
    let own = rustix::process::getuid().as_raw();
    let known = || builders.filter(|(user, _)| *user == own).map_or("/", |(_, path)| path).into();
    listed_home().ok().flatten().unwrap_or_else(known)
}

/// The home that /etc/passwd has for the user's account, None where it lists no such account. From
/// the file alone: what else there may be would be asked by libraries of the system, and a loader has
/// none.
pub fn listed_home() -> io::Result<Option<OsString>> {
    let own = rustix::process::getuid().as_raw().to_string();
    let listed = match std::fs::read(PASSWD) {
        Ok(listed) => listed,
        Err(error) if error.kind() == ErrorKind::NotFound => return Ok(None),
        Err(error) => return Err(error),
    };
    for line in listed.split(|one| *one == b'\n') {
        let fields: Vec<&[u8]> = line.split(|one| *one == b':').collect();
        if let [_, _, id, _, _, home, _] = fields.as_slice() {
            if *id == own.as_bytes() && home.starts_with(b"/") {
                return Ok(Some(OsString::from_vec(home.to_vec())));
            }
        }
    }
    Ok(None)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn names(found: &Pairs) -> Vec<&str> {
        found.iter().filter_map(|(name, _)| name.to_str()).collect()
    }

    #[test]
    fn what_is_not_named_does_not_come_through() {
        let given = ["LANG", "LC_ALL", "LD_PRELOAD", "PYTHONPATH", "PATH", "HOME", "DJANGO_X", "X"];
        let given: Pairs = given.map(|name| (name.into(), "v".into())).to_vec();
        let found = passed(given.clone(), &[], Some((0, "/")));
        assert_eq!(["PATH", "HOME", "LANG", "LC_ALL"], *names(&found));
        let more = ["DJANGO_*", "LD_*", "PATH"].map(String::from);
        let found = passed(given.clone(), &more, Some((0, "/")));
        assert_eq!(["HOME", "LANG", "LC_ALL", "PATH", "DJANGO_X"], *names(&found));
        let found = inherited(given);
        assert_eq!(["LANG", "LC_ALL", "PATH", "HOME", "DJANGO_X", "X"], *names(&found));
    }
}
