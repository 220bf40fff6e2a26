//! A tree of files as one list of digests and paths (docs/spec/manifest).
//!
//! Here: the text, which paths it can hold, and what differs between two trees. Not here: what a
//! glob leaves out (`globs`).
//!
//! M1  The text is what `sha256sum` prints, `HEX  PATH` and a line feed, at least one file, at most
//!     64 MiB. What is written is sorted by the bytes of the path: one tree, one text, one id.
//! M2  A path leads to one place below the folder, on every system: its parts stand between `/`,
//!     none is empty or ends in a dot or a space, none is longer than 255 bytes, all together at
//!     most 4096. It does not start as a drive does, and is not `-`, which `sha256sum -c` takes for
//!     its input.
//! M3  It is text of one line: no control character, no backslash, no lone surrogate.
//! M4  No two paths are equal but for the case of ASCII letters and for how Unicode composes
//!     characters, and no file is the folder of another: a disk would hold only one of them.
//! M5  A glob leaves out files on purpose. It never hides a file that is listed.

use std::borrow::Cow;
use std::collections::{BTreeMap, BTreeSet};

use icu_normalizer::DecomposingNormalizerBorrowed;

use super::globs::Globs;
use super::identifier::{Identifier, is_digest};
use super::limits;
use super::told::told;
use crate::errors::FormatError;

/// Where the path of a line starts.
const PATH: usize = 66;

/// The files of a tree, valid (M1–M4) or not made at all. Two are equal if their texts are.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Manifest {
    text: String,
    /// Where each line starts, its path, and where its line feed stands; in the order of the paths.
    lines: Vec<(usize, usize)>,
}

impl Manifest {
    /// The manifest of these paths and digests, in whatever order they come.
    pub fn of<'a>(
        entries: impl IntoIterator<Item = (&'a str, &'a str)>,
    ) -> Result<Self, FormatError> {
        let entries: Vec<(&str, &str)> = entries.into_iter().collect();
        if let Some(at) = twice(&entries) {
            let path = entries.get(at).map_or("", |entry| entry.0);
            return Err(FormatError::new(format!("{}: stands twice", told(path))));
        }
        if let Some((path, _)) = entries.iter().find(|(_, digest)| !is_digest(digest)) {
            let why = format!("{}: its digest is not 64 lower-case hex digits", told(path));
            return Err(FormatError::new(why));
        }
        Self::made(entries)
    }

    /// The manifest of paths of which none stands twice.
    fn made(mut entries: Vec<(&str, &str)>) -> Result<Self, FormatError> {
        check_paths(&entries.iter().map(|(path, _)| *path).collect::<Vec<_>>())?;
        entries.sort_unstable();
        let mut text = String::new();
        let mut lines = Vec::with_capacity(entries.len());
        for (path, digest) in entries {
            let start = text.len();
            text.extend([digest, "  ", path]);
            lines.push((start, text.len()));
            text.push('\n');
        }
        if text.len() > limits::MANIFEST { Err(too_large()) } else { Ok(Self { text, lines }) }
    }

    /// What is written, and what `sha256sum -c` checks (M1).
    pub fn text(&self) -> &str {
        &self.text
    }

    /// The name of the tree: the identifier of its text.
    pub fn id(&self) -> Identifier {
        Identifier::of_bytes(self.text.as_bytes())
    }

    /// How many files there are: at least one.
    #[allow(clippy::len_without_is_empty, reason = "none is empty")]
    pub fn len(&self) -> usize {
        self.lines.len()
    }

    /// Path and digest of every file, by the bytes of the path.
    pub fn files(&self) -> impl DoubleEndedIterator<Item = (&str, &str)> + Clone {
        self.lines.iter().map(|&line| self.file(line))
    }

    /// The digest of the file at a path, 64 hex digits; none where no file is listed.
    pub fn digest(&self, path: &str) -> Option<&str> {
        let found = self.lines.binary_search_by(|&line| self.file(line).0.cmp(path)).ok()?;
        self.lines.get(found).map(|&line| self.file(line).1)
    }

    /// The paths of all files below a folder, `""` for that of the tree.
    pub fn below(&self, folder: &str) -> impl Iterator<Item = &str> {
        let before = if folder.is_empty() { String::new() } else { format!("{folder}/") };
        let start = self.lines.partition_point(|&line| self.file(line).0 < before.as_str());
        let rest = self.lines.get(start..).unwrap_or_default();
        rest.iter()
            .map(|&line| self.file(line).0)
            .take_while(move |path| path.starts_with(before.as_str()))
    }

    fn file(&self, (start, end): (usize, usize)) -> (&str, &str) {
        let line = self.text.get(start..end).unwrap_or_default();
        (line.get(PATH..).unwrap_or_default(), line.get(..64).unwrap_or_default())
    }
}

// --- reading -------------------------------------------------------------------------------------

/// A list that `sha256sum` wrote: in any order, also with ` *`.
pub fn read(raw: &[u8]) -> Result<Manifest, FormatError> {
    Manifest::made(lines(raw)?)
}

/// A manifest that is named by its digest: only the one text of its tree.
pub fn read_canonical(raw: &[u8]) -> Result<Manifest, FormatError> {
    let found = read(raw)?;
    if found.text.as_bytes() == raw {
        Ok(found)
    } else {
        Err(FormatError::new("not the one form of a manifest: sorted by path, two spaces"))
    }
}

/// Path and digest of each line, in the order of the lines.
fn lines(raw: &[u8]) -> Result<Vec<(&str, &str)>, FormatError> {
    if raw.len() > limits::MANIFEST {
        return Err(too_large());
    }
    let text = std::str::from_utf8(raw).map_err(|error| {
        let before = raw.get(..error.valid_up_to()).unwrap_or_default();
        refused(lines_in(before), "not UTF-8")
    })?;
    let Some(text) = text.strip_suffix('\n') else {
        if text.is_empty() {
            return Ok(Vec::new());
        }
        // What was cut off could have been a longer path.
        return Err(refused(lines_in(raw), "does not end"));
    };
    let mut found = Vec::new();
    for (at, line) in text.split('\n').enumerate() {
        found.push(parts(line).map_err(|why| refused(at, why))?);
    }
    if let Some(at) = twice(&found) {
        let path = found.get(at).map_or("", |entry| entry.0);
        return Err(refused(at, &format!("{}: stands twice", told(path))));
    }
    Ok(found)
}

/// Where a path stands for the second time.
fn twice(entries: &[(&str, &str)]) -> Option<usize> {
    if entries.is_sorted_by(|one, other| one.0 < other.0) {
        return None;
    }
    let mut seen = BTreeSet::new();
    entries.iter().position(|(path, _)| !seen.insert(*path))
}

fn parts(line: &str) -> Result<(&str, &str), &'static str> {
    if line.starts_with('\\') {
        return Err("a path with a backslash or a line feed");
    }
    let Some(digest) = line.get(..64).filter(|digits| is_digest(digits)) else {
        return Err("not 64 lower-case hex digits, two spaces and a path");
    };
    match (line.get(64..PATH), line.get(PATH..)) {
        (Some("  " | " *"), Some(path)) => Ok((path, digest)),
        _ => Err("not two spaces after the digest"),
    }
}

/// What is wrong in the line after so many.
fn refused(before: usize, why: &str) -> FormatError {
    FormatError::new(format!("line {}: {why}", before.saturating_add(1)))
}

fn lines_in(raw: &[u8]) -> usize {
    raw.iter().filter(|&&one| one == b'\n').count()
}

fn too_large() -> FormatError {
    FormatError::new(format!("a manifest larger than {} MiB", limits::MANIFEST >> 20))
}

// --- paths ---------------------------------------------------------------------------------------

/// M2 to M4 for the paths of one tree, each of which stands once.
pub fn check_paths(paths: &[&str]) -> Result<(), FormatError> {
    if paths.is_empty() {
        // Its text would be that of the empty file, and who vouches for one for the other.
        return Err(FormatError::new("there is no file in it"));
    }
    let named = |path: &str, why: &str| FormatError::new(format!("{}: {why}", told(path)));
    for path in paths {
        if let Some(why) = wrong(path) {
            return Err(named(path, why));
        }
    }
    if let Some(path) = paths.iter().find(|path| path.len() > limits::PATH) {
        return Err(named(path, &format!("a path longer than {} bytes", limits::PATH)));
    }
    let long = |path: &&&str| path.split('/').any(|part| part.len() > limits::NAME);
    if let Some(path) = paths.iter().find(long) {
        return Err(named(path, &format!("a name longer than {} bytes", limits::NAME)));
    }
    check_twins(paths)
}

/// Which rule of M2 or M3 a path breaks, if any. A lone surrogate is no text of this language.
fn wrong(path: &str) -> Option<&'static str> {
    let mut parts = path.split('/');
    let drive = matches!(path.as_bytes(), [letter, b':', ..] if letter.is_ascii_alphabetic());
    if path.is_empty() {
        Some("a path without a name")
    } else if path.starts_with('/') {
        Some("an absolute path")
    } else if parts.clone().any(str::is_empty) {
        Some("a path with an empty part")
    } else if parts.clone().any(|part| part == "..") {
        Some("a path that leaves its folder")
    } else if parts.clone().any(|part| part == ".") {
        Some("a path with the part .")
    } else if path.contains('\\') {
        Some("a path with a backslash")
    } else if path.chars().any(char::is_control) {
        Some("a path with a control character")
    } else if path == "-" {
        Some("a name that sha256sum -c takes for its input")
    } else if drive {
        Some("a path that starts like a drive")
    } else if parts.any(|part| part.ends_with(['.', ' '])) {
        Some("a name that ends in a dot or a space, which Windows drops")
    } else {
        None
    }
}

/// Puts the key of a path behind others: what is equal in this is one place on some disk (M4).
///
/// Decomposed first: so `Å` in one character and `a` with a ring are equal, as they are through `A`
/// with a ring. The least byte stands between parts, so that all that is below a path follows it at
/// once.
fn put_key(path: &str, keys: &mut Vec<u8>) {
    let decomposed = if path.is_ascii() {
        Cow::Borrowed(path)
    } else {
        DecomposingNormalizerBorrowed::new_nfd().normalize(path)
    };
    // Of bytes: the letters of ASCII alone.
    let lower = |one: u8| if one == b'/' { 0 } else { one.to_ascii_lowercase() };
    keys.extend(decomposed.bytes().map(lower));
}

fn check_twins(paths: &[&str]) -> Result<(), FormatError> {
    let mut keys = Vec::new();
    let mut places = Vec::with_capacity(paths.len());
    for path in paths {
        let start = keys.len();
        put_key(path, &mut keys);
        places.push((start, keys.len()));
    }
    let key = |(start, end): (usize, usize)| keys.get(start..end).unwrap_or_default();
    let mut sorted: Vec<(&[u8], usize)> =
        places.into_iter().enumerate().map(|(at, place)| (key(place), at)).collect();
    sorted.sort_unstable();
    for pair in sorted.windows(2) {
        let [(first, one), (second, other)] = pair else { continue };
        let why = match second.strip_prefix(*first).map(<[u8]>::first) {
            Some(None) => "one name on some disks",
            Some(Some(0)) => "a file and a folder of one name",
            _ => continue,
        };
        let named = |at: &usize| told(paths.get(*at).copied().unwrap_or_default());
        return Err(FormatError::new(format!("{} and {}: {why}", named(one), named(other))));
    }
    Ok(())
}

// --- differences ---------------------------------------------------------------------------------

/// How two trees differ at a path.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Difference {
    /// Listed, and there with other bytes.
    Changed,
    /// There, and not listed.
    Extra,
    /// Listed, and not there.
    Missing,
}

impl Difference {
    /// The word for it.
    pub fn word(self) -> &'static str {
        match self {
            Self::Changed => "changed",
            Self::Extra => "extra",
            Self::Missing => "missing",
        }
    }
}

/// Where `found` is not what was attested, by path.
///
/// What `exclude` names may be extra; it is never forgiven for being missing or changed (M5).
/// Tables, so that a folder from which all files went can be compared too.
pub fn differences<'a>(
    attested: &BTreeMap<&'a str, &str>,
    found: &BTreeMap<&'a str, &str>,
    exclude: &Globs,
) -> Vec<(&'a str, Difference)> {
    let mut told = Vec::new();
    for (path, digest) in attested {
        match found.get(path) {
            None => told.push((*path, Difference::Missing)),
            Some(there) if there != digest => told.push((*path, Difference::Changed)),
            Some(_) => {}
        }
    }
    for path in found.keys() {
        if !attested.contains_key(path) && !exclude.names(path) {
            told.push((*path, Difference::Extra));
        }
    }
    told.sort_unstable();
    told
}

#[cfg(test)]
mod tests {
    use super::*;

    const A: &str = "ca978112ca1bbdcafac231b39a23dc4da786eff8147c4e72b9807785afee48bb";
    const B: &str = "3e23e8160039594a33894f6564e1b1348bbd7a0088d42c4acb73eeaed59c009d";

    #[test]
    fn a_tree_has_one_text_and_its_files_are_found() {
        let made = Manifest::of([("b", B), ("a/c", A), ("a-", A), ("é", A), ("Z", B)]).unwrap();
        assert_eq!(format!("{B}  Z\n{A}  a-\n{A}  a/c\n{B}  b\n{A}  é\n"), made.text());
        assert_eq!(Ok(made.clone()), read_canonical(made.text().as_bytes()));
        assert_eq!(5, made.len());
        assert_eq!(Some(A), made.digest("a/c"));
        for path in ["", "a", "a/", "a/c/", "c", "A-"] {
            assert_eq!(None, made.digest(path));
        }
        assert_eq!(vec!["a/c"], made.below("a").collect::<Vec<_>>());
        assert_eq!(5, made.below("").count());
    }

    #[test]
    fn trees_differ_path_by_path() {
        let attested = BTreeMap::from([("a", A), ("b", A), ("c", A)]);
        let found = BTreeMap::from([("b", A), ("c", B), ("d", A), ("x.tmp", A)]);
        let exclude = Globs::new(&["*.tmp", "a", "c"]).unwrap();
        assert_eq!(
            vec![("a", Difference::Missing), ("c", Difference::Changed), ("d", Difference::Extra)],
            differences(&attested, &found, &exclude)
        );
    }
}
