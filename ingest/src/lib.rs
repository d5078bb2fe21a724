//! rum-ingest.
