//! vectors/view: small whole folders, and what their views answer.
#![allow(clippy::panic, clippy::unwrap_used, reason = "a test")]

mod vector;

use std::collections::{BTreeMap, BTreeSet};

use serde_json::{Value as Json, json};
use sig_core::claims::Claims;
use sig_core::model::identifier::Identifier;
use sig_core::model::instant;
use sig_core::model::verdict::{Judged, Verdict};
use sig_core::repo::view::{Fault, Head};
use sig_core::viewing::{Files, Site, Trouble, View, head, nothing};
use vector::{Vector, same};

/// A folder in memory.
struct Folder<'a>(BTreeMap<&'a str, &'a [u8]>);

impl<'a> Folder<'a> {
    fn of(one: &'a Vector) -> Self {
        Self(one.names().into_iter().map(|name| (name, one.one(name))).collect())
    }
}

impl Files for Folder<'_> {
    fn read(&self, name: &str, limit: usize) -> Result<Option<Vec<u8>>, Trouble> {
        let found = self.0.get(name).map(|raw| raw.to_vec());
        assert!(found.as_ref().is_none_or(|raw| raw.len() <= limit));
        Ok(found)
    }

    fn part(&self, name: &str, offset: u64, length: usize) -> Result<Option<Vec<u8>>, Trouble> {
        let offset = usize::try_from(offset).unwrap();
        let part = |raw: &&[u8]| raw.iter().skip(offset).take(length).copied().collect();
        Ok(self.0.get(name).map(part))
    }

    fn place(&self, name: &str) -> String {
        format!("/folder/{name}")
    }
}

fn asked_of(one: &Vector) -> (Folder<'_>, Site, i64) {
    let raw = one.head.get("site").map(|text| text.as_bytes().to_vec());
    let site = Site { raw, place: "/site".to_owned() };
    (Folder::of(one), site, instant::parse(one.head("now")).unwrap())
}

/// At what to look, sorted.
fn look(one: &Vector, asked: &Json) -> Result<Vec<String>, Trouble> {
    let (folder, site, now) = asked_of(one);
    let raw = head(&folder)?.unwrap();
    let view = View::open(&raw, &folder, &site, now)?;
    let found: BTreeSet<Identifier> = if let Some(text) = asked.get("like") {
        view.lists_like(text.as_str().unwrap())?.into_iter().collect()
    } else {
        let ids = vector::texts(asked.get("against").unwrap());
        view.against(&ids.iter().map(|id| Identifier::new(id).unwrap()).collect())?
    };
    Ok(found.iter().map(|id| id.as_str().to_owned()).collect())
}

fn answer(one: &Vector, asked: &Json) -> Result<(Verdict, Vec<String>), Trouble> {
    let (folder, site, now) = asked_of(one);
    let id = [Identifier::new(asked.get("id").unwrap().as_str().unwrap()).unwrap()];
    let Some(raw) = head(&folder)? else {
        return Ok((nothing(&id, &site, now)?.remove(0), Vec::new()));
    };
    let view = View::open(&raw, &folder, &site, now)?;
    let mut found = view.verdicts(&id)?;
    Ok((found.remove(0), view.notes()))
}

fn shown(line: &Judged) -> Json {
    json!({
        "key": line.key,
        "state": line.state.word(),
        "counted": line.counted,
        "newest": line.newest,
    })
}

/// In any order.
fn sorted(lines: impl Iterator<Item = Json>) -> Vec<String> {
    let mut found: Vec<String> = lines.map(|line| line.to_string()).collect();
    found.sort();
    found
}

#[test]
fn a_view_answers_as_its_vector_says() {
    vector::each("view", 50, |one| {
        for line in &one.lines {
            let asked: Json = serde_json::from_str(line).unwrap();
            let text = |name: &str| asked.get(name).and_then(Json::as_str).unwrap_or_default();
            if asked.get("id").is_none() {
                match look(one, &asked) {
                    Err(_) => same("error", text("verdict"))?,
                    Ok(found) => same(vector::texts(asked.get("found").unwrap()), found)?,
                }
                continue;
            }
            let (found, notes) = match answer(one, &asked) {
                Err(trouble) => {
                    same("error", text("verdict"))?;
                    same(true, trouble.hint.is_some() || trouble.message.contains("/site"))?;
                    continue;
                }
                Ok(found) => found,
            };
            same((text("verdict"), text("reason")), (found.answer.word(), found.reason.word()))?;
            let expected = asked.get("statements").unwrap().as_array().unwrap().iter().cloned();
            same(sorted(expected), sorted(found.statements.iter().map(shown)))?;
            let told = asked.get("notes").map(vector::texts).unwrap_or_default();
            same(told, notes)?;
        }
        Ok(())
    });
}

#[test]
fn a_head_with_any_bit_changed_or_cut_is_refused() {
    let one = vector::read(&vector::path("view/tail-over-base.txt"));
    let raw = one.one("view");
    assert!(Head::read(raw).is_ok());
    for at in 0..raw.len() {
        assert!(Head::read(&raw[..at]).is_err(), "{at}");
        for bit in [1, 32, 128] {
            let mut changed = raw.to_vec();
            changed[at] ^= bit;
            assert!(Head::read(&changed).is_err(), "{at}");
        }
    }
}

#[test]
fn a_damaged_base_gives_the_answer_or_none() {
    let one = vector::read(&vector::path("view/base-deep.txt"));
    let asked: Json = serde_json::from_str(&one.lines[3]).unwrap();
    let (expected, _) = answer(&one, &asked).unwrap();
    let base = one.names().into_iter().find(|name| name.starts_with("view.")).unwrap();
    let raw = one.one(base);
    let mut refused = 0;
    for at in (0..raw.len()).step_by(7) {
        let mut changed = raw.to_vec();
        changed[at] ^= 1;
        let mut folder = Folder::of(&one);
        folder.0.insert(base, if at % 2 == 0 { &changed } else { &raw[..at] });
        let site = Site { raw: None, place: String::new() };
        let now = instant::parse(one.head("now")).unwrap();
        let head = head(&folder).unwrap().unwrap();
        let view = View::open(&head, &folder, &site, now).unwrap();
        let id = Identifier::new(asked.get("id").unwrap().as_str().unwrap()).unwrap();
        match view.verdicts(&[id]) {
            Ok(found) => assert_eq!(vec![expected.clone()], found),
            Err(_) => refused += 1,
        }
    }
    assert!(refused > 50, "{refused}");
}

#[test]
fn a_view_of_another_version_is_told_from_damage() {
    assert_eq!(Some(Fault::Newer), Head::read(b"sig view 3\nanything").err());
    assert!(matches!(Head::read(b"anything"), Err(Fault::Format(_))));
}
