//! A block of the base of a view, and what is looked for in it: its first line.
//!
//! Nothing panics; what is found is filed under just that; of blocks that are in order the one is
//! taken that begins last before it, or with it.
#![no_main]

use libfuzzer_sys::fuzz_target;
use sig_core::model::identifier::digest;
use sig_core::repo::view::{self, Base, Block};

fuzz_target!(|text: &str| {
    let Some((filed, text)) = text.split_once('\n') else { return };
    if filed.contains('\t') {
        return; // nothing is filed under such a text, and nobody asks for it
    }
    let root = Block { offset: 0, length: text.len(), digest: digest(text.as_bytes()) };
    let base = Base { name: "view.0123456789abcdef".to_owned(), depth: 0, root };
    assert_eq!(Ok(text), view::lines(&base, &base.root, text.as_bytes()));
    let cut = text.as_bytes().split_last().map(|(_, cut)| cut);
    assert!(cut.is_none_or(|cut| view::lines(&base, &base.root, cut).is_err()));

    let lines: Vec<&str> = text.split_terminator('\n').collect();
    let begins = |line: &&&str| line.split_once('\t').is_some_and(|(first, _)| first == filed);
    if let Ok(rows) = view::rows(text, filed) {
        assert_eq!(lines.iter().filter(begins).count(), rows.len());
        assert!(rows.iter().all(|row| row.filed == filed));
        _ = view::pointed(&rows);
    }
    let Ok(found) = view::below(text, filed) else { return };
    let first = |line: &&str| line.split('\t').next().expect("a field").to_owned();
    if lines.is_sorted_by_key(first) {
        let last = lines.iter().rfind(|line| first(line).as_str() <= filed);
        let shown = |one: Block| format!("\t{}\t{}\t{}", one.offset, one.length, one.digest);
        assert_eq!(
            last.map(|line| line.get(first(line).len()..).expect("the rest")),
            found.map(shown).as_deref()
        );
    }
});
