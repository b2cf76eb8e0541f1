//! The Query resource and the kinds that it needs, as the Kubernetes API carries them.
//!
//! Both dialects of `ark.mckinsey.com` are read into one set of types; what a dialect lacks is simply absent.
//! Fields that we do not know are kept and written back, since the newer dialect grows monthly.
//! This crate decides nothing: validation beyond the schema, defaults at run time and every phase change belong to the control plane.

pub mod query;

pub mod model;

pub mod agent;

pub mod team;

pub mod tool;

pub mod mcp_server;

pub mod memory;

pub mod execution_engine;

pub mod value_source;

pub mod go_duration;

pub mod dialect;

pub mod crd;

mod text_enum;

mod wire;
