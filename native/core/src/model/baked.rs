//! The file beside a baked loader: what its signers said of the program (docs/spec/loader §6), read as
//! `sig/model/baked.py` reads it, with the same words where it is refused.
//!
//! M1  One line of canonical JSON, a line with its digest, and the lists of files behind them. Every
//!     field is there and of its form, and there is no other.
//! M2  Each list has the digest that it is named by; statements and lists are sorted, each once: so
//!     equal content has equal bytes.
//! M3  Nothing in the file is believed. What is damaged is not read at all, so that a word that damage
//!     took away is not like one that was never said.

use std::collections::BTreeMap;

use super::attestation::UnverifiedAttestation;
use super::closure::is_label;
use super::fingerprint::Fingerprint;
use super::identifier::{digest, is_digest};
use super::limits;
use super::strict::{self, Value};
use super::wire;
use crate::errors::FormatError;

/// A statement, and its envelope as it is written.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Said {
    /// Read, and not verified.
    pub statement: UnverifiedAttestation,
    /// The canonical text.
    pub text: String,
}

/// What stands in the file. Nothing of it is proved.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Baked<'a> {
    /// The name of the program.
    pub app: String,
    /// What is known of keys beyond what a loader has.
    pub certificates: BTreeMap<Fingerprint, Vec<u8>>,
    /// What was said.
    pub statements: Vec<Said>,
    /// Lists of files by their digests.
    pub lists: BTreeMap<String, &'a [u8]>,
}

const FIELDS: [&str; 5] = ["app", "certificates", "lists", "statements", "version"];
const SEAL: usize = 72;

fn refused<T>(why: impl Into<String>) -> Result<T, FormatError> {
    Err(FormatError::new(why))
}

/// What these bytes of a whole file say (M1 to M3).
pub fn read(raw: &[u8]) -> Result<Baked<'_>, FormatError> {
    if raw.len() > limits::BAKED {
        return refused(format!("larger than {} MiB", limits::BAKED >> 20));
    }
    let end = raw.iter().position(|one| *one == b'\n').and_then(|end| end.checked_add(1));
    let split = end.and_then(|end| raw.split_at_checked(end));
    let parts = split.and_then(|(line, rest)| {
        let (seal, lists) = rest.split_at_checked(SEAL)?;
        Some((line, seal, lists))
    });
    let Some((line, seal, lists)) = parts else { return refused("it is cut") };
    if seal != format!("sha256 {}\n", digest(line)).as_bytes() {
        return refused("it is damaged");
    }
    let line = line.strip_suffix(b"\n").unwrap_or(line);
    let said = strict::document(line, 1)?;
    strict::check_names(&said, &FIELDS, "")?;
    let get = |name: &str| said.get(name).unwrap_or(&Value::Null);
    let app = get("app").text().filter(|it| is_label(it, |one| b"._-".contains(&one)));
    let Some(app) = app else { return refused("app is not the name of an app") };
    let Some(certificates) = certificates(get("certificates")) else {
        return refused("certificates is not certificates by their fingerprints");
    };
    let Some(lengths) = lengths(get("lists")) else {
        return refused("lists is not a sorted list of digests and lengths");
    };
    let statements = statements(get("statements"))?;
    let lists = listed(&lengths, lists)?;
    Ok(Baked { app: app.to_owned(), certificates, statements, lists })
}

/// Certificates as they are stored, by fingerprint: their form alone is looked at.
pub fn certificates(value: &Value) -> Option<BTreeMap<Fingerprint, Vec<u8>>> {
    let mut found = BTreeMap::new();
    for (key, packed) in value.object()? {
        let raw = wire::packed(packed, limits::CERTIFICATE, "the certificate").ok()?;
        found.insert(Fingerprint::new(key)?, Some(raw).filter(|raw| !raw.is_empty())?);
    }
    Some(found)
}

fn lengths(value: &Value) -> Option<Vec<(&str, usize)>> {
    let mut found: Vec<(&str, usize)> = Vec::new();
    for pair in value.list()? {
        let [Value::Text(digits), Value::Number(size)] = pair.list()? else { return None };
        let size = usize::try_from(*size).ok().filter(|size| *size <= limits::BAKED)?;
        if !is_digest(digits) || found.last().is_some_and(|(last, _)| *digits.as_str() <= **last) {
            return None;
        }
        found.push((digits, size));
    }
    Some(found)
}

fn statements(value: &Value) -> Result<Vec<Said>, FormatError> {
    let Some(listed) = value.list() else { return refused("statements is not a list") };
    let mut found: Vec<Said> = Vec::with_capacity(listed.len());
    for one in listed {
        let number = found.len().saturating_add(1);
        let statement = wire::attestation(one).map_err(|error| {
            FormatError::new(format!("statement {number}: {}", error.message()))
        })?;
        let text = strict::encode(one);
        if found.last().is_some_and(|last| text <= last.text) {
            return refused("its statements are not in order");
        }
        found.push(Said { statement, text });
    }
    Ok(found)
}

fn listed<'a>(
    lengths: &[(&str, usize)],
    mut rest: &'a [u8],
) -> Result<BTreeMap<String, &'a [u8]>, FormatError> {
    let sizes = lengths.iter().map(|(_, size)| *size);
    if sizes.fold(0_usize, usize::saturating_add) != rest.len() {
        return refused("its lists are not as long as it says");
    }
    let mut found = BTreeMap::new();
    for (digits, size) in lengths {
        let (list, more) = rest.split_at_checked(*size).unwrap_or((rest, &[]));
        if digest(list) != *digits {
            return refused(format!("the list {digits} has other bytes"));
        }
        found.insert((*digits).to_owned(), list);
        rest = more;
    }
    Ok(found)
}
