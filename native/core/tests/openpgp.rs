//! Who signed this: every file of vectors/openpgp, which the Python implementation is held to too.
//!
//! vectors/README.md says what is in a file.
#![allow(clippy::expect_used, clippy::panic, clippy::unwrap_used, reason = "a test")]

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use sig_core::model::fingerprint::Fingerprint;
use sig_core::model::instant;
use sig_core::openpgp::{Certificate, check};

struct Scenario {
    head: BTreeMap<String, String>,
    signed: Vec<u8>,
    sig: Vec<u8>,
    copies: Vec<Vec<u8>>,
}

impl Scenario {
    fn read(path: &Path) -> Scenario {
        let text = fs::read_to_string(path).unwrap();
        let (head, data) = text.split_once("\n\n").unwrap();
        let field = |line: &str| {
            let (name, value) = line.split_once(':').unwrap();
            (name.to_owned(), value.trim().to_owned())
        };
        let mut found = Scenario {
            head: head.lines().map(field).collect(),
            signed: Vec::new(),
            sig: Vec::new(),
            copies: Vec::new(),
        };
        for line in data.lines() {
            let (name, value) = field(line);
            let value = STANDARD.decode(value).unwrap();
            match name.as_str() {
                "signed" => found.signed = value,
                "sig" => found.sig = value,
                "certificate" => found.copies.push(value),
                other => panic!("{other}"),
            }
        }
        found
    }

    fn key(&self) -> Fingerprint {
        Fingerprint::new(self.head.get("key").unwrap()).unwrap()
    }

    /// What is said of the signature, in the words of the head.
    fn answer(&self, certificate: Option<&Certificate>) -> BTreeMap<String, String> {
        let key = self.key();
        let moment = |at: Option<i64>| at.map_or("none".to_owned(), instant::write);
        let said = match check(&self.signed, &self.sig, &key, certificate) {
            Err(unproven) => vec![("expect", unproven.fault.word().to_owned())],
            Ok(found) => {
                assert_eq!(key, found.signer);
                assert_eq!(found.why.is_empty(), found.standing.word() == "sound");
                vec![
                    ("expect", found.standing.word().to_owned()),
                    ("made-at", moment(Some(found.made_at))),
                    ("signing-key", found.signing_key.to_string()),
                    ("expires-at", moment(found.expires_at)),
                    ("key-end", moment(found.key_end)),
                ]
            }
        };
        said.into_iter().map(|(name, value)| (name.to_owned(), value)).collect()
    }

    fn expected(&self) -> BTreeMap<String, String> {
        let mut head = self.head.clone();
        head.remove("comment");
        head.remove("key");
        head
    }
}

fn scenarios() -> Vec<(String, Scenario)> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../vectors/openpgp");
    let paths = fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path());
    let mut paths: Vec<PathBuf> =
        paths.filter(|path| path.extension().is_some_and(|end| end == "txt")).collect();
    paths.sort();
    let read = |path: &PathBuf| {
        (path.file_stem().unwrap().to_string_lossy().into_owned(), Scenario::read(path))
    };
    paths.iter().map(read).collect()
}

/// Runs what is claimed of each vector, and names every one of which it does not hold.
fn each(claim: impl Fn(&Scenario) -> Result<(), String>) {
    let scenarios = scenarios();
    assert!(scenarios.len() >= 177, "only {} vectors", scenarios.len());
    let failed: Vec<String> = scenarios
        .iter()
        .filter_map(|(name, one)| claim(one).err().map(|why| format!("{name}: {why}")))
        .collect();
    assert!(failed.is_empty(), "{} vectors failed:\n{}", failed.len(), failed.join("\n"));
}

fn copies(one: &Scenario) -> Vec<&[u8]> {
    one.copies.iter().map(Vec::as_slice).collect()
}

/// The copies in one; another certificate, which must not serve, where none is of the key.
fn merged(one: &Scenario, copies: &[&[u8]]) -> Result<Option<Certificate>, String> {
    let found = match (copies, one.head.get("expect").map(String::as_str)) {
        ([], _) => return Ok(None),
        ([copy, ..], Some("unknown-key")) => Certificate::merged(copies, &one.key())
            .or_else(|_| Certificate::read(copy).map(|mut all| all.remove(0))),
        _ => Certificate::merged(copies, &one.key()),
    };
    found.map(Some).map_err(|error| error.to_string())
}

fn same<T: PartialEq + std::fmt::Debug>(expected: &T, found: &T) -> Result<(), String> {
    if expected == found { Ok(()) } else { Err(format!("{expected:?}, but {found:?}")) }
}

#[test]
fn a_vector_gives_what_it_says() {
    each(|one| same(&one.expected(), &one.answer(merged(one, &copies(one))?.as_ref())));
}

#[test]
fn the_order_of_copies_changes_nothing() {
    each(|one| {
        let mut copies = copies(one);
        let forward = merged(one, &copies)?;
        copies.reverse();
        same(&forward, &merged(one, &copies)?)
    });
}

#[test]
fn a_certificate_that_was_kept_gives_the_same_answers() {
    each(|one| {
        let Some(merged) = merged(one, &copies(one))? else { return Ok(()) };
        let kept = Certificate::stored(merged.raw()).map_err(|error| error.to_string())?;
        same(&merged.user_ids(), &kept.user_ids())?;
        same(&one.expected(), &one.answer(Some(&kept)))
    });
}
