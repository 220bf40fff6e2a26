//! vectors/wire: documents that are read, their canonical bytes, and documents that are refused.
#![allow(clippy::panic, clippy::unwrap_used, reason = "a test")]

mod understood;
mod vector;

use sig_core::errors::FormatError;
use sig_core::model::strict::{self, Names};
use sig_core::model::wire;
use understood::Understood;
use vector::{Vector, refused, same};

#[test]
fn a_document_is_read_or_refused_as_its_vector_says() {
    vector::each("wire", 545, |one| {
        let text = one.one("text");
        if one.head("expect") == "refused" {
            return is_refused(one, text);
        }
        let (canonical, understood) = understand(one, text).map_err(|error| error.to_string())?;
        same(one.one("canonical"), canonical.as_slice())?;
        let expected = one.lines.first().map(|line| serde_json::from_str(line).unwrap());
        same(expected, understood)?;
        match one.head("as") {
            // What was written is read as the same, and is one text.
            "document" => same(Ok((canonical.clone(), None)), understood::document(&canonical)),
            _ => Ok(()),
        }
    });
}

fn is_refused(one: &Vector, text: &[u8]) -> Result<(), String> {
    if !one.head.contains_key("filed") {
        refused(&one.why(), understand(one, text))?;
    }
    if one.head("as") == "statement" {
        // In a repository it is named, and its neighbours stand.
        let value = strict::read(text, Names::Visible).map_err(|error| error.to_string())?;
        let filed = one.head.get("filed").map_or("sha256:a", String::as_str);
        let why = wire::filed_attestation(filed, &value).map_err(|malformed| malformed.why);
        return same(Err(one.why()), why);
    }
    Ok(())
}

fn understand(one: &Vector, raw: &[u8]) -> Result<Understood, FormatError> {
    match one.head("as") {
        "document" => understood::document(raw),
        "statement" => understood::statement(raw),
        "configuration" => understood::configuration(raw),
        other => panic!("{other}"),
    }
}
