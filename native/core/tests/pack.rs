//! vectors/pack: files that are a pack in its one form, and files that are nearly one.
#![allow(clippy::panic, clippy::unwrap_used, reason = "a test")]

mod vector;

use sig_core::model::pack::Pack;
use vector::same;

#[test]
fn a_pack_is_read_or_refused_as_its_vector_says() {
    vector::each("pack", 53, |one| {
        let found = Pack::read(one.one("pack"));
        if one.head("expect") == "refused" {
            return same(Err(one.why()), found.map_err(|error| error.to_string()));
        }
        let found = found.map_err(|error| error.to_string())?;
        same(one.head("python"), found.python())?;
        same(one.head("python").split_once(' ').map(|(tag, _)| tag), Some(found.tag()))?;
        same(one.head("id"), found.id().as_str())?;
        let names = one.names();
        let expected: Vec<(&str, &[u8])> = names
            .iter()
            .filter_map(|name| Some((name.strip_prefix("code ")?, one.one(name))))
            .collect();
        same(expected.as_slice(), found.codes())
    });
}
