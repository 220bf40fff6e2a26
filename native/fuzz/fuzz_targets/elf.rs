//! Programs and libraries.
//!
//! Nothing panics; what was made fit names no folder, needs nothing by a path, and is else the same.
#![no_main]

use libfuzzer_sys::fuzz_target;
use sig_core::model::elf::{mapped, read, without_search};

fuzz_target!(|data: &[u8]| {
    let Ok(said) = read(data) else { return };
    assert_eq!(Ok(said.end), mapped(data, data.len()));
    let mut fit = data.to_vec();
    if without_search(&mut fit, &said).is_err() {
        return;
    }
    // Where a name lies in the dynamic section itself, it is another one afterwards.
    let Ok(after) = read(&fit) else { return };
    assert_eq!(0, after.paths().count());
    assert_eq!(said.needed.len(), after.needed.len());
});
