//! JSON as Python's `json.dumps(…, indent=1)` writes it.

use crate::words::quoted_json;

/// A value.
pub enum Json {
    /// `null`, `true`, `false` or a number, as it is written.
    Plain(String),
    /// A text, perhaps of bytes that are none.
    Text(Vec<u8>),
    /// A list.
    List(Vec<Json>),
    /// An object, its fields in their order.
    Object(Vec<(&'static str, Json)>),
}

impl Json {
    /// A text.
    pub fn text(text: &str) -> Self {
        Self::Text(text.as_bytes().to_vec())
    }

    /// `true`, `false`, or `null` for neither.
    pub fn choice(choice: Option<bool>) -> Self {
        Self::Plain(choice.map_or_else(|| "null".to_owned(), |choice| choice.to_string()))
    }

    /// A text, or `null` for none.
    pub fn maybe(text: Option<&str>) -> Self {
        text.map_or_else(|| Self::choice(None), Self::text)
    }

    /// The document.
    pub fn written(&self) -> String {
        let mut text = String::new();
        self.write(&mut text, 0);
        text
    }

    fn write(&self, to: &mut String, depth: usize) {
        let inner = depth.saturating_add(1);
        match self {
            Self::Plain(text) => to.push_str(text),
            Self::Text(raw) => to.push_str(&quoted_json(raw)),
            Self::List(listed) => {
                between(to, "[]", depth, listed.iter(), |to, one| one.write(to, inner));
            }
            Self::Object(fields) => {
                between(to, "{}", depth, fields.iter(), |to, (name, value)| {
                    to.push_str(&quoted_json(name.as_bytes()));
                    to.push_str(": ");
                    value.write(to, inner);
                });
            }
        }
    }
}

/// Each on a line of its own, one space deeper than what is around them.
fn between<T>(
    to: &mut String,
    around: &str,
    depth: usize,
    items: impl Iterator<Item = T>,
    mut write: impl FnMut(&mut String, T),
) {
    let (open, close) = around.split_at(1);
    to.push_str(open);
    let mut any = false;
    for item in items {
        to.push_str(if any { ",\n" } else { "\n" });
        to.push_str(&" ".repeat(depth.saturating_add(1)));
        write(to, item);
        any = true;
    }
    if any {
        to.push('\n');
        to.push_str(&" ".repeat(depth));
    }
    to.push_str(close);
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_is_laid_out_as_python_does() {
        let value = Json::Object(vec![
            ("version", Json::Plain("1".to_owned())),
            ("list", Json::List(vec![Json::text("a"), Json::choice(None)])),
            ("none", Json::List(Vec::new())),
            ("object", Json::Object(vec![("ok", Json::choice(Some(true)))])),
        ]);
        let expected = "{\n \"version\": 1,\n \"list\": [\n  \"a\",\n  null\n ],\n \"none\": [],\n \
                        \"object\": {\n  \"ok\": true\n }\n}";
        assert_eq!(expected, value.written());
    }
}
