//! The statements of those who count, in two files (docs/spec/view).
//!
//! Here: the text of the head, the blocks of the base, and how rows are found in them. Not here: who
//! counts, and what a row means (`crate::viewing`).
//!
//! A1  An answer is exact or there is none. The head ends with its own digest and names the root
//!     block of the base by digest; a block of the base names those below it. So a row that damage
//!     lost does not look like one that was never there.
//! A2  A filed text that stands in the tail is not looked for in the base.
//! A3  All rows of a filed text are in one block.
//! A4  Rows of the source `view` say where to look, and are of nobody. No other row has this source,
//!     nor is filed where they are: nobody can add to them or hide one.

use std::collections::BTreeMap;

use crate::errors::FormatError;
use crate::model::fingerprint::Fingerprint;
use crate::model::identifier::{Identifier, digest, is_digest, is_hex};

/// The file of the head.
pub const NAME: &str = "view";
/// The most that is read of it.
pub const HEAD_BYTES: usize = 64 * 1024 * 1024;
/// More levels than a base of whatever size has.
const DEEPEST: u32 = 32;

const FIRST: &str = "sig view 2";

/// The source of rows that say where to look (A4).
const SOURCE: &str = "view";

/// Under what the identifiers of bytes are filed that begin like this one, if anybody who counts said
/// that they are not ok.
pub fn against(id: &Identifier) -> String {
    format!("against {}", id.digits().get(..2).unwrap_or_default())
}

/// Under what the lists of files are filed that have these digests of METADATA.
pub fn alike(metadata: &[u8]) -> String {
    format!("list {}", digest(metadata))
}

/// At what these rows say to look (A4).
pub fn pointed(rows: &[Row]) -> Result<Vec<Identifier>, FormatError> {
    let ours = rows.iter().filter(|row| row.source == SOURCE);
    let look = |row: &Row| match Identifier::new(&row.text) {
        Ok(id) if id.names_bytes() && !row.malformed => Ok(id),
        _ => refused("a row names nothing to look at"),
    };
    ours.map(look).collect()
}

/// One statement as one source has it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Row {
    /// What it is found by.
    pub filed: String,
    /// `own`, `kept`, or `remote:NAME`.
    pub source: String,
    /// When it was first met, in seconds since 1970.
    pub first_met: Option<i64>,
    /// Whether the text says what is wrong with it, instead of being an envelope.
    pub malformed: bool,
    /// The envelope in canonical form.
    pub text: String,
}

/// A remote as the verdict needs it. Times are seconds since 1970.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Followed {
    /// The pinned key.
    pub key: Option<Fingerprint>,
    /// The sequence of its state.
    pub sequence: Option<i64>,
    /// When that ends.
    pub expires: Option<i64>,
}

/// A piece of a base.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Block {
    /// Where it lies.
    pub offset: u64,
    /// Its length.
    pub length: usize,
    /// The digest of its bytes.
    pub digest: String,
}

/// A base: its file, and its one block that no other names.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Base {
    /// The file.
    pub name: String,
    /// How many levels of blocks there are above those with rows.
    pub depth: u32,
    /// The root.
    pub root: Block,
}

/// What `view` says.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Head<'a> {
    /// The commit after which it was written.
    pub commit: &'a str,
    /// The digest of the configuration; None where there is none.
    pub config: Option<&'a str>,
    /// The keys that count, and the digests of their certificates; None where one is not known.
    pub counts: BTreeMap<Fingerprint, Option<&'a str>>,
    /// The folder's own key, where that does not count.
    pub own: Option<(Fingerprint, Option<&'a str>)>,
    /// By their names.
    pub remotes: BTreeMap<&'a str, Followed>,
    /// How long the file of each source is, as far as it is there.
    pub sources: BTreeMap<&'a str, u64>,
    /// None where it is empty.
    pub base: Option<Base>,
    /// The lines of rows, by what they are filed under.
    tail: BTreeMap<&'a str, Vec<&'a str>>,
}

/// Why a head is not followed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Fault {
    /// It is not what was written, or nothing that this program knows.
    Format(FormatError),
    /// It is of another version.
    Newer,
}

impl From<FormatError> for Fault {
    fn from(error: FormatError) -> Self {
        Self::Format(error)
    }
}

fn refused<T>(why: impl Into<String>) -> Result<T, FormatError> {
    Err(FormatError::new(why))
}

// --- the head ------------------------------------------------------------------------------------

impl<'a> Head<'a> {
    /// The meaning of `view`.
    pub fn read(raw: &'a [u8]) -> Result<Self, Fault> {
        let text = std::str::from_utf8(raw).ok().filter(|text| text.is_ascii());
        let damaged = || FormatError::new("it is damaged");
        if raw.starts_with(b"sig view ") && !raw.starts_with(b"sig view 2\n") {
            return Err(Fault::Newer);
        }
        let text = text.ok_or_else(damaged)?;
        // A1: the last line is the digest of all before it.
        let end = text.rfind("sha256 ").ok_or_else(damaged)?;
        let (told, seal) = text.split_at_checked(end).ok_or_else(damaged)?;
        if seal.strip_prefix("sha256 ") != Some(&*(digest(told.as_bytes()) + "\n")) {
            return Err(damaged().into());
        }
        let mut lines = Lines { left: told };
        if lines.next() != Some(FIRST) {
            return Err(FormatError::new("it is no view").into());
        }
        let [commit] = lines.fields("commit")?;
        if commit.len() != 16 || !is_hex(commit) {
            return Err(FormatError::new("it names no commit").into());
        }
        let [config] = lines.fields("config")?;
        let config = digest_or_none(config)?;
        let mut counts = BTreeMap::new();
        while lines.is_next("counts") {
            let [key, digest] = lines.fields("counts")?;
            let key = fingerprint(key)?;
            if counts.last_key_value().is_some_and(|(last, _)| *last >= key) {
                return Err(FormatError::new("its keys are not in order").into());
            }
            counts.insert(key, digest_or_none(digest)?);
        }
        let mut own = None;
        if lines.is_next("own") {
            let [key, digest] = lines.fields("own")?;
            let key = fingerprint(key)?;
            if counts.contains_key(&key) {
                return Err(FormatError::new("its own key is none").into());
            }
            own = Some((key, digest_or_none(digest)?));
        }
        let mut remotes = BTreeMap::new();
        while lines.is_next("remote") {
            let [name, key, sequence, expires] = lines.fields("remote")?;
            let followed = Followed {
                key: if key == "-" { None } else { Some(fingerprint(key)?) },
                sequence: number_or_none(sequence)?,
                expires: number_or_none(expires)?,
            };
            if remotes.last_key_value().is_some_and(|(last, _)| *last >= name) || name.is_empty() {
                return Err(FormatError::new("its remotes are not in order").into());
            }
            remotes.insert(name, followed);
        }
        let mut sources = BTreeMap::new();
        while lines.is_next("source") {
            let [name, length] = lines.fields("source")?;
            if sources.last_key_value().is_some_and(|(last, _)| *last >= name) || name.is_empty() {
                return Err(FormatError::new("its sources are not in order").into());
            }
            sources.insert(name, number(length)?);
        }
        let base = if lines.is_next("base") { Some(base(&mut lines)?) } else { None };
        let tail = tail(&mut lines)?;
        Ok(Self { commit, config, counts, own, remotes, sources, base, tail })
    }

    /// The digest of the certificate of a key that this head names; None where it does not name it.
    pub fn certificate(&self, key: &Fingerprint) -> Option<Option<&'a str>> {
        let own = self.own.as_ref().filter(|(own, _)| own == key).map(|(_, digest)| *digest);
        self.counts.get(key).copied().or(own)
    }

    /// All rows that are filed under this, where the tail tells (A2).
    pub fn in_tail(&self, filed: &str) -> Option<Result<Vec<Row>, FormatError>> {
        self.tail.get(filed).map(|lines| lines.iter().map(|line| row(line)).collect())
    }
}

/// The lines of a head, one after the other.
struct Lines<'a> {
    left: &'a str,
}

impl<'a> Lines<'a> {
    fn next(&mut self) -> Option<&'a str> {
        let (line, left) = self.left.split_once('\n')?;
        self.left = left;
        Some(line)
    }

    fn is_next(&self, word: &str) -> bool {
        self.left.split([' ', '\n']).next() == Some(word)
    }

    /// The fields of the next line, which begins with this word.
    fn fields<const N: usize>(&mut self, word: &str) -> Result<[&'a str; N], FormatError> {
        let line = self.next().ok_or_else(|| FormatError::new("it is cut"))?;
        let rest = line.strip_prefix(word).and_then(|rest| rest.strip_prefix(' '));
        let fields = rest.map(|rest| rest.split(' ').collect::<Vec<_>>());
        let found = fields.and_then(|fields| <[&str; N]>::try_from(fields).ok());
        found.ok_or_else(|| FormatError::new(format!("it has no {word}")))
    }
}

fn fingerprint(text: &str) -> Result<Fingerprint, FormatError> {
    Fingerprint::new(text).ok_or_else(|| FormatError::new("it has a bad key"))
}

fn digest_or_none(text: &str) -> Result<Option<&str>, FormatError> {
    match text {
        "-" => Ok(None),
        _ if is_digest(text) => Ok(Some(text)),
        _ => refused("it has a bad digest"),
    }
}

/// A number without a sign or leading zeros, of at most 16 digits.
fn number<T: TryFrom<u64>>(text: &str) -> Result<T, FormatError> {
    let plain = text.len() <= 16
        && text.bytes().all(|one| one.is_ascii_digit())
        && (text == "0" || !text.starts_with('0'));
    let found = text.parse::<u64>().ok().filter(|_| plain).and_then(|it| T::try_from(it).ok());
    found.ok_or_else(|| FormatError::new("it has a bad number"))
}

fn number_or_none(text: &str) -> Result<Option<i64>, FormatError> {
    if text == "-" { Ok(None) } else { number(text).map(Some) }
}

fn base(lines: &mut Lines<'_>) -> Result<Base, FormatError> {
    let [name, depth, offset, length, digest] = lines.fields("base")?;
    // A name of ours, which cannot lead elsewhere.
    let token = name.strip_prefix("view.").filter(|it| it.len() == 16 && is_hex(it));
    let depth = number(depth)?;
    if token.is_none() || !is_digest(digest) || depth > DEEPEST {
        return refused("it has a bad base");
    }
    let root =
        Block { offset: number(offset)?, length: number(length)?, digest: digest.to_owned() };
    Ok(Base { name: name.to_owned(), depth, root })
}

fn tail<'a>(lines: &mut Lines<'a>) -> Result<BTreeMap<&'a str, Vec<&'a str>>, FormatError> {
    let mut found: BTreeMap<&str, Vec<&str>> = BTreeMap::new();
    let (mut last, mut gone) = ("", false);
    while let Some(line) = lines.next() {
        let (filed, row) = match line.split_once(' ') {
            Some(("row", row)) if row.matches('\t').count() == 4 => {
                (row.split('\t').next().unwrap_or_default(), Some(row))
            }
            Some(("gone", filed)) if !filed.contains('\t') => (filed, None),
            _ => return refused("it has an unknown line"),
        };
        let again = filed == last && row.is_some() && !gone && !found.is_empty();
        if filed <= last && !again {
            return refused("its tail is not in order");
        }
        (last, gone) = (filed, row.is_none());
        found.entry(filed).or_default().extend(row);
    }
    if lines.left.is_empty() { Ok(found) } else { refused("its last line is cut") }
}

// --- the base ------------------------------------------------------------------------------------

/// The lines of a block, if these bytes are it (A1).
pub fn lines<'a>(base: &Base, block: &Block, raw: &'a [u8]) -> Result<&'a str, FormatError> {
    let text = std::str::from_utf8(raw).ok().filter(|_| digest(raw) == block.digest);
    text.ok_or_else(|| FormatError::new(format!("{} is damaged", base.name)))
}

/// The block below that holds what is filed under this, if any does; of the lines of a block of a
/// higher depth.
pub fn below(lines: &str, filed: &str) -> Result<Option<Block>, FormatError> {
    let mut found = None;
    for line in lines.split_terminator('\n') {
        let mut fields = line.split('\t');
        let (Some(first), Some(offset), Some(length), Some(digest), None) =
            (fields.next(), fields.next(), fields.next(), fields.next(), fields.next())
        else {
            return refused("a block of the base is none");
        };
        if first > filed {
            break;
        }
        found = Some((offset, length, digest));
    }
    let Some((offset, length, digest)) = found else { return Ok(None) };
    let (offset, length) = (number(offset)?, number(length)?);
    Ok(Some(Block { offset, length, digest: digest.to_owned() }))
}

/// The rows that are filed under this, of the lines of a block with rows.
pub fn rows(lines: &str, filed: &str) -> Result<Vec<Row>, FormatError> {
    let here = |line: &&str| line.strip_prefix(filed).is_some_and(|rest| rest.starts_with('\t'));
    lines.split_terminator('\n').filter(here).map(row).collect()
}

fn row(line: &str) -> Result<Row, FormatError> {
    let bad = || FormatError::new("a row is none");
    let fields: Vec<&str> = line.split('\t').collect();
    let [filed, source, met, malformed, text] = *fields.as_slice() else { return Err(bad()) };
    let malformed = match malformed {
        "0" => false,
        "1" => true,
        _ => return Err(bad()),
    };
    if filed.is_empty() || source.is_empty() || met.starts_with('+') || met.len() > 19 {
        return Err(bad());
    }
    let first_met = if met.is_empty() { None } else { Some(met.parse().map_err(|_| bad())?) };
    let [filed, source, text] = [filed, source, text].map(str::to_owned);
    Ok(Row { filed, source, first_met, malformed, text })
}
