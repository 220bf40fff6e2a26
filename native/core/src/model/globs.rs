//! What a signer leaves out of a tree on purpose (docs/spec/manifest §6).

use std::collections::BTreeSet;

use super::limits;
use super::told::told;
use crate::errors::FormatError;

/// What a signer leaves out unless told otherwise: folders of version control, and bytecode.
pub const DEFAULT: [&str; 6] = [".bzr", ".git", ".hg", ".jj", ".svn", "__pycache__"];

/// A list of globs, ready to be asked.
#[derive(Clone, Debug, Default)]
pub struct Globs {
    /// Plain names at any depth.
    names: BTreeSet<String>,
    patterns: Vec<Glob>,
}

impl Globs {
    /// Refuses what is not a glob, and too many.
    pub fn new(globs: &[&str]) -> Result<Self, FormatError> {
        if globs.len() > limits::GLOBS {
            return Err(FormatError::new(format!("more than {} globs", limits::GLOBS)));
        }
        if let Some(odd) = globs.iter().find(|glob| !is_glob(glob)) {
            return Err(FormatError::new(format!("{}: not a glob", told(odd))));
        }
        let (patterns, names): (Vec<&str>, Vec<&str>) =
            globs.iter().partition(|glob| glob.contains(['*', '?', '/']));
        Ok(Self {
            names: names.into_iter().map(str::to_owned).collect(),
            patterns: patterns.into_iter().map(Glob::new).collect(),
        })
    }

    /// Whether one of the globs names this file, or a folder above it.
    ///
    /// A path that ends in `/` is a folder; so who walks a tree need not enter it.
    pub fn names(&self, path: &str) -> bool {
        let parts: Vec<&str> = path.split('/').collect();
        parts.iter().any(|part| self.names.contains(*part))
            || self.patterns.iter().any(|glob| glob.names(&parts))
    }
}

/// Those of a verifier's globs that could leave out more than the signer's do.
///
/// A glob leaves out no more if the signer has the same one, or if it has no wildcard and the
/// signer's leave out what it names. Refuses what is not a glob.
pub fn beyond<'a>(asked: &[&'a str], signed: &[&str]) -> Result<Vec<&'a str>, FormatError> {
    Globs::new(asked)?;
    let all = Globs::new(signed)?;
    let anywhere: Vec<&str> = signed.iter().copied().filter(|glob| !anchored(glob)).collect();
    let anywhere = Globs::new(&anywhere)?;
    let more = |glob: &&str| {
        let covering = if anchored(glob) { &all } else { &anywhere };
        !signed.contains(glob)
            && (glob.contains(['*', '?'])
                || !covering.names(glob.strip_prefix('/').unwrap_or(glob)))
    };
    Ok(asked.iter().copied().filter(more).collect())
}

fn is_glob(glob: &str) -> bool {
    let inner = glob.strip_prefix('/').unwrap_or(glob);
    let inner = inner.strip_suffix('/').unwrap_or(inner);
    glob.len() <= limits::GLOB
        && !glob.chars().any(|one| one.is_control() || one == '\\')
        && inner.split('/').all(|part| !matches!(part, "" | "." | ".."))
}

/// Whether a glob names something from the top of the tree only.
fn anchored(glob: &str) -> bool {
    glob.strip_suffix('/').unwrap_or(glob).contains('/')
}

/// One glob, ready to be asked about the parts of a path.
///
/// Each `*`, of characters or of folders, takes as little as it can and never takes more
/// afterwards: that finds whatever there is to be found, and no glob makes it slow.
#[derive(Clone, Debug)]
struct Glob {
    folder: bool,
    /// One group for each `**`: the parts that follow it.
    groups: Vec<Vec<Part>>,
}

impl Glob {
    fn new(glob: &str) -> Self {
        let mut parts: Vec<&str> = glob.trim_matches('/').split('/').collect();
        if !anchored(glob) {
            parts.insert(0, "**");
        }
        // What lies directly below; what lies below that is named with it.
        if parts.last() == Some(&"**") {
            parts.pop();
            parts.push("*");
        }
        let groups = parts.split(|part| *part == "**");
        Self {
            folder: glob.ends_with('/'),
            groups: groups
                .map(|group| group.iter().map(|part| Part::new(part)).collect())
                .collect(),
        }
    }

    /// Whether it names this file, or a folder above it; the last part of a folder is empty.
    ///
    /// That empty part stands for whatever is in the folder: `*` alone names all of that.
    fn names(&self, parts: &[&str]) -> bool {
        let most = parts.len().saturating_sub(usize::from(self.folder));
        let mut left = parts.get(..most).unwrap_or_default();
        let Some((first, others)) = self.groups.split_first() else { return false };
        let Some(after) = starts(first, left) else { return false };
        left = after;
        for group in others {
            loop {
                if let Some(after) = starts(group, left) {
                    left = after;
                    break;
                }
                match left.split_first() {
                    Some((_, rest)) => left = rest,
                    None => return false,
                }
            }
        }
        true
    }
}

/// What follows in a path that starts with such parts.
fn starts<'a, 'b>(group: &[Part], parts: &'a [&'b str]) -> Option<&'a [&'b str]> {
    let (named, rest) = parts.split_at_checked(group.len())?;
    group.iter().zip(named).all(|(part, name)| part.fits(name)).then_some(rest)
}

/// What stands between two slashes of a glob: its pieces between `*`, in characters.
#[derive(Clone, Debug)]
struct Part(Vec<Vec<char>>);

impl Part {
    fn new(part: &str) -> Self {
        // Several `*` in a row are one: an empty piece between two changes nothing.
        Self(part.split('*').map(|piece| piece.chars().collect()).collect())
    }

    /// Whether this is such a name.
    fn fits(&self, name: &str) -> bool {
        let name: Vec<char> = name.chars().collect();
        let Some((first, others)) = self.0.split_first() else { return false };
        let Some((start, mut left)) = name.split_at_checked(first.len()) else { return false };
        if !same(first, start) {
            return false;
        }
        let Some((last, middle)) = others.split_last() else { return left.is_empty() };
        for piece in middle {
            loop {
                match left.split_at_checked(piece.len()) {
                    Some((start, after)) if same(piece, start) => {
                        left = after;
                        break;
                    }
                    Some(_) => left = left.get(1..).unwrap_or_default(),
                    None => return false,
                }
            }
        }
        let end = left.len().checked_sub(last.len()).and_then(|at| left.get(at..));
        end.is_some_and(|end| same(last, end))
    }
}

/// Whether characters fit a piece of as many.
fn same(piece: &[char], name: &[char]) -> bool {
    piece.iter().zip(name).all(|(asked, one)| *asked == '?' || asked == one)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_glob_with_many_stars_is_not_slow() {
        let glob = Globs::new(&[&"*a".repeat(100), &"/**/a".repeat(40)]).unwrap();
        assert!(!glob.names(&format!("{}b", "a".repeat(4000))));
        assert!(!glob.names(&format!("{}b", "b/".repeat(2000))));
    }
}
