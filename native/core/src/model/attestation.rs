//! A statement and who signed it: the border between what was read and what was proved.
//!
//! `UnverifiedAttestation` is what any remote can write. `Attestation` is made of one whose
//! signature was proved (`crate::border`). Whether the signer counts is neither's matter.

use super::fingerprint::Fingerprint;
use super::standing::Standing;
use super::statement::Statement;

/// A well-formed envelope around a statement. Nothing in it is proved.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct UnverifiedAttestation {
    /// What is said.
    pub statement: Statement,
    /// Who is said to say it.
    pub key: Fingerprint,
    /// The bytes that the signature must cover.
    pub signed: Vec<u8>,
    /// One OpenPGP signature packet.
    pub sig: Vec<u8>,
    /// A time stamp token in base64, as it was read.
    pub tst: Option<String>,
}

/// A statement whose signature was made by a key of the certificate that it names.
///
/// Times are seconds since 1970. That a signature is in the future or has expired is decided with a
/// clock, in `crate::trust`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Attestation {
    /// What was proved.
    pub said: UnverifiedAttestation,
    /// When it was signed.
    pub signed_at: i64,
    /// When the signature itself ends.
    pub signature_expires: Option<i64>,
    /// What the key was when it signed.
    pub standing: Standing,
    /// For people, where that is not sound; else "".
    pub why: String,
    /// When the key ends or ended, as far as its certificate says now.
    pub key_end: Option<i64>,
}

impl Attestation {
    /// What it says.
    pub fn statement(&self) -> &Statement {
        &self.said.statement
    }

    /// Whose it is.
    pub fn key(&self) -> &Fingerprint {
        &self.said.key
    }

    /// Envelopes that are equal in this are one statement (docs/spec/envelope §8).
    pub fn same(&self) -> Same<'_> {
        (self.said.key.as_str(), &self.said.signed, self.signed_at)
    }
}

/// What names a statement: key, signed bytes and time.
pub type Same<'a> = (&'a str, &'a [u8], i64);

/// A statement that was skipped, and why. Shown, never counted.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Malformed {
    /// What it was filed under.
    pub id: String,
    /// What it claims as its key, where that much could be read.
    pub key: Option<String>,
    /// Which rule it breaks.
    pub why: String,
}
