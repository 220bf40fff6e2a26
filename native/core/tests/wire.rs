//! vectors/wire: documents that are read, their canonical bytes, and documents that are refused.
#![allow(clippy::panic, clippy::unwrap_used, reason = "a test")]

mod vector;

use serde_json::{Map, Value as Json, json};
use sig_core::errors::FormatError;
use sig_core::model::configuration::Configuration;
use sig_core::model::strict::{self, Names, Value};
use sig_core::model::{instant, wire};
use vector::{Vector, refused, same};

/// Canonical bytes, and what is understood.
type Understood = (Vec<u8>, Option<Json>);

#[test]
fn a_document_is_read_or_refused_as_its_vector_says() {
    vector::each("wire", 545, |one| {
        let text = one.one("text");
        if one.head("expect") == "refused" {
            return is_refused(one, text);
        }
        let (canonical, understood) =
            understood(one.head("as"), text).map_err(|e| e.to_string())?;
        same(one.one("canonical"), canonical.as_slice())?;
        let expected = one.lines.first().map(|line| serde_json::from_str(line).unwrap());
        same(expected, understood)?;
        match one.head("as") {
            // What was written is read as the same, and is one text.
            "document" => same(Ok((canonical.clone(), None)), document(&canonical)),
            _ => Ok(()),
        }
    });
}

fn is_refused(one: &Vector, text: &[u8]) -> Result<(), String> {
    if !one.head.contains_key("filed") {
        refused(&one.why(), understood(one.head("as"), text))?;
    }
    if one.head("as") == "statement" {
        let value = strict::read(text, Names::Visible).map_err(|error| error.to_string())?;
        let filed = one.head.get("filed").map_or("sha256:a", String::as_str);
        let why = wire::filed_attestation(filed, &value).map_err(|malformed| malformed.why);
        return same(Err(one.why()), why);
    }
    Ok(())
}

fn understood(kind: &str, raw: &[u8]) -> Result<Understood, FormatError> {
    match kind {
        "document" => document(raw),
        "statement" => attested(raw),
        "configuration" => configured(raw),
        other => panic!("{other}"),
    }
}

fn document(raw: &[u8]) -> Result<Understood, FormatError> {
    Ok((strict::encode(&strict::read(raw, Names::Visible)?).into_bytes(), None))
}

fn attested(raw: &[u8]) -> Result<Understood, FormatError> {
    let found = wire::read_attestation(raw)?;
    let again = wire::envelope(&found.key, &found.signed, &found.sig, found.tst.as_deref());
    assert_eq!(found, wire::read_attestation(&again)?);
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
    Ok((found.signed, Some(Json::Object(fields))))
}

fn configured(raw: &[u8]) -> Result<Understood, FormatError> {
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
