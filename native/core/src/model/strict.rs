//! JSON, read as strictly as what is signed asks for, and written in the one form that is signed.
//!
//! Here: text and values. Not here: what a value means (`wire`).
//!
//! W1  UTF-8 without a byte order mark, one value and nothing after it but white space.
//! W2  No two names of one object are equal, be it escaped or in other ASCII case; names are within
//!     U+0021–U+007E (`config` excepted).
//! W3  Numbers are `0` or `-?[1-9][0-9]*` within ±(2^53-1): no `-0`, no fraction, no NaN.
//! W4  No U+0000 and no lone surrogate.
//! W5  At most 32 objects and lists within each other, 16 in the data of a statement.
//!
//! What breaks one of these is refused whole.
//!
//! W1, and of W4 the surrogates, are what `serde_json` takes for JSON: it has no lenient mode, gives
//! `-0`, fractions and large numbers as floats, and hands over names in the order of the text, so
//! that the rest can be seen by a visitor. A parser of our own would be one more to be fuzzed.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;

use serde::de::{DeserializeSeed, Deserializer, Error, MapAccess, SeqAccess, Visitor};

use super::limits;
use super::told::first;
use crate::errors::FormatError;

/// What JavaScript can count to.
pub const LARGEST_INTEGER: i64 = 9_007_199_254_740_991;

/// The fields of an object, by the code points of their names.
pub type Object = BTreeMap<String, Value>;

/// A value of a document that was read by W1–W5.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Value {
    /// `null`
    Null,
    /// `true` or `false`; neither is a number.
    Bool(bool),
    /// A whole number (W3).
    Number(i64),
    /// A text (W4).
    Text(String),
    /// A list.
    List(Vec<Value>),
    /// An object (W2).
    Object(Object),
}

impl Value {
    /// The text that it is.
    pub fn text(&self) -> Option<&str> {
        if let Self::Text(text) = self { Some(text) } else { None }
    }

    /// The object that it is.
    pub fn object(&self) -> Option<&Object> {
        if let Self::Object(fields) = self { Some(fields) } else { None }
    }

    /// The elements of the list that it is.
    pub fn list(&self) -> Option<&[Value]> {
        if let Self::List(listed) = self { Some(listed) } else { None }
    }
}

/// Which names an object may have (W2).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Names {
    /// Of U+0021–U+007E, in every document but the next.
    Visible,
    /// Of any characters, in a configuration.
    Any,
}

/// The value of a document, by rules W1–W5.
pub fn read(raw: &[u8], names: Names) -> Result<Value, FormatError> {
    let text = std::str::from_utf8(raw).map_err(|_| FormatError::new("not UTF-8"))?;
    if text.starts_with('\u{feff}') {
        return Err(FormatError::new("starts with a byte order mark"));
    }
    let mut broken = None;
    let mut reader = serde_json::Deserializer::from_str(text);
    let seed = Place { names, room: limits::DEPTH, broken: &mut broken };
    let found = seed.deserialize(&mut reader).and_then(|value| reader.end().map(|()| value));
    found.map_err(|error| {
        broken.unwrap_or_else(|| match error.to_string() {
            // What is too large for a float: serde_json says so itself.
            why if why.starts_with("number") => FormatError::new(format!("the {why}")),
            why => FormatError::new(format!("not JSON: {why}")),
        })
    })
}

/// An object of ours in canonical form, with this `version` in it.
pub fn document(line: &[u8], version: i64) -> Result<Object, FormatError> {
    let Value::Object(said) = read(line, Names::Visible)? else {
        return Err(FormatError::new("not an object"));
    };
    if canonical(&said) != line {
        return Err(FormatError::new("not in canonical form"));
    }
    match said.get("version") {
        Some(Value::Number(found)) if *found == version => Ok(said),
        Some(Value::Number(other)) => {
            Err(FormatError::new(format!("the version {other} is not known")))
        }
        _ => Err(FormatError::new("the version is not known")),
    }
}

/// That an object has these fields and no other; `of` stands before a name.
pub fn check_names(said: &Object, wanted: &[&str], of: &str) -> Result<(), FormatError> {
    if let Some(name) = said.keys().find(|name| !wanted.contains(&name.as_str())) {
        return Err(FormatError::new(format!("unknown field {of}{}", first(name, 64))));
    }
    let missing = wanted.iter().filter(|name| !said.contains_key(**name)).min();
    missing.map_or(Ok(()), |name| Err(FormatError::new(format!("no {of}{name}"))))
}

/// W5: at most so many objects and lists within each other.
pub fn check_depth(value: &Value, room: usize) -> Result<(), FormatError> {
    let inner = |each: &Value, room: usize| check_depth(each, room);
    match value {
        Value::List(listed) => {
            let room = less(room)?;
            listed.iter().try_for_each(|each| inner(each, room))
        }
        Value::Object(fields) => {
            let room = less(room)?;
            fields.values().try_for_each(|each| inner(each, room))
        }
        _ => Ok(()),
    }
}

fn less(room: usize) -> Result<usize, FormatError> {
    room.checked_sub(1).ok_or_else(|| FormatError::new("nested too deeply"))
}

/// A name without the case of its ASCII letters: what is equal in this is one name (W2).
pub fn fold(name: &str) -> String {
    name.to_ascii_lowercase()
}

// --- reading -------------------------------------------------------------------------------------

/// Where a value stands: how many objects and lists may still be within each other there, and where
/// it is said which rule was broken.
struct Place<'a> {
    names: Names,
    room: usize,
    broken: &'a mut Option<FormatError>,
}

impl Place<'_> {
    fn refuse<E: Error>(&mut self, why: &str) -> E {
        *self.broken = Some(FormatError::new(why));
        E::custom(why)
    }

    /// The place of what is within this value.
    fn inner<E: Error>(&mut self) -> Result<Place<'_>, E> {
        match self.room.checked_sub(1) {
            None => Err(self.refuse("nested too deeply")), // W5
            Some(room) => Ok(Place { names: self.names, room, broken: self.broken }),
        }
    }

    fn reborrow(&mut self) -> Place<'_> {
        Place { names: self.names, room: self.room, broken: self.broken }
    }

    fn text<E: Error>(&mut self, text: &str) -> Result<(), E> {
        if text.contains('\0') { Err(self.refuse("a text has U+0000")) } else { Ok(()) } // W4
    }

    fn name<E: Error>(&mut self, name: &str) -> Result<(), E> {
        match self.names {
            Names::Any => self.text(name),
            // W2: a name that looks like another one must not pass for it.
            Names::Visible if name.bytes().all(|one| one.is_ascii_graphic()) => Ok(()),
            Names::Visible => Err(self.refuse("a name has characters outside U+0021–U+007E")),
        }
    }
}

impl<'de> DeserializeSeed<'de> for Place<'_> {
    type Value = Value;

    fn deserialize<D: Deserializer<'de>>(self, reader: D) -> Result<Value, D::Error> {
        reader.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for Place<'_> {
    type Value = Value;

    fn expecting(&self, to: &mut fmt::Formatter<'_>) -> fmt::Result {
        to.write_str("a value")
    }

    fn visit_unit<E: Error>(self) -> Result<Value, E> {
        Ok(Value::Null)
    }

    fn visit_bool<E: Error>(self, found: bool) -> Result<Value, E> {
        Ok(Value::Bool(found))
    }

    fn visit_i64<E: Error>(mut self, found: i64) -> Result<Value, E> {
        if found.unsigned_abs() > LARGEST_INTEGER.unsigned_abs() {
            return Err(self.refuse(&format!("the number {found} is out of range"))); // W3
        }
        Ok(Value::Number(found))
    }

    fn visit_u64<E: Error>(mut self, found: u64) -> Result<Value, E> {
        match i64::try_from(found) {
            Ok(found) => self.visit_i64(found),
            Err(_) => Err(self.refuse(&format!("the number {found} is out of range"))),
        }
    }

    /// A fraction, an exponent, a `-0`, or more digits than fit (W3).
    fn visit_f64<E: Error>(mut self, found: f64) -> Result<Value, E> {
        Err(self.refuse(&format!("the number {found:e} is not whole, or out of range")))
    }

    fn visit_str<E: Error>(mut self, found: &str) -> Result<Value, E> {
        self.text(found)?;
        Ok(Value::Text(found.to_owned()))
    }

    fn visit_seq<A: SeqAccess<'de>>(mut self, mut elements: A) -> Result<Value, A::Error> {
        let mut place = self.inner()?;
        let mut found = Vec::new();
        while let Some(one) = elements.next_element_seed(place.reborrow())? {
            found.push(one);
        }
        Ok(Value::List(found))
    }

    fn visit_map<A: MapAccess<'de>>(mut self, mut members: A) -> Result<Value, A::Error> {
        let mut place = self.inner()?;
        let mut found = Object::new();
        let mut folded = BTreeSet::new();
        while let Some(name) = members.next_key::<String>()? {
            place.name(&name)?;
            if !folded.insert(fold(&name)) {
                return Err(place.refuse("a name stands twice in one object")); // W2
            }
            let value = members.next_value_seed(place.reborrow())?;
            found.insert(name, value);
        }
        Ok(Value::Object(found))
    }
}

// --- writing -------------------------------------------------------------------------------------

/// The bytes that are signed: `json.dumps(data, sort_keys=True)` of Python 3.
pub fn canonical(data: &Object) -> Vec<u8> {
    let mut text = String::new();
    write_object(data, &mut text);
    text.into_bytes()
}

/// The canonical text of any value, ASCII only.
pub fn encode(value: &Value) -> String {
    let mut text = String::new();
    write(value, &mut text);
    text
}

fn write(value: &Value, to: &mut String) {
    match value {
        Value::Null => to.push_str("null"),
        Value::Bool(true) => to.push_str("true"),
        Value::Bool(false) => to.push_str("false"),
        Value::Number(number) => to.push_str(&number.to_string()),
        Value::Text(text) => write_text(text, to),
        Value::Object(fields) => write_object(fields, to),
        Value::List(listed) => {
            to.push('[');
            for (at, each) in listed.iter().enumerate() {
                if at > 0 {
                    to.push_str(", ");
                }
                write(each, to);
            }
            to.push(']');
        }
    }
}

fn write_object(fields: &Object, to: &mut String) {
    to.push('{');
    for (at, (name, value)) in fields.iter().enumerate() {
        if at > 0 {
            to.push_str(", ");
        }
        write_text(name, to);
        to.push_str(": ");
        write(value, to);
    }
    to.push('}');
}

fn write_text(text: &str, to: &mut String) {
    to.push('"');
    for one in text.chars() {
        match one {
            '"' => to.push_str("\\\""),
            '\\' => to.push_str("\\\\"),
            '\u{8}' => to.push_str("\\b"),
            '\u{c}' => to.push_str("\\f"),
            '\n' => to.push_str("\\n"),
            '\r' => to.push_str("\\r"),
            '\t' => to.push_str("\\t"),
            ' '..='~' => to.push(one),
            _ => {
                for unit in one.encode_utf16(&mut [0; 2]) {
                    to.push_str(&format!("\\u{unit:04x}"));
                }
            }
        }
    }
    to.push('"');
}
