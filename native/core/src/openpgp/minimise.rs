//! What is kept of a certificate that was met: what its own keys signed, and nothing else.
//!
//! Certificates are flooded: anyone can add user ids, forged signatures and junk to a copy. The
//! rules are those of `sig/gpg/minimise.py` under the same numbers (docs/spec/envelope §7), and so
//! are the bytes that come out:
//!
//! 1. Kept are the primary key, at most 64 user ids and 64 subkeys, each with those of its own
//!    self-signatures, bindings and revocations that verify.
//! 2. Of signatures with the same hashed part one is kept: the unhashed part and the check bytes
//!    can be changed by anyone, and some algorithms let anyone make a second signature of the
//!    first.
//! 3. Its unhashed part is cut to the issuer and a back-signature that verifies.
//! 4. The result is in one order and one encoding: equal content has equal bytes, and a merge
//!    gives the same whichever copy came first.
//! 5. At most 8192 signatures are tried, of those that claim to be its own and whose check bytes
//!    fit; then the copy is refused.
//! 6. Signatures that readers would read differently are dropped, unless they revoke.
//! 7. Ours alone: where the primary key is one that we do not compute (`mathematics::elsewhere`),
//!    its keys are kept as they came, without the names. Nothing that it signed ever counts; that
//!    is then known by the key's own algorithm.

use std::cmp::Reverse;
use std::collections::BTreeMap;

use super::mathematics;
use super::packets::{self, Block, KeyPacket, SignaturePacket};
use crate::errors::FormatError;
use crate::model::limits;

const MAX_TRIALS: usize = 8192;

/// The signatures kept for one component, by their hashed parts: rule 2 is the shape.
type Kept = BTreeMap<Vec<u8>, SignaturePacket>;

/// What stands in a certificate: on the key itself, by user id, and by the body of a subkey.
#[derive(Default)]
struct Parts {
    on_key: Kept,
    users: BTreeMap<Vec<u8>, Kept>,
    subkeys: BTreeMap<Vec<u8>, Kept>,
}

/// The canonical bytes of what verifies in a certificate.
///
/// Refused if nothing does, after too many trials, and above 1 MiB.
pub(super) fn minimised(block: &Block) -> Result<Vec<u8>, FormatError> {
    let key = block.key.as_ref().map_err(Clone::clone)?;
    if mathematics::elsewhere(key) {
        return written(key, unverified(block)); // 7
    }
    let key_framed = key.framed();
    let mut trials = Trials::new(key)?;
    let mut found = Parts::default();
    let on_key = |kind| matches!(kind, packets::DIRECT | packets::KEY_REVOCATION);
    found.on_key = trials.kept(&block.signatures, on_key, &[&key_framed], None)?;
    for (text, claims) in gathered(block.users.iter().map(|one| (&one.text, &one.signatures))) {
        let head = user_id_head(text);
        let on_user =
            |kind| packets::CERTIFICATIONS.contains(&kind) || kind == packets::USER_ID_REVOCATION;
        let kept = trials.kept(claims, on_user, &[&key_framed, &head, text], None)?;
        found.users.insert(text.to_vec(), kept);
    }
    let subkeys = block.subkeys.iter().map(|one| (&one.key.body, &one.signatures));
    for (body, claims) in gathered(subkeys) {
        let subkey = packets::key(body)?;
        if subkey.version == key.version {
            let on_subkey =
                |kind| matches!(kind, packets::SUBKEY_BINDING | packets::SUBKEY_REVOCATION);
            let parts: [&[u8]; 2] = [&key_framed, &subkey.framed()];
            let kept = trials.kept(claims, on_subkey, &parts, Some(&subkey))?;
            found.subkeys.insert(body.to_vec(), kept);
        }
    }
    written(key, found)
}

/// What a signature over a user id digests before its text.
pub(super) fn user_id_head(text: &[u8]) -> Vec<u8> {
    let size = u32::try_from(text.len()).unwrap_or(u32::MAX);
    [&[0xB4], size.to_be_bytes().as_slice()].concat()
}

/// The canonical bytes of two minimised copies of a certificate. Verifies nothing.
///
/// Refused above 1 MiB.
pub(super) fn union(one: &Block, other: &Block) -> Result<Vec<u8>, FormatError> {
    let key = one.key.as_ref().map_err(Clone::clone)?;
    let mut both = Parts::default();
    for block in [one, other] {
        add(&mut both.on_key, &block.signatures);
        for user in &block.users {
            add(both.users.entry(user.text.clone()).or_default(), &user.signatures);
        }
        for subkey in &block.subkeys {
            add(both.subkeys.entry(subkey.key.body.clone()).or_default(), &subkey.signatures);
        }
    }
    written(key, both)
}

fn add(kept: &mut Kept, claims: &[SignaturePacket]) {
    for claim in claims {
        let known = kept.entry(claim.hashed.clone()).or_insert_with(|| claim.clone());
        if worth(claim) < worth(known) {
            known.clone_from(claim);
        }
    }
}

/// Which of two with the same hashed part is kept, whatever the order they came in.
fn worth(claim: &SignaturePacket) -> (bool, &[u8]) {
    (claim.embedded.is_empty(), &claim.raw)
}

/// What there is of a certificate that we cannot verify; 7.
fn unverified(block: &Block) -> Parts {
    let mut found = Parts::default();
    add(&mut found.on_key, &block.signatures);
    for subkey in &block.subkeys {
        add(found.subkeys.entry(subkey.key.body.clone()).or_default(), &subkey.signatures);
    }
    found
}

/// A component that stands twice is one, with the signatures of both.
fn gathered<'a>(
    components: impl Iterator<Item = (&'a Vec<u8>, &'a Vec<SignaturePacket>)>,
) -> BTreeMap<&'a [u8], Vec<&'a SignaturePacket>> {
    let mut found: BTreeMap<&[u8], Vec<&SignaturePacket>> = BTreeMap::new();
    for (name, claims) in components {
        found.entry(name).or_default().extend(claims);
    }
    found
}

/// Verifies what claims to be signed by one primary key, and counts; rule 5.
struct Trials<'a> {
    key: &'a KeyPacket,
    fingerprint: Vec<u8>,
    left: usize,
}

impl<'a> Trials<'a> {
    fn new(key: &'a KeyPacket) -> Result<Trials<'a>, FormatError> {
        Ok(Trials { key, fingerprint: named(key)?, left: MAX_TRIALS })
    }

    /// The own signatures of these types that verify, one for each hashed part; 2, 3.
    fn kept<'b>(
        &mut self,
        claims: impl IntoIterator<Item = &'b SignaturePacket>,
        wanted: impl Fn(u8) -> bool,
        parts: &[&[u8]],
        subkey: Option<&KeyPacket>,
    ) -> Result<Kept, FormatError> {
        let mut groups: BTreeMap<&[u8], Vec<&SignaturePacket>> = BTreeMap::new();
        for claim in claims {
            if !wanted(claim.kind) || (!claim.odd.is_empty() && !revokes(claim)) {
                continue; // 6
            }
            if claim.issuers.iter().any(|one| packets::names(one, &self.fingerprint)) {
                groups.entry(&claim.hashed).or_default().push(claim);
            }
        }
        let mut kept = Kept::new();
        for (hashed, group) in groups {
            let key = self.key;
            let Some(found) = self.least(key, &group, parts)? else { continue };
            let mut unhashed = packets::issuer(&self.fingerprint);
            if let Some(subkey) = subkey {
                if found.kind == packets::SUBKEY_BINDING && !found.embedded_is_hashed {
                    unhashed.extend(self.agreement(&group, subkey, parts)?);
                }
            }
            kept.insert(hashed.to_vec(), canonical(found, &unhashed, parts)?);
        }
        Ok(kept)
    }

    /// The least of these with one hashed part that holds, so that any order gives it.
    fn least<'b>(
        &mut self,
        key: &KeyPacket,
        group: &[&'b SignaturePacket],
        parts: &[&[u8]],
    ) -> Result<Option<&'b SignaturePacket>, FormatError> {
        let distinct: BTreeMap<_, _> =
            group.iter().map(|claim| ((&claim.values, &claim.salt), *claim)).collect();
        for claim in distinct.into_values() {
            let Some(digest) = mathematics::digest(claim, parts) else { continue };
            if !prefix_fits(group, claim, &digest) {
                continue;
            }
            self.left = self.left.checked_sub(1).ok_or_else(|| {
                FormatError::new("a certificate with too many signatures that may be its own")
            })?;
            if mathematics::holds(key, claim, parts) {
                return Ok(Some(claim));
            }
        }
        Ok(None)
    }

    /// The subpacket of a back-signature that verifies, nothing if none does.
    fn agreement(
        &mut self,
        group: &[&SignaturePacket],
        subkey: &KeyPacket,
        parts: &[&[u8]],
    ) -> Result<Vec<u8>, FormatError> {
        let backs: Vec<SignaturePacket> =
            group.iter().flat_map(|claim| packets::back_signatures(claim)).collect();
        let mut copies: BTreeMap<&[u8], Vec<&SignaturePacket>> = BTreeMap::new();
        for back in &backs {
            copies.entry(&back.hashed).or_default().push(back);
        }
        let mut found = Vec::new();
        for copies in copies.into_values() {
            if let Some(least) = self.least(subkey, &copies, parts)? {
                let unhashed = packets::issuer(&named(subkey)?);
                found.push(canonical(least, &unhashed, parts)?);
            }
        }
        let best = found
            .into_iter()
            .min_by_key(|one| (!mathematics::weak_signature(one).is_empty(), one.raw.clone()));
        Ok(best.map(|one| packets::subpacket(32, &one.raw)).unwrap_or_default())
    }
}

/// The fingerprint of a key, which one that was made to collide has not.
pub(super) fn named(key: &KeyPacket) -> Result<Vec<u8>, FormatError> {
    mathematics::fingerprint(key).ok_or_else(|| FormatError::new("a key that was made to collide"))
}

fn revokes(claim: &SignaturePacket) -> bool {
    use packets::{KEY_REVOCATION, SUBKEY_REVOCATION, USER_ID_REVOCATION};
    matches!(claim.kind, KEY_REVOCATION | SUBKEY_REVOCATION | USER_ID_REVOCATION)
}

/// Whether some copy of this signature has the check bytes of its digest.
///
/// Every genuine one has: gpg refuses others. It spares the mathematics for lazy forgeries.
fn prefix_fits(group: &[&SignaturePacket], claim: &SignaturePacket, digest: &[u8]) -> bool {
    let fits = |one: &&SignaturePacket| digest.starts_with(&one.prefix);
    group.iter().filter(|one| one.values == claim.values).any(fits)
}

fn canonical(
    claim: &SignaturePacket,
    unhashed: &[u8],
    parts: &[&[u8]],
) -> Result<SignaturePacket, FormatError> {
    let digest = mathematics::digest(claim, parts);
    let prefix = digest.and_then(|digest| digest.first_chunk().copied()).unwrap_or_default();
    packets::signature(&claim.body(unhashed, prefix)?)
}

/// One order for equal content; 1, 4.
fn written(key: &KeyPacket, parts: Parts) -> Result<Vec<u8>, FormatError> {
    let users = newest(parts.users, limits::USER_IDS);
    let subkeys = newest(parts.subkeys, limits::SUBKEYS);
    let nothing = parts.on_key.is_empty() && users.is_empty() && subkeys.is_empty();
    if nothing && !mathematics::elsewhere(key) {
        return Err(FormatError::new("nothing in this certificate is signed by its own key"));
    }
    let mut raw = packets::packet(packets::PUBLIC_KEY, &key.body);
    append(&mut raw, &parts.on_key);
    let mut users: Vec<_> = users.into_iter().collect();
    let oldest = |kept: &Kept| kept.values().map(|claim| claim.made_at).min();
    users.sort_by(|(text, one), (other_text, other)| {
        (oldest(one), text).cmp(&(oldest(other), other_text))
    });
    for (text, kept) in &users {
        raw.extend(packets::packet(packets::USER_ID, text));
        append(&mut raw, kept);
    }
    // A body begins with its creation time.
    for (body, kept) in &subkeys {
        raw.extend(packets::packet(packets::PUBLIC_SUBKEY, body));
        append(&mut raw, kept);
    }
    if raw.len() > limits::CERTIFICATE {
        return Err(FormatError::new("a certificate of more than 1 MiB"));
    }
    Ok(raw)
}

fn append(raw: &mut Vec<u8>, kept: &Kept) {
    // In the order of hashed parts already, which a stable sort keeps.
    let mut claims: Vec<_> = kept.values().collect();
    claims.sort_by_key(|claim| claim.made_at);
    for claim in claims {
        raw.extend(packets::packet(packets::SIGNATURE, &claim.raw));
    }
}

/// At most so many components, those that were signed last.
fn newest(components: BTreeMap<Vec<u8>, Kept>, most: usize) -> BTreeMap<Vec<u8>, Kept> {
    let mut kept: Vec<_> = components.into_iter().filter(|(_, one)| !one.is_empty()).collect();
    // In the order of their names already, which a stable sort keeps.
    kept.sort_by_key(|(_, one)| Reverse(one.values().map(|claim| claim.made_at).max()));
    kept.truncate(most);
    kept.into_iter().collect()
}
