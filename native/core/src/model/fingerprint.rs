//! A fingerprint names one OpenPGP certificate by its primary key. Short ids name nothing.

use std::fmt;

/// Upper-case hex of a primary key: 40 digits (version 4) or 64 (version 6).
///
/// Version 3 and 5 keys cannot be named (docs/spec/envelope §2).
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Fingerprint(String);

impl Fingerprint {
    /// The fingerprint that `text` is, `None` for anything else, lower case included.
    pub fn new(text: &str) -> Option<Fingerprint> {
        let full = matches!(text.len(), 40 | 64);
        let hex = text.bytes().all(|byte| matches!(byte, b'0'..=b'9' | b'A'..=b'F'));
        (full && hex).then(|| Fingerprint(text.to_owned()))
    }

    /// The fingerprint of 20 or 32 bytes, `None` for any other number of them.
    pub fn of(bytes: &[u8]) -> Option<Fingerprint> {
        let mut digits = String::new();
        bytes.iter().for_each(|byte| digits.push_str(&format!("{byte:02X}")));
        Fingerprint::new(&digits)
    }

    /// The digits.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// The last eight digits, for people. Never enough to choose a key.
    pub fn short(&self) -> &str {
        self.0.get(self.0.len().saturating_sub(8)..).unwrap_or_default()
    }
}

impl fmt::Display for Fingerprint {
    fn fmt(&self, to: &mut fmt::Formatter<'_>) -> fmt::Result {
        to.write_str(&self.0)
    }
}

impl fmt::Debug for Fingerprint {
    fn fmt(&self, to: &mut fmt::Formatter<'_>) -> fmt::Result {
        to.write_str(&self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::Fingerprint;

    #[test]
    fn only_a_whole_fingerprint_in_upper_case_is_one() {
        let long = "38012069C685C670ECBFF55EC8A35A4E7DC1304D";
        assert_eq!(
            Some("7DC1304D".to_owned()),
            Fingerprint::new(long).map(|one| one.short().to_owned())
        );
        assert!(Fingerprint::new(&"A".repeat(64)).is_some());
        assert_eq!(Fingerprint::new(&"0A".repeat(20)), Fingerprint::of(&[10; 20]));
        assert_eq!(None, Fingerprint::of(&[10; 16]));
        for text in ["", "7DC1304D", &long.to_lowercase(), &long.replace('3', "é"), &"A".repeat(48)]
        {
            assert_eq!(None, Fingerprint::new(text), "{text}");
        }
    }
}
