//! What is installed, as far as a closure names it: `sig/repo/installed.py` has the whole.
//!
//! I1  A distribution is a `NAME-VERSION.dist-info` whose METADATA says the same name and version,
//!     and that has a RECORD. Two of one name in one folder are refused: which files are whose would
//!     be a matter of luck. Of two in two folders the first counts, as for Python.
//! I2  What is found says where files are looked for, never that they are believed.

use std::io::Read;
use std::path::{Path, PathBuf};

use sig_core::model::closure::normalised;

use super::files;
use super::refused::Refused;
use crate::words::text;

const INFO: &str = ".dist-info";
/// Files and folders in a folder of packages.
const ENTRIES: usize = 200_000;
const METADATA: u64 = 16 << 20;

/// One that is installed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Distribution {
    /// As its METADATA has it.
    pub version: String,
    /// The folder of packages.
    pub base: PathBuf,
    /// The name of its folder there.
    pub info: String,
}

/// The folders `*.dist-info` of some folders of packages.
pub struct Installed {
    listed: Vec<(PathBuf, Vec<String>)>,
}

impl Installed {
    /// Reads the folders, not what is in them.
    pub fn list(site: &[PathBuf]) -> Result<Self, Refused> {
        let mut listed = Vec::with_capacity(site.len());
        for base in site {
            let shown = || text(base.as_os_str());
            let Ok(entries) = std::fs::read_dir(base) else {
                if base.exists() {
                    return Err(Refused::could_not(format!("{} cannot be read", shown())));
                }
                continue;
            };
            let mut found = Vec::new();
            for (count, entry) in entries.enumerate() {
                let entry =
                    entry.map_err(|_| Refused::could_not(format!("{} cannot be read", shown())))?;
                if count == ENTRIES {
                    let why = format!("more than {ENTRIES} files and folders in {}", shown());
                    return Err(Refused::could_not(why));
                }
                if let Ok(name) = entry.file_name().into_string() {
                    if name.ends_with(INFO) {
                        found.push(name);
                    }
                }
            }
            found.sort_unstable();
            listed.push((base.clone(), found));
        }
        Ok(Self { listed })
    }

    /// The distribution of this name in its one spelling (I1).
    pub fn find(&self, wanted: &str) -> Result<Option<Distribution>, Refused> {
        for (base, infos) in &self.listed {
            let mut found: Option<Distribution> = None;
            for info in infos {
                let stem = info.strip_suffix(INFO).unwrap_or(info);
                if !is_named(stem, wanted) {
                    continue;
                }
                let Some(version) = said(&base.join(info), stem, wanted) else { continue };
                if let Some(other) = &found {
                    let why = format!(
                        "{0}/{1} and {0}/{info}: two installations of {wanted}",
                        text(base.as_os_str()),
                        other.info
                    );
                    return Err(Refused::could_not(why));
                }
                found = Some(Distribution { version, base: base.clone(), info: info.clone() });
            }
            if let Some(one) = found {
                // One without a list of its files is there, and is none that can be run.
                let record = base.join(&one.info).join("RECORD").is_file();
                return Ok(record.then_some(one));
            }
        }
        Ok(None)
    }
}

/// Whether a folder may be of a distribution of this name.
fn is_named(stem: &str, wanted: &str) -> bool {
    dashes(stem).any(|(name, _)| normalised(name).is_ok_and(|name| name == wanted))
}

fn dashes(stem: &str) -> impl Iterator<Item = (&str, &str)> {
    stem.match_indices('-')
        .filter_map(|(at, _)| Some((stem.get(..at)?, stem.get(at.saturating_add(1)..)?)))
}

/// The version that METADATA says, where it is of this name and agrees with that of the folder.
fn said(folder: &Path, stem: &str, wanted: &str) -> Option<String> {
    let (name, version) = metadata(&folder.join("METADATA"))?;
    if normalised(&name).ok()? != wanted {
        return None;
    }
    let plain = |version: &str| version.replace(['-', '+'], "_").to_lowercase();
    let agreed = |(_, rest): &(&str, &str)| plain(rest) == plain(&version);
    let first = dashes(stem).find(agreed)?;
    (normalised(first.0).ok()? == wanted).then_some(version)
}

/// Name and Version, each said once, in what stands before the first empty line.
fn metadata(place: &Path) -> Option<(String, String)> {
    let mut raw = Vec::new();
    let mut file = files::open(place).ok()??;
    let mut chunk = [0; 16 << 10];
    loop {
        let read = file.read(&mut chunk).ok()?;
        raw.extend_from_slice(chunk.get(..read)?);
        let ends = |mark: &[u8]| raw.windows(mark.len()).any(|window| window == mark);
        if read == 0 || ends(b"\n\n") || ends(b"\n\r\n") {
            break;
        }
        if u64::try_from(raw.len()).ok()? > METADATA {
            return None;
        }
    }
    let text = std::str::from_utf8(&raw).ok().map(|text| text.replace("\r\n", "\n"));
    // The end of what was read may be half a character, behind the empty line.
    let text = text.or_else(|| {
        let end = raw.windows(2).position(|two| two == b"\n\n")?;
        std::str::from_utf8(raw.get(..end)?).ok().map(str::to_owned)
    })?;
    let head = text.split("\n\n").next()?;
    let (mut name, mut version, mut last) = (None, None, String::new());
    let lines: Vec<&str> = head.split('\n').collect();
    for (number, line) in lines.iter().enumerate() {
        let goes_on = line.starts_with([' ', '\t']);
        if goes_on && !matches!(last.as_str(), "" | "name" | "version") {
            continue;
        }
        let field = line.split_once(':').filter(|(key, _)| is_key(key));
        let is_end = line.is_empty() && number.saturating_add(1) >= lines.len();
        if line.contains('\r') || (field.is_none() && !is_end) {
            return None; // where its readers stop, others would go on
        }
        let Some((key, value)) = field else { continue };
        last = key.to_ascii_lowercase();
        let place = match last.as_str() {
            "name" => &mut name,
            "version" => &mut version,
            _ => continue,
        };
        if place.is_some() {
            return None;
        }
        *place = Some(value.trim_matches([' ', '\t']).to_owned());
    }
    Some((name?, version?))
}

fn is_key(key: &str) -> bool {
    !key.is_empty() && key.as_bytes().iter().all(|one| matches!(one, b'!'..=b'9' | b';'..=b'~'))
}
