//! Lines for people. Text from others is never written as it came: what could move the cursor, colour
//! the terminal, reorder or hide text, and what the terminal cannot encode is shown as `\uXXXX`.

use std::ffi::OsStr;
use std::fmt::Write;
use std::io;
use std::os::unix::ffi::OsStrExt;

use icu_properties::CodePointMapData;
use icu_properties::props::GeneralCategory;

/// What stands in a text: a character, or a byte that is none.
enum Unit {
    Character(char),
    Byte(u8),
}

fn units(raw: &[u8]) -> impl Iterator<Item = Unit> + '_ {
    raw.utf8_chunks().flat_map(|chunk| {
        let characters = chunk.valid().chars().map(Unit::Character);
        characters.chain(chunk.invalid().iter().copied().map(Unit::Byte))
    })
}

/// A text that is safe in a line; `ascii` where the terminal can encode no other.
pub fn escaped(text: &str, ascii: bool) -> String {
    escaped_bytes(text.as_bytes(), ascii)
}

/// The same of a name of a file, which may be no text.
pub fn escaped_name(name: &OsStr, ascii: bool) -> String {
    escaped_bytes(name.as_bytes(), ascii)
}

fn escaped_bytes(raw: &[u8], ascii: bool) -> String {
    let mut shown = String::with_capacity(raw.len());
    for unit in units(raw) {
        match unit {
            Unit::Character(one @ ' '..='~') => shown.push(one),
            Unit::Character(one) if ascii || is_hidden(one) => units_of(&mut shown, one),
            Unit::Character(one) => shown.push(one),
            Unit::Byte(byte) => surrogate(&mut shown, byte),
        }
    }
    shown
}

/// A text of JSON, ASCII alone, with its quotes.
pub fn quoted_json(raw: &[u8]) -> String {
    let mut shown = String::with_capacity(raw.len().saturating_add(2));
    shown.push('"');
    for unit in units(raw) {
        match unit {
            Unit::Character('"') => shown.push_str("\\\""),
            Unit::Character('\\') => shown.push_str("\\\\"),
            Unit::Character('\u{8}') => shown.push_str("\\b"),
            Unit::Character('\u{c}') => shown.push_str("\\f"),
            Unit::Character('\n') => shown.push_str("\\n"),
            Unit::Character('\r') => shown.push_str("\\r"),
            Unit::Character('\t') => shown.push_str("\\t"),
            Unit::Character(one @ ' '..='~') => shown.push(one),
            Unit::Character(one) => units_of(&mut shown, one),
            Unit::Byte(byte) => surrogate(&mut shown, byte),
        }
    }
    shown.push('"');
    shown
}

fn units_of(shown: &mut String, one: char) {
    let mut buffer = [0; 2];
    for unit in one.encode_utf16(&mut buffer) {
        // Writing to a String does not fail.
        let _ = write!(shown, "\\u{unit:04x}");
    }
}

/// A byte that is no text, as Python has it.
fn surrogate(shown: &mut String, byte: u8) {
    let _ = write!(shown, "\\udc{byte:02x}");
}

/// Controls, format characters (bidi among them), separators of lines, and what has no meaning here.
fn is_hidden(one: char) -> bool {
    matches!(
        CodePointMapData::<GeneralCategory>::new().get(one),
        GeneralCategory::Control
            | GeneralCategory::Format
            | GeneralCategory::LineSeparator
            | GeneralCategory::ParagraphSeparator
            | GeneralCategory::Surrogate
            | GeneralCategory::PrivateUse
            | GeneralCategory::Unassigned
    )
}

/// Whether a terminal of this locale can encode nothing but ASCII, as far as is known here.
///
/// `C` and `POSIX` are UTF-8 to Python.
pub fn is_ascii(locale: Option<&OsStr>) -> bool {
    let Some(locale) = locale.and_then(OsStr::to_str) else { return false };
    let locale = locale.split('@').next().unwrap_or_default();
    let charset = locale.split_once('.').map(|(_, charset)| charset.to_lowercase());
    match charset.as_deref() {
        Some("utf-8" | "utf8") => false,
        Some(_) => true,
        None => !matches!(locale, "" | "C" | "POSIX"),
    }
}

/// A path in a message; bytes that are no text are shown.
pub fn text(name: &OsStr) -> String {
    match name.to_str() {
        Some(text) => text.to_owned(),
        None => escaped_name(name, false),
    }
}

/// What the system says of an error, without its number.
pub fn strerror(error: &io::Error) -> String {
    let told = error.to_string();
    match told.rfind(" (os error ") {
        Some(at) => told.get(..at).unwrap_or_default().to_owned(),
        None => told,
    }
}

/// A line in the colour of a word: `ok` and the like are coloured, others are not.
pub fn colored(word: &str, line: &str, colour: bool) -> String {
    let code = match word {
        "ok" => "32",
        "not-ok" | "bad" | "error" => "31",
        _ => return line.to_owned(),
    };
    if colour { format!("\x1b[{code}m{line}\x1b[0m") } else { line.to_owned() }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_could_move_or_hide_is_shown() {
        assert_eq!("plain \u{e9} \u{4e2d}", escaped("plain \u{e9} \u{4e2d}", false));
        assert_eq!("\\u00e9\\u4e2d\\ud83d\\ude00", escaped("\u{e9}\u{4e2d}\u{1f600}", true));
        assert_eq!(
            "a\\u000a\\u001b[31m\\u202e\\u2028\\u200b\\ue000\\u007f",
            escaped("a\n\x1b[31m\u{202e}\u{2028}\u{200b}\u{e000}\x7f", false)
        );
        assert_eq!("a\\udcffb", escaped_name(OsStr::from_bytes(b"a\xffb"), false));
    }

    #[test]
    fn json_is_ascii() {
        assert_eq!(
            r#""a\"\\\n\t\u007f\u00e9\ud83d\ude00\udcff""#,
            quoted_json(b"a\"\\\n\t\x7f\xc3\xa9\xf0\x9f\x98\x80\xff")
        );
    }

    #[test]
    fn a_locale_names_its_charset() {
        for (locale, ascii) in [
            ("C", false),
            ("POSIX", false),
            ("C.UTF-8", false),
            ("de_DE.utf8@euro", false),
            ("de_DE.ISO-8859-1", true),
            ("de_DE", true),
            ("", false),
        ] {
            assert_eq!(ascii, is_ascii(Some(OsStr::new(locale))), "{locale}");
        }
        assert!(!is_ascii(None));
    }
}
