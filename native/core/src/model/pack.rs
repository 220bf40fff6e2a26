//! Packs of bytecode: what one holds, and its one form (docs/spec/closure §8).
//!
//! Here: the noun. Not here: whether one counts for a run.
//!
//! P1  A pack is a zip in one form: stored, sorted, without times, comments or extra fields. What is
//!     not exactly what would be written of its members is none: a reader of another mind, which
//!     goes by the directory or by the last of two names, finds the same.
//! P2  A member's name is the digest of the source that it was compiled from. No path is in it: code
//!     of a source is code of it wherever that lies, and a pack cannot say what a module is.

use super::closure::is_tag;
use super::identifier::{Identifier, is_digest, is_hex};
use super::limits;
use super::zip::Directory;
use crate::errors::FormatError;

/// The member that says for which interpreter it is; it stands behind all digests.
const PYTHON: &str = "python";
/// Bytes of what stands before the name of a member.
const HEAD: usize = 30;

/// A pack: its bytes, and where in them everything lies.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Pack<'a> {
    raw: &'a [u8],
    /// The interpreter that it is for, as it says of itself: a tag, a space, its magic number.
    python: &'a str,
    codes: Vec<(&'a str, &'a [u8])>,
}

impl<'a> Pack<'a> {
    /// The pack of these bytes, and of no others (P1).
    pub fn read(raw: &'a [u8]) -> Result<Self, FormatError> {
        let members = members(raw);
        let said = members.iter().rev().find(|member| member.name == PYTHON.as_bytes());
        let python = said.and_then(|member| python(member.data));
        let mut codes = Vec::with_capacity(members.len());
        for member in members.iter().filter(|member| member.name != PYTHON.as_bytes()) {
            let name = std::str::from_utf8(member.name).ok().filter(|name| is_digest(name));
            codes.push((name.ok_or_else(no_pack)?, member.data)); // P2
        }
        let python = python.ok_or_else(no_pack)?;
        if raw.len() > limits::PACK || members.len() > usize::from(u16::MAX) {
            return Err(no_pack());
        }
        let line = said.map(|member| member.data.len());
        if line != python.len().checked_add(1) || !in_one_form(raw, &members) {
            return Err(FormatError::new("not a pack in its one form"));
        }
        Ok(Self { raw, python, codes })
    }

    /// What stands in a statement.
    pub fn id(&self) -> Identifier {
        Identifier::of_bytes(self.raw)
    }

    /// The interpreter that it is for, as it says of itself: a tag, a space, its magic number as
    /// eight digits.
    pub fn python(&self) -> &'a str {
        self.python
    }

    /// The name of that interpreter in a statement.
    pub fn tag(&self) -> &'a str {
        self.python.split_once(' ').map_or("", |(tag, _)| tag)
    }

    /// Name of each member, and where its data starts and ends; in the order of the names.
    pub fn places(&self) -> impl Iterator<Item = (&'a str, usize, usize)> + use<'_, 'a> {
        let line = (PYTHON, self.python.len().saturating_add(1));
        let codes = self.codes.iter().map(|(name, data)| (*name, data.len()));
        let mut place = 0_usize;
        codes.chain([line]).map(move |(name, size)| {
            let start = place.saturating_add(HEAD).saturating_add(name.len());
            place = start.saturating_add(size);
            (name, start, place)
        })
    }

    /// Digest of each source and its code, marshalled; in the order of the digests.
    pub fn codes(&self) -> &[(&'a str, &'a [u8])] {
        &self.codes
    }
}

fn no_pack() -> FormatError {
    FormatError::new("not a pack")
}

/// What the line of an interpreter says, without its end.
fn python(line: &[u8]) -> Option<&str> {
    let text = std::str::from_utf8(line).ok()?;
    let text = text.strip_suffix('\n').unwrap_or(text);
    let (tag, magic) = text.split_once(' ')?;
    (is_tag(tag) && magic.len() == 8 && is_hex(magic)).then_some(text)
}

/// A member, as the header before it says.
struct Member<'a> {
    name: &'a [u8],
    data: &'a [u8],
}

/// Everything that stands as a member, from the first byte on.
fn members(raw: &[u8]) -> Vec<Member<'_>> {
    let mut found = Vec::new();
    let mut left = raw;
    while left.starts_with(b"PK\x03\x04") {
        let Some((head, rest)) = left.split_at_checked(HEAD) else { break };
        let name = usize::from(number16(head, 26));
        // A size that is too large ends where the bytes end: it is then not in the one form.
        let size = usize::try_from(number32(head, 18)).unwrap_or(usize::MAX);
        let (name, rest) = rest.split_at(name.min(rest.len()));
        let (data, rest) = rest.split_at(size.min(rest.len()));
        found.push(Member { name, data });
        left = rest;
    }
    found
}

fn number16(head: &[u8], at: usize) -> u16 {
    head.get(at..).and_then(|rest| rest.first_chunk()).map_or(0, |two| u16::from_le_bytes(*two))
}

fn number32(head: &[u8], at: usize) -> u32 {
    head.get(at..).and_then(|rest| rest.first_chunk()).map_or(0, |four| u32::from_le_bytes(*four))
}

/// Whether these bytes are what is written of these members (P1).
fn in_one_form(raw: &[u8], members: &[Member<'_>]) -> bool {
    let mut left = raw;
    let mut directory = Directory::default();
    if !members.is_sorted_by(|one, other| one.name < other.name) {
        return false;
    }
    for member in members {
        let place = raw.len().saturating_sub(left.len());
        let Some(head) = directory.add(member.name, member.data, place) else { return false };
        for piece in [head.as_slice(), member.data] {
            let Some(rest) = left.strip_prefix(piece) else { return false };
            left = rest;
        }
    }
    let place = raw.len().saturating_sub(left.len());
    directory.end(place).is_some_and(|end| left == end)
}
