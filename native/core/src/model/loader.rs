//! A native loader: the program, and behind it what it says of itself (docs/spec/loader §1 and §2),
//! read as `sig/model/loader.py` reads it, with the same words where it is refused.
//!
//! L1  The last 16 bytes say that a file is a loader. One of another version is none that can be
//!     read, and no other program either.
//! L2  The policy is one line of canonical JSON. Every field is there and of its form, and there is
//!     no other: what a reader does not know it cannot follow.
//! L3  A path is absolute, or relative to the folder of the loader's file where the loader may be
//!     moved with what it names. It is written in one way: no part of it is empty or `.`, and `..`
//!     stands only at its start.

use std::collections::BTreeMap;

use super::baked;
use super::closure::{self, is_label, parts};
use super::configuration::check_remote_name;
use super::fingerprint::Fingerprint;
use super::limits;
use super::pythons;
use super::strict::{self, LARGEST_INTEGER, Object, Value};
use super::told::first;
use crate::errors::FormatError;

/// Bytes behind policy and modules: their length, and the trailer.
pub const END: usize = 24;

const TRAILER: &[u8; 16] = b"sig loader 1\0\0\0\0";
const ANY: &[u8] = b"sig loader ";
const FIRST: &str = "bootstrap";

/// Who has to answer for a program.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Level {
    /// Nobody: what is not verified is told, and runs.
    Warn,
    /// Who counts, for all that is loaded.
    Enforce,
    /// And for the loader itself.
    Strict,
}

const LEVELS: [(&str, Level); 3] =
    [("warn", Level::Warn), ("enforce", Level::Enforce), ("strict", Level::Strict)];

impl Level {
    /// Its name in a policy.
    pub fn word(self) -> &'static str {
        LEVELS.iter().find(|(_, level)| *level == self).map_or("", |(word, _)| word)
    }
}

/// The interpreter, as it was when the loader was made.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Python {
    /// What was asked for: a path that may be a link.
    pub asked: String,
    /// The file that it was.
    pub executable: String,
    /// Its version.
    pub version: String,
    /// The folder of the environment.
    pub prefix: String,
    /// That of a build which is not the system's; empty for the system's.
    pub base: String,
    /// Folders of the standard library.
    pub stdlib: Vec<String>,
    /// Folders of the system's own packages.
    pub system: Vec<String>,
    /// Folders of what is installed, in the order in which Python looks.
    pub site: Vec<String>,
    /// Size and time of change of the file.
    pub state: String,
}

/// Where the sources of an editable install lie, and in which of its folders modules are looked for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Editable {
    /// Its folder.
    pub folder: String,
    /// Folders below that, best first; empty for itself.
    pub search: Vec<String>,
}

/// A module of ours that runs in the interpreter, and its length.
pub type Module = (String, usize);

/// The folder that a loader goes by, as it was when the loader was made.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Folder {
    /// Where it lies.
    pub path: String,
    /// Whose it is: who signs its configuration.
    pub key: Fingerprint,
    /// The sequence of its configuration.
    pub sequence: i64,
    /// That of each remote.
    pub remotes: BTreeMap<String, i64>,
    /// The number of the user who built it.
    pub uid: u32,
    /// The home of that user.
    pub home: String,
}

/// The signers that a loader goes by.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Signers {
    /// Their certificates as they are stored; nothing of them is looked at yet.
    pub certificates: BTreeMap<Fingerprint, Vec<u8>>,
    /// How many of them have to say ok.
    pub threshold: u64,
}

/// Who decides about a program.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum By {
    /// Those who count in the folder of the user.
    Folder(Folder),
    /// Those whose certificates are in the loader.
    Baked(Signers),
}

/// The policy of a loader.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Policy {
    /// The name of the program.
    pub app: String,
    /// The highest release that was known.
    pub release: u64,
    /// The folder of the program.
    pub program: String,
    /// The script in it; empty for a project.
    pub script: String,
    /// Which of a project's scripts; empty for a script.
    pub call: String,
    /// Who decides.
    pub by: By,
    /// The interpreter.
    pub python: Python,
    /// Editable installs, by the root of what was installed.
    pub editable: BTreeMap<String, Editable>,
    /// Who has to answer.
    pub level: Level,
    /// Whether the program may unmarshal any code.
    pub marshal: bool,
    /// Names of variables that are passed, with `*` for the rest of one.
    pub env: Vec<String>,
    /// Options for the interpreter.
    pub options: Vec<String>,
    /// The magic number of `compiled`.
    pub magic: [u8; 4],
    /// Our modules as marshalled code, in their order behind the policy.
    pub compiled: Vec<Module>,
    /// The same as source.
    pub sources: Vec<Module>,
}

/// Policy and modules, where the file of these many bytes that ends with `end` is a loader (L1).
pub fn length(end: &[u8], file: u64) -> Result<Option<u64>, FormatError> {
    let Some(at) = end.len().checked_sub(TRAILER.len()) else { return Ok(None) };
    let (rest, trailer) = end.split_at(at);
    if !trailer.starts_with(ANY) {
        return Ok(None);
    }
    if trailer != TRAILER {
        return refused("a loader of a version that is not known");
    }
    let unfit = || FormatError::new("the length of what it says does not fit");
    let length = rest.last_chunk::<8>().map(|number| u64::from_le_bytes(*number));
    let room = file.saturating_sub(END as u64);
    let most = limits::LOADER_DATA as u64;
    length.filter(|it| *it <= room && *it <= most).ok_or_else(unfit).map(Some)
}

/// The policy in these bytes, and the modules behind it. `before` is what stands before them.
pub fn read<'a>(raw: &'a [u8], before: &[u8]) -> Result<(Policy, &'a [u8]), FormatError> {
    if before.ends_with(TRAILER) {
        return refused("a loader behind another one");
    }
    let end = raw.iter().position(|one| *one == b'\n');
    let split = end.and_then(|end| Some((raw.get(..end)?, raw.get(end.checked_add(1)?..)?)));
    let Some((line, modules)) = split else { return refused("policy: it does not end") };
    let policy =
        policy(line).map_err(|error| FormatError::new(format!("policy: {}", error.message())))?;
    let sizes = policy.compiled.iter().chain(&policy.sources).map(|(_, size)| *size);
    if sizes.fold(0_usize, usize::saturating_add) != modules.len() {
        return refused("its modules are not as long as its policy says");
    }
    Ok((policy, modules))
}

fn refused<T>(why: impl Into<String>) -> Result<T, FormatError> {
    Err(FormatError::new(why))
}

// --- the policy ----------------------------------------------------------------------------------

const FIELDS: [&str; 14] = [
    "app", "call", "editable", "env", "marshal", "mode", "modules", "options", "policy", "program",
    "python", "release", "script", "version",
];
const OF_FOLDER: [&str; 5] = ["folder", "home", "key", "remotes", "sequence"];
const OF_BAKED: [&str; 2] = ["signers", "threshold"];
const HOME: (&str, &[&str]) = ("home", &["path", "uid"]);
const PARTS: [(&str, &[&str]); 2] = [
    ("modules", &["compiled", "magic", "sources"]),
    (
        "python",
        &["asked", "base", "executable", "prefix", "site", "state", "stdlib", "system", "version"],
    ),
];

fn policy(line: &[u8]) -> Result<Policy, FormatError> {
    if line.len() > limits::LOADER_POLICY {
        return refused(format!("longer than {} MiB", limits::LOADER_POLICY >> 20));
    }
    let said = strict::document(line, 1)?;
    let is_baked = match said.get("mode") {
        Some(Value::Text(mode)) if mode == "folder" => false,
        Some(Value::Text(mode)) if mode == "baked" => true,
        Some(Value::Text(other)) => {
            return refused(format!("the mode {} is not known", first(other, 64)));
        }
        _ => return refused("the mode is not known"),
    };
    let more: &[&str] = if is_baked { &OF_BAKED } else { &OF_FOLDER };
    strict::check_names(&said, &[FIELDS.as_slice(), more].concat(), "")?;
    for (name, inner) in (!is_baked).then_some(HOME).into_iter().chain(PARTS) {
        let Some(Value::Object(part)) = said.get(name) else {
            return refused(format!("{name} is not an object"));
        };
        strict::check_names(part, inner, &format!("{name}."))?;
    }
    let top = Fields { said: &said, of: "" };
    // By name, as in Python: what is said is of the first that is wrong.
    let app = top.get("app", "the name of an app", |it| {
        it.text().filter(|it| is_label(it, |one| b"._-".contains(&one))).map(str::to_owned)
    })?;
    let call = top.get("call", "the name of a script", call)?;
    let editable =
        top.get("editable", "roots dist/NAME-VERSION with folder and search", editables)?;
    let env = top.get("env", "a sorted list of variables", variables)?;
    let folder = top.maybe(is_baked, "folder", "an absolute path", absolute)?;
    let key = top.maybe(is_baked, "key", "a fingerprint", |it| Fingerprint::new(it.text()?))?;
    let marshal = top.get("marshal", "true or false", |it| match it {
        Value::Bool(yes) => Some(*yes),
        _ => None,
    })?;
    let options = top.get("options", "a list of -u, -O, -OO, -X… or -W…, each once", options)?;
    let level = top.get("policy", "warn, enforce or strict", |it| {
        LEVELS.iter().find(|(word, _)| Some(*word) == it.text()).map(|(_, level)| *level)
    })?;
    let program = top.get("program", "a path", path)?;
    let release = top.get("release", "a number from 0 on", |it| within(it, 0, LARGEST_INTEGER))?;
    let remotes =
        top.maybe(is_baked, "remotes", "names of remotes with numbers from 1 on", remotes)?;
    let script = top.get("script", "a path below a folder", |it| match it.text()? {
        "" => Some(String::new()),
        _ => below(it),
    })?;
    let number = |it: &Value| within(it, 1, LARGEST_INTEGER);
    let sequence = top.maybe(is_baked, "sequence", "a number from 1 on", number)?;
    let certificates = "certificates by their fingerprints";
    let signers = top.maybe(!is_baked, "signers", certificates, |it| {
        baked::certificates(it).filter(|found| !found.is_empty())
    })?;
    let threshold = top.maybe(!is_baked, "threshold", "a number from 1 on", number)?;
    let home = if is_baked { None } else { Some(home(&top.part("home")?)?) };
    let modules = top.part("modules")?;
    let listed = "a sorted list of names and lengths, bootstrap among them";
    let compiled = modules.get("compiled", listed, lengths)?;
    let magic = modules.get("magic", "8 hex digits", magic)?;
    let sources = modules.get("sources", listed, lengths)?;
    let found = top.part("python")?;
    let list = "a list of paths";
    let roots = "a list of absolute paths";
    let python = Python {
        asked: found.get("asked", "a path", path)?,
        base: found.get("base", "an absolute path", |it| match it.text()? {
            "" => Some(String::new()),
            _ => absolute(it),
        })?,
        executable: found.get("executable", "an absolute path", absolute)?,
        prefix: found.get("prefix", "a path", path)?,
        site: found.get("site", list, |it| many(it, path))?,
        state: found.get("state", "a size and a time", state)?,
        stdlib: found.get("stdlib", roots, |it| many(it, absolute).filter(|it| !it.is_empty()))?,
        system: found.get("system", roots, |it| many(it, absolute))?,
        version: found.get("version", "a version of Python", |it| {
            it.text().filter(|it| pythons::allows("", it).is_ok()).map(str::to_owned)
        })?,
    };
    let names = |of: &[Module]| of.iter().map(|(name, _)| name.clone()).collect::<Vec<_>>();
    if names(&compiled) != names(&sources) {
        return refused("other modules are compiled than there are sources");
    }
    if script.is_empty() == call.is_empty() {
        return refused("neither one script nor one call");
    }
    if !python.base.is_empty() && !is_build(&python) {
        return refused("the interpreter does not lie below its base");
    }
    if level == Level::Strict && (marshal || !env.is_empty()) {
        return refused("strict passes no variable and no code");
    }
    let release = u64::try_from(release).map_err(|error| FormatError::new(error.to_string()))?;
    let by = match (folder, key, sequence, remotes, home, signers, threshold) {
        (Some(path), Some(key), Some(sequence), Some(remotes), Some((home, uid)), ..) => {
            By::Folder(Folder { path, key, sequence, remotes, uid, home })
        }
        (.., Some(certificates), Some(threshold)) => {
            let threshold = u64::try_from(threshold).unwrap_or(u64::MAX);
            if usize::try_from(threshold).map_or(true, |it| it > certificates.len()) {
                return refused("fewer signers than its threshold");
            }
            if !python.base.is_empty() {
                return refused("signers with a Python that is not the system's");
            }
            if level == Level::Warn {
                return refused("signers, and nothing is refused that they do not answer for");
            }
            By::Baked(Signers { certificates, threshold })
        }
        _ => return refused("the mode is not known"),
    };
    Ok(Policy {
        app,
        release,
        program,
        script,
        call,
        by,
        python,
        editable,
        level,
        marshal,
        env,
        options,
        magic,
        compiled,
        sources,
    })
}

/// The home of who built it, and its number.
fn home(of: &Fields<'_>) -> Result<(String, u32), FormatError> {
    let path = of.get("path", "an absolute path", absolute)?;
    let uid = of.get("uid", "the number of a user", |it| {
        u32::try_from(within(it, 0, i64::from(u32::MAX).checked_sub(1)?)?).ok()
    })?;
    Ok((path, uid))
}

/// The fields of an object, and what stands before their names.
struct Fields<'a> {
    said: &'a Object,
    of: &'static str,
}

impl<'a> Fields<'a> {
    fn get<T>(
        &self,
        name: &str,
        what: &str,
        read: impl Fn(&Value) -> Option<T>,
    ) -> Result<T, FormatError> {
        let dot = if self.of.is_empty() { "" } else { "." };
        let why = || FormatError::new(format!("{}{dot}{name} is not {what}", self.of));
        self.said.get(name).and_then(read).ok_or_else(why)
    }

    /// The same, None for a field that its mode has not.
    fn maybe<T>(
        &self,
        other: bool,
        name: &str,
        what: &str,
        read: impl Fn(&Value) -> Option<T>,
    ) -> Result<Option<T>, FormatError> {
        if other { Ok(None) } else { self.get(name, what, read).map(Some) }
    }

    fn part(&self, name: &'static str) -> Result<Fields<'a>, FormatError> {
        let said = self.said.get(name).and_then(Value::object);
        let why = || FormatError::new(format!("{name} is not an object"));
        Ok(Fields { said: said.ok_or_else(why)?, of: name })
    }
}

/// Whether all of an interpreter lies below its base, and no packages are the system's.
fn is_build(python: &Python) -> bool {
    let base = python.base.trim_end_matches('/');
    let below = |path: &String| path.strip_prefix(base).is_some_and(|rest| rest.starts_with('/'));
    python.stdlib.iter().chain([&python.executable]).all(below) && python.system.is_empty()
}

// --- forms of values -----------------------------------------------------------------------------

fn within(value: &Value, least: i64, most: i64) -> Option<i64> {
    match value {
        Value::Number(number) if (least..=most).contains(number) => Some(*number),
        _ => None,
    }
}

fn many(value: &Value, one: impl Fn(&Value) -> Option<String>) -> Option<Vec<String>> {
    value.list()?.iter().map(one).collect()
}

/// L3.
fn path(value: &Value) -> Option<String> {
    let text = value.text()?;
    let control = |one: char| one < ' ' || one == '\x7f';
    if text.is_empty() || text.len() > limits::PATH || text.contains(control) {
        return None;
    }
    if matches!(text, "/" | ".") {
        return Some(text.to_owned());
    }
    let (absolute, rest) = match text.strip_prefix('/') {
        Some(rest) => (true, rest),
        None => (false, text),
    };
    let parts = rest.split('/').skip_while(|part| !absolute && *part == "..");
    let plain = parts.into_iter().all(|part| !matches!(part, "" | "." | ".."));
    plain.then(|| text.to_owned())
}

fn absolute(value: &Value) -> Option<String> {
    path(value).filter(|text| text.starts_with('/'))
}

/// A path below a folder, which is not the folder.
fn below(value: &Value) -> Option<String> {
    let outside =
        |text: &str| text.starts_with('/') || matches!(text.split('/').next(), Some("." | ".."));
    path(value).filter(|text| !outside(text))
}

fn call(value: &Value) -> Option<String> {
    let text = value.text()?;
    let rest = text.strip_prefix('_');
    let plain = |one: u8| one.is_ascii_alphanumeric() || b"._-".contains(&one);
    let named = match rest {
        _ if text.is_empty() => true,
        Some(rest) => rest.len() < 64 && rest.bytes().all(plain),
        None => is_label(text, |one| b"._-".contains(&one)),
    };
    named.then(|| text.to_owned())
}

fn editables(value: &Value) -> Option<BTreeMap<String, Editable>> {
    let mut found = BTreeMap::new();
    for (root, said) in value.object()? {
        let said = said.object()?;
        let fields = said.keys().map(String::as_str).eq(["folder", "search"]);
        if !parts(root).is_ok_and(|(kind, _, _)| kind == closure::DIST) || !fields {
            return None;
        }
        let search = many(said.get("search")?, |one| match one.text()? {
            "" => Some(String::new()),
            _ => below(one),
        })?;
        if search.is_empty() {
            return None;
        }
        found.insert(root.clone(), Editable { folder: path(said.get("folder")?)?, search });
    }
    Some(found)
}

fn remotes(value: &Value) -> Option<BTreeMap<String, i64>> {
    let listed = value.object()?.iter();
    listed
        .map(|(name, sequence)| {
            check_remote_name(name).ok()?;
            Some((name.clone(), within(sequence, 1, LARGEST_INTEGER)?))
        })
        .collect()
}

fn variables(value: &Value) -> Option<Vec<String>> {
    let odd = |one: char| one < ' ' || "\x7f*?[]=".contains(one);
    let found = many(value, |one| {
        let name = one.text()?;
        let start = name.strip_suffix('*').unwrap_or(name);
        let fits = (1..=255).contains(&start.chars().count()) && !start.contains(odd);
        fits.then(|| name.to_owned())
    })?;
    found.is_sorted_by(|one, other| one < other).then_some(found)
}

fn options(value: &Value) -> Option<Vec<String>> {
    let found = many(value, |one| {
        let text = one.text()?;
        let long = text.strip_prefix("-X").or_else(|| text.strip_prefix("-W"));
        let known = match long {
            Some(rest) => {
                (1..=255).contains(&rest.len())
                    && rest.bytes().all(|one| (b' '..=b'~').contains(&one))
            }
            None => matches!(text, "-u" | "-O" | "-OO"),
        };
        known.then(|| text.to_owned())
    })?;
    let has = |option: &str| found.iter().any(|one| one == option);
    let mut once = found.clone();
    once.sort_unstable();
    once.dedup();
    (once.len() == found.len() && !(has("-O") && has("-OO"))).then_some(found)
}

fn lengths(value: &Value) -> Option<Vec<Module>> {
    let mut found: Vec<Module> = Vec::new();
    for pair in value.list()? {
        let [Value::Text(name), size] = pair.list()? else { return None };
        let plain = |one: u8| one.is_ascii_lowercase() || one == b'_';
        let fits = (1..=64).contains(&name.len()) && name.bytes().all(plain);
        if !fits || found.last().is_some_and(|(last, _)| name <= last) {
            return None;
        }
        let most = i64::try_from(limits::LOADER_DATA).ok()?;
        found.push((name.clone(), usize::try_from(within(size, 1, most)?).ok()?));
    }
    found.iter().any(|(name, _)| name == FIRST).then_some(found)
}

fn magic(value: &Value) -> Option<[u8; 4]> {
    let text = value.text()?;
    let number = u32::from_str_radix(text, 16).ok()?;
    (format!("{number:08x}") == text).then(|| number.to_be_bytes())
}

fn state(value: &Value) -> Option<String> {
    let text = value.text()?;
    let (size, time) = text.split_once(' ')?;
    let number = |text: &str, most: usize| {
        text == "0"
            || (1..=most).contains(&text.len())
                && !text.starts_with('0')
                && text.bytes().all(|one| one.is_ascii_digit())
    };
    let before = time.strip_prefix('-').filter(|time| *time != "0");
    (number(size, 16) && number(before.unwrap_or(time), 19)).then(|| text.to_owned())
}
