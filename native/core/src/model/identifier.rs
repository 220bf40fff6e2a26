//! An identifier names exact bytes: `sha256:` and 64 lower-case hex digits.

use std::fmt;

use sha2::{Digest, Sha256};

use crate::errors::FormatError;

/// What a statement is about.
///
/// `sha256:…` names bytes. Other schemes (`openpgp4fpr:` …) are kept and never match a file.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Identifier(String);

impl Identifier {
    /// The identifier that this text is. Refuses what is none (docs/spec/statement).
    pub fn new(text: &str) -> Result<Self, FormatError> {
        if let Some(digits) = text.strip_prefix("sha256:") {
            if !is_digest(digits) {
                return Err(FormatError::new("not sha256: and 64 lower-case hex digits"));
            }
        } else if text.starts_with("sha1:") || text.starts_with("md5:") {
            return Err(FormatError::new("not sha256: and 64 lower-case hex digits"));
        } else if !other(text) {
            return Err(FormatError::new("not an identifier"));
        }
        Ok(Self(text.to_owned()))
    }

    /// The identifier of these bytes.
    pub fn of_bytes(data: &[u8]) -> Self {
        Self(format!("sha256:{}", digest(data)))
    }

    /// Whether a file can have this identifier.
    pub fn names_bytes(&self) -> bool {
        self.0.starts_with("sha256:")
    }

    /// The 64 digits of one that names bytes; of another, all behind its scheme.
    pub fn digits(&self) -> &str {
        self.0.split_once(':').map_or("", |(_, digits)| digits)
    }

    /// As it is written.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for Identifier {
    fn fmt(&self, to: &mut fmt::Formatter<'_>) -> fmt::Result {
        to.write_str(&self.0)
    }
}

/// The sha256 of some bytes, 64 hex digits.
pub fn digest(data: &[u8]) -> String {
    hex(&Sha256::digest(data))
}

/// Bytes as lower-case hex digits.
pub fn hex(bytes: &[u8]) -> String {
    let mut text = String::new();
    for byte in bytes {
        for digit in [byte >> 4, byte & 15] {
            text.extend(char::from_digit(u32::from(digit), 16));
        }
    }
    text
}

/// Whether a text is 64 lower-case hex digits.
pub fn is_digest(text: &str) -> bool {
    text.len() == 64 && is_hex(text)
}

/// Whether a text is lower-case hex digits and nothing else.
pub fn is_hex(text: &str) -> bool {
    text.bytes().all(|one| matches!(one, b'0'..=b'9' | b'a'..=b'f'))
}

/// Another scheme: up to 32 characters, and up to 256 visible ones behind the colon.
fn other(text: &str) -> bool {
    let Some((scheme, rest)) = text.split_once(':') else { return false };
    let small = |one: u8| one.is_ascii_lowercase() || one.is_ascii_digit();
    (1..=32).contains(&scheme.len())
        && scheme.bytes().next().is_some_and(small)
        && scheme.bytes().all(|one| small(one) || matches!(one, b'+' | b'.' | b'-'))
        && (1..=256).contains(&rest.len())
        && rest.bytes().all(|one| one.is_ascii_graphic())
}

/// Under what a statement is filed besides its own id if it names this manifest of its content.
///
/// No identifier: nobody can file a statement of theirs there.
pub fn filed_by_manifest(id: &str) -> String {
    format!("manifest {id}")
}

/// Under what the warnings of a key are filed that name single files of a tree.
pub fn filed_by_scope(key: &str) -> String {
    format!("scope {key}")
}

/// Under what the statements of a key are filed about what the program `name` may load.
pub fn filed_by_app(name: &str, key: &str) -> String {
    format!("app {name} {key}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_a_whole_sha256_names_bytes() {
        let empty = Identifier::of_bytes(b"");
        assert_eq!(
            "sha256:e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855",
            empty.as_str()
        );
        assert_eq!(Ok(empty.clone()), Identifier::new(empty.as_str()));
        let upper = format!("sha256:{}", "A".repeat(64));
        let short = format!("sha256:{}", "a".repeat(63));
        let long = format!("sha256:{}", "a".repeat(65));
        for text in [&*upper, &short, &long, "sha1:aa", "md5:aa", "", "x", ":x", "x:", "X:a", "é:a"]
        {
            assert!(Identifier::new(text).is_err(), "{text}");
        }
        let other = Identifier::new("openpgp4fpr:AB").unwrap();
        assert!(!other.names_bytes());
    }
}
