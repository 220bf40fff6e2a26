//! `sig-verify FILE…`: the answer of `sig verify`, from the view of the folder. With a policy behind
//! it, it is a loader, and becomes the program that it was made for.
#![no_main]
#![forbid(unsafe_code)]

// Its `main` is what the C library calls.
use sig_verify as _;
