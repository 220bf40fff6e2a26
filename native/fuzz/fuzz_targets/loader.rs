//! What a loader says of itself: its policy and the modules behind it.
//!
//! Nothing panics; what is read fits together, and its line is the one text of its policy.
#![no_main]

use libfuzzer_sys::fuzz_target;
use sig_core::model::loader::{By, Level, read};
use sig_core::model::strict::{self, Names, Value};

fuzz_target!(|data: &[u8]| {
    let Ok((policy, modules)) = read(data, b"") else { return };
    let line = data.split(|one| *one == b'\n').next().unwrap_or_default();
    let said = strict::read(line, Names::Visible).map(|it| match it {
        Value::Object(said) => strict::canonical(&said),
        _ => Vec::new(),
    });
    assert_eq!(Ok(line), said.as_deref());
    assert_eq!(data.len(), line.len() + 1 + modules.len());
    assert_ne!(policy.script.is_empty(), policy.call.is_empty());
    assert!(policy.level != Level::Strict || (policy.env.is_empty() && !policy.marshal));
    if let By::Baked(signers) = &policy.by {
        assert!((1..=signers.certificates.len() as u64).contains(&signers.threshold));
        assert!(policy.python.base.is_empty() && policy.level != Level::Warn);
    }
});
