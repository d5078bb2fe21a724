//! beamline-tests.
