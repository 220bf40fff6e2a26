//! What installers make of a wheel: where its files lie, what is nobody's, and which distributions a
//! list of files has (docs/spec/closure §3).
//!
//! I2  What the installer made is nobody's: `INSTALLER`, `RECORD` and the like, bytecode, programs
//!     in `bin`, headers. No wheel can vouch for it, and no program loads it from there.
//! I3  A file of a wheel lies in the site folder, those of `X.data/purelib` and `platlib` too, those
//!     of `X.data/data` below the prefix; `vectors/places` is the table.

use std::collections::BTreeSet;

use super::manifest::Manifest;

/// What an installer writes into a `*.dist-info`.
const WRITTEN: [&str; 8] = [
    "RECORD",
    "RECORD.jws",
    "RECORD.p7s",
    "INSTALLER",
    "REQUESTED",
    "direct_url.json",
    "uv_build.json",
    "uv_cache.json",
];
const CACHE: &str = "__pycache__";
/// Folders of an environment where programs lie.
const PROGRAMS: [&str; 2] = ["bin", "Scripts"];

/// Where a file of a wheel lies.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Place<'a> {
    /// At this path below the folder of packages.
    Package(&'a str),
    /// At this path below the prefix of the environment, as data: no module, wherever that is.
    Data(&'a str),
}

/// Where the file at a path of a wheel's manifest lies (I3), none for what is the installer's or
/// nobody's (I2).
pub fn place(path: &str) -> Option<Place<'_>> {
    if is_cached(path) {
        return None;
    }
    let Some((top, rest)) = path.split_once('/') else { return Some(Place::Package(path)) };
    if top.ends_with(".dist-info") && WRITTEN.contains(&rest) {
        return None;
    }
    if !top.ends_with(".data") {
        return Some(Place::Package(path));
    }
    match rest.split_once('/') {
        Some(("purelib" | "platlib", below)) => Some(Place::Package(below)),
        Some(("data", below)) => Some(Place::Data(below)),
        _ => None,
    }
}

/// Whether a path leads to bytecode beside its sources.
pub fn is_cached(path: &str) -> bool {
    path.split('/').any(|part| part == CACHE)
}

/// The digests of METADATA in a list of files: one in that of a distribution, none in most others.
/// Sorted, with spaces between. Lists of one distribution have the same.
pub fn metadata(text: &[u8]) -> Vec<u8> {
    let found: BTreeSet<&[u8]> =
        text.split(|one| *one == b'\n').filter_map(digest_of_metadata).collect();
    found.into_iter().collect::<Vec<_>>().join(&b' ')
}

/// The digest in a line that lists the METADATA of a distribution.
fn digest_of_metadata(line: &[u8]) -> Option<&[u8]> {
    let (digest, path) = line.strip_suffix(b".dist-info/METADATA")?.split_at_checked(64)?;
    let named = path.strip_prefix(b"  ")?.last().is_some_and(|last| *last != b'/');
    let hex = digest.iter().all(|one| matches!(one, b'0'..=b'9' | b'a'..=b'f'));
    (named && hex).then_some(digest)
}

/// Whether two lists differ in nothing but what installers write.
pub fn same_distribution(one: &Manifest, other: &Manifest) -> bool {
    significant(one) == significant(other)
}

/// What a list has besides what installers write: the files that a program may load, sorted.
pub fn significant(listed: &Manifest) -> Vec<(&str, &str)> {
    let mut found: Vec<(&str, &str)> = listed
        .files()
        .filter(|(path, _)| !is_installers(path))
        .map(|(path, digest)| (below_packages(path), digest))
        .collect();
    found.sort_unstable();
    found.dedup();
    found
}

/// Whether a path of a list is what an installer writes or changes beside the files of a wheel.
fn is_installers(path: &str) -> bool {
    let folders = path.rsplit_once('/').map_or("", |(folders, _)| folders);
    if path.ends_with(".pyc") || is_cached(folders) {
        return true;
    }
    let Some((top, rest)) = path.split_once('/') else { return false };
    if longer_than(top, ".dist-info") {
        return WRITTEN.contains(&rest);
    }
    if !longer_than(top, ".data") {
        return false;
    }
    match rest.split_once('/') {
        Some(("scripts" | "headers", _)) => true,
        Some(("data", rest)) => match rest.split_once('/') {
            Some((folder, _)) if PROGRAMS.contains(&folder) => true,
            Some(("include", rest)) => is_below_headers(rest),
            _ => false,
        },
        _ => false,
    }
}

/// Whether something precedes this ending.
fn longer_than(name: &str, ending: &str) -> bool {
    name.strip_suffix(ending).is_some_and(|stem| !stem.is_empty())
}

fn is_below_headers(below_include: &str) -> bool {
    let rest = below_include.strip_prefix("site/").unwrap_or(below_include);
    rest.split_once('/').is_some_and(|(folder, _)| folder.starts_with("python3"))
}

/// A path as it is below the folder of packages, where a wheel may have what then lies there.
fn below_packages(path: &str) -> &str {
    let Some((top, rest)) = path.split_once('/') else { return path };
    if !longer_than(top, ".data") {
        return path;
    }
    match rest.split_once('/') {
        Some(("purelib" | "platlib", below)) => below,
        Some(("data", below)) => below_site(below).unwrap_or(path),
        _ => path,
    }
}

/// What stands behind `lib/python3.11/site-packages/` and the like.
fn below_site(path: &str) -> Option<&str> {
    let (lib, rest) = path.split_once('/')?;
    let (python, rest) = rest.split_once('/')?;
    let (site, below) = rest.split_once('/')?;
    (matches!(lib, "lib" | "lib64")
        && python.starts_with("python3")
        && matches!(site, "site-packages" | "dist-packages"))
    .then_some(below)
}

#[cfg(test)]
mod tests {
    use super::*;

    const A: &str = "ca978112ca1bbdcafac231b39a23dc4da786eff8147c4e72b9807785afee48bb";

    fn of(paths: &[&str]) -> Manifest {
        Manifest::of(paths.iter().map(|path| (*path, A))).unwrap()
    }

    #[test]
    fn lists_of_one_distribution_differ_in_what_installers_write() {
        let wheel = of(&[
            "x/__init__.py",
            "x-1.dist-info/METADATA",
            "x-1.dist-info/RECORD",
            "x-1.data/purelib/y.py",
            "x-1.data/data/lib/python3.11/site-packages/z.txt",
            "x-1.data/data/lib64/python3.13t/dist-packages/w.txt",
            "x-1.data/scripts/x",
            "x-1.data/headers/x.h",
            "x-1.data/data/bin/x",
        ]);
        let installed = of(&[
            "x/__init__.py",
            "x/__pycache__/__init__.cpython-311.pyc",
            "x-1.dist-info/METADATA",
            "x-1.dist-info/INSTALLER",
            "x-1.data/data/include/site/python3.11/x/x.h",
            "y.py",
            "w.txt",
            "z.txt",
        ]);
        assert!(same_distribution(&wheel, &installed));
        for more in ["x-1.dist-info/licenses/RECORD", "x-1.data/data/share/x", "x.data/other/x"] {
            let other = installed.files().map(|(path, _)| path).chain([more]);
            assert!(!same_distribution(&wheel, &of(&other.collect::<Vec<_>>())), "{more}");
        }
    }
}
