//! What is believed by the file beside a baked loader (docs/spec/loader §7).
//!
//! B1  Who counts are the signers of the loader and nobody else, and enough is its threshold, or what
//!     the policy of the machine asks for besides. Nothing in the file adds to them.
//! B2  All that is in the file counts by the rules of `crate::trust::decide`: warnings, withdrawals,
//!     ends, and what became of a key since. What is not in it nobody knows.
//! B3  A certificate of the file is met like a stranger's: what its own key did not sign is left out,
//!     and nothing that the loader has goes away by it.
//! B4  What others know of these keys can be asked besides, and is then merged in the same way.
//! B5  A warning that names files of a list is read by that list; the file has it, or is none.

use std::collections::{BTreeMap, BTreeSet};
use std::rc::Rc;

use crate::claims::{Claims, KEPT};
use crate::model::baked::Baked;
use crate::model::fingerprint::Fingerprint;
use crate::model::identifier::Identifier;
use crate::model::{wheel, wire};
use crate::openpgp::Certificate;
use crate::repo::view::{self, Row};
use crate::trust::decide::Measure;
use crate::trust::policy::Policy;
use crate::viewing::{Site, Trouble, View, tightened};

/// The source of every statement of the file.
const SOURCE: &str = "own";

/// What is known beside a loader.
#[derive(Clone)]
pub struct Beside<'a> {
    file: Baked<'a>,
    trust: BTreeSet<Fingerprint>,
    policy: Policy,
    now: i64,
    certificates: BTreeMap<Fingerprint, Rc<Certificate>>,
    rows: BTreeMap<String, Vec<Row>>,
    against: BTreeMap<String, BTreeSet<Identifier>>,
}

impl<'a> Beside<'a> {
    /// What counts of a file for these signers, of which so many are enough (B1).
    pub fn open(
        file: Baked<'a>,
        signers: &BTreeMap<Fingerprint, Vec<u8>>,
        threshold: u64,
        site: &Site,
        now: i64,
    ) -> Result<Self, Trouble> {
        let mut certificates = BTreeMap::new();
        for (key, raw) in signers {
            let one = known(key, raw, file.certificates.get(key).map(Vec::as_slice))?;
            certificates.insert(key.clone(), Rc::new(one));
        }
        let policy = tightened(Policy { ok: threshold, ..Policy::default() }, site)?;
        let mut made = Self {
            trust: signers.keys().cloned().collect(),
            rows: BTreeMap::new(),
            against: BTreeMap::new(),
            file,
            policy,
            now,
            certificates,
        };
        made.filed()?;
        Ok(made)
    }

    /// Files what the signers said, and says where to look for what they have against something.
    fn filed(&mut self) -> Result<(), Trouble> {
        for one in &self.file.statements {
            let said = &one.statement.statement;
            if !self.trust.contains(&one.statement.key) {
                continue;
            }
            let more = wire::also_filed(&one.statement.key, said);
            for filed in more.into_iter().chain([said.id.as_str().to_owned()]) {
                let row = Row {
                    filed: filed.clone(),
                    source: SOURCE.to_owned(),
                    first_met: None,
                    malformed: false,
                    text: one.text.clone(),
                };
                self.rows.entry(filed).or_default().push(row);
            }
            if said.ok {
                continue;
            }
            if said.id.names_bytes() {
                self.against.entry(view::against(&said.id)).or_default().insert(said.id.clone());
            }
            let scoped = said.scope.as_ref().is_some_and(|scope| !scope.is_empty());
            if let Some(list) = said.manifest.as_ref().filter(|_| scoped && said.negative()) {
                if !self.file.lists.contains_key(list.digits()) {
                    let why = format!("the list {} of a warning is missing", list.digits());
                    return Err(Trouble::new(why, None)); // B5
                }
            }
        }
        if !self.against.is_empty() {
            // Where nothing is said against anything, no list is worse than another.
            for (digits, text) in &self.file.lists {
                let digests = wheel::metadata(text);
                let id = Identifier::new(&format!("sha256:{digits}"));
                if let (false, Ok(id)) = (digests.is_empty(), id) {
                    self.against.entry(view::alike(&digests)).or_default().insert(id);
                }
            }
        }
        Ok(())
    }

    /// The same by what `others` know of its signers' keys, too (B4); None if that is nothing new.
    pub fn informed(&self, others: &dyn Claims) -> Result<Option<Self>, Trouble> {
        let mut certificates = self.certificates.clone();
        for (key, own) in &mut certificates {
            if let Some(news) = others.certificate(key)? {
                *own = Rc::new(known(key, own.raw(), Some(news.raw()))?);
            }
        }
        let same = certificates.iter().all(|(key, one)| {
            self.certificates.get(key).is_some_and(|before| before.raw() == one.raw())
        });
        Ok((!same).then(|| Self { certificates, ..self.clone() }))
    }

    /// The name of the program that the file is about.
    pub fn app(&self) -> &str {
        &self.file.app
    }
}

/// A certificate of the loader, with what a file knows of it besides (B3).
fn known(key: &Fingerprint, raw: &[u8], news: Option<&[u8]>) -> Result<Certificate, Trouble> {
    let made = match news {
        None => Certificate::stored(raw),
        Some(news) => Certificate::merged(&[raw, news], key),
    };
    let trouble = |why: &str| Trouble::new(format!("the certificate of {key}: {why}"), None);
    let found = made.map_err(|error| trouble(error.message()))?;
    if found.fingerprint() == key { Ok(found) } else { Err(trouble("it is of another key")) }
}

impl Claims for Beside<'_> {
    fn measure(&self) -> Measure<'_> {
        Measure { trusted: &self.trust, policy: &self.policy, now: self.now }
    }

    fn rows(&self, filed: &str) -> Result<Vec<Row>, Trouble> {
        Ok(self.rows.get(filed).cloned().unwrap_or_default())
    }

    fn pointed(&self, filed: &str) -> Result<Vec<Identifier>, Trouble> {
        Ok(self.against.get(filed).into_iter().flatten().cloned().collect())
    }

    fn certificate(&self, key: &Fingerprint) -> Result<Option<Rc<Certificate>>, Trouble> {
        Ok(self.certificates.get(key).cloned())
    }

    fn source(&self, source: &str) -> Result<(Vec<String>, bool), Trouble> {
        Ok((if source == KEPT { Vec::new() } else { vec![source.to_owned()] }, false))
    }

    fn object(&self, id: &Identifier) -> Result<Option<Vec<u8>>, Trouble> {
        let named = id.names_bytes();
        Ok(self.file.lists.get(id.digits()).filter(|_| named).map(|text| text.to_vec()))
    }

    fn note(&self, _: String) {}

    fn notes(&self) -> Vec<String> {
        Vec::new()
    }
}

/// A folder that is asked about what a file lists: lists that it has not itself are those of the file.
pub struct WithLists<'a> {
    /// The folder.
    pub view: &'a View<'a>,
    /// The file.
    pub file: &'a Beside<'a>,
}

impl Claims for WithLists<'_> {
    fn measure(&self) -> Measure<'_> {
        self.view.measure()
    }

    fn rows(&self, filed: &str) -> Result<Vec<Row>, Trouble> {
        self.view.rows(filed)
    }

    fn pointed(&self, filed: &str) -> Result<Vec<Identifier>, Trouble> {
        self.view.pointed(filed)
    }

    fn certificate(&self, key: &Fingerprint) -> Result<Option<Rc<Certificate>>, Trouble> {
        self.view.certificate(key)
    }

    fn source(&self, source: &str) -> Result<(Vec<String>, bool), Trouble> {
        self.view.source(source)
    }

    fn object(&self, id: &Identifier) -> Result<Option<Vec<u8>>, Trouble> {
        match self.view.object(id)? {
            None => self.file.object(id),
            found => Ok(found),
        }
    }

    fn note(&self, text: String) {
        self.view.note(text);
    }

    fn notes(&self) -> Vec<String> {
        self.view.notes()
    }
}
