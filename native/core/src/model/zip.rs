//! Zips in one form: stored, without times, comments or extra fields.

/// The first of January 1980, as zips count days.
const DATE: u16 = 0x0021;
const VERSION: u16 = 20;

/// What stands at the end of a zip.
#[derive(Debug, Default)]
pub struct Directory {
    entries: Vec<u8>,
    count: u16,
}

impl Directory {
    /// What stands before the data of a member that starts at this place; None where a zip cannot
    /// say that.
    pub fn add(&mut self, name: &[u8], data: &[u8], place: usize) -> Option<Vec<u8>> {
        let common = common(name, data)?;
        let entries = &mut self.entries;
        entries.extend_from_slice(b"PK\x01\x02");
        entries.extend_from_slice(&VERSION.to_le_bytes());
        entries.extend_from_slice(&common);
        // No comment, disk 0, no attributes.
        entries.extend_from_slice(&[0; 10]);
        entries.extend_from_slice(&u32::try_from(place).ok()?.to_le_bytes());
        entries.extend_from_slice(name);
        self.count = self.count.checked_add(1)?;
        Some([b"PK\x03\x04", common.as_slice(), name].concat())
    }

    /// The directory, at this place.
    pub fn end(self, place: usize) -> Option<Vec<u8>> {
        let size = u32::try_from(self.entries.len()).ok()?;
        let mut end = self.entries;
        end.extend_from_slice(b"PK\x05\x06\0\0\0\0");
        for number in [self.count; 2] {
            end.extend_from_slice(&number.to_le_bytes());
        }
        for number in [size, u32::try_from(place).ok()?] {
            end.extend_from_slice(&number.to_le_bytes());
        }
        end.extend_from_slice(&[0; 2]);
        Some(end)
    }
}

/// What a member's header and its entry in the directory have in common.
fn common(name: &[u8], data: &[u8]) -> Option<Vec<u8>> {
    let size = u32::try_from(data.len()).ok()?;
    let mut found = Vec::new();
    // Version, flags, method, time.
    for number in [VERSION, 0, 0, 0, DATE] {
        found.extend_from_slice(&number.to_le_bytes());
    }
    for number in [crc32fast::hash(data), size, size] {
        found.extend_from_slice(&number.to_le_bytes());
    }
    // The length of the name, and none of extra fields.
    found.extend_from_slice(&u16::try_from(name.len()).ok()?.to_le_bytes());
    found.extend_from_slice(&[0; 2]);
    Some(found)
}
