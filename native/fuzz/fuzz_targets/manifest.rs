//! Lists of files, and what is in them: roots of a closure, files of a wheel, globs.
//!
//! Nothing panics; what was read has one text, in which each of its paths is found, and leads below
//! the folder.
#![no_main]

use libfuzzer_sys::fuzz_target;
use sig_core::model::covered::{Covered, Root};
use sig_core::model::globs::Globs;
use sig_core::model::{closure, manifest, wheel};

fuzz_target!(|data: &[u8]| {
    let strict = manifest::read_canonical(data);
    let Ok(found) = manifest::read(data) else {
        assert!(strict.is_err());
        return;
    };
    assert_eq!(Ok(&found), manifest::read_canonical(found.text().as_bytes()).as_ref());
    assert_eq!(strict.is_ok(), found.text().as_bytes() == data);
    for (path, digest) in found.files() {
        assert_eq!(Some(digest), found.digest(path));
        assert!(!path.split('/').any(|part| matches!(part, "" | "." | "..")), "{path:?}");
        assert!(!path.contains(['\n', '\r', '\0', '\\']), "{path:?}");
        if let Ok(globs) = Globs::new(&[path]) {
            assert!(path.contains(['*', '?']) || globs.names(path), "{path:?}");
        }
    }
    if let Ok(roots) = closure::read(data) {
        assert_eq!(data, roots.text().as_bytes());
        for (root, _) in roots.roots() {
            closure::parts(root).expect("a root");
        }
    }
    assert!(wheel::same_distribution(&found, &found));
    let root = |name: &str, base: &str| Root {
        name: name.to_owned(),
        base: base.into(),
        prefix: b"/e".to_vec(),
        manifest: found.clone(),
    };
    let roots = [root("dist/x-1", "/e/lib"), root("app", "/app")];
    if let Ok(covered) = Covered::new(&roots) {
        for (path, digest, _) in covered.files() {
            assert_eq!(Some(digest), covered.file(path).map(|found| found.0));
            assert!(path.starts_with(b"/e/") || path.starts_with(b"/app/"));
        }
    }
});
