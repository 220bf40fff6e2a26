//! Nouns. Values without I/O and without a clock.

pub mod attestation;
pub mod baked;
pub mod closure;
pub mod configuration;
pub mod covered;
pub mod elf;
pub mod fingerprint;
pub mod globs;
pub mod identifier;
pub mod instant;
pub mod limits;
pub mod loader;
pub mod manifest;
pub mod pack;
pub mod plan;
pub mod pythons;
pub mod standing;
pub mod statement;
pub mod strict;
pub mod told;
pub mod verdict;
pub mod wheel;
pub mod wire;
pub mod zip;
