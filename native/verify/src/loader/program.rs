//! Whether the program may run, and what it may load then: `sig/imports/running.py` in Rust.
//!
//! U1  What was decided is handed over in a sealed file; the new process asks nobody again.
//! U2  Where a distribution lies is looked for by name and version in the folders that the policy
//!     names; whether it is what the closure says shows when it is loaded.
//! U3  All is decided by one state of what was said.

use std::collections::BTreeMap;
use std::os::unix::ffi::{OsStrExt, OsStringExt};
use std::path::{Path, PathBuf};

use sig_core::claims::Claims;
use sig_core::model::closure::{self, APP, Closure, DIST, parts};
use sig_core::model::covered::{Covered, Root};
use sig_core::model::identifier::{Identifier, digest};
use sig_core::model::limits;
use sig_core::model::loader::{By, Editable, Level, Policy};
use sig_core::model::manifest::Manifest;
use sig_core::model::pack::Pack;
use sig_core::model::plan::{Entry, Plan};
use sig_core::model::strict::{self, Value};
use sig_core::model::verdict::{Answer, Verdict};
use sig_core::programs;
use sig_core::trust::covering::Run;
use sig_core::viewing::View;

use super::borne::Borne;
use super::files;
use super::installed::{Distribution, Installed};
use super::interpreter::Python;
use super::own::Own;
use super::project;
use super::refused::Refused;
use crate::paths::quoted;
use crate::words::{strerror, text};

const SCRIPT: usize = 256 << 20;
const PYPROJECT: &str = "pyproject.toml";
/// The root that is an interpreter with its standard library.
pub const PYTHON: &str = "python";
const DIRECT_URL: &str = "direct_url.json";

/// The files of each root.
type Lists = BTreeMap<String, Manifest>;
/// A root, and the folders of it in which modules are looked for.
type Placed = (Root, Vec<Vec<u8>>);

/// A loader that is to become its program.
pub struct Loader<'a> {
    /// What it says of itself.
    pub policy: &'a Policy,
    /// Its own file.
    pub own: &'a Own,
    /// Where that lies.
    pub path: &'a Path,
    /// The folder of the program.
    pub folder: &'a Path,
    /// The interpreter.
    pub python: &'a Python,
}

/// What may be run.
pub struct Decided<'a> {
    /// What it may load.
    pub plan: Plan<'a>,
    /// The pack beside its lock, if that counts.
    pub pack: Option<Vec<u8>>,
    /// What would have been refused, where the policy only warns of it.
    pub borne: Vec<Refused>,
    /// Who vouched for it: keys.
    pub vouched: Vec<String>,
    /// The release that runs.
    pub release: u64,
    /// What people should know besides.
    pub notes: Vec<String>,
}

impl Loader<'_> {
    /// A path of the policy: relative to the folder of the loader.
    pub fn place(&self, path: &str) -> PathBuf {
        place(self.path, path)
    }

    /// The script, for messages and children.
    pub fn script(&self) -> PathBuf {
        self.folder.join(&self.policy.script)
    }

    fn lock(&self) -> PathBuf {
        self.folder.join(format!("{}.lock", self.policy.app))
    }

    /// The file of the app that says where it starts.
    fn start(&self) -> &str {
        if self.policy.script.is_empty() { PYPROJECT } else { &self.policy.script }
    }

    /// What is typed to name the program.
    fn target(&self) -> String {
        target(self.policy, self.folder)
    }

    /// Where the file of a baked loader lies: what it is called says the policy, not the loader's name.
    pub fn beside(&self) -> PathBuf {
        self.place(&format!("{}.sig", self.policy.app))
    }

    /// What is typed after a program was changed by its owner.
    fn again(&self) -> String {
        let attest = self.attest(&self.lock());
        let attest = attest.strip_prefix(YOURS).unwrap_or(&attest);
        format!("if you changed it yourself: sig lock {} && {attest}", self.target())
    }

    /// What is typed to answer for a file.
    fn attest(&self, file: &Path) -> String {
        let file = quoted(&text(file.as_os_str()));
        match &self.policy.by {
            By::Folder(_) => format!("sig attest {file}"),
            By::Baked(_) => format!("{YOURS}sig attest {file} && {}", self.told_anew()),
        }
    }

    /// What is typed to write the file of a baked loader.
    pub fn update(&self) -> String {
        format!("{YOURS}{}", self.told_anew())
    }

    fn told_anew(&self) -> String {
        format!("sig loader update {}", quoted(&text(self.path.as_os_str())))
    }

    /// What looks anew at a Python that is not the system's.
    pub fn lock_again(&self) -> String {
        let asked = self.place(&self.policy.python.asked);
        format!("sig lock --python {} {}", quoted(&text(asked.as_os_str())), self.target())
    }

    /// What makes this loader anew.
    pub fn build(&self) -> String {
        build(self.policy, self.folder)
    }
}

/// A publisher does what its users cannot.
const YOURS: &str = "if it is yours: ";

fn target(policy: &Policy, folder: &Path) -> String {
    let project = policy.script.is_empty();
    let named = if project { folder.to_owned() } else { folder.join(&policy.script) };
    quoted(&text(named.as_os_str()))
}

/// What makes a loader of the program in this folder anew.
pub fn build(policy: &Policy, folder: &Path) -> String {
    let target = target(policy, folder);
    match &policy.by {
        By::Folder(_) => format!("sig loader build {target}"),
        By::Baked(_) => format!("{YOURS}sig loader build --baked … {target}"),
    }
}

/// Those who may say no beside those who decide: the folder of who starts it.
pub struct Doubts<'a> {
    /// What was said there.
    pub told: &'a dyn Claims,
    /// The words of those who decide, by what is known there of their keys, if that is more.
    pub keys: Option<&'a dyn Claims>,
    /// Where it lies.
    pub place: &'a str,
}

impl Doubts<'_> {
    fn says(&self, what: &str) -> String {
        format!("{what}, by {}", self.place)
    }

    /// That neither the closure nor a list in it is marked bad.
    fn check(&self, name: &str, closure: &Closure, run: &Run<'_>) -> Result<(), Refused> {
        let verdict = programs::closure_verdict(self.told, &closure.id(), run)?;
        if verdict.answer == Answer::Bad {
            return Err(Refused::bad(self.says(&format!("{name} is {}", verdict.message))));
        }
        for root in programs::roots(self.told, closure)? {
            if root.verdict.answer == Answer::Bad {
                let what = format!("{} is {}", root.name, root.verdict.message);
                return Err(Refused::bad(self.says(&what)));
            }
        }
        Ok(())
    }

    /// That those who decide say ok also by what is known there of their keys.
    fn check_keys(
        &self,
        what: &str,
        ask: impl FnOnce(&dyn Claims) -> Result<Verdict, Refused>,
    ) -> Result<(), Refused> {
        let Some(keys) = self.keys else { return Ok(()) };
        let verdict = ask(keys)?;
        let why = unverified(keys, &verdict);
        match verdict.answer {
            Answer::Ok => Ok(()),
            Answer::Bad => Err(Refused::bad(self.says(&format!("{what} is {}", verdict.message)))),
            _ => Err(Refused::not_verified(self.says(&format!("{what} is not verified: {why}")))),
        }
    }
}

/// Why it is not ok: why the word of somebody who counts is none for this run says more.
fn unverified<'a>(told: &dyn Claims, verdict: &'a Verdict) -> &'a str {
    let unfit = verdict.statements.iter().find(|line| {
        let counts = told.trust().iter().any(|key| key.as_str() == line.key);
        line.newest && line.ok == Some(true) && counts && !line.why.is_empty()
    });
    unfit.map_or(&verdict.message, |line| &line.why)
}

/// A path of a policy: relative to the folder of the loader.
pub fn place(loader: &Path, path: &str) -> PathBuf {
    let folder = loader.parent().unwrap_or(loader);
    PathBuf::from(crate::paths::absolute(Path::new(path).as_os_str(), folder))
}

/// Whether this may run by what was `told` (U3), with where a child starts, if it is one. What `doubts`
/// say can only refuse it; the `interpreter` that is not the system's is asked for once.
pub fn decide<'a>(
    loader: &Loader<'a>,
    told: &dyn Claims,
    doubts: Option<&Doubts<'_>>,
    interpreter: &dyn Fn() -> Result<Option<Listed>, Refused>,
    child: Option<&[u8]>,
    trace: bool,
) -> Result<Decided<'a>, Refused> {
    let policy = loader.policy;
    if policy.level == Level::Strict {
        check_self(loader, told, doubts)?;
    }
    let name = format!("{}.lock", policy.app);
    let closure = locked(loader, &name)?;
    let interpreter = interpreter()?;
    let version = interpreter.as_ref().map_or(&loader.python.version, |it| &it.version).clone();
    let known = programs::releases(told, &policy.app)?;
    let highest = known.first().map_or(0, |one| one.number);
    let highest = highest.max(policy.release);
    let run = Run { app: &policy.app, highest, python: &version, pack: None };
    let verdict = programs::closure_verdict(told, &closure.id(), &run)?;
    let roots = programs::roots(told, &closure)?;
    if verdict.answer == Answer::Bad {
        return Err(Refused::bad(format!("{name} is {}", verdict.message)));
    }
    if let Some(root) = roots.iter().find(|root| root.verdict.answer == Answer::Bad) {
        return Err(Refused::bad(format!("{} is {}", root.name, root.verdict.message)));
    }
    if let Some(doubts) = doubts {
        doubts.check(&name, &closure, &run)?;
    }
    let mut borne = Borne::of(policy.level);
    if let Some(found) = &interpreter {
        borne.take(check_interpreter(loader, found))?;
    }
    if verdict.answer != Answer::Ok {
        let why = format!("{name} is not verified: {}", unverified(told, &verdict));
        borne.take(Err(Refused::not_verified(why).hint(loader.attest(&loader.lock()))))?;
    }
    if let Some(doubts) = doubts {
        doubts
            .check_keys(&name, |keys| Ok(programs::closure_verdict(keys, &closure.id(), &run)?))?;
    }
    let lists = lists(loader, roots)?;
    let build = interpreter.map(|it| it.files);
    let mut bad = marked(told, doubts, &lists.values().chain(&build).collect::<Vec<_>>())?;
    let (entry, search) = entry(loader, &bad, &lists, &mut borne)?;
    let mut placed = placed(loader, &closure, lists, search)?;
    if policy.level == Level::Warn {
        for (root, _) in &mut placed {
            borne.as_it_is(root, &loader.again())?;
        }
        let now = placed.iter().map(|(root, _)| &root.manifest).chain(&build);
        bad = marked(told, doubts, &now.collect::<Vec<_>>())?;
        let first = placed.iter().find(|(root, _)| root.name == APP);
        let start = first.and_then(|(app, _)| app.manifest.digest(loader.start()));
        if let Some(why) = start.and_then(|digest| bad.get(digest)) {
            return Err(Refused::bad(why.clone()));
        }
    }
    if let (Some(manifest), Some(said)) = (build, &loader.python.build) {
        let base = said.base.as_os_str().as_bytes().to_vec();
        let search = said.search.iter().map(|it| it.as_bytes().to_vec()).collect();
        let root = Root { name: PYTHON.to_owned(), base, prefix: Vec::new(), manifest };
        placed.push((root, search));
    }
    Covered::new(placed.iter().map(|(root, _)| root)).map_err(|error| {
        let why = format!("what is to be run contradicts itself: {}", error.message());
        Refused::could_not(why).hint(loader.again())
    })?;
    let pack = counted(loader, told, doubts, &closure.id(), run)?;
    let release = known.iter().find(|one| one.closure == closure.id()).map_or(0, |one| one.number);
    let vouched = verdict.statements.iter().filter(|line| line.counted);
    let vouched: Vec<String> = vouched.map(|line| line.key.clone()).collect();
    let context = context(loader, &closure, release, &vouched);
    let file = if policy.script.is_empty() { PathBuf::new() } else { loader.script() };
    let path = |path: &Path| path.as_os_str().as_bytes().to_vec();
    let mark = super::children::MARK.as_bytes().to_vec();
    Ok(Decided {
        vouched,
        release,
        notes: [told].into_iter().chain(doubts.map(|it| it.told)).flat_map(Claims::notes).collect(),
        borne: borne.told,
        pack,
        plan: Plan {
            app: &policy.app,
            entry: child.map_or(entry, |code| Entry::Code(code.to_vec())),
            argv0: if child.is_some() { b"-c".to_vec() } else { path(loader.path) },
            file: path(&file),
            prefix: path(&loader.place(&policy.python.prefix)),
            executable: path(loader.path),
            context,
            trace,
            marshal: policy.marshal,
            stdlib: loader.python.stdlib.clone(),
            system: loader.python.system.clone(),
            bad,
            early: Vec::new(),
            environment: BTreeMap::from([
                (b"SIG_LOADER".to_vec(), b"1".to_vec()),
                (mark, path(loader.path)),
            ]),
            roots: placed,
        },
    })
}

/// The closure beside the script.
fn locked(loader: &Loader<'_>, name: &str) -> Result<Closure, Refused> {
    let place = loader.lock();
    let shown = text(place.as_os_str());
    let hint = || format!("sig lock {}", loader.target());
    let raw = files::read(&place, limits::MANIFEST)
        .map_err(|error| Refused::could_not(format!("{shown}: {}", strerror(&error))))?
        .ok_or_else(|| Refused::not_verified(format!("{name} is gone")).hint(hint()))?;
    closure::read(&raw)
        .map_err(|error| Refused::could_not(format!("{shown}: {}", error.message())).hint(hint()))
}

/// The list of each root.
fn lists(loader: &Loader<'_>, roots: Vec<programs::Root>) -> Result<Lists, Refused> {
    let listed = roots.into_iter().map(|root| match root.files {
        Some(files) => Ok((root.name, files)),
        None => {
            let (place, hint) = match &loader.policy.by {
                By::Folder(_) => ("the folder".to_owned(), "sig fetch".to_owned()),
                By::Baked(_) => (text(loader.beside().as_os_str()), loader.update()),
            };
            let why = format!("the list of {} is not in {place}", root.name);
            Err(Refused::could_not(why).hint(hint))
        }
    });
    listed.collect()
}

/// Digests of listed files that are marked bad, and in which words; also by who may only doubt.
fn marked(
    told: &dyn Claims,
    doubts: Option<&Doubts<'_>>,
    lists: &[&Manifest],
) -> Result<BTreeMap<String, String>, Refused> {
    let mut bad = programs::bad_files(told, lists.iter().copied())?;
    if let Some(doubts) = doubts {
        for (digits, why) in programs::bad_files(doubts.told, lists.iter().copied())? {
            bad.entry(digits).or_insert_with(|| doubts.says(&why));
        }
    }
    Ok(bad)
}

/// What the program may ask about itself (`sig.runtime`).
fn context(loader: &Loader<'_>, closure: &Closure, release: u64, signers: &[String]) -> String {
    let text = |text: &str| Value::Text(text.to_owned());
    let id = |digits: &str| Value::Text(format!("sha256:{digits}"));
    let release = i64::try_from(release).unwrap_or(i64::MAX);
    let roots = closure.roots().map(|(name, digits)| (name.to_owned(), id(digits)));
    let said = [
        ("app", text(&loader.policy.app)),
        ("closure", text(closure.id().as_str())),
        ("loader", text(&loader.path.to_string_lossy())),
        ("policy", text(loader.policy.level.word())),
        ("release", Value::Number(release)),
        ("roots", Value::Object(roots.collect())),
        ("signers", Value::List(signers.iter().map(|key| text(key)).collect())),
    ];
    let said = said.into_iter().map(|(name, value)| (name.to_owned(), value)).collect();
    strict::encode(&Value::Object(said))
}

/// A Python that is not the system's, by its list, and what is believed of that.
pub struct Listed {
    version: String,
    files: Manifest,
    verdict: Verdict,
}

/// That of this loader, by the folder; None for the system's.
pub fn interpreter(loader: &Loader<'_>, view: &View<'_>) -> Result<Option<Listed>, Refused> {
    let Some(build) = &loader.python.build else { return Ok(None) };
    let place = loader.python.executable.as_os_str();
    let shown = text(place);
    let unknown = |why: String| Refused::could_not(why).hint(loader.lock_again());
    let root = programs::interpreter(view, place.as_bytes())?
        .ok_or_else(|| unknown(format!("nobody has looked at {shown}")))?;
    if root.verdict.answer == Answer::Bad {
        return Err(Refused::bad(format!("python {shown} is {}", root.verdict.message)));
    }
    let files =
        root.files.ok_or_else(|| unknown(format!("the list of {shown} is not in the folder")))?;
    Ok(Some(Listed { version: build.version(&files), files, verdict: root.verdict }))
}

/// That somebody answers for a Python that is not the system's.
fn check_interpreter(loader: &Loader<'_>, found: &Listed) -> Result<(), Refused> {
    if found.verdict.answer == Answer::Ok {
        return Ok(());
    }
    let shown = text(loader.python.executable.as_os_str());
    let asked = quoted(&text(loader.place(&loader.policy.python.asked).as_os_str()));
    let why = &found.verdict.message;
    Err(Refused::not_verified(format!("python {} {shown} is not attested: {why}", found.version))
        .hint(format!("sig attest --python {asked}")))
}

/// That somebody answers for this very file.
fn check_self(
    loader: &Loader<'_>,
    told: &dyn Claims,
    doubts: Option<&Doubts<'_>>,
) -> Result<(), Refused> {
    let shown = text(loader.path.as_os_str());
    let raw = loader
        .own
        .bytes()
        .map_err(|error| Refused::could_not(format!("{shown}: {}", strerror(&error))))?;
    let id = [Identifier::of_bytes(&raw)];
    let ask = |told: &dyn Claims| {
        let verdict = told.verdicts(&id)?.into_iter().next();
        verdict.ok_or_else(|| Refused::could_not(format!("{shown}: nothing is known of it")))
    };
    if let Some(doubts) = doubts {
        let verdict = ask(doubts.told)?;
        if verdict.answer == Answer::Bad {
            return Err(Refused::bad(doubts.says(&format!("{shown} is {}", verdict.message))));
        }
    }
    let verdict = ask(told)?;
    match verdict.answer {
        Answer::Ok => doubts.map_or(Ok(()), |doubts| doubts.check_keys(&shown, ask)),
        Answer::Bad => Err(Refused::bad(format!("{shown} is {}", verdict.message))),
        _ => Err(Refused::not_verified(format!("{shown} is not verified: {}", verdict.message))
            .hint(loader.attest(loader.path))),
    }
}

/// Where it starts, with the folders of the app in which modules are looked for, unless it is
/// installed as editable.
fn entry(
    loader: &Loader<'_>,
    bad: &BTreeMap<String, String>,
    lists: &Lists,
    borne: &mut Borne,
) -> Result<(Entry, Vec<Vec<u8>>), Refused> {
    let policy = loader.policy;
    let app = lists
        .get(APP)
        .ok_or_else(|| Refused::could_not(format!("{}.lock has no app", policy.app)))?;
    let path = loader.start();
    let place = loader.folder.join(path);
    let shown = text(place.as_os_str());
    let raw = files::read(&place, SCRIPT)
        .map_err(|error| Refused::could_not(format!("{shown}: {}", strerror(&error))))?
        .ok_or_else(|| Refused::not_verified(format!("{shown} is missing")).hint(loader.again()))?;
    let found = digest(&raw);
    if let Some(why) = bad.get(&found) {
        return Err(Refused::bad(why.clone()));
    }
    let listed = app.digest(path);
    if listed != Some(&found) {
        let why = format!("{path} differs from what {}.lock says", policy.app);
        let refused = Refused::not_verified(why).hint(loader.again()).tampered(path);
        if listed.is_none() {
            return Err(refused);
        }
        borne.take(Err(refused))?;
    }
    if !policy.script.is_empty() {
        return Ok((Entry::File(policy.script.clone()), vec![Vec::new()]));
    }
    let project = project::read(&raw, &policy.call)
        .map_err(|why| Refused::could_not(format!("{PYPROJECT}: {why}")).hint(loader.build()))?;
    let entry = Entry::Call(project.call.0, project.call.1);
    // What is installed as it is, is what the commands of a project load.
    let installed = lists
        .keys()
        .any(|root| parts(root).is_ok_and(|(kind, name, _)| kind == DIST && name == project.name));
    let inside = |path: &str| path.starts_with("src/") && path.ends_with(".py");
    let search = match () {
        () if installed => Vec::new(),
        () if app.files().any(|(path, _)| inside(path)) => vec![b"src".to_vec()],
        () => vec![Vec::new()],
    };
    Ok((entry, search))
}

/// The roots, each where it lies (U2), in the order of the closure.
fn placed(
    loader: &Loader<'_>,
    closure: &Closure,
    mut lists: Lists,
    search: Vec<Vec<u8>>,
) -> Result<Vec<Placed>, Refused> {
    let policy = loader.policy;
    let installed = installed(loader, closure)?;
    let sources = sources(loader, &installed, &lists)?;
    let bytes = |path: PathBuf| path.into_os_string().into_vec();
    let mut found = Vec::new();
    for (root, _) in closure.roots() {
        let Some(manifest) = lists.remove(root) else { continue };
        let top = vec![Vec::new()];
        let (base, prefix, search) = if let Some(one) = installed.get(root) {
            (one.base.clone(), bytes(loader.place(&policy.python.prefix)), top)
        } else if root == APP && (!policy.script.is_empty() || !sources.contains_key(APP)) {
            (loader.folder.to_owned(), Vec::new(), search.clone())
        } else {
            let one = sources.get(root).ok_or_else(|| {
                let why = format!("{root} was not there when this loader was made");
                Refused::could_not(why).hint(loader.build())
            })?;
            let search = one.search.iter().map(|it| it.as_bytes().to_vec()).collect();
            (loader.place(&one.folder), Vec::new(), search)
        };
        found.push((Root { name: root.to_owned(), base: bytes(base), prefix, manifest }, search));
    }
    Ok(found)
}

/// Where the distributions of a closure are installed, by their roots.
fn installed<'a>(
    loader: &Loader<'_>,
    closure: &'a Closure,
) -> Result<BTreeMap<&'a str, Distribution>, Refused> {
    let mut found = BTreeMap::new();
    let mut there: Option<Installed> = None;
    for (root, _) in closure.roots() {
        let (kind, name, version) =
            parts(root).map_err(|error| Refused::could_not(error.message()))?;
        if kind != DIST {
            continue;
        }
        let listed = match &there {
            Some(listed) => listed,
            None => {
                let site = loader.policy.python.site.iter().map(|path| loader.place(path));
                there.insert(Installed::list(&site.collect::<Vec<_>>())?)
            }
        };
        let refused = |why: String| Refused::not_verified(why).hint(loader.again());
        let one = listed
            .find(name)?
            .ok_or_else(|| refused(format!("{name} {version} is not installed")))?;
        if one.version.replace('-', "_") != version {
            return Err(refused(format!("{name} {} is not covered", one.version)));
        }
        found.insert(root, one);
    }
    Ok(found)
}

/// Where the sources of editable installs lie, by the root of the sources. In which folders of them
/// modules are looked for stands in the list of what was installed.
fn sources<'a>(
    loader: &Loader<'a>,
    installed: &BTreeMap<&str, Distribution>,
    lists: &Lists,
) -> Result<BTreeMap<String, &'a Editable>, Refused> {
    let mut found = BTreeMap::new();
    for (root, one) in installed {
        let Some(source) = editable(loader.policy, root) else { continue };
        let list = lists.get(*root);
        let signed = list.and_then(|it| it.digest(&format!("{}/{DIRECT_URL}", one.info)));
        let Some(signed) = signed else { continue }; // it is no longer editable
        let folder = |one: &String| format!("{}\n", if one.is_empty() { "." } else { one });
        let said: String = source.search.iter().map(folder).collect();
        if digest(said.as_bytes()) != signed {
            let why = format!("{root} is searched elsewhere than when this loader was made");
            return Err(Refused::could_not(why).hint(loader.build()));
        }
        let own = std::fs::canonicalize(loader.place(&source.folder)).ok();
        let own = own.is_some() && own == std::fs::canonicalize(loader.folder).ok();
        let name = root.strip_prefix("dist/").unwrap_or(root);
        found.insert(if own { APP.to_owned() } else { format!("editable/{name}") }, source);
    }
    Ok(found)
}

/// Of this root, or of another version of it: where sources lie does not change with that.
fn editable<'a>(policy: &'a Policy, root: &str) -> Option<&'a Editable> {
    fn name(root: &str) -> Option<&str> {
        root.rsplit_once('-').map(|it| it.0)
    }
    policy.editable.get(root).or_else(|| {
        policy.editable.iter().find(|(other, _)| name(other) == name(root)).map(|(_, one)| one)
    })
}

/// The pack beside the lock, if it counts; what does not is as one that is not there.
fn counted(
    loader: &Loader<'_>,
    told: &dyn Claims,
    doubts: Option<&Doubts<'_>>,
    closure: &Identifier,
    run: Run<'_>,
) -> Result<Option<Vec<u8>>, Refused> {
    let place = loader.folder.join(format!("{}.pack", loader.policy.app));
    let Ok(Some(raw)) = files::read(&place, limits::PACK) else { return Ok(None) };
    let Ok(pack) = Pack::read(&raw) else { return Ok(None) };
    let build = loader.python.build.as_ref().map(|build| build.name.as_bytes());
    let mut folders = loader.python.stdlib.iter().map(Vec::as_slice).chain(build);
    let threads = folders.any(is_free_threaded);
    let own = format!("cpython-{}{}", run.python, if threads { "t" } else { "" });
    if pack.tag() != own {
        return Ok(None);
    }
    let id = pack.id();
    let run = Run { pack: Some((pack.tag(), &id)), ..run };
    for told in [told].into_iter().chain(doubts.and_then(|doubts| doubts.keys)) {
        if programs::closure_verdict(told, closure, &run)?.answer != Answer::Ok {
            return Ok(None);
        }
    }
    for told in [told].into_iter().chain(doubts.map(|doubts| doubts.told)) {
        let verdicts = told.verdicts(std::slice::from_ref(&id))?;
        if verdicts.iter().any(|one| one.answer == Answer::Bad) {
            return Ok(None);
        }
    }
    Ok(Some(raw))
}

fn is_free_threaded(folder: &[u8]) -> bool {
    let name = folder.rsplit(|one| *one == b'/').next().unwrap_or_default();
    let digits = name.strip_prefix(b"python3.".as_slice()).and_then(|it| it.strip_suffix(b"t"));
    digits.is_some_and(|it| !it.is_empty() && it.iter().all(u8::is_ascii_digit))
}
