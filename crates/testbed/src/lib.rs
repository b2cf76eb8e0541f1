//! Skeleton.
mod http_stub;
pub mod llm;
