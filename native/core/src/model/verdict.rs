//! Answers: what is believed of a file, and why, in the words of `--json`.

use super::identifier::Identifier;

/// The verdict. None of them is a yes or a no by itself: compare.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Answer {
    /// Enough signers who count say ok.
    Ok,
    /// Marked bad by someone who counts.
    Bad,
    /// There are statements, and they are not enough.
    Unverified,
    /// Nobody said anything.
    Unknown,
    /// It could not be told.
    Error,
}

impl Answer {
    /// The word of `--json`.
    pub fn word(self) -> &'static str {
        match self {
            Self::Ok => "ok",
            Self::Bad => "bad",
            Self::Unverified => "unverified",
            Self::Unknown => "unknown",
            Self::Error => "error",
        }
    }
}

/// Why.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[allow(missing_docs, reason = "each is its word")]
pub enum Reason {
    Enough,
    MarkedBad,
    Untrusted,
    Unreviewed,
    BelowPolicy,
    NotCounted,
    Differs,
    NoStatement,
    Unreadable,
    Store,
}

impl Reason {
    /// The word of `--json`.
    pub fn word(self) -> &'static str {
        match self {
            Self::Enough => "enough",
            Self::MarkedBad => "marked-bad",
            Self::Untrusted => "untrusted",
            Self::Unreviewed => "unreviewed",
            Self::BelowPolicy => "below-policy",
            Self::NotCounted => "not-counted",
            Self::Differs => "differs",
            Self::NoStatement => "no-statement",
            Self::Unreadable => "unreadable",
            Self::Store => "store",
        }
    }
}

/// What is to be said of one statement: the first in this order that holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[allow(missing_docs, reason = "each is its word")]
pub enum State {
    UnknownKey,
    Invalid,
    Weak,
    KeyRevoked,
    KeyExpired,
    Future,
    Late,
    Stale,
    Superseded,
    Withdrawn,
    Expired,
    Untrusted,
    Unreviewed,
    OutOfScope,
    Ok,
    NotOk,
}

impl State {
    /// The word of `--json`.
    pub fn word(self) -> &'static str {
        match self {
            Self::UnknownKey => "unknown-key",
            Self::Invalid => "invalid",
            Self::Weak => "weak",
            Self::KeyRevoked => "key-revoked",
            Self::KeyExpired => "key-expired",
            Self::Future => "future",
            Self::Late => "late",
            Self::Stale => "stale",
            Self::Superseded => "superseded",
            Self::Withdrawn => "withdrawn",
            Self::Expired => "expired",
            Self::Untrusted => "untrusted",
            Self::Unreviewed => "unreviewed",
            Self::OutOfScope => "out-of-scope",
            Self::Ok => "ok",
            Self::NotOk => "not-ok",
        }
    }
}

/// One statement, its state, and whether it counted. `why` is for people.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Judged {
    /// Whose it is, or is said to be.
    pub key: String,
    /// The name of that key, as it says.
    pub uid: String,
    /// What is to be said of it.
    pub state: State,
    /// Whether the verdict rests on it.
    pub counted: bool,
    /// It is the word of its signer: the one line that stands for the signer in a summary.
    pub newest: bool,
    /// What it says; this and the next two are None where they could not be read.
    pub ok: Option<bool>,
    /// Whether all was looked at.
    pub reviewed: Option<bool>,
    /// When it was signed, in seconds since 1970.
    pub signed_at: Option<i64>,
    /// For people.
    pub comment: String,
    /// Who has it: names of remotes and `own`.
    pub sources: Vec<String>,
    /// Why it does not count, or what else is to be said.
    pub why: String,
    /// The list of the folder or archive that it is about, if it names one.
    pub manifest: Option<Identifier>,
}

/// What is believed of the bytes with this identifier, and every statement that was weighed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Verdict {
    /// What was asked for.
    pub id: Identifier,
    /// What is believed.
    pub answer: Answer,
    /// Why.
    pub reason: Reason,
    /// For people.
    pub message: String,
    /// Every statement that was weighed.
    pub statements: Vec<Judged>,
}
