//! What was said, as far as it is known: by the view of a folder (`crate::viewing`), or in the file
//! beside a loader (`crate::baked`). Whoever asks for a verdict asks all of them alike.
//!
//! Nothing that is looked up here is believed: envelopes are read and verified where they are weighed.
//!
//! Warnings about single files of a tree are those of `sig/verbs/scopes.py`, C1 to C4.

use std::collections::{BTreeMap, BTreeSet};
use std::rc::Rc;

use crate::border::attest;
use crate::model::attestation::{Attestation, Malformed, UnverifiedAttestation};
use crate::model::fingerprint::Fingerprint;
use crate::model::identifier::{Identifier, filed_by_scope};
use crate::model::standing::Standing;
use crate::model::statement::Statement;
use crate::model::strict::{self, Names, Value};
use crate::model::verdict::{State, Verdict};
use crate::model::{wheel, wire};
use crate::openpgp::{Certificate, Fault, made_at};
use crate::repo::view::{self, Row};
use crate::trust::decide::{Measure, Question, decide};
use crate::trust::weighed::{Found, Weighed};
use crate::viewing::Trouble;

/// The source of what only memory has.
pub const KEPT: &str = "kept";

/// What was said, and by what it is measured.
pub trait Claims {
    /// By what is measured: who counts, the policy, and the moment.
    fn measure(&self) -> Measure<'_>;

    /// All rows that are filed under this.
    fn rows(&self, filed: &str) -> Result<Vec<Row>, Trouble>;

    /// At what the rows say to look that are filed under this.
    fn pointed(&self, filed: &str) -> Result<Vec<Identifier>, Trouble>;

    /// What is known of a key that counts.
    fn certificate(&self, key: &Fingerprint) -> Result<Option<Rc<Certificate>>, Trouble>;

    /// What all statements of one source have in common: who has them, and whether it is out of date.
    fn source(&self, source: &str) -> Result<(Vec<String>, bool), Trouble>;

    /// A list of files, with the digest that it is named by.
    fn object(&self, id: &Identifier) -> Result<Option<Vec<u8>>, Trouble>;

    /// Something that people should know beside the answers; said once.
    fn note(&self, text: String);

    /// What there is of that.
    fn notes(&self) -> Vec<String>;

    /// The keys that count.
    fn trust(&self) -> &BTreeSet<Fingerprint> {
        self.measure().trusted
    }

    /// What is believed of the bytes with these identifiers, in their order.
    fn verdicts(&self, ids: &[Identifier]) -> Result<Vec<Verdict>, Trouble> {
        let mut scoped = scoped(self, ids)?;
        let by = self.measure();
        let mut found = Vec::with_capacity(ids.len());
        for id in ids {
            let mut rows = self.rows(id.as_str())?;
            rows.append(&mut scoped.remove(id).unwrap_or_default());
            let weighed = self.weigh(&rows)?;
            found.push(decide(&Question { id, by, purpose: "", unfit: None }, &weighed));
        }
        Ok(found)
    }

    /// Those of these bytes that may be marked bad: all others have no word against them, neither
    /// about themselves nor about a path of a tree (C1). One lookup for each two first digits, and
    /// none for each of them.
    fn against(&self, ids: &BTreeSet<Identifier>) -> Result<BTreeSet<Identifier>, Trouble> {
        let asked: Vec<Identifier> = ids.iter().filter(|id| id.names_bytes()).cloned().collect();
        let filed: BTreeSet<String> = asked.iter().map(view::against).collect();
        let mut found: BTreeSet<Identifier> = scoped(self, &asked)?.into_keys().collect();
        for filed in &filed {
            found.extend(self.pointed(filed)?.into_iter().filter(|id| ids.contains(id)));
        }
        Ok(found)
    }

    /// The lists of files in the folder that may be of the same distributions as this one: those with
    /// the same digests of METADATA, all of them. None where it has none. A list may be gone or
    /// damaged since: it counts as missing then, as ever.
    fn lists_like(&self, text: &str) -> Result<Vec<Identifier>, Trouble> {
        let digests = wheel::metadata(text.as_bytes());
        if digests.is_empty() {
            return Ok(Vec::new());
        }
        self.pointed(&view::alike(&digests))
    }

    /// The statements with all that is known about them; signatures are verified here.
    fn weigh(&self, rows: &[Row]) -> Result<Vec<Weighed>, Trouble> {
        rows.iter().map(|row| weighed(self, row)).collect()
    }
}

fn weighed(told: &(impl Claims + ?Sized), row: &Row) -> Result<Weighed, Trouble> {
    let (sources, stale) = told.source(&row.source)?;
    let kept = row.source == KEPT;
    let mut made = Weighed {
        id: row.filed.clone(),
        key: String::new(),
        uid: String::new(),
        found: Found::Malformed(Malformed { id: row.filed.clone(), key: None, why: String::new() }),
        refused: None,
        why: String::new(),
        sources,
        first_met: row.first_met,
        stale,
        kept,
    };
    match read_row(row) {
        Err(malformed) => {
            made.key = malformed.key.clone().unwrap_or_default();
            made.refused = Some(State::Invalid);
            made.why = malformed.why.clone();
            made.found = Found::Malformed(malformed);
        }
        Ok(said) => {
            let certificate = told.certificate(&said.key)?;
            made.key = said.key.as_str().to_owned();
            made.uid = certificate.as_ref().map(|one| one.uid()).unwrap_or_default();
            made.found = match attest(said, certificate.as_deref()) {
                Ok(proved) => Found::Proved(proved),
                Err((unproven, said)) => {
                    made.refused = Some(match unproven.fault {
                        Fault::UnknownKey => State::UnknownKey,
                        Fault::Invalid => State::Invalid,
                        Fault::Weak => State::Weak,
                    });
                    made.why = unproven.why;
                    if kept { believed(*said, &made.why) } else { Found::Refused(*said) }
                }
            };
        }
    }
    Ok(made)
}

// --- warnings about single files of a tree -------------------------------------------------------

/// What is to be weighed about these bytes besides what is filed under them.
fn scoped(
    told: &(impl Claims + ?Sized),
    ids: &[Identifier],
) -> Result<BTreeMap<Identifier, Vec<Row>>, Trouble> {
    let mut found: BTreeMap<Identifier, Vec<Row>> = BTreeMap::new();
    for key in told.trust() {
        // C2
        for row in told.rows(&filed_by_scope(key.as_str()))? {
            let Ok(said) = read_row(&row) else { continue };
            if !told.trust().contains(&said.key) {
                continue;
            }
            let Some(meant) = meant(told, &said.statement)? else {
                tell_of_missing(told, &row, &said.statement)?; // C4
                continue;
            };
            for id in ids.iter().filter(|id| meant.contains(id)) {
                let rows = found.entry(id.clone()).or_default();
                rows.push(row.clone());
                let mut same = told.rows(said.statement.id.as_str())?; // C3
                same.retain(|other| other.text.contains(said.key.as_str()));
                rows.append(&mut same);
            }
        }
    }
    Ok(found)
}

/// The bytes at the paths that a warning names (C1); None where the list is not here (C4).
fn meant(
    told: &(impl Claims + ?Sized),
    said: &Statement,
) -> Result<Option<BTreeSet<Identifier>>, Trouble> {
    let mut found = BTreeSet::new();
    let (Some(manifest), Some(scope)) = (&said.manifest, &said.scope) else {
        return Ok(Some(found));
    };
    let Some(text) = told.object(manifest)? else { return Ok(None) };
    let scope: BTreeSet<&[u8]> = scope.iter().map(String::as_bytes).collect();
    for line in text.split(|one| *one == b'\n') {
        let Some((digits, rest)) = line.split_at_checked(64) else { continue };
        let Some(path) = rest.strip_prefix(b"  ") else { continue };
        if scope.contains(path) {
            let id = std::str::from_utf8(digits).map(|it| Identifier::new(&format!("sha256:{it}")));
            found.extend(id.into_iter().flatten());
        }
    }
    Ok(Some(found))
}

fn tell_of_missing(
    told: &(impl Claims + ?Sized),
    row: &Row,
    said: &Statement,
) -> Result<(), Trouble> {
    let proved = told.weigh(std::slice::from_ref(row))?;
    let proved = proved.iter().any(|one| one.attestation().is_some()); // anyone can claim a key
    if let Some(manifest) = said.manifest.as_ref().filter(|_| proved) {
        let note = format!(
            "a warning about files of {manifest} counts for the whole alone: their list is not \
             here (sig fetch)"
        );
        told.note(note);
    }
    Ok(())
}

/// The statement of a row, read as strictly as a stranger's file.
fn read_row(row: &Row) -> Result<UnverifiedAttestation, Malformed> {
    let malformed = |key, why: &str| Malformed { id: row.filed.clone(), key, why: why.to_owned() };
    let value = strict::read(row.text.as_bytes(), Names::Visible)
        .map_err(|error| malformed(None, error.message()))?;
    if row.malformed {
        let field = |name| value.object().and_then(|it| it.get(name)).and_then(Value::text);
        let key = field("key").map(str::to_owned);
        return Err(malformed(key, field("why").unwrap_or_default()));
    }
    wire::filed_attestation(&row.filed, &value)
}

/// A remembered word that nothing proves today: it was proved once, and stands like one of a stolen
/// key (docs/spec/memory §2.2).
fn believed(said: UnverifiedAttestation, why: &str) -> Found {
    let Some(signed_at) = made_at(&said.sig) else {
        return Found::Refused(said); // of a program that read it otherwise
    };
    Found::Proved(Attestation {
        said,
        signed_at,
        signature_expires: None,
        standing: Standing::RevokedHard,
        why: why.to_owned(),
        key_end: None,
    })
}
