//! How much is enough: the policy that a verdict is measured by, and its defaults.
//!
//! Read from the `policy` of a configuration (docs/reference/configuration):
//!
//! P1  A missing field has its default; so a folder of 2016, which knows `ok` and `not-ok` only,
//!     reads.
//! P2  An unknown field or a bad value is refused by name: a policy is never guessed.
//! P3  Of two policies the stricter of each field holds: a user cannot loosen what the site asks for.

use std::collections::BTreeSet;

use crate::errors::FormatError;
use crate::model::strict::{Object, Value};
use crate::model::told::{first, quoted};

/// `ok` signers must say ok, and at most `not_ok` may say the opposite.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Policy {
    /// How many have to say ok.
    pub ok: u64,
    /// How many may say the opposite.
    pub not_ok: u64,
    /// Words that a statement must carry to count as ok.
    pub criteria: BTreeSet<String>,
    /// Whether an ok counts that was first met after the end of its key. A warning always counts.
    pub late: bool,
    /// Whether an ok counts whose every source is out of date. A warning always counts.
    pub stale: bool,
}

impl Default for Policy {
    fn default() -> Self {
        Self { ok: 1, not_ok: 0, criteria: BTreeSet::new(), late: true, stale: false }
    }
}

/// The policy of a configuration. A refusal names the field.
pub fn read(data: &Object) -> Result<Policy, FormatError> {
    let known = ["ok", "not-ok", "criteria", "late", "stale"];
    if let Some(name) = data.keys().find(|name| !known.contains(&name.as_str())) {
        // P2
        let why = format!("policy: unknown field {}", quoted(first(name, 64)));
        return Err(FormatError::new(why));
    }
    let default = Policy::default();
    let or = |name: &str, otherwise| data.get(name).map_or(Ok(otherwise), |it| choice(it, name));
    Ok(Policy {
        ok: data.get("ok").map_or(Ok(default.ok), |value| number(value, "ok", 1))?,
        not_ok: data.get("not-ok").map_or(Ok(default.not_ok), |it| number(it, "not-ok", 0))?,
        criteria: data.get("criteria").map_or(Ok(default.criteria), words)?,
        late: or("late", default.late)?,
        stale: or("stale", default.stale)?,
    })
}

/// The stricter of each field (P3).
pub fn tightened(site: &Policy, user: &Policy) -> Policy {
    Policy {
        ok: site.ok.max(user.ok),
        not_ok: site.not_ok.min(user.not_ok),
        criteria: site.criteria.union(&user.criteria).cloned().collect(),
        late: site.late && user.late,
        stale: site.stale && user.stale,
    }
}

fn number(value: &Value, name: &str, least: u64) -> Result<u64, FormatError> {
    let found = match value {
        Value::Number(number) => u64::try_from(*number).ok().filter(|number| *number >= least),
        _ => None,
    };
    found.ok_or_else(|| FormatError::new(format!("policy: {name} is not a number from {least} on")))
}

fn words(value: &Value) -> Result<BTreeSet<String>, FormatError> {
    let word = |each: &Value| each.text().filter(|word| !word.is_empty()).map(str::to_owned);
    let found = value.list().and_then(|listed| listed.iter().map(word).collect());
    found.ok_or_else(|| FormatError::new("policy: criteria is not a list of words"))
}

fn choice(value: &Value, name: &str) -> Result<bool, FormatError> {
    match value.text() {
        Some("count") => Ok(true),
        Some("refuse") => Ok(false),
        _ => Err(FormatError::new(format!("policy: {name} is neither count nor refuse"))),
    }
}
