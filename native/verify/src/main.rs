//! `sig-verify FILE…`: the answer of `sig verify`, from the view of the folder. With a policy behind
//! it, it is a loader, and becomes the program that it was made for.
#![no_main]
#![forbid(unsafe_code)]

// Its `main` is what the C library calls.
use sig_verify as _;

// Whoever sets LD_PRELOAD would be in a program with libraries before its first line: one like that
// is not given to people, however it was built.
#[cfg(all(target_os = "linux", not(debug_assertions), not(target_feature = "crt-static")))]
compile_error!("this program has to be static: build it with tools/setup.sh loader, or maturin");
