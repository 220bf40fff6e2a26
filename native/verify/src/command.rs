//! The command: what is asked, the answers, the lines, the exit status.
//!
//! 0 ok, 1 not verified, 2 usage, 3 marked bad, 4 could not tell.

use std::ffi::{OsStr, OsString};
use std::io::{self, IsTerminal, Read, Write};
use std::os::unix::ffi::OsStrExt;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use sig_core::claims::Claims;
use sig_core::model::identifier::Identifier;
use sig_core::model::instant;
use sig_core::model::verdict::{Answer, Judged, State, Verdict};
use sig_core::viewing::{Trouble, nothing};

use crate::asking;
use crate::folder::Folder;
use crate::identify::{Asked, identify, named};
use crate::json::Json;
use crate::options::{self, HELP, Options, USAGE};
use crate::paths::{absolute, folder, quoted};
use crate::words::{colored, escaped, escaped_name, is_ascii, strerror, text};

/// Words of those that do not count.
const SHOWN_NOT_COUNTED: usize = 5;

/// What `--version` says. `sig` looks for this line in the program before it makes a loader of it.
static VERSION: &str = concat!("sig-verify ", env!("CARGO_PKG_VERSION"), "\n");

/// One thing that is asked about, and its answer.
struct Answered {
    shown: OsString,
    told: Told,
}

enum Told {
    Verdict(Box<Verdict>),
    /// It could not be told: the identifier if there is one, the word of `--json`, why, and what helps.
    Error {
        id: Option<Identifier>,
        reason: &'static str,
        message: String,
        hint: Option<String>,
    },
}

impl Told {
    fn answer(&self) -> Answer {
        match self {
            Self::Verdict(found) => found.answer,
            Self::Error { .. } => Answer::Error,
        }
    }
}

/// Runs the words of the command line; the exit status.
pub fn main() -> u8 {
    let mut out = Out::default();
    let status = status(&mut out);
    // Whoever read our words may have stopped.
    if out.flush().is_err() { 4 } else { status }
}

fn status(out: &mut Out) -> u8 {
    let options = match options::read(std::env::args_os().skip(1)) {
        Ok(options) => options,
        Err(wrong) => return usage(out, &wrong.message, wrong.json),
    };
    if options.help {
        return explained(out, &options, "help", HELP.trim_end());
    }
    if options.version {
        // Not a copy that is put together from parts: the line stands in the program.
        return explained(out, &options, "release", std::hint::black_box(VERSION).trim_end());
    }
    let files = match files(&options) {
        Ok(Ok(files)) => files,
        Ok(Err(message)) => return usage(out, &message, options.json),
        Err(message) => return failed(out, &options, &message),
    };
    match answered(&options, &files) {
        Ok((results, notes, more)) => told(out, &options, &results, &notes, &more),
        Err(Wrong::Words(message)) => usage(out, &message, options.json),
        Err(Wrong::Place(message)) => failed(out, &options, &message),
    }
}

fn explained(out: &mut Out, options: &Options, name: &'static str, text: &str) -> u8 {
    if options.json {
        out.document(vec![(name, Json::text(text))]);
    } else {
        out.say(text);
    }
    0
}

fn usage(out: &mut Out, message: &str, json: bool) -> u8 {
    if json {
        out.failure("usage", message);
    } else {
        out.note(USAGE);
        out.note(&format!("error: {}", escaped(message, out.ascii)));
    }
    2
}

/// A list of names that cannot be read.
fn failed(out: &mut Out, options: &Options, message: &str) -> u8 {
    if options.json {
        out.failure("store", message);
    } else {
        out.note(&format!("error: {}", escaped(message, out.ascii)));
    }
    4
}

// --- what is asked -------------------------------------------------------------------------------

/// The files that are named; words that are wrong, or what could not be read.
fn files(options: &Options) -> Result<Result<Vec<OsString>, String>, String> {
    if let Some(from) = &options.files0_from {
        let mut raw = Vec::new();
        let read = if from == "-" {
            io::stdin().lock().read_to_end(&mut raw).map(|_| raw)
        } else {
            std::fs::read(from)
        };
        let raw =
            read.map_err(|error| format!("{}: {}", escaped_name(from, false), strerror(&error)))?;
        return Ok(options::names(&raw, from));
    }
    if !options.files.is_empty() {
        return Ok(Ok(options.files.clone()));
    }
    if io::stdin().is_terminal() {
        return Ok(Err("name a file, or pipe one in".to_owned()));
    }
    Ok(Ok(vec![OsString::from("-")]))
}

/// Why nothing is answered: words that are wrong, or no folder that we are in.
enum Wrong {
    Words(String),
    Place(String),
}

type Answers = (Vec<Answered>, Vec<String>, Vec<OsString>);

/// The answers in the order of the files, notes, and of which of them `sig verify` may know more.
fn answered(options: &Options, files: &[OsString]) -> Result<Answers, Wrong> {
    let mut ids: Vec<Option<Identifier>> = Vec::with_capacity(files.len());
    for name in files {
        ids.push(match named(name) {
            None => None,
            Some(Ok(id)) => Some(id),
            Some(Err(why)) => return Err(Wrong::Words(format!("{}: {why}", text(name)))),
        });
    }
    let path = folder(options.dir.as_deref());
    let is_place = |name: &&OsString| *name != "-" && !name.as_bytes().starts_with(b"sha256:");
    let mut places = files.iter().filter(is_place).map(Path::new);
    let here = match std::env::current_dir() {
        Ok(here) => here,
        // It was removed: a relative path leads nowhere, and not to the root.
        Err(error) if path.is_relative() || places.any(Path::is_relative) => {
            return Err(Wrong::Place(strerror(&error)));
        }
        Err(_) => PathBuf::from("/"),
    };
    let mut progress = Progress::new(options);
    let asked: Vec<Asked> = files
        .iter()
        .zip(ids)
        .map(|(name, id)| match id {
            Some(id) => Asked::Bytes(id),
            None => identify(name, &mut |done| progress.read(name, done)),
        })
        .collect();
    progress.clear();
    let folder = Folder::new(&path, &here);
    let mut wanted: Vec<Identifier> = asked.iter().filter_map(|one| id_of(one).cloned()).collect();
    wanted.sort();
    wanted.dedup();
    let mut notes = Vec::new();
    let verdicts = verdicts(&folder, &path, &wanted, &mut notes);
    let mut more = Vec::new();
    let results = files
        .iter()
        .zip(asked)
        .map(|(name, asked)| {
            let told = told_of(name, &asked, &verdicts, &wanted, &folder, &mut more);
            Answered { shown: shown(name, &here), told }
        })
        .collect();
    Ok((results, notes, more))
}

fn id_of(asked: &Asked) -> Option<&Identifier> {
    match asked {
        Asked::Bytes(id) | Asked::Archive(id) => Some(id),
        Asked::Folder | Asked::Unreadable(_) => None,
    }
}

fn told_of(
    name: &OsStr,
    asked: &Asked,
    verdicts: &Result<Vec<Verdict>, Trouble>,
    wanted: &[Identifier],
    folder: &Folder,
    more: &mut Vec<OsString>,
) -> Told {
    let error = |id: Option<&Identifier>, reason, message: &str, hint| Told::Error {
        id: id.cloned(),
        reason,
        message: message.to_owned(),
        hint,
    };
    let Some(id) = id_of(asked) else {
        return match asked {
            Asked::Unreadable(why) => error(None, "unreadable", why, None),
            _ => {
                more.push(name.to_owned());
                error(None, "unreadable", "a folder, which sig verify looks at", None)
            }
        };
    };
    let found = match verdicts {
        Err(trouble) => {
            let hint = trouble.hint.clone().or_else(|| Some("sig doctor".to_owned()));
            return error(Some(id), "store", &trouble.message, hint);
        }
        Ok(found) => wanted.iter().zip(found).find(|(other, _)| *other == id),
    };
    let Some((_, verdict)) = found else {
        return error(Some(id), "store", "nothing is known of it", None);
    };
    if matches!(asked, Asked::Archive(_)) {
        if verdict.answer == Answer::Ok {
            // One that is ok is bad where one of its files is.
            let hint = format!("sig verify {}", quoted(&escaped_name(name, false)));
            let message = "an archive, whose files sig verify looks at";
            return error(Some(id), "unreadable", message, Some(hint));
        }
        if verdict.answer != Answer::Bad && folder.has_lists() {
            more.push(name.to_owned());
        }
    }
    if verdict.answer == Answer::Unknown {
        more.push(name.to_owned());
    }
    Told::Verdict(Box::new(verdict.clone()))
}

/// The absolute path; standard input and identifiers as they are.
fn shown(name: &OsStr, here: &Path) -> OsString {
    if name == "-" || name.as_bytes().starts_with(b"sha256:") {
        return name.to_owned();
    }
    absolute(name, here)
}

// --- the folder ----------------------------------------------------------------------------------

/// What is believed of these, all from one state of the folder.
fn verdicts(
    folder: &Folder,
    path: &Path,
    ids: &[Identifier],
    notes: &mut Vec<String>,
) -> Result<Vec<Verdict>, Trouble> {
    let now = asking::now();
    if !folder.exists()? {
        let place = text(path.as_os_str());
        notes.push(format!("there is no folder at {place}/ yet; sig remote add makes it"));
        return nothing(ids, &asking::site()?, now);
    }
    let (found, more) = asking::asked(folder, now, |view| {
        Ok(match view {
            Some(view) => (view.verdicts(ids)?, view.notes()),
            None => (nothing(ids, &asking::site()?, now)?, Vec::new()),
        })
    })?;
    notes.extend(more);
    Ok(found)
}

// --- the answers ---------------------------------------------------------------------------------

/// Says all; the exit status: 3 if any is bad, else 4, else 1, else 0.
fn told(
    out: &mut Out,
    options: &Options,
    results: &[Answered],
    notes: &[String],
    more: &[OsString],
) -> u8 {
    out.colour = is_coloured(options);
    if !options.quiet {
        for text in notes {
            out.note(&format!("note: {}", escaped(text, out.ascii)));
        }
    }
    if options.json {
        out.document(vec![("results", Json::List(results.iter().map(result_json).collect()))]);
    } else {
        for result in results {
            print_result(out, options, result);
        }
        if results.len() > 1 && !options.quiet {
            print_total(out, results);
        }
    }
    if let (Some(first), false) = (more.first(), options.quiet) {
        // Who does not count, folders, and what is in archives: not in the view.
        let rest = if more.len() > 1 { " …" } else { "" };
        // What begins like an option would be one.
        let option = first.len() > 1 && first.as_bytes().starts_with(b"-");
        let before = if option { "./" } else { "" };
        let name = quoted(&format!("{before}{}", escaped_name(first, out.ascii)));
        out.note(&format!("hint: sig verify {name}{rest}"));
    }
    let any = |answer| results.iter().any(|result| result.told.answer() == answer);
    match () {
        () if any(Answer::Bad) => 3,
        () if any(Answer::Error) => 4,
        () if any(Answer::Unverified) || any(Answer::Unknown) => 1,
        () => 0,
    }
}

fn print_result(out: &mut Out, options: &Options, result: &Answered) {
    let path = escaped_name(&result.shown, out.ascii);
    let found = match &result.told {
        Told::Verdict(found) => found,
        Told::Error { id, message, hint, .. } => {
            out.note(&format!("error: {}", escaped(&format!("{path}: {message}"), out.ascii)));
            if let (Some(hint), Some(_)) = (hint, id) {
                out.note(&format!("hint: {hint}"));
            }
            return;
        }
    };
    if options.quiet && found.answer == Answer::Ok {
        return;
    }
    out.say(&format!("identified file as {}", found.id));
    print_signers(out, options, found);
    let (word, told) = match found.answer {
        Answer::Ok => ("ok", "is ok."),
        Answer::Bad => ("bad", "is marked bad!"),
        Answer::Unverified => ("unverified", "is not verified."),
        Answer::Unknown | Answer::Error => ("unknown", "is unknown!"),
    };
    out.say(&colored(word, &format!("file {path} {told}"), out.colour));
}

/// Each signer's newest word; of those that do not count, five.
fn print_signers(out: &mut Out, options: &Options, found: &Verdict) {
    let newest = || found.statements.iter().filter(|line| line.newest);
    for line in newest().filter(|line| line.counted) {
        print_signer(out, options, line);
    }
    let others: Vec<&Judged> = newest().filter(|line| !line.counted).collect();
    for line in others.iter().take(SHOWN_NOT_COUNTED) {
        print_signer(out, options, line);
    }
    let left = others.len().saturating_sub(SHOWN_NOT_COUNTED);
    if left > 0 {
        out.say(&format!("… and {left} more"));
    }
}

fn print_signer(out: &mut Out, options: &Options, line: &Judged) {
    let state = colored(line.state.word(), line.state.word(), out.colour);
    let key = if line.key.is_empty() { "?" } else { &line.key };
    let from = if options.verbose { 0 } else { key.chars().count().saturating_sub(8) };
    let key: String = key.chars().skip(from).collect();
    let mut said = format!("{state} [{}]", escaped(&key, out.ascii));
    let uid = escaped(&line.uid, out.ascii);
    if !uid.is_empty() {
        said = format!("{said} {uid}");
    }
    if let (true, Some(at)) = (options.verbose, line.signed_at.filter(|at| *at != 0)) {
        said = format!("{said} {}", instant::write(at));
    }
    out.say(&said);
    if !line.comment.is_empty() && (options.verbose || line.state == State::NotOk) {
        out.say(&format!("    \"{}\"", escaped(&line.comment, out.ascii)));
    }
}

fn print_total(out: &mut Out, results: &[Answered]) {
    let words = [
        ("ok", Answer::Ok),
        ("marked bad", Answer::Bad),
        ("not verified", Answer::Unverified),
        ("unknown", Answer::Unknown),
        ("unreadable", Answer::Error),
    ];
    let count = |answer| results.iter().filter(|one| one.told.answer() == answer).count();
    let told = words.map(|(word, answer)| format!("{} {word}", count(answer))).join(", ");
    out.note(&format!("{} files: {told}", results.len()));
}

fn result_json(result: &Answered) -> Json {
    let shown = Json::Text(result.shown.as_bytes().to_vec());
    let (id, verdict, reason, message, lines) = match &result.told {
        Told::Verdict(one) => {
            let lines = one.statements.iter().map(judged_json).collect();
            let id = Some(one.id.as_str());
            (id, one.answer.word(), one.reason.word(), one.message.as_str(), lines)
        }
        Told::Error { id, reason, message, .. } => {
            let id = id.as_ref().map(Identifier::as_str);
            (id, "error", *reason, message.as_str(), Vec::new())
        }
    };
    Json::Object(vec![
        ("file", shown),
        ("id", Json::maybe(id)),
        ("verdict", Json::text(verdict)),
        ("reason", Json::text(reason)),
        ("message", Json::text(message)),
        ("statements", Json::List(lines)),
    ])
}

fn judged_json(line: &Judged) -> Json {
    let signed = line.signed_at.map(instant::write);
    Json::Object(vec![
        ("key", Json::text(&line.key)),
        ("uid", Json::text(&line.uid)),
        ("state", Json::text(line.state.word())),
        ("counted", Json::choice(Some(line.counted))),
        ("ok", Json::choice(line.ok)),
        ("reviewed", Json::choice(line.reviewed)),
        ("comment", Json::text(&line.comment)),
        ("signed_at", Json::maybe(signed.as_deref())),
        ("sources", Json::List(line.sources.iter().map(|one| Json::text(one)).collect())),
        ("why", Json::text(&line.why)),
    ])
}

// --- where lines go ------------------------------------------------------------------------------

fn is_coloured(options: &Options) -> bool {
    let set = |name| std::env::var_os(name).is_some_and(|value| !value.is_empty());
    let dumb = std::env::var_os("TERM").is_some_and(|term| term == "dumb");
    !options.no_color && !set("NO_COLOR") && io::stdout().is_terminal() && !dumb
}

/// Answers on standard output, everything else on standard error.
struct Out {
    text: Vec<u8>,
    ascii: bool,
    colour: bool,
}

impl Default for Out {
    fn default() -> Self {
        let ascii = is_ascii(asking::locale().as_deref());
        Self { text: Vec::new(), ascii, colour: false }
    }
}

impl Out {
    fn say(&mut self, line: &str) {
        let plain = self.ascii && !line.is_ascii();
        let line = if plain { escaped(line, true) } else { line.to_owned() };
        self.text.extend_from_slice(line.as_bytes());
        self.text.push(b'\n');
    }

    fn note(&mut self, line: &str) {
        let plain = self.ascii && !line.is_ascii();
        let line = if plain { escaped(line, true) } else { line.to_owned() };
        // Nobody can be told that this failed.
        let _ = writeln!(io::stderr(), "{line}");
    }

    fn document(&mut self, fields: Vec<(&'static str, Json)>) {
        let version = ("version", Json::Plain("1".to_owned()));
        let value = Json::Object(std::iter::once(version).chain(fields).collect());
        self.text.extend_from_slice(value.written().as_bytes());
        self.text.push(b'\n');
    }

    fn failure(&mut self, code: &str, message: &str) {
        let told = vec![
            ("code", Json::text(code)),
            ("message", Json::text(message)),
            ("hint", Json::choice(None)),
        ];
        self.document(vec![("error", Json::Object(told))]);
    }

    fn flush(&mut self) -> io::Result<()> {
        let mut stdout = io::stdout().lock();
        stdout.write_all(&self.text)?;
        stdout.flush()
    }
}

/// A line on a terminal that is written over, where reading takes more than a second.
struct Progress {
    shows: bool,
    start: Instant,
    last: Option<Instant>,
    before: u64,
    files: u64,
    name: OsString,
    done: u64,
}

impl Progress {
    fn new(options: &Options) -> Self {
        let dumb = std::env::var_os("TERM").is_some_and(|term| term == "dumb");
        let shows = !options.quiet && !dumb && io::stderr().is_terminal();
        let start = Instant::now();
        Self { shows, start, last: None, before: 0, files: 0, name: OsString::new(), done: 0 }
    }

    fn read(&mut self, name: &OsStr, done: u64) {
        if !self.shows {
            return;
        }
        if self.files == 0 || self.name != name {
            self.before = self.before.saturating_add(self.done);
            self.files = self.files.saturating_add(1);
            self.name = name.to_owned();
        }
        self.done = done;
        let recent = self.last.is_some_and(|last| last.elapsed() < Duration::from_millis(100));
        if self.start.elapsed() < Duration::from_secs(1) || recent {
            return;
        }
        self.last = Some(Instant::now());
        let tenths = self.before.saturating_add(done).saturating_mul(10) >> 20;
        let (whole, part) = (tenths / 10, tenths % 10);
        let _ = write!(io::stderr(), "\r\x1b[K{} files, {whole}.{part} MiB", self.files);
    }

    fn clear(&mut self) {
        if self.last.is_some() {
            let _ = write!(io::stderr(), "\r\x1b[K");
        }
    }
}
