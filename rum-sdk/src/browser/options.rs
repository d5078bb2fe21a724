//! Reads the options object by serde. It is a fraction of a general deserializer, because it knows three types and explains nothing:
//! `npm/src/debug.ts` does that, where it is asked for.

use core::fmt;

use serde::de::{DeserializeSeed, Error, SeqAccess, Visitor};
use serde::{Deserialize, Deserializer, forward_to_deserialize_any};
use wasm_bindgen::prelude::wasm_bindgen;
use wasm_bindgen::{JsCast, JsValue};

use crate::config::Config;

#[wasm_bindgen]
extern "C" {
    type Options;

    #[wasm_bindgen(method, indexing_getter)]
    fn option(this: &Options, name: &str) -> JsValue;
}

/// The options the core needs.
pub(super) fn read(options: &JsValue) -> Config {
    Config::deserialize(Value(options)).unwrap_or_default()
}

struct Value<'a>(&'a JsValue);

#[derive(Debug)]
struct WrongType;

impl fmt::Display for WrongType {
    fn fmt(&self, _: &mut fmt::Formatter<'_>) -> fmt::Result {
        Ok(())
    }
}

impl core::error::Error for WrongType {}

impl Error for WrongType {
    fn custom<T: fmt::Display>(_: T) -> Self {
        Self
    }
}

impl<'de> Deserializer<'de> for Value<'_> {
    type Error = WrongType;

    fn deserialize_any<V: Visitor<'de>>(self, _: V) -> Result<V::Value, WrongType> {
        Err(WrongType)
    }

    fn deserialize_bool<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, WrongType> {
        visitor.visit_bool(self.0.as_bool().ok_or(WrongType)?)
    }

    fn deserialize_f64<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, WrongType> {
        visitor.visit_f64(self.0.as_f64().ok_or(WrongType)?)
    }

    fn deserialize_string<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, WrongType> {
        visitor.visit_string(self.0.as_string().ok_or(WrongType)?)
    }

    fn deserialize_struct<V: Visitor<'de>>(
        self,
        _: &'static str,
        fields: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, WrongType> {
        visitor.visit_seq(Fields { object: self.0.unchecked_ref(), next: fields.iter() })
    }

    forward_to_deserialize_any! {
        i8 i16 i32 i64 u8 u16 u32 u64 f32 char str bytes byte_buf option unit unit_struct newtype_struct seq tuple tuple_struct map
        enum identifier ignored_any
    }
}

/// The fields of a struct in their order, each looked up by its name in an object.
struct Fields<'a> {
    object: &'a Options,
    next: core::slice::Iter<'static, &'static str>,
}

impl<'de> SeqAccess<'de> for Fields<'_> {
    type Error = WrongType;

    fn next_element_seed<T: DeserializeSeed<'de>>(&mut self, seed: T) -> Result<Option<T::Value>, WrongType> {
        let Some(name) = self.next.next() else { return Ok(None) };
        seed.deserialize(Value(&self.object.option(name))).map(Some)
    }
}
