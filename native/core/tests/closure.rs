//! vectors/closure: lists of roots, the words of a signer about one, and which Pythons they ask for.
#![allow(clippy::panic, clippy::unwrap_used, reason = "a test")]

mod vector;

use serde_json::{Value, json};
use sig_core::model::{closure, pythons};
use vector::{refused, same, table, texts};

#[test]
fn a_list_of_roots_is_read_or_refused_as_its_vector_says() {
    vector::each("closure", 47, |one| {
        let text = one.one("text");
        let found = closure::read(text);
        if one.head("expect") == "refused" {
            return same(Err(one.why()), found.map_err(|error| error.to_string()));
        }
        let found = found.map_err(|error| error.to_string())?;
        same(text, found.text().as_bytes())?;
        same(one.head("id"), found.id().as_str())?;
        found.roots().try_for_each(|(root, digest)| {
            closure::parts(root).map_err(|error| error.to_string())?;
            same(Some(digest), found.root(root))
        })
    });
}

fn rows(name: &str, claim: impl Fn(&Value) -> Result<(), String>) {
    let failed: Vec<String> = table(&format!("closure/{name}.json"))
        .iter()
        .filter_map(|case| claim(case).err().map(|why| format!("{case}: {why}")))
        .collect();
    assert!(failed.is_empty(), "{}", failed.join("\n"));
}

#[test]
fn criteria_say_what_the_table_says() {
    rows("terms", |case| {
        let found = closure::terms(&texts(case.get("criteria").unwrap()));
        if let Some(why) = case.get("refused") {
            return refused(why.as_str().unwrap(), found);
        }
        let found = found.map_err(|error| error.to_string())?.map_or(Value::Null, |said| {
            let packs = said.packs.iter().map(|(tag, id)| json!([tag, id.as_str()]));
            let packs: Vec<Value> = packs.collect();
            json!({"app": said.app, "release": said.release, "python": said.python, "packs": packs})
        });
        same(case.get("terms").unwrap(), &found)
    });
}

#[test]
fn versions_are_allowed_as_the_table_says() {
    rows("pythons", |case| {
        let field = |name: &str| case.get(name).unwrap().as_str().unwrap();
        let found = pythons::allows(field("specifier"), field("version"));
        match case.get("allows") {
            Some(expected) => same(Ok(expected.as_bool().unwrap()), found),
            None => match found {
                Err(error) if error.message().contains(field("refused")) => Ok(()),
                found => Err(format!("{found:?}")),
            },
        }
    });
}
