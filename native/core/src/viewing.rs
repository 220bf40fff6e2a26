//! What is believed of some bytes, by the view of a folder (docs/spec/view §4 and §5).
//!
//! 1  The answer is the one that the whole folder would give if nobody but those who count had said
//!    anything; or there is none, and `Trouble` says why.
//! 2  The head is read before it is asked which commit was the last, and every other file is the one
//!    that the head names by digest: all are of one state, whoever writes meanwhile.
//! 3  The policy of the machine is not the folder's: it is given as it is now.

use std::cell::RefCell;
use std::collections::{BTreeMap, BTreeSet};
use std::rc::Rc;

use crate::claims::{Claims, KEPT};
use crate::errors::FormatError;
use crate::model::configuration::Configuration;
use crate::model::fingerprint::Fingerprint;
use crate::model::identifier::{Identifier, digest};
use crate::model::strict::{self, Names, Object, Value};
use crate::model::verdict::Verdict;
use crate::model::wire::UnverifiedConfiguration;
use crate::model::{limits, wire};
use crate::openpgp::{Certificate, check};
use crate::repo::journal::{self, Unfinished};
use crate::repo::memory::{self, Older};
use crate::repo::view::{self, Block, Head, Row};
use crate::trust::decide::{Measure, Question, decide};
use crate::trust::policy::{self, Policy};

/// The command that writes the view anew.
pub const FIX: &str = "sig doctor --fix";

const SMALL: usize = 64 * 1024 * 1024;
const OWN: &str = "own";
const REMOTE: &str = "remote:";

/// Why nobody can tell.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Trouble {
    /// Lower case, no full stop.
    pub message: String,
    /// The one next command.
    pub hint: Option<String>,
    /// Whether a writer may just be about to mend it: then it is worth a second look.
    pub again: bool,
}

impl Trouble {
    /// Trouble that stays, with what helps.
    pub fn new(message: impl Into<String>, hint: Option<&str>) -> Self {
        Self { message: message.into(), hint: hint.map(str::to_owned), again: false }
    }

    fn stale() -> Self {
        let message = "the view is of another state than the folder".to_owned();
        Self { message, hint: Some(FIX.to_owned()), again: true }
    }

    fn older(why: Older) -> Self {
        let key = why.key.map(|key| format!(" {key}")).unwrap_or_default();
        // A commit may just have put the one in place and not yet the other.
        Self { again: true, ..Self::new(why.message, Some(&format!("sig setup{key}"))) }
    }

    pub(crate) fn unusable(error: &FormatError) -> Self {
        Self::new(format!("the view cannot be used: {}", error.message()), Some(FIX))
    }
}

/// The files of a folder. Whoever reads them refuses what the folder refuses (docs/spec/folder §4).
pub trait Files {
    /// The bytes of a file, None if it is missing.
    fn read(&self, name: &str, limit: usize) -> Result<Option<Vec<u8>>, Trouble>;

    /// So many bytes of a file from there on, or less where it ends before; None if it is missing.
    fn part(&self, name: &str, offset: u64, length: usize) -> Result<Option<Vec<u8>>, Trouble>;

    /// How many bytes a file has, None if it is missing.
    fn length(&self, name: &str) -> Result<Option<u64>, Trouble> {
        let raw = self.read(name, usize::MAX)?;
        Ok(raw.map(|raw| u64::try_from(raw.len()).unwrap_or(u64::MAX)))
    }

    /// What people call a file.
    fn place(&self, name: &str) -> String;
}

/// The policy of the machine: its bytes, None where there is none, and what people call the file.
#[derive(Clone, Debug)]
pub struct Site {
    /// Its bytes.
    pub raw: Option<Vec<u8>>,
    /// Its path.
    pub place: String,
}

/// A folder that can be asked.
pub struct View<'a> {
    files: &'a dyn Files,
    head: Head<'a>,
    unfinished: Unfinished,
    trust: BTreeSet<Fingerprint>,
    policy: Policy,
    owner: Option<(Fingerprint, i64)>,
    now: i64,
    certificates: RefCell<BTreeMap<Fingerprint, Option<Rc<Certificate>>>>,
    blocks: RefCell<BTreeMap<u64, Rc<str>>>,
    notes: RefCell<Vec<String>>,
}

/// The bytes of the head; None where nothing was ever said in this folder, or it is not there.
pub fn head(files: &dyn Files) -> Result<Option<Vec<u8>>, Trouble> {
    let version = files.read("version", 64)?;
    match version.as_deref() {
        None | Some(b"1\n") => {}
        Some(other) => {
            let text = String::from_utf8_lossy(other);
            if journal::is_newer(text.trim(), journal::VERSION) {
                return Err(newer(files));
            }
            return Err(damaged(files, "version"));
        }
    }
    if let Some(raw) = files.read(view::NAME, view::HEAD_BYTES)? {
        return Ok(Some(raw));
    }
    let mut told = version.is_some();
    for name in ["pending/commit", "config", "keyring.gpg", "repo/repo.json"] {
        told = told || files.length(name)?.is_some();
    }
    if told { Err(Trouble::new("there is no view", Some(FIX))) } else { Ok(None) }
}

/// What is believed where nobody said anything.
pub fn nothing(ids: &[Identifier], site: &Site, now: i64) -> Result<Vec<Verdict>, Trouble> {
    let policy = tightened(Policy::default(), site)?;
    let by = Measure { trusted: &BTreeSet::new(), policy: &policy, now };
    let asked = |id| Question { id, by, purpose: "", unfit: None };
    Ok(ids.iter().map(|id| decide(&asked(id), &[])).collect())
}

impl<'a> View<'a> {
    /// The folder whose head has these bytes (rule 2).
    pub fn open(
        raw: &'a [u8],
        files: &'a dyn Files,
        site: &Site,
        now: i64,
    ) -> Result<Self, Trouble> {
        let head = Head::read(raw).map_err(|fault| match fault {
            view::Fault::Newer => {
                Trouble::new("the view was written by another version of sig", Some(FIX))
            }
            view::Fault::Format(error) => Trouble::unusable(&error),
        })?;
        let unfinished = match files.read("pending/commit", SMALL)? {
            None => Unfinished::default(),
            Some(raw) => journal::read(&raw).map_err(|fault| match fault {
                journal::Fault::Newer => newer(files),
                journal::Fault::Damaged => damaged(files, "pending/commit"),
            })?,
        };
        let last = if unfinished.commit.is_empty() {
            let raw = files.read("generation", 4096)?.unwrap_or_default();
            journal::last(&raw).to_owned()
        } else {
            unfinished.commit.clone()
        };
        if last != head.commit {
            return Err(Trouble::stale());
        }
        let mut made = Self {
            files,
            head,
            unfinished,
            trust: BTreeSet::new(),
            policy: Policy::default(),
            owner: None,
            now,
            certificates: RefCell::default(),
            blocks: RefCell::default(),
            notes: RefCell::default(),
        };
        made.check_sources()?;
        let asked = made.configured()?;
        let own = policy::read(&asked).map_err(|error| {
            let message = format!("the policy cannot be followed: {}", error.message());
            Trouble::new(message, Some("sig config policy"))
        })?;
        made.policy = tightened(own, site)?;
        Ok(made)
    }

    /// Who signed the configuration, and its sequence; None where it is not signed or has none.
    pub fn owner(&self) -> Option<(&Fingerprint, i64)> {
        self.owner.as_ref().map(|(key, sequence)| (key, *sequence))
    }

    /// The sequence of the state of a remote, `Some(None)` where it has none; None where there is no
    /// such remote.
    pub fn remote(&self, name: &str) -> Option<Option<i64>> {
        self.head.remotes.get(name).map(|one| one.sequence)
    }

    // --- files -----------------------------------------------------------------------------------

    /// A file, which a commit that is not in place may have left elsewhere.
    pub(crate) fn file(&self, name: &str, limit: usize) -> Result<Option<Vec<u8>>, Trouble> {
        match self.unfinished.changes.get(name) {
            Some(None) => return Ok(None),
            Some(Some(temporary)) => {
                if let Some(raw) = self.files.read(temporary, limit)? {
                    return Ok(Some(raw));
                }
            }
            None => {}
        }
        self.files.read(name, limit)
    }

    /// How long that is.
    fn length(&self, name: &str) -> Result<Option<u64>, Trouble> {
        match self.unfinished.changes.get(name) {
            Some(None) => return Ok(None),
            Some(Some(temporary)) => {
                if let Some(length) = self.files.length(temporary)? {
                    return Ok(Some(length));
                }
            }
            None => {}
        }
        self.files.length(name)
    }

    /// Refuses a view of other statements than the folder has: some of the files were put back from
    /// a backup, or came from elsewhere.
    fn check_sources(&self) -> Result<(), Trouble> {
        let fixed = [(OWN, "repo/repo.json"), (KEPT, "memory/kept")];
        let fixed = fixed.map(|(source, name)| (source.to_owned(), name.to_owned()));
        let remotes = self.head.remotes.keys();
        let remotes =
            remotes.map(|it| (format!("{REMOTE}{it}"), format!("remotes/{it}/repo.json")));
        let mut left = self.head.sources.clone();
        for (source, name) in fixed.into_iter().chain(remotes) {
            if self.length(&name)? != left.remove(source.as_str()) {
                return Err(Trouble::stale());
            }
        }
        if left.is_empty() { Ok(()) } else { Err(Trouble::stale()) }
    }

    /// The file that the head names by this digest; None where it says that there is none.
    fn named(&self, name: &str, told: Option<&str>) -> Result<Option<Vec<u8>>, Trouble> {
        let raw = self.file(name, SMALL)?;
        if raw.as_deref().map(digest).as_deref() == told { Ok(raw) } else { Err(Trouble::stale()) }
    }

    /// Who counts, and the policy that the configuration asks for.
    fn configured(&mut self) -> Result<Object, Trouble> {
        // Before the file: a commit between the two is then no older one.
        let newest = self.file(memory::CONFIGURATION, SMALL)?;
        let check_newest = |read: Option<&UnverifiedConfiguration>| match &newest {
            Some(newest) => memory::check_newest(newest, read).map_err(Trouble::older),
            None => Ok(()),
        };
        let Some(raw) = self.named("config", self.head.config)? else {
            check_newest(None)?;
            return Ok(Object::new());
        };
        let read = wire::configuration(&raw).map_err(|error| {
            let message = format!("config is damaged: {}", error.message());
            Trouble::new(message, Some("sig doctor"))
        })?;
        check_newest(Some(&read))?;
        let Configuration { key, trust, policy, sequence, .. } = read.configuration;
        if let (Some(key), Some(sig)) = (&key, &read.sig) {
            let certificate = self.certificate(key)?;
            // Whose key has ended since may still read the folder: only a forgery is refused.
            check(&read.signed, sig, key, certificate.as_deref()).map_err(|unproven| {
                let message = format!("config is not signed by {key}: {}", unproven.why);
                Trouble::new(message, Some("sig doctor"))
            })?;
        }
        if !self.head.counts.keys().eq(&trust) {
            return Err(Trouble::unusable(&FormatError::new("others count by it")));
        }
        self.trust = trust;
        self.owner = key.filter(|_| read.sig.is_some()).zip(sequence);
        Ok(policy)
    }

    // --- rows ------------------------------------------------------------------------------------

    /// The lines of a block, read once.
    fn block(&self, block: &Block) -> Result<Rc<str>, Trouble> {
        if let Some(known) = self.blocks.borrow().get(&block.offset) {
            return Ok(known.clone());
        }
        let Some(base) = &self.head.base else { return Err(Trouble::stale()) };
        // It goes when another takes its place.
        let raw = self.files.part(&base.name, block.offset, block.length)?;
        let raw = raw.ok_or_else(Trouble::stale)?;
        let lines = view::lines(base, block, &raw).map_err(|error| Trouble::unusable(&error))?;
        let lines: Rc<str> = Rc::from(lines);
        self.blocks.borrow_mut().insert(block.offset, lines.clone());
        Ok(lines)
    }
}

impl Claims for View<'_> {
    fn measure(&self) -> Measure<'_> {
        Measure { trusted: &self.trust, policy: &self.policy, now: self.now }
    }

    fn rows(&self, filed: &str) -> Result<Vec<Row>, Trouble> {
        if let Some(rows) = self.head.in_tail(filed) {
            return rows.map_err(|error| Trouble::unusable(&error));
        }
        let Some(base) = &self.head.base else { return Ok(Vec::new()) };
        let mut block = base.root.clone();
        for _ in 0..base.depth {
            let lines = self.block(&block)?;
            match view::below(&lines, filed).map_err(|error| Trouble::unusable(&error))? {
                Some(below) => block = below,
                None => return Ok(Vec::new()),
            }
        }
        view::rows(&self.block(&block)?, filed).map_err(|error| Trouble::unusable(&error))
    }

    fn pointed(&self, filed: &str) -> Result<Vec<Identifier>, Trouble> {
        view::pointed(&self.rows(filed)?).map_err(|error| Trouble::unusable(&error))
    }

    fn certificate(&self, key: &Fingerprint) -> Result<Option<Rc<Certificate>>, Trouble> {
        if let Some(known) = self.certificates.borrow().get(key) {
            return Ok(known.clone());
        }
        let mut found = None;
        if let Some(Some(told)) = self.head.certificate(key) {
            let name = format!("keys/{key}.pgp");
            let raw = self.named(&name, Some(told))?.unwrap_or_default();
            let damaged = |why: &str| Trouble::new(format!("{key}.pgp {why}"), Some("sig doctor"));
            let one = Certificate::stored(&raw)
                .map_err(|error| damaged(&format!("is damaged: {}", error.message())))?;
            if one.fingerprint() != key {
                return Err(damaged("holds another key"));
            }
            found = Some(Rc::new(one));
        }
        self.certificates.borrow_mut().insert(key.clone(), found.clone());
        Ok(found)
    }

    fn source(&self, source: &str) -> Result<(Vec<String>, bool), Trouble> {
        let Some(name) = source.strip_prefix(REMOTE) else {
            return match source {
                KEPT => Ok((Vec::new(), false)),
                OWN => Ok((vec![source.to_owned()], false)),
                _ => Err(Trouble::unusable(&FormatError::new("a row is of no source"))),
            };
        };
        let followed = self.head.remotes.get(name);
        let why = || Trouble::unusable(&FormatError::new("a row is of a remote that there is not"));
        let end = followed.ok_or_else(why)?.expires;
        Ok((vec![name.to_owned()], end.is_some_and(|end| end < self.now)))
    }

    fn object(&self, id: &Identifier) -> Result<Option<Vec<u8>>, Trouble> {
        let digits = id.digits();
        let Some((first, rest)) = digits.split_at_checked(2) else { return Ok(None) };
        for folder in ["repo/objects", "objects"] {
            let raw = self.file(&format!("{folder}/{first}/{rest}"), limits::MANIFEST)?;
            if let Some(raw) = raw.filter(|raw| digest(raw) == digits) {
                return Ok(Some(raw));
            }
        }
        Ok(None)
    }

    fn notes(&self) -> Vec<String> {
        self.notes.borrow().clone()
    }

    fn note(&self, text: String) {
        let mut notes = self.notes.borrow_mut();
        if !notes.contains(&text) {
            notes.push(text);
        }
    }
}

/// The policy of the folder, tightened by that of the machine (rule 3).
pub(crate) fn tightened(own: Policy, site: &Site) -> Result<Policy, Trouble> {
    let Some(raw) = &site.raw else { return Ok(own) };
    let read = strict::read(raw, Names::Visible).and_then(|value| match value {
        Value::Object(fields) => policy::read(&fields),
        _ => Err(FormatError::new("not an object")),
    });
    let told = |error: FormatError| {
        let place = &site.place;
        format!("the policy of this machine, {place}, cannot be followed: {}", error.message())
    };
    read.map(|site| policy::tightened(&site, &own)).map_err(|error| Trouble::new(told(error), None))
}

fn damaged(files: &dyn Files, name: &str) -> Trouble {
    Trouble::new(format!("{} is damaged", files.place(name)), Some("sig doctor"))
}

fn newer(files: &dyn Files) -> Trouble {
    let message = format!("{} was written by a newer sig", files.place(""));
    Trouble::new(message, Some("update sig, or use another --dir"))
}
