//! What `sig-verify` and a loader do around the decisions of `sig-core`: words of a command line,
//! files of a folder, bytes of what is asked about, lines for people and programs; and to become a
//! program.
//!
//! Opens no socket and writes no file. Unsafe code is in `loader::kernel` and nowhere else.
#![deny(unsafe_code)]

pub mod asking;
pub mod command;
pub mod folder;
pub mod identify;
pub mod json;
pub mod loader;
pub mod options;
pub mod paths;
pub mod start;
pub mod words;
