//! The sealed file that a run starts from: a page of Python, our modules, the plan, a pack.
//!
//! It is what `sig/imports/packing.py` writes, without being a zip: an interpreter of the system's is
//! given the page with `-c`, and the page knows where everything is.
//!
//! A Python that is not the system's finds the first modules of its standard library in a zip at the
//! end of the same file, and nowhere else (Z6 of `packing.py`).
//!
//! Z1  Our modules are those behind the policy, byte for byte.
//! Z2  An interpreter of the bytecode that they were compiled to runs that, any other the sources. To
//!     one that is the very file of when the loader was made only that is handed over.

use std::borrow::Cow;
use std::collections::BTreeMap;
use std::ffi::OsString;
use std::fmt::Write;
use std::os::unix::ffi::OsStringExt;
use std::path::Path;

use sig_core::model::loader::{Module, Policy};
use sig_core::model::pack::Pack;
use sig_core::model::zip::Directory;

use super::interpreter::Build;

const PAGE: usize = 4096;

// A stub stands for `__future__`, which does nothing: the real one would be read from the disk.
// Python 3.13 has imported linecache to show the text of -c, and would for whatever the program
// compiles as `<string>`.
const HEAD: &str = "\
import marshal, posix, sys
sys.modules.pop('linecache', None)
@elsewhere@from _frozen_importlib_external import MAGIC_NUMBER
known = MAGIC_NUMBER == @magic@
data = memoryview(posix.pread(d, @end@, 0))
posix.close(d)
if len(data) != @end@:
    raise SystemExit('sig: the sealed file cannot be read')
codes = {name: data[start:end] for name, start, end in (@compiled@ if known else @sources@)}
first = codes.pop('bootstrap')
future = sys.modules['__future__'] = type(sys)('__future__')
future.annotations = None
scope = {'__name__': '_sig_imports'}
exec(marshal.loads(first) if known else compile(first, '@file@', 'exec'), scope)
pack = [data[start:end] for start, end in @pack@]
scope['start'](globals(), bytes(data[slice(*@plan@)]), codes, known, pack)
";
const ELSEWHERE: &str = "\
for name in (b'LD_PRELOAD', b'PYTHONHOME', b'PYTHONPATH'):
    if name in posix.environ:
        posix.unsetenv(name)
        del posix.environ[name]
sys.path[:] = ['/proc/self/fd/%d' % d]
import os, site
";
const HOME: &str = "/proc/self/fd";
/// Python 3.13 imports it to remember the text of -c; what would come with it is half of a library.
const LINECACHE: (&str, &[u8]) = ("linecache.py", b"def _register_code(*given): pass\n");
/// The first Python 3 that has -P.
const SAFE_PATH: u32 = 11;
const FILE: &str = "<frozen importlib._bootstrap_external>";

/// The bytes of the file, part by part; None where its page would not fit. `same` says that the
/// interpreter is the very file of when the loader was made. `library` are sources of the standard
/// library, by their paths in it, for a Python that is not the system's.
pub fn sealed<'a>(
    policy: &Policy,
    modules: &'a [u8],
    same: bool,
    plan: &'a [u8],
    pack: Option<(&Pack<'_>, &'a [u8])>,
    library: Option<&BTreeMap<String, Vec<u8>>>,
) -> Option<Vec<Cow<'a, [u8]>>> {
    let (compiled, after) = places(&policy.compiled, PAGE);
    let (sources, _) = places(&policy.sources, after);
    let needed = if same { after.checked_sub(PAGE)? } else { modules.len() };
    let mut parts: Vec<Cow<'a, [u8]>> = vec![Cow::Borrowed(&[]), modules.get(..needed)?.into()];
    let mut end = PAGE.checked_add(needed)?;
    let mut add = |data: Cow<'a, [u8]>| -> Option<(usize, usize)> {
        let start = end;
        end = start.checked_add(data.len())?;
        parts.push(data);
        Some((start, end))
    };
    let plan = add(plan.into())?;
    let packed = match pack {
        None => Vec::new(),
        Some((pack, raw)) => vec![add(table(pack)?.into())?, add(raw.into())?],
    };
    let mut magic = String::from("b'");
    for byte in policy.magic {
        // Writing to a String does not fail.
        let _ = write!(magic, "\\x{byte:02x}");
    }
    magic.push('\'');
    let mut page = HEAD.to_owned();
    for (field, value) in [
        ("@elsewhere@", library.map_or("", |_| ELSEWHERE).to_owned()),
        ("@magic@", magic),
        ("@end@", end.to_string()),
        ("@compiled@", compiled),
        ("@sources@", if same { "[]".to_owned() } else { sources }),
        ("@file@", FILE.to_owned()),
        ("@plan@", format!("{plan:?}")),
        ("@pack@", format!("{packed:?}")),
    ] {
        page = page.replace(field, &value);
    }
    let mut file = page.into_bytes();
    if file.len() > PAGE {
        return None;
    }
    file.resize(PAGE, b'\n');
    if let Some(page) = parts.first_mut() {
        *page = file.into();
    }
    if let Some(library) = library {
        parts.push(zip(end, library)?.into());
    }
    Some(parts)
}

/// Behind everything: a reader of zips starts at the end.
fn zip(start: usize, library: &BTreeMap<String, Vec<u8>>) -> Option<Vec<u8>> {
    let mut file = Vec::new();
    let mut directory = Directory::default();
    let mut members: BTreeMap<&str, &[u8]> =
        library.iter().map(|(name, data)| (name.as_str(), data.as_slice())).collect();
    members.extend([LINECACHE]);
    for (name, data) in members {
        let head = directory.add(name.as_bytes(), data, start.checked_add(file.len())?)?;
        file.extend_from_slice(&head);
        file.extend_from_slice(data);
    }
    let end = directory.end(start.checked_add(file.len())?)?;
    file.extend_from_slice(&end);
    Some(file)
}

/// Name, start and end of each, as Python writes it, and where they end.
fn places(modules: &[Module], start: usize) -> (String, usize) {
    let mut text = String::from("[");
    let mut place = start;
    for (name, size) in modules {
        let end = place.saturating_add(*size);
        let _ = write!(text, "('{name}',{place},{end}),");
        place = end;
    }
    text.push(']');
    (text, place)
}

/// Where in a pack everything lies, as `marshal` writes it (version 2): names, and pairs of numbers.
fn table(pack: &Pack<'_>) -> Option<Vec<u8>> {
    let mut found = b"{".to_vec();
    for (name, start, end) in pack.places() {
        found.push(b'u');
        found.extend_from_slice(&u32::try_from(name.len()).ok()?.to_le_bytes());
        found.extend_from_slice(name.as_bytes());
        found.extend_from_slice(b"(\x02\0\0\0");
        for number in [start, end] {
            found.push(b'i');
            found.extend_from_slice(&i32::try_from(number).ok()?.to_le_bytes());
        }
    }
    found.push(b'0');
    Some(found)
}

/// The words before the page: the same in every run of a loader.
pub fn before(executable: &Path, build: Option<&Build>, options: &[String]) -> Vec<OsString> {
    let mut words: Vec<OsString> = match build {
        None => vec![executable.into(), "-I".into()],
        Some(build) => vec![format!("{HOME}/{}", build.name).into(), "-s".into()],
    };
    if build.and_then(Build::minor).is_some_and(|minor| minor >= SAFE_PATH) {
        words.push("-P".into());
    }
    words.extend(["-S", "-B"].map(OsString::from));
    words.extend(options.iter().map(OsString::from));
    words.push("-c".into());
    words
}

/// What a Python that is not the system's has in its environment, until its first line.
pub fn variables(descriptor: i32, preload: &[Vec<u8>]) -> Vec<(OsString, OsString)> {
    let place = format!("{HOME}/{descriptor}");
    let mut found: Vec<(OsString, OsString)> =
        vec![("PYTHONHOME".into(), HOME.into()), ("PYTHONPATH".into(), place.into())];
    if !preload.is_empty() {
        found.push(("LD_PRELOAD".into(), OsString::from_vec(preload.join(&b':'))));
    }
    found
}

/// The words where the linker maps a copy of the interpreter.
pub fn mapped(linker: &Path, copy: OsString, words: Vec<OsString>) -> Vec<OsString> {
    let mut words = words.into_iter();
    let name = words.next().unwrap_or_default();
    let mut found = vec![linker.into(), "--argv0".into(), name, copy];
    found.extend(words);
    found
}

/// The page that reads the file in this descriptor.
pub fn page(descriptor: i32) -> OsString {
    format!("import posix;d={descriptor};exec(posix.pread(d,{PAGE},0))").into()
}
