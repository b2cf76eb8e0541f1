//! What a Kubernetes API server does, as tests that run against any.
//!
//! Every test runs against the stand-in and, with `PLIMSOLL_TEST_KUBECONFIG` naming a kubeconfig, also against
//! that server: a test that the real server fails is wrong. A printed line says what ran.

mod apply;
mod core;
mod create;
mod delete;
mod discovery;
mod list;
mod patch;
mod runtime;
mod schema;
pub(crate) mod server;
pub(crate) mod shorthand;
mod status;
mod update;
mod watch;
pub(crate) mod widgets;
