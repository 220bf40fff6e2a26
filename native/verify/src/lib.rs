//! What `sig-verify` does around the decisions of `sig-core`: words of a command line, files of a
//! folder, bytes of what is asked about, and lines for people and programs.
//!
//! Opens no socket and writes no file.
#![forbid(unsafe_code)]

pub mod command;
pub mod folder;
pub mod identify;
pub mod json;
pub mod options;
pub mod paths;
pub mod words;
