//! Words of others in a message: short, and in quotes where they could be taken for ours.

/// Characters of a path in a message.
const TOLD: usize = 200;

/// A path in a message: not longer than a line or two.
pub fn told(path: &str) -> String {
    match path.char_indices().nth(TOLD) {
        None => path.to_owned(),
        Some((end, _)) => format!("{}…", path.get(..end).unwrap_or_default()),
    }
}

/// The first characters of a text, at most so many.
pub fn first(text: &str, most: usize) -> &str {
    match text.char_indices().nth(most) {
        None => text,
        Some((end, _)) => text.get(..end).unwrap_or_default(),
    }
}

/// A text in quotes, as Python's `repr` writes it.
pub fn quoted(text: &str) -> String {
    let mark = if text.contains('\'') && !text.contains('"') { '"' } else { '\'' };
    let mut found = String::from(mark);
    for one in text.chars() {
        match one {
            '\\' => found.push_str("\\\\"),
            '\n' => found.push_str("\\n"),
            '\r' => found.push_str("\\r"),
            '\t' => found.push_str("\\t"),
            _ if one == mark => {
                found.push('\\');
                found.push(one);
            }
            ' '..='~' => found.push(one),
            _ if is_printable(one) => found.push(one),
            '\0'..='\u{ff}' => found.push_str(&format!("\\x{:02x}", u32::from(one))),
            '\u{100}'..='\u{ffff}' => found.push_str(&format!("\\u{:04x}", u32::from(one))),
            _ => found.push_str(&format!("\\U{:08x}", u32::from(one))),
        }
    }
    found.push(mark);
    found
}

/// Whether it is shown as it is. A mark belongs to the letter before it: it is asked behind one.
fn is_printable(one: char) -> bool {
    format!("x{one}").escape_debug().count() == 2
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_long_path_is_cut_between_two_characters() {
        assert_eq!("é".repeat(200), told(&"é".repeat(200)));
        assert_eq!(format!("{}…", "é".repeat(200)), told(&"é".repeat(201)));
        assert_eq!("éé", first("ééé", 2));
    }

    #[test]
    fn a_text_is_quoted_as_python_does() {
        for (text, expected) in [
            ("x", "'x'"),
            ("it's", "\"it's\""),
            ("it's \"x\"", "'it\\'s \"x\"'"),
            ("a\\b\n\r\t\0\u{7f}\u{85}", "'a\\\\b\\n\\r\\t\\x00\\x7f\\x85'"),
            ("é\u{202e}\u{e0001}", "'é\\u202e\\U000e0001'"),
            ("e\u{301}\u{a0}\u{3000}", "'e\u{301}\\xa0\\u3000'"),
        ] {
            assert_eq!(expected, quoted(text));
        }
    }
}
