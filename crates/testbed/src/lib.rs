//! The outside world in process: what the control plane talks to, without sockets or clusters where possible.

pub mod kube_api;
