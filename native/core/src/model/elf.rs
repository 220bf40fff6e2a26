//! What a program or library of Linux says of itself to ld.so, as `sig/repo/elf.py` reads it: what it
//! needs, and where to look.
//!
//! E1  64 bits, little end first; of any machine. What cannot be understood is refused. Every count
//!     is bounded.
//! E2  ld.so reads the dynamic section from where it is mapped. It must lie there, too.
//! E3  Made fit to be mapped from memory: what is needed by a path is needed by its last part,
//!     RUNPATH, RPATH and audit libraries are gone, and so is what is not mapped (debug information).
//!     Nothing else changes.

use object::LittleEndian as Little;
use object::elf::{
    DT_AUDIT, DT_AUXILIARY, DT_DEPAUDIT, DT_FILTER, DT_LOOS, DT_NEEDED, DT_NULL, DT_RPATH,
    DT_RUNPATH, DT_SONAME, DT_STRTAB, Dyn64, ELFCLASS64, ELFDATA2LSB, ELFMAG, ET_DYN, ET_EXEC,
    EV_CURRENT, FileHeader64, PT_DYNAMIC, PT_INTERP, PT_LOAD, PT_PHDR, ProgramHeader64,
};
use object::read::ReadRef;

use crate::errors::FormatError;

const HEADERS: u16 = 128;
const ENTRIES: usize = 4096;
const NEEDED: usize = 512;
const NAME: usize = 4096;
const PATHS: usize = 1 << 16;

/// Bytes from the start of a file in which its headers lie.
pub const HEAD: usize = 1 << 13;

/// What is in a file. Names and paths are bytes, as everything of the disk.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Elf {
    /// The number of the machine.
    pub machine: u16,
    /// The ld.so of a program; empty of a library.
    pub interpreter: Vec<u8>,
    /// Names, in their order.
    pub needed: Vec<Vec<u8>>,
    /// What it calls itself.
    pub soname: Vec<u8>,
    /// Where to look, in the old way.
    pub rpath: Vec<u8>,
    /// Where to look.
    pub runpath: Option<Vec<u8>>,
    /// Whether it stands for another library.
    pub filters: bool,
    /// Where the last byte lies that is mapped.
    pub end: usize,
    /// Offset, tag and value of each entry of the dynamic section.
    entries: Vec<(usize, u32, u64)>,
}

impl Elf {
    /// The folders that it names itself, as they are spelled.
    pub fn paths(&self) -> impl Iterator<Item = &[u8]> {
        let found = self.runpath.as_ref().unwrap_or(&self.rpath);
        found.split(|one| *one == b':').filter(|part| !part.is_empty())
    }
}

/// Address, end of what is of the file, and offset.
type Load = (u64, u64, u64);

/// What is in these bytes (E1, E2).
pub fn read(data: &[u8]) -> Result<Elf, FormatError> {
    let (machine, headers) = headers(data, data.len())?;
    let end = mapped(data, data.len())?;
    let mut loads: Vec<Load> = Vec::new();
    let mut dynamic: Option<&ProgramHeader64<Little>> = None;
    let mut interpreter = Vec::new();
    for header in headers {
        let (offset, length) = (header.p_offset.get(Little), header.p_filesz.get(Little));
        let inside = data.read_bytes_at(offset, length).ok();
        match header.p_type.get(Little) {
            PT_LOAD => {
                if inside.is_none() {
                    return refused("its segments lie outside of the file");
                }
                let address = header.p_vaddr.get(Little);
                loads.push((address, address.saturating_add(length), offset));
            }
            PT_DYNAMIC if dynamic.is_some() => return refused("it has two dynamic sections"),
            PT_DYNAMIC => dynamic = Some(header),
            PT_INTERP => match inside.filter(|name| (2..=NAME).contains(&name.len())) {
                Some(name) if interpreter.is_empty() => {
                    interpreter = name.split(|one| *one == 0).next().unwrap_or_default().to_vec();
                }
                _ => return refused("its interpreter is not named"),
            },
            _ => {}
        }
    }
    let entries = dynamic.map_or(Ok(Vec::new()), |header| entries(data, &loads, header))?;
    let single = |wanted: u32| -> Result<Option<u64>, FormatError> {
        let mut values = entries.iter().filter(|(_, tag, _)| *tag == wanted).map(|it| it.2);
        let first = values.next();
        match values.any(|other| Some(other) != first) {
            true => refused("its dynamic section says two things"),
            false => Ok(first),
        }
    };
    let strings = single(DT_STRTAB)?.unwrap_or_default();
    let text = |index: u64, most: usize| -> Result<Vec<u8>, FormatError> {
        let address = strings.checked_add(index).ok_or_else(outside)?;
        let (start, rest) = place(&loads, address, 1)?;
        let length = rest.min(u64::try_from(most.saturating_add(1)).unwrap_or(rest));
        let name = data.read_bytes_at(start, length).map_err(|()| outside())?;
        let zero = name.iter().position(|one| *one == 0);
        let name = zero.and_then(|zero| name.get(..zero));
        name.map(<[u8]>::to_vec).ok_or_else(|| FormatError::new("it has a name without an end"))
    };
    let needed: Vec<u64> =
        entries.iter().filter(|(_, tag, _)| *tag == DT_NEEDED).map(|it| it.2).collect();
    if needed.len() > NEEDED {
        return refused(format!("it needs more than {NEEDED} libraries"));
    }
    let named = |tag: u32, most: usize| single(tag)?.map(|at| text(at, most)).transpose();
    Ok(Elf {
        machine,
        interpreter,
        needed: needed.into_iter().map(|at| text(at, NAME)).collect::<Result<_, _>>()?,
        soname: named(DT_SONAME, NAME)?.unwrap_or_default(),
        rpath: named(DT_RPATH, PATHS)?.unwrap_or_default(),
        runpath: named(DT_RUNPATH, PATHS)?,
        filters: entries.iter().any(|(_, tag, _)| matches!(*tag, DT_AUXILIARY | DT_FILTER)),
        end,
        entries,
    })
}

/// Where the last byte lies that ld.so looks at, of a file of this size; `head` are at least its
/// headers.
pub fn mapped(head: &[u8], size: usize) -> Result<usize, FormatError> {
    let (_, headers) = headers(head, size)?;
    let mut end = size_of::<FileHeader64<Little>>();
    for header in headers {
        if matches!(header.p_type.get(Little), PT_LOAD | PT_DYNAMIC | PT_INTERP | PT_PHDR) {
            let (offset, length) = (header.p_offset.get(Little), header.p_filesz.get(Little));
            let last = offset.checked_add(length).and_then(|last| usize::try_from(last).ok());
            end = last.filter(|last| *last <= size).ok_or_else(far)?.max(end);
        }
    }
    let file: &FileHeader64<Little> = head.read_at(0).map_err(|()| far())?;
    let offset = usize::try_from(file.e_phoff.get(Little)).map_err(|_| far())?;
    Ok(end.max(offset.saturating_add(size_of_val(headers))))
}

/// The number of its machine, and its program headers.
fn headers(data: &[u8], size: usize) -> Result<(u16, &[ProgramHeader64<Little>]), FormatError> {
    let file = data.read_at::<FileHeader64<Little>>(0).ok().filter(|it| {
        let ident = &it.e_ident;
        let form = (ident.class, ident.data, ident.version);
        ident.magic == ELFMAG && form == (ELFCLASS64, ELFDATA2LSB, EV_CURRENT)
    });
    let Some(file) = file else {
        return refused("not an ELF file of 64 bits, little end first");
    };
    if !matches!(file.e_type.get(Little), ET_EXEC | ET_DYN) {
        return refused("neither a program nor a library");
    }
    let (offset, count) = (file.e_phoff.get(Little), file.e_phnum.get(Little));
    let entry = usize::from(file.e_phentsize.get(Little));
    let last = usize::try_from(offset).ok().and_then(|offset| {
        offset.checked_add(usize::from(count).checked_mul(entry)?).filter(|last| *last <= size)
    });
    let known = entry == size_of::<ProgramHeader64<Little>>() && (1..=HEADERS).contains(&count);
    let found = data.read_slice_at(offset, count.into()).ok();
    match found.filter(|_| known && last.is_some()) {
        Some(found) => Ok((file.e_machine.get(Little), found)),
        None => refused("its program headers are not those of an ELF file"),
    }
}

fn entries(
    data: &[u8],
    loads: &[Load],
    header: &ProgramHeader64<Little>,
) -> Result<Vec<(usize, u32, u64)>, FormatError> {
    let (offset, length) = (header.p_offset.get(Little), header.p_filesz.get(Little));
    let one = size_of::<Dyn64<Little>>();
    let count = usize::try_from(length).ok().and_then(|it| it.checked_div(one)).unwrap_or(ENTRIES);
    let most = u64::try_from(ENTRIES.saturating_mul(one)).unwrap_or_default();
    // E2
    if length > most || place(loads, header.p_vaddr.get(Little), length)?.0 != offset {
        return refused("its dynamic section is not where it is said to be");
    }
    let section: &[Dyn64<Little>] = data.read_slice_at(offset, count).map_err(|()| outside())?;
    let mut at = usize::try_from(offset).map_err(|_| outside())?;
    let mut found = Vec::new();
    for entry in section {
        let (tag, value) = (entry.d_tag.get(Little), entry.d_val.get(Little));
        if tag == u64::from(DT_NULL) {
            return Ok(found);
        }
        // A tag of more than 32 bits is none that anybody knows.
        found.push((at, u32::try_from(tag).unwrap_or(DT_LOOS), value));
        at = at.saturating_add(one);
    }
    refused("its dynamic section has no end")
}

/// Makes what is mapped of a file fit to be mapped from memory (E3); `elf` is what `read` said. A
/// filter is refused: it stands for a library that ld.so would search for.
pub fn without_search(data: &mut Vec<u8>, elf: &Elf) -> Result<(), FormatError> {
    if elf.filters {
        return refused("it is a filter of another library");
    }
    data.truncate(elf.end);
    let mut names = elf.needed.iter();
    for (at, tag, value) in &elf.entries {
        let mut put = |at: usize, number: u64| {
            let place = data.get_mut(at..).and_then(|rest| rest.first_chunk_mut());
            *place.ok_or_else(outside)? = number.to_le_bytes();
            Ok::<_, FormatError>(())
        };
        match *tag {
            DT_NEEDED => {
                let name = names.next().map(Vec::as_slice).unwrap_or_default();
                if let Some(slash) = name.iter().rposition(|one| *one == b'/') {
                    let above = u64::try_from(slash).map_err(|_| outside())?;
                    put(at.saturating_add(8), value.saturating_add(above).saturating_add(1))?;
                }
            }
            DT_RPATH | DT_RUNPATH | DT_AUDIT | DT_DEPAUDIT => put(*at, DT_LOOS.into())?,
            _ => {}
        }
    }
    Ok(())
}

/// The offset in the file of what is mapped at an address, and how much follows of it.
fn place(loads: &[Load], address: u64, length: u64) -> Result<(u64, u64), FormatError> {
    let last = address.checked_add(length).ok_or_else(outside)?;
    let inside = |(start, end, _): &&Load| *start <= address && last <= *end;
    let (start, end, offset) = loads.iter().find(inside).ok_or_else(outside)?;
    let found = offset.checked_add(address.saturating_sub(*start)).ok_or_else(outside)?;
    Ok((found, end.saturating_sub(address)))
}

fn outside() -> FormatError {
    FormatError::new("it names what is not in the file")
}

fn far() -> FormatError {
    FormatError::new("its segments lie outside of the file")
}

fn refused<T>(why: impl Into<String>) -> Result<T, FormatError> {
    Err(FormatError::new(why))
}
