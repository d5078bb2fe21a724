use rum_protocol::Id;

use super::push_number;
use crate::text::{push_hexadecimal, push_whole};

/// A JSON object that is written member by member, in the order of the calls. Two members of one name would be two.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Object {
    members: String,
}

impl Object {
    /// Adds a text.
    pub fn text(&mut self, name: &str, value: &str) {
        push_string(self.value_of(name), value);
    }

    /// Adds a text, if it is not empty.
    pub fn known(&mut self, name: &str, value: &str) {
        if !value.is_empty() {
            self.text(name, value);
        }
    }

    /// Adds a number, unless it is none.
    pub fn number(&mut self, name: &str, value: f64) {
        if value.is_finite() {
            push_number(self.value_of(name), value);
        }
    }

    /// Adds a whole number.
    pub fn whole(&mut self, name: &str, value: u64) {
        push_whole(self.value_of(name), value);
    }

    /// Adds an id as 16 hexadecimal digits.
    pub fn id(&mut self, name: &str, id: Id) {
        let mut digits = String::new();
        push_hexadecimal(&mut digits, id.0, 16);
        self.text(name, &digits);
    }

    /// Adds an object, if it has members.
    pub fn object(&mut self, name: &str, object: &Self) {
        if !object.members.is_empty() {
            object.append_to(self.value_of(name));
        }
    }

    /// Adds the members of another.
    pub fn join(&mut self, other: &Self) {
        if !self.members.is_empty() && !other.members.is_empty() {
            self.members.push_str(",");
        }
        self.members.push_str(&other.members);
    }

    /// An object that somebody else wrote, `{` and `}` included; empty for anything shorter.
    #[must_use]
    pub fn from_text(text: &str) -> Self {
        Self { members: String::from(text.get(1..text.len().saturating_sub(1)).unwrap_or_default()) }
    }

    /// Adds a list of objects.
    pub fn list(&mut self, name: &str, objects: &[Self]) {
        let out = self.value_of(name);
        let mut between = "";
        out.push_str("[");
        for object in objects {
            out.push_str(between);
            object.append_to(out);
            between = ",";
        }
        out.push_str("]");
    }

    /// Whether its text has this part.
    #[must_use]
    pub fn has(&self, part: &str) -> bool {
        self.members.as_bytes().windows(part.len().max(1)).any(|window| window == part.as_bytes())
    }

    /// How many bytes its text has.
    #[must_use]
    pub const fn bytes(&self) -> usize {
        self.members.len() + "{}".len()
    }

    /// Its text.
    #[must_use]
    pub fn to_text(&self) -> String {
        let mut out = String::new();
        self.append_to(&mut out);
        out
    }

    fn append_to(&self, out: &mut String) {
        out.push_str("{");
        out.push_str(&self.members);
        out.push_str("}");
    }

    /// Where the value of the next member is to be written.
    fn value_of(&mut self, name: &str) -> &mut String {
        if !self.members.is_empty() {
            self.members.push_str(",");
        }
        push_string(&mut self.members, name);
        self.members.push_str(":");
        &mut self.members
    }
}
/// Appends a JSON string (RFC 8259 section 7).
fn push_string(out: &mut String, text: &str) {
    out.push_str("\"");
    let mut rest = text;
    while let Some(at) = rest.as_bytes().iter().position(|&byte| byte < b' ' || byte == b'"' || byte == b'\\') {
        let (before, from_it) = rest.split_at_checked(at).unwrap_or_default();
        let (character, after) = from_it.split_at_checked(1).unwrap_or_default();
        out.push_str(before);
        match character {
            "\"" | "\\" => {
                out.push_str("\\");
                out.push_str(character);
            }
            "\n" => out.push_str("\\n"),
            _ => {
                out.push_str("\\u");
                push_hexadecimal(out, character.bytes().map(u64::from).sum(), 4);
            }
        }
        rest = after;
    }
    out.push_str(rest);
    out.push_str("\"");
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use serde_json::{Value, json};

    fn check(object: &Object, expected: &Value) {
        let text = object.to_text();
        assert_eq!(&serde_json::from_str::<Value>(&text).unwrap(), expected, "{text}");
        assert_eq!(text.len(), object.bytes());
    }

    #[test]
    fn members_are_written_in_their_order() {
        let mut inner = Object::default();
        check(&inner, &json!({}));
        inner.text("name", "\"a\"");
        let mut object = Object::default();
        object.whole("v", 1);
        object.id("id", Id(0xab));
        object.number("value", -0.25);
        object.object("inner", &inner);
        object.list("none", &[]);
        object.list("two", &[inner.clone(), Object::default()]);
        let expected = json!({"v": 1, "id": "00000000000000ab", "value": -0.25, "inner": {"name": "\"a\""}, "none": [], "two": [{"name": "\"a\""}, {}]});
        check(&object, &expected);
    }

    #[test]
    fn what_is_absent_is_left_out() {
        let mut object = Object::default();
        object.known("text", "");
        object.number("number", f64::NAN);
        object.number("large", f64::INFINITY);
        object.object("object", &Object::default());
        check(&object, &json!({}));
        object.text("text", "");
        check(&object, &json!({"text": ""}));
    }

    proptest! {
        #[test]
        fn every_text_reads_back(name in any::<String>(), text in any::<String>()) {
            let mut object = Object::default();
            object.text(&name, &text);
            let read: Value = serde_json::from_str(&object.to_text()).unwrap();
            prop_assert_eq!(read, json!({ name: text }));
        }
    }
}
