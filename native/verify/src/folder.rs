//! The folder on disk, read only: names, bytes, and which files are refused, as `sig/repo/disk.py`.
//!
//! H1  A name cannot leave the folder.
//! H2  What is read is a regular file of the user's own (or root's) that nobody else may write,
//!     below folders of the same kind. A link is refused; only the folder itself may be reached by
//!     one.
//! H3  A reader writes nothing. It takes the lock for a moment, shared, only to see whether somebody
//!     is writing.

use std::cell::RefCell;
use std::collections::HashSet;
use std::ffi::OsString;
use std::fs::{File, Metadata};
use std::io::{self, ErrorKind, Read};
use std::os::fd::OwnedFd;
use std::os::unix::fs::{FileExt, MetadataExt};
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use rustix::fs::{FlockOperation, Mode, OFlags, flock};
use sig_core::viewing::{Files, Trouble};

use crate::paths::{absolute, quoted};
use crate::words::{strerror, text};

/// How long a writer is waited for, as `sig` waits for another.
pub const WAIT: Duration = Duration::from_secs(10);
const PAUSE: Duration = Duration::from_millis(10);

/// A folder, which need not exist.
pub struct Folder {
    root: PathBuf,
    user: u32,
    // As text: to compare paths part by part takes longer than to ask the kernel.
    seen: RefCell<HashSet<OsString>>,
}

impl Folder {
    /// The folder at this path.
    pub fn new(path: &Path, here: &Path) -> Self {
        let root = PathBuf::from(absolute(path.as_os_str(), here));
        let user = rustix::process::geteuid().as_raw();
        Self { root, user, seen: RefCell::default() }
    }

    /// Whether it is there.
    pub fn exists(&self) -> Result<bool, Trouble> {
        self.reaches("x")
    }

    /// Whether it has lists of files, by which archives are explained.
    pub fn has_lists(&self) -> bool {
        ["repo/objects", "objects"].iter().any(|name| {
            std::fs::read_dir(self.path(name)).is_ok_and(|mut listed| listed.next().is_some())
        })
    }

    /// Waits until nobody writes; whether somebody did. Trouble where it takes too long.
    pub fn wait(&self, end: Instant) -> Result<bool, Trouble> {
        let Ok(lock) = open(&self.path("lock")).map(File::from) else { return Ok(false) };
        let mut waited = false;
        loop {
            match flock(&lock, FlockOperation::NonBlockingLockShared) {
                Err(rustix::io::Errno::WOULDBLOCK) if Instant::now() < end => {}
                Err(rustix::io::Errno::WOULDBLOCK) => {
                    let message = format!("another sig is writing to {}", self.place(""));
                    return Err(Trouble::new(message, Some("try again when it is done")));
                }
                _ => return Ok(waited),
            }
            waited = true;
            std::thread::sleep(PAUSE);
        }
    }

    fn path(&self, name: &str) -> PathBuf {
        if name.is_empty() { self.root.clone() } else { self.root.join(name) }
    }

    /// Whether the folder of `name` is there; Trouble if it or one above is refused (H2).
    fn reaches(&self, name: &str) -> Result<bool, Trouble> {
        let mut place = self.root.clone();
        let mut folders = name.rsplit_once('/').map_or("", |(folders, _)| folders).split('/');
        let mut is_root = true;
        loop {
            if !self.seen.borrow().contains(place.as_os_str()) {
                // Followed, so that the folder may be a link; its target is what is looked at.
                let look = if is_root { std::fs::metadata } else { std::fs::symlink_metadata };
                match look(&place) {
                    Ok(found) => self.refuse(&found, &place, true)?,
                    Err(error) if is_missing(&error) => return self.is_no_link_to_nothing(),
                    Err(error) => return Err(failed(&error, &place)),
                }
                self.seen.borrow_mut().insert(place.clone().into_os_string());
            }
            let Some(part) = folders.next().filter(|part| !part.is_empty()) else {
                return Ok(true);
            };
            place.push(part);
            is_root = false;
        }
    }

    /// No; but a link to nothing is perhaps a disk that is not there: that is not knowing nothing.
    fn is_no_link_to_nothing(&self) -> Result<bool, Trouble> {
        let is_link = std::fs::symlink_metadata(&self.root).is_ok_and(|it| it.is_symlink());
        if is_link && !self.root.exists() {
            let root = self.place("");
            let hint = format!("ls -ld {}", quoted(&root));
            return Err(Trouble::new(format!("{root} is a link to nothing"), Some(&hint)));
        }
        Ok(false)
    }

    /// H2.
    fn refuse(&self, found: &Metadata, place: &Path, folder: bool) -> Result<(), Trouble> {
        let place = text(place.as_os_str());
        let no = |why: &str, hint: &str| {
            Err(Trouble::new(format!("{place} {why}"), Some(&format!("{hint} {}", quoted(&place)))))
        };
        if found.is_symlink() {
            return no("is a symbolic link", "ls -l");
        }
        if !(if folder { found.is_dir() } else { found.is_file() }) {
            let kind = if folder { "is not a folder" } else { "is not a regular file" };
            return no(kind, "ls -ld");
        }
        if found.uid() != self.user && found.uid() != 0 {
            return no("belongs to another user", "ls -ld");
        }
        if found.mode() & 0o022 != 0 {
            return no("can be written by others", "chmod go-w");
        }
        Ok(())
    }

    /// A file that is opened, and its length; None if it is missing.
    fn open(&self, name: &str) -> Result<Option<(File, u64)>, Trouble> {
        // H1: this program makes all names.
        if name.split('/').any(|part| matches!(part, "" | "." | "..")) || !self.reaches(name)? {
            return Ok(None);
        }
        let place = self.path(name);
        let file = match open(&place) {
            Ok(opened) => File::from(opened),
            Err(rustix::io::Errno::NOENT) => return Ok(None),
            Err(error) => return Err(failed(&error.into(), &place)),
        };
        let found = file.metadata().map_err(|error| failed(&error, &place))?;
        self.refuse(&found, &place, false)?;
        Ok(Some((file, found.len())))
    }
}

impl Files for Folder {
    fn read(&self, name: &str, limit: usize) -> Result<Option<Vec<u8>>, Trouble> {
        let Some((file, length)) = self.open(name)? else { return Ok(None) };
        let place = self.path(name);
        let limit = u64::try_from(limit).unwrap_or(u64::MAX);
        let mut raw = Vec::with_capacity(usize::try_from(length.min(limit)).unwrap_or_default());
        let read = file.take(limit.saturating_add(1)).read_to_end(&mut raw);
        read.map_err(|error| failed(&error, &place))?;
        if u64::try_from(raw.len()).unwrap_or(u64::MAX) > limit {
            let message = format!("{} is larger than {limit} bytes", text(place.as_os_str()));
            return Err(Trouble::new(message, Some("sig doctor")));
        }
        Ok(Some(raw))
    }

    fn part(&self, name: &str, offset: u64, length: usize) -> Result<Option<Vec<u8>>, Trouble> {
        let Some((file, whole)) = self.open(name)? else { return Ok(None) };
        // What is not there is not waited for, nor is room made for it.
        let left = usize::try_from(whole.saturating_sub(offset)).unwrap_or(usize::MAX);
        let mut raw = vec![0; length.min(left)];
        match file.read_exact_at(&mut raw, offset) {
            Ok(()) => Ok(Some(raw)),
            Err(error) if error.kind() == ErrorKind::UnexpectedEof => Ok(Some(Vec::new())),
            Err(error) => Err(failed(&error, &self.path(name))),
        }
    }

    fn length(&self, name: &str) -> Result<Option<u64>, Trouble> {
        if !self.reaches(name)? {
            return Ok(None);
        }
        let place = self.path(name);
        match std::fs::symlink_metadata(&place) {
            Ok(found) => self.refuse(&found, &place, false).map(|()| Some(found.len())),
            Err(error) if is_missing(&error) => Ok(None),
            Err(error) => Err(failed(&error, &place)),
        }
    }

    fn place(&self, name: &str) -> String {
        text(self.path(name).as_os_str())
    }
}

fn open(place: &Path) -> rustix::io::Result<OwnedFd> {
    // A FIFO in place of a file must not hang the reader, nor a terminal become ours.
    let flags = OFlags::RDONLY | OFlags::NOFOLLOW | OFlags::NONBLOCK | OFlags::CLOEXEC;
    rustix::fs::open(place, flags | OFlags::NOCTTY, Mode::empty())
}

fn is_missing(error: &io::Error) -> bool {
    matches!(error.kind(), ErrorKind::NotFound | ErrorKind::NotADirectory)
}

/// What the disk did not do.
fn failed(error: &io::Error, place: &Path) -> Trouble {
    let place = text(place.as_os_str());
    let known = error.raw_os_error().map(rustix::io::Errno::from_raw_os_error);
    match known {
        Some(rustix::io::Errno::ACCESS | rustix::io::Errno::PERM) => {
            Trouble::new(format!("no permission for {place}"), None)
        }
        Some(rustix::io::Errno::IO) => Trouble::new(format!("the disk failed at {place}"), None),
        Some(rustix::io::Errno::LOOP) => {
            let hint = format!("ls -ld {}", quoted(&place));
            Trouble::new(format!("{place} is a symbolic link"), Some(&hint))
        }
        _ => Trouble::new(format!("{} at {place}", strerror(error).to_lowercase()), None),
    }
}
