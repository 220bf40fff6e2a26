//! The journal of a commit.
//!
//! Nothing panics; what is read ends as it should, and no name in it leads out of the folder.
#![no_main]

use libfuzzer_sys::fuzz_target;
use sig_core::repo::journal;

fuzz_target!(|data: &[u8]| {
    assert!(data.starts_with(journal::last(data).as_bytes()) || data[0].is_ascii_whitespace());
    let Ok(found) = journal::read(data) else { return };
    assert!(data.starts_with(b"1 ") && data.ends_with(b"\nend\n"));
    assert!(!found.commit.is_empty());
    let start = format!("pending/{}.", found.commit);
    for (name, place) in found.changes {
        assert!(!name.split('/').any(|part| matches!(part, "" | "." | "..")), "{name:?}");
        if let Some(place) = place {
            let rest = place.strip_prefix(&start).expect("a file of this commit");
            assert!(rest.bytes().all(|one| one.is_ascii_alphanumeric()), "{place:?}");
        }
    }
});
