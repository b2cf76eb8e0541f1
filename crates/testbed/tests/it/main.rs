//! The integration tests of the testbed: one binary.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

mod conformance;
mod kube_api;
mod throughput;
