//! Why a vital has the value it has: numbers and texts by name, from a closed list of names.

use serde::ser::{Serialize, SerializeMap, Serializer};

use crate::Metric;

/// What the value of an attribution name is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum AttributionKind {
    /// A number of at most [`crate::limits::MAX_ATTRIBUTION_NUMBER`] either way: milliseconds if the name ends with `_ms`, else without unit.
    /// What is a difference of rounded times may be a little below zero.
    Number,
    /// A text of at most [`crate::limits::MAX_NAME_BYTES`].
    Text,
    /// An address of at most [`crate::limits::MAX_URL_BYTES`], stored without query and fragment.
    Url,
    /// The name of a function or handler, or an address where a whole script is meant.
    TextOrUrl,
}

/// One name of the closed list.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct AttributionName {
    /// The key on the wire and in the store.
    pub name: &'static str,
    /// What its value is.
    pub kind: AttributionKind,
    /// The vitals that may carry it.
    pub metrics: &'static [Metric],
    /// What it says, in one line, as the documentation has it.
    pub meaning: &'static str,
}

impl AttributionName {
    /// The entry of the list with that name.
    #[must_use]
    pub fn of(name: &str) -> Option<&'static Self> {
        ATTRIBUTION_NAMES.iter().find(|known| known.name == name)
    }
}

macro_rules! names {
    ($($name:ident: $kind:ident, [$($metric:ident),+], $meaning:literal;)+) => {
        /// Every name, in the order they are documented. Times are since navigation start, or since activation, restore or soft navigation.
        pub const ATTRIBUTION_NAMES: &[AttributionName] = &[$(AttributionName {
            name: stringify!($name),
            kind: AttributionKind::$kind,
            metrics: &[$(Metric::$metric),+],
            meaning: $meaning,
        }),+];
    };
}

names! {
    target: Text, [Lcp, Fid, Cls, Inp], "selector of the element: largest paint, input, largest shift or interaction";
    load_state: Text, [Fcp, Fid, Cls, Inp], "`loading`, `dom-interactive`, `dom-content-loaded` or `complete` when it happened";
    ttfb_ms: Number, [Fcp, Lcp], "time to the first byte";
    first_byte_to_fcp_ms: Number, [Fcp], "from the first byte to the paint";
    url: Url, [Lcp], "address of the image; absent for text";
    resource_load_delay_ms: Number, [Lcp], "from the first byte to the request of the image";
    resource_load_duration_ms: Number, [Lcp], "from the request of the image to its end";
    element_render_delay_ms: Number, [Lcp], "from the end of the image, or the first byte for text, to the paint";
    waiting_ms: Number, [Ttfb], "redirects, and the wait until the fetch or the service worker starts";
    cache_ms: Number, [Ttfb], "looking into the HTTP cache, and the service worker's time";
    dns_ms: Number, [Ttfb], "name resolution";
    connection_ms: Number, [Ttfb], "connecting, TLS included";
    request_ms: Number, [Ttfb], "from the request to the first byte";
    largest_shift_time_ms: Number, [Cls], "when the largest shift of the session window happened";
    largest_shift_value: Number, [Cls], "score of that shift";
    interaction_type: Text, [Inp], "`pointer` or `keyboard`";
    interaction_time_ms: Number, [Inp], "when the user interacted";
    input_delay_ms: Number, [Inp], "from the interaction to the first handler";
    processing_duration_ms: Number, [Inp], "from the first handler's start to the last one's end";
    presentation_delay_ms: Number, [Inp], "from the last handler's end to the next paint";
    script_ms: Number, [Inp], "scripts in the long animation frames of the interaction, without forced style and layout";
    style_and_layout_ms: Number, [Inp], "style and layout in those frames, forced ones included";
    paint_ms: Number, [Inp], "from the end of those frames to the next paint";
    unattributed_ms: Number, [Inp], "the rest of the interaction";
    longest_script_url: Url, [Inp], "address of the script that ran longest during the interaction";
    longest_script_invoker: TextOrUrl, [Inp], "what called it, such as `BUTTON#buy.onclick`";
    longest_script_subpart: Text, [Inp], "where it began: `input-delay`, `processing-duration` or `presentation-delay`";
    longest_script_ms: Number, [Inp], "how long it ran during the interaction";
    event_type: Text, [Fid], "name of the event, such as `pointerdown`";
    event_time_ms: Number, [Fid], "when the user's input happened";
}

#[cfg(target_arch = "wasm32")]
pub use listed::Attribution;
#[cfg(not(target_arch = "wasm32"))]
pub use sorted::Attribution;

/// The receiver's form, and that of native tests.
#[cfg(not(target_arch = "wasm32"))]
mod sorted {
    use core::fmt;
    use std::collections::BTreeMap;

    use serde::de::{Deserialize, Deserializer, IgnoredAny, MapAccess, Visitor};

    use super::{AttributionKind, AttributionName, Serialize, SerializeMap, Serializer};

    /// Why a vital has its value. On the wire a flat object, without names that are not in [`super::ATTRIBUTION_NAMES`].
    #[derive(Clone, Debug, Default, PartialEq)]
    pub struct Attribution {
        /// The numbers by name.
        pub numbers: BTreeMap<&'static str, f64>,
        /// The texts and addresses by name.
        pub texts: BTreeMap<&'static str, String>,
    }

    impl Attribution {
        /// Whether nothing is known.
        #[must_use]
        pub fn is_empty(&self) -> bool {
            self.numbers.is_empty() && self.texts.is_empty()
        }

        /// Adds a number.
        ///
        /// # Panics
        /// In debug builds, when the list has no such number.
        pub fn number(&mut self, name: &'static str, value: f64) {
            debug_assert!(
                AttributionName::of(name).is_some_and(|known| known.kind == AttributionKind::Number),
                "{name} is no number of the list"
            );
            self.numbers.insert(name, value);
        }

        /// Adds a text or an address.
        ///
        /// # Panics
        /// In debug builds, when the list has no such text.
        pub fn text(&mut self, name: &'static str, value: String) {
            debug_assert!(
                AttributionName::of(name).is_some_and(|known| known.kind != AttributionKind::Number),
                "{name} is no text of the list"
            );
            self.texts.insert(name, value);
        }
    }

    impl Serialize for Attribution {
        fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
            let mut map = serializer.serialize_map(Some(self.numbers.len() + self.texts.len()))?;
            for (name, value) in &self.numbers {
                map.serialize_entry(name, value)?;
            }
            for (name, value) in &self.texts {
                map.serialize_entry(name, value)?;
            }
            map.end()
        }
    }

    impl<'de> Deserialize<'de> for Attribution {
        fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
            struct Entries;
            impl<'de> Visitor<'de> for Entries {
                type Value = Attribution;

                fn expecting(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
                    out.write_str("numbers and texts by name")
                }

                fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Attribution, A::Error> {
                    let mut attribution = Attribution::default();
                    while let Some(name) = map.next_key::<String>()? {
                        match AttributionName::of(&name) {
                            Some(known) if known.kind == AttributionKind::Number => {
                                attribution.numbers.extend(map.next_value::<Option<_>>()?.map(|value| (known.name, value)));
                            }
                            Some(known) => {
                                attribution.texts.extend(map.next_value::<Option<_>>()?.map(|value| (known.name, value)));
                            }
                            None => {
                                map.next_value::<IgnoredAny>()?;
                            }
                        }
                    }
                    Ok(attribution)
                }
            }
            deserializer.deserialize_map(Entries)
        }
    }
}

/// The browser's form: it only writes, and a tree would cost it 2.5 kB, compressed.
#[cfg(target_arch = "wasm32")]
mod listed {
    use super::{Serialize, SerializeMap, Serializer};

    /// Why a vital has its value, in the order it was found out.
    #[derive(Clone, Debug, Default, PartialEq)]
    pub struct Attribution(Vec<(&'static str, Value)>);

    #[derive(Clone, Debug, PartialEq)]
    enum Value {
        Number(f64),
        Text(String),
    }

    impl Attribution {
        /// Whether nothing is known.
        #[must_use]
        pub const fn is_empty(&self) -> bool {
            self.0.is_empty()
        }

        /// Adds a number of [`super::ATTRIBUTION_NAMES`], once.
        pub fn number(&mut self, name: &'static str, value: f64) {
            self.0.push((name, Value::Number(value)));
        }

        /// Adds a text or an address of [`super::ATTRIBUTION_NAMES`], once.
        pub fn text(&mut self, name: &'static str, value: String) {
            self.0.push((name, Value::Text(value)));
        }
    }

    impl Serialize for Attribution {
        fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
            let mut map = serializer.serialize_map(None)?;
            for (name, value) in &self.0 {
                map.serialize_key(name)?;
                match value {
                    Value::Number(number) => map.serialize_value(number)?,
                    Value::Text(text) => map.serialize_value(text)?,
                }
            }
            map.end()
        }
    }
}
