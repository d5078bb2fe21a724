use core::fmt;

use serde::ser::{Error, Impossible, SerializeMap, SerializeSeq, SerializeStruct};
use serde::{Serialize, Serializer};

use super::push_number;
use crate::text::{push_hexadecimal, push_whole};

/// JSON text, put into other JSON as it is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Raw(pub String);

/// The name by which [`Writer`] knows a [`Raw`].
const RAW: &str = "$raw";

impl Serialize for Raw {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_newtype_struct(RAW, &self.0)
    }
}

/// Appends `value` as JSON. The beacon's types need no more of serde's data model than this writer has; anything else would be
/// written as nothing.
pub fn write<T: Serialize + ?Sized>(out: &mut String, value: &T) {
    let _ = value.serialize(Writer { out, raw: false });
}

/// Outside of what the beacon's types need.
#[derive(Debug)]
struct Unsupported;

impl fmt::Display for Unsupported {
    fn fmt(&self, _: &mut fmt::Formatter<'_>) -> fmt::Result {
        Ok(())
    }
}

impl core::error::Error for Unsupported {}

impl Error for Unsupported {
    fn custom<T: fmt::Display>(_: T) -> Self {
        Self
    }
}

struct Writer<'a> {
    out: &'a mut String,
    raw: bool,
}

type Written = Result<(), Unsupported>;

impl<'a> Serializer for Writer<'a> {
    type Ok = ();
    type Error = Unsupported;
    type SerializeSeq = Members<'a>;
    type SerializeTuple = Impossible<(), Unsupported>;
    type SerializeTupleStruct = Impossible<(), Unsupported>;
    type SerializeTupleVariant = Impossible<(), Unsupported>;
    type SerializeMap = Members<'a>;
    type SerializeStruct = Members<'a>;
    type SerializeStructVariant = Impossible<(), Unsupported>;

    fn serialize_bool(self, value: bool) -> Written {
        self.out.push_str(if value { "true" } else { "false" });
        Ok(())
    }

    fn serialize_u32(self, value: u32) -> Written {
        self.serialize_u64(value.into())
    }

    fn serialize_u64(self, value: u64) -> Written {
        push_whole(self.out, value);
        Ok(())
    }

    fn serialize_f64(self, value: f64) -> Written {
        push_number(self.out, value);
        Ok(())
    }

    fn serialize_str(self, value: &str) -> Written {
        if self.raw {
            self.out.push_str(value);
        } else {
            push_string(self.out, value);
        }
        Ok(())
    }

    fn serialize_none(self) -> Written {
        self.serialize_unit()
    }

    fn serialize_some<T: Serialize + ?Sized>(self, value: &T) -> Written {
        value.serialize(self)
    }

    fn serialize_unit(self) -> Written {
        self.out.push_str("null");
        Ok(())
    }

    fn serialize_unit_variant(self, _: &'static str, _: u32, variant: &'static str) -> Written {
        self.serialize_str(variant)
    }

    fn serialize_newtype_struct<T: Serialize + ?Sized>(self, name: &'static str, value: &T) -> Written {
        value.serialize(Writer { out: self.out, raw: name == RAW })
    }

    fn serialize_seq(self, _: Option<usize>) -> Result<Members<'a>, Unsupported> {
        Ok(Members::open(self.out, "[", "]"))
    }

    fn serialize_map(self, _: Option<usize>) -> Result<Members<'a>, Unsupported> {
        Ok(Members::open(self.out, "{", "}"))
    }

    fn serialize_struct(self, _: &'static str, _: usize) -> Result<Members<'a>, Unsupported> {
        Ok(Members::open(self.out, "{", "}"))
    }

    fn serialize_i8(self, _: i8) -> Written {
        Err(Unsupported)
    }

    fn serialize_i16(self, _: i16) -> Written {
        Err(Unsupported)
    }

    fn serialize_i32(self, _: i32) -> Written {
        Err(Unsupported)
    }

    fn serialize_i64(self, _: i64) -> Written {
        Err(Unsupported)
    }

    fn serialize_u8(self, _: u8) -> Written {
        Err(Unsupported)
    }

    fn serialize_u16(self, _: u16) -> Written {
        Err(Unsupported)
    }

    fn serialize_f32(self, _: f32) -> Written {
        Err(Unsupported)
    }

    fn serialize_char(self, _: char) -> Written {
        Err(Unsupported)
    }

    fn serialize_bytes(self, _: &[u8]) -> Written {
        Err(Unsupported)
    }

    fn serialize_unit_struct(self, _: &'static str) -> Written {
        Err(Unsupported)
    }

    fn serialize_newtype_variant<T: Serialize + ?Sized>(self, _: &'static str, _: u32, _: &'static str, _: &T) -> Written {
        Err(Unsupported)
    }

    fn serialize_tuple(self, _: usize) -> Result<Self::SerializeTuple, Unsupported> {
        Err(Unsupported)
    }

    fn serialize_tuple_struct(self, _: &'static str, _: usize) -> Result<Self::SerializeTupleStruct, Unsupported> {
        Err(Unsupported)
    }

    fn serialize_tuple_variant(
        self,
        _: &'static str,
        _: u32,
        _: &'static str,
        _: usize,
    ) -> Result<Self::SerializeTupleVariant, Unsupported> {
        Err(Unsupported)
    }

    fn serialize_struct_variant(
        self,
        _: &'static str,
        _: u32,
        _: &'static str,
        _: usize,
    ) -> Result<Self::SerializeStructVariant, Unsupported> {
        Err(Unsupported)
    }

    fn collect_str<T: fmt::Display + ?Sized>(self, _: &T) -> Written {
        Err(Unsupported)
    }
}

/// An array or object that is being written.
struct Members<'a> {
    out: &'a mut String,
    close: &'static str,
    empty: bool,
}

impl<'a> Members<'a> {
    fn open(out: &'a mut String, open: &str, close: &'static str) -> Self {
        out.push_str(open);
        Self { out, close, empty: true }
    }

    /// Where the next member is to be written.
    fn next(&mut self) -> Writer<'_> {
        if !self.empty {
            self.out.push_str(",");
        }
        self.empty = false;
        Writer { out: self.out, raw: false }
    }

    /// Where the value of the next member is to be written.
    fn next_named(&mut self, key: &str) -> Writer<'_> {
        push_string(self.next().out, key);
        self.after_key()
    }

    fn after_key(&mut self) -> Writer<'_> {
        self.out.push_str(":");
        Writer { out: self.out, raw: false }
    }

    fn close(self) {
        self.out.push_str(self.close);
    }
}

impl SerializeSeq for Members<'_> {
    type Ok = ();
    type Error = Unsupported;

    fn serialize_element<T: Serialize + ?Sized>(&mut self, value: &T) -> Written {
        value.serialize(self.next())
    }

    fn end(self) -> Written {
        self.close();
        Ok(())
    }
}

impl SerializeMap for Members<'_> {
    type Ok = ();
    type Error = Unsupported;

    fn serialize_key<T: Serialize + ?Sized>(&mut self, key: &T) -> Written {
        key.serialize(self.next())
    }

    fn serialize_value<T: Serialize + ?Sized>(&mut self, value: &T) -> Written {
        value.serialize(self.after_key())
    }

    fn end(self) -> Written {
        self.close();
        Ok(())
    }
}

impl SerializeStruct for Members<'_> {
    type Ok = ();
    type Error = Unsupported;

    fn serialize_field<T: Serialize + ?Sized>(&mut self, key: &'static str, value: &T) -> Written {
        value.serialize(self.next_named(key))
    }

    fn end(self) -> Written {
        self.close();
        Ok(())
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
    use rum_protocol::{Attribution, Beacon, ErrorEvent, ErrorSource, Event, Id, Metric, Session, View, Vital};

    fn written<T: Serialize + ?Sized>(value: &T) -> String {
        let mut out = String::new();
        write(&mut out, value);
        out
    }

    fn attribution() -> Attribution {
        let mut attribution = Attribution::default();
        attribution.number("largest_shift_value", 0.1);
        attribution.text("target", "main>a[title=\"x\"]".into());
        attribution
    }

    fn beacon() -> Beacon {
        Beacon {
            v: 1,
            beacon_id: "01890a5d-ac96-774b-bcce-b302099a8057".into(),
            sent_at_ms: 1_700_000_000_500,
            sdk: None,
            release: Some("4.2 \"beta\"".into()),
            env: None,
            session: Some(Session { id: Id(0xab), started_at_ms: 1_700_000_000_000, sample_rate: 0.25 }),
            context: None,
            lost: None,
            views: vec![View { id: Id(1), url: "https://shop.example/".into(), ..View::default() }],
            events: vec![
                Event::Vital(Vital {
                    at_ms: 1_700_000_000_400,
                    view: 0,
                    metric: Metric::Cls,
                    metric_id: Some("m".into()),
                    value: 0.125,
                    prev_value: Some(0.0),
                    navigation_type: None,
                    attribution: attribution(),
                }),
                Event::Error(ErrorEvent {
                    at_ms: 1,
                    view: 0,
                    source: ErrorSource::UnhandledRejection,
                    name: None,
                    message: "tab\there, \u{1f}, umlaut ä\nnext".into(),
                    stack: None,
                    file: None,
                    line: Some(3),
                    column: None,
                    attributes: [("cart".to_owned(), "7".to_owned())].into(),
                }),
            ],
        }
    }

    #[test]
    fn a_beacon_reads_back_as_it_was() {
        let beacon = beacon();
        assert_eq!(serde_json::from_str::<Beacon>(&written(&beacon)).unwrap(), beacon);
    }

    #[test]
    fn events_written_before_are_put_into_the_beacon_as_they_are() {
        let beacon = beacon();
        let raw = Beacon {
            events: beacon.events.iter().map(|event| Raw(written(event))).collect(),
            v: beacon.v,
            beacon_id: beacon.beacon_id.clone(),
            sent_at_ms: beacon.sent_at_ms,
            sdk: None,
            release: beacon.release.clone(),
            env: None,
            session: beacon.session.clone(),
            context: None,
            lost: None,
            views: beacon.views.clone(),
        };
        assert_eq!(written(&raw), written(&beacon));
    }

    proptest! {
        #[test]
        fn every_string_reads_back(text in any::<String>()) {
            prop_assert_eq!(serde_json::from_str::<String>(&written(&text)).unwrap(), text);
        }
    }
}
