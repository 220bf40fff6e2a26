//! Who signed these bytes? Certificates, and the verification of a signature by one of them.
//!
//! The answers are those of `sig/gpg`, in the same words; `vectors/openpgp` holds both to it.

mod standing;

pub use standing::Standing;
