//! Tests of the search: on queues whose capacity is known, and on histories that are hard to judge.

mod histories;
mod queue;
mod truth;
