//! The framing and the fields of OpenPGP signatures and certificates. No primitive.
//!
//! What is read here is what was *claimed*: nothing in it is verified. `mathematics` checks
//! signatures, `certificate` keeps what holds, `verify` decides.
//!
//! A library's parser is no help: it accepts more shapes than it admits to, puts aside a whole
//! packet for one field that it cannot read, and hides where a field came from. So shape is
//! decided here, by the rules of `sig/gpg/packets.py` under the same numbers (docs/spec/envelope
//! §3), and a library is handed numbers only:
//!
//! 1. A packet has an old or a new header and a definite length; it ends where its length says.
//! 2. A signature is one packet, and no byte follows it.
//! 3. It is of version 4 or 6, of at most 64 KiB.
//! 4. Its hashed part holds exactly one creation time, and each field that readers would choose
//!    differently from (periods, flags, reason) at most once.
//! 5. No critical subpacket or notation that we do not know.
//! 6. Its numbers fill the rest of the body exactly.
//! 7. Key material is public: secret keys are refused by their tag, wherever they stand.
//! 8. Every length is bounded before memory is taken for it.

use super::cursor::Cursor;
use crate::errors::FormatError;
use crate::model::limits;

const MAX_PACKETS: usize = 65_536;
const MAX_KEY_BODY: usize = 16 * 1024;
const MAX_USER_ID: usize = 4096;

pub(super) const SIGNATURE: u8 = 2;
const SECRET_KEY: u8 = 5;
pub(super) const PUBLIC_KEY: u8 = 6;
const SECRET_SUBKEY: u8 = 7;
pub(super) const PUBLIC_SUBKEY: u8 = 14;
pub(super) const USER_ID: u8 = 13;
const USER_ATTRIBUTE: u8 = 17;

// The types of signature that are read (RFC 9580 §5.2.1).
pub(super) const BINARY: u8 = 0x00;
pub(super) const CERTIFICATIONS: [u8; 4] = [0x10, 0x11, 0x12, 0x13];
pub(super) const SUBKEY_BINDING: u8 = 0x18;
const BACK_SIGNATURE: u8 = 0x19;
pub(super) const DIRECT: u8 = 0x1F;
pub(super) const KEY_REVOCATION: u8 = 0x20;
pub(super) const SUBKEY_REVOCATION: u8 = 0x28;
pub(super) const USER_ID_REVOCATION: u8 = 0x30;

pub(super) const RSA: u8 = 1;
pub(super) const RSA_SIGN: u8 = 3;
pub(super) const DSA: u8 = 17;
pub(super) const ECDSA: u8 = 19;
pub(super) const EDDSA: u8 = 22;
pub(super) const ED25519: u8 = 27;
pub(super) const ED448: u8 = 28;

const CUT_SHORT: &str = "a signature that is cut short";
const KEY_CUT_SHORT: &str = "a key that is cut short";

/// One signature as it describes itself.
///
/// Periods are in seconds, 0 for none. `issuers` are key ids (8 bytes) and fingerprints, from the
/// hashed part if it names any, else from the unhashed one. `odd` says why rules 4 and 5 refuse
/// it, "" if they do not.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct SignaturePacket {
    pub version: u8,
    pub kind: u8,
    pub key_algorithm: u8,
    pub hash_algorithm: u8,
    pub made_at: i64,
    pub period: i64,
    pub key_period: Option<i64>,
    pub flags: Option<u8>,
    pub primary_user_id: bool,
    pub reason: Option<u8>,
    pub issuers: Vec<Vec<u8>>,
    pub embedded: Vec<Vec<u8>>,
    pub embedded_is_hashed: bool,
    pub odd: &'static str,
    /// Version to the end of the hashed part: what the digest covers of it.
    pub hashed: Vec<u8>,
    pub salt: Vec<u8>,
    /// The numbers of the signature without leading zeros; none for an algorithm we do not know.
    pub values: Vec<Vec<u8>>,
    /// The first two bytes of the digest, as claimed; anyone can change them.
    pub prefix: [u8; 2],
    /// The whole body as it was read.
    pub raw: Vec<u8>,
}

impl SignaturePacket {
    /// What closes the digest (RFC 9580 §5.2.4).
    pub fn trailer(&self) -> [u8; 6] {
        // The body was bounded by rule 3.
        let [a, b, c, d] = u32::try_from(self.hashed.len()).unwrap_or(u32::MAX).to_be_bytes();
        [self.version, 0xFF, a, b, c, d]
    }

    /// The body again, with another unhashed part and its numbers in canonical form.
    pub fn body(&self, unhashed: &[u8], prefix: [u8; 2]) -> Result<Vec<u8>, FormatError> {
        let too_long = |_| FormatError::new("a signature that is cut short or too long");
        let mut body = self.hashed.clone();
        if self.version == 4 {
            body.extend(u16::try_from(unhashed.len()).map_err(too_long)?.to_be_bytes());
        } else {
            body.extend(u32::try_from(unhashed.len()).map_err(too_long)?.to_be_bytes());
        }
        body.extend(unhashed);
        body.extend(prefix);
        if self.version != 4 {
            body.push(u8::try_from(self.salt.len()).map_err(too_long)?);
            body.extend(&self.salt);
        }
        for value in &self.values {
            if native_size(self.key_algorithm).is_none() {
                body.extend(bits(value).to_be_bytes());
            }
            body.extend(value);
        }
        Ok(body)
    }
}

/// A public key or subkey as it describes itself.
///
/// `values` depends on the algorithm: (n, e) of RSA; p, q, g, y of DSA; (curve, point) of ECDSA and
/// EdDSA; (point,) of the native ones; () of an algorithm that does not sign or is not known.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct KeyPacket {
    pub version: u8,
    pub created: i64,
    pub algorithm: u8,
    pub values: Vec<Vec<u8>>,
    pub body: Vec<u8>,
}

impl KeyPacket {
    /// The bytes that fingerprints and signatures over keys digest (RFC 9580 §5.2.4).
    pub fn framed(&self) -> Vec<u8> {
        // The body was bounded by rule 8.
        let [a, b, c, d] = u32::try_from(self.body.len()).unwrap_or(u32::MAX).to_be_bytes();
        let head: &[u8] = if self.version == 4 { &[0x99, c, d] } else { &[0x9B, a, b, c, d] };
        [head, &self.body].concat()
    }
}

/// The numbers of a signature of this algorithm, where they are of one fixed size in all.
fn native_size(algorithm: u8) -> Option<usize> {
    match algorithm {
        ED25519 => Some(64),
        ED448 => Some(114),
        _ => None,
    }
}

/// How many numbers a signature of this algorithm has.
fn number_count(algorithm: u8) -> Option<usize> {
    match algorithm {
        RSA | RSA_SIGN => Some(1),
        DSA | ECDSA | EDDSA => Some(2),
        _ => None,
    }
}

fn salt_size(hash_algorithm: u8) -> Option<usize> {
    match hash_algorithm {
        8 | 11 | 12 => Some(16),
        9 => Some(24),
        10 | 14 => Some(32),
        _ => None,
    }
}

/// Whether a critical subpacket of this kind is known and obeyed, or without meaning: in a
/// signature over a document, or in a self-signature, where there are more of them.
fn known(kind: u8, document: bool) -> bool {
    match kind {
        2 | 3 | 4 | 7 | 9 | 11 | 16 | 21..=28 | 30 | 33 | 34 => true,
        // Trust, regular expression, revoker, reason, target, embedded.
        5 | 6 | 12 | 29 | 31 | 32 | 39 => !document,
        _ => false,
    }
}

/// How many bits a number without leading zeros has. Numbers read here have at most 65 536.
fn bits(value: &[u8]) -> u16 {
    let high = value.first().map_or(0, |byte| byte.leading_zeros());
    let all = u32::try_from(value.len()).unwrap_or(u32::MAX).saturating_mul(8);
    u16::try_from(all.saturating_sub(high)).unwrap_or(u16::MAX)
}

/// A packet with the shortest new-format header.
pub(super) fn packet(tag: u8, body: &[u8]) -> Vec<u8> {
    let size = u32::try_from(body.len()).unwrap_or(u32::MAX);
    let [a, b, c, d] = size.to_be_bytes();
    let mut framed = vec![0xC0 | tag];
    if size < 192 {
        framed.push(d);
    } else if size < 8384 {
        let [high, low] = u16::try_from(size.saturating_sub(192)).unwrap_or(u16::MAX).to_be_bytes();
        framed.extend([high.saturating_add(192), low]);
    } else {
        framed.extend([0xFF, a, b, c, d]);
    }
    framed.extend(body);
    framed
}

/// A subpacket that is not critical, its length in one byte or five.
pub(super) fn subpacket(kind: u8, content: &[u8]) -> Vec<u8> {
    let size = u32::try_from(content.len()).unwrap_or(u32::MAX).saturating_add(1);
    let [a, b, c, d] = size.to_be_bytes();
    let head: &[u8] = if size < 192 { &[d, kind] } else { &[0xFF, a, b, c, d, kind] };
    [head, content].concat()
}

/// The subpacket that names the signing key, as old readers expect it in the unhashed part.
pub(super) fn issuer(fingerprint: &[u8]) -> Vec<u8> {
    if fingerprint.len() == 20 {
        [&[0x09, 0x10], fingerprint.get(12..).unwrap_or_default()].concat()
    } else {
        [&[0x22, 0x21, 0x06], fingerprint].concat()
    }
}

/// Whether an issuer field (8, 20 or 32 bytes) is this key's.
pub(super) fn names(issuer: &[u8], fingerprint: &[u8]) -> bool {
    if issuer.len() == 8 {
        let id = if fingerprint.len() == 20 { fingerprint.get(12..) } else { fingerprint.get(..8) };
        id == Some(issuer)
    } else {
        issuer == fingerprint
    }
}

/// Takes one packet: its tag and its body; rule 1.
fn frame<'a>(from: &mut Cursor<'a>) -> Result<(u8, &'a [u8]), FormatError> {
    let cut = || FormatError::new("a packet that is cut short");
    let head = from.byte().ok_or_else(cut)?;
    if head & 0x80 == 0 {
        return Err(FormatError::new("not an OpenPGP packet"));
    }
    let (tag, length) = if head & 0x40 != 0 {
        let length = match from.byte().ok_or_else(cut)? {
            first @ 0..=191 => usize::from(first),
            first @ 192..=223 => two_bytes(first, from).ok_or_else(cut)?,
            255 => from.number(4).ok_or_else(cut)?,
            _ => return Err(FormatError::new("a packet in parts, without a definite length")),
        };
        (head & 0x3F, length)
    } else {
        let width = match head & 3 {
            0 => 1,
            1 => 2,
            2 => 4,
            _ => return Err(FormatError::new("a packet without a definite length")),
        };
        ((head >> 2) & 0x0F, from.number(width).ok_or_else(cut)?)
    };
    Ok((tag, from.take(length).ok_or_else(cut)?))
}

/// The length that two bytes give, of which the first is at least 192.
fn two_bytes(first: u8, from: &mut Cursor<'_>) -> Option<usize> {
    let high = usize::from(first).checked_sub(192)?.checked_mul(256)?;
    high.checked_add(usize::from(from.byte()?))?.checked_add(192)
}

/// The one signature packet that `data` is, byte for byte; rules 1 to 6.
///
/// Not checked: whether its type, algorithms and time are acceptable, and whether it holds.
pub(super) fn read_signature(data: &[u8]) -> Result<SignaturePacket, FormatError> {
    if data.is_empty() {
        return Err(FormatError::new("an empty signature"));
    }
    if data.len() > limits::SIGNATURE {
        return Err(FormatError::new("a signature of more than 64 KiB")); // 8
    }
    let mut from = Cursor::new(data);
    let (tag, body) = frame(&mut from)?;
    if tag != SIGNATURE {
        return Err(FormatError::new("not a signature packet"));
    }
    if !from.is_empty() {
        return Err(FormatError::new("bytes after the signature packet")); // 2
    }
    let found = signature(body)?;
    if found.odd.is_empty() { Ok(found) } else { Err(FormatError::new(found.odd)) }
}

/// The signature in a packet's body; rules 3 to 6, what 4 and 5 find being told in `odd`.
pub(super) fn signature(body: &[u8]) -> Result<SignaturePacket, FormatError> {
    let cut = || FormatError::new(CUT_SHORT);
    let version = body.first().copied().unwrap_or(0);
    let width = match version {
        4 => 2,
        6 => 4,
        _ => return Err(FormatError::new(format!("a signature of version {version}"))), // 3
    };
    let mut from = Cursor::new(body);
    let (Some([_, kind, key_algorithm, hash_algorithm]), Some(size), true) =
        (from.array::<4>(), from.number(width), body.len() <= limits::SIGNATURE)
    else {
        return Err(FormatError::new("a signature that is cut short or too long"));
    };
    let hashed_fields = from.take(size).ok_or_else(cut)?;
    let hashed = body.get(..from.at()).ok_or_else(cut)?.to_vec();
    let size = from.number(width).ok_or_else(cut)?;
    let unhashed_fields = from.take(size).ok_or_else(cut)?;
    let prefix = from.array::<2>().ok_or_else(cut)?;

    let mut found = SignaturePacket {
        version,
        kind,
        key_algorithm,
        hash_algorithm,
        made_at: 0,
        period: 0,
        key_period: None,
        flags: None,
        primary_user_id: false,
        reason: None,
        issuers: Vec::new(),
        embedded: Vec::new(),
        embedded_is_hashed: false,
        odd: "",
        hashed,
        salt: Vec::new(),
        values: Vec::new(),
        prefix,
        raw: body.to_vec(),
    };
    read_hashed(&mut found, hashed_fields)?;
    read_unhashed(&mut found, unhashed_fields)?;
    found.embedded.truncate(limits::BACK_SIGNATURES);
    if version == 6 {
        let wrong = || FormatError::new("a salt of the wrong length");
        let length = usize::from(from.byte().unwrap_or(0));
        if salt_size(hash_algorithm).is_some_and(|size| size != length) {
            return Err(wrong());
        }
        found.salt = from.take(length).ok_or_else(wrong)?.to_vec();
    }
    found.values = values(key_algorithm, from)?;
    Ok(found)
}

fn read_hashed(found: &mut SignaturePacket, fields: &[u8]) -> Result<(), FormatError> {
    let mut seen = [false; 128];
    for field in Subpackets(Cursor::new(fields)) {
        let (kind, content) = field?;
        let name = kind & 0x7F;
        if let Some(twice) = twice(name) {
            let Some(seen) = seen.get_mut(usize::from(name)) else { continue };
            if *seen {
                found.note(twice); // 4
                continue;
            }
            *seen = true;
        }
        match name {
            2 => found.made_at = seconds(content, "a creation time that is not four bytes")?,
            3 => found.period = seconds(content, "an expiry that is not four bytes")?,
            9 => found.key_period = Some(seconds(content, "a key expiry that is not four bytes")?),
            25 => found.primary_user_id = content.first().is_some_and(|byte| *byte != 0),
            27 => found.flags = Some(content.first().copied().unwrap_or(0)),
            29 => found.reason = Some(content.first().copied().unwrap_or(0)),
            16 => found.issuers.push(content.to_vec()),
            33 => found.issuers.push(content.get(1..).unwrap_or_default().to_vec()),
            32 if content.len() <= limits::BACK_SIGNATURE => {
                found.embedded.push(content.to_vec());
                found.embedded_is_hashed = true;
            }
            _ => {}
        }
        if kind & 0x80 != 0 && !known(name, found.kind == BINARY) {
            // 5
            found.note(match name {
                20 => "a critical notation that is not known here",
                _ => "a critical field that is not known here",
            });
        }
    }
    if seen.get(2) != Some(&true) {
        found.note("no creation time in the hashed part"); // 4
    }
    Ok(())
}

fn read_unhashed(found: &mut SignaturePacket, fields: &[u8]) -> Result<(), FormatError> {
    let named = !found.issuers.is_empty();
    for field in Subpackets(Cursor::new(fields)) {
        let (kind, content) = field?;
        match kind & 0x7F {
            32 if content.len() <= limits::BACK_SIGNATURE => found.embedded.push(content.to_vec()),
            16 if !named => found.issuers.push(content.to_vec()),
            33 if !named => found.issuers.push(content.get(1..).unwrap_or_default().to_vec()),
            _ => {}
        }
    }
    Ok(())
}

impl SignaturePacket {
    /// Remembers the first oddity.
    fn note(&mut self, odd: &'static str) {
        if self.odd.is_empty() {
            self.odd = odd;
        }
    }
}

/// What is wrong where a field of which readers would choose one stands twice.
fn twice(name: u8) -> Option<&'static str> {
    match name {
        2 => Some("two creation times"),
        3 => Some("two expiries"),
        9 => Some("two key expiries"),
        25 => Some("two primary user id flags"),
        27 => Some("two sets of key flags"),
        29 => Some("two reasons"),
        _ => None,
    }
}

fn seconds(content: &[u8], fault: &str) -> Result<i64, FormatError> {
    let bytes = <[u8; 4]>::try_from(content).map_err(|_| FormatError::new(fault))?;
    Ok(i64::from(u32::from_be_bytes(bytes)))
}

/// Each subpacket: its kind with the critical bit, and its content. Ends after the first error.
struct Subpackets<'a>(Cursor<'a>);

impl<'a> Iterator for Subpackets<'a> {
    type Item = Result<(u8, &'a [u8]), FormatError>;

    fn next(&mut self) -> Option<Self::Item> {
        if self.0.is_empty() {
            return None;
        }
        let found = self.one();
        if found.is_none() {
            self.0 = Cursor::new(&[]);
        }
        Some(found.ok_or_else(|| FormatError::new("a field of the signature that does not fit")))
    }
}

impl<'a> Subpackets<'a> {
    fn one(&mut self) -> Option<(u8, &'a [u8])> {
        let size = match self.0.byte()? {
            first @ 0..=191 => usize::from(first),
            255 => self.0.number(4)?,
            first => two_bytes(first, &mut self.0)?,
        };
        let (kind, content) = self.0.take(size)?.split_first()?;
        Some((*kind, content))
    }
}

/// The back-signatures that a binding carries and that obey rules 3 to 6.
pub(super) fn back_signatures(binding: &SignaturePacket) -> Vec<SignaturePacket> {
    let read = binding.embedded.iter().filter_map(|body| signature(body).ok());
    read.filter(|claim| claim.kind == BACK_SIGNATURE && claim.odd.is_empty()).collect()
}

/// The numbers from here to the end of the body; rule 6.
fn values(algorithm: u8, mut from: Cursor<'_>) -> Result<Vec<Vec<u8>>, FormatError> {
    if let Some(size) = native_size(algorithm) {
        let rest = from.rest();
        if rest.len() != size {
            return Err(FormatError::new("a signature of the wrong size"));
        }
        return Ok(vec![rest.to_vec()]);
    }
    let Some(count) = number_count(algorithm) else { return Ok(Vec::new()) };
    let found = numbers(count, &mut from)?;
    if !from.is_empty() {
        return Err(FormatError::new("bytes after the numbers of the signature"));
    }
    Ok(found)
}

/// So many numbers, without leading zeros.
fn numbers(count: usize, from: &mut Cursor<'_>) -> Result<Vec<Vec<u8>>, FormatError> {
    (0..count)
        .map(|_| {
            let bytes = from.number(2).and_then(|bits| from.take(bits.div_ceil(8)));
            let bytes = bytes.ok_or_else(|| FormatError::new("a number that is cut short"))?;
            let zeros = bytes.iter().take_while(|byte| **byte == 0).count();
            Ok(bytes.get(zeros..).unwrap_or_default().to_vec())
        })
        .collect()
}

/// The public key in a packet's body; refuses versions 3 and 5.
pub(super) fn key(body: &[u8]) -> Result<KeyPacket, FormatError> {
    let cut = || FormatError::new(KEY_CUT_SHORT);
    let version = body.first().copied().unwrap_or(0);
    if version != 4 && version != 6 {
        return Err(FormatError::new(format!("a key of version {version}")));
    }
    if body.len() > MAX_KEY_BODY {
        return Err(FormatError::new("a key of more than 16 KiB")); // 8
    }
    let mut from = Cursor::new(body);
    let [_, a, b, c, d, algorithm] = from.array::<6>().ok_or_else(cut)?;
    let created = i64::from(u32::from_be_bytes([a, b, c, d]));
    if version == 6 && from.number(4).ok_or_else(cut)? != from.rest().len() {
        return Err(FormatError::new("a key whose length is not what it says"));
    }
    let values = match algorithm {
        RSA | RSA_SIGN => numbers(2, &mut from)?,
        DSA => numbers(4, &mut from)?,
        ECDSA | EDDSA => {
            let size = usize::from(from.byte().unwrap_or(0));
            let curve = from.take(size).filter(|curve| !curve.is_empty()).ok_or_else(cut)?;
            let mut values = vec![curve.to_vec()];
            values.extend(numbers(1, &mut from)?);
            values
        }
        ED25519 | ED448 => {
            let size = if algorithm == ED25519 { 32 } else { 57 };
            let point = from.take(from.rest().len()).filter(|point| point.len() == size);
            vec![point.ok_or_else(|| FormatError::new("a key of the wrong size"))?.to_vec()]
        }
        _ => {
            from = Cursor::new(&[]);
            Vec::new()
        }
    };
    if !from.is_empty() {
        return Err(FormatError::new("bytes after the numbers of the key"));
    }
    Ok(KeyPacket { version, created, algorithm, values, body: body.to_vec() })
}

/// A user id with the signatures that stand behind it, unverified.
#[derive(Clone, Debug)]
pub(super) struct User {
    pub text: Vec<u8>,
    pub signatures: Vec<SignaturePacket>,
}

/// A subkey with the signatures that stand behind it, unverified.
#[derive(Clone, Debug)]
pub(super) struct Subkey {
    pub key: KeyPacket,
    pub signatures: Vec<SignaturePacket>,
}

/// One certificate as it lies in the bytes, unverified. `key` is why it cannot be one, or its
/// primary key.
#[derive(Clone, Debug)]
pub(super) struct Block {
    pub key: Result<KeyPacket, FormatError>,
    pub signatures: Vec<SignaturePacket>,
    pub users: Vec<User>,
    pub subkeys: Vec<Subkey>,
}

/// Where the signatures go that are read next.
enum Behind {
    Key,
    User,
    Subkey,
    Nothing,
}

/// The certificates in binary packets, in their order.
///
/// User attributes, odd user ids and subkeys that cannot be read are left out with the signatures
/// behind them, and so are signatures that cannot be read. A key that cannot be read makes a fault
/// of its block. Refused are secret keys (rule 7), bytes that are not the packets of certificates,
/// and more than 65 536 packets.
pub(super) fn blocks(data: &[u8]) -> Result<Vec<Block>, FormatError> {
    let mut found: Vec<Block> = Vec::new();
    let mut behind = Behind::Nothing;
    let mut from = Cursor::new(data);
    let mut count = 0_usize;
    while !from.is_empty() {
        let (tag, body) = frame(&mut from)?;
        count = count.saturating_add(1);
        if count > MAX_PACKETS {
            return Err(FormatError::new("more packets than a certificate may have")); // 8
        }
        if tag == SECRET_KEY || tag == SECRET_SUBKEY {
            return Err(FormatError::new("secret key material: only public keys are taken")); // 7
        }
        // Marker, trust, padding: meaningless between the packets of a certificate. So is every
        // tag from 40 on that is not known (RFC 9580 §4.3).
        if matches!(tag, 10 | 12 | 21 | 40..) {
            continue;
        }
        if tag == PUBLIC_KEY {
            found.push(Block {
                key: key(body),
                signatures: Vec::new(),
                users: Vec::new(),
                subkeys: Vec::new(),
            });
            behind = Behind::Key;
            continue;
        }
        let Some(block) = found.last_mut() else {
            return Err(FormatError::new("not an OpenPGP certificate"));
        };
        match tag {
            SIGNATURE => {
                let Ok(claim) = signature(body) else { continue };
                // These two speak of the primary key, wherever they were put.
                if matches!(claim.kind, DIRECT | KEY_REVOCATION) {
                    block.signatures.push(claim);
                    continue;
                }
                let place = match behind {
                    Behind::Key => Some(&mut block.signatures),
                    Behind::User => block.users.last_mut().map(|user| &mut user.signatures),
                    Behind::Subkey => block.subkeys.last_mut().map(|subkey| &mut subkey.signatures),
                    Behind::Nothing => None,
                };
                if let Some(place) = place {
                    place.push(claim);
                }
            }
            USER_ID if body.len() <= MAX_USER_ID => {
                behind = Behind::User;
                block.users.push(User { text: body.to_vec(), signatures: Vec::new() });
            }
            PUBLIC_SUBKEY => {
                behind = Behind::Nothing;
                if let Ok(key) = key(body) {
                    behind = Behind::Subkey;
                    block.subkeys.push(Subkey { key, signatures: Vec::new() });
                }
            }
            USER_ID | USER_ATTRIBUTE => behind = Behind::Nothing,
            _ => return Err(FormatError::new("not an OpenPGP certificate")),
        }
    }
    Ok(found)
}
