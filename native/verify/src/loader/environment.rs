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
#[allow(clippy::unwrap_used, reason = "a test")]
mod tests {
    use std::path::Path;

    use serde_json::Value;

    use super::*;

    /// Of vectors/environment: name, and where it goes.
    fn table() -> Vec<(String, String)> {
        let here = Path::new(env!("CARGO_MANIFEST_DIR"));
        let raw = std::fs::read(here.join("../../vectors/environment/variables.json")).unwrap();
        let rows: Vec<Value> = serde_json::from_slice(&raw).unwrap();
        let field = |row: &Value, name: &str| row.get(name).unwrap().as_str().unwrap().to_owned();
        rows.iter().map(|row| (field(row, "name"), field(row, "goes"))).collect()
    }

    #[test]
    fn a_variable_goes_where_the_table_says() {
        let rows = table();
        assert!(rows.len() >= 80);
        for (name, goes) in &rows {
            let given: Pairs = vec![(name.into(), "v".into())];
            let has =
                |found: Pairs| found.iter().any(|(one, value)| *one == **name && value == "v");
            let by = |more: &[String]| has(passed(given.clone(), more, None));
            assert_eq!(goes == "passed", by(&[]), "{name}");
            for more in [name.to_owned(), format!("{name}*"), "*".to_owned()] {
                assert_eq!(goes != "never", by(std::slice::from_ref(&more)), "{name} by {more}");
            }
            assert_eq!(goes != "never", has(inherited(given.clone())), "{name}");
        }
    }

    #[test]
    fn every_pattern_is_in_the_table() {
        let rows = table();
        for pattern in PASSED.iter().chain(&NEVER) {
            let name = pattern.trim_end_matches('*');
            assert!(rows.iter().any(|(one, goes)| one == name && goes != "named"), "{pattern}");
        }
    }

    #[test]
    fn path_and_home_are_the_systems_unless_they_are_named() {
        let given: Pairs = vec![("PATH".into(), "v".into()), ("HOME".into(), "v".into())];
        assert_eq!(Some(&("PATH".into(), PATH.into())), passed(given.clone(), &[], None).first());
        assert_eq!(2, passed(given.clone(), &[], None).len());
        let named = ["PATH", "HOME"].map(String::from);
        assert_eq!(given, passed(given.clone(), &named, None));
    }
}
