//! The outside world in process: what the control plane talks to, without clusters and, where possible, sockets.

mod hash;
mod http_stub;
pub mod kube_api;
pub mod llm;
pub mod population;
pub mod tool;
