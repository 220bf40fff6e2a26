//! What lies beside a baked loader, under the digest that its first line has.
//!
//! Nothing panics; a file that is read has its lists by their digests, and its statements in order.
#![no_main]

use libfuzzer_sys::fuzz_target;
use sig_core::model::baked::read;
use sig_core::model::identifier::digest;

fuzz_target!(|data: &[u8]| {
    let _ = read(data);
    let end = data.iter().position(|one| *one == b'\n').map_or(data.len(), |end| end + 1);
    let (line, rest) = data.split_at(end);
    let lists = rest.get(72..).unwrap_or_default();
    let raw = [line, format!("sha256 {}\n", digest(line)).as_bytes(), lists].concat();
    let Ok(found) = read(&raw) else { return };
    assert!(found.lists.iter().all(|(named, list)| digest(list) == *named));
    assert_eq!(lists, found.lists.values().copied().collect::<Vec<_>>().concat());
    assert!(found.statements.is_sorted_by(|one, other| one.text < other.text));
});
