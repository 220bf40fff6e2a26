//! Which of the two this is: `sig-verify`, or a loader.

use std::sync::atomic::Ordering;

use crate::loader::kernel::{WITHOUT_MEMORY, ignore_gone_readers};
use crate::loader::own;
use crate::{command, loader};

/// The exit status; a loader becomes its program and gives none.
pub fn start() -> u8 {
    let own = match own::own() {
        Ok(own) => own,
        Err(error) => return stopped(&format!("its own file is not known without /proc: {error}")),
    };
    match own.said() {
        Ok(None) => {
            ignore_gone_readers();
            WITHOUT_MEMORY.store(4, Ordering::Relaxed);
            command::main()
        }
        Ok(Some(said)) => loader::main(&own, &said),
        Err(why) => stopped(&format!("this loader cannot be used: {why}")),
    }
}

fn stopped(why: &str) -> u8 {
    loader::say(&format!("error: {why}\nerror: not run"));
    114
}
