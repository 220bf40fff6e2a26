//! Who answers for a program: the closure that lists all it may load.
//!
//! K1  A closure counts for one program: an ok about it says `app:NAME` of the one that is run, a
//!     release not lower than the highest known for that name, and a Python that this one is.
//!     Releases are known from statements that count by all else.
//! K2  Who signed the list answers for all roots in it, and for nothing elsewhere. Without that
//!     nothing is run: each root alone may be ok and still be another program, or an older one.
//!
//! Which statements there are is looked up by who asks.

use std::cmp::Reverse;
use std::collections::BTreeMap;

use super::decide::{Measure, Question, decide};
use super::weighed::Weighed;
use crate::model::attestation::Attestation;
use crate::model::closure;
use crate::model::identifier::Identifier;
use crate::model::pythons;
use crate::model::verdict::{Judged, Verdict};

/// What is to be run.
#[derive(Clone, Copy, Debug)]
pub struct Run<'a> {
    /// The name of the program.
    pub app: &'a str,
    /// The number of the highest release that is known (`releases`), 0 for none.
    pub highest: u64,
    /// The version of the interpreter.
    pub python: &'a str,
    /// Tag and identifier of a pack: then only the oks count that name it, what they vouch for
    /// together.
    pub pack: Option<(&'a str, &'a Identifier)>,
}

/// What is believed of a closure for a run (K1, K2), by all statements about it.
pub fn closure_verdict(
    by: Measure<'_>,
    id: &Identifier,
    weighed: &[Weighed],
    run: &Run<'_>,
) -> Verdict {
    let purpose = format!("app:{}", run.app);
    let unfit = |one: &Attestation| unfit(one, run);
    decide(&Question { id, by, purpose: &purpose, unfit: Some(&unfit) }, weighed)
}

/// Why an ok about the list does not count for this run, if there is a reason (K1).
fn unfit(one: &Attestation, run: &Run<'_>) -> Option<String> {
    let said = match closure::terms(&one.statement().criteria) {
        Err(error) => return Some(error.message().to_owned()),
        Ok(None) => return Some("it does not say which program the list is of".to_owned()),
        Ok(Some(said)) => said,
    };
    if said.app != run.app {
        return Some(format!("it is about the program {}", said.app));
    }
    if said.release < run.highest {
        let (release, highest) = (said.release, run.highest);
        return Some(format!("it is release {release}, and release {highest} is known"));
    }
    match pythons::allows(&said.python, run.python) {
        Err(error) => return Some(error.message().to_owned()),
        Ok(true) => {}
        Ok(false) => {
            return Some(format!("it is for Python {}, and this is {}", said.python, run.python));
        }
    }
    let (tag, pack) = run.pack?;
    let names = said.packs.iter().any(|(other, id)| other == tag && id == pack);
    (!names).then(|| format!("it does not name the pack {pack}"))
}

/// A release of a program in a statement that counts.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Release {
    /// Its number.
    pub number: u64,
    /// Its list.
    pub closure: Identifier,
    /// Who says so.
    pub judged: Judged,
}

/// The releases of a program, the highest first (K1). `closures` are those of which a key that counts
/// says that they are lists of this program, by their identifiers, with all statements about each.
pub fn releases(
    by: Measure<'_>,
    app: &str,
    closures: &[(Identifier, Vec<Weighed>)],
) -> Vec<Release> {
    let purpose = format!("app:{app}");
    let mut found = Vec::new();
    for (id, weighed) in closures {
        let asked = Question { id, by, purpose: &purpose, unfit: None };
        let verdict = decide(&asked, weighed);
        let mut same: BTreeMap<(&str, i64), BTreeMap<_, &Attestation>> = BTreeMap::new();
        for ok in weighed.iter().filter_map(Weighed::attestation).filter(|it| it.statement().ok) {
            let moment = (ok.key().as_str(), ok.signed_at);
            same.entry(moment).or_default().insert(ok.same(), ok);
        }
        for line in verdict.statements.iter().filter(|line| is_counted_ok(line)) {
            let moment = (line.key.as_str(), line.signed_at.unwrap_or_default());
            let oks = same.remove(&moment).unwrap_or_default();
            for ok in oks.values() {
                let said = closure::terms(&ok.statement().criteria).ok().flatten();
                let Some(said) = said.filter(|said| said.app == app) else { continue };
                // What else this key said in that second must not stand for it.
                let is_twin = |other: &Attestation| {
                    let twin = oks.contains_key(&other.same()) && other.same() != ok.same();
                    twin.then(|| "it is another one".to_owned())
                };
                let counts = oks.len() == 1 || {
                    let alone = decide(&Question { unfit: Some(&is_twin), ..asked }, weighed);
                    alone.statements.iter().any(|one| {
                        is_counted_ok(one) && one.key == line.key && one.signed_at == line.signed_at
                    })
                };
                if counts {
                    let (number, closure) = (said.release, id.clone());
                    found.push(Release { number, closure, judged: line.clone() });
                }
            }
        }
    }
    found.sort_by_key(|one| Reverse(one.number));
    found
}

fn is_counted_ok(line: &Judged) -> bool {
    line.counted && line.ok == Some(true)
}
