//! The Beamline browser SDK.

#[cfg(target_arch = "wasm32")]
pub mod browser;
