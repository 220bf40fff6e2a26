//! vectors/policy: policies that are read, refused, and the stricter of two.
#![allow(clippy::panic, clippy::unwrap_used, reason = "a test")]

mod vector;

use serde_json::{Value, json};
use sig_core::errors::FormatError;
use sig_core::model::strict::{self, Names};
use sig_core::trust::policy::{self, Policy};
use vector::{same, table};

#[test]
fn a_policy_is_read_or_refused_as_the_table_says() {
    let failed: Vec<String> = table("policy/policies.json")
        .iter()
        .filter_map(|case| {
            let found = match case.get("policy") {
                Some(said) => read(said),
                None => read(case.get("site").unwrap()).and_then(|site| {
                    Ok(policy::tightened(&site, &read(case.get("user").unwrap())?))
                }),
            };
            let expected = match case.get("refused") {
                Some(why) => Err(why.as_str().unwrap().to_owned()),
                None => Ok(case.get("read").unwrap().clone()),
            };
            let found = found.map(|found| written(&found)).map_err(|error| error.to_string());
            same(expected, found).err().map(|why| format!("{case}: {why}"))
        })
        .collect();
    assert!(failed.is_empty(), "{}", failed.join("\n"));
}

fn read(said: &Value) -> Result<Policy, FormatError> {
    policy::read(strict::read(said.to_string().as_bytes(), Names::Any)?.object().unwrap())
}

fn written(found: &Policy) -> Value {
    let choice = |counts| if counts { "count" } else { "refuse" };
    json!({
        "ok": found.ok,
        "not-ok": found.not_ok,
        "criteria": found.criteria,
        "late": choice(found.late),
        "stale": choice(found.stale),
    })
}
