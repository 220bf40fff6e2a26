//! Do we believe it? Statements, trusted keys, a policy and an instant make a verdict.
//!
//! No I/O, no clock, no mathematics: whether a signature was made by a key is proved before
//! (`crate::border`), and shows in the type. Every function here depends on its arguments only, so
//! the verdict of a moment in the past can be had again.
//!
//! R1  *About.* A statement counts for the id that stands in its signed data, or for an alias there;
//!     never for where it was filed. One about an archive counts for the tree that it says is in it,
//!     where the tree is asked for; a warning that names files of a tree counts for those. A second
//!     sha256 is no digest of the same bytes: what is named by such an alias is not ok by it. Asked
//!     by alias, all that the signer said about that id is read.
//! R2  *Once.* Envelopes of equal key, signed bytes and time are one statement. It has the sources
//!     of all and stands by the best signature; a further copy takes nothing away.
//! R3  *State.* The first that holds, in the order of `State`. It is for people; what counts follows
//!     from all conditions, by R5 and R6.
//! R4  *Word of a signer*, over all statements of one key about one id, trusted or not:
//!     a   the newer ends the older; in one second a warning is newest, then a withdrawal, then an
//!         ok;
//!     b   a warning is ended by a newer warning that stands or a newer reviewed ok of its topic, or
//!         a newer withdrawal. An ok or withdrawal that ends a warning is sound, not in the future,
//!         and needs nothing that we do not know; where the policy refuses what is late, it is not
//!         late, or is remembered from before that. A withdrawal that once counted and is remembered
//!         ends warnings too, unless its key was stolen;
//!     c   all else is ended by whatever is newer in its topic and by a newer withdrawal, also of a
//!         stolen key: a thief can only take away, and no older ok is revived by what happens to a
//!         newer one. An ok or withdrawal in the future ends nothing;
//!     d   what was ended stays so when the newer one expires, goes stale or fails a policy.
//! R5  *Ok* counts if its key is trusted, it was reviewed, its signature is sound, and nothing of R3
//!     holds but `late` or `stale` where the policy counts them. What only memory has does not
//!     count.
//! R6  *A warning* counts if its key is trusted, it was not ended, and its signature is sound, or
//!     fell with a stolen key, or counted once and is remembered. It never expires, and is never too
//!     early, too late or too old.
//! R7  *One certificate, one voice*, and who warns says not ok, whatever else he says.
//! R8  *Answer.* Bad if more warn than the policy bears; else ok if enough say ok; else unknown if
//!     nobody said anything; else unverified.
//!
//! The rules of statements are those of docs/spec/statement, of signatures those of
//! docs/spec/envelope.

use std::borrow::Cow;
use std::cmp::Reverse;
use std::collections::{BTreeMap, BTreeSet};

use super::policy::Policy;
use super::weighed::Weighed;
use crate::model::attestation::{Attestation, Same};
use crate::model::fingerprint::Fingerprint;
use crate::model::identifier::{Identifier, filed_by_manifest, filed_by_scope};
use crate::model::standing::Standing;
use crate::model::statement::Statement;
use crate::model::verdict::{Answer, Judged, Reason, State, Verdict};

/// A clock may be this wrong; what is signed further ahead is `Future` (docs/spec/envelope §6).
pub const CLOCK_SKEW: i64 = 600;

/// The criterion of a statement about an interpreter (docs/spec/closure §7).
pub const PYTHON: &str = "python-build";

/// Why an ok does not count for what was asked, if there is a reason.
pub type Unfit<'a> = dyn Fn(&Attestation) -> Option<String> + 'a;

/// By what is measured.
#[derive(Clone, Copy)]
pub struct Measure<'a> {
    /// The keys that count.
    pub trusted: &'a BTreeSet<Fingerprint>,
    /// How much is enough.
    pub policy: &'a Policy,
    /// The moment, in seconds since 1970.
    pub now: i64,
}

/// What is asked.
#[derive(Clone, Copy)]
pub struct Question<'a> {
    /// The bytes.
    pub id: &'a Identifier,
    /// By what is measured.
    pub by: Measure<'a>,
    /// What an ok has to be for: `app:NAME` where the bytes are the list of all that this program
    /// may load, `PYTHON` where they are that of an interpreter; else "". An ok about such a list
    /// counts for nothing else.
    pub purpose: &'a str,
    /// Oks that do not count for what was asked. They end what is older all the same.
    pub unfit: Option<&'a Unfit<'a>>,
}

/// Which is newer in one second (R4a).
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Rank {
    Ok,
    Withdrawal,
    Warning,
}

/// One verified statement while it is judged: its copies united (R2), then R3 to R6.
struct Word<'a> {
    found: &'a Attestation,
    uid: &'a str,
    sources: Vec<&'a str>,
    stale: bool,
    kept: bool,
    unnamed: &'static str,
    rank: Rank,
    future: bool,
    late: bool,
    ended: &'static str,
    state: State,
    counts: bool,
    why: Cow<'a, str>,
}

impl<'a> Word<'a> {
    fn new(id: &Identifier, copies: &[Copy<'a>], now: i64) -> Option<Self> {
        let (one, _) = *copies.first()?;
        let (_, found) = *copies.iter().min_by_key(|(_, found)| worse(found))?;
        let mut sources: Vec<&str> = one.sources.iter().map(String::as_str).collect();
        if copies.len() > 1 {
            let all = copies.iter().flat_map(|(each, _)| &each.sources);
            sources = all.map(String::as_str).collect::<BTreeSet<_>>().into_iter().collect();
        }
        let said = found.statement();
        let rank = match (said.ok, said.withdrawn) {
            (true, _) => Rank::Ok,
            (false, true) => Rank::Withdrawal,
            (false, false) => Rank::Warning,
        };
        let first_met = copies.iter().filter_map(|(each, _)| each.first_met).min();
        // What only memory has says nothing about how old the sources are.
        let offered = || copies.iter().filter(|(each, _)| !each.sources.is_empty());
        let stale = if offered().next().is_some() {
            offered().all(|(each, _)| each.stale)
        } else {
            copies.iter().all(|(each, _)| each.stale)
        };
        Some(Self {
            found,
            uid: copies.iter().map(|(each, _)| each.uid.as_str()).max().unwrap_or_default(),
            sources,
            stale,
            kept: copies.iter().any(|(each, _)| each.kept),
            unnamed: unnamed(id, said),
            rank,
            future: found.signed_at > now.saturating_add(CLOCK_SKEW),
            late: matches!((first_met, found.key_end), (Some(met), Some(end)) if met > end),
            ended: "",
            state: State::Invalid,
            counts: false,
            why: Cow::Borrowed(""),
        })
    }

    fn key(&self) -> &'a str {
        self.found.key().as_str()
    }

    /// Whether a warning with this signature counts (R6), whoever signed it.
    fn stands(&self) -> bool {
        matches!(self.found.standing, Standing::Sound | Standing::RevokedHard) || self.kept
    }

    /// R4b, for what is newer than the warning and, but for withdrawals, in its topic.
    fn ends_warnings(&self, policy: &Policy) -> bool {
        if self.rank == Rank::Warning {
            return self.stands();
        }
        if self.future || self.found.statement().unknown_needs().next().is_some() {
            return false;
        }
        let standing = self.found.standing;
        let late = self.late && !self.kept && !policy.late;
        let sound = standing == Standing::Sound && !late;
        if self.rank == Rank::Withdrawal {
            return sound || (self.kept && standing != Standing::RevokedHard);
        }
        sound && reviewed(self.found.statement())
    }

    /// R4c, for what is newer and, but for withdrawals, in the same topic.
    fn ends_others(&self) -> bool {
        self.stands() && (self.rank == Rank::Warning || !self.future)
    }
}

/// The best signature of one statement, where several were made in the same second (R2), is the
/// least in this.
fn worse(found: &Attestation) -> impl Ord + use<'_> {
    let standing = match found.standing {
        Standing::Sound => 0,
        Standing::RevokedHard => 1,
        Standing::Expired => 2,
        Standing::RevokedSoft => 3,
    };
    // No end is better than any, and a later one better than an earlier.
    let end = |end: Option<i64>| (end.is_some(), Reverse(end));
    let sig = &found.said.sig;
    (standing, end(found.signature_expires), end(found.key_end), (sig.len(), sig, &found.why))
}

fn reviewed(said: &Statement) -> bool {
    // `wire` makes no reviewed statement beside a base, a scope or another method. A partial review
    // must not pass for a full one whoever made the value.
    said.reviewed && said.base.is_none() && said.scope.is_none() && said.method == "human"
}

// --- R1, R2: which statements there are ----------------------------------------------------------

type Copy<'a> = (&'a Weighed, &'a Attestation);
type Refusal<'a> = (&'a Weighed, State, &'a str);

/// Every verified statement about the id once, and what is shown of the rest.
fn words<'a>(
    id: &Identifier,
    weighed: &'a [Weighed],
    now: i64,
) -> (Vec<Word<'a>>, Vec<Refusal<'a>>) {
    let mut same: BTreeMap<Same<'a>, Vec<Copy<'a>>> = BTreeMap::new();
    let mut other: Vec<Copy<'a>> = Vec::new();
    let mut refused: Vec<Refusal<'a>> = Vec::new();
    for one in weighed {
        match one.attestation() {
            None => refused.push((one, one.refused.unwrap_or(State::Invalid), &one.why)),
            Some(found) if is_about(found.statement(), id) || holds(one, found, id) => {
                same.entry(found.same()).or_default().push((one, found));
            }
            Some(found) => other.push((one, found)),
        }
    }
    let named: BTreeSet<(&str, &Identifier)> = same
        .values()
        .filter_map(|copies| copies.first())
        .map(|(_, found)| (found.key().as_str(), &found.statement().id))
        .filter(|(_, about)| *about != id)
        .collect();
    for (one, found) in other {
        if named.contains(&(found.key().as_str(), &found.statement().id)) {
            same.entry(found.same()).or_default().push((one, found));
        } else if one.id == id.as_str() {
            // The program of 2016 believed these.
            let why = "it is about another file than it is filed under";
            refused.push((one, State::Invalid, why));
        }
    }
    (same.values().filter_map(|copies| Word::new(id, copies, now)).collect(), refused)
}

fn is_about(said: &Statement, id: &Identifier) -> bool {
    said.id == *id || said.aliases.iter().any(|alias| alias == id.as_str())
}

/// Whether it is about an archive that holds the tree that is asked for, or warns of files of which
/// this is one (R1).
///
/// It must have been found as that: a file is never asked for by what an archive holds. Whether the
/// manifest has these bytes at a path in the scope was looked up by who found it.
fn holds(one: &Weighed, found: &Attestation, id: &Identifier) -> bool {
    let said = found.statement();
    let Some(manifest) = &said.manifest else { return false };
    if one.id == filed_by_scope(&one.key) {
        return said.negative() && said.scope.as_ref().is_some_and(|scope| !scope.is_empty());
    }
    manifest == id && one.id == filed_by_manifest(id.as_str())
}

/// Why an ok of this statement does not reach the id that was asked for (R1), or nothing.
fn unnamed(id: &Identifier, said: &Statement) -> &'static str {
    if said.id == *id || said.manifest.as_ref() == Some(id) {
        ""
    } else if !said.aliases.iter().any(|alias| alias == id.as_str()) {
        "it does not name this digest"
    } else if id.names_bytes() {
        "it is about other bytes and names this digest as an alias"
    } else {
        ""
    }
}

/// What is one line of what proves nothing: its state and key; the bytes that should be signed, or why
/// they cannot be read.
type Claim<'a> = (State, &'a str, Option<&'a [u8]>, &'a str);

/// What was refused, once each. Nothing of it is proved, so it is the word of nobody.
fn refused(id: &Identifier, mut shown: Vec<Refusal<'_>>, words: &[Word<'_>]) -> Vec<Judged> {
    let verified: BTreeSet<(&str, &[u8])> =
        words.iter().map(|word| (word.key(), word.found.said.signed.as_slice())).collect();
    let mut lines: BTreeMap<Claim<'_>, Judged> = BTreeMap::new();
    shown.sort_by_key(|(one, _, why)| (*why, one.uid.as_str()));
    for (one, state, why) in shown {
        let said = one.said();
        let signed = said.map(|(_, signed)| signed);
        let about = one.id == id.as_str() || said.is_some_and(|(said, _)| is_about(said, id));
        // A broken copy of a statement that is here is not another statement.
        if !about || signed.is_some_and(|signed| verified.contains(&(one.key.as_str(), signed))) {
            continue;
        }
        let place = (state, one.key.as_str(), signed, if signed.is_none() { why } else { "" });
        let before = lines.get(&place);
        let more = before.map(|before| before.sources.as_slice()).unwrap_or_default();
        let sources: BTreeSet<&String> = one.sources.iter().chain(more).collect();
        let line = Judged {
            key: one.key.clone(),
            uid: one.uid.clone(),
            state,
            counted: false,
            newest: false,
            ok: said.map(|(said, _)| said.ok),
            reviewed: said.map(|(said, _)| said.reviewed),
            signed_at: None,
            comment: said.map(|(said, _)| said.comment.clone()).unwrap_or_default(),
            sources: sources.into_iter().cloned().collect(),
            why: before.map_or(why, |before| &before.why).to_owned(),
            manifest: None,
        };
        lines.insert(place, line);
    }
    lines.into_values().collect()
}

// --- R4: the word of a signer --------------------------------------------------------------------

/// The word of every signer about every id.
fn form(words: &mut [Word<'_>], policy: &Policy) {
    let mut said: BTreeMap<(&str, &Identifier), Vec<&mut Word<'_>>> = BTreeMap::new();
    for word in words {
        said.entry((word.key(), &word.found.statement().id)).or_default().push(word);
    }
    for own in said.values_mut().filter(|own| own.len() > 1) {
        end(own, policy);
    }
}

/// Mark what newer words of the same signer about the same id ended.
///
/// One pass from the newest to the oldest: ten thousand statements of one key must not cost the
/// square of that.
fn end(own: &mut [&mut Word<'_>], policy: &Policy) {
    let moment = |word: &&mut Word<'_>| (word.found.signed_at, word.rank);
    own.sort_by_key(|word| Reverse(moment(word)));
    let mut topics = BTreeSet::new();
    let mut warned = BTreeSet::new();
    let (mut taken_back, mut taken_back_warnings) = (false, false);
    // Of one second and kind none is newer (R4a): they end only what comes after them here.
    for together in own.chunk_by_mut(|one, other| moment(one) == moment(other)) {
        for word in together.iter_mut() {
            let warning = word.rank == Rank::Warning;
            let topics = if warning { &warned } else { &topics };
            if if warning { taken_back_warnings } else { taken_back } {
                word.ended = "taken back by its signer";
            } else if topics.contains(&word.found.statement().topic()) {
                word.ended = "ended by a newer statement of the same signer";
            }
        }
        for word in together.iter() {
            let topic = word.found.statement().topic();
            let (others, warnings) = (word.ends_others(), word.ends_warnings(policy));
            if word.rank == Rank::Withdrawal {
                taken_back = taken_back || others;
                taken_back_warnings = taken_back_warnings || warnings;
                continue;
            }
            if others {
                topics.insert(topic);
            }
            if warnings {
                warned.insert(topic);
            }
        }
    }
}

// --- R3, R5, R6: state, and whether it counts ----------------------------------------------------

/// Why a reviewed ok is not what is asked for, if there is a reason.
fn out_of_scope<'a>(word: &Word<'a>, asked: &Question<'_>) -> Option<Cow<'a, str>> {
    let said = word.found.statement();
    if !word.unnamed.is_empty() {
        return Some(Cow::Borrowed(word.unnamed));
    }
    let needs: Vec<&str> = said.unknown_needs().collect();
    if !needs.is_empty() {
        let needs = needs.join(", ");
        return Some(format!("it needs {needs}, which this program does not know").into());
    }
    let says = |criterion: &str| said.criteria.iter().any(|each| each == criterion);
    let missing: Vec<&str> =
        asked.by.policy.criteria.iter().map(String::as_str).filter(|each| !says(each)).collect();
    if !missing.is_empty() {
        return Some(format!("it does not say {}", missing.join(", ")).into());
    }
    for criterion in &said.criteria {
        if criterion.starts_with("app:") && criterion != asked.purpose {
            let why = "it is a list of what a program may load, and counts only for running that";
            return Some(Cow::Borrowed(why));
        }
        if criterion == PYTHON && asked.purpose != PYTHON {
            let why =
                "it is about a Python as a whole, and counts only for running programs with it";
            return Some(Cow::Borrowed(why));
        }
    }
    if asked.purpose == PYTHON && !says(PYTHON) {
        return Some(Cow::Borrowed("it does not say that this is a Python"));
    }
    let why = asked.unfit.and_then(|unfit| unfit(word.found))?;
    Some(Cow::Owned(why))
}

/// Set the state, whether the statement counts by itself, and the reason for people.
fn judge(word: &mut Word<'_>, asked: &Question<'_>) {
    let (found, said) = (word.found, word.found.statement());
    let ok = said.ok;
    // What holds · state · does it keep the statement from counting · why.
    let mut held: Vec<(State, bool, Cow<'_, str>)> = Vec::new();
    let mut hold = |state, stops, why: &'static str| held.push((state, stops, Cow::Borrowed(why)));
    if word.future {
        hold(State::Future, ok, "signed in the future");
    }
    if word.late {
        hold(State::Late, ok && !asked.by.policy.late, "first met after the end of its key");
    }
    if ok && word.sources.is_empty() {
        hold(State::Stale, true, "no source has it any more");
    }
    if word.stale {
        hold(State::Stale, ok && !asked.by.policy.stale, "all its sources are out of date");
    }
    if !word.ended.is_empty() {
        hold(State::Superseded, true, word.ended);
    }
    if said.withdrawn {
        hold(State::Withdrawn, true, "takes back what its signer said before");
    }
    if ok && expired(found, asked.by.now) {
        hold(State::Expired, true, "it has expired");
    }
    if !asked.by.trusted.contains(found.key()) {
        hold(State::Untrusted, true, "the key is not trusted");
    }
    if ok && !reviewed(said) {
        let partial = said.base.is_some() || said.scope.is_some();
        let why = if partial {
            "only a part of it was reviewed"
        } else {
            "it was not reviewed by a human"
        };
        hold(State::Unreviewed, true, why);
    }
    if found.standing != Standing::Sound {
        let expired = found.standing == Standing::Expired;
        let state = if expired { State::KeyExpired } else { State::KeyRevoked };
        let stops = !(word.rank == Rank::Warning && word.stands());
        held.insert(0, (state, stops, Cow::Borrowed(&found.why)));
    }
    if ok {
        held.extend(out_of_scope(word, asked).map(|why| (State::OutOfScope, true, why)));
    }
    let Some((state, ..)) = held.first() else {
        word.state = if ok { State::Ok } else { State::NotOk };
        word.counts = true;
        return;
    };
    word.state = *state;
    // The state may be one that the policy bears; people want what stands in the way.
    let stops = held.iter().find(|(_, stops, _)| *stops);
    word.counts = stops.is_none();
    word.why = stops.or(held.first()).map(|(_, _, why)| why.clone()).unwrap_or_default();
}

fn expired(found: &Attestation, now: i64) -> bool {
    let past = |end: Option<i64>| end.is_some_and(|end| end <= now);
    past(found.statement().expires) || past(found.signature_expires)
}

// --- R7, R8: the verdict -------------------------------------------------------------------------

/// What is believed of the bytes with this identifier, and every statement about it.
///
/// Order and repetition of `weighed` do not matter. The lines of the verdict come in the order:
/// counted warnings, counted oks, what else trusted keys said, the rest. Each key has one line that
/// is its `newest`.
pub fn decide(asked: &Question<'_>, weighed: &[Weighed]) -> Verdict {
    let id = asked.id;
    let (mut words, shown) = words(id, weighed, asked.by.now);
    form(&mut words, asked.by.policy);
    for word in &mut words {
        judge(word, asked);
    }
    let counted = |rank| move |word: &&Word<'_>| word.counts && word.rank == rank;
    let warners: BTreeSet<String> =
        words.iter().filter(counted(Rank::Warning)).map(|word| word.key().to_owned()).collect();
    for word in &mut words {
        if word.counts && word.rank == Rank::Ok && warners.contains(word.key()) {
            // R7
            word.counts = false;
            word.why = Cow::Borrowed("the same signer marks it bad");
        }
    }
    let mut voices: BTreeMap<&Identifier, BTreeSet<&str>> = BTreeMap::new();
    for word in words.iter().filter(counted(Rank::Ok)) {
        let said = word.found.statement();
        // A tree and all archives that hold it are one thing.
        let about = if said.manifest.as_ref() == Some(id) { id } else { &said.id };
        voices.entry(about).or_default().insert(word.key());
    }
    // Ids that share an alias: signers of the one do not make up for those that the other lacks.
    let oks = voices.values().map(BTreeSet::len).max().unwrap_or(0);
    let (answer, reason, message) = answer(asked, &words, oks, warners.len());
    let refused = refused(id, shown, &words);
    let statements = lines(words, refused, asked.by.trusted);
    // Whoever said nothing that is shown said nothing.
    if statements.is_empty() && answer == Answer::Unverified {
        let (answer, reason) = (Answer::Unknown, Reason::NoStatement);
        let message = "nobody has attested it".to_owned();
        return Verdict { id: id.clone(), answer, reason, message, statements };
    }
    Verdict { id: id.clone(), answer, reason, message, statements }
}

/// R8, but for what nobody said anything about.
fn answer(
    asked: &Question<'_>,
    words: &[Word<'_>],
    oks: usize,
    warners: usize,
) -> (Answer, Reason, String) {
    let number = |count: usize| u64::try_from(count).unwrap_or(u64::MAX);
    if number(warners) > asked.by.policy.not_ok {
        let plural = if warners == 1 { "" } else { "s" };
        let message = format!("marked bad by {warners} trusted signer{plural}");
        return (Answer::Bad, Reason::MarkedBad, message);
    }
    if number(oks) >= asked.by.policy.ok {
        let message = match oks {
            1 => "1 trusted signer says ok".to_owned(),
            _ => format!("{oks} trusted signers say ok"),
        };
        return (Answer::Ok, Reason::Enough, message);
    }
    let (reason, message) = if oks > 0 || warners > 0 {
        let needed = asked.by.policy.ok;
        let message = format!("{oks} of {needed} needed signers say ok");
        return (Answer::Unverified, Reason::BelowPolicy, message);
    } else if words.iter().any(|word| word.state == State::Unreviewed) {
        (Reason::Unreviewed, "no trusted signer has reviewed it")
    } else if words.iter().any(|word| asked.by.trusted.contains(word.found.key())) {
        (Reason::NotCounted, "nothing that trusted signers said of it counts")
    } else if words.iter().any(|word| word.state == State::Untrusted) {
        (Reason::Untrusted, "no trusted signer has attested it")
    } else {
        (Reason::NotCounted, "nothing that was said of it counts")
    };
    (Answer::Unverified, reason, message.to_owned())
}

/// Every statement as it is shown, in the order of `decide`.
fn lines(
    mut words: Vec<Word<'_>>,
    mut refused: Vec<Judged>,
    trusted: &BTreeSet<Fingerprint>,
) -> Vec<Judged> {
    // Per signer first comes what decided, then what is in force, then the newest.
    words.sort_by(|one, other| place(one).cmp(&place(other)));
    let mut seen: BTreeSet<String> = BTreeSet::new();
    let mut ordered = Vec::with_capacity(words.len());
    for word in words {
        let newest = seen.insert(word.key().to_owned());
        let rank = match (word.counts, word.rank) {
            (true, Rank::Warning) => 0,
            (true, _) => 1,
            (false, _) if trusted.contains(word.found.key()) => 2,
            (false, _) => 3,
        };
        ordered.push((rank, newest, word));
    }
    ordered.sort_by_key(|(rank, newest, _)| (*rank, !newest));
    let mut lines: Vec<Judged> =
        ordered.into_iter().map(|(_, newest, word)| line(word, newest)).collect();
    refused.sort_by(|one, other| claimed(one).cmp(&claimed(other)));
    // Anyone can claim a key in what proves nothing: it must not hide the key's own words.
    for mut line in refused {
        line.newest = seen.insert(line.key.clone());
        lines.push(line);
    }
    lines
}

fn place<'a>(word: &Word<'a>) -> impl Ord + use<'a> {
    let found = word.found;
    (
        (!word.counts, word.counts && word.rank != Rank::Warning, !word.ended.is_empty()),
        word.future || found.standing != Standing::Sound,
        (Reverse(found.signed_at), Reverse(word.rank), found.key(), &found.said.signed),
    )
}

fn claimed(line: &Judged) -> impl Ord + use<'_> {
    let said = |choice: Option<bool>| match choice {
        Some(false) => 0,
        None => 1,
        Some(true) => 2,
    };
    (
        (&line.key, line.state.word(), &line.why, &line.comment, &line.uid),
        (said(line.ok), said(line.reviewed), &line.sources),
    )
}

fn line(word: Word<'_>, newest: bool) -> Judged {
    let said = word.found.statement();
    Judged {
        key: word.key().to_owned(),
        uid: word.uid.to_owned(),
        state: word.state,
        counted: word.counts,
        newest,
        ok: Some(said.ok),
        reviewed: Some(said.reviewed),
        signed_at: Some(word.found.signed_at),
        comment: said.comment.clone(),
        sources: word.sources.into_iter().map(str::to_owned).collect(),
        why: word.why.into_owned(),
        manifest: said.manifest.clone(),
    }
}
