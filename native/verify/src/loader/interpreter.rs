//! The interpreter that a run becomes: the file of the policy, and what it is today.
//!
//! Y1  The path that was asked for leads to the very file that the loader was made for: another would
//!     have its packages elsewhere. An update of the system changes that file, and it is asked anew
//!     what it is, as root's own (P3 of `sig/repo/python.py`).
//! Y2  It and its standard library are the system's (`super::system`), at each start; or the policy
//!     names the build that it belongs to, and then nothing of it runs that is not on the list of that
//!     (`super::prepared`).

use std::fs::Metadata;
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use sig_core::model::identifier::digest;
use sig_core::model::manifest::Manifest;
use sig_core::model::{loader, pythons};

use super::files;
use super::refused::Refused;
use super::system::{is_system_folder, why_not_file};
use crate::words::text;

/// What is run.
pub struct Python {
    /// The file.
    pub executable: PathBuf,
    /// Three numbers; empty for a build, whose list says it.
    pub version: String,
    /// Folders of the standard library; none for a build.
    pub stdlib: Vec<Vec<u8>>,
    /// Folders of the system's own packages.
    pub system: Vec<Vec<u8>>,
    /// Whether it is the very file of when the loader was made, as far as its size and time tell;
    /// not asked where it is not the system's: many such have one and the same time.
    pub same: bool,
    /// What it belongs to where it is not the system's.
    pub build: Option<Build>,
}

/// A build of Python that is not the system's. Paths without a slash before them are below `base`.
pub struct Build {
    /// Its folder.
    pub base: PathBuf,
    /// What it calls itself: `python3.12`.
    pub name: String,
    /// The path of its program.
    pub program: String,
    /// The folders in which its modules lie, best first: that of its standard library.
    pub search: Vec<String>,
}

impl Build {
    fn of(said: &loader::Python) -> Option<Self> {
        let base = said.base.trim_end_matches('/');
        let below = |path: &str| Some(path.strip_prefix(base)?.strip_prefix('/')?.to_owned());
        let search = said.stdlib.iter().map(|it| below(it)).collect::<Option<Vec<_>>>()?;
        let name = search.first()?.rsplit('/').next()?.to_owned();
        let program = below(&said.executable)?;
        let base = PathBuf::from(&said.base);
        let made = Self { base, name, program, search };
        made.minor().is_some().then_some(made)
    }

    /// The second number of its version.
    pub fn minor(&self) -> Option<u32> {
        let digits = self.name.strip_prefix("python3.")?;
        digits.strip_suffix('t').unwrap_or(digits).parse().ok()
    }

    /// Its version as the files of its list say; the third number may be missing.
    pub fn version(&self, listed: &Manifest) -> String {
        let name = self.name.strip_prefix("python").unwrap_or_default();
        let short = name.strip_suffix('t').unwrap_or(name);
        let path = format!("include/{}/patchlevel.h", self.name);
        let raw = files::read(&self.base.join(&path), HEADER).ok().flatten();
        let raw = raw.filter(|raw| listed.digest(&path) == Some(&digest(raw)));
        let said = raw.as_deref().and_then(|raw| raw.split(|one| *one == b'\n').find_map(defined));
        let fits = |said: &&str| {
            let rest = said.strip_prefix(short);
            rest.is_some_and(|rest| rest.starts_with('.')) && pythons::allows("", said).is_ok()
        };
        said.filter(fits).unwrap_or(short).to_owned()
    }
}

/// The version in a line of a header of C.
fn defined(line: &[u8]) -> Option<&str> {
    fn blank(line: &str) -> Option<&str> {
        let rest = line.trim_start_matches([' ', '\t']);
        (rest.len() < line.len()).then_some(rest)
    }
    let line = std::str::from_utf8(line).ok()?;
    let rest = blank(line.strip_prefix("#define")?)?.strip_prefix("PY_VERSION")?;
    let (said, _) = blank(rest)?.strip_prefix('"')?.split_once('"')?;
    let plain = |one: u8| one.is_ascii_digit() || one.is_ascii_lowercase() || b".+".contains(&one);
    ((1..=32).contains(&said.len()) && said.bytes().all(plain)).then_some(said)
}

const HEADER: usize = 64 << 10;

// Text that every Python 3 can print: what is between the lines has none.
const QUESTION: &str = "import sys; print('%d.%d.%d' % sys.version_info[:3]); \
     [print(ascii(each)[1:-1]) for each in sys.path if each]";

/// The interpreter of this policy; `asked` is the path in it, absolute.
pub fn python(said: &loader::Python, asked: &Path, again: &str) -> Result<Python, Refused> {
    let could_not = |why: String| Refused::could_not(why).hint(again);
    let executable = PathBuf::from(&said.executable);
    let found = std::fs::canonicalize(asked);
    match found {
        Ok(found) if found == executable => {}
        Ok(found) => {
            return Err(could_not(format!(
                "{} is {}, and this loader was made for {}",
                text(asked.as_os_str()),
                text(found.as_os_str()),
                said.executable
            )));
        }
        Err(_) => return Err(could_not(format!("there is no {}", text(asked.as_os_str())))),
    }
    if !said.base.is_empty() {
        let build = Build::of(said)
            .ok_or_else(|| could_not(format!("{} is of a kind that is not known", said.base)))?;
        return Ok(Python {
            executable,
            version: String::new(),
            stdlib: Vec::new(),
            system: Vec::new(),
            same: false,
            build: Some(build),
        });
    }
    if let Some(why) = why_not_file(&executable) {
        return Err(could_not(format!("{} is not the system's: {why}", said.executable)));
    }
    let status = std::fs::metadata(&executable)
        .map_err(|error| could_not(format!("{}: {error}", said.executable)))?;
    let bytes = |folders: &[String]| folders.iter().map(|it| it.as_bytes().to_vec()).collect();
    let mut made = Python {
        executable,
        version: said.version.clone(),
        stdlib: bytes(&said.stdlib),
        system: bytes(&said.system),
        same: state(&status) == said.state,
        build: None,
    };
    check_folders(&made.stdlib, &made.system).map_err(could_not)?;
    if !made.same {
        let answer = asked_anew(&made.executable)
            .ok_or_else(|| could_not(format!("{} does not say what it is", said.executable)))?;
        let (version, folders) = answer;
        made.version = version;
        made.stdlib = folders;
        check_folders(&made.stdlib, &made.system).map_err(could_not)?;
    }
    Ok(made)
}

/// Size, and time of change in nanoseconds.
fn state(status: &Metadata) -> String {
    let time = i128::from(status.mtime())
        .saturating_mul(1_000_000_000)
        .saturating_add(i128::from(status.mtime_nsec()));
    format!("{} {time}", status.size())
}

/// Y2. The standard library may have a zip, which need not be there.
fn check_folders(stdlib: &[Vec<u8>], system: &[Vec<u8>]) -> Result<(), String> {
    for folder in stdlib {
        let place = path(folder);
        let looked = if place.is_dir() { place } else { place.parent().unwrap_or(place) };
        if !is_system_folder(looked) {
            return Err(format!(
                "the standard library in {} is not the system's",
                text(place.as_os_str())
            ));
        }
    }
    match system.iter().find(|folder| !is_system_folder(path(folder))) {
        Some(folder) => Err(format!("{} is not the system's", text(path(folder).as_os_str()))),
        None => Ok(()),
    }
}

fn path(raw: &[u8]) -> &Path {
    Path::new(std::ffi::OsStr::from_bytes(raw))
}

/// Its version and the folders of its standard library.
fn asked_anew(executable: &Path) -> Option<(String, Vec<Vec<u8>>)> {
    let done = Command::new(executable)
        .args(["-I", "-S", "-B", "-c", QUESTION])
        .env_clear()
        .current_dir("/")
        .stdin(Stdio::null())
        .stderr(Stdio::null())
        .output()
        .ok()
        .filter(|done| done.status.success())?;
    let said = String::from_utf8(done.stdout).ok()?;
    let mut lines = said.lines();
    let version = lines.next()?.to_owned();
    let plain = |part: &str| !part.is_empty() && part.bytes().all(|one| one.is_ascii_digit());
    if version.split('.').count() != 3 || !version.split('.').all(plain) {
        return None;
    }
    // What had to be escaped is no folder of a system.
    let folders: Vec<Vec<u8>> = lines
        .filter(|line| line.starts_with('/') && !line.contains('\\'))
        .filter(|line| Path::new(line).exists())
        .map(|line| line.as_bytes().to_vec())
        .collect();
    (!folders.is_empty()).then_some((version, folders))
}
