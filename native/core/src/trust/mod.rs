//! Do we believe it? Pure: no I/O, no clock, no keys.

pub mod covering;
pub mod decide;
pub mod policy;
pub mod weighed;
