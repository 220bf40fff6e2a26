//! What the owner of a folder decided: trust, policy, remotes (docs/spec/folder).

use std::collections::BTreeSet;

use super::closure::is_label;
use super::fingerprint::Fingerprint;
use super::strict::Object;
use crate::errors::FormatError;

/// Someone's repository: where it is, and the key it was pinned to by its user, if by anyone.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Remote {
    /// What the user calls it.
    pub name: String,
    /// Where it is.
    pub url: String,
    /// Whose it has to be.
    pub key: Option<Fingerprint>,
}

/// The `data` of `config`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Configuration {
    /// The own key; None where the folder has none.
    pub key: Option<Fingerprint>,
    /// One more with every write; None in a folder that the program of 2016 wrote.
    pub sequence: Option<i64>,
    /// The signers who count.
    pub trust: BTreeSet<Fingerprint>,
    /// How much is enough; read by `crate::trust::policy`.
    pub policy: Object,
    /// Whose repositories are followed.
    pub remotes: Vec<Remote>,
    /// Every field, those that this program does not know too.
    pub data: Object,
}

/// Refuses what a remote may not be called: anything that a file system could read otherwise
/// (docs/reference/names). Its name becomes that of a folder.
pub fn check_remote_name(text: &str) -> Result<(), FormatError> {
    if !is_label(text, |one| matches!(one, b'.' | b'_' | b'-')) {
        let why = "use letters, digits and . _ -, at most 64, the first a letter or digit";
        return Err(FormatError::new(why));
    }
    let stem = text.split('.').next().unwrap_or_default().to_ascii_lowercase();
    if is_device(&stem) || text.ends_with('.') {
        return Err(FormatError::new("the name means a device or another file on Windows"));
    }
    Ok(())
}

fn is_device(stem: &str) -> bool {
    let port = stem.strip_prefix("com").or_else(|| stem.strip_prefix("lpt"));
    matches!(stem, "con" | "prn" | "aux" | "nul")
        || port.is_some_and(|rest| matches!(rest.as_bytes(), [one] if one.is_ascii_digit()))
}
