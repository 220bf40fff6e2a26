//! `sig-verify FILE…`: the answer of `sig verify`, from the view of the folder.
#![forbid(unsafe_code)]

use std::process::ExitCode;

fn main() -> ExitCode {
    sig_verify::command::main()
}
