//! Bytes <-> nouns: envelopes, statements and the configuration (docs/spec/envelope, statement).
//!
//! The text is read by `strict` (W1–W5). Here, before anything is believed:
//!
//! W6  An envelope is `data`, `key`, `sig`, on a statement perhaps `tst`, and nothing else.
//! W7  A document is what its one reserved name says, and nothing else is asked for.
//!
//! What breaks W1–W5 is refused whole. A statement that breaks another rule is `Malformed` by
//! itself.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;

use super::attestation::{Malformed, UnverifiedAttestation};
use super::configuration::{Configuration, Remote, check_remote_name};
use super::fingerprint::Fingerprint;
use super::identifier::{Identifier, filed_by_app, filed_by_manifest, filed_by_scope, is_hex};
use super::statement::Statement;
use super::strict::{self, Names, Object, Value};
use super::told::{first, quoted};
use super::{instant, limits};
use crate::errors::FormatError;

/// The version of all documents that have one.
pub const VERSION: &str = "0.0.1";

/// The names of which a document has exactly one (W7), as they are told.
const RESERVED: [&str; 4] = ["attestations", "id", "trust", "type"];

// --- the writer ----------------------------------------------------------------------------------

/// The canonical text of an envelope, made around the signed bytes as they are.
pub fn envelope(key: &Fingerprint, signed: &[u8], sig: &[u8], tst: Option<&str>) -> Vec<u8> {
    let end = match tst {
        None => "}".to_owned(),
        Some(token) => format!(", \"tst\": {}}}", strict::encode(&Value::Text(token.to_owned()))),
    };
    let middle = format!(", \"key\": \"{key}\", \"sig\": \"{}\"{end}", STANDARD.encode(sig));
    [b"{\"data\": ", signed, middle.as_bytes()].concat()
}

// --- envelopes -----------------------------------------------------------------------------------

/// An envelope taken apart. The caller decides what its data must be.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Parts<'a> {
    /// What is signed, as a value.
    pub data: &'a Object,
    /// Who is said to have signed it.
    pub key: Fingerprint,
    /// One OpenPGP signature packet.
    pub sig: Vec<u8>,
    /// A time stamp token in base64.
    pub tst: Option<&'a str>,
}

/// Take an envelope apart (W6); one with a time stamp only where that may be.
pub fn parts(value: &Value, timestamps: bool) -> Result<Parts<'_>, FormatError> {
    let fields = value.object().ok_or_else(|| FormatError::new("not an envelope"))?;
    let allowed =
        |name: &str| matches!(name, "data" | "key" | "sig") || (timestamps && name == "tst");
    let (Some(data), Some(key), Some(sig), true) = (
        fields.get("data"),
        fields.get("key"),
        fields.get("sig"),
        fields.keys().all(|name| allowed(name)),
    ) else {
        return Err(FormatError::new("an envelope has data, key and sig, and nothing else"));
    };
    let data = data
        .object()
        .ok_or_else(|| FormatError::new("the data of an envelope is not an object"))?;
    let key = key
        .text()
        .and_then(Fingerprint::new)
        .ok_or_else(|| FormatError::new("the key is not a full fingerprint in upper-case hex"))?;
    let tst = fields.get("tst");
    if let Some(token) = tst {
        packed(token, limits::TIMESTAMP, "the time stamp")?;
    }
    let sig = packed(sig, limits::SIGNATURE, "the signature")?;
    Ok(Parts { data, key, sig, tst: tst.and_then(Value::text) })
}

/// The bytes of canonical base64: one text for one signature.
pub(crate) fn packed(value: &Value, limit: usize, what: &str) -> Result<Vec<u8>, FormatError> {
    let refused = |why: &str| FormatError::new(format!("{what} is not {why}"));
    let large = || refused(&format!("base64 of at most {limit} bytes"));
    // Before it is decoded: four characters for three bytes.
    let most = (limit.saturating_mul(4) / 3).saturating_add(4);
    let text = value.text().filter(|text| text.chars().nth(most).is_none()).ok_or_else(large)?;
    let found = STANDARD.decode(text).map_err(|_| refused("canonical base64"))?;
    if found.len() > limit {
        return Err(large());
    }
    // Only what encodes back to itself is one text for one signature.
    if STANDARD.encode(&found) != text { Err(refused("canonical base64")) } else { Ok(found) }
}

/// W7: a signature under one kind of document must never pass for another kind.
pub fn only(data: &Object, wanted: &str) -> Result<(), FormatError> {
    let kinds: Vec<&str> = RESERVED.into_iter().filter(|name| data.contains_key(*name)).collect();
    if kinds == [wanted] {
        return Ok(());
    }
    let told: Vec<String> = kinds
        .into_iter()
        .map(|name| match data.get(name) {
            // The newer kinds say here which they are.
            Some(Value::Text(kind)) if name == "type" => {
                format!("type {}", quoted(first(kind, 64)))
            }
            _ => name.to_owned(),
        })
        .collect();
    let but = if told.is_empty() { String::new() } else { format!(" but {}", told.join(", ")) };
    Err(FormatError::new(format!("not a document with {wanted}{but}")))
}

/// Refuses a document of a version that this program does not know, by its name.
pub fn version(data: &Object, what: &str) -> Result<(), FormatError> {
    let told = match data.get("version") {
        Some(Value::Text(version)) if version == VERSION => return Ok(()),
        Some(Value::Text(version)) => format!(": {}", quoted(first(version, 64))),
        _ => String::new(),
    };
    Err(FormatError::new(format!("{what} of another version than {VERSION}{told}")))
}

// --- statements ----------------------------------------------------------------------------------

fn texts(value: &Value, what: &str) -> Result<Vec<String>, FormatError> {
    let listed = value.list().and_then(|listed| {
        listed.iter().map(|each| each.text().map(str::to_owned)).collect::<Option<Vec<String>>>()
    });
    listed.ok_or_else(|| FormatError::new(format!("{what} is not a list of texts")))
}

fn file_id(value: &Value, what: &str) -> Result<Identifier, FormatError> {
    let found = value.text().and_then(|text| Identifier::new(text).ok());
    found
        .filter(Identifier::names_bytes)
        .ok_or_else(|| FormatError::new(format!("{what} is not sha256: and 64 hex digits")))
}

fn method(value: &Value) -> Result<String, FormatError> {
    let named = |text: &&str| {
        *text == "human"
            || ["tool:", "model:"]
                .iter()
                .any(|kind| text.strip_prefix(kind).is_some_and(|name| !name.is_empty()))
    };
    let found = value.text().filter(named).map(str::to_owned);
    found.ok_or_else(|| FormatError::new("method is not human, tool:NAME or model:NAME"))
}

fn comment(value: &Value) -> Result<String, FormatError> {
    let found = value.text().filter(|text| text.len() <= limits::COMMENT).map(str::to_owned);
    found.ok_or_else(|| FormatError::new("comment is not a text of at most 64 KiB"))
}

fn expiry(value: &Value) -> Result<i64, FormatError> {
    let found = value.text().and_then(|text| instant::parse(text).ok());
    found.ok_or_else(|| FormatError::new("expires is not an instant like 2026-01-31T23:59:59Z"))
}

fn alias_list(value: &Value) -> Result<Vec<String>, FormatError> {
    let found = texts(value, "aliases")?;
    let alias = |text: &String| {
        text.split_once(':').is_some_and(|(scheme, digits)| {
            !scheme.is_empty() && !digits.is_empty() && is_hex(digits)
        })
    };
    if found.iter().all(alias) {
        Ok(found)
    } else {
        Err(FormatError::new("an alias is not SCHEME:HEX"))
    }
}

/// Fields that this program keeps and does not weigh; their form is checked all the same.
fn check_unused(data: &Object) -> Result<(), FormatError> {
    let refuse = |why: &str| Err(FormatError::new(why));
    if data.get("name").is_some_and(|name| name.text().is_none()) {
        return refuse("name is not a text");
    }
    if data.get("size").is_some_and(|size| !matches!(size, Value::Number(0..))) {
        return refuse("size is not a length in bytes");
    }
    if data.contains_key("exclude") && !data.contains_key("manifest") {
        return refuse("exclude stands without manifest");
    }
    let Some(evidence) = data.get("evidence") else { return Ok(()) };
    let Some(listed) = evidence.list() else { return refuse("evidence is not a list") };
    let report = |each: &Value| {
        each.object().is_some_and(|fields| {
            fields.contains_key("id")
                && fields.iter().all(|(name, part)| {
                    matches!(name.as_str(), "id" | "url") && part.text().is_some()
                })
        })
    };
    if listed.iter().all(report) { Ok(()) } else { refuse("evidence is not a list of id and url") }
}

/// The statement that signed data makes.
///
/// With a sound id and `ok` false a statement that is not withdrawn is negative whatever else is odd
/// in it: it is made all the same, with `odd` set (docs/spec/statement §3).
pub fn statement(data: &Object) -> Result<Statement, FormatError> {
    only(data, "id")?;
    let id = data.get("id").and_then(Value::text).and_then(|text| Identifier::new(text).ok());
    let id =
        id.ok_or_else(|| FormatError::new("the id is not sha256: and 64 lower-case hex digits"))?;
    let said = |name: &str| data.get(name) == Some(&Value::Bool(true));
    let withdrawn = said("withdrawn");
    let mut odd = Odd {
        data,
        negative: data.get("ok") == Some(&Value::Bool(false)) && !withdrawn,
        why: None,
    };
    let comment = odd.field("comment", comment)?;
    let method = odd.field("method", method)?;
    let base = odd.field("base", |value| file_id(value, "base"))?;
    let scope = odd.field("scope", |value| texts(value, "scope"))?;
    let criteria = odd.field("criteria", |value| texts(value, "criteria"))?;
    let aliases = odd.field("aliases", alias_list)?;
    let needs = odd.field("needs", |value| texts(value, "needs"))?;
    let manifest = odd.field("manifest", |value| file_id(value, "manifest"))?;
    let exclude = odd.field("exclude", |value| texts(value, "exclude"))?;
    let expires = odd.field("expires", expiry)?;
    let method = method.unwrap_or_else(|| "human".to_owned());
    odd.bear(check_statement(data, &method))?;
    Ok(Statement {
        id,
        ok: said("ok"),
        reviewed: said("reviewed"),
        withdrawn,
        comment: comment.unwrap_or_default(),
        method,
        base,
        scope,
        criteria: criteria.unwrap_or_default(),
        aliases: aliases.unwrap_or_default(),
        needs: needs.unwrap_or_default(),
        manifest,
        exclude: exclude.unwrap_or_default(),
        expires,
        odd: odd.why,
    })
}

/// What a warning bears, and nothing else does.
struct Odd<'a> {
    data: &'a Object,
    negative: bool,
    why: Option<String>,
}

impl Odd<'_> {
    fn field<T>(
        &mut self,
        name: &str,
        parse: impl Fn(&Value) -> Result<T, FormatError>,
    ) -> Result<Option<T>, FormatError> {
        self.data.get(name).map_or(Ok(None), |value| self.bear(parse(value)))
    }

    fn bear<T>(&mut self, found: Result<T, FormatError>) -> Result<Option<T>, FormatError> {
        match found {
            Ok(value) => Ok(Some(value)),
            Err(error) if self.negative => {
                self.why = Some(error.message().to_owned());
                Ok(None)
            }
            Err(error) => Err(error),
        }
    }
}

fn check_statement(data: &Object, method: &str) -> Result<(), FormatError> {
    let choice = |name: &str| match data.get(name) {
        Some(Value::Bool(said)) => Some(*said),
        _ => None,
    };
    let missing = |name: &str| {
        let why = format!("{name} is missing or not true or false");
        move || FormatError::new(why)
    };
    let ok = choice("ok").ok_or_else(missing("ok"))?;
    let reviewed = choice("reviewed").ok_or_else(missing("reviewed"))?;
    let withdrawn = if data.contains_key("withdrawn") {
        choice("withdrawn").ok_or_else(|| FormatError::new("withdrawn is not true or false"))?
    } else {
        false
    };
    if withdrawn && ok {
        return Err(FormatError::new("withdrawn and ok at once"));
    }
    // A reader of 2016 would take these for a full review (docs/spec/statement §2).
    let partial = data.contains_key("base") || data.contains_key("scope") || withdrawn;
    if reviewed && (partial || method != "human") {
        return Err(FormatError::new("reviewed beside base, scope, withdrawn or another method"));
    }
    check_unused(data)
}

/// One statement in its envelope, read and not yet verified.
pub fn attestation(value: &Value) -> Result<UnverifiedAttestation, FormatError> {
    let Parts { data, key, sig, tst } = parts(value, true)?;
    for inner in data.values() {
        // Of the data itself, one level less is left.
        strict::check_depth(inner, limits::STATEMENT_DEPTH.saturating_sub(1))
            .map_err(|_| FormatError::new("the statement is nested too deeply"))?;
    }
    let signed = strict::canonical(data);
    if signed.len() > limits::STATEMENT {
        return Err(FormatError::new("the statement is larger than 1 MiB"));
    }
    let statement = statement(data)?;
    Ok(UnverifiedAttestation { statement, key, signed, sig, tst: tst.map(str::to_owned) })
}

/// One statement in its envelope, from bytes.
pub fn read_attestation(raw: &[u8]) -> Result<UnverifiedAttestation, FormatError> {
    attestation(&strict::read(raw, Names::Visible)?)
}

/// Where a statement is filed besides its id, so that it is found by what it names.
pub fn also_filed(key: &Fingerprint, said: &Statement) -> Vec<String> {
    let mut found = Vec::new();
    if let Some(manifest) = said.manifest.as_ref().filter(|manifest| **manifest != said.id) {
        // A folder has the id of its manifest, and an archive that of its own bytes.
        found.push(filed_by_manifest(manifest.as_str()));
    }
    if said.negative() && said.scope.as_ref().is_some_and(|scope| !scope.is_empty()) {
        found.push(filed_by_scope(key.as_str()));
    }
    let plain = |one: u8| one.is_ascii_alphanumeric() || matches!(one, b'.' | b'_' | b'-');
    for app in said.criteria.iter().filter_map(|word| word.strip_prefix("app:")) {
        if (1..=64).contains(&app.len()) && app.bytes().all(plain) {
            found.push(filed_by_app(app, key.as_str()));
        }
    }
    found
}

/// A statement as a repository files it. What breaks a rule by itself is named.
///
/// A statement filed under another identifier than its own says nothing there: the program of 2016
/// believed such a one. The index files it in other places as well (`also_filed`).
pub fn filed_attestation(id: &str, value: &Value) -> Result<UnverifiedAttestation, Malformed> {
    let found = attestation(value).and_then(|found| {
        let here = found.statement.id.as_str() == id
            || also_filed(&found.key, &found.statement).iter().any(|place| place == id);
        if here {
            Ok(found)
        } else {
            Err(FormatError::new("it is about another file than it is filed under"))
        }
    });
    found.map_err(|error| {
        let key = value.object().and_then(|fields| fields.get("key")).and_then(Value::text);
        Malformed {
            id: id.to_owned(),
            // Whoever wrote it may have put anything there; a fingerprint has at most 64 digits.
            key: key.map(|key| first(key, 64).to_owned()),
            why: error.message().to_owned(),
        }
    })
}

// --- the configuration ---------------------------------------------------------------------------

const CONFIGURATION_FIELDS: [&str; 8] =
    ["trust", "policy", "remotes", "publish", "sequence", "version", "repo_dir", "secret_keyring"];
const REMOTE_FIELDS: [&str; 2] = ["url", "key"];

/// A configuration with what its signature must cover. Nothing of it is proved.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct UnverifiedConfiguration {
    /// What it says.
    pub configuration: Configuration,
    /// The bytes that the signature must cover.
    pub signed: Vec<u8>,
    /// One OpenPGP signature packet; None where the folder has no own key.
    pub sig: Option<Vec<u8>>,
}

/// `config`, whose signature is not verified here.
pub fn configuration(raw: &[u8]) -> Result<UnverifiedConfiguration, FormatError> {
    let value = strict::read(raw, Names::Any)?;
    let unsigned = value.object().filter(|fields| fields.len() == 1).and_then(|it| it.get("data"));
    let (data, key, sig) = match unsigned {
        Some(data) => {
            let data = data.object();
            let why = || FormatError::new("the data of an envelope is not an object");
            (data.ok_or_else(why)?, None, None)
        }
        None => {
            let Parts { data, key, sig, .. } = parts(&value, false)?;
            (data, Some(key), Some(sig))
        }
    };
    only(data, "trust")?;
    version(data, "a configuration")?;
    spelled(data, &CONFIGURATION_FIELDS)?;
    let empty = Object::new();
    let object = |name: &str| match data.get(name) {
        None => Ok(&empty),
        Some(Value::Object(fields)) => Ok(fields),
        Some(_) => Err(FormatError::new(format!("{name} is not an object"))),
    };
    let (trust, policy, remotes) = (object("trust")?, object("policy")?, object("remotes")?);
    let publish = object("publish")?;
    for name in ["target", "url"] {
        if publish.get(name).is_some_and(|value| value.text().is_none()) {
            return Err(FormatError::new(format!("publish.{name} is not a text")));
        }
    }
    let believed = trust.iter().filter(|(_, believed)| **believed == Value::Bool(true));
    let trust = believed.map(|(name, _)| Fingerprint::new(name)).collect::<Option<_>>();
    let why = "trust names a key that is not a full fingerprint";
    let configuration = Configuration {
        key,
        trust: trust.ok_or_else(|| FormatError::new(why))?,
        sequence: data.get("sequence").map(sequence).transpose()?,
        policy: policy.clone(),
        remotes: remotes
            .iter()
            .map(|(name, value)| remote(name, value))
            .collect::<Result<_, FormatError>>()?,
        data: data.clone(),
    };
    Ok(UnverifiedConfiguration { configuration, signed: strict::canonical(data), sig })
}

/// The number of a configuration.
fn sequence(value: &Value) -> Result<i64, FormatError> {
    match value {
        Value::Number(number @ 1..) => Ok(*number),
        _ => Err(FormatError::new("sequence is not a number from 1 on")),
    }
}

/// A field of ours in other letters is no unknown one: beside ours it would stand twice.
fn spelled(data: &Object, fields: &[&str]) -> Result<(), FormatError> {
    for name in data.keys() {
        let folded = strict::fold(name);
        if !fields.contains(&name.as_str()) && fields.contains(&folded.as_str()) {
            return Err(FormatError::new(format!("{name} is written {folded}")));
        }
    }
    Ok(())
}

fn remote(name: &str, value: &Value) -> Result<Remote, FormatError> {
    let unreadable = |why: &str| {
        let name = quoted(first(name, 64));
        FormatError::new(format!("the remote {name} cannot be read: {why}"))
    };
    check_remote_name(name).map_err(|error| unreadable(error.message()))?;
    let fields = value.object().ok_or_else(|| unreadable("no url"))?;
    let url = fields.get("url").and_then(Value::text).ok_or_else(|| unreadable("no url"))?;
    spelled(fields, &REMOTE_FIELDS)?;
    let key = match fields.get("key") {
        None | Some(Value::Null) => None,
        Some(key) => {
            let found = key.text().and_then(Fingerprint::new);
            let why = "not a full fingerprint in upper-case hex";
            Some(found.ok_or_else(|| unreadable(why))?)
        }
    };
    Ok(Remote { name: name.to_owned(), url: url.to_owned(), key })
}
