//! One statement with all that is known about it: what a decision is made of.

use crate::model::attestation::{Attestation, Malformed, UnverifiedAttestation};
use crate::model::statement::Statement;
use crate::model::verdict::State;

/// What became of a statement when it was checked.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Found {
    /// Its signature was proved.
    Proved(Attestation),
    /// It was not.
    Refused(UnverifiedAttestation),
    /// It could not be read.
    Malformed(Malformed),
}

/// One statement with all that is known about it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Weighed {
    /// Where it was filed.
    pub id: String,
    /// Whose it is, or is said to be; "" where that could not be read.
    pub key: String,
    /// The name of that key, as it says.
    pub uid: String,
    /// The statement.
    pub found: Found,
    /// What is shown of one that is not proved; `Invalid` where nothing is said.
    pub refused: Option<State>,
    /// Why one is not proved.
    pub why: String,
    /// Who has it: names of remotes and `own`; none for what only memory has.
    pub sources: Vec<String>,
    /// When it was first met, in seconds since 1970.
    pub first_met: Option<i64>,
    /// Every source of it is past its expiry.
    pub stale: bool,
    /// Remembered from when it counted. A caller keeps every warning, every withdrawal, and whatever
    /// ended an older word, also if its sources are gone.
    pub kept: bool,
}

impl Weighed {
    /// What was proved of it.
    pub fn attestation(&self) -> Option<&Attestation> {
        if let Found::Proved(found) = &self.found { Some(found) } else { None }
    }

    /// What it says, where that could be read, and the bytes that its signature should cover.
    pub(super) fn said(&self) -> Option<(&Statement, &[u8])> {
        match &self.found {
            Found::Proved(found) => Some((found.statement(), &found.said.signed)),
            Found::Refused(found) => Some((&found.statement, &found.signed)),
            Found::Malformed(_) => None,
        }
    }
}
