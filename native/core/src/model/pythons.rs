//! Which Pythons a closure is for: the word `python:` of its signer (docs/spec/closure §4).
//!
//! C5  What is known of a Python's version to two numbers is known to be allowed only if all
//!     versions of these two are.

use super::told::{quoted, told};
use crate::errors::FormatError;

const CLAUSES: usize = 16;
/// More than any number of a version, which has six digits.
const HIGHEST: u32 = 1_000_000;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Operator {
    AtLeast,
    AtMost,
    Equal,
    Other,
    Above,
    Below,
}

struct Clause {
    operator: Operator,
    asked: Vec<u32>,
    any_below: bool,
}

/// Refuses what is no specifier.
pub fn check(specifier: &str) -> Result<(), FormatError> {
    clauses(specifier).map(|_| ())
}

/// Whether a Python of this version is one of those that are asked for; `""` asks for none.
///
/// A specifier is one to 16 of `>=X.Y`, `<=`, `>`, `<`, `==`, `!=` with a comma between them; the
/// last two also with `.*` behind. Numbers are compared, what is missing is 0; what says that a
/// version is not released yet (`3.14.0rc1`) does not count. Of a version of two numbers, see C5.
/// Refuses what is no specifier or no version.
pub fn allows(specifier: &str, version: &str) -> Result<bool, FormatError> {
    let Some(version) = python(version) else {
        let why = format!("{} is not a version of Python", quoted(&told(version)));
        return Err(FormatError::new(why));
    };
    if specifier.is_empty() {
        return Ok(true);
    }
    Ok(clauses(specifier)?.iter().all(|clause| clause.allows(&version)))
}

impl Clause {
    fn allows(&self, version: &[u32]) -> bool {
        let lowest = filled(version);
        if self.any_below {
            // Only with == and !=. What is not known of the version could be what is asked for.
            if version.len() < self.asked.len() && self.asked.starts_with(version) {
                return false; // C5
            }
            return lowest.starts_with(&self.asked) == (self.operator == Operator::Equal);
        }
        let wanted = filled(&self.asked);
        if version.len() > 2 {
            return self.compares(&lowest, &wanted);
        }
        // C5: for the first of them, the last, and whether one between them is it.
        let [first, second, ..] = lowest;
        let highest = [first, second, HIGHEST, 0];
        if self.operator == Operator::Other {
            return !(lowest..=highest).contains(&wanted);
        }
        self.compares(&lowest, &wanted) && self.compares(&highest, &wanted)
    }

    fn compares(&self, version: &[u32; 4], wanted: &[u32; 4]) -> bool {
        match self.operator {
            Operator::AtLeast => version >= wanted,
            Operator::AtMost => version <= wanted,
            Operator::Equal => version == wanted,
            Operator::Other => version != wanted,
            Operator::Above => version > wanted,
            Operator::Below => version < wanted,
        }
    }
}

/// Up to four numbers with zeros behind them.
fn filled(numbers: &[u32]) -> [u32; 4] {
    let mut found = [0; 4];
    for (place, number) in found.iter_mut().zip(numbers) {
        *place = *number;
    }
    found
}

/// The numbers of a version: `3.11.2`, also with `rc1` or the like and a `+` behind.
fn python(text: &str) -> Option<Vec<u32>> {
    let text = text.strip_suffix('+').unwrap_or(text);
    let end = text.find(|one: char| one.is_ascii_lowercase()).unwrap_or(text.len());
    let (numbers, before) = text.split_at_checked(end)?;
    let unreleased = ["rc", "a", "b"].iter().find_map(|kind| before.strip_prefix(kind));
    (before.is_empty() || unreleased.is_some_and(|number| self::number(number).is_some()))
        .then(|| release(numbers))
        .flatten()
}

/// Two to four numbers with points between them.
fn release(text: &str) -> Option<Vec<u32>> {
    let numbers: Option<Vec<u32>> = text.split('.').map(number).collect();
    numbers.filter(|numbers| (2..=4).contains(&numbers.len()))
}

/// At most six digits, of which only the last may be a zero at the start.
fn number(text: &str) -> Option<u32> {
    let plain = (1..=6).contains(&text.len()) && text.bytes().all(|one| one.is_ascii_digit());
    (plain && (text == "0" || !text.starts_with('0'))).then(|| text.parse().ok()).flatten()
}

fn clauses(specifier: &str) -> Result<Vec<Clause>, FormatError> {
    let found: Option<Vec<Clause>> = specifier.split(',').take(CLAUSES + 1).map(clause).collect();
    found.filter(|clauses| clauses.len() <= CLAUSES).ok_or_else(|| {
        FormatError::new(format!("python:{}: not like >=3.11,<3.14", told(specifier)))
    })
}

fn clause(text: &str) -> Option<Clause> {
    // Two signs before one of them: `>=` is no `>`.
    let (operator, rest) = [
        (">=", Operator::AtLeast),
        ("<=", Operator::AtMost),
        ("==", Operator::Equal),
        ("!=", Operator::Other),
        (">", Operator::Above),
        ("<", Operator::Below),
    ]
    .into_iter()
    .find_map(|(sign, operator)| Some((operator, text.strip_prefix(sign)?)))?;
    let any_below = matches!(operator, Operator::Equal | Operator::Other);
    let (numbers, any_below) = match rest.strip_suffix(".*") {
        Some(numbers) if any_below => (numbers, true),
        _ => (rest, false),
    };
    Some(Clause { operator, asked: release(numbers)?, any_below })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_version_has_two_to_four_numbers() {
        for text in ["3.11", "3.11.2", "3.11.2.0", "3.14.0rc1", "3.14.0a0", "3.14.0b12", "3.11.2+"]
        {
            assert_eq!(Ok(true), allows("", text), "{text}");
        }
        for text in [
            "",
            "3",
            "3.",
            "3.11.",
            ".3",
            "3.011",
            "3.11.2.0.0",
            "3.11rc",
            "3.11c1",
            "3.11rc01",
            "3.11rc1.2",
            "3.1234567",
            "3.11++",
            "+",
            "v3.11",
            "3.11 ",
            "3.１",
        ] {
            assert!(allows("", text).is_err(), "{text}");
        }
    }
}
