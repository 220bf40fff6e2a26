//! The identifier of what is asked about: a file, standard input, or the identifier itself.
//!
//! Whether a file is an archive is seen in the very bytes that are hashed, as far as it can be seen
//! without unpacking.

use std::ffi::OsStr;
use std::fs::File;
use std::io::{self, ErrorKind, Read};
use std::os::unix::ffi::OsStrExt;

use sha2::{Digest, Sha256};
use sig_core::model::identifier::{Identifier, hex};

use crate::words::{self, strerror};

/// Bytes in which the end records of a zip lie, with a comment.
const TAIL: usize = 20 + 56 + 22 + 0xffff;
const HEAD: usize = 512;
const SMALL: usize = 64 << 10;
const LARGE: usize = 1 << 20;

/// What was asked about.
#[derive(Debug, PartialEq, Eq)]
pub enum Asked {
    /// Bytes with this identifier.
    Bytes(Identifier),
    /// The same, and they are an archive, or packed and perhaps one.
    Archive(Identifier),
    /// A folder.
    Folder,
    /// It could not be read.
    Unreadable(String),
}

/// The identifier of a file, or of standard input for `-`. `tell` is called with the bytes so far.
pub fn identify(asked: &OsStr, tell: &mut dyn FnMut(u64)) -> Asked {
    let found = if asked == "-" {
        hashed(&mut io::stdin().lock(), false, tell)
    } else {
        opened(asked).and_then(|(mut file, regular)| hashed(&mut file, regular, tell))
    };
    match found {
        Ok((id, false)) => Asked::Bytes(id),
        Ok((id, true)) => Asked::Archive(id),
        Err(error) if error.kind() == ErrorKind::IsADirectory => Asked::Folder,
        Err(error) => Asked::Unreadable(strerror(&error)),
    }
}

/// The identifier that a word is, where it looks like one; usage that is wrong.
pub fn named(asked: &OsStr) -> Option<Result<Identifier, String>> {
    if !asked.as_bytes().starts_with(b"sha256:") {
        return None;
    }
    let text = words::text(asked);
    if std::fs::symlink_metadata(asked).is_ok() {
        // An attacker may name a file, and either reading could be wrong.
        return Some(Err(format!("a file has this name; write ./{text} for the file")));
    }
    Some(Identifier::new(&text).map_err(|error| error.message().to_owned()))
}

fn opened(path: &OsStr) -> io::Result<(File, bool)> {
    let file = File::open(path)?;
    let found = file.metadata()?;
    if found.is_dir() {
        return Err(ErrorKind::IsADirectory.into());
    }
    Ok((file, found.is_file()))
}

/// The identifier of all that is left in a stream.
pub fn identified(from: &mut dyn Read) -> io::Result<Identifier> {
    Ok(hashed(from, false, &mut |_| {})?.0)
}

/// The identifier of all that is left in a stream, and whether that is an archive if it may be one.
fn hashed(
    from: &mut dyn Read,
    may: bool,
    tell: &mut dyn FnMut(u64),
) -> io::Result<(Identifier, bool)> {
    let mut digest = Sha256::new();
    let mut buffer = vec![0; SMALL];
    let mut head: Vec<u8> = Vec::new();
    let mut tail: Vec<u8> = Vec::new();
    let mut done: u64 = 0;
    loop {
        let read = match from.read(&mut buffer) {
            Ok(0) => break,
            Ok(read) => read,
            Err(error) if error.kind() == ErrorKind::Interrupted => continue,
            Err(error) => return Err(error),
        };
        let part = buffer.get(..read).unwrap_or_default();
        digest.update(part);
        head.extend(part.iter().take(HEAD.saturating_sub(head.len())));
        if may && head.starts_with(b"#!") {
            tail.extend_from_slice(part);
            tail.drain(..tail.len().saturating_sub(TAIL));
        }
        done = done.saturating_add(u64::try_from(read).unwrap_or_default());
        tell(done);
        if read == buffer.len() && read < LARGE {
            buffer.resize(LARGE, 0);
        }
    }
    let id = Identifier::new(&format!("sha256:{}", hex(&digest.finalize())));
    let id = id.map_err(|_| io::Error::from(ErrorKind::InvalidData))?;
    Ok((id, may && is_archive(&head, &tail)))
}

/// Whether bytes that begin and end like this are to be listed member by member.
fn is_archive(head: &[u8], tail: &[u8]) -> bool {
    let starts = |magics: &[&[u8]]| magics.iter().any(|magic| head.starts_with(magic));
    if head.starts_with(b"#!") {
        return ends_like_a_zip(tail);
    }
    // What is packed may hold a tar: nothing is unpacked here.
    starts(&[b"PK\x03\x04", b"PK\x05\x06", b"\x1f\x8b", b"BZh", b"\xfd7zXZ\0"])
        || starts_like_a_tar(head)
}

/// Whether a file that ends in these bytes is a zip for some reader, whatever it starts with.
fn ends_like_a_zip(tail: &[u8]) -> bool {
    tail.windows(22).enumerate().any(|(at, end)| {
        let comment = match end {
            [.., low, high] => u16::from_le_bytes([*low, *high]),
            _ => return false,
        };
        end.starts_with(b"PK\x05\x06")
            && at.saturating_add(22).saturating_add(usize::from(comment)) == tail.len()
    })
}

/// Whether these 512 bytes are the header of a member of a tar.
fn starts_like_a_tar(head: &[u8]) -> bool {
    let (Some(said), HEAD) = (head.get(148..156), head.len()) else { return false };
    if head.get(257..262) != Some(b"ustar") {
        return false;
    }
    // Spaces, octal digits, and what ends them: no sign.
    let said = String::from_utf8_lossy(said);
    let said = said.trim_start_matches(' ').trim_end_matches(['\0', ' ']);
    if !said.bytes().all(|one| matches!(one, b'0'..=b'7')) {
        return false;
    }
    let sum = |raw: &[u8]| raw.iter().map(|one| u64::from(*one)).sum::<u64>();
    let own = head.get(148..156).map(sum).unwrap_or_default();
    let expected = sum(head).saturating_sub(own).saturating_add(8 * 0x20);
    u64::from_str_radix(said, 8) == Ok(expected)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(raw: &[u8]) -> (Identifier, bool) {
        hashed(&mut &raw[..], true, &mut |_| {}).unwrap()
    }

    #[test]
    fn bytes_are_hashed_whatever_their_number() {
        for size in [0, 1, SMALL - 1, SMALL, SMALL + 1, 3 * LARGE + 5] {
            let raw = vec![7; size];
            let mut told = 0;
            let found = hashed(&mut &raw[..], true, &mut |done| told = done).unwrap();
            assert_eq!((Identifier::of_bytes(&raw), false), found);
            assert_eq!(size as u64, told);
        }
    }

    #[test]
    fn an_archive_is_told_by_its_bytes() {
        let end = b"PK\x05\x06\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0";
        let script = b"#!/bin/sh\necho\n".to_vec();
        assert!(!of(&script).1);
        assert!(of(&[&script[..], end].concat()).1);
        assert!(!of(&[&script[..], end, b"x"].concat()).1);
        let comment = b"PK\x05\x06\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\x02\0no";
        assert!(of(&[&script[..], &vec![b'\n'; 3 * SMALL], comment].concat()).1);
        for raw in [&b"PK\x03\x04"[..], b"\x1f\x8b\x08", b"BZh9", b"\xfd7zXZ\0"] {
            assert!(of(raw).1);
            assert!(!hashed(&mut &raw[..], false, &mut |_| {}).unwrap().1);
        }
        for raw in [&b"PK"[..], b"PKx", b"\x1f", b"plain"] {
            assert!(!of(raw).1);
        }
        let mut tar = vec![0; 512];
        tar[..4].copy_from_slice(b"name");
        tar[257..262].copy_from_slice(b"ustar");
        assert!(!of(&tar).1);
        let sum: u64 = tar.iter().map(|one| u64::from(*one)).sum::<u64>() + 8 * 32;
        tar[148..156].copy_from_slice(format!("{sum:06o}\0 ").as_bytes());
        assert!(of(&tar).1);
    }
}
