//! The words of the command line, as `sig verify` takes them.

use std::ffi::{OsStr, OsString};
use std::os::unix::ffi::{OsStrExt, OsStringExt};

use crate::words::text;

/// What stands before the explanation of words that are wrong.
pub const USAGE: &str = "Usage: sig-verify [OPTIONS] [FILE… | - | sha256:HEX]";

/// What `--help` says.
pub const HELP: &str = "\
Usage: sig-verify [OPTIONS] [FILE… | - | sha256:HEX]

  Is it trusted?

  Answers what sig verify answers, by those who count alone: where only others
  spoke the file is unknown, and sig verify knows more. Folders and what is in
  archives are looked at by sig verify.
  Reads standard input where no file is named. Writes nothing and opens no
  connection.

  Exit status: 0 ok, 1 not verified or unknown, 3 marked bad, 4 could not tell.

Options:
  --files0-from FILE|-  Read names ended by NUL from FILE.
  --dir PATH            The folder (default: $SIG_DIR, ~/.signet).
  -v, --verbose         Also fingerprints, times, comments.
  -q, --quiet           Only errors and files that are not ok.
  --no-color            No colour.
  --json                One JSON document on standard output.
  --offline             Open no connection: it never does.
  --version             Show the version and exit.
  -h, --help            Show this message and exit.
";

/// What was asked for.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct Options {
    /// The folder.
    pub dir: Option<OsString>,
    /// Whose names are the files.
    pub files0_from: Option<OsString>,
    /// The files.
    pub files: Vec<OsString>,
    /// Also fingerprints, times, comments.
    pub verbose: bool,
    /// Only errors and files that are not ok.
    pub quiet: bool,
    /// No colour.
    pub no_color: bool,
    /// One JSON document.
    pub json: bool,
    /// No connection, which is never made.
    pub offline: bool,
    /// The version alone.
    pub version: bool,
    /// The help alone.
    pub help: bool,
}

/// Words that are wrong, and whether the answer is to be JSON.
#[derive(Debug, PartialEq, Eq)]
pub struct Wrong {
    /// For people.
    pub message: String,
    /// `--json` stands among the words.
    pub json: bool,
}

/// The options that these words are.
pub fn read(words: impl Iterator<Item = OsString>) -> Result<Options, Wrong> {
    let words: Vec<OsString> = words.collect();
    let json = words.iter().any(|word| word == "--json");
    parsed(words).map_err(|message| Wrong { message, json })
}

fn parsed(words: Vec<OsString>) -> Result<Options, String> {
    let mut found = Options::default();
    let mut words = words.into_iter();
    while let Some(word) = words.next() {
        let raw = word.as_bytes();
        if raw == b"--" {
            found.files.extend(words);
            break;
        }
        if let Some(long) = raw.strip_prefix(b"--") {
            let mut parts = long.splitn(2, |one| *one == b'=');
            let name = String::from_utf8_lossy(parts.next().unwrap_or_default()).into_owned();
            let value = parts.next().map(|value| OsString::from_vec(value.to_vec()));
            let place = match name.as_str() {
                "dir" => Some(&mut found.dir),
                "files0-from" => Some(&mut found.files0_from),
                _ => None,
            };
            if let Some(place) = place {
                let value = value.or_else(|| words.next());
                *place = Some(value.ok_or(format!("Option '--{name}' requires an argument."))?);
                continue;
            }
            let flag = flag(&mut found, &name).ok_or(format!("No such option: --{name}"))?;
            *flag = true;
            if value.is_some() {
                return Err(format!("Option '--{name}' does not take a value."));
            }
        } else if raw.len() > 1 && raw.starts_with(b"-") {
            for letter in String::from_utf8_lossy(raw).chars().skip(1) {
                match letter {
                    'v' => found.verbose = true,
                    'q' => found.quiet = true,
                    'h' => found.help = true,
                    other => return Err(format!("No such option: -{other}")),
                }
            }
        } else {
            found.files.push(word);
        }
    }
    if found.verbose && found.quiet {
        return Err("-v asks for more and -q for less: take one of them".to_owned());
    }
    if found.files0_from.is_some() && !found.files.is_empty() {
        return Err("name files, or give --files0-from, not both".to_owned());
    }
    Ok(found)
}

fn flag<'a>(found: &'a mut Options, name: &str) -> Option<&'a mut bool> {
    Some(match name {
        "verbose" => &mut found.verbose,
        "quiet" => &mut found.quiet,
        "no-color" => &mut found.no_color,
        "json" => &mut found.json,
        "offline" => &mut found.offline,
        "version" => &mut found.version,
        "help" => &mut found.help,
        _ => return None,
    })
}

/// The names in a list that is ended by NUL.
pub fn names(raw: &[u8], from: &OsStr) -> Result<Vec<OsString>, String> {
    let mut names: Vec<&[u8]> = raw.split(|one| *one == 0).collect();
    if names.last().is_some_and(|name| name.is_empty()) {
        names.pop();
    }
    if names.is_empty() || names.iter().any(|name| name.is_empty()) {
        return Err(format!("{}: no names, or an empty one", text(from)));
    }
    Ok(names.into_iter().map(|name| OsStr::from_bytes(name).to_owned()).collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(words: &[&str]) -> Result<Options, String> {
        read(words.iter().map(OsString::from)).map_err(|wrong| wrong.message)
    }

    #[test]
    fn options_stand_before_and_after_files() {
        let found = of(&["a", "--dir", "d", "-v", "--json", "--", "-q", "--x"]).unwrap();
        assert_eq!(["a", "-q", "--x"].map(OsString::from).to_vec(), found.files);
        assert_eq!(Some("d".into()), found.dir);
        assert!(found.verbose && found.json && !found.quiet);
        assert_eq!(Some("d=e".into()), of(&["--dir=d=e"]).unwrap().dir);
        assert_eq!(vec![OsString::from("-")], of(&["-"]).unwrap().files);
        assert!(of(&["--offline", "--no-color", "-hv"]).unwrap().help);
    }

    #[test]
    fn words_that_are_wrong_are_refused() {
        for words in [
            &["--what"][..],
            &["-x"],
            &["-vq"],
            &["-v", "--quiet"],
            &["--dir"],
            &["--json=1"],
            &["--files0-from", "-", "a"],
        ] {
            assert!(of(words).is_err(), "{words:?}");
        }
        assert!(read(["--x", "--json"].map(OsString::from).into_iter()).unwrap_err().json);
    }

    #[test]
    fn a_list_has_a_name_and_no_empty_one() {
        let from = OsStr::new("list");
        assert_eq!(Ok(vec!["a".into(), "b\nc".into()]), names(b"a\0b\nc\0", from));
        assert_eq!(Ok(vec!["a".into()]), names(b"a", from));
        for raw in [&b""[..], b"\0", b"a\0\0", b"\0a"] {
            assert!(names(raw, from).is_err());
        }
    }
}
