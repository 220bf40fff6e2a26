//! vectors/places: where a file of a wheel lies once it is installed.
#![allow(clippy::unwrap_used, reason = "a test")]

mod vector;

use sig_core::model::covered::{Covered, Root};
use sig_core::model::manifest::Manifest;
use sig_core::model::wheel::{self, Place};
use vector::{same, table};

const A: &str = "ca978112ca1bbdcafac231b39a23dc4da786eff8147c4e72b9807785afee48bb";

#[test]
fn a_file_is_covered_where_the_table_says_and_nowhere_else() {
    let rows = table("places/places.json");
    assert!(rows.len() >= 54);
    let failed: Vec<String> = rows
        .iter()
        .filter_map(|case| {
            let field = |name: &str| case.get(name).unwrap().as_str();
            let path = field("path").unwrap();
            let root = Root {
                name: "dist/x-1.0".to_owned(),
                base: field("base").unwrap().into(),
                prefix: field("prefix").unwrap().into(),
                manifest: Manifest::of([(path, A)]).unwrap(),
            };
            let roots = [root];
            let covered = Covered::new(&roots).unwrap();
            let all = covered.files().map(|(path, ..)| String::from_utf8_lossy(path).into_owned());
            let expected: Vec<String> = field("place").map(str::to_owned).into_iter().collect();
            let data = matches!(wheel::place(path), Some(Place::Data(_)));
            let data_here = data && !expected.is_empty();
            let found = same(expected, all.collect())
                .and_then(|()| same(case.get("data").unwrap().as_bool().unwrap(), data_here))
                .and_then(|()| match field("place") {
                    Some(place) => same(Some(A), covered.file(place.as_bytes()).map(|one| one.0)),
                    None => Ok(()),
                });
            found.err().map(|why| format!("{path}: {why}"))
        })
        .collect();
    assert!(failed.is_empty(), "{}", failed.join("\n"));
}
