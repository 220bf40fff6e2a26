//! Nouns. Values without I/O and without a clock.

pub mod fingerprint;
pub mod instant;
pub mod limits;
