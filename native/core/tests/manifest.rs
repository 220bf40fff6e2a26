//! vectors/manifest: lists that are read or refused, and what globs leave out.
#![allow(clippy::panic, clippy::unwrap_used, reason = "a test")]

mod vector;

use sig_core::model::globs::{self, Globs};
use sig_core::model::manifest;
use vector::{refused, same, table, texts};

#[test]
fn a_list_is_read_or_refused_as_its_vector_says() {
    vector::each("manifest", 133, |one| {
        let text = one.one("text");
        let (listed, strict) = (manifest::read(text), manifest::read_canonical(text));
        match one.head("expect") {
            "canonical" => {
                let found = strict.map_err(|error| error.to_string())?;
                same(text, found.text().as_bytes())?;
                same(Ok(found.clone()), listed)?;
                same(one.head("id"), found.id().as_str())
            }
            "list" => {
                same(Err(one.why()), strict.map_err(|error| error.to_string()))?;
                let found = listed.map_err(|error| error.to_string())?;
                same(one.one("canonical"), found.text().as_bytes())?;
                same(one.head("id"), found.id().as_str())
            }
            "refused" => {
                same(Err(one.why()), strict.map_err(|error| error.to_string()))?;
                same(Err(one.why()), listed.map_err(|error| error.to_string()))
            }
            other => panic!("{other}"),
        }
    });
}

#[test]
fn a_glob_leaves_out_what_the_table_says() {
    let failed: Vec<String> = table("manifest/globs.json")
        .iter()
        .filter_map(|case| {
            let list = |name: &str| texts(case.get(name).unwrap());
            let listed = list(if case.get("asked").is_some() { "asked" } else { "globs" });
            let listed: Vec<&str> = listed.iter().map(String::as_str).collect();
            let found = if let Some(beyond) = case.get("beyond") {
                let signed = list("signed");
                let signed: Vec<&str> = signed.iter().map(String::as_str).collect();
                same(
                    Ok(texts(beyond)),
                    globs::beyond(&listed, &signed)
                        .map(|found| found.into_iter().map(str::to_owned).collect()),
                )
            } else if let Some(why) = case.get("refused") {
                refused(why.as_str().unwrap(), Globs::new(&listed))
            } else {
                let path = case.get("path").unwrap().as_str().unwrap();
                let expected = case.get("left-out").unwrap().as_bool().unwrap();
                same(Ok(expected), Globs::new(&listed).map(|globs| globs.names(path)))
            };
            found.err().map(|why| format!("{case}: {why}"))
        })
        .collect();
    assert!(failed.is_empty(), "{}", failed.join("\n"));
}
