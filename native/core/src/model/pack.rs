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
use crate::errors::FormatError;

/// The member that says for which interpreter it is; it stands behind all digests.
const PYTHON: &str = "python";
/// The first of January 1980, as zips count days.
const DATE: u16 = 0x0021;
const VERSION: u16 = 20;
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
    let mut directory = Vec::new();
    if !members.is_sorted_by(|one, other| one.name < other.name) {
        return false;
    }
    for member in members {
        let place = raw.len().saturating_sub(left.len());
        let Some(common) = common(member) else { return false };
        let pieces: [&[u8]; 4] = [b"PK\x03\x04", &common, member.name, member.data];
        for piece in pieces {
            let Some(rest) = left.strip_prefix(piece) else { return false };
            left = rest;
        }
        let Ok(place) = u32::try_from(place) else { return false };
        directory.extend_from_slice(b"PK\x01\x02");
        directory.extend_from_slice(&VERSION.to_le_bytes());
        directory.extend_from_slice(&common);
        // No comment, disk 0, no attributes.
        directory.extend_from_slice(&[0; 10]);
        directory.extend_from_slice(&place.to_le_bytes());
        directory.extend_from_slice(member.name);
    }
    let place = raw.len().saturating_sub(left.len());
    let numbers =
        (u16::try_from(members.len()), u32::try_from(directory.len()), u32::try_from(place));
    let (Ok(count), Ok(size), Ok(place)) = numbers else { return false };
    let mut end = directory;
    end.extend_from_slice(b"PK\x05\x06\0\0\0\0");
    end.extend_from_slice(&count.to_le_bytes());
    end.extend_from_slice(&count.to_le_bytes());
    end.extend_from_slice(&size.to_le_bytes());
    end.extend_from_slice(&place.to_le_bytes());
    end.extend_from_slice(&[0; 2]);
    left == end
}

/// What a member's header and its entry in the directory have in common.
fn common(member: &Member<'_>) -> Option<Vec<u8>> {
    let size = u32::try_from(member.data.len()).ok()?;
    let mut found = Vec::new();
    // Version, flags, method, time.
    for number in [VERSION, 0, 0, 0, DATE] {
        found.extend_from_slice(&number.to_le_bytes());
    }
    for number in [crc32fast::hash(member.data), size, size] {
        found.extend_from_slice(&number.to_le_bytes());
    }
    // The length of the name, and none of extra fields.
    found.extend_from_slice(&u16::try_from(member.name.len()).ok()?.to_le_bytes());
    found.extend_from_slice(&[0; 2]);
    Some(found)
}
