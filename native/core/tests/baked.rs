//! vectors/baked: files as they lie beside a baked loader, and files that are refused.
#![allow(clippy::arithmetic_side_effects, clippy::indexing_slicing, reason = "a test")]
#![allow(clippy::panic, clippy::unwrap_used, reason = "a test")]

mod vector;

use sig_core::model::baked::read;
use sig_core::model::limits;
use vector::same;

#[test]
fn a_file_is_read_or_refused_as_its_vector_says() {
    vector::each("baked", 90, |one| {
        let found = read(one.one("file"));
        if one.head("expect") == "refused" {
            return vector::refused(&one.why(), found);
        }
        let found = found.map_err(|error| error.to_string())?;
        same(one.head("app"), &found.app)?;
        for (key, raw) in &found.certificates {
            same(one.one(&format!("certificate {key}")), raw)?;
        }
        for (number, said) in found.statements.iter().enumerate() {
            same(one.one(&format!("statement {}", number + 1)), said.text.as_bytes())?;
        }
        for (number, list) in found.lists.values().enumerate() {
            same(one.one(&format!("list {}", number + 1)), *list)?;
        }
        let all = found.certificates.len() + found.statements.len() + found.lists.len();
        same(one.names().len(), all + 1)
    });
}

#[test]
fn no_byte_can_be_another() {
    let whole = vector::read(&vector::path("baked/whole.txt"));
    let raw = whole.one("file");
    for at in 0..raw.len() {
        for bit in [1, 0x80] {
            let mut changed = raw.to_vec();
            changed[at] ^= bit;
            assert!(read(&changed).is_err(), "byte {at}");
        }
        assert!(read(&raw[..at]).is_err(), "cut at {at}");
    }
}

#[test]
fn it_is_bounded() {
    let raw = vec![b'x'; limits::BAKED + 1];
    assert!(read(&raw).is_err_and(|why| why.to_string() == "larger than 64 MiB"));
}
