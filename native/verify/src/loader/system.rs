//! What is the operating system's, as `sig/repo/python.py` (P2) has it.
//!
//! P2  *System* is what finally lies below /usr, not below /usr/local nor where an installer of
//!     packages writes; it and every folder above it belongs to root, and nobody else may write
//!     there, be it by an access list; and root is root of the machine, not of a user namespace.

use std::fs::Metadata;
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};
use std::sync::OnceLock;

use rustix::io::Errno;

use crate::words::{strerror, text};

/// Why this file is not the operating system's own (P2); None if it is.
pub fn why_not_file(path: &Path) -> Option<String> {
    let last = match resolved(path) {
        Ok(last) => last,
        Err(why) => return Some(why),
    };
    if has_part(&last, "site-packages") || has_part(&last, "dist-packages") {
        return Some(format!("{} was installed as a package", text(last.as_os_str())));
    }
    why_not(&last, Metadata::is_file, "a regular file")
}

/// Whether this folder is the operating system's own (P2). Debian's dist-packages is, where pip
/// writes only if root forces it to; site-packages, where it always writes, never.
pub fn is_system_folder(path: &Path) -> bool {
    resolved(path).is_ok_and(|last| {
        !has_part(&last, "site-packages") && why_not(&last, Metadata::is_dir, "a folder").is_none()
    })
}

fn resolved(path: &Path) -> Result<PathBuf, String> {
    std::fs::canonicalize(path).map_err(|error| {
        let why = strerror(&error).to_lowercase();
        format!("{} cannot be resolved: {why}", text(path.as_os_str()))
    })
}

fn has_part(path: &Path, name: &str) -> bool {
    path.iter().any(|part| part == name)
}

/// Why root may be somebody else here; that does not change while a process runs.
fn why_no_root() -> Option<&'static str> {
    static KNOWN: OnceLock<Option<&str>> = OnceLock::new();
    *KNOWN.get_or_init(|| match std::fs::read_to_string("/proc/self/uid_map") {
        Err(_) => Some("/proc/self/uid_map cannot be read, so it is not known who root is"),
        Ok(map) if map.split_ascii_whitespace().ne(["0", "0", "4294967295"]) => {
            Some("it runs in a user namespace, where anybody may be root")
        }
        Ok(_) => None,
    })
}

fn why_not(last: &Path, kind: fn(&Metadata) -> bool, what: &str) -> Option<String> {
    if let Some(why) = why_no_root() {
        return Some(why.to_owned());
    }
    let told = text(last.as_os_str());
    if !last.as_os_str().as_bytes().starts_with(b"/usr/") {
        return Some(format!("{told} does not lie below /usr"));
    }
    if last.as_os_str().as_bytes().starts_with(b"/usr/local/") {
        return Some(format!("{told} lies below /usr/local"));
    }
    let mut place = PathBuf::new();
    for part in last.iter() {
        place.push(part);
        let shown = text(place.as_os_str());
        let found = match std::fs::symlink_metadata(&place) {
            Ok(found) => found,
            Err(error) => {
                let why = strerror(&error).to_lowercase();
                return Some(format!("{shown} cannot be looked at: {why}"));
            }
        };
        if found.uid() != 0 {
            return Some(format!("{shown} does not belong to root"));
        }
        if found.mode() & 0o002 != 0 {
            return Some(format!("{shown} can be written by others"));
        }
        // With an access list these bits are the most that anybody named in it may do.
        if found.mode() & 0o020 != 0 && (found.gid() != 0 || has_access_list(&place)) {
            return Some(format!("{shown} can be written by a group"));
        }
        if place != last && !found.is_dir() {
            return Some(format!("{shown} is no folder")); // it was one a moment ago
        }
        if place == last && !kind(&found) {
            return Some(format!("{told} is not {what}"));
        }
    }
    None
}

fn has_access_list(place: &Path) -> bool {
    let mut room = [0_u8; 256];
    match rustix::fs::lgetxattr(place, c"system.posix_acl_access", &mut room) {
        Ok(length) => length > 0,
        Err(Errno::NODATA | Errno::NOTSUP) => false,
        Err(_) => true,
    }
}
