//! What the native programs of sig decide: the second implementation of docs/spec.
//!
//! Pure: no file, no network, no clock. Bytes and instants are arguments, answers are values. The
//! rooms are those of the Python package and answer exactly as they do; both read `vectors/`.
#![forbid(unsafe_code)]

pub mod baked;
pub mod border;
pub mod claims;
pub mod errors;
pub mod model;
pub mod openpgp;
pub mod programs;
pub mod repo;
pub mod trust;
pub mod viewing;

pub use model::fingerprint;
