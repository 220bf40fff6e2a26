//! A certificate that was met: one primary key, who says to own it, and the life of its keys.
//!
//! Its bytes come from anywhere, so that what is *kept* of them is only what its own key signed
//! (`minimise`), and what is *believed* is proven again from these bytes when it is first asked
//! for, also after reading them from one's own folder. The rules are those of
//! `sig/gpg/certificate.py` under the same numbers:
//!
//! 1. A self-signature or revocation counts if it verifies under the certificate's own keys.
//! 2. The self-signature that governs a moment is the newest one not younger than it, over
//!    direct-key signatures and all user ids; before all of them, the oldest (docs/spec/envelope
//!    §6, §7). In one second the one that ends the key earlier governs.
//! 3. A self-signature with neither key flags nor an expiry speaks of the user id alone and governs
//!    only where no other does: libraries add user ids like that, and it must not revive a key.
//! 4. A signature that readers would read differently binds nothing; a revocation like that
//!    revokes.
//! 5. Revocations are hard unless they say superseded or retired. A user id's revocation hides the
//!    name, nothing else.
//!
//! Nothing here decides about a document: that is `verify`.

use std::cmp::Reverse;
use std::collections::BTreeMap;
use std::sync::{Arc, OnceLock};

use super::packets::{self, Block, KeyPacket, SignaturePacket};
use super::{mathematics, minimise};
use crate::errors::FormatError;
use crate::model::fingerprint::Fingerprint;
use crate::model::limits;

const MAX_INPUT: usize = 8 * 1024 * 1024;
pub(super) const NEVER: i64 = 1 << 40;

/// That a key was revoked: for good (`hard`), or from `at` on (epoch seconds).
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Revoked {
    pub hard: bool,
    pub at: i64,
    pub why: String,
}

/// What a signature of a certificate is over, as the pieces that are digested.
type Over = Arc<[Vec<u8>]>;

/// One signature of the primary key that says how long a key lives and what it may do.
#[derive(Debug)]
pub(super) struct Bond {
    pub claim: SignaturePacket,
    over: Over,
    /// When the key ends by it (epoch seconds, `None` for never): its expiry, or the signature's
    /// own.
    pub end: Option<i64>,
    pub weakness: String,
    proven: OnceLock<bool>,
}

/// The primary key or a subkey of a certificate, with what its certificate says about it.
///
/// `weakness` is why what it signs does not count.
#[derive(Debug)]
pub(super) struct KeyLife {
    pub key: KeyPacket,
    pub name: Fingerprint,
    pub fingerprint: Vec<u8>,
    pub weakness: String,
    pub is_primary: bool,
    bonds: Vec<Bond>,
    revocations: Vec<SignaturePacket>,
    known: OnceLock<Vec<Revoked>>,
}

impl KeyLife {
    fn new(key: KeyPacket, is_primary: bool) -> Result<KeyLife, FormatError> {
        let fingerprint = minimise::named(&key)?;
        let name = Fingerprint::of(&fingerprint);
        Ok(KeyLife {
            weakness: mathematics::weak_key(&key),
            name: name.ok_or_else(|| FormatError::new("a key without a fingerprint"))?,
            key,
            fingerprint,
            is_primary,
            bonds: Vec::new(),
            revocations: Vec::new(),
            known: OnceLock::new(),
        })
    }

    /// The proven bond that governs the moment `at`, `None` if nothing proven binds the key; 2.
    pub fn governing(&self, at: i64, primary: &KeyLife) -> Option<&Bond> {
        // Newest first; one second's bonds the strictest first.
        let (earlier, mut later): (Vec<_>, Vec<_>) =
            self.bonds.iter().partition(|bond| bond.claim.made_at <= at);
        later.sort_by_key(|bond| bond.claim.made_at);
        earlier.into_iter().chain(later).find(|bond| bond.is_proven(&primary.key))
    }

    /// Its proven revocations, hard ones first, then by time; 1, 4, 5.
    pub fn revoked(&self, primary: &KeyLife) -> &[Revoked] {
        self.known.get_or_init(|| {
            let (owner, framed) = (primary.key.framed(), self.key.framed());
            let parts: &[&[u8]] = if self.is_primary { &[&owner] } else { &[&owner, &framed] };
            let holds = |claim: &&SignaturePacket| mathematics::holds(&primary.key, claim, parts);
            let mut found: Vec<_> = self.revocations.iter().filter(holds).map(revoked).collect();
            found.sort_by(|one, other| {
                (!one.hard, one.at, &one.why).cmp(&(!other.hard, other.at, &other.why))
            });
            found
        })
    }

    /// The earliest end of this key as it is known now, epoch seconds; `None` if it has none.
    pub fn end(&self, primary: &KeyLife) -> Option<i64> {
        let bond = self.governing(NEVER, primary).and_then(|bond| bond.end);
        self.revoked(primary).iter().map(|one| one.at).chain(bond).min()
    }

    /// The signature by which a subkey agrees to its binding, `None` if it never did.
    ///
    /// Without it anyone could bind a stranger's signing key, and claim what it signed.
    pub fn agreed(&self, bond: &Bond) -> Option<SignaturePacket> {
        let mut backs = packets::back_signatures(&bond.claim);
        backs.sort_by_cached_key(mathematics::weak_signature);
        backs.into_iter().find(|back| mathematics::holds(&self.key, back, &bond.parts()))
    }
}

impl Bond {
    fn new(key: &KeyPacket, claim: &SignaturePacket, over: &Over) -> Bond {
        let after = |start: i64, period: i64| (period != 0).then(|| start.saturating_add(period));
        let expiry = claim.key_period.and_then(|period| after(key.created, period));
        Bond {
            claim: claim.clone(),
            over: over.clone(),
            end: expiry.into_iter().chain(after(claim.made_at, claim.period)).min(),
            weakness: mathematics::weak_signature(claim),
            proven: OnceLock::new(),
        }
    }

    fn parts(&self) -> Vec<&[u8]> {
        self.over.iter().map(Vec::as_slice).collect()
    }

    /// Whether it was made by its certificate's primary key; asked once; 1.
    fn is_proven(&self, primary: &KeyPacket) -> bool {
        *self.proven.get_or_init(|| mathematics::holds(primary, &self.claim, &self.parts()))
    }

    /// Whether it says anything about the key; 3.
    fn speaks(&self) -> bool {
        self.claim.flags.is_some() || self.claim.key_period.is_some()
    }
}

fn revoked(claim: &SignaturePacket) -> Revoked {
    let reason = claim.reason.unwrap_or(0);
    let why = match reason {
        0 => "no reason given".to_owned(),
        1 => "superseded".to_owned(),
        2 => "compromised".to_owned(),
        3 => "retired".to_owned(),
        other => format!("reason {other}"),
    };
    Revoked { hard: !matches!(reason, 1 | 3) || !claim.odd.is_empty(), at: claim.made_at, why }
}

/// A user id and what the certificate's key said about it.
#[derive(Debug)]
struct Name {
    text: Vec<u8>,
    /// Its newest certification: when, and whether it is called the primary one.
    newest: Option<(i64, bool)>,
    /// Its newest revocation.
    gone: Option<i64>,
}

/// One OpenPGP certificate, reduced to what its own key signed. Two are equal where their canonical
/// bytes are.
#[derive(Debug)]
pub struct Certificate {
    raw: Vec<u8>,
    pub(super) primary: KeyLife,
    pub(super) subkeys: Vec<KeyLife>,
    names: Vec<Name>,
}

impl PartialEq for Certificate {
    fn eq(&self, other: &Certificate) -> bool {
        self.raw == other.raw
    }
}

impl Eq for Certificate {}

impl Certificate {
    /// The certificates in binary packets, one for each key, each reduced to what holds. Armor is
    /// not read.
    ///
    /// Refused are secret keys, more than 8 MiB, and bytes in which no certificate can be read, or
    /// none that is at most 1 MiB after the reduction. One that cannot is left out where others
    /// can. One of a key that we do not compute is among them even if nothing in it holds, so
    /// that there may be more than the other implementation finds.
    pub fn read(data: &[u8]) -> Result<Vec<Certificate>, FormatError> {
        let none = || FormatError::new("no OpenPGP certificate in it");
        found(&blocks(data)?.iter().collect::<Vec<_>>(), none)
    }

    /// The certificate of one key in binary packets, whatever else they hold; otherwise as
    /// [`Certificate::read`], and refused where it is not in it.
    pub fn wanted(data: &[u8], wanted: &Fingerprint) -> Result<Certificate, FormatError> {
        let none = || FormatError::new(format!("no certificate of {wanted} in it"));
        let blocks = blocks(data)?;
        let copies: Vec<&Block> =
            blocks.iter().filter(|block| name(block).as_ref() == Some(wanted)).collect();
        found(&copies, none)?.pop().ok_or_else(none)
    }

    /// Copies of one certificate, as they were met, in one; their order does not matter.
    ///
    /// Refused where [`Certificate::wanted`] refuses one, and where there is none.
    pub fn merged(copies: &[&[u8]], wanted: &Fingerprint) -> Result<Certificate, FormatError> {
        let mut known: Option<Certificate> = None;
        for copy in copies {
            let met = Certificate::wanted(copy, wanted)?;
            known = Some(match known {
                Some(known) => known.merge(&met)?,
                None => met,
            });
        }
        known.ok_or_else(|| FormatError::new("no OpenPGP certificate in it"))
    }

    /// The certificate in its canonical bytes, which [`Certificate::raw`] once was. It is not
    /// reduced again, and nothing in it is believed that is not proven when it is asked for; only
    /// the names are taken as they are.
    pub fn stored(raw: &[u8]) -> Result<Certificate, FormatError> {
        if raw.len() > limits::CERTIFICATE {
            return Err(FormatError::new("a certificate of more than 1 MiB"));
        }
        match packets::blocks(raw)?.as_slice() {
            [block] => assembled(block, raw),
            _ => Err(FormatError::new("not one certificate")),
        }
    }

    /// Both copies of one certificate in one; the order does not matter.
    ///
    /// Refused if the result is above 1 MiB: the known one stays.
    pub fn merge(&self, met: &Certificate) -> Result<Certificate, FormatError> {
        if self.fingerprint() != met.fingerprint() {
            return Err(FormatError::new("two certificates cannot be merged"));
        }
        if self == met {
            return Certificate::stored(&self.raw);
        }
        let (one, other) = (packets::blocks(&self.raw)?, packets::blocks(&met.raw)?);
        match (one.as_slice(), other.as_slice()) {
            ([one], [other]) => Certificate::stored(&minimise::union(one, other)?),
            _ => Err(FormatError::new("not one certificate")),
        }
    }

    /// The primary key's.
    pub fn fingerprint(&self) -> &Fingerprint {
        &self.primary.name
    }

    /// The canonical form: equal content has equal bytes.
    pub fn raw(&self) -> &[u8] {
        &self.raw
    }

    /// The names that were not revoked, the primary one first; octets that are not UTF-8 as
    /// `\xNN`. Text of strangers: may hold control characters.
    pub fn user_ids(&self) -> Vec<String> {
        let mut shown: Vec<_> = self
            .names
            .iter()
            .filter(|name| name.newest.map(|(at, _)| at) > name.gone)
            .map(|name| (Reverse(name.newest.map(|(at, flag)| (flag, at))), &name.text))
            .collect();
        shown.sort();
        shown.into_iter().map(|(_, text)| readable(text)).collect()
    }

    /// The primary user id, "" if there is none.
    pub fn uid(&self) -> String {
        self.user_ids().into_iter().next().unwrap_or_default()
    }

    /// The keys that a signature names: by fingerprint, or by key id.
    pub(super) fn named(&self, issuers: &[Vec<u8>]) -> Vec<&KeyLife> {
        let named =
            |life: &&KeyLife| issuers.iter().any(|one| packets::names(one, &life.fingerprint));
        std::iter::once(&self.primary).chain(&self.subkeys).filter(named).collect()
    }
}

/// The certificates as they lie in binary packets; a text has none.
fn blocks(data: &[u8]) -> Result<Vec<Block>, FormatError> {
    if data.len() > MAX_INPUT {
        return Err(FormatError::new("more than 8 MiB of certificates"));
    }
    if data.first().is_none_or(|first| *first < 0x80) {
        return Ok(Vec::new());
    }
    packets::blocks(data)
}

/// The fingerprint of its primary key, which one that cannot be read has not.
fn name(block: &Block) -> Option<Fingerprint> {
    Fingerprint::of(&minimise::named(block.key.as_ref().ok()?).ok()?)
}

/// The certificates of these blocks, one for each key; else the first fault, or what `none` says.
fn found(
    blocks: &[&Block],
    none: impl Fn() -> FormatError,
) -> Result<Vec<Certificate>, FormatError> {
    let mut met: BTreeMap<Fingerprint, (usize, Certificate)> = BTreeMap::new();
    let mut fault = None;
    for (order, block) in blocks.iter().enumerate() {
        let new = minimise::minimised(block).and_then(|raw| Certificate::stored(&raw));
        let whole = new.and_then(|new| match met.get(new.fingerprint()) {
            Some((order, known)) => Ok((*order, known.merge(&new)?)),
            None => Ok((order, new)),
        });
        match whole {
            Ok((order, one)) => {
                met.insert(one.fingerprint().clone(), (order, one));
            }
            Err(error) => fault = fault.or(Some(error)),
        }
    }
    if met.is_empty() {
        return Err(fault.unwrap_or_else(none));
    }
    let mut found: Vec<_> = met.into_values().collect();
    found.sort_by_key(|(order, _)| *order);
    Ok(found.into_iter().map(|(_, one)| one).collect())
}

fn assembled(block: &Block, raw: &[u8]) -> Result<Certificate, FormatError> {
    let key = block.key.as_ref().map_err(Clone::clone)?;
    let mut primary = KeyLife::new(key.clone(), true)?;
    let framed = key.framed();
    let over: Over = Arc::from([framed.clone()]);
    for claim in &block.signatures {
        told(&mut primary, &over, claim);
    }
    let mut names = Vec::new();
    for user in &block.users {
        let head = minimise::user_id_head(&user.text);
        let over: Over = Arc::from([framed.clone(), head, user.text.clone()]);
        for claim in &user.signatures {
            told(&mut primary, &over, claim);
        }
        let (gone, newest): (Vec<_>, Vec<_>) =
            user.signatures.iter().partition(|claim| claim.kind == packets::USER_ID_REVOCATION);
        names.push(Name {
            text: user.text.clone(),
            // Of one second, the last.
            newest: newest
                .iter()
                .max_by_key(|claim| claim.made_at)
                .map(|claim| (claim.made_at, claim.primary_user_id)),
            gone: gone.iter().map(|claim| claim.made_at).max(),
        });
    }
    if primary.bonds.iter().any(Bond::speaks) {
        primary.bonds.retain(Bond::speaks); // 3
    }
    newest_first(&mut primary.bonds);
    let mut subkeys = Vec::new();
    for subkey in block.subkeys.iter().filter(|subkey| subkey.key.version == key.version) {
        let mut life = KeyLife::new(subkey.key.clone(), false)?;
        let over: Over = Arc::from([framed.clone(), subkey.key.framed()]);
        for claim in &subkey.signatures {
            match claim.kind {
                packets::SUBKEY_REVOCATION => life.revocations.push(claim.clone()),
                packets::SUBKEY_BINDING => bind(&mut life, &over, claim),
                _ => {}
            }
        }
        newest_first(&mut life.bonds);
        subkeys.push(life);
    }
    Ok(Certificate { raw: raw.to_vec(), primary, subkeys, names })
}

/// Takes what a signature over the primary key, or it and a user id, says.
fn told(primary: &mut KeyLife, over: &Over, claim: &SignaturePacket) {
    if claim.kind == packets::KEY_REVOCATION {
        primary.revocations.push(claim.clone());
    } else if claim.kind == packets::DIRECT || packets::CERTIFICATIONS.contains(&claim.kind) {
        bind(primary, over, claim);
    }
}

fn bind(life: &mut KeyLife, over: &Over, claim: &SignaturePacket) {
    // 4
    if claim.odd.is_empty() {
        life.bonds.push(Bond::new(&life.key, claim, over));
    }
}

fn newest_first(bonds: &mut [Bond]) {
    bonds.sort_by(|one, other| order(one).cmp(&order(other)));
}

fn order(bond: &Bond) -> (Reverse<i64>, i64, &[u8]) {
    (Reverse(bond.claim.made_at), bond.end.unwrap_or(NEVER), &bond.claim.hashed)
}

/// The text of a user id, each octet that is not UTF-8 as `\xNN`.
fn readable(text: &[u8]) -> String {
    let mut shown = String::new();
    for chunk in text.utf8_chunks() {
        shown.push_str(chunk.valid());
        chunk.invalid().iter().for_each(|byte| shown.push_str(&format!("\\x{byte:02x}")));
    }
    shown
}
