//! A loader that is started as `sys.executable` of its own program (docs/spec/loader §5), as
//! `sig/imports/launcher.py` does for `sig run`.
//!
//! N1  The mark in the environment says so, and the parent process is a run of this loader, as far as
//!     /proc shows. Without that all words are the script's.
//! N2  Of code only what `multiprocessing` writes to start a child, with literal arguments: spawn,
//!     forkserver, resource tracker. Of files only the program's own: its script, or the loader by
//!     whose path it is called, as in `[sys.executable, *sys.argv]`.

use std::ffi::OsString;
use std::os::unix::ffi::OsStrExt;
use std::path::Path;

use super::refused::Refused;
use super::starting;
use super::system::why_not_file;

/// The variable that marks children: the path of the loader.
pub const MARK: &str = "SIG_RUN_LOADER";

const CHILDREN: [(&str, &str); 3] = [
    ("multiprocessing.spawn", "spawn_main"),
    ("multiprocessing.forkserver", "main"),
    ("multiprocessing.resource_tracker", "main"),
];
const CODE: usize = 1 << 20;
const DEPTH: usize = 32;

/// Whether a process is a run of this loader, as far as /proc shows (N1): its interpreter, and the
/// words before the page that it was started with. One of a `build` runs from a sealed copy, or the
/// linker maps that.
pub fn is_run(process: u32, executable: &Path, build: bool, before: &[OsString]) -> bool {
    let place = |name: &str| format!("/proc/{process}/{name}");
    let program = std::fs::read_link(place("exe"));
    let (Ok(program), Ok(said)) = (program, std::fs::read(place("cmdline"))) else { return false };
    if build {
        is_build(&program, &said, before)
    } else {
        program == executable && fits(&said, before)
    }
}

fn is_build(program: &Path, said: &[u8], before: &[OsString]) -> bool {
    if program.as_os_str().as_bytes().starts_with(b"/memfd:") {
        return fits(said, before);
    }
    // As `Prepared` has it: LINKER --argv0 NAME /proc/self/fd/N, and then what follows the name.
    let words: Vec<&[u8]> = said.split(|one| *one == 0).collect();
    let [_, b"--argv0", name, copy, rest @ ..] = words.as_slice() else { return false };
    let mut plain = vec![*name];
    plain.extend(rest);
    copy.starts_with(b"/proc/self/fd/")
        && why_not_file(program).is_none()
        && fits(&plain.join(&0), before)
}

/// Whether these words start as a run of this loader does.
fn fits(said: &[u8], before: &[OsString]) -> bool {
    let mut words = said.split(|one| *one == 0);
    before.iter().all(|word| words.next() == Some(word.as_bytes()))
        && words.next().is_some_and(starting::is_first)
}

/// Where a child starts (none: the script) and its arguments (N2).
pub fn wanted(
    words: &[OsString],
    own: &[&Path],
) -> Result<(Option<Vec<u8>>, Vec<OsString>), Refused> {
    let mut rest = words;
    while let Some((first, more)) = rest.split_first() {
        if first == "-c" || first == "-m" || !is_flag(first.as_bytes()) {
            break;
        }
        rest = more;
    }
    if let [first, code, more @ ..] = rest {
        if first == "-c" && is_child(code.as_bytes()) {
            return Ok((Some(code.as_bytes().to_vec()), more.to_vec()));
        }
    }
    if let [first, more @ ..] = rest {
        let same = std::fs::canonicalize(first).is_ok_and(|place| {
            own.iter().any(|own| std::fs::canonicalize(own).is_ok_and(|own| own == place))
        });
        if !first.as_bytes().starts_with(b"-") && same {
            return Ok((None, more.to_vec()));
        }
    }
    let what: Vec<String> =
        rest.iter().take(2).map(|word| word.to_string_lossy().into_owned()).collect();
    let what: String = what.join(" ").chars().take(200).collect();
    let what = if what.is_empty() { "nothing".to_owned() } else { what };
    let why = format!("not started: {what:?} is neither this program nor a child of it");
    Err(Refused::usage(why))
}

/// What subprocess and multiprocessing add from the flags of their own Python; ours are fixed.
fn is_flag(word: &[u8]) -> bool {
    match word {
        [b'-', b'X' | b'W', rest @ ..] => {
            !rest.is_empty()
                && rest.iter().all(|one| one.is_ascii_alphanumeric() || b"_.:=,-".contains(one))
        }
        [b'-', rest @ ..] => {
            !rest.is_empty() && rest.iter().all(|one| b"BEIOPSbdqsuv".contains(one))
        }
        _ => false,
    }
}

/// Whether this is how multiprocessing starts a Python (N2).
fn is_child(code: &[u8]) -> bool {
    let Ok(code) = std::str::from_utf8(code) else { return false };
    if code.len() > CODE || code.chars().any(|one| one < ' ' || one == '\x7f') {
        return false;
    }
    CHILDREN.iter().any(|(module, called)| {
        let start = format!("from {module} import {called};");
        let Some(rest) = code.strip_prefix(&start) else { return false };
        let rest = rest.strip_prefix(' ').unwrap_or(rest);
        let Some(rest) = rest.strip_prefix(called).and_then(|it| it.strip_prefix('(')) else {
            return false;
        };
        let mut reader = Reader { left: rest };
        reader.arguments().is_some() && reader.left.is_empty()
    })
}

/// Reads literals as `repr` writes them: numbers, texts, bytes, lists, tuples, and the names of
/// arguments. What Python reads otherwise is not read.
struct Reader<'a> {
    left: &'a str,
}

impl Reader<'_> {
    fn take(&mut self, text: &str) -> Option<()> {
        self.left = self.left.strip_prefix(text)?;
        Some(())
    }

    fn arguments(&mut self) -> Option<()> {
        if self.take(")").is_some() {
            return Some(());
        }
        loop {
            if self.take("**").is_some() {
                self.mapping(0)?;
                return self.take(")");
            }
            let name = self.left.bytes().take_while(|one| one.is_ascii_lowercase() || *one == b'_');
            let length = name.count();
            if length > 0 && self.left.as_bytes().get(length) == Some(&b'=') {
                self.left = self.left.get(length.checked_add(1)?..)?;
            }
            self.literal(0)?;
            if self.take(")").is_some() {
                return Some(());
            }
            self.take(", ")?;
        }
    }

    fn literal(&mut self, depth: usize) -> Option<()> {
        if depth > DEPTH {
            return None;
        }
        for word in ["None", "True", "False"] {
            if self.take(word).is_some() {
                let next = self.left.bytes().next();
                return next
                    .is_none_or(|one| matches!(one, b',' | b')' | b']' | b'}'))
                    .then_some(());
            }
        }
        match self.left.as_bytes() {
            [b'[', ..] => self.items("[", "]", depth),
            [b'(', ..] => self.items("(", ")", depth),
            [b'{', ..] => self.mapping(depth),
            [b'b', b'\'' | b'"', ..] => {
                self.take("b")?;
                self.quoted()
            }
            [b'\'' | b'"', ..] => self.quoted(),
            _ => self.number(),
        }
    }

    fn items(&mut self, open: &str, close: &str, depth: usize) -> Option<()> {
        self.take(open)?;
        if self.take(close).is_some() {
            return Some(());
        }
        loop {
            self.literal(depth.checked_add(1)?)?;
            if self.take(close).is_some() {
                return Some(());
            }
            if self.take(",)").is_some() {
                return (close == ")").then_some(());
            }
            self.take(", ")?;
        }
    }

    fn mapping(&mut self, depth: usize) -> Option<()> {
        self.take("{")?;
        if self.take("}").is_some() {
            return Some(());
        }
        loop {
            self.quoted()?;
            self.take(": ")?;
            self.literal(depth.checked_add(1)?)?;
            if self.take("}").is_some() {
                return Some(());
            }
            self.take(", ")?;
        }
    }

    fn number(&mut self) -> Option<()> {
        let _ = self.take("-");
        let digits = self.left.bytes().take_while(u8::is_ascii_digit).count();
        let (number, rest) = self.left.split_at_checked(digits)?;
        let leading = number.len() > 1 && number.starts_with('0');
        if number.is_empty() || leading || number.len() > 18 {
            return None;
        }
        self.left = rest;
        Some(())
    }

    /// A text in quotes, in which a backslash takes what follows it.
    fn quoted(&mut self) -> Option<()> {
        let mark = self.left.chars().next().filter(|one| matches!(one, '\'' | '"'))?;
        let mut units = self.left.char_indices().skip(1);
        while let Some((at, one)) = units.next() {
            if one == '\\' {
                let (_, next) = units.next()?;
                // \N{…} and octal: `repr` writes neither.
                if !"\\'\"nrtxuU".contains(next) {
                    return None;
                }
            } else if one == mark {
                self.left = self.left.get(at.checked_add(1)?..)?;
                // Two in a row would be one, or three quotes.
                return (!self.left.starts_with(['\'', '"'])).then_some(());
            }
        }
        None
    }
}

#[cfg(test)]
mod tests {
    use std::ffi::OsStr;

    use super::*;

    #[test]
    fn what_multiprocessing_writes_is_a_child() {
        for code in [
            "from multiprocessing.spawn import spawn_main; spawn_main(tracker_fd=5, pipe_handle=7)",
            "from multiprocessing.resource_tracker import main;main(4)",
            "from multiprocessing.forkserver import main; main(7, 8, ['__main__'], **{})",
            "from multiprocessing.forkserver import main; main(7, 8, [], **{'a': ['/x'], 'b': '/y'})",
            "from multiprocessing.forkserver import main; main(7, 8, ['a', \"b'c\"], sys_path=['/x'])",
            "from multiprocessing.forkserver import main; main(7, 8, [], main_path='/a/\\'b', x=(1,))",
            "from multiprocessing.forkserver import main; main(-1, None, True, b'\\x00')",
        ] {
            assert!(is_child(code.as_bytes()), "{code}");
        }
    }

    #[test]
    fn other_code_is_none() {
        let spawn = "from multiprocessing.spawn import spawn_main; spawn_main";
        for rest in [
            "(tracker_fd=print(5))",
            "(5); print(1)",
            "(5)#",
            "(5)\n",
            "(__import__('os'))",
            "('a' 'b')",
            "('''a''')",
            "('\\N{DASH}')",
            "(f'{print(1)}')",
            "([x for x in y])",
            "(05)",
            "(5",
            "(5,)",
            "(5 )",
            "('a)",
            "(**{'a': print(1)})",
            "(**{print(1): 1})",
            "(**x)",
            "(None())",
            "(Nonesense)",
            "",
        ] {
            assert!(!is_child(format!("{spawn}{rest}").as_bytes()), "{rest}");
        }
        assert!(!is_child(b"from os import system; system('x')"));
        assert!(!is_child(b"from multiprocessing.spawn import main; main(1)"));
        let deep = format!("{spawn}({}{})", "[".repeat(99), "]".repeat(99));
        assert!(!is_child(deep.as_bytes()));
    }

    #[test]
    fn flags_of_a_python_are_left_out() {
        for word in ["-B", "-IS", "-Xdev", "-Wdefault", "-X"] {
            assert_eq!(word != "-X", is_flag(OsStr::new(word).as_bytes()), "{word}");
        }
        for word in ["-c", "-m", "--", "-", "-x", "-Bc"] {
            assert!(!is_flag(OsStr::new(word).as_bytes()), "{word}");
        }
    }
}
