//! Documents: any value, statements in their envelopes, configurations.
//!
//! Nothing panics; what was read is written in one text, and read as the same again.
#![no_main]

use libfuzzer_sys::fuzz_target;
use sig_core::model::strict::{self, Names};
use sig_core::model::wire;
use sig_core::trust::policy;

fuzz_target!(|data: &[u8]| {
    for names in [Names::Visible, Names::Any] {
        let Ok(value) = strict::read(data, names) else { continue };
        let text = strict::encode(&value);
        assert!(text.is_ascii());
        assert_eq!(Ok(&value), strict::read(text.as_bytes(), names).as_ref());
        if let Some(fields) = value.object() {
            assert_eq!(text.as_bytes(), strict::canonical(fields));
            _ = policy::read(fields);
            _ = wire::statement(fields);
        }
        _ = wire::parts(&value, false);
        match wire::filed_attestation("x", &value) {
            Ok(found) => {
                assert!(wire::also_filed(&found.key, &found.statement).contains(&"x".into()))
            }
            Err(malformed) => assert!(!malformed.why.is_empty()),
        }
    }
    if let Ok(found) = wire::read_attestation(data) {
        let text = wire::envelope(&found.key, &found.signed, &found.sig, found.tst.as_deref());
        assert_eq!(Ok(found), wire::read_attestation(&text));
    }
    if let Ok(found) = wire::configuration(data) {
        let again = match (&found.configuration.key, &found.sig) {
            (Some(key), Some(sig)) => wire::envelope(key, &found.signed, sig, None),
            _ => [b"{\"data\": ", found.signed.as_slice(), b"}"].concat(),
        };
        assert_eq!(Ok(found), wire::configuration(&again));
    }
});
