//! Why nothing is run.

use sig_core::viewing::Trouble;

use crate::asking::Why;

/// A refusal, before any Python started.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Refused {
    /// The exit status.
    pub status: u8,
    /// Lower case, no full stop.
    pub message: String,
    /// The one next command.
    pub hint: Option<String>,
    /// The covered path that has other bytes, if that is why.
    pub tampered: Option<String>,
    /// Whether a writer of the folder may just be about to mend it.
    pub again: bool,
}

impl Refused {
    fn new(status: u8, message: impl Into<String>) -> Self {
        Self { status, message: message.into(), hint: None, tampered: None, again: false }
    }

    /// 111: not verified.
    pub fn not_verified(message: impl Into<String>) -> Self {
        Self::new(111, message)
    }

    /// 112: words that are wrong.
    pub fn usage(message: impl Into<String>) -> Self {
        Self::new(112, message)
    }

    /// 113: marked bad.
    pub fn bad(message: impl Into<String>) -> Self {
        Self::new(113, message)
    }

    /// 114: it could not be told.
    pub fn could_not(message: impl Into<String>) -> Self {
        Self::new(114, message)
    }

    /// With the command that helps.
    #[must_use]
    pub fn hint(self, hint: impl Into<String>) -> Self {
        Self { hint: Some(hint.into()), ..self }
    }

    /// Of a path that has other bytes than it should.
    #[must_use]
    pub fn tampered(self, path: impl Into<String>) -> Self {
        Self { tampered: Some(path.into()), ..self }
    }
}

impl From<Trouble> for Refused {
    fn from(trouble: Trouble) -> Self {
        let hint = trouble.hint.unwrap_or_else(|| "sig doctor".to_owned());
        Self { again: trouble.again, ..Self::could_not(trouble.message).hint(hint) }
    }
}

impl Why for Refused {
    fn again(&self) -> bool {
        self.again
    }
}
