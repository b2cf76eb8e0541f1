//! The controller against the API stand-in, with targets that are played.
//!
//! Time is tokio's paused clock: no sockets are involved, so that waiting takes no time and runs repeat.

mod life;
mod stage;
