//! What the fuzzers begin with: the vectors (vectors/README.md).

use std::fs;
use std::path::Path;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;

/// One file of vectors/openpgp.
#[derive(Debug, Default)]
pub struct Scenario {
    /// The fingerprint that the envelope names.
    pub key: String,
    /// The signed bytes.
    pub signed: Vec<u8>,
    /// The signature.
    pub sig: Vec<u8>,
    /// The copies of the certificate.
    pub copies: Vec<Vec<u8>>,
}

/// All of vectors/openpgp, by name; tools/fuzz_native.py counts on the order.
pub fn scenarios() -> Vec<Scenario> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../vectors/openpgp");
    let entries = fs::read_dir(folder).expect("the vectors");
    let mut paths: Vec<_> = entries.map(|entry| entry.expect("a vector").path()).collect();
    paths.retain(|path| path.extension().is_some_and(|end| end == "txt"));
    paths.sort();
    paths.iter().map(|path| read(&fs::read_to_string(path).expect("a vector"))).collect()
}

fn read(text: &str) -> Scenario {
    let mut found = Scenario::default();
    for (name, value) in text.lines().filter_map(|line| line.split_once(':')) {
        let data = || STANDARD.decode(value.trim()).expect("base64");
        match name {
            "key" => found.key = value.trim().to_owned(),
            "signed" => found.signed = data(),
            "sig" => found.sig = data(),
            "certificate" => found.copies.push(data()),
            _ => {}
        }
    }
    found
}
