//! What a loader that only warns does not refuse.
//!
//! W1  Borne is what is not verified (111) for want of somebody's ok, or because listed files have
//!     other bytes or are gone. What is marked bad or could not be told is refused as ever, and what
//!     is not listed does not exist.
//! W2  The interpreter is handed the digests of the files as they are now. It runs those very bytes,
//!     and nothing in it bears anything.

use std::ffi::OsStr;
use std::io;
use std::os::unix::ffi::OsStrExt;
use std::path::Path;

use sig_core::model::closure::APP;
use sig_core::model::covered::{Root, place};
use sig_core::model::loader::Level;
use sig_core::model::manifest::Manifest;

use super::files;
use super::refused::Refused;
use crate::identify::identified;
use crate::words::{strerror, text};

/// Files of one root that are named; of more it is said how many.
const NAMED: usize = 10;

/// What was borne; nothing, unless the policy only warns.
pub struct Borne {
    bears: bool,
    /// As it would have been refused.
    pub told: Vec<Refused>,
}

impl Borne {
    /// Nothing yet.
    pub fn of(level: Level) -> Self {
        Self { bears: level == Level::Warn, told: Vec::new() }
    }

    /// Goes on where that is borne (W1).
    pub fn take(&mut self, found: Result<(), Refused>) -> Result<(), Refused> {
        match found {
            Err(refused) if self.bears && refused.status == 111 => self.told.push(refused),
            other => return other,
        }
        Ok(())
    }

    /// Gives a root the digests that its files have now (W2). What was told of one is not told again.
    pub fn as_it_is(&mut self, root: &mut Root, hint: &str) -> Result<(), Refused> {
        let mut now: Vec<(String, String)> = Vec::new();
        let mut wrong: Vec<Refused> = Vec::new();
        for (path, listed) in root.manifest.files() {
            let own = place(root, path);
            let found = match &own {
                Some(place) => digest_of(Path::new(OsStr::from_bytes(place)))?,
                None => Some(listed.to_owned()), // it is nobody's
            };
            let name = &root.name;
            let shown = || match &own {
                Some(place) if name != APP => text(OsStr::from_bytes(place)),
                _ => path.to_owned(),
            };
            match found {
                Some(found) if found == listed => now.push((path.to_owned(), found)),
                Some(found) => {
                    let why = format!("{} is not the file that {name} has", shown());
                    wrong.push(Refused::not_verified(why).tampered(shown()));
                    now.push((path.to_owned(), found));
                }
                None => {
                    let why = format!("{} is missing, and {name} has it", shown());
                    wrong.push(Refused::not_verified(why));
                }
            }
        }
        if wrong.is_empty() {
            return Ok(());
        }
        wrong.retain(|one| {
            let known = |two: &Refused| two.tampered.is_some() && two.tampered == one.tampered;
            !self.told.iter().any(known)
        });
        if now.is_empty() {
            let why = format!("no file of {} is there", root.name);
            return Err(Refused::not_verified(why).hint(hint));
        }
        let more = wrong.len().saturating_sub(NAMED);
        wrong.truncate(NAMED);
        if more > 0 {
            let why = format!("{more} more files of {} are not as they were", root.name);
            wrong.push(Refused::not_verified(why));
        }
        if let Some(last) = wrong.pop() {
            wrong.push(last.hint(hint));
        }
        self.told.append(&mut wrong);
        let files = now.iter().map(|(path, digest)| (path.as_str(), digest.as_str()));
        root.manifest =
            Manifest::of(files).map_err(|error| Refused::could_not(error.message().to_owned()))?;
        Ok(())
    }
}

/// That of a regular file; None where there is none.
fn digest_of(path: &Path) -> Result<Option<String>, Refused> {
    let could_not = |error: &io::Error| {
        let why = strerror(error).to_lowercase();
        Refused::could_not(format!("{}: {why}", text(path.as_os_str())))
    };
    let Some(mut file) = files::open(path).map_err(|error| could_not(&error))? else {
        return Ok(None);
    };
    let found = identified(&mut file).map_err(|error| could_not(&error))?;
    Ok(Some(found.digits().to_owned()))
}
