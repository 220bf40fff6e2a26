//! Who signed these bytes, and how that signature stands against the life of its key.
//!
//! The steps are those of `sig/gpg/verify.py`, in its order and its words; every refusal names the
//! first that fails (docs/spec/envelope §3, §6):
//!
//! 1. Shape: one signature packet as `packets` reads it → invalid
//! 2. Type: over a binary document → invalid
//! 3. Algorithms that the signature names → weak
//! 4. Look-up: the certificate is known and holds the key that is named → unknown-key; and that
//!    key and its primary are strong → weak
//! 5. Mathematics, before everything that depends on a time, so that a forgery is never called
//!    expired → invalid
//! 6. Not made before the key or its primary existed → invalid
//! 7. Binding: a proven self-signature governs that time, and a subkey's binding → invalid; whose
//!    algorithms count → weak
//! 8. Flags: able to sign, and a subkey agreed to its binding → invalid
//! 9. Revocations, hard before soft, then expiry → [`Standing`]
//!
//! There is no clock here: whether a time lies ahead or a signature's own expiry has passed is
//! decided where a clock is.

use super::certificate::{Bond, Certificate, KeyLife};
use super::{mathematics, packets};
use crate::model::fingerprint::Fingerprint;
use crate::model::instant;
use crate::model::standing::Standing;

const SIGN: u8 = 0x02;
/// One, or several whose short ids are equal.
const MOST_NAMED: usize = 4;

/// A signature that was made by a key of `signer` over the bytes it was checked with.
///
/// Times are epoch seconds. Whether it counts is not said here: its `standing` may be bad, its time
/// may lie ahead, its own expiry may have passed, its signer may be a stranger.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Signature {
    /// The primary key of the certificate.
    pub signer: Fingerprint,
    /// The key that made it: the primary key or a subkey.
    pub signing_key: Fingerprint,
    /// The creation time in its hashed part.
    pub made_at: i64,
    /// The end of its own validity.
    pub expires_at: Option<i64>,
    /// What the key was when it signed.
    pub standing: Standing,
    /// For people, where the standing is not sound; else "".
    pub why: String,
    /// The earliest end of the signing key as known now: expiry or revocation, also the primary's.
    /// A statement first met after it may have been signed by a thief, in the past.
    pub key_end: Option<i64>,
}

/// What a signature that proves nothing is called in verdicts.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Fault {
    /// The certificate is not known, or lacks the key that is named.
    UnknownKey,
    /// It does not hold, or is not what it must be.
    Invalid,
    /// An algorithm that does not count, in it or in a binding that it needs.
    Weak,
}

impl Fault {
    /// The word of the vectors and of `--json`.
    pub fn word(self) -> &'static str {
        match self {
            Fault::UnknownKey => "unknown-key",
            Fault::Invalid => "invalid",
            Fault::Weak => "weak",
        }
    }
}

/// Why a signature proves nothing: the word, and for people the first step that failed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Unproven {
    /// The word for it.
    pub fault: Fault,
    /// Lower case, no full stop.
    pub why: String,
}

impl Unproven {
    fn new(fault: Fault, why: impl Into<String>) -> Unproven {
        Unproven { fault, why: why.into() }
    }

    fn invalid(why: impl Into<String>) -> Unproven {
        Unproven::new(Fault::Invalid, why)
    }
}

/// The signature `sig` over `signed` by the certificate `key`, and by no other.
///
/// `certificate` is what is known of that key, `None` if nothing is: then a signature of a wrong
/// shape is still called invalid and a weak one weak.
pub fn check(
    signed: &[u8],
    sig: &[u8],
    key: &Fingerprint,
    certificate: Option<&Certificate>,
) -> Result<Signature, Unproven> {
    let claim = packets::read_signature(sig).map_err(|error| Unproven::invalid(error.message()))?; // 1
    if claim.kind != packets::BINARY {
        return Err(Unproven::invalid("not a signature over a binary document")); // 2
    }
    strong(&mathematics::weak_signature(&claim), "")?; // 3
    let known = certificate.filter(|one| one.fingerprint() == key); // 4
    let known = known.ok_or_else(|| Unproven::new(Fault::UnknownKey, "the key is not known"))?;
    if claim.issuers.is_empty() {
        return Err(Unproven::invalid("the signature names no key"));
    }
    let primary = &known.primary;
    let candidates = known.named(&claim.issuers);
    if candidates.is_empty() {
        let why = "made by a key that the certificate lacks";
        return Err(Unproven::new(Fault::UnknownKey, why));
    }
    if candidates.len() > MOST_NAMED {
        // Each would be tried, and a certificate may have dozens.
        return Err(Unproven::invalid("the signature names too many keys"));
    }
    strong(&primary.weakness, "")?;
    let mut maker = None;
    for life in candidates {
        strong(&life.weakness, "")?;
        if mathematics::holds(&life.key, &claim, &[signed]) {
            maker = Some(life); // 5
            break;
        }
    }
    let life = maker
        .ok_or_else(|| Unproven::invalid("the signature is not over these bytes by this key"))?;
    let at = claim.made_at;
    if at < life.key.created || at < primary.key.created {
        return Err(Unproven::invalid("signed before the key existed")); // 6
    }
    let unbound = || Unproven::invalid("the key is not bound by its certificate");
    let own = primary.governing(at, primary).ok_or_else(unbound)?; // 7
    let bond = life.governing(at, primary).ok_or_else(unbound)?;
    strong(&own.weakness, " in a self-signature")?;
    strong(&bond.weakness, " in a binding")?;
    able(life, bond)?; // 8
    let (standing, why) = stands(at, primary, own, life, bond); // 9
    let own_period = (claim.period != 0).then_some(claim.period);
    Ok(Signature {
        signer: known.fingerprint().clone(),
        signing_key: life.name.clone(),
        made_at: at,
        expires_at: own_period.map(|period| at.saturating_add(period)),
        standing,
        why,
        key_end: primary.end(primary).into_iter().chain(life.end(primary)).min(),
    })
}

/// The creation time in the hashed part of a signature that nothing is said of, `None` where it
/// does not read as one packet.
pub fn made_at(sig: &[u8]) -> Option<i64> {
    packets::read_signature(sig).ok().map(|claim| claim.made_at)
}

fn strong(weakness: &str, place: &str) -> Result<(), Unproven> {
    if weakness.is_empty() {
        return Ok(());
    }
    Err(Unproven::new(Fault::Weak, format!("{weakness}{place} does not count")))
}

fn able(life: &KeyLife, bond: &Bond) -> Result<(), Unproven> {
    // Keys of the nineties say nothing; every reader lets them sign.
    let unsaid = if life.key.version == 4 { SIGN } else { 0 };
    if bond.claim.flags.unwrap_or(unsaid) & SIGN == 0 {
        return Err(Unproven::invalid("the key may not sign"));
    }
    if !life.is_primary {
        let back = life.agreed(bond);
        let back =
            back.ok_or_else(|| Unproven::invalid("the subkey never agreed to its binding"))?;
        strong(&mathematics::weak_signature(&back), " in a binding")?;
    }
    Ok(())
}

fn stands(
    at: i64,
    primary: &KeyLife,
    own: &Bond,
    life: &KeyLife,
    bond: &Bond,
) -> (Standing, String) {
    let mut named = vec![(primary, "the key")];
    if !life.is_primary {
        named.push((life, "the subkey"));
    }
    for hard in [true, false] {
        for (one, word) in &named {
            for revoked in one.revoked(primary) {
                if revoked.hard == hard && (hard || at >= revoked.at) {
                    let found = if hard { Standing::RevokedHard } else { Standing::RevokedSoft };
                    let (day, why) = (day(revoked.at), &revoked.why);
                    return (found, format!("{word} was revoked on {day} ({why})"));
                }
            }
        }
    }
    for (bond, word) in [(own, "the key"), (bond, "the subkey")] {
        if let Some(end) = bond.end.filter(|end| at >= *end) {
            return (
                Standing::Expired,
                format!("{word} expired on {}, before it signed", day(end)),
            );
        }
    }
    (Standing::Sound, String::new())
}

/// An instant as people name it, `YYYY-MM-DD`.
fn day(at: i64) -> String {
    instant::write(at).chars().take(10).collect()
}
