//! The Beamline browser SDK.
//!
//! A pure core, which is tested natively, and [`browser`], the only part that knows a browser. The browser's shell turns what
//! happens in the page into [`Signal`]s; the [`Monitor`] decides what they mean and fills the [`outbox`]; beacons go out through the
//! [`Host`]. Nothing in the core reads a clock, keeps a DOM node, formats with `core::fmt` or panics: the module must stay small, and
//! a page must never notice it.

#![expect(clippy::single_char_add_str, reason = "appending a `char` brings the encoding of all of them")]

pub mod arithmetic;
pub mod attribution;
#[cfg(target_arch = "wasm32")]
pub mod browser;
pub mod collect;
pub mod config;
pub mod delivery;
pub mod entry;
mod host;
pub mod json;
pub mod kind;
mod landing;
pub mod metrics;
mod monitor;
pub mod navigation;
pub mod order;
pub mod outbox;
pub mod privacy;
pub mod sampling;
pub mod session;
mod signal;
pub mod text;
pub mod time;
pub mod uuid;
pub mod views;

pub use host::{Host, Posted};
pub use landing::Landing;
pub use monitor::Monitor;
pub use signal::{Consent, Signal};
