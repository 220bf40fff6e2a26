//! A loader: it asks the folder of its user, or the signers in it, and becomes the program
//! (docs/spec/loader).
//!
//! Nothing that whoever starts it chooses lowers the check: not its name, its environment, or words.

pub mod borne;
pub mod children;
pub mod deciding;
pub mod environment;
pub mod files;
pub mod installed;
pub mod interpreter;
pub mod kernel;
pub mod own;
pub mod prepared;
pub mod program;
pub mod project;
pub mod refused;
pub mod starting;
pub mod system;

use std::ffi::{OsStr, OsString};
use std::os::fd::AsRawFd;
use std::path::Path;

use sig_core::model::loader::{self, By};
use sig_core::model::pack::Pack;

use self::interpreter::Python;
use self::own::{Own, Said};
use self::prepared::Prepared;
use self::program::{Decided, Loader};
use self::refused::Refused;
use crate::asking;
use crate::words::{escaped, is_ascii, strerror, text};

/// How much is told.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Log {
    Error,
    Warning,
    Info,
    Debug,
}

/// Becomes the program that is described behind our own; ends only where that is refused.
pub fn main(own: &Own, said: &Said) -> u8 {
    let (log, odd) = log();
    let refused = match started(own, said, log, odd) {
        Ok(never) => match never {},
        Err(refused) => refused,
    };
    say(&(told(&refused, "error", log) + "error: not run\n"));
    refused.status
}

/// What is wrong, and what helps.
fn told(refused: &Refused, word: &str, log: Log) -> String {
    let mut told = String::new();
    if let Some(path) = &refused.tampered {
        told.push_str(&format!("SECURITY VIOLATION: '{path}' has been tampered with!\n"));
    }
    told.push_str(&format!("{word}: {}\n", refused.message));
    if let Some(hint) = refused.hint.as_ref().filter(|_| log > Log::Error) {
        told.push_str(&format!("hint: {hint}\n"));
    }
    told
}

/// Lines for people; whether they are read is not ours to know.
pub fn say(lines: &str) {
    let ascii = is_ascii(asking::locale().as_deref());
    let escaped: Vec<String> = lines.lines().map(|line| escaped(line, ascii) + "\n").collect();
    kernel::told(escaped.concat().as_bytes());
}

fn log() -> (Log, bool) {
    match std::env::var_os("SIG_LOADER_LOG").as_deref().and_then(|word| word.to_str()) {
        None | Some("" | "warning") => (Log::Warning, false),
        Some("error") => (Log::Error, false),
        Some("info") => (Log::Info, false),
        Some("debug") => (Log::Debug, false),
        Some(_) => (Log::Warning, true),
    }
}

enum Never {}

fn started(own: &Own, said: &Said, log: Log, odd: bool) -> Result<Never, Refused> {
    if odd {
        say("note: SIG_LOADER_LOG is error, warning, info or debug");
    }
    let (policy, modules) = loader::read(&said.data, &said.before).map_err(|error| {
        Refused::could_not(format!("this loader cannot be used: {}", error.message()))
    })?;
    let path = own.path.as_deref().ok_or_else(|| {
        Refused::could_not("the file of this loader is no longer where it was started from")
    })?;
    check_rights()?;
    let folder = program::place(path, &policy.program);
    let asked = program::place(path, &policy.python.asked);
    let again = program::build(&policy, &folder);
    let python = interpreter::python(&policy.python, &asked, &again)?;
    let before = starting::before(&python.executable, python.build.as_ref(), &policy.options);
    let words: Vec<OsString> = std::env::args_os().skip(1).collect();
    let given: Vec<(OsString, OsString)> = std::env::vars_os().collect();
    let loader = Loader { policy: &policy, own, path, folder: &folder, python: &python };
    let is_child = is_child(path, &python, &before);
    let script = loader.script();
    let files: &[&Path] = if policy.script.is_empty() { &[path] } else { &[path, &script] };
    let (child, arguments) =
        if is_child { children::wanted(&words, files)? } else { (None, words) };
    let decided = deciding::decided(&loader, child.as_deref(), log >= Log::Debug)?;
    // Whoever started the program was told; its children are not asked for.
    if !decided.borne.is_empty() && !is_child {
        let borne: String = decided.borne.iter().map(|one| told(one, "warning", log)).collect();
        say(&(borne + "warning: run all the same: this loader only warns\n"));
    }
    if log >= Log::Warning {
        decided.notes.iter().for_each(|note| say(&format!("note: {note}")));
    }
    if log >= Log::Info {
        let nobody = decided.vouched.is_empty();
        let keys = if nobody { "nobody".to_owned() } else { decided.vouched.join(", ") };
        say(&format!("note: release {} of {}, by {keys}", decided.release, policy.app));
    }
    let environment = if is_child {
        environment::inherited(given)
    } else {
        let builders = match &policy.by {
            By::Folder(said) => Some((said.uid, said.home.as_str())),
            By::Baked(_) => None,
        };
        environment::passed(given, &policy.env, builders)
    };
    Err(become_it(&loader, modules, decided, before, arguments, &environment))
}

/// Whoever starts it may do what it may do.
fn check_rights() -> Result<(), Refused> {
    let same = rustix::process::getuid() == rustix::process::geteuid()
        && rustix::process::getgid() == rustix::process::getegid();
    if kernel::is_privileged() || !same {
        return Err(Refused::could_not("a loader does not run with the rights of another"));
    }
    Ok(())
}

fn is_child(path: &Path, python: &Python, before: &[OsString]) -> bool {
    let (executable, build) = (&python.executable, python.build.is_some());
    let marked = std::env::var_os(children::MARK).is_some_and(|mark| mark == path.as_os_str());
    let parent = rustix::process::getppid();
    let parent = parent.and_then(|it| u32::try_from(it.as_raw_nonzero().get()).ok());
    marked && parent.is_some_and(|parent| children::is_run(parent, executable, build, before))
}

fn become_it(
    loader: &Loader<'_>,
    modules: &[u8],
    mut decided: Decided<'_>,
    before: Vec<OsString>,
    arguments: Vec<OsString>,
    environment: &[(OsString, OsString)],
) -> Refused {
    let prepared = match prepared(loader, &mut decided) {
        Ok(prepared) => prepared,
        Err(refused) if refused.status == 114 => return refused,
        Err(refused) => return refused.hint(loader.lock_again()),
    };
    let pack = decided.pack.as_deref().and_then(|raw| Some((Pack::read(raw).ok()?, raw)));
    let pack = pack.as_ref().map(|(pack, raw)| (pack, *raw));
    let plan = decided.plan.text();
    let library = prepared.as_ref().map(|it| &it.sources);
    let Some(file) =
        starting::sealed(loader.policy, modules, loader.python.same, &plan, pack, library)
    else {
        let lines = loader.policy.sources.iter().any(|(name, _)| name == starting::LINES);
        return Refused::could_not(if lines {
            "what is to be run is too large".to_owned()
        } else {
            format!("this loader cannot be used: it has no module {}", starting::LINES)
        });
    };
    let sealed = match kernel::sealed(&file, "sig", false) {
        Ok(sealed) => sealed,
        Err(error) => return unsealed(&error),
    };
    let mut words = before;
    words.push(starting::first(sealed.as_raw_fd(), loader.python.same));
    words.extend(arguments);
    let Some(prepared) = prepared else {
        let program = loader.python.executable.as_os_str();
        return failed(program, &kernel::become_program(program, &words, environment));
    };
    let mut environment = environment.to_vec();
    environment.extend(starting::variables(sealed.as_raw_fd(), &prepared.preload));
    become_copy(&prepared, words, &environment)
}

/// The copies of a Python that is not the system's.
fn prepared(loader: &Loader<'_>, decided: &mut Decided<'_>) -> Result<Option<Prepared>, Refused> {
    let Some(build) = &loader.python.build else { return Ok(None) };
    let mut roots = decided.plan.roots.iter().map(|(root, _)| root);
    let Some(listed) = roots.find(|root| root.name == program::PYTHON) else { return Ok(None) };
    let warns = |option: &String| option.starts_with("-W") || option == "-Xdev";
    let warns = loader.policy.options.iter().any(warns);
    let mut made = prepared::prepare(build, &listed.manifest, &decided.plan.bad, warns)?;
    decided.plan.early = std::mem::take(&mut made.early);
    Ok(Some(made))
}

/// Executes a sealed copy; where none may be (`vm.memfd_noexec`) the linker, which is root's, maps it.
fn become_copy(
    prepared: &Prepared,
    words: Vec<OsString>,
    environment: &[(OsString, OsString)],
) -> Refused {
    let copy: OsString = format!("/proc/self/fd/{}", prepared.program.as_raw_fd()).into();
    if let Err(error) = kernel::inherit(&prepared.program, false) {
        return failed(&copy, &error);
    }
    let error = kernel::become_program(&copy, &words, environment);
    let forbidden = error.kind() == std::io::ErrorKind::PermissionDenied;
    let Some(linker) = prepared.linker.as_ref().filter(|_| forbidden) else {
        return failed(&copy, &error);
    };
    if let Err(error) = kernel::inherit(&prepared.program, true) {
        return failed(&copy, &error);
    }
    let words = starting::mapped(linker, copy, words);
    failed(linker.as_os_str(), &kernel::become_program(linker.as_os_str(), &words, environment))
}

fn failed(program: &OsStr, error: &std::io::Error) -> Refused {
    Refused::could_not(format!("{}: {}", text(program), strerror(error).to_lowercase()))
}

fn unsealed(error: &std::io::Error) -> Refused {
    let why = strerror(error).to_lowercase();
    Refused::could_not(format!("nothing can be sealed here: {why}"))
}
