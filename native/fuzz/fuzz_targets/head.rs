//! The head of a view, before its digest is put behind it.
//!
//! Nothing panics; without a digest that fits nothing is read; each text that the tail files
//! something under is found there, with as many rows as there are lines, or the row is refused.
#![no_main]

use std::collections::BTreeMap;

use libfuzzer_sys::fuzz_target;
use sig_core::model::identifier::digest;
use sig_core::repo::view::{self, Head};

fuzz_target!(|text: &str| {
    assert!(Head::read(text.as_bytes()).is_err());
    let sealed = format!("{text}sha256 {}\n", digest(text.as_bytes()));
    let Ok(found) = Head::read(sealed.as_bytes()) else { return };
    assert!(text.is_ascii() && text.ends_with('\n'));
    for key in found.counts.keys() {
        assert!(found.certificate(key).is_some());
        assert_ne!(Some(key), found.own.as_ref().map(|(own, _)| own));
    }
    if let Some(base) = &found.base {
        assert!(base.name.starts_with("view.") && !base.name.contains('/'));
    }
    let mut lines: BTreeMap<&str, usize> = BTreeMap::new();
    for line in text.lines() {
        if let Some(row) = line.strip_prefix("row ") {
            *lines.entry(row.split('\t').next().expect("a field")).or_default() += 1;
        } else if let Some(filed) = line.strip_prefix("gone ") {
            assert_eq!(None, lines.insert(filed, 0));
        }
    }
    for (filed, number) in lines {
        if let Ok(rows) = found.in_tail(filed).expect("it stands in the tail") {
            assert_eq!(number, rows.len());
            assert!(rows.iter().all(|row| row.filed == filed));
            if let Ok(ids) = view::pointed(&rows) {
                assert!(ids.len() <= number && ids.iter().all(|id| id.names_bytes()));
            }
        }
        assert_eq!(None, found.in_tail(&format!("{filed}!!")).filter(|_| !text.contains("!!")));
    }
});
