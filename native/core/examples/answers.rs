//! What `sig_core::model` and `sig_core::trust` answer, for tests/native to compare with `sig`.
//!
//! Each line of standard input is a request, each line of standard output its answer, both JSON. What
//! stands in `raw` is base64. `{"refused": WORDS}` is the answer to what cannot be read.
#![allow(clippy::expect_used, clippy::panic, clippy::unwrap_used, reason = "a test")]
#![allow(dead_code, reason = "tests share what is understood")]

use std::collections::{BTreeMap, BTreeSet};
use std::io::{self, BufRead, Write};

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Value as Json, json};
use sig_core::errors::FormatError;
use sig_core::fingerprint::Fingerprint;
use sig_core::model::attestation::{Attestation, Malformed, UnverifiedAttestation};
use sig_core::model::covered::{Covered, Root};
use sig_core::model::elf;
use sig_core::model::globs::{self, Globs};
use sig_core::model::identifier::Identifier;
use sig_core::model::pack::Pack;
use sig_core::model::standing::Standing;
use sig_core::model::strict::{self, Names};
use sig_core::model::verdict::{Judged, State, Verdict};
use sig_core::model::{closure, instant, manifest, pythons, wheel, wire};
use sig_core::repo::view::{self, Head};
use sig_core::repo::{journal, memory};
use sig_core::trust::covering::{self, Run};
use sig_core::trust::decide::{Measure, Question, decide};
use sig_core::trust::policy::{self, Policy};
use sig_core::trust::weighed::{Found, Weighed};

#[path = "../tests/understood/mod.rs"]
mod understood;

fn main() -> io::Result<()> {
    let mut out = io::stdout().lock();
    for line in io::stdin().lock().lines() {
        let asked: Json = serde_json::from_str(&line?).expect("a request");
        let said =
            answer(&Asked(&asked)).unwrap_or_else(|error| json!({"refused": error.message()}));
        writeln!(out, "{said}")?;
        out.flush()?;
    }
    Ok(())
}

/// A request, or a part of one.
struct Asked<'a>(&'a Json);

impl Asked<'_> {
    fn field(&self, name: &str) -> &Json {
        self.0.get(name).unwrap_or_else(|| panic!("no {name}"))
    }

    fn text(&self, name: &str) -> &str {
        self.field(name).as_str().expect("a text")
    }

    fn is(&self, name: &str) -> bool {
        self.field(name).as_bool().expect("a choice")
    }

    fn number(&self, name: &str) -> Option<i64> {
        self.field(name).as_i64()
    }

    fn raw(&self, name: &str) -> Vec<u8> {
        STANDARD.decode(self.text(name)).expect("base64")
    }

    fn texts(&self, name: &str) -> Vec<String> {
        let listed = self.field(name).as_array().expect("a list");
        listed.iter().map(|each| each.as_str().expect("a text").to_owned()).collect()
    }

    fn each(&self, name: &str) -> impl Iterator<Item = Asked<'_>> {
        self.field(name).as_array().expect("a list").iter().map(Asked)
    }
}

fn answer(asked: &Asked<'_>) -> Result<Json, FormatError> {
    let borrowed = |texts: &'static str| asked.texts(texts);
    match asked.text("ask") {
        "document" => told(understood::document(&asked.raw("raw"))?),
        "statement" => told(understood::statement(&asked.raw("raw"))?),
        "configuration" => told(understood::configuration(&asked.raw("raw"))?),
        "filed" => filed(asked),
        "instant" => Ok(json!(instant::parse(asked.text("text"))?)),
        "written" => Ok(json!(instant::write(asked.number("at").expect("an instant")))),
        "manifest" => listed(&manifest::read(&asked.raw("raw"))?),
        "canonical" => listed(&manifest::read_canonical(&asked.raw("raw"))?),
        "closure" => Ok(json!({"text": closure::read(&asked.raw("raw"))?.text()})),
        "name" => Ok(json!(closure::normalised(asked.text("name"))?)),
        "terms" => terms(&asked.texts("criteria")),
        "allows" => Ok(json!(pythons::allows(asked.text("specifier"), asked.text("version"))?)),
        "excluded" => {
            let listed = borrowed("globs");
            let listed: Vec<&str> = listed.iter().map(String::as_str).collect();
            Ok(json!(Globs::new(&listed)?.names(asked.text("path"))))
        }
        "beyond" => {
            let (asked, signed) = (borrowed("asked"), borrowed("signed"));
            let signed: Vec<&str> = signed.iter().map(String::as_str).collect();
            let asked: Vec<&str> = asked.iter().map(String::as_str).collect();
            Ok(json!(globs::beyond(&asked, &signed)?))
        }
        "significant" => {
            Ok(json!(wheel::significant(&manifest::read_canonical(&asked.raw("raw"))?)))
        }
        "metadata" => {
            let found = wheel::metadata(&asked.raw("raw"));
            Ok(json!(String::from_utf8(found).expect("ASCII")))
        }
        "covered" => covered(asked),
        "pack" => pack(&asked.raw("raw")),
        "elf" => elf(asked.raw("raw")),
        "baked" => baked(&asked.raw("raw")),
        "policy" => Ok(policy_json(&policy_of(asked.text("policy"))?)),
        "tightened" => Ok(policy_json(&policy::tightened(
            &policy_of(asked.text("site"))?,
            &policy_of(asked.text("user"))?,
        ))),
        "head" => head(&asked.raw("raw"), &asked.texts("filed")),
        "journal" => Ok(unfinished(&asked.raw("raw"))),
        "newest" => {
            let config = asked.raw("config");
            let found = if config.is_empty() { None } else { Some(wire::configuration(&config)?) };
            let why = memory::check_newest(&asked.raw("raw"), found.as_ref()).err();
            Ok(json!(why.map(|why| (why.message, why.key.map(|key| key.to_string())))))
        }
        "decide" => decided(asked),
        "run" => run(asked),
        other => panic!("no such request: {other}"),
    }
}

fn told((canonical, understood): understood::Understood) -> Result<Json, FormatError> {
    let canonical = String::from_utf8(canonical).expect("ASCII");
    Ok(json!({"canonical": canonical, "understood": understood}))
}

fn head(raw: &[u8], filed: &[String]) -> Result<Json, FormatError> {
    let found = match Head::read(raw) {
        Ok(found) => found,
        Err(view::Fault::Newer) => return Ok(json!("newer")),
        Err(view::Fault::Format(error)) => return Err(error),
    };
    let remotes: Vec<Json> = found
        .remotes
        .iter()
        .map(|(name, one)| json!([name, one.key.as_ref().map(text), one.sequence, one.expires]))
        .collect();
    let counts: Vec<Json> =
        found.counts.iter().map(|(key, digest)| json!([text(key), digest])).collect();
    let base = found.base.as_ref().map(|base| {
        json!([base.name, base.depth, base.root.offset, base.root.length, base.root.digest])
    });
    let mut tail = Vec::new();
    for each in filed {
        let rows = found.in_tail(each).transpose()?;
        tail.push(rows.map(|rows| rows.iter().map(|row| row.text.clone()).collect::<Vec<_>>()));
    }
    Ok(json!({
        "commit": found.commit,
        "config": found.config,
        "counts": counts,
        "own": found.own.as_ref().map(|(key, digest)| json!([text(key), digest])),
        "remotes": remotes,
        "sources": found.sources.iter().collect::<Vec<_>>(),
        "base": base,
        "tail": tail,
    }))
}

fn text(key: &Fingerprint) -> &str {
    key.as_str()
}

fn unfinished(raw: &[u8]) -> Json {
    match journal::read(raw) {
        Ok(found) => json!([found.commit, found.changes]),
        Err(fault) => json!(format!("{fault:?}")),
    }
}

fn filed(asked: &Asked<'_>) -> Result<Json, FormatError> {
    let value = strict::read(&asked.raw("raw"), Names::Visible)?;
    Ok(match wire::filed_attestation(asked.text("filed"), &value) {
        Ok(found) => understood::said(&found),
        Err(found) => json!({"id": found.id, "key": found.key, "why": found.why}),
    })
}

fn listed(found: &manifest::Manifest) -> Result<Json, FormatError> {
    let all: Vec<(&str, &str)> = found.files().collect();
    for (path, digest) in &all {
        assert_eq!(Some(*digest), found.digest(path));
    }
    Ok(json!({"text": found.text(), "id": found.id().as_str(), "files": all}))
}

fn terms(criteria: &[String]) -> Result<Json, FormatError> {
    Ok(closure::terms(criteria)?.map_or(Json::Null, |said| {
        let packs: Vec<(&str, &str)> =
            said.packs.iter().map(|(tag, id)| (tag.as_str(), id.as_str())).collect();
        json!([said.app, said.release, said.python, packs])
    }))
}

fn covered(asked: &Asked<'_>) -> Result<Json, FormatError> {
    let mut roots = Vec::new();
    for root in asked.each("roots") {
        roots.push(Root {
            name: root.text("name").to_owned(),
            base: root.text("base").into(),
            prefix: root.text("prefix").into(),
            manifest: manifest::read_canonical(&root.raw("raw"))?,
        });
    }
    let found = Covered::new(&roots)?;
    let files = found.files().map(|(path, digest, _)| (String::from_utf8_lossy(path), digest));
    Ok(json!(files.collect::<Vec<_>>()))
}

fn pack(raw: &[u8]) -> Result<Json, FormatError> {
    let found = Pack::read(raw)?;
    let codes: Vec<(&str, String)> =
        found.codes().iter().map(|(name, code)| (*name, STANDARD.encode(code))).collect();
    Ok(
        json!({"python": found.python(), "tag": found.tag(), "id": found.id().as_str(), "codes": codes}),
    )
}

fn baked(raw: &[u8]) -> Result<Json, FormatError> {
    let found = sig_core::model::baked::read(raw)?;
    let certificates = found.certificates.iter();
    let certificates: BTreeMap<&str, String> =
        certificates.map(|(key, raw)| (key.as_str(), STANDARD.encode(raw))).collect();
    let statements: Vec<&str> = found.statements.iter().map(|one| one.text.as_str()).collect();
    let lists: Vec<&String> = found.lists.keys().collect();
    Ok(
        json!({"app": found.app, "certificates": certificates, "statements": statements, "lists": lists}),
    )
}

// --- decisions -----------------------------------------------------------------------------------

fn policy_of(text: &str) -> Result<Policy, FormatError> {
    let value = strict::read(text.as_bytes(), Names::Visible)?;
    policy::read(value.object().expect("an object"))
}

fn policy_json(found: &Policy) -> Json {
    json!([found.ok, found.not_ok, found.criteria, found.late, found.stale])
}

fn decided(asked: &Asked<'_>) -> Result<Json, FormatError> {
    let weighed: Vec<Weighed> =
        asked.each("weighed").map(|one| weighed(&one)).collect::<Result<_, _>>()?;
    let unfit = asked.texts("unfit");
    let is_unfit = |found: &Attestation| {
        let comment = &found.statement().comment;
        unfit.contains(comment).then(|| format!("not {comment}"))
    };
    let question = Question {
        id: &Identifier::new(asked.text("id"))?,
        by: Measure {
            trusted: &trusted(asked),
            policy: &policy_of(asked.text("policy"))?,
            now: asked.number("now").expect("an instant"),
        },
        purpose: asked.text("purpose"),
        unfit: Some(&is_unfit),
    };
    Ok(verdict(&decide(&question, &weighed)))
}

fn trusted(asked: &Asked<'_>) -> BTreeSet<Fingerprint> {
    asked.texts("trusted").iter().map(|key| Fingerprint::new(key).expect("a key")).collect()
}

/// What is believed of a list for a run, and which releases are known.
fn run(asked: &Asked<'_>) -> Result<Json, FormatError> {
    let by = Measure {
        trusted: &trusted(asked),
        policy: &policy_of(asked.text("policy"))?,
        now: asked.number("now").expect("an instant"),
    };
    let mut closures = Vec::new();
    for one in asked.each("closures") {
        let weighed: Vec<Weighed> =
            one.each("weighed").map(|one| weighed(&one)).collect::<Result<_, _>>()?;
        closures.push((Identifier::new(one.text("id"))?, weighed));
    }
    let known = covering::releases(by, asked.text("app"), &closures);
    let pack = match asked.texts("pack").as_slice() {
        [tag, id] => Some((tag.clone(), Identifier::new(id)?)),
        _ => None,
    };
    let run = Run {
        app: asked.text("app"),
        highest: known.first().map_or(0, |one| one.number),
        python: asked.text("python"),
        pack: pack.as_ref().map(|(tag, id)| (tag.as_str(), id)),
    };
    let verdicts: Vec<Json> = closures
        .iter()
        .map(|(id, weighed)| verdict(&covering::closure_verdict(by, id, weighed, &run)))
        .collect();
    let known: Vec<Json> = known
        .iter()
        .map(|one| json!([one.number, one.closure.as_str(), line(&one.judged)]))
        .collect();
    Ok(json!({"known": known, "verdicts": verdicts}))
}

fn weighed(asked: &Asked<'_>) -> Result<Weighed, FormatError> {
    let found = match asked.text("found") {
        "malformed" => Found::Malformed(Malformed {
            id: asked.text("id").to_owned(),
            key: None,
            why: asked.text("why").to_owned(),
        }),
        kind => {
            let value = strict::read(&asked.raw("signed"), Names::Visible)?;
            let said = UnverifiedAttestation {
                statement: wire::statement(value.object().expect("an object"))?,
                key: Fingerprint::new(asked.text("key")).expect("a key"),
                signed: asked.raw("signed"),
                sig: asked.raw("sig"),
                tst: None,
            };
            match kind {
                "refused" => Found::Refused(said),
                _ => Found::Proved(Attestation {
                    said,
                    signed_at: asked.number("signed_at").expect("an instant"),
                    signature_expires: asked.number("signature_expires"),
                    standing: standing(asked.text("standing")),
                    why: asked.text("standing_why").to_owned(),
                    key_end: asked.number("key_end"),
                }),
            }
        }
    };
    Ok(Weighed {
        id: asked.text("id").to_owned(),
        key: asked.text("key").to_owned(),
        uid: asked.text("uid").to_owned(),
        found,
        refused: asked.field("refused").as_str().map(state),
        why: asked.text("why").to_owned(),
        sources: asked.texts("sources"),
        first_met: asked.number("first_met"),
        stale: asked.is("stale"),
        kept: asked.is("kept"),
    })
}

fn standing(word: &str) -> Standing {
    let all = [Standing::Sound, Standing::RevokedHard, Standing::RevokedSoft, Standing::Expired];
    all.into_iter().find(|each| each.word() == word).expect("a standing")
}

fn state(word: &str) -> State {
    let all = [State::UnknownKey, State::Invalid, State::Weak];
    all.into_iter().find(|each| each.word() == word).expect("a state")
}

fn verdict(found: &Verdict) -> Json {
    let statements: Vec<Json> = found.statements.iter().map(line).collect();
    let answer = [found.answer.word(), found.reason.word(), &found.message];
    json!({"id": found.id.as_str(), "answer": answer, "statements": statements})
}

fn line(line: &Judged) -> Json {
    json!([
        line.key,
        line.uid,
        line.state.word(),
        line.counted,
        line.newest,
        line.ok,
        line.reviewed,
        line.comment,
        line.signed_at,
        line.sources,
        line.why,
        line.manifest.as_ref().map(Identifier::as_str),
    ])
}

fn elf(mut raw: Vec<u8>) -> Result<Json, FormatError> {
    let said = elf::read(&raw)?;
    let shown = |raw: &[u8]| STANDARD.encode(raw);
    let fit = match elf::without_search(&mut raw, &said) {
        Ok(()) => json!(shown(&raw)),
        Err(error) => json!({"refused": error.message()}),
    };
    Ok(json!({
        "machine": said.machine,
        "interpreter": shown(&said.interpreter),
        "needed": said.needed.iter().map(|name| shown(name)).collect::<Vec<_>>(),
        "soname": shown(&said.soname),
        "paths": said.paths().map(shown).collect::<Vec<_>>(),
        "end": said.end,
        "fit": fit,
    }))
}
