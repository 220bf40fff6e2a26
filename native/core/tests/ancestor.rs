//! vectors/ancestor: what the program of 2016 wrote is read, verified and written again.
#![allow(clippy::arithmetic_side_effects, clippy::panic, clippy::unwrap_used, reason = "a test")]

mod vector;

use std::fs;

use sig_core::border::attest;
use sig_core::model::strict::{self, Names, Object, Value};
use sig_core::model::wire;
use sig_core::openpgp::{Certificate, Standing, check};

const ALICE: &str = "2BFAEC78CA0748860DD021404DDF9A42E3F2AA1B";
const BOB: &str = "38012069C685C670ECBFF55EC8A35A4E7DC1304D";

/// The certificate of a key, as a vector has it.
fn certificate(key: &str) -> Certificate {
    let one = vector::read(&vector::path("verdicts/ancestor-hello-py.txt"));
    let all = one.all("certificate");
    let mut all = all.iter().flat_map(|raw| Certificate::read(raw).unwrap());
    all.find(|each| each.fingerprint().as_str() == key).unwrap()
}

fn file(below: &str) -> Vec<u8> {
    fs::read(vector::path("ancestor").join(below)).unwrap()
}

#[test]
fn a_repository_is_its_owners_and_written_again_it_is_the_same() {
    for (place, key) in [("home/repo", ALICE), ("home/remotes/bob", BOB), ("bob-published", BOB)] {
        let certificate = certificate(key);
        let value = strict::read(&file(&format!("{place}/repo.json")), Names::Visible).unwrap();
        let parts = wire::parts(&value, false).unwrap();
        wire::only(parts.data, "attestations").unwrap();
        wire::version(parts.data, "a repository").unwrap();
        let signed = strict::canonical(parts.data);
        let made = check(&signed, &parts.sig, &parts.key, Some(&certificate)).unwrap();
        assert_eq!((key, Standing::Sound), (made.signer.as_str(), made.standing));

        let written = wire::envelope(&parts.key, &signed, &parts.sig, None);
        let again = strict::read(&written, Names::Visible).unwrap();
        assert_eq!(value, again);
        assert_eq!(strict::encode(&again).into_bytes(), written);
        assert!(statements(parts.data, &certificate) > 0, "{place}");
    }
}

/// How many statements there are in it, all of which are the owner's.
fn statements(data: &Object, certificate: &Certificate) -> usize {
    let filed = data.get("attestations").and_then(Value::object).unwrap();
    let mut count = 0;
    for (id, listed) in filed {
        for value in listed.list().unwrap() {
            let found = wire::filed_attestation(id, value).unwrap();
            let text = wire::envelope(&found.key, &found.signed, &found.sig, None);
            assert_eq!(strict::encode(value).into_bytes(), text);
            let proved = attest(found, Some(certificate)).unwrap();
            assert_eq!(Standing::Sound, proved.standing);
            count += 1;
        }
    }
    count
}

#[test]
fn a_configuration_is_its_owners() {
    let found = wire::configuration(&file("home/config")).unwrap();
    let key = found.configuration.key.clone().unwrap();
    let made = check(&found.signed, &found.sig.unwrap(), &key, Some(&certificate(ALICE))).unwrap();
    assert_eq!((ALICE, Standing::Sound), (made.signer.as_str(), made.standing));
    let trusted: Vec<&str> = found.configuration.trust.iter().map(|key| key.as_str()).collect();
    assert_eq!(vec![ALICE, BOB], trusted);
    assert_eq!(None, found.configuration.sequence);
}
