//! Free attributes: the caller's own facts, as texts by name.

/// A caller's own attributes.
#[cfg(not(target_arch = "wasm32"))]
pub type Attributes = std::collections::BTreeMap<String, String>;

/// A caller's own attributes, in the order they were given. The browser only writes them, and a tree would cost it 2.5 kB, compressed.
#[cfg(target_arch = "wasm32")]
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Attributes(Vec<(String, String)>);

#[cfg(target_arch = "wasm32")]
mod list {
    use core::fmt;

    use serde::de::{Deserialize, Deserializer, MapAccess, Visitor};
    use serde::ser::{Serialize, SerializeMap, Serializer};

    use super::Attributes;

    impl Attributes {
        /// Whether there are none.
        #[must_use]
        pub const fn is_empty(&self) -> bool {
            self.0.is_empty()
        }
    }

    impl Extend<(String, String)> for Attributes {
        fn extend<I: IntoIterator<Item = (String, String)>>(&mut self, pairs: I) {
            for pair in pairs {
                self.0.push(pair);
            }
        }
    }

    impl Serialize for Attributes {
        fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
            let mut map = serializer.serialize_map(Some(self.0.len()))?;
            for (name, value) in &self.0 {
                map.serialize_entry(name, value)?;
            }
            map.end()
        }
    }

    impl<'de> Deserialize<'de> for Attributes {
        fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
            struct Pairs;
            impl<'de> Visitor<'de> for Pairs {
                type Value = Attributes;

                fn expecting(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
                    out.write_str("texts by name")
                }

                fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Attributes, A::Error> {
                    let mut pairs = Vec::new();
                    while let Some(pair) = map.next_entry()? {
                        pairs.push(pair);
                    }
                    Ok(Attributes(pairs))
                }
            }
            deserializer.deserialize_map(Pairs)
        }
    }
}
