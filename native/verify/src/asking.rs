//! A folder is asked as a whole: all answers are of one state, whoever writes meanwhile
//! (docs/spec/view §4).

use std::ffi::OsString;
use std::io::ErrorKind;
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use sig_core::viewing::{Site, Trouble, View, head};

use crate::folder::{Folder, WAIT};

/// The policy of the machine. Never found through the environment: whoever starts the program could
/// move it.
#[cfg(not(target_os = "macos"))]
const SITE: &str = "/etc/xdg/sig/policy.json";
#[cfg(target_os = "macos")]
const SITE: &str = "/Library/Application Support/sig/policy.json";

/// A second look where nobody seems to write: he may just have ended.
const LOOKS: u32 = 3;

/// Why there is no answer.
pub trait Why: From<Trouble> {
    /// Whether a writer may just be about to mend it.
    fn again(&self) -> bool;
}

impl Why for Trouble {
    fn again(&self) -> bool {
        self.again
    }
}

/// What a question gives that is put to the folder, or to None where nothing was ever said in it.
/// It is put again while a writer is in the way.
pub fn asked<T, E: Why>(
    folder: &Folder,
    now: i64,
    question: impl Fn(Option<&View<'_>>) -> Result<T, E>,
) -> Result<T, E> {
    let end = Instant::now().checked_add(WAIT).unwrap_or_else(Instant::now);
    let mut looks = LOOKS;
    loop {
        match once(folder, now, &question) {
            Err(why) if why.again() && looks > 0 => {
                if folder.wait(end)? {
                    looks = LOOKS;
                } else {
                    looks = looks.saturating_sub(1);
                    std::thread::sleep(Duration::from_millis(2));
                }
            }
            other => return other,
        }
    }
}

fn once<T, E: Why>(
    folder: &Folder,
    now: i64,
    question: impl Fn(Option<&View<'_>>) -> Result<T, E>,
) -> Result<T, E> {
    match head(folder)? {
        None => question(None),
        Some(raw) => question(Some(&View::open(&raw, folder, &site()?, now)?)),
    }
}

/// The policy of the machine.
pub fn site() -> Result<Site, Trouble> {
    let raw = match std::fs::read(SITE) {
        Ok(raw) => Some(raw),
        Err(error) if matches!(error.kind(), ErrorKind::NotFound | ErrorKind::NotADirectory) => {
            None
        }
        Err(_) => {
            let message = format!("the policy of this machine, {SITE}, is unreadable");
            return Err(Trouble::new(message, None));
        }
    };
    Ok(Site { raw, place: SITE.to_owned() })
}

/// This moment, in seconds since 1970.
pub fn now() -> i64 {
    let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default().as_secs();
    i64::try_from(now).unwrap_or(i64::MAX)
}

/// What the environment says of characters.
pub fn locale() -> Option<OsString> {
    let names = ["LC_ALL", "LC_CTYPE", "LANG"];
    names.iter().filter_map(std::env::var_os).find(|it| !it.is_empty())
}
