//! Which algorithms count, and whether the mathematics of a signature hold.
//!
//! The primitives are those of sequoia-openpgp; what is ours is which bytes they are given (RFC
//! 9580 §5.2.4). Nothing here knows of time, bindings or flags.
//!
//! 1. What the Python implementation refuses is refused here too: encodings of points and numbers
//!    that this backend would take and the other does not are refused before it is asked.
//! 2. Weak signatures are computed as well, because a weak self-signature or revocation has its
//!    say about the others.
//! 3. Keys that are weak by their kind, DSA and the odd curves, are not computed: nothing that
//!    they say counts. `elsewhere` names them, because the other implementation does.

use std::time::UNIX_EPOCH;

use sequoia_openpgp::crypto::mpi::{self, MPI};
use sequoia_openpgp::packet::Key;
use sequoia_openpgp::packet::key::{Key4, PublicParts, UnspecifiedRole};
use sequoia_openpgp::types::{Curve, HashAlgorithm, PublicKeyAlgorithm};

use super::packets::{
    DSA, ECDSA, ED448, ED25519, EDDSA, KeyPacket, RSA, RSA_SIGN, SignaturePacket,
};

const ED25519_OID: &[u8] = b"\x2b\x06\x01\x04\x01\xda\x47\x0f\x01";
const P256_OID: &[u8] = b"\x2a\x86\x48\xce\x3d\x03\x01\x07";
const P384_OID: &[u8] = b"\x2b\x81\x04\x00\x22";
const P521_OID: &[u8] = b"\x2b\x81\x04\x00\x23";

const RSA_BITS: usize = 2048;
/// A modulus or exponent without bound is minutes of work for whoever verifies.
const RSA_MOST_BITS: usize = 16_384;
const RSA_EXPONENT_BYTES: usize = 8;

/// Why the algorithms that a signature names do not count, "" if they do (docs/spec/envelope §3).
/// The names are for people: "SHA-1 does not count".
pub(super) fn weak_signature(claim: &SignaturePacket) -> String {
    match claim.hash_algorithm {
        8..=10 => match claim.key_algorithm {
            RSA | RSA_SIGN | ECDSA | EDDSA | ED25519 | ED448 => String::new(),
            other => key_name(other),
        },
        1 => "MD5".to_owned(),
        2 => "SHA-1".to_owned(),
        3 => "RIPEMD-160".to_owned(),
        11 => "SHA-224".to_owned(),
        12 => "SHA3-256".to_owned(),
        14 => "SHA3-512".to_owned(),
        other => format!("hash algorithm {other}"),
    }
}

/// Why the signatures of a key do not count, "" if they do.
pub(super) fn weak_key(key: &KeyPacket) -> String {
    match (key.algorithm, key.values.as_slice()) {
        (RSA | RSA_SIGN, [modulus, exponent]) => {
            let bits = bits(modulus);
            if !(RSA_BITS..=RSA_MOST_BITS).contains(&bits) {
                format!("RSA with {bits} bits")
            } else if exponent.len() > RSA_EXPONENT_BYTES {
                "RSA with a giant exponent".to_owned()
            } else {
                String::new()
            }
        }
        (ECDSA, [curve, _]) => match curve.as_slice() {
            P256_OID | P384_OID | P521_OID => String::new(),
            curve => weak_curve(curve).unwrap_or("an unknown curve").to_owned(),
        },
        (EDDSA, [curve, _]) if curve != ED25519_OID => "an unknown curve".to_owned(),
        (EDDSA | ED25519 | ED448, _) => String::new(),
        (other, _) => key_name(other),
    }
}

fn key_name(algorithm: u8) -> String {
    match algorithm {
        16 | 20 => "ElGamal".to_owned(),
        DSA => "DSA".to_owned(),
        other => format!("key algorithm {other}"),
    }
}

fn weak_curve(curve: &[u8]) -> Option<&'static str> {
    match curve {
        b"\x2b\x81\x04\x00\x0a" => Some("SECP256K1"),
        b"\x2b\x24\x03\x03\x02\x08\x01\x01\x07" => Some("BrainpoolP256R1"),
        b"\x2b\x24\x03\x03\x02\x08\x01\x01\x0b" => Some("BrainpoolP384R1"),
        b"\x2b\x24\x03\x03\x02\x08\x01\x01\x0d" => Some("BrainpoolP512R1"),
        _ => None,
    }
}

/// Whether the other implementation computes the signatures of this key and we do not; 3.
pub(super) fn elsewhere(key: &KeyPacket) -> bool {
    match (key.algorithm, key.values.as_slice()) {
        (DSA, _) => true,
        (ECDSA, [curve, _]) => weak_curve(curve).is_some(),
        _ => false,
    }
}

/// 20 bytes of a version 4 key, 32 of a version 6 one. `None` for a key that was made to have the
/// fingerprint of another.
pub(super) fn fingerprint(key: &KeyPacket) -> Option<Vec<u8>> {
    let hash = if key.version == 4 { HashAlgorithm::SHA1 } else { HashAlgorithm::SHA256 };
    hashed(hash, &[&key.framed()])
}

/// What a signature signs of `parts`; `None` for a hash that we do not compute, and for SHA-1 over
/// what was made to collide.
pub(super) fn digest(claim: &SignaturePacket, parts: &[&[u8]]) -> Option<Vec<u8>> {
    let trailer = claim.trailer();
    let mut whole: Vec<&[u8]> = vec![&claim.salt];
    whole.extend(parts);
    whole.extend([claim.hashed.as_slice(), &trailer]);
    hashed(hash_algorithm(claim)?, &whole)
}

fn hash_algorithm(claim: &SignaturePacket) -> Option<HashAlgorithm> {
    match claim.hash_algorithm {
        1 => Some(HashAlgorithm::MD5),
        2 => Some(HashAlgorithm::SHA1),
        8 => Some(HashAlgorithm::SHA256),
        9 => Some(HashAlgorithm::SHA384),
        10 => Some(HashAlgorithm::SHA512),
        11 => Some(HashAlgorithm::SHA224),
        12 => Some(HashAlgorithm::SHA3_256),
        14 => Some(HashAlgorithm::SHA3_512),
        _ => None,
    }
}

fn hashed(hash: HashAlgorithm, parts: &[&[u8]]) -> Option<Vec<u8>> {
    let mut context = hash.context().ok()?.for_digest();
    parts.iter().for_each(|part| context.update(part));
    context.into_digest().ok()
}

/// Whether `key` made the signature over `parts`, weak ones included; 2.
///
/// Says nothing about whether it may, or when.
pub(super) fn holds(key: &KeyPacket, claim: &SignaturePacket, parts: &[&[u8]]) -> bool {
    if claim.key_algorithm != key.algorithm || claim.version != key.version {
        return false;
    }
    let found = || {
        let (public, signature) = numbers(key, claim)?;
        let digest = digest(claim, parts)?;
        let hash = hash_algorithm(claim)?;
        if let (mpi::PublicKey::RSA { e, n }, mpi::Signature::RSA { s }) = (&public, &signature) {
            if beyond_sequoia(e, n, hash) {
                return plain_rsa(e, n, s, hash, &digest);
            }
        }
        // The time of the key and its version have no part in the mathematics.
        let algorithm = PublicKeyAlgorithm::from(key.algorithm);
        let key: Key<PublicParts, UnspecifiedRole> =
            Key4::new(UNIX_EPOCH, algorithm, public).ok()?.into();
        key.verify(&signature, hash, &digest).ok()
    };
    found().is_some()
}

/// The numbers of both, as the library takes them; `None` for a key that cannot be used; 1, 3.
fn numbers(key: &KeyPacket, claim: &SignaturePacket) -> Option<(mpi::PublicKey, mpi::Signature)> {
    match (key.algorithm, key.values.as_slice(), claim.values.as_slice()) {
        (RSA | RSA_SIGN, [modulus, exponent], [s]) => {
            if bits(modulus) > RSA_MOST_BITS || exponent.len() > RSA_EXPONENT_BYTES {
                return None;
            }
            let public = mpi::PublicKey::RSA { e: MPI::new(exponent), n: MPI::new(modulus) };
            Some((public, mpi::Signature::RSA { s: MPI::new(s) }))
        }
        (ECDSA, [curve, point], [r, s]) => {
            let curve = match curve.as_slice() {
                P256_OID => Curve::NistP256,
                P384_OID => Curve::NistP384,
                P521_OID => Curve::NistP521,
                _ => return None,
            };
            // The backend knows a compact form besides.
            if !matches!(point.first(), Some(2..=4)) {
                return None;
            }
            let public = mpi::PublicKey::ECDSA { curve, q: MPI::new(point) };
            Some((public, mpi::Signature::ECDSA { r: MPI::new(r), s: MPI::new(s) }))
        }
        (EDDSA, [curve, point], [r, s]) => {
            // A native point, after the octet that says so (RFC 9580 §11.2.1).
            if curve != ED25519_OID || point.len() != 33 || point.first() != Some(&0x40) {
                return None;
            }
            let public = mpi::PublicKey::EdDSA { curve: Curve::Ed25519, q: MPI::new(point) };
            Some((public, mpi::Signature::EdDSA { r: MPI::new(r), s: MPI::new(s) }))
        }
        (ED25519, [point], [value]) => {
            let public = mpi::PublicKey::Ed25519 { a: point.as_slice().try_into().ok()? };
            let s = Box::new(value.as_slice().try_into().ok()?);
            Some((public, mpi::Signature::Ed25519 { s }))
        }
        (ED448, [point], [value]) => {
            if !canonical_448(point) || !canonical_448(value.get(..57)?) {
                return None;
            }
            let public = mpi::PublicKey::Ed448 { a: Box::new(point.as_slice().try_into().ok()?) };
            let s = Box::new(value.as_slice().try_into().ok()?);
            Some((public, mpi::Signature::Ed448 { s }))
        }
        _ => None,
    }
}

/// Whether a point of Ed448 is written in the one way there is (RFC 8032 §5.2.3): the seven bits
/// below the sign are 0, and the rest is below 2^448 − 2^224 − 1. The backend looks at neither.
fn canonical_448(point: &[u8]) -> bool {
    let Some((sign, y)) = point.split_last() else { return false };
    let mut prime = [0xFF_u8; 56];
    prime[28] = 0xFE;
    sign & 0x7F == 0 && y.iter().rev().lt(prime.iter().rev())
}

fn bits(value: &[u8]) -> usize {
    let zeros = value.first().map_or(0, |byte| byte.leading_zeros());
    let all = value.len().saturating_mul(8);
    all.saturating_sub(usize::try_from(zeros).unwrap_or(8))
}

/// Whether the library takes less of RSA than the format has.
fn beyond_sequoia(e: &MPI, n: &MPI, hash: HashAlgorithm) -> bool {
    let sha3 = matches!(hash, HashAlgorithm::SHA3_256 | HashAlgorithm::SHA3_512);
    sha3 || n.bits() > 4096 || e.bits() > 33
}

/// The same mathematics in the crate that the library has them from: a warning by somebody with a
/// large key must not go unheard, nor a revocation that was made with SHA3.
fn plain_rsa(e: &MPI, n: &MPI, s: &MPI, hash: HashAlgorithm, digest: &[u8]) -> Option<()> {
    use rsa::traits::PublicKeyParts;

    // The head of a DigestInfo (RFC 8017 §9.2, note 1).
    let prefix: &[u8] = match hash {
        HashAlgorithm::MD5 => {
            b"\x30\x20\x30\x0c\x06\x08\x2a\x86\x48\x86\xf7\x0d\x02\x05\x05\x00\x04\x10"
        }
        HashAlgorithm::SHA1 => b"\x30\x21\x30\x09\x06\x05\x2b\x0e\x03\x02\x1a\x05\x00\x04\x14",
        HashAlgorithm::SHA224 => {
            b"\x30\x2d\x30\x0d\x06\x09\x60\x86\x48\x01\x65\x03\x04\x02\x04\x05\x00\x04\x1c"
        }
        HashAlgorithm::SHA256 => {
            b"\x30\x31\x30\x0d\x06\x09\x60\x86\x48\x01\x65\x03\x04\x02\x01\x05\x00\x04\x20"
        }
        HashAlgorithm::SHA384 => {
            b"\x30\x41\x30\x0d\x06\x09\x60\x86\x48\x01\x65\x03\x04\x02\x02\x05\x00\x04\x30"
        }
        HashAlgorithm::SHA512 => {
            b"\x30\x51\x30\x0d\x06\x09\x60\x86\x48\x01\x65\x03\x04\x02\x03\x05\x00\x04\x40"
        }
        HashAlgorithm::SHA3_256 => {
            b"\x30\x31\x30\x0d\x06\x09\x60\x86\x48\x01\x65\x03\x04\x02\x08\x05\x00\x04\x20"
        }
        HashAlgorithm::SHA3_512 => {
            b"\x30\x51\x30\x0d\x06\x09\x60\x86\x48\x01\x65\x03\x04\x02\x0a\x05\x00\x04\x40"
        }
        _ => return None,
    };
    let odd = |mpi: &MPI| mpi.value().last().is_some_and(|byte| byte & 1 == 1);
    let number = |mpi: &MPI| rsa::BigUint::from_bytes_be(mpi.value());
    let key = rsa::RsaPublicKey::new_unchecked(number(n), number(e));
    if !odd(n) || !odd(e) || e.bits() < 2 || key.e() >= key.n() {
        return None;
    }
    let padding =
        rsa::Pkcs1v15Sign { hash_len: Some(digest.len()), prefix: prefix.to_vec().into() };
    key.verify(padding, digest, &s.value_padded(key.size()).ok()?).ok()
}

#[cfg(test)]
mod tests {
    use super::canonical_448;

    #[test]
    fn a_point_of_ed448_has_one_spelling() {
        // 2^448 − 2^224 − 1, the lowest byte first.
        let mut point = [0xFF; 57];
        point[28] = 0xFE;
        for (sign, low, expected) in [
            (0x00, 0xFE, true),
            (0x80, 0xFE, true),
            (0x00, 0xFF, false),
            (0x01, 0xFE, false),
            (0xC0, 0xFE, false),
        ] {
            (point[56], point[0]) = (sign, low);
            assert_eq!(expected, canonical_448(&point), "{sign} {low}");
        }
        (point[56], point[0], point[28]) = (0, 0, 0xFF);
        assert!(!canonical_448(&point));
        assert!(canonical_448(&[0; 57]));
    }
}
