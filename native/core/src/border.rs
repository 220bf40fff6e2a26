//! The border: what the key of a statement really signed.

use crate::model::attestation::{Attestation, UnverifiedAttestation};
use crate::openpgp::{Certificate, Unproven, check};

/// The statement with what its signature proves; or why that proves nothing, and the statement.
pub fn attest(
    unverified: UnverifiedAttestation,
    certificate: Option<&Certificate>,
) -> Result<Attestation, (Unproven, Box<UnverifiedAttestation>)> {
    let said = unverified;
    match check(&said.signed, &said.sig, &said.key, certificate) {
        Ok(made) => Ok(Attestation {
            signed_at: made.made_at,
            signature_expires: made.expires_at,
            standing: made.standing,
            why: made.why,
            key_end: made.key_end,
            said,
        }),
        Err(unproven) => Err((unproven, Box::new(said))),
    }
}
