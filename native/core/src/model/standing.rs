//! How a signature whose mathematics hold stands against the life of its key.

/// What the key was when it signed, as its certificate tells it today (docs/spec/envelope §6).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Standing {
    /// Alive and not revoked.
    Sound,
    /// Revoked for good: dates prove nothing.
    RevokedHard,
    /// Signed after it was superseded or retired.
    RevokedSoft,
    /// Expired when it signed.
    Expired,
}

impl Standing {
    /// The word of the vectors and of `--json`.
    pub fn word(self) -> &'static str {
        match self {
            Standing::Sound => "sound",
            Standing::RevokedHard => "key-revoked-hard",
            Standing::RevokedSoft => "key-revoked-soft",
            Standing::Expired => "key-expired",
        }
    }
}
