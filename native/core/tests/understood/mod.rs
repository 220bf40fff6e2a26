//! What is understood of a document, in the JSON of vectors/README.md.
#![allow(clippy::missing_panics_doc, clippy::unwrap_used, reason = "a test")]

use serde_json::{Map, Value as Json, json};
use sig_core::errors::FormatError;
use sig_core::model::attestation::UnverifiedAttestation;
use sig_core::model::configuration::Configuration;
use sig_core::model::strict::{self, Names, Value};
use sig_core::model::{instant, wire};

/// Canonical bytes, and what is understood.
pub type Understood = (Vec<u8>, Option<Json>);

/// Of any value.
pub fn document(raw: &[u8]) -> Result<Understood, FormatError> {
    Ok((strict::encode(&strict::read(raw, Names::Visible)?).into_bytes(), None))
}

/// Of a statement in its envelope.
pub fn statement(raw: &[u8]) -> Result<Understood, FormatError> {
    let found = wire::read_attestation(raw)?;
    let again = wire::envelope(&found.key, &found.signed, &found.sig, found.tst.as_deref());
    assert_eq!(found, wire::read_attestation(&again)?);
    let understood = said(&found);
    Ok((found.signed, Some(understood)))
}

/// What a statement says.
pub fn said(found: &UnverifiedAttestation) -> Json {
    let said = &found.statement;
    let mut fields = Map::new();
    let mut put = |name: &str, there: bool, value: Json| {
        if there {
            fields.insert(name.to_owned(), value);
        }
    };
    put("id", true, json!(said.id.as_str()));
    put("key", true, json!(found.key.as_str()));
    put("ok", true, json!(said.ok));
    put("reviewed", true, json!(said.reviewed));
    put("negative", true, json!(said.negative()));
    put("comment", !said.comment.is_empty(), json!(said.comment));
    put("method", said.method != "human", json!(said.method));
    put("base", said.base.is_some(), json!(said.base.as_ref().map(|id| id.as_str())));
    put("scope", said.scope.is_some(), json!(said.scope));
    put("criteria", !said.criteria.is_empty(), json!(said.criteria));
    put("aliases", !said.aliases.is_empty(), json!(said.aliases));
    put("needs", !said.needs.is_empty(), json!(said.needs));
    let unknown: Vec<&str> = said.unknown_needs().collect();
    put("unknown-needs", !unknown.is_empty(), json!(unknown));
    put("manifest", said.manifest.is_some(), json!(said.manifest.as_ref().map(|id| id.as_str())));
    put("exclude", !said.exclude.is_empty(), json!(said.exclude));
    put("expires", said.expires.is_some(), json!(said.expires.map(instant::write)));
    put("withdrawn", said.withdrawn, json!(true));
    put("odd", said.odd.is_some(), json!(said.odd));
    let filed = wire::also_filed(&found.key, said);
    put("also-filed", !filed.is_empty(), json!(filed));
    put("tst", found.tst.is_some(), json!(found.tst));
    Json::Object(fields)
}

/// Of a configuration.
pub fn configuration(raw: &[u8]) -> Result<Understood, FormatError> {
    let found = wire::configuration(raw)?;
    let Configuration { key, sequence, trust, policy, remotes, .. } = found.configuration;
    assert_eq!(key.is_some(), found.sig.is_some());
    let name = |key: &Option<_>| key.as_ref().map(ToString::to_string);
    let remotes: Map<String, Json> = remotes
        .iter()
        .map(|remote| (remote.name.clone(), json!([remote.url, name(&remote.key)])))
        .collect();
    let policy: Json = serde_json::from_str(&strict::encode(&Value::Object(policy))).unwrap();
    let understood = json!({
        "key": name(&key),
        "sequence": sequence,
        "trust": trust.iter().map(ToString::to_string).collect::<Vec<_>>(),
        "policy": policy,
        "remotes": remotes,
    });
    Ok((found.signed, Some(understood)))
}
