//! The files of `vectors/`, as its README describes them; Python reads the same.
#![allow(dead_code, reason = "each test takes what it needs")]
#![allow(clippy::expect_used, clippy::panic, clippy::unwrap_used, reason = "a test")]

use std::collections::BTreeMap;
use std::fmt::Debug;
use std::fs;
use std::path::{Path, PathBuf};

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use serde_json::Value;

/// One file: header lines, an empty line, and lines of data.
pub struct Vector {
    pub name: String,
    pub head: BTreeMap<String, String>,
    /// Lines that are not base64.
    pub lines: Vec<String>,
    data: Vec<(String, Vec<u8>)>,
}

impl Vector {
    /// What stands in the header.
    pub fn head(&self, name: &str) -> &str {
        self.head.get(name).unwrap_or_else(|| panic!("no {name}"))
    }

    /// How the message of a refusal starts.
    pub fn why(&self) -> String {
        serde_json::from_str(self.head("why")).unwrap()
    }

    /// All data of a name, in the order of the lines.
    pub fn all(&self, name: &str) -> Vec<&[u8]> {
        self.data.iter().filter(|(each, _)| each == name).map(|(_, raw)| raw.as_slice()).collect()
    }

    /// The only data of a name.
    pub fn one(&self, name: &str) -> &[u8] {
        match self.all(name).as_slice() {
            [one] => one,
            found => panic!("{} of {name}", found.len()),
        }
    }

    /// The names of all data.
    pub fn names(&self) -> Vec<&str> {
        self.data.iter().map(|(name, _)| name.as_str()).collect()
    }
}

/// A path below `vectors/`.
pub fn path(below: &str) -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../../vectors").join(below)
}

/// The rows of a table.
pub fn table(below: &str) -> Vec<Value> {
    serde_json::from_slice(&fs::read(path(below)).unwrap()).unwrap()
}

/// The texts of a list.
pub fn texts(listed: &Value) -> Vec<String> {
    let texts = listed.as_array().unwrap().iter();
    texts.map(|text| text.as_str().unwrap().to_owned()).collect()
}

/// Runs what is claimed of each vector of a folder, and names every one of which it does not hold.
pub fn each(folder: &str, least: usize, claim: impl Fn(&Vector) -> Result<(), String>) {
    let paths = fs::read_dir(path(folder)).unwrap().map(|entry| entry.unwrap().path());
    let mut paths: Vec<PathBuf> =
        paths.filter(|path| path.extension().is_some_and(|end| end == "txt")).collect();
    paths.sort();
    assert!(paths.len() >= least, "only {} vectors in {folder}", paths.len());
    let failed: Vec<String> = paths
        .iter()
        .map(|path| read(path))
        .filter_map(|one| claim(&one).err().map(|why| format!("{folder}/{}: {why}", one.name)))
        .collect();
    assert!(failed.is_empty(), "{} vectors failed:\n{}", failed.len(), failed.join("\n"));
}

/// The scenario in a file.
pub fn read(path: &Path) -> Vector {
    let text = fs::read_to_string(path).unwrap();
    let (head, body) = text.split_once("\n\n").unwrap();
    let field = |line: &str| {
        let (name, value) = line.split_once(':').unwrap();
        (name.to_owned(), value.trim().to_owned())
    };
    let mut found = Vector {
        name: path.file_stem().unwrap().to_string_lossy().into_owned(),
        head: head.split('\n').map(field).collect(),
        lines: Vec::new(),
        data: Vec::new(),
    };
    for line in body.strip_suffix('\n').unwrap().split('\n').filter(|line| !line.is_empty()) {
        if line.starts_with('{') {
            found.lines.push(line.to_owned());
        } else {
            let (name, value) = field(line);
            found.data.push((name, STANDARD.decode(value).unwrap()));
        }
    }
    found
}

/// Whether what was found is what was expected.
pub fn same<T: PartialEq + Debug>(expected: T, found: T) -> Result<(), String> {
    if expected == found { Ok(()) } else { Err(format!("{expected:?}, but {found:?}")) }
}

/// Whether this is refused in these words.
pub fn refused<T: Debug, E: ToString>(why: &str, found: Result<T, E>) -> Result<(), String> {
    match found {
        Ok(found) => Err(format!("not refused: {found:?}").chars().take(400).collect()),
        Err(error) if error.to_string().starts_with(why) => Ok(()),
        Err(error) => Err(format!("{why:?}, but {:?}", error.to_string())),
    }
}
