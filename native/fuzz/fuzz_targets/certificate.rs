//! The bytes of certificates.
//!
//! Nothing panics; what was kept is kept again as it is, alone, merged with itself, and from the
//! folder; and nothing that is merged undoes a hard revocation.
#![no_main]

use std::sync::LazyLock;

use libfuzzer_sys::fuzz_target;
use sig_core::model::fingerprint::Fingerprint;
use sig_core::openpgp::{Certificate, Standing, check};
use sig_fuzz::{Scenario, scenarios};

/// Vectors in which the key is revoked for good.
static REVOKED: LazyLock<Vec<(Scenario, Fingerprint)>> = LazyLock::new(|| {
    let ready = |one: Scenario| {
        let key = Fingerprint::new(&one.key).expect("a fingerprint");
        let copies: Vec<_> = one.copies.iter().map(Vec::as_slice).collect();
        let certificate = Certificate::merged(&copies, &key).ok();
        let found = check(&one.signed, &one.sig, &key, certificate.as_ref());
        found.is_ok_and(|found| found.standing == Standing::RevokedHard).then_some((one, key))
    };
    scenarios().into_iter().filter_map(ready).collect()
});

fuzz_target!(|data: &[u8]| {
    let kept = Certificate::stored(data);
    let met = Certificate::read(data).unwrap_or_default();
    for one in &met {
        assert_eq!(Ok(one), Certificate::stored(one.raw()).as_ref());
        let twice = Certificate::merged(&[one.raw(), one.raw()], one.fingerprint());
        assert_eq!(Ok(one), twice.as_ref());
        assert_eq!(Ok(one), Certificate::wanted(data, one.fingerprint()).as_ref());
        assert_eq!(Ok(one), one.merge(one).as_ref());
    }
    // What is in one's own folder is not reduced again; a mutant there may stand for the original.
    for one in kept.iter().chain(&met) {
        one.user_ids();
        for (scenario, key) in REVOKED.iter().filter(|(_, key)| key == one.fingerprint()) {
            _ = check(&scenario.signed, &scenario.sig, key, Some(one));
        }
    }
    for one in &met {
        for (scenario, key) in REVOKED.iter().filter(|(_, key)| key == one.fingerprint()) {
            let copies: Vec<_> = scenario.copies.iter().map(Vec::as_slice).collect();
            let known = Certificate::merged(&copies, key).expect("a vector");
            let Ok(merged) = known.merge(one) else { continue };
            if let Ok(found) = check(&scenario.signed, &scenario.sig, key, Some(&merged)) {
                assert_eq!(Standing::RevokedHard, found.standing);
            }
        }
    }
});
