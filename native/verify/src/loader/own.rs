//! The file of this very program, and what stands behind it (docs/spec/loader §1).

use std::fs::File;
use std::io;
use std::os::unix::fs::FileExt;
use std::path::PathBuf;

use sig_core::model::loader::{END, length};

/// This program's own file.
pub struct Own {
    /// Where it lies, all links resolved; None where it is there no more.
    pub path: Option<PathBuf>,
    file: File,
    size: u64,
}

/// Policy and modules of a loader, and the last bytes of what stands before them.
pub struct Said {
    /// Before.
    pub before: Vec<u8>,
    /// Policy and modules.
    pub data: Vec<u8>,
}

/// What /proc says, whatever name we were called by.
pub fn own() -> io::Result<Own> {
    let file = File::open("/proc/self/exe")?;
    let size = file.metadata()?.len();
    let path = std::fs::read_link("/proc/self/exe")?;
    // Of a file that was replaced the link says so, behind its name.
    let same = std::fs::metadata(&path).is_ok_and(|there| is_same(&there, &file));
    Ok(Own { path: same.then_some(path), file, size })
}

fn is_same(there: &std::fs::Metadata, file: &File) -> bool {
    use std::os::unix::fs::MetadataExt;
    file.metadata().is_ok_and(|own| (own.dev(), own.ino()) == (there.dev(), there.ino()))
}

impl Own {
    /// What it says of itself, None where this is no loader; or what is wrong with that.
    pub fn said(&self) -> Result<Option<Said>, String> {
        let failed = |error: io::Error| format!("its own file cannot be read: {error}");
        let Some(start) = self.size.checked_sub(END as u64) else { return Ok(None) };
        let mut end = [0; END];
        self.file.read_exact_at(&mut end, start).map_err(failed)?;
        let found = length(&end, self.size).map_err(|error| error.message().to_owned())?;
        let Some(length) = found else { return Ok(None) };
        let mut raw = vec![0; usize::try_from(length).map_err(|error| error.to_string())?];
        let place = start.saturating_sub(length);
        self.file.read_exact_at(&mut raw, place).map_err(failed)?;
        let mut before = vec![0; usize::try_from(place).unwrap_or(END).min(END)];
        let behind = place.saturating_sub(before.len() as u64);
        self.file.read_exact_at(&mut before, behind).map_err(failed)?;
        Ok(Some(Said { before, data: raw }))
    }

    /// All of it.
    pub fn bytes(&self) -> io::Result<Vec<u8>> {
        let mut raw = vec![0; usize::try_from(self.size).map_err(io::Error::other)?];
        self.file.read_exact_at(&mut raw, 0)?;
        Ok(raw)
    }
}
