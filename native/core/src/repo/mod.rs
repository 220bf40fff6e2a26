//! What lies in a folder, as text: nothing here reads a file.

pub mod journal;
pub mod memory;
pub mod view;
