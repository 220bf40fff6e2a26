//! A signature: the first byte chooses the vector, the rest is what is to be its signature.
//!
//! Nothing panics, and what verifies says what the genuine one says, where the key of a vector made
//! no other.
#![no_main]

use std::sync::LazyLock;

use libfuzzer_sys::fuzz_target;
use sig_core::model::fingerprint::Fingerprint;
use sig_core::openpgp::{Certificate, Signature, check};
use sig_fuzz::{Scenario, scenarios};

type Known = (Scenario, Fingerprint, Option<Certificate>, Option<Signature>);

static SCENARIOS: LazyLock<Vec<Known>> = LazyLock::new(|| {
    let keys: Vec<String> = scenarios().into_iter().map(|one| one.key).collect();
    let ready = |one: Scenario| {
        let alone = keys.iter().filter(|key| **key == one.key).count() == 1;
        let key = Fingerprint::new(&one.key).expect("a fingerprint");
        let copies: Vec<_> = one.copies.iter().map(Vec::as_slice).collect();
        let certificate = Certificate::merged(&copies, &key).ok();
        let genuine = check(&one.signed, &one.sig, &key, certificate.as_ref());
        (one, key, certificate, genuine.ok().filter(|_| alone))
    };
    scenarios().into_iter().map(ready).collect()
});

fuzz_target!(|data: &[u8]| {
    let Some((chosen, sig)) = data.split_first() else { return };
    let Some((one, key, certificate, genuine)) = SCENARIOS.get(usize::from(*chosen)) else {
        return;
    };
    let found = check(&one.signed, sig, key, certificate.as_ref());
    if let (Ok(found), Some(genuine)) = (found, genuine) {
        assert_eq!(*genuine, found);
    }
});
