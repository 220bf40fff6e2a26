//! What only the kernel can do: the one place with unsafe code.
//!
//! Q1  What is handed over lies in memory that nobody can change, not even we.
//! Q2  Becoming another program changes nothing else of this one: signals stay blocked and ignored,
//!     and descriptors closed, as they were. The standard library resets the first when it becomes a
//!     program, and the others before `main`; so `main` is ours.
//! Q3  Where there is no memory left, it says so and ends.
#![allow(unsafe_code)]

use std::alloc::{GlobalAlloc, Layout, System};
use std::ffi::{CString, OsStr, OsString};
use std::fs::File;
use std::io::{self, Write};
use std::os::fd::{AsRawFd, FromRawFd, OwnedFd};
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::FileExt;
use std::sync::atomic::{AtomicU8, Ordering};
use std::time::Duration;

use rustix::fs::{MemfdFlags, SealFlags, fcntl_add_seals, memfd_create};
use rustix::io::{Errno, FdFlags};

/// What the C library calls first; the tests have their own.
#[cfg(not(test))]
#[unsafe(no_mangle)]
pub extern "C" fn main(_count: libc::c_int, _words: *const *const libc::c_char) -> libc::c_int {
    // What is closed is open for us, so that nothing else gets its number; and closed again for
    // the program that we become (Q2).
    for number in 0..=2 {
        // SAFETY: asks for a flag, and opens a file.
        unsafe {
            if libc::fcntl(number, libc::F_GETFD) < 0 {
                libc::open(c"/dev/null".as_ptr(), libc::O_RDWR | libc::O_CLOEXEC);
            }
        }
    }
    crate::start::start().into()
}

/// From now on a reader who has gone is an error of writing, not the end of us.
pub fn ignore_gone_readers() {
    // SAFETY: sets how one signal is handled, before there is a second thread.
    unsafe { libc::signal(libc::SIGPIPE, libc::SIG_IGN) };
}

/// Writes to standard error; a reader who has gone changes nothing of how we end, or go on (Q2).
pub fn told(text: &[u8]) {
    // SAFETY: sets how one signal is handled, and sets it back; there is no second thread.
    let before = unsafe { libc::signal(libc::SIGPIPE, libc::SIG_IGN) };
    let mut left = text;
    while let Ok(done @ 1..) = rustix::io::write(rustix::stdio::stderr(), left) {
        left = left.get(done..).unwrap_or_default();
    }
    // SAFETY: as above.
    unsafe { libc::signal(libc::SIGPIPE, before) };
}

/// Whether the kernel found that whoever started us may do less than we.
pub fn is_privileged() -> bool {
    // SAFETY: it reads what the kernel gave at the start.
    unsafe { libc::getauxval(libc::AT_SECURE) != 0 }
}

/// How it ends where there is no memory left (Q3).
pub static WITHOUT_MEMORY: AtomicU8 = AtomicU8::new(114);

struct Memory;

#[global_allocator]
static MEMORY: Memory = Memory;

// SAFETY: all is done by the system's, which does as it should; a failure does not come back.
unsafe impl GlobalAlloc for Memory {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        // SAFETY: as it was asked of us.
        there(unsafe { System.alloc(layout) })
    }

    unsafe fn alloc_zeroed(&self, layout: Layout) -> *mut u8 {
        // SAFETY: as above.
        there(unsafe { System.alloc_zeroed(layout) })
    }

    unsafe fn realloc(&self, place: *mut u8, layout: Layout, size: usize) -> *mut u8 {
        // SAFETY: as above.
        there(unsafe { System.realloc(place, layout, size) })
    }

    unsafe fn dealloc(&self, place: *mut u8, layout: Layout) {
        // SAFETY: as above.
        unsafe { System.dealloc(place, layout) }
    }
}

fn there(place: *mut u8) -> *mut u8 {
    if place.is_null() {
        let status = WITHOUT_MEMORY.load(Ordering::Relaxed);
        let lines: &[u8] = if status == 114 {
            b"error: there is not enough memory\nerror: not run\n"
        } else {
            b"error: there is not enough memory\n"
        };
        // SAFETY: writes what is there, and does not come back.
        unsafe {
            libc::write(2, lines.as_ptr().cast(), lines.len());
            libc::_exit(status.into());
        }
    }
    place
}

const BLOCK: usize = 1 << 16;

/// A file in memory with these bytes, part by part, which a program that we become inherits (Q1). One
/// that is to `run` may be executed, as far as the host lets us say so (`vm.memfd_noexec`).
pub fn sealed<Part: AsRef<[u8]>>(parts: &[Part], name: &str, run: bool) -> io::Result<OwnedFd> {
    // Where files may not grow that far it is an error, and no signal.
    // SAFETY: sets how one signal is handled, and sets it back; there is no second thread.
    let before = unsafe { libc::signal(libc::SIGXFSZ, libc::SIG_IGN) };
    let made = filled(parts, name, run);
    // SAFETY: as above.
    unsafe { libc::signal(libc::SIGXFSZ, before) };
    made
}

/// A new file in memory. Kernels before 6.3 do not know these flags; since then some want the second,
/// and refuse the first.
fn created(name: &str, run: bool) -> io::Result<OwnedFd> {
    let all = [MemfdFlags::EXEC, MemfdFlags::NOEXEC_SEAL, MemfdFlags::empty()];
    let kinds = if run { all.as_slice() } else { all.get(1..).unwrap_or_default() };
    let mut failed = Errno::INVAL;
    for kind in kinds {
        let flags = MemfdFlags::ALLOW_SEALING | MemfdFlags::CLOEXEC | *kind;
        match memfd_create(name, flags) {
            Err(error @ (Errno::INVAL | Errno::ACCESS)) => failed = error,
            other => return Ok(other?),
        }
    }
    Err(failed.into())
}

fn filled<Part: AsRef<[u8]>>(parts: &[Part], name: &str, run: bool) -> io::Result<OwnedFd> {
    let mut made = File::from(created(name, run)?);
    for part in parts {
        made.write_all(part.as_ref())?;
    }
    let seals = SealFlags::WRITE | SealFlags::GROW | SealFlags::SHRINK | SealFlags::SEAL;
    for pause in 0..200 {
        match fcntl_add_seals(&made, seals) {
            // Its pages are looked at by the kernel for a moment.
            Err(Errno::BUSY) => std::thread::sleep(Duration::from_millis(pause)),
            other => {
                other?;
                check(&made, parts)?;
                // Not one of the first three: those are the program's own.
                // SAFETY: a new descriptor, which nobody else has.
                let copy = unsafe { libc::fcntl(made.as_raw_fd(), libc::F_DUPFD, 3) };
                if copy < 0 {
                    return Err(io::Error::last_os_error());
                }
                // SAFETY: as above.
                return Ok(unsafe { OwnedFd::from_raw_fd(copy) });
            }
        }
    }
    Err(Errno::BUSY.into())
}

/// Until it was sealed, others could have written to it.
fn check<Part: AsRef<[u8]>>(made: &File, parts: &[Part]) -> io::Result<()> {
    let differs = || io::Error::other("the copy differs from what was made");
    let mut block = [0; BLOCK];
    let mut at = 0_u64;
    for wanted in parts.iter().flat_map(|part| part.as_ref().chunks(BLOCK)) {
        let read = block.get_mut(..wanted.len()).unwrap_or_default();
        made.read_exact_at(read, at)?;
        if read != wanted {
            return Err(differs());
        }
        at = at.saturating_add(wanted.len() as u64);
    }
    if made.metadata()?.len() != at {
        return Err(differs());
    }
    // Whoever reads the descriptor itself, and does not open it anew, starts at its beginning.
    rustix::fs::seek(made, rustix::fs::SeekFrom::Start(0))?;
    Ok(())
}

/// Whether a program that we become inherits this descriptor.
pub fn inherit(one: &OwnedFd, yes: bool) -> io::Result<()> {
    let flags = if yes { FdFlags::empty() } else { FdFlags::CLOEXEC };
    Ok(rustix::io::fcntl_setfd(one, flags)?)
}

/// Becomes this program (Q2). Returns only where that failed.
pub fn become_program(
    path: &OsStr,
    words: &[OsString],
    environment: &[(OsString, OsString)],
) -> io::Error {
    let zero = |_| io::Error::from(io::ErrorKind::InvalidInput);
    let made = || -> io::Result<(CString, Vec<CString>, Vec<CString>)> {
        let path = CString::new(path.as_bytes()).map_err(zero)?;
        let words = words.iter().map(|word| CString::new(word.as_bytes()).map_err(zero));
        let pairs = environment.iter().map(|(name, value)| {
            CString::new([name.as_bytes(), b"=", value.as_bytes()].concat()).map_err(zero)
        });
        Ok((path, words.collect::<io::Result<_>>()?, pairs.collect::<io::Result<_>>()?))
    };
    let (path, words, pairs) = match made() {
        Ok(made) => made,
        Err(error) => return error,
    };
    let pointers = |texts: &[CString]| -> Vec<*const libc::c_char> {
        texts.iter().map(|text| text.as_ptr()).chain([std::ptr::null()]).collect()
    };
    let (arguments, variables) = (pointers(&words), pointers(&pairs));
    // SAFETY: texts and both lists end with a zero, and live until this returns or never does.
    unsafe { libc::execve(path.as_ptr(), arguments.as_ptr(), variables.as_ptr()) };
    io::Error::last_os_error()
}
