//! A Python that is not the system's, as sealed copies of all that runs before the finder
//! (docs/spec/loader §4): `sig/imports/interpreter.py` in Rust.
//!
//! J1  The program is executed from a sealed copy, and so is every library of the build that it needs:
//!     ld.so is given them first, and takes them for what is needed by their SONAMEs.
//! J2  The copies name no folder to search and need nothing by a path. So what is left to ld.so comes
//!     from its own folders, which are root's.
//! J3  CPython is told that it lies in /proc/self/fd, where nobody can put a file beside it, and that
//!     its standard library lies there, too (`starting`).
//! J4  Extension modules that the finder itself needs are sealed copies as well.
//! J5  All of these are opened once, hashed, compared with the list of the build, and looked up among
//!     what is marked bad.

use std::collections::{BTreeMap, VecDeque};
use std::fs::File;
use std::io::{self, Read};
use std::os::fd::{AsRawFd, OwnedFd};
use std::os::unix::ffi::{OsStrExt, OsStringExt};
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};

use sha2::{Digest, Sha256};
use sig_core::model::elf::{self, Elf};
use sig_core::model::identifier::{digest, hex};
use sig_core::model::manifest::Manifest;

use super::files;
use super::interpreter::Build;
use super::kernel;
use super::refused::Refused;
use super::system::why_not_file;
use super::unsealed;
use crate::words::{strerror, text};

const SMALL: usize = 8 << 20;
const LARGEST: u64 = 1 << 30;
const BLOCK: usize = 1 << 18;
/// Those that there are of these, as not every build has them built in.
const MODULES: [&str; 4] = ["_ctypes", "_sha2", "_sha256", "fcntl"];
const SOURCES: [&str; 15] = [
    "_collections_abc",
    "_sitebuiltins",
    "abc",
    "codecs",
    "encodings/__init__",
    "encodings/aliases",
    "encodings/ascii",
    "encodings/latin_1",
    "encodings/utf_8",
    "genericpath",
    "io",
    "os",
    "posixpath",
    "site",
    "stat",
];
/// Besides, where the interpreter is to warn of something: it reads its `-W` before our first line.
const WARNS: [&str; 2] = ["_py_warnings", "warnings"];
const SYSTEM: [&str; 6] =
    ["/lib/@-linux-gnu", "/usr/lib/@-linux-gnu", "/lib64", "/usr/lib64", "/lib", "/usr/lib"];

/// What a run starts from: sealed copies.
pub struct Prepared {
    /// The interpreter.
    pub program: OwnedFd,
    /// Its ld.so; None where it needs none.
    pub linker: Option<PathBuf>,
    /// Paths of copies that ld.so is given first.
    pub preload: Vec<Vec<u8>>,
    /// As in a plan.
    pub early: Vec<(String, Vec<u8>, Vec<u8>)>,
    /// Sources of the standard library, by their paths in it.
    pub sources: BTreeMap<String, Vec<u8>>,
    /// What stays open.
    pub copies: Vec<OwnedFd>,
}

/// The copies of one run (J1 to J5); `files` are those of the build, `bad` as in a plan, `warns`
/// whether its options want the module for that.
pub fn prepare(
    build: &Build,
    files: &Manifest,
    bad: &BTreeMap<String, String>,
    warns: bool,
) -> Result<Prepared, Refused> {
    let base = [without_slash(build.base.as_os_str().as_bytes()), b"/"].concat();
    let mut made = Maker { build, base, files, bad, libraries: Vec::new(), copies: Vec::new() };
    let (data, said) = made.elf(&build.program)?;
    let linker = (!said.interpreter.is_empty()).then(|| path(&said.interpreter).to_owned());
    if let Some(why) = linker.as_deref().and_then(why_not_file) {
        let shown = made.shown(&build.program);
        return Err(Refused::could_not(format!(
            "the linker of {shown} is not the system's: {why}"
        )));
    }
    let program = kernel::sealed(&[data], &build.name, true).map_err(|error| unsealed(&error))?;
    made.add(&build.program, &said)?;
    let mut early = Vec::new();
    for module in made.modules() {
        let (data, said) = made.elf(&module)?;
        made.add(&module, &said)?;
        let name = last(&module).split('.').next().unwrap_or_default().to_owned();
        let copy = made.copy(&data, &name)?;
        early.push((name, made.place(&module), copy));
    }
    let given = made.libraries.iter();
    early.extend(given.map(|(path, copy)| (String::new(), made.place(path), copy.clone())));
    let library = build.search.first().map(String::as_str).unwrap_or_default();
    let sources = made.sources(library, warns)?;
    let preload = made.libraries.into_iter().map(|(_, copy)| copy).collect();
    Ok(Prepared { program, linker, preload, early, sources, copies: made.copies })
}

/// The files of a build, each as its list says or not at all (J5).
struct Maker<'a> {
    build: &'a Build,
    /// With a slash behind it.
    base: Vec<u8>,
    files: &'a Manifest,
    bad: &'a BTreeMap<String, String>,
    /// Path of each library and that of its copy, in the order for ld.so.
    libraries: Vec<(String, Vec<u8>)>,
    copies: Vec<OwnedFd>,
}

impl Maker<'_> {
    fn place(&self, path: &str) -> Vec<u8> {
        [self.base.as_slice(), path.as_bytes()].concat()
    }

    fn shown(&self, path: &str) -> String {
        text(self::path(&self.place(path)).as_os_str())
    }

    fn failed(&self, path: &str, error: &io::Error) -> Refused {
        let why = strerror(error).to_lowercase();
        Refused::could_not(format!("{}: {why}", self.shown(path)))
    }

    fn missing(&self, path: &str) -> Refused {
        Refused::not_verified(format!("{} is missing", self.shown(path)))
    }

    /// A small file.
    fn read(&self, path: &str) -> Result<Vec<u8>, Refused> {
        let raw = files::read(self::path(&self.place(path)), SMALL)
            .map_err(|error| self.failed(path, &error))?
            .ok_or_else(|| self.missing(path))?;
        self.check(path, &digest(&raw))?;
        Ok(raw)
    }

    /// A program or library: what is mapped of it, fit for that (J2), and what it says.
    fn elf(&self, path: &str) -> Result<(Vec<u8>, Elf), Refused> {
        let failed = |error: io::Error| self.failed(path, &error);
        let file = files::open(self::path(&self.place(path))).map_err(failed)?;
        let file = file.ok_or_else(|| self.missing(path))?;
        let (mut data, found) = hashed(file).map_err(failed)?;
        self.check(path, &found)?;
        let said = elf::read(&data).and_then(|said| {
            elf::without_search(&mut data, &said)?;
            Ok(said)
        });
        let said = said.map_err(|error| {
            Refused::could_not(format!("{}: {}", self.shown(path), error.message()))
        })?;
        Ok((data, said))
    }

    fn check(&self, path: &str, found: &str) -> Result<(), Refused> {
        let shown = self.shown(path);
        if let Some(why) = self.bad.get(found) {
            return Err(Refused::bad(format!("{shown} is marked bad: {why}")));
        }
        if self.files.digest(path) != Some(found) {
            let why = format!("{shown} is not the file that was attested");
            return Err(Refused::not_verified(why).tampered(shown));
        }
        Ok(())
    }

    /// Seals what a file needs of the build, and what that needs (J1).
    fn add(&mut self, path: &str, said: &Elf) -> Result<(), Refused> {
        let mut waiting = VecDeque::from([(path.to_owned(), said.clone())]);
        while let Some((above, needs)) = waiting.pop_front() {
            for name in &needs.needed {
                let Some(found) = self.covered(name, &above, &needs) else { continue };
                if self.libraries.iter().any(|(path, _)| *path == found) {
                    continue;
                }
                let (data, own) = self.elf(&found)?;
                let wanted = name.rsplit(|one| *one == b'/').next().unwrap_or_default();
                if own.soname != wanted {
                    let wanted = String::from_utf8_lossy(wanted).into_owned();
                    let why = format!("{} does not call itself {wanted}", self.shown(&found));
                    return Err(Refused::could_not(why));
                }
                let copy = self.copy(&data, last(&found))?;
                self.libraries.push((found.clone(), copy));
                waiting.push_back((found, own));
            }
        }
        Ok(())
    }

    /// The listed file that ld.so would find under this name, if it is one of the build.
    fn covered(&self, name: &[u8], above: &str, needs: &Elf) -> Option<String> {
        let plain = name.rsplit(|one| *one == b'/').next()?;
        let own = self.place(above);
        let origin = parent(&own);
        for folder in self.folders(name, origin, needs) {
            let place = [without_slash(&folder), b"/", plain].concat();
            let found = place.strip_prefix(self.base.as_slice());
            let found = found.and_then(|path| std::str::from_utf8(path).ok());
            if let Some(found) = found.filter(|path| self.files.digest(path).is_some()) {
                return Some(found.to_owned());
            }
        }
        None
    }

    /// Where ld.so would look, without links; in the build before the system's folders (B3 of
    /// `sig/repo/interpreter.py`).
    fn folders(&self, name: &[u8], origin: &[u8], needs: &Elf) -> Vec<Vec<u8>> {
        let slash = name.iter().rposition(|one| *one == b'/');
        let named: Vec<&[u8]> = match slash {
            Some(slash) => name.get(..slash).into_iter().filter(|it| !it.is_empty()).collect(),
            None => needs.paths().collect(),
        };
        let mut found: Vec<Vec<u8>> =
            named.into_iter().filter_map(|folder| expanded(folder, origin)).collect();
        if slash.is_none() {
            let machine = if needs.machine == 183 { "aarch64" } else { "x86_64" };
            found.extend(["lib", "lib64"].map(|it| self.place(it)));
            found.extend(SYSTEM.map(|folder| folder.replace('@', machine).into_bytes()));
        }
        found.into_iter().map(|folder| real(&folder)).collect()
    }

    /// J4.
    fn modules(&self) -> Vec<String> {
        let mut found = Vec::new();
        for folder in &self.build.search {
            let folder = format!("{folder}/");
            for (path, _) in self.files.files().filter(|(path, _)| path.ends_with(".so")) {
                let name = path.strip_prefix(&folder).and_then(|rest| rest.split('.').next());
                if name.is_some_and(|name| MODULES.contains(&name)) {
                    found.push(path.to_owned());
                }
            }
        }
        found
    }

    /// What is imported before there is a finder, of what the list has.
    fn sources(&self, library: &str, warns: bool) -> Result<BTreeMap<String, Vec<u8>>, Refused> {
        let mut wanted: Vec<String> = SOURCES.iter().map(|name| format!("{name}.py")).collect();
        if warns {
            wanted.extend(WARNS.iter().map(|name| format!("{name}.py")));
        }
        let folder = format!("{library}/");
        if !is_plain(crate::asking::locale().as_deref().map(OsStrExt::as_bytes)) {
            let inside = |path: &&str| path.starts_with("encodings/") && path.ends_with(".py");
            let listed = self.files.files().filter_map(|(path, _)| path.strip_prefix(&folder));
            wanted.extend(listed.filter(inside).map(str::to_owned));
        }
        let mut found = BTreeMap::new();
        for name in wanted {
            let path = format!("{folder}{name}");
            if self.files.digest(&path).is_some() {
                let raw = self.read(&path)?;
                found.insert(name, raw);
            }
        }
        Ok(found)
    }

    /// A sealed copy, and a path of it that no other file had or will have: ld.so and CPython take
    /// what has the same path for the same file, and a number of a descriptor comes again.
    fn copy(&mut self, data: &[u8], name: &str) -> Result<Vec<u8>, Refused> {
        let made = kernel::sealed(&[data], name, false).map_err(|error| unsealed(&error))?;
        let status = rustix::fs::fstat(&made).map_err(|error| unsealed(&error.into()))?;
        let bits = format!("{:b}", status.st_ino).replace('0', "/").replace('1', "./");
        let path = format!("/proc/self/{bits}fd/{}", made.as_raw_fd()).into_bytes();
        self.copies.push(made);
        Ok(path)
    }
}

/// What is mapped of a file, and the digest of all of it: from one opening, read once.
fn hashed(mut file: File) -> io::Result<(Vec<u8>, String)> {
    let size = file.metadata()?.size();
    if size > LARGEST {
        return Err(io::Error::new(io::ErrorKind::FileTooLarge, "larger than 1 GiB"));
    }
    let size = usize::try_from(size).map_err(io::Error::other)?;
    let mut data = Vec::new();
    read_to(&mut file, &mut data, size.min(elf::HEAD))?;
    // What cannot be understood is refused later, by who knows what it should have been.
    let length = elf::mapped(&data, size).unwrap_or(size).min(size);
    read_to(&mut file, &mut data, length)?;
    let mut found = Sha256::new();
    found.update(&data);
    data.truncate(length);
    let mut block = vec![0; BLOCK];
    loop {
        let read = match file.read(&mut block) {
            Err(error) if error.kind() == io::ErrorKind::Interrupted => continue,
            other => other?,
        };
        if read == 0 {
            return Ok((data, hex(&found.finalize())));
        }
        found.update(block.get(..read).unwrap_or_default());
    }
}

/// Reads on until there are so many bytes, or no more.
fn read_to(file: &mut File, data: &mut Vec<u8>, length: usize) -> io::Result<()> {
    let more = length.saturating_sub(data.len());
    data.reserve_exact(more);
    file.take(u64::try_from(more).unwrap_or(u64::MAX)).read_to_end(data)?;
    Ok(())
}

/// A folder that a library names, with its own in place of `$ORIGIN`; none where that is not
/// absolute, or wants more than that.
fn expanded(folder: &[u8], origin: &[u8]) -> Option<Vec<u8>> {
    let mut found = Vec::new();
    let mut left = folder;
    while let Some((first, rest)) = left.split_first() {
        let inside = [b"${ORIGIN}".as_slice(), b"$ORIGIN"];
        match inside.iter().find_map(|word| left.strip_prefix(*word)) {
            Some(rest) => {
                found.extend_from_slice(origin);
                left = rest;
            }
            None if *first == b'$' => return None,
            None => {
                found.push(*first);
                left = rest;
            }
        }
    }
    found.starts_with(b"/").then_some(found)
}

/// Without links, as far as it is there.
fn real(folder: &[u8]) -> Vec<u8> {
    match std::fs::canonicalize(path(folder)) {
        Ok(found) => found.into_os_string().into_vec(),
        Err(_) => sig_core::model::covered::normal(folder).unwrap_or_else(|| folder.to_vec()),
    }
}

fn without_slash(folder: &[u8]) -> &[u8] {
    folder.strip_suffix(b"/").unwrap_or(folder)
}

/// Whether a Python in this locale needs no other encoding than those that are always given. The
/// name decides, as no library is asked: one without an encoding in it may have any.
fn is_plain(locale: Option<&[u8]>) -> bool {
    let Some(locale) = locale.filter(|it| !matches!(*it, b"C" | b"POSIX")) else { return true };
    let name = locale.split(|one| *one == b'@').next().unwrap_or_default();
    let set = name.iter().position(|one| *one == b'.').and_then(|at| name.get(at..));
    let letters = set.unwrap_or_default().iter().filter(|one| one.is_ascii_alphanumeric());
    letters.map(u8::to_ascii_lowercase).eq(*b"utf8")
}

fn path(raw: &[u8]) -> &Path {
    Path::new(std::ffi::OsStr::from_bytes(raw))
}

fn parent(raw: &[u8]) -> &[u8] {
    raw.iter().rposition(|one| *one == b'/').and_then(|at| raw.get(..at)).unwrap_or_default()
}

fn last(path: &str) -> &str {
    path.rsplit('/').next().unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_own_folder_is_put_into_a_name() {
        let found = |folder: &str| {
            expanded(folder.as_bytes(), b"/opt/a").map(|it| String::from_utf8(it).unwrap())
        };
        assert_eq!(Some("/opt/a/../lib".to_owned()), found("$ORIGIN/../lib"));
        assert_eq!(Some("/opt/a/x".to_owned()), found("${ORIGIN}/x"));
        assert_eq!(Some("/x/opt/a".to_owned()), found("/x$ORIGIN"));
        for other in ["lib", "$LIB/x", "/x/$PLATFORM", "", "x/$ORIGIN"] {
            assert_eq!(None, found(other), "{other}");
        }
    }

    #[test]
    fn a_locale_that_says_utf_8_needs_no_more() {
        for name in ["C", "POSIX", "C.UTF-8", "de_DE.utf8", "de_DE.UTF-8@euro"] {
            assert!(is_plain(Some(name.as_bytes())), "{name}");
        }
        for name in ["de_DE", "de_DE@euro", "ja_JP.EUC-JP", "de_DE.ISO-8859-1", "utf8", "", "x."] {
            assert!(!is_plain(Some(name.as_bytes())), "{name}");
        }
        assert!(is_plain(None));
    }
}
