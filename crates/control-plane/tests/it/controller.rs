//! The controller against the API stand-in, with targets that are played.
//!
//! Time is tokio's paused clock: no sockets are involved, so that waiting takes no time and runs repeat.

mod faults;
mod killing;
mod life;
mod real;
mod several;
mod stage;
