//! What covers a path of the disk: the roots of a run, each in its folder.
//!
//! Here: what follows from lists and folders alone. Not here: the disk, and how Python finds modules.
//!
//! C1  One folder, one table: roots with the same base share a *place* (site-packages).
//! C2  Two roots never give one path two digests.
//! C3  What an installer writes is nobody's: RECORD and its like, `__pycache__`, wrappers of scripts.
//! C4  A wheel's `*.data/purelib` and `platlib` lie in the place, `data` below the prefix: no module.
//!
//! Paths of the disk are bytes, those of a manifest are text.

use super::manifest::Manifest;
use super::told::quoted;
use super::wheel::{self, Place};
use crate::errors::FormatError;

/// What is loaded from one folder under one manifest.
#[derive(Clone, Debug)]
pub struct Root {
    /// `app`, `editable/NAME-VERSION`, `dist/NAME-VERSION`, or `python`.
    pub name: String,
    /// The absolute folder that the paths of the manifest are relative to, as `normal` writes it.
    pub base: Vec<u8>,
    /// The folder of the environment, below which data lies; empty if there is none.
    pub prefix: Vec<u8>,
    /// Its files.
    pub manifest: Manifest,
}

impl Root {
    /// Whether it was installed from a wheel.
    fn is_installed(&self) -> bool {
        self.name.starts_with("dist/")
    }
}

/// All roots of a run, none of which contradicts another (C2), or not made at all.
#[derive(Debug)]
pub struct Covered<'a> {
    roots: Vec<&'a Root>,
    /// Path of the disk, digest, and which of the roots; sorted, each path once.
    files: Vec<(Vec<u8>, &'a str, usize)>,
}

impl<'a> Covered<'a> {
    /// What these roots cover. Refuses one path with two digests.
    pub fn new(roots: impl IntoIterator<Item = &'a Root>) -> Result<Self, FormatError> {
        let roots: Vec<&Root> = roots.into_iter().collect();
        let mut files = Vec::new();
        for (at, &root) in roots.iter().enumerate() {
            let placed = root.manifest.files().map(|(path, digest)| (place(root, path), digest));
            files.extend(placed.filter_map(|(place, digest)| Some((place?, digest, at))));
        }
        files.sort_by(|one, other| one.0.cmp(&other.0));
        let mut last: Option<&(Vec<u8>, &str, usize)> = None;
        for file in &files {
            match last {
                Some(first) if first.0 == file.0 && first.1 != file.1 => {
                    let named = |at: usize| roots.get(at).map_or("", |root| root.name.as_str());
                    let path = quoted(&String::from_utf8_lossy(&file.0));
                    let (one, two) = (named(first.2), named(file.2));
                    let why = format!("{path} is not the same in {one} and {two}");
                    return Err(FormatError::new(why));
                }
                _ => last = Some(file),
            }
        }
        files.dedup_by(|one, other| one.0 == other.0);
        Ok(Self { roots, files })
    }

    /// The digest and the root that cover an absolute path.
    pub fn file(&self, path: &[u8]) -> Option<(&'a str, &'a Root)> {
        let path = normal(path)?;
        let found = self.files.binary_search_by(|file| file.0.cmp(&path)).ok()?;
        let (_, digest, at) = self.files.get(found)?;
        Some((digest, *self.roots.get(*at)?))
    }

    /// Every covered path with its digest and its root, sorted.
    pub fn files(&self) -> impl Iterator<Item = (&[u8], &'a str, &'a Root)> {
        self.files
            .iter()
            .filter_map(|(path, digest, at)| Some((&**path, *digest, *self.roots.get(*at)?)))
    }
}

/// Where the file at a path of a root's manifest lies, if it is somebody's (C3, C4).
pub fn place(root: &Root, path: &str) -> Option<Vec<u8>> {
    let found = if root.is_installed() {
        wheel::place(path)?
    } else if wheel::is_cached(path) {
        return None;
    } else {
        Place::Package(path)
    };
    let (folder, below) = match found {
        Place::Package(below) => (&root.base, below),
        Place::Data(_) if root.prefix.is_empty() => return None,
        Place::Data(below) => (&root.prefix, below),
    };
    let folder = folder.strip_suffix(b"/").unwrap_or(folder);
    Some([folder, b"/", below.as_bytes()].concat())
}

/// The one spelling of an absolute path, without what it may have too much; none for another.
///
/// Of the text alone: `..` after a link leads elsewhere, and is for whoever asks the disk.
pub fn normal(path: &[u8]) -> Option<Vec<u8>> {
    // POSIX may mean something else by two slashes at the start, and by no other number.
    if !path.starts_with(b"/") || (path.starts_with(b"//") && !path.starts_with(b"///")) {
        return None;
    }
    let mut parts: Vec<&[u8]> = Vec::new();
    for part in path.split(|one| *one == b'/') {
        match part {
            b"" | b"." => {}
            b".." => {
                parts.pop();
            }
            _ => parts.push(part),
        }
    }
    Some([b"/", parts.join(&b'/').as_slice()].concat())
}

#[cfg(test)]
mod tests {
    use super::*;

    const A: &str = "ca978112ca1bbdcafac231b39a23dc4da786eff8147c4e72b9807785afee48bb";
    const B: &str = "3e23e8160039594a33894f6564e1b1348bbd7a0088d42c4acb73eeaed59c009d";

    fn root(name: &str, base: &str, files: &[(&str, &str)]) -> Root {
        let manifest = Manifest::of(files.iter().copied()).unwrap();
        Root { name: name.into(), base: base.into(), prefix: b"/env".to_vec(), manifest }
    }

    #[test]
    fn a_path_is_covered_by_one_root_whatever_its_spelling() {
        let roots = [
            root("app", "/app", &[("get.py", A), ("x.dist-info/RECORD", A)]),
            root("dist/x-1", "/env/lib", &[("x.py", B), ("x-1.data/data/share/x", A)]),
        ];
        let found = Covered::new(&roots).unwrap();
        for path in ["/app/get.py", "/app/./x/..//get.py", "///app/get.py", "/../app/get.py"] {
            assert_eq!(Some((A, "app")), named(&found, path), "{path}");
        }
        assert_eq!(Some((A, "app")), named(&found, "/app/x.dist-info/RECORD"));
        assert_eq!(Some((B, "dist/x-1")), named(&found, "/env/lib/x.py"));
        assert_eq!(Some((A, "dist/x-1")), named(&found, "/env/share/x"));
        for path in ["", "app/get.py", "//app/get.py", "/app", "/app/get.py/x", "/app/Get.py"] {
            assert_eq!(None, named(&found, path), "{path}");
        }
    }

    fn named<'a>(found: &Covered<'a>, path: &str) -> Option<(&'a str, &'a str)> {
        found.file(path.as_bytes()).map(|(digest, root)| (digest, root.name.as_str()))
    }

    #[test]
    fn no_two_roots_give_one_path_two_digests() {
        let site = |name: &str, files| root(name, "/app/env/lib", files);
        let one = site("dist/x-1", &[("x.py", A)]);
        let same = site("dist/y-1", &[("x.py", A), ("y.py", B)]);
        let other = site("dist/z-1", &[("x.py", B)]);
        let within = site("dist/w-1", &[("x.py", A), ("w-1.data/purelib/x.py", B)]);
        let outer = root("app", "/app", &[("env/lib/x.py", B)]);
        let data = root("dist/v-1", "/x", &[("v-1.data/data/x", A)]);
        let inside = root("dist/u-1", "/env", &[("x", B)]);
        assert!(Covered::new(&[one.clone(), same]).is_ok());
        for roots in [[one.clone(), other], [one.clone(), outer], [data, inside]] {
            let why = Covered::new(&roots).unwrap_err();
            assert!(why.message().contains("is not the same in"), "{why}");
        }
        assert!(Covered::new(&[within]).is_err());
    }
}
