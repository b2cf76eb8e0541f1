//! Integration tests of the control plane, in one binary so that its dependencies are linked once.

mod controller;
mod llm_server;
mod queue;
mod queue_order;
mod queue_turns;
