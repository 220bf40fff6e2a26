//! What is claimed: one person's words about exact bytes (docs/spec/statement).
//!
//! A statement does not say who made it; `attestation` adds that.

use super::identifier::Identifier;

/// The fields of a statement that this program knows.
pub const KNOWN_FIELDS: [&str; 17] = [
    "id",
    "ok",
    "reviewed",
    "comment",
    "name",
    "size",
    "aliases",
    "manifest",
    "base",
    "scope",
    "method",
    "criteria",
    "evidence",
    "expires",
    "exclude",
    "withdrawn",
    "needs",
];

/// The meaning of the signed data.
///
/// `odd` names the rule that the data breaks. Such a statement is only made where it is negative
/// and its id is sound: a warning stands whatever else is odd in it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Statement {
    /// What it is about.
    pub id: Identifier,
    /// Trustworthy, and performs as expected.
    pub ok: bool,
    /// All of it was looked at by a human.
    pub reviewed: bool,
    /// Taken back.
    pub withdrawn: bool,
    /// For people.
    pub comment: String,
    /// `human`, `tool:NAME` or `model:NAME`.
    pub method: String,
    /// Only the change from these bytes was reviewed.
    pub base: Option<Identifier>,
    /// Only these paths of the manifest were read.
    pub scope: Option<Vec<String>>,
    /// Words that a policy may ask for.
    pub criteria: Vec<String>,
    /// Other digests of the same bytes.
    pub aliases: Vec<String>,
    /// Fields without which this is misread.
    pub needs: Vec<String>,
    /// The list of the content.
    pub manifest: Option<Identifier>,
    /// Globs of what was left out of it.
    pub exclude: Vec<String>,
    /// When a positive one ends, in seconds since 1970.
    pub expires: Option<i64>,
    /// The rule that it breaks.
    pub odd: Option<String>,
}

impl Statement {
    /// A warning: not ok, and not merely taken back.
    pub fn negative(&self) -> bool {
        !self.ok && !self.withdrawn
    }

    /// A newer word ends an older one of equal id and topic (docs/spec/statement §4).
    pub fn topic(&self) -> (&str, Option<&Identifier>) {
        (&self.method, self.base.as_ref())
    }

    /// Fields without which this is misread, and which this program does not know.
    pub fn unknown_needs(&self) -> impl Iterator<Item = &str> {
        self.needs.iter().map(String::as_str).filter(|name| !KNOWN_FIELDS.contains(name))
    }
}
