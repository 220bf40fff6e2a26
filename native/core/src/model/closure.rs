//! All that a program may load, as one list of roots, and the words that are signed with it
//! (docs/spec/closure).
//!
//! Here: the list, the names in it, and the criteria of a statement about one. Not here: where the
//! files of a root lie (`places`), for which Pythons it is (`pythons`), and whether anybody is
//! believed.
//!
//! C1  The text is a manifest in its one form. Its digests are those of the manifests of the roots:
//!     a list of lists. Nothing in it says where a root lies, so one list is that of many machines.
//! C2  A root is `app`, `editable/NAME-VERSION` or `dist/NAME-VERSION`, and nothing else. NAME is a
//!     distribution's, lower case, with `-` for each run of `-_.`; VERSION is the whole of what
//!     follows the last `-`: one root is read in one way.
//! C3  A distribution has one version. Installed as editable it has two roots, the sources and what
//!     was installed, both of that version.
//! C4  The words of the signer: `app:NAME` and `release:N`, each once and together; `python:` once
//!     or not at all; `pack:` once for each tag. A word that starts like one of these is one of
//!     these or refused. All other words are somebody else's.

use std::collections::BTreeMap;

use super::identifier::Identifier;
use super::limits;
use super::manifest::{self, Manifest};
use super::pythons;
use super::strict::LARGEST_INTEGER;
use super::told::{quoted, told};
use crate::errors::FormatError;

/// The root of the program's own files.
pub const APP: &str = "app";
/// The kind of root of sources that are installed as editable.
pub const EDITABLE: &str = "editable";
/// The kind of root of what is installed.
pub const DIST: &str = "dist";

/// The roots of a program, valid (C1–C3) or not made at all. Two are equal if their texts are.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Closure(Manifest);

impl Closure {
    /// The closure of these roots: name and identifier of a manifest.
    pub fn of<'a>(
        roots: impl IntoIterator<Item = (&'a str, &'a Identifier)>,
    ) -> Result<Self, FormatError> {
        let mut listed = Vec::new();
        for (name, id) in roots {
            if !id.names_bytes() {
                let why =
                    format!("{}: {} is not the id of a manifest", told(name), told(id.as_str()));
                return Err(FormatError::new(why));
            }
            listed.push((name, id.digits()));
        }
        Self::checked(Manifest::of(listed)?)
    }

    fn checked(listed: Manifest) -> Result<Self, FormatError> {
        check_roots(&listed)?;
        Ok(Self(listed))
    }

    /// What is written to `NAME.lock`.
    pub fn text(&self) -> &str {
        self.0.text()
    }

    /// What is attested: the identifier of its text.
    pub fn id(&self) -> Identifier {
        self.0.id()
    }

    /// Name of each root and the digest of its manifest, in the order of the text.
    pub fn roots(&self) -> impl DoubleEndedIterator<Item = (&str, &str)> + Clone {
        self.0.files()
    }

    /// The digest of the manifest of a root.
    pub fn root(&self, name: &str) -> Option<&str> {
        self.0.digest(name)
    }
}

/// The closure of this text, and of no other (C1).
pub fn read(raw: &[u8]) -> Result<Closure, FormatError> {
    Closure::checked(manifest::read_canonical(raw)?)
}

// --- roots ---------------------------------------------------------------------------------------

/// Kind, name and version of a root; the last two are empty for the app (C2).
pub fn parts(root: &str) -> Result<(&str, &str, &str), FormatError> {
    if root == APP {
        return Ok((APP, "", ""));
    }
    let split = root.split_once('/').and_then(|(kind, rest)| Some((kind, rest.rsplit_once('-')?)));
    match split {
        Some((kind @ (EDITABLE | DIST), (name, version)))
            if is_name(name) && is_version(version) =>
        {
            Ok((kind, name, version))
        }
        _ => {
            let why = "not app, editable/NAME-VERSION or dist/NAME-VERSION";
            Err(FormatError::new(format!("{}: {why}", told(root))))
        }
    }
}

fn is_name(name: &str) -> bool {
    let plain = |one: u8| one.is_ascii_lowercase() || one.is_ascii_digit();
    name.split('-').all(|part| !part.is_empty() && part.bytes().all(plain))
}

fn is_version(version: &str) -> bool {
    let inner = |one: u8| one.is_ascii_alphanumeric() || matches!(one, b'.' | b'!' | b'+' | b'_');
    framed(version, inner)
}

/// Whether a text is not empty, starts and ends with a letter or digit, and is made of these.
fn framed(text: &str, inner: impl Fn(u8) -> bool) -> bool {
    let end = |one: Option<u8>| one.is_some_and(|one| one.is_ascii_alphanumeric());
    end(text.bytes().next()) && end(text.bytes().next_back()) && text.bytes().all(inner)
}

/// The one spelling of a distribution's name (C2). Refuses what is no name.
pub fn normalised(name: &str) -> Result<String, FormatError> {
    let inner = |one: u8| one.is_ascii_alphanumeric() || matches!(one, b'.' | b'_' | b'-');
    if name.len() > limits::NAME || !framed(name, inner) {
        let why = format!("{} is not the name of a distribution", quoted(&told(name)));
        return Err(FormatError::new(why));
    }
    let parts = name.split(['-', '_', '.']).filter(|part| !part.is_empty());
    Ok(parts.collect::<Vec<_>>().join("-").to_ascii_lowercase())
}

fn check_roots(listed: &Manifest) -> Result<(), FormatError> {
    if listed.len() > limits::ROOTS {
        return Err(FormatError::new(format!("more than {} roots", limits::ROOTS)));
    }
    let mut versions: BTreeMap<&str, (&str, &str)> = BTreeMap::new();
    for (root, _) in listed.files() {
        let (kind, name, version) = parts(root)?;
        if kind == APP {
            continue;
        }
        let first = *versions.entry(name).or_insert((version, root));
        if first.0 != version {
            // C3
            let (one, other) = (told(first.1), told(root));
            return Err(FormatError::new(format!("{one} and {other}: two versions of {name}")));
        }
    }
    Ok(())
}

// --- what is signed with it ----------------------------------------------------------------------

/// Which program a closure is of, which release of it, for which Pythons.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Terms {
    /// The name of the program.
    pub app: String,
    /// The number of the release, from 1.
    pub release: u64,
    /// The versions of Python that it is for (`pythons`); empty for all.
    pub python: String,
    /// Tag and identifier of bytecode for one interpreter each, as they were said.
    pub packs: Vec<(String, Identifier)>,
}

/// What the criteria of a statement say about a closure (C4); None if they say nothing.
pub fn terms(criteria: &[String]) -> Result<Option<Terms>, FormatError> {
    let said = |prefix: &'static str| -> Vec<&str> {
        criteria.iter().filter_map(|word| word.strip_prefix(prefix)).collect()
    };
    let apps = said("app:");
    if apps.is_empty() {
        return Ok(None);
    }
    let pythons = said("python:");
    let python = if pythons.is_empty() { "" } else { once("python:", &pythons)? };
    if !pythons.is_empty() {
        pythons::check(python)?;
    }
    Ok(Some(Terms {
        app: app(once("app:", &apps)?)?,
        release: release(once("release:", &said("release:"))?)?,
        python: python.to_owned(),
        packs: packs(&said("pack:"))?,
    }))
}

fn once<'a>(prefix: &str, found: &[&'a str]) -> Result<&'a str, FormatError> {
    match found {
        [one] => Ok(one),
        _ => {
            let how = if found.is_empty() { "no" } else { "more than one" };
            let why = format!("{how} {prefix} among the criteria of a closure");
            Err(FormatError::new(why))
        }
    }
}

fn app(name: &str) -> Result<String, FormatError> {
    if is_label(name, |one| matches!(one, b'.' | b'_' | b'-')) {
        Ok(name.to_owned())
    } else {
        Err(FormatError::new(format!("app:{}: not the name of an app", told(name))))
    }
}

/// Whether a text has 1 to 64 letters, digits and what else may stand in it but at its start.
pub(super) fn is_label(text: &str, also: impl Fn(u8) -> bool) -> bool {
    (1..=64).contains(&text.len())
        && text.bytes().next().is_some_and(|one| one.is_ascii_alphanumeric())
        && text.bytes().all(|one| one.is_ascii_alphanumeric() || also(one))
}

/// Whether this is the tag of an interpreter that a pack may be for.
pub(super) fn is_tag(text: &str) -> bool {
    is_label(text, |one| matches!(one, b'.' | b'_' | b'+' | b'-'))
}

fn release(number: &str) -> Result<u64, FormatError> {
    let plain = number.bytes().all(|one| one.is_ascii_digit()) && !number.starts_with('0');
    let Some(found) = (plain && number.len() <= 16).then(|| number.parse().ok()).flatten() else {
        return Err(FormatError::new(format!("release:{}: not a number from 1", told(number))));
    };
    if found > LARGEST_INTEGER.unsigned_abs() {
        let why = format!("release:{number}: larger than {LARGEST_INTEGER}");
        return Err(FormatError::new(why));
    }
    Ok(found)
}

fn packs(words: &[&str]) -> Result<Vec<(String, Identifier)>, FormatError> {
    let mut found: Vec<(String, Identifier)> = Vec::new();
    for word in words {
        let (tag, text) = word.split_once('=').unwrap_or((word, ""));
        let id = Identifier::new(text).ok().filter(Identifier::names_bytes);
        let Some(id) = id.filter(|_| is_tag(tag)) else {
            return Err(FormatError::new(format!("pack:{}: not TAG=sha256:HEX", told(word))));
        };
        if found.iter().any(|(other, _)| other == tag) {
            return Err(FormatError::new(format!("pack:{tag}: stands twice")));
        }
        found.push((tag.to_owned(), id));
    }
    Ok(found)
}
