//! rum-sdk.
