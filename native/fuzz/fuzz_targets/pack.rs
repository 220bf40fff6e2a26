//! Packs of bytecode.
//!
//! Nothing panics; what is read is what a reader of zips finds from the end, by the directory.
#![no_main]

use libfuzzer_sys::fuzz_target;
use sig_core::model::pack::Pack;

fuzz_target!(|data: &[u8]| {
    let Ok(found) = Pack::read(data) else { return };
    let python = format!("{}\n", found.python());
    let mut members: Vec<(&str, &[u8])> = found.codes().to_vec();
    members.push(("python", python.as_bytes()));
    assert_eq!(members, listed(data));
});

/// The members of a zip as its directory has them.
fn listed(data: &[u8]) -> Vec<(&str, &[u8])> {
    let number = |at: usize, bytes: usize| {
        data[at..at + bytes].iter().rev().fold(0, |sum, byte| sum << 8 | usize::from(*byte))
    };
    let end = data.len() - 22;
    assert_eq!(b"PK\x05\x06", &data[end..end + 4]);
    let mut at = number(end + 16, 4);
    let mut found = Vec::new();
    for _ in 0..number(end + 10, 2) {
        assert_eq!(b"PK\x01\x02", &data[at..at + 4]);
        let (size, name, start) = (number(at + 24, 4), number(at + 28, 2), number(at + 42, 4));
        let body = start + 30 + number(start + 26, 2) + number(start + 28, 2);
        let name_text = std::str::from_utf8(&data[at + 46..at + 46 + name]).expect("ASCII");
        found.push((name_text, &data[body..body + size]));
        at += 46 + name + number(at + 30, 2) + number(at + 32, 2);
    }
    assert_eq!(end, at);
    found
}
