//! What a run may load, as text for the bootstrap in the interpreter: `sig/imports/plan.py` reads it.
//!
//! P1  Paths of the disk are bytes: what the kernel gave is what the child opens, in whatever locale.
//! P2  All other text is UTF-8.

use std::collections::BTreeMap;

use super::covered::Root;

/// Where a run starts.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Entry {
    /// A path of the app's list.
    File(String),
    /// A module and what is called in it.
    Call(String, String),
    /// Code that `multiprocessing` writes to start a child.
    Code(Vec<u8>),
}

/// One run. Empty bytes stand for what there is not.
#[derive(Debug)]
pub struct Plan<'a> {
    /// The name of the program.
    pub app: &'a str,
    /// Where it starts.
    pub entry: Entry,
    /// What it is called by.
    pub argv0: Vec<u8>,
    /// The script, absolute.
    pub file: Vec<u8>,
    /// `sys.prefix`.
    pub prefix: Vec<u8>,
    /// `sys.executable`.
    pub executable: Vec<u8>,
    /// What the program may ask about itself, as JSON.
    pub context: String,
    /// Whether each load is told.
    pub trace: bool,
    /// Whether it may unmarshal any code.
    pub marshal: bool,
    /// Folders of the standard library that only root can write to.
    pub stdlib: Vec<Vec<u8>>,
    /// Folders of the system's own packages.
    pub system: Vec<Vec<u8>>,
    /// Digests that are marked bad, and in which words.
    pub bad: BTreeMap<String, String>,
    /// What its environment has besides.
    pub environment: BTreeMap<Vec<u8>, Vec<u8>>,
    /// What is given of an interpreter besides: the name of an extension module, or nothing for a
    /// library that was mapped; the path of its file; that of its sealed copy.
    pub early: Vec<(String, Vec<u8>, Vec<u8>)>,
    /// In the order in which they are searched: the app first.
    pub roots: Vec<(Root, Vec<Vec<u8>>)>,
}

impl Plan<'_> {
    /// Its one text.
    pub fn text(&self) -> Vec<u8> {
        let mut text = b"sig-plan 1\n".to_vec();
        let mut say = |word: &str, fields: &[&[u8]]| line(&mut text, word, fields);
        say("app", &[self.app.as_bytes()]);
        match &self.entry {
            Entry::File(path) => say("entry", &[b"file", path.as_bytes()]),
            Entry::Call(module, name) => {
                say("entry", &[b"call", module.as_bytes(), name.as_bytes()]);
            }
            Entry::Code(code) => say("entry", &[b"code", code]),
        }
        say("argv0", &[&self.argv0]);
        say("file", &[&self.file]);
        say("prefix", &[&self.prefix]);
        say("executable", &[&self.executable]);
        say("report", &[b""]);
        say("context", &[self.context.as_bytes()]);
        say("trace", &[yes(self.trace)]);
        say("marshal", &[yes(self.marshal)]);
        say("stdlib", &slices(&self.stdlib));
        say("system", &slices(&self.system));
        for (digest, message) in &self.bad {
            say("bad", &[digest.as_bytes(), message.as_bytes()]);
        }
        for (name, place, copy) in &self.early {
            say("early", &[name.as_bytes(), place, copy]);
        }
        for (name, value) in &self.environment {
            say("environment", &[name, value]);
        }
        for (root, search) in &self.roots {
            let length = root.manifest.text().len().to_string();
            let mut fields: Vec<&[u8]> =
                vec![root.name.as_bytes(), &root.base, &root.prefix, length.as_bytes()];
            fields.extend(slices(search));
            say("root", &fields);
        }
        text.push(b'\n');
        for (root, _) in &self.roots {
            text.extend_from_slice(root.manifest.text().as_bytes());
        }
        text
    }
}

fn slices(many: &[Vec<u8>]) -> Vec<&[u8]> {
    many.iter().map(Vec::as_slice).collect()
}

fn yes(it: bool) -> &'static [u8] {
    if it { b"yes" } else { b"no" }
}

fn line(text: &mut Vec<u8>, word: &str, fields: &[&[u8]]) {
    text.extend_from_slice(word.as_bytes());
    for field in fields {
        text.push(b' ');
        for &byte in *field {
            if byte.is_ascii_alphanumeric() || b"-./_+:@,=".contains(&byte) {
                text.push(byte);
            } else {
                text.extend_from_slice(format!("%{byte:02x}").as_bytes());
            }
        }
    }
    text.push(b'\n');
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_could_end_a_word_is_escaped() {
        let mut text = Vec::new();
        line(&mut text, "a", &[b"", b"b c", b"\xff%\n", "\u{e9}".as_bytes()]);
        assert_eq!(b"a  b%20c %ff%25%0a %c3%a9\n".as_slice(), text);
    }
}
