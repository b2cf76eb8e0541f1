//! The outside world in process: what the control plane talks to, without clusters and, where possible, sockets.

pub mod answerer;
pub mod error;
mod hash;
mod http_stub;
pub mod kube_api;
pub mod llm;
pub mod population;
mod thread_clock;
pub mod tool;
