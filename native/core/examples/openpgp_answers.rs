//! What `sig_core::openpgp` answers, for tests/native/test_openpgp.py to compare with `sig.gpg`.
//!
//! Each line of standard input is a request, its words in hex but for the first two, `-` for none:
//!
//! ```text
//! merged KEY SIGNED SIG COPY…     the copies in one certificate, and what it says of the signature
//! stored KEY SIGNED SIG RAW       the same of a certificate that was kept
//! read   KEY SIGNED SIG BYTES     all certificates in these bytes, and what that of KEY says
//! ```
//!
//! Each line of standard output is the answer: what became of the certificates, and of the
//! signature, with a tab before each field.
#![allow(clippy::expect_used, clippy::panic, reason = "a test")]

use std::io::{self, BufRead, Write};

use sig_core::errors::FormatError;
use sig_core::model::fingerprint::Fingerprint;
use sig_core::openpgp::{Certificate, check};

fn main() -> io::Result<()> {
    let mut out = io::stdout().lock();
    for line in io::stdin().lock().lines() {
        writeln!(out, "{}", answer(&line?))?;
        out.flush()?;
    }
    Ok(())
}

fn answer(line: &str) -> String {
    let mut words = line.split(' ');
    let (kind, key) = (words.next().expect("a kind"), words.next().expect("a key"));
    let key = Fingerprint::new(key).expect("a fingerprint");
    let bytes: Vec<Vec<u8>> = words.map(unhex).collect();
    let [signed, sig, copies @ ..] = bytes.as_slice() else { panic!("too few words") };
    let found = certificates(kind, &key, copies);
    let mut fields = match &found {
        Ok(all) => vec!["kept".to_owned(), all.iter().map(told).collect::<Vec<_>>().join(",")],
        Err(error) => vec!["refused".to_owned(), error.message().to_owned()],
    };
    let certificate = found.iter().flatten().find(|one| *one.fingerprint() == key);
    match check(signed, sig, &key, certificate) {
        Ok(made) => fields.extend([
            made.standing.word().to_owned(),
            made.why,
            made.signer.to_string(),
            made.signing_key.to_string(),
            made.made_at.to_string(),
            format!("{:?}", made.expires_at),
            format!("{:?}", made.key_end),
        ]),
        Err(unproven) => fields.extend([unproven.fault.word().to_owned(), unproven.why]),
    }
    fields.join("\t")
}

fn certificates(
    kind: &str,
    key: &Fingerprint,
    copies: &[Vec<u8>],
) -> Result<Vec<Certificate>, FormatError> {
    let copies: Vec<&[u8]> = copies.iter().map(Vec::as_slice).collect();
    match (kind, copies.as_slice()) {
        ("merged", copies) => Ok(vec![Certificate::merged(copies, key)?]),
        ("stored", [raw]) => Ok(vec![Certificate::stored(raw)?]),
        ("read", [bytes]) => Certificate::read(bytes),
        _ => panic!("no such request: {kind}"),
    }
}

/// Its canonical bytes and its primary name.
fn told(one: &Certificate) -> String {
    format!("{}:{}", hex(one.raw()), hex(one.uid().as_bytes()))
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().fold(String::new(), |digits, byte| digits + &format!("{byte:02x}"))
}

fn unhex(word: &str) -> Vec<u8> {
    let digit = |byte: &u8| char::from(*byte).to_digit(16).expect("a hex digit");
    let bytes = word.as_bytes().chunks_exact(2).map(|pair| pair.iter().map(digit));
    bytes
        .map(|pair| pair.fold(0, |byte, digit| (byte << 4) | digit))
        .map(|byte| u8::try_from(byte).expect("two digits"))
        .collect()
}
