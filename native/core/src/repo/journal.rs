//! The journal of a folder (`pending/commit`): what counts and is not in place (docs/spec/view §4).
//!
//! It is text: the version and the name of the commit, for each file a line with the name of its
//! bytes in `pending` (`-`: it is removed) and its own, and `end`.

use std::collections::BTreeMap;

/// The version of the journal that is read here.
pub const VERSION: u64 = 1;

/// A commit that counts; its files may not be in place.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Unfinished {
    /// The name of the commit; "" where there is none.
    pub commit: String,
    /// To each file where its bytes lie within the folder, or None if it is removed.
    pub changes: BTreeMap<String, Option<String>>,
}

/// Why a journal is not followed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fault {
    /// It is not what was written.
    Damaged,
    /// A newer program wrote it.
    Newer,
}

/// The commit that a journal is of.
pub fn read(raw: &[u8]) -> Result<Unfinished, Fault> {
    let text = String::from_utf8_lossy(raw);
    let mut lines = text.split('\n');
    let first = lines.next().unwrap_or_default();
    let (version, commit) = first.split_once(' ').unwrap_or((first, ""));
    if is_newer(version, VERSION) {
        return Err(Fault::Newer);
    }
    if version != "1" || !is_word(commit) {
        return Err(Fault::Damaged);
    }
    let mut changes = BTreeMap::new();
    while let Some(line) = lines.next() {
        if line == "end" && lines.next() == Some("") && lines.next().is_none() {
            return Ok(Unfinished { commit: commit.to_owned(), changes });
        }
        let (temporary, name) = line.split_once(' ').ok_or(Fault::Damaged)?;
        if !is_name(name) {
            return Err(Fault::Damaged);
        }
        let place = match temporary {
            "-" => None,
            _ => match temporary.rsplit_once('.') {
                Some((start, number)) if start == commit && is_word(number) => {
                    Some(format!("pending/{temporary}"))
                }
                _ => return Err(Fault::Damaged),
            },
        };
        changes.insert(name.to_owned(), place);
    }
    Err(Fault::Damaged)
}

/// The name of the last commit that `generation` tells of; "" before the first.
pub fn last(generation: &[u8]) -> &str {
    let text = std::str::from_utf8(generation).unwrap_or_default();
    text.split_ascii_whitespace().next().unwrap_or_default()
}

/// Whether a text is a number above this one.
pub fn is_newer(text: &str, known: u64) -> bool {
    !text.is_empty()
        && text.bytes().all(|one| one.is_ascii_digit())
        && text.parse().is_ok_and(|number: u64| number > known)
        || text.len() > 19 && text.bytes().all(|one| one.is_ascii_digit())
}

/// Whether a name stays within the folder.
fn is_name(name: &str) -> bool {
    name.split('/').all(|part| !matches!(part, "" | "." | ".."))
        && !name.contains(['\\', ':'])
        && name.bytes().all(|one| matches!(one, b' '..=b'~'))
}

/// What may become a part of a file's name: nothing that leads elsewhere.
fn is_word(text: &str) -> bool {
    !text.is_empty() && text.bytes().all(|one| one.is_ascii_alphanumeric())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_journal_names_its_commit_and_where_its_files_lie() {
        let found = read(b"1 ab12\nab12.0 config\n- remotes/bob/state\nend\n").unwrap();
        assert_eq!("ab12", found.commit);
        assert_eq!(Some(&Some("pending/ab12.0".to_owned())), found.changes.get("config"));
        assert_eq!(Some(&None), found.changes.get("remotes/bob/state"));
        assert_eq!(Ok(BTreeMap::new()), read(b"1 ab12\nend\n").map(|found| found.changes));
    }

    #[test]
    fn what_is_cut_or_leads_elsewhere_is_damaged() {
        for raw in [
            "",
            "1 ab12",
            "1 ab12\n",
            "1 ab12\nend",
            "1 ab12\nend\n\n",
            "1 ab12\nend\nend\n",
            "1 \nend\n",
            "1 a/b\nend\n",
            "0 ab12\nend\n",
            "1 ab12\nab12.0\nend\n",
            "1 ab12\ncd34.0 config\nend\n",
            "1 ab12\nab12.0/x config\nend\n",
            "1 ab12\nab12. config\nend\n",
            "1 ab12\nab12.0 ../config\nend\n",
            "1 ab12\nab12.0 /config\nend\n",
            "1 ab12\nab12.0 a\\b\nend\n",
            "1 ab12\nab12.0 c:b\nend\n",
        ] {
            assert_eq!(Err(Fault::Damaged), read(raw.as_bytes()), "{raw:?}");
        }
        assert_eq!(Err(Fault::Newer), read(b"2 ab12\nanything"));
        assert_eq!(Err(Fault::Newer), read(b"99999999999999999999999 ab12\nanything"));
    }

    #[test]
    fn the_last_commit_is_the_first_word() {
        assert_eq!(["ab", "ab", ""], [last(b"ab"), last(b"ab config\n"), last(b"")]);
    }
}
