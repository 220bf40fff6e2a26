//! Words of others, a line each: the criteria of a closure, versions, globs and paths, instants.
//!
//! Nothing panics; an instant that was read is written as it was.
#![no_main]

use libfuzzer_sys::fuzz_target;
use sig_core::model::globs::{self, Globs};
use sig_core::model::identifier::Identifier;
use sig_core::model::{closure, instant, pythons, told};

fuzz_target!(|text: &str| {
    let lines: Vec<&str> = text.split('\n').collect();
    let criteria: Vec<String> = lines.iter().map(|line| (*line).to_owned()).collect();
    if let Ok(Some(said)) = closure::terms(&criteria) {
        _ = pythons::allows(&said.python, "3.11.2").expect("a specifier that was read");
    }
    for pair in lines.windows(2) {
        let [one, other] = pair else { continue };
        _ = pythons::allows(one, other);
        if let Ok(listed) = Globs::new(&[one]) {
            // What is left out stays so where more is.
            if listed.names(other) {
                assert!(Globs::new(pair).map_or(true, |both| both.names(other)));
            }
            assert_eq!(Ok(vec![]), globs::beyond(&[one], &[one]));
        }
    }
    for line in lines {
        if let Ok(at) = instant::parse(line) {
            assert_eq!(line, instant::write(at));
        }
        if let Ok(id) = Identifier::new(line) {
            assert_eq!(line, id.as_str());
        }
        if let Ok(name) = closure::normalised(line) {
            assert_eq!(Ok(&name), closure::normalised(&name).as_ref());
        }
        assert!(!told::quoted(line).chars().any(char::is_control));
    }
});
