//! Who signed these bytes? Certificates, and the verification of a signature by one of them.
//!
//! The answers are those of `sig/gpg`, in the same words; `vectors/openpgp` holds both to it, and
//! `tests/native` compares them over mutants. What differs on purpose stands in
//! docs/decisions/0012-native.md.
//!
//! [`Certificate::merged`] takes copies of one as they were met, [`Certificate::stored`] one that
//! was reduced before. [`check`] then says who signed what, or why that is not proven.

mod certificate;
mod cursor;
mod mathematics;
mod minimise;
mod packets;
mod verify;

pub use crate::model::standing::Standing;
pub use certificate::Certificate;
pub use verify::{Fault, Signature, Unproven, check, made_at};
