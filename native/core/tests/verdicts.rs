//! vectors/verdicts: real signatures, verified, weighed and decided.
#![allow(clippy::panic, clippy::unwrap_used, reason = "a test")]

mod vector;

use std::collections::{BTreeMap, BTreeSet};

use serde_json::Value as Json;
use sig_core::border::attest;
use sig_core::fingerprint::Fingerprint;
use sig_core::model::identifier::Identifier;
use sig_core::model::strict::{self, Names};
use sig_core::model::verdict::{State, Verdict};
use sig_core::model::{instant, wire};
use sig_core::openpgp::{Certificate, Fault};
use sig_core::trust::decide::{Measure, Question, decide};
use sig_core::trust::policy;
use sig_core::trust::weighed::{Found, Weighed};
use vector::{Vector, same, texts};

/// What is to be said of a line: key, state, counted, newest.
type Shown = (String, String, bool, bool);

#[test]
fn a_scenario_is_decided_as_its_vector_says() {
    vector::each("verdicts", 107, |one| {
        let lines: Vec<Json> =
            one.lines.iter().map(|line| serde_json::from_str(line).unwrap()).collect();
        let certificates = certificates(one);
        let mut all: Vec<Weighed> = lines.iter().map(|line| weighed(line, &certificates)).collect();
        let found = decided(one, &all)?;
        same(one.head("expect"), &format!("{} {}", found.answer.word(), found.reason.word()))?;
        same(expected(&lines, &all), shown(&found))?;
        for line in &found.statements {
            same(true, line.counted || !line.why.is_empty())?;
        }
        let mut again: Vec<Weighed> = all.iter().rev().cloned().collect();
        again.append(&mut all);
        same(found, decided(one, &again)?)
    });
}

fn decided(one: &Vector, weighed: &[Weighed]) -> Result<Verdict, String> {
    let trusted: Option<BTreeSet<Fingerprint>> =
        one.head("trusted").split_whitespace().map(Fingerprint::new).collect();
    let policy = strict::read(one.head("policy").as_bytes(), Names::Visible);
    let policy = policy.and_then(|value| policy::read(value.object().unwrap()));
    let by = Measure {
        trusted: &trusted.unwrap(),
        policy: &policy.map_err(|error| error.to_string())?,
        now: instant::parse(one.head("now")).unwrap(),
    };
    let id = &Identifier::new(one.head("id")).map_err(|error| error.to_string())?;
    Ok(decide(&Question { id, by, purpose: "", unfit: None }, weighed))
}

/// What is known of each key, of all copies that were met.
fn certificates(one: &Vector) -> BTreeMap<Fingerprint, Certificate> {
    let mut copies: BTreeMap<Fingerprint, Vec<&[u8]>> = BTreeMap::new();
    for raw in one.all("certificate") {
        for met in Certificate::read(raw).unwrap() {
            copies.entry(met.fingerprint().clone()).or_default().push(raw);
        }
    }
    let merged = |(key, raw): (Fingerprint, Vec<&[u8]>)| {
        let all = Certificate::merged(&raw, &key).unwrap();
        (key, all)
    };
    copies.into_iter().map(merged).collect()
}

fn weighed(line: &Json, certificates: &BTreeMap<Fingerprint, Certificate>) -> Weighed {
    let field = |name: &str| line.get(name).unwrap();
    let envelope = field("envelope");
    let own = envelope.pointer("/data/id").and_then(Json::as_str);
    let filed = line.get("filed").and_then(Json::as_str).or(own).unwrap();
    let value = strict::read(envelope.to_string().as_bytes(), Names::Visible).unwrap();
    let (key, found, refused, why) = match wire::filed_attestation(filed, &value) {
        Err(found) => {
            let why = found.why.clone();
            (found.key.clone().unwrap_or_default(), Found::Malformed(found), None, why)
        }
        Ok(found) => {
            let key = found.key.clone();
            match attest(found, certificates.get(&key)) {
                Ok(found) => (key.to_string(), Found::Proved(found), None, String::new()),
                Err((unproven, found)) => {
                    let state = match unproven.fault {
                        Fault::UnknownKey => State::UnknownKey,
                        Fault::Invalid => State::Invalid,
                        Fault::Weak => State::Weak,
                    };
                    (key.to_string(), Found::Refused(*found), Some(state), unproven.why)
                }
            }
        }
    };
    Weighed {
        id: filed.to_owned(),
        key,
        uid: String::new(),
        found,
        refused,
        why,
        sources: texts(field("sources")),
        first_met: field("first-met").as_str().map(|met| instant::parse(met).unwrap()),
        stale: field("stale").as_bool().unwrap(),
        kept: field("kept").as_bool().unwrap(),
    }
}

/// What the vector says of each line that is shown; copies of one statement are one.
fn expected(lines: &[Json], weighed: &[Weighed]) -> Vec<Shown> {
    let mut found = BTreeMap::new();
    for (at, (line, one)) in lines.iter().zip(weighed).enumerate() {
        let state = line.get("state").unwrap().as_str().unwrap();
        if state != "none" {
            let is = |name: &str| line.get(name).unwrap().as_bool().unwrap();
            let same = one.attestation().map_or((Vec::new(), at), |found| {
                let (key, signed, time) = found.same();
                ([key.as_bytes(), signed, &time.to_be_bytes()].concat(), 0)
            });
            found.insert(same, (one.key.clone(), state.to_owned(), is("counted"), is("newest")));
        }
    }
    let mut found: Vec<Shown> = found.into_values().collect();
    found.sort();
    found
}

fn shown(found: &Verdict) -> Vec<Shown> {
    let lines = found.statements.iter();
    let mut found: Vec<Shown> = lines
        .map(|line| (line.key.clone(), line.state.word().to_owned(), line.counted, line.newest))
        .collect();
    found.sort();
    found
}
