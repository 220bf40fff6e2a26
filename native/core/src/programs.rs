//! Who answers for a program, by what was said of it (docs/spec/closure §5), as
//! `sig/verbs/covering.py` does from the whole folder.
//!
//! K1 and K2 are those of `crate::trust::covering`.
//!
//! A1 to A3 are those of `sig/verbs/interpreter.py`: who answers for an interpreter.
//!
//! K3  A root has its own verdict besides, that of its list of files. Marked bad, it is not run,
//!     whoever signed the closure; so are one listed file, an archive that is said to hold these
//!     files, and a list that differs from the root's only in what installers write.

use std::collections::{BTreeMap, BTreeSet};

use crate::claims::Claims;
use crate::model::attestation::Attestation;
use crate::model::closure::Closure;
use crate::model::identifier::{Identifier, digest, filed_by_app, filed_by_manifest};
use crate::model::manifest::{self, Manifest};
use crate::model::verdict::{Answer, Verdict};
use crate::model::wheel;
use crate::trust::covering::{self, Release, Run};
use crate::trust::decide::{PYTHON, Question, decide};
use crate::viewing::{Trouble, View};

/// Bytes of an identifier and a line end.
const NOTED: usize = 80;

/// One root of a closure, or an interpreter, and what is believed of it by itself (K3).
#[derive(Clone, Debug)]
pub struct Root {
    /// Its name.
    pub name: String,
    /// The identifier of its list.
    pub id: Identifier,
    /// None where its list is not in the folder.
    pub files: Option<Manifest>,
    /// What is believed of the list.
    pub verdict: Verdict,
}

/// The releases of a program in statements that count, the highest first (K1).
pub fn releases(told: &dyn Claims, app: &str) -> Result<Vec<Release>, Trouble> {
    let mut ids = BTreeSet::new();
    for key in told.trust() {
        for one in told.weigh(&told.rows(&filed_by_app(app, key.as_str()))?)? {
            if let Some(said) = one.attestation().filter(|said| told.trust().contains(said.key())) {
                ids.insert(said.statement().id.clone());
            }
        }
    }
    let mut closures = Vec::with_capacity(ids.len());
    for id in ids {
        let weighed = told.weigh(&told.rows(id.as_str())?)?;
        closures.push((id, weighed));
    }
    Ok(covering::releases(told.measure(), app, &closures))
}

/// What is believed of a closure, for a run (K1, K2).
pub fn closure_verdict(
    told: &dyn Claims,
    closure: &Identifier,
    run: &Run<'_>,
) -> Result<Verdict, Trouble> {
    let weighed = told.weigh(&told.rows(closure.as_str())?)?;
    Ok(covering::closure_verdict(told.measure(), closure, &weighed, run))
}

/// Every root of a closure and what is believed of it (K3).
pub fn roots(told: &dyn Claims, closure: &Closure) -> Result<Vec<Root>, Trouble> {
    let mut found = Vec::new();
    for (name, digits) in closure.roots() {
        let id = id_of(digits)?;
        let files = told.object(&id)?.map(|raw| read(&raw)).transpose()?;
        let mut verdict = list_verdict(told, &id, "")?;
        if let Some(files) = &files {
            for other in told.lists_like(files.text())? {
                if other == id || verdict.answer == Answer::Bad {
                    continue;
                }
                let Some(raw) = told.object(&other)? else { continue };
                if !wheel::same_distribution(&read(&raw)?, files) {
                    continue;
                }
                let theirs = list_verdict(told, &other, "")?;
                let better = verdict.answer != Answer::Ok && theirs.answer == Answer::Ok;
                if better || theirs.answer == Answer::Bad {
                    verdict = Verdict { id: id.clone(), ..theirs };
                }
            }
        }
        found.push(Root { name: name.to_owned(), id, files, verdict });
    }
    Ok(found)
}

/// Digests of listed files that are marked bad, and in which words (K3).
pub fn bad_files<'a>(
    told: &dyn Claims,
    lists: impl IntoIterator<Item = &'a Manifest>,
) -> Result<BTreeMap<String, String>, Trouble> {
    let mut places: BTreeMap<Identifier, &str> = BTreeMap::new();
    for listed in lists {
        for (path, digits) in listed.files() {
            places.entry(id_of(digits)?).or_insert(path);
        }
    }
    let named = told.against(&places.keys().cloned().collect())?;
    let named: Vec<Identifier> = named.into_iter().collect();
    let mut found = BTreeMap::new();
    for verdict in told.verdicts(&named)? {
        if let (Answer::Bad, Some(path)) = (verdict.answer, places.get(&verdict.id)) {
            let told = format!("{path} is {}", verdict.message);
            found.insert(verdict.id.digits().to_owned(), told);
        }
    }
    Ok(found)
}

/// The list of an interpreter that is not the system's, by the path of its file, and what is
/// believed of it (A1); None where nobody has noted which list that has (A2).
pub fn interpreter(view: &View<'_>, executable: &[u8]) -> Result<Option<Root>, Trouble> {
    let name = format!("pythons/{}", digest(executable));
    let noted = view.file(&name, NOTED)?.unwrap_or_default();
    let noted = String::from_utf8_lossy(&noted);
    let Ok(id) = Identifier::new(noted.trim()) else { return Ok(None) };
    let files = view.object(&id)?.map(|raw| read(&raw)).transpose()?;
    let verdict = list_verdict(view, &id, PYTHON)?;
    Ok(Some(Root { name: "python".to_owned(), id, files, verdict }))
}

/// What is believed of a list of files, whatever any folder is like: also what was said of archives
/// that are said to hold it, by who can say so. `purpose` as in a `Question`.
fn list_verdict(told: &dyn Claims, id: &Identifier, purpose: &str) -> Result<Verdict, Trouble> {
    let mut rows = told.rows(id.as_str())?;
    rows.extend(told.rows(&filed_by_manifest(id.as_str()))?); // all of who counts
    let mut weighed = told.weigh(&rows)?;
    let archives: BTreeSet<Identifier> = weighed
        .iter()
        .filter_map(|one| one.attestation())
        .filter(|one| told.trust().contains(one.key()))
        .map(Attestation::statement)
        .filter(|said| said.manifest.as_ref() == Some(id) && said.id != *id)
        .map(|said| said.id.clone())
        .collect();
    for archive in &archives {
        weighed.extend(told.weigh(&told.rows(archive.as_str())?)?);
    }
    // Somebody looked at a file that happens to be this list, not at the files in it.
    let unfit = |one: &Attestation| {
        let said = one.statement();
        let alone = said.ok && said.id == *id && said.manifest.as_ref() != Some(id);
        alone.then(|| "it is about a file, not about the files that are listed in it".to_owned())
    };
    let by = told.measure();
    let verdict = decide(&Question { id, by, purpose, unfit: Some(&unfit) }, &weighed);
    if verdict.answer != Answer::Bad && !archives.is_empty() {
        let archives: Vec<Identifier> = archives.into_iter().collect();
        for other in told.verdicts(&archives)? {
            if other.answer == Answer::Bad {
                let message =
                    format!("an archive of these files, {}, is {}", other.id, other.message);
                return Ok(Verdict { id: id.clone(), message, ..other });
            }
        }
    }
    Ok(verdict)
}

fn id_of(digits: &str) -> Result<Identifier, Trouble> {
    Identifier::new(&format!("sha256:{digits}")).map_err(|error| Trouble::unusable(&error))
}

fn read(raw: &[u8]) -> Result<Manifest, Trouble> {
    manifest::read_canonical(raw).map_err(|error| {
        Trouble::new(
            format!("a list of the folder is none: {}", error.message()),
            Some("sig doctor"),
        )
    })
}
