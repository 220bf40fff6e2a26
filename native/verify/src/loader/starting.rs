//! The sealed file that a run starts from: a table, lines of Python, our modules, the plan, a pack.
//!
//! It is what `sig/imports/packing.py` writes, without being a zip: an interpreter of the system's is
//! given the lines with `-c`, and they find everything by the table.
//!
//! A Python that is not the system's finds the first modules of its standard library in a zip at the
//! end of the same file, and nowhere else (Z6 of `packing.py`).
//!
//! Z1  Our modules are those behind the policy, byte for byte.
//! Z2  An interpreter of the bytecode that they were compiled to runs that, any other the sources. To
//!     one that is the very file of when the loader was made only that is handed over.

use std::borrow::Cow;
use std::collections::BTreeMap;
use std::ffi::OsString;
use std::os::unix::ffi::OsStringExt;
use std::path::Path;

use sig_core::model::loader::{Module, Policy};
use sig_core::model::pack::Pack;
use sig_core::model::zip::Directory;

use super::interpreter::Build;

/// Where the lines lie, and how long they are at most (`sig/imports/page.py`).
const TABLE: usize = 4096;
const LENGTH: usize = 8192;
const BEFORE: usize = TABLE + LENGTH;
/// The module that they are.
pub const LINES: &str = "page";
/// Around the number of a descriptor: what runs them as source, and compiled.
const SOURCE: (&str, &str) = ("import posix;d=", ";exec(posix.pread(d,8192,4096))");
const COMPILED: (&str, &str) =
    ("import posix,marshal;d=", ";exec(marshal.loads(posix.pread(d,8192,4096)))");
/// What a Python that is not the system's is led by, and forgets at once.
const GONE: [&[u8]; 3] = [b"LD_PRELOAD", b"PYTHONHOME", b"PYTHONPATH"];
const HOME: &str = "/proc/self/fd";
/// Python 3.13 imports it to remember the text of -c; what would come with it is half of a library.
const LINECACHE: (&str, &[u8]) = ("linecache.py", b"def _register_code(*given): pass\n");
/// The first Python 3 that has -P.
const SAFE_PATH: u32 = 11;

/// The bytes of the file, part by part; None where its table would not fit. `same` says that the
/// interpreter is the very file of when the loader was made. `library` are sources of the standard
/// library, by their paths in it, for a Python that is not the system's.
pub fn sealed<'a>(
    policy: &Policy,
    modules: &'a [u8],
    same: bool,
    plan: &'a [u8],
    pack: Option<(&Pack<'_>, &'a [u8])>,
    library: Option<&BTreeMap<String, Vec<u8>>>,
) -> Option<Vec<Cow<'a, [u8]>>> {
    let (compiled, after) = places(&policy.compiled, BEFORE);
    let (sources, end) = places(&policy.sources, after);
    let needed = if same { after } else { end }.checked_sub(BEFORE)?;
    let lines = if same { &compiled } else { &sources };
    let (_, start, stop) = *lines.iter().find(|(name, ..)| *name == LINES)?;
    let lines = modules.get(start.checked_sub(BEFORE)?..stop.checked_sub(BEFORE)?)?;
    let mut parts: Vec<Cow<'a, [u8]>> = vec![
        Cow::Borrowed(&[]),
        filled(lines, LENGTH, b'\n')?.into(),
        modules.get(..needed)?.into(),
    ];
    let mut end = BEFORE.checked_add(needed)?;
    let mut add = |data: Cow<'a, [u8]>| -> Option<(usize, usize)> {
        let start = end;
        end = start.checked_add(data.len())?;
        parts.push(data);
        Some((start, end))
    };
    let plan = add(plan.into())?;
    let packed = match pack {
        None => Vec::new(),
        Some((pack, raw)) => vec![add(table(pack)?.into())?, add(raw.into())?],
    };
    let mut written = marshal::tuple(8)?;
    written.extend(marshal::bytes(&policy.magic)?);
    written.extend(marshal::number(end)?);
    written.extend(marshal::number(end)?);
    for modules in [&compiled[..], if same { &[] } else { &sources[..] }] {
        written.extend(marshal::tuple(modules.len())?);
        for (name, start, end) in modules {
            written.extend(marshal::tuple(3)?);
            written.extend(marshal::text(name)?);
            written.extend(marshal::number(*start)?);
            written.extend(marshal::number(*end)?);
        }
    }
    written.extend(marshal::pair(plan)?);
    written.extend(marshal::tuple(packed.len())?);
    for place in packed {
        written.extend(marshal::pair(place)?);
    }
    let gone: &[&[u8]] = if library.is_some() { &GONE } else { &[] };
    written.extend(marshal::tuple(gone.len())?);
    for name in gone {
        written.extend(marshal::bytes(name)?);
    }
    if let Some(first) = parts.first_mut() {
        *first = filled(&written, TABLE, 0)?.into();
    }
    if let Some(library) = library {
        parts.push(zip(end, library)?.into());
    }
    Some(parts)
}

/// Behind everything: a reader of zips starts at the end.
fn zip(start: usize, library: &BTreeMap<String, Vec<u8>>) -> Option<Vec<u8>> {
    let mut file = Vec::new();
    let mut directory = Directory::default();
    let mut members: BTreeMap<&str, &[u8]> =
        library.iter().map(|(name, data)| (name.as_str(), data.as_slice())).collect();
    members.extend([LINECACHE]);
    for (name, data) in members {
        let head = directory.add(name.as_bytes(), data, start.checked_add(file.len())?)?;
        file.extend_from_slice(&head);
        file.extend_from_slice(data);
    }
    let end = directory.end(start.checked_add(file.len())?)?;
    file.extend_from_slice(&end);
    Some(file)
}

/// Name, start and end of each, and where they end.
fn places(modules: &[Module], start: usize) -> (Vec<(&str, usize, usize)>, usize) {
    let mut place = start;
    let found = modules.iter().map(|(name, size)| {
        let start = place;
        place = place.saturating_add(*size);
        (name.as_str(), start, place)
    });
    (found.collect(), place)
}

/// With as many of one byte behind it as make it this long; None if it is longer.
fn filled(data: &[u8], length: usize, with: u8) -> Option<Vec<u8>> {
    let mut found = data.to_vec();
    (found.len() <= length).then(|| found.resize(length, with))?;
    Some(found)
}

/// Where in a pack everything lies: names, and pairs of numbers.
fn table(pack: &Pack<'_>) -> Option<Vec<u8>> {
    let mut found = b"{".to_vec();
    for (name, start, end) in pack.places() {
        found.extend(marshal::text(name)?);
        found.extend(marshal::pair((start, end))?);
    }
    found.push(b'0');
    Some(found)
}

/// Values as `marshal` writes them (version 2, which every Python reads).
mod marshal {
    fn sized(kind: u8, length: usize) -> Option<Vec<u8>> {
        let mut found = vec![kind];
        found.extend_from_slice(&i32::try_from(length).ok()?.to_le_bytes());
        Some(found)
    }

    fn raw(kind: u8, data: &[u8]) -> Option<Vec<u8>> {
        let mut found = sized(kind, data.len())?;
        found.extend_from_slice(data);
        Some(found)
    }

    pub fn text(text: &str) -> Option<Vec<u8>> {
        raw(b'u', text.as_bytes())
    }

    pub fn bytes(data: &[u8]) -> Option<Vec<u8>> {
        raw(b's', data)
    }

    pub fn number(number: usize) -> Option<Vec<u8>> {
        sized(b'i', number)
    }

    /// What stands before that many values.
    pub fn tuple(length: usize) -> Option<Vec<u8>> {
        sized(b'(', length)
    }

    pub fn pair((one, other): (usize, usize)) -> Option<Vec<u8>> {
        Some([tuple(2)?, number(one)?, number(other)?].concat())
    }
}

/// The words before the page: the same in every run of a loader.
pub fn before(executable: &Path, build: Option<&Build>, options: &[String]) -> Vec<OsString> {
    let mut words: Vec<OsString> = match build {
        None => vec![executable.into(), "-I".into()],
        Some(build) => vec![format!("{HOME}/{}", build.name).into(), "-s".into()],
    };
    if build.and_then(Build::minor).is_some_and(|minor| minor >= SAFE_PATH) {
        words.push("-P".into());
    }
    words.extend(["-S", "-B"].map(OsString::from));
    words.extend(options.iter().map(OsString::from));
    words.push("-c".into());
    words
}

/// What a Python that is not the system's has in its environment, until its first line.
pub fn variables(descriptor: i32, preload: &[Vec<u8>]) -> Vec<(OsString, OsString)> {
    let place = format!("{HOME}/{descriptor}");
    let mut found: Vec<(OsString, OsString)> =
        vec![("PYTHONHOME".into(), HOME.into()), ("PYTHONPATH".into(), place.into())];
    if !preload.is_empty() {
        found.push(("LD_PRELOAD".into(), OsString::from_vec(preload.join(&b':'))));
    }
    found
}

/// The words where the linker maps a copy of the interpreter.
pub fn mapped(linker: &Path, copy: OsString, words: Vec<OsString>) -> Vec<OsString> {
    let mut words = words.into_iter();
    let name = words.next().unwrap_or_default();
    let mut found = vec![linker.into(), "--argv0".into(), name, copy];
    found.extend(words);
    found
}

/// What runs the lines of the file in this descriptor, for a `same` interpreter or any other.
pub fn first(descriptor: i32, same: bool) -> OsString {
    let (before, after) = if same { COMPILED } else { SOURCE };
    format!("{before}{descriptor}{after}").into()
}

/// Whether this is such a text.
pub fn is_first(word: &[u8]) -> bool {
    [SOURCE, COMPILED].iter().any(|(before, after)| {
        let rest = word.strip_prefix(before.as_bytes());
        let digits = rest.and_then(|rest| rest.strip_suffix(after.as_bytes()));
        digits.is_some_and(|it| !it.is_empty() && it.iter().all(u8::is_ascii_digit))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_our_own_first_words_are_such() {
        for same in [true, false] {
            assert!(is_first(first(3, same).as_encoded_bytes()));
            assert!(is_first(first(1024, same).as_encoded_bytes()));
        }
        let (before, after) = SOURCE;
        for other in [before, after, "", "3", "import posix;d=3;x"] {
            assert!(!is_first(other.as_bytes()), "{other}");
        }
        for number in ["", "x", "-3", "3;x"] {
            assert!(!is_first(format!("{before}{number}{after}").as_bytes()), "{number}");
        }
        assert!(!is_first(format!("{}3{after}", COMPILED.0).as_bytes()));
    }
}
