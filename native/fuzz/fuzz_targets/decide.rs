//! The decision, over heaps of statements that bytes choose.
//!
//! Nothing panics; order and repetition make no difference; a statement of an untrusted key changes
//! no answer of ok or bad; one more warning never improves one.
#![no_main]

use std::collections::BTreeSet;

use libfuzzer_sys::fuzz_target;
use sig_core::fingerprint::Fingerprint;
use sig_core::model::attestation::{Attestation, UnverifiedAttestation};
use sig_core::model::identifier::Identifier;
use sig_core::model::standing::Standing;
use sig_core::model::strict::{self, Names};
use sig_core::model::verdict::Answer;
use sig_core::model::wire;
use sig_core::trust::decide::{Measure, Question, decide};
use sig_core::trust::policy::Policy;
use sig_core::trust::weighed::{Found, Weighed};

const NOW: i64 = 1_800_000_000;

fuzz_target!(|data: &[u8]| {
    let Some((&first, rest)) = data.split_first() else { return };
    let (chunks, _) = rest.as_chunks::<6>();
    let heap: Vec<Weighed> = chunks.iter().take(12).filter_map(weighed).collect();
    let keys: Vec<Fingerprint> = (0..4).map(key).collect();
    let trusted = keys.iter().enumerate().filter(|(at, _)| first >> at & 1 == 1);
    let trusted: BTreeSet<Fingerprint> = trusted.map(|(_, key)| key.clone()).collect();
    let policy = Policy {
        ok: u64::from(first >> 4 & 1) + 1,
        not_ok: u64::from(first >> 5 & 1),
        late: first >> 6 & 1 == 1,
        stale: first >> 7 & 1 == 1,
        ..Policy::default()
    };
    let id = Identifier::new(&format!("sha256:{}", "f".repeat(64))).expect("an id");
    let by = Measure { trusted: &trusted, policy: &policy, now: NOW };
    let asked = Question { id: &id, by, purpose: "", unfit: None };
    let found = decide(&asked, &heap);

    let mut again: Vec<Weighed> = heap.iter().rev().cloned().collect();
    again.extend(heap.iter().cloned());
    assert_eq!(found, decide(&asked, &again));

    let friends: Vec<Weighed> = heap
        .iter()
        .filter(|one| trusted.iter().any(|key| key.as_str() == one.key))
        .cloned()
        .collect();
    let alone = decide(&asked, &friends);
    for answer in [Answer::Ok, Answer::Bad] {
        assert_eq!(found.answer == answer, alone.answer == answer);
    }
    let mut warned = heap.clone();
    warned.extend(weighed(&[first & 3, 1, first, first, 0, 0]));
    let order = |answer| match answer {
        Answer::Ok => 2,
        Answer::Bad => 0,
        _ => 1,
    };
    assert!(order(decide(&asked, &warned).answer) <= order(found.answer));
});

fn key(number: u8) -> Fingerprint {
    Fingerprint::new(&char::from(b'A' + number % 4).to_string().repeat(40)).expect("a key")
}

/// A statement by a few bytes: signer, kind, time, proof, where it is, what it is besides.
fn weighed(bytes: &[u8; 6]) -> Option<Weighed> {
    let [signer, kind, time, proof, place, more] = *bytes;
    let said = match kind % 4 {
        0 => "\"ok\": true, \"reviewed\": true",
        1 => "\"ok\": false, \"reviewed\": true",
        2 => "\"ok\": false, \"reviewed\": false, \"withdrawn\": true",
        _ => "\"ok\": true, \"reviewed\": false",
    };
    let digit = if more & 1 == 1 { 'f' } else { '0' };
    let needs = if more & 2 == 2 { ", \"needs\": [\"platform\"]" } else { "" };
    let aliases = if more & 4 == 4 { ", \"aliases\": [\"sha512:00\"]" } else { "" };
    let id = format!("sha256:{}", digit.to_string().repeat(64));
    let text = format!("{{\"id\": \"{id}\", {said}{needs}{aliases}}}");
    let value = strict::read(text.as_bytes(), Names::Visible).ok()?;
    let moment = |byte: u8| NOW + i64::from(byte % 8) * 400 - 1600;
    let perhaps = |byte: u8| (byte & 8 == 8).then(|| moment(byte));
    let standing =
        [Standing::Sound, Standing::RevokedHard, Standing::RevokedSoft, Standing::Expired];
    let said = UnverifiedAttestation {
        statement: wire::statement(value.object()?).ok()?,
        key: key(signer),
        signed: text.into_bytes(),
        sig: vec![more],
        tst: None,
    };
    Some(Weighed {
        id: if place & 1 == 1 { "x".into() } else { said.statement.id.to_string() },
        key: said.key.to_string(),
        uid: String::new(),
        found: if place & 2 == 2 && proof & 64 == 64 {
            Found::Refused(said)
        } else {
            Found::Proved(Attestation {
                said,
                signed_at: moment(time),
                signature_expires: perhaps(time),
                standing: standing[usize::from(proof % 4)],
                why: String::new(),
                key_end: perhaps(proof),
            })
        },
        refused: None,
        why: String::new(),
        sources: (0..place >> 2 & 3).map(|number| number.to_string()).collect(),
        first_met: perhaps(place),
        stale: place & 16 == 16,
        kept: place & 32 == 32,
    })
}
