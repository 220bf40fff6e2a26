//! vectors/loader: files that are a loader, files that are none, and files that are damaged.
#![allow(clippy::arithmetic_side_effects, clippy::indexing_slicing, reason = "a test")]
#![allow(clippy::panic, clippy::unwrap_used, reason = "a test")]

mod vector;

use sig_core::errors::FormatError;
use sig_core::model::loader::{END, Policy, length, read};
use vector::same;

/// The program before it, the policy, and what stands behind that.
type Found<'a> = (&'a [u8], Policy, &'a [u8]);

fn whole(file: &[u8]) -> Result<Option<Found<'_>>, FormatError> {
    let end = &file[file.len().saturating_sub(END)..];
    let Some(length) = length(end, file.len() as u64)? else { return Ok(None) };
    let data = &file[..file.len() - END];
    let (program, behind) = data.split_at(data.len() - usize::try_from(length).unwrap());
    let (policy, modules) = read(behind, program)?;
    Ok(Some((program, policy, modules)))
}

#[test]
fn a_loader_is_read_or_refused_as_its_vector_says() {
    vector::each("loader", 300, |one| {
        let found = whole(one.one("file")).map_err(|error| error.to_string());
        match one.head("expect") {
            "none" => same(Ok(None), found.map(|it| it.map(|_| ()))),
            "refused" => match found {
                Ok(_) => Err("it is read".to_owned()),
                Err(why) if why.starts_with(&one.why()) => Ok(()),
                Err(why) => Err(format!("{why:?} is not {:?}", one.why())),
            },
            _ => {
                let (program, policy, modules) = found?.ok_or("it is none")?;
                same(one.one("program"), program)?;
                let mut rest = modules;
                for (kind, listed) in [("compiled", policy.compiled), ("source", policy.sources)] {
                    for (name, size) in listed {
                        let (module, more) = rest.split_at(size);
                        same(one.one(&format!("{kind} {name}")), module)?;
                        rest = more;
                    }
                }
                same(0, rest.len())
            }
        }
    });
}
