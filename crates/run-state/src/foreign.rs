//! State as other platforms write it, for talking to them and for taking their runs over.
//!
//! Each says what it cannot carry. What they have and we do not is left out when it is read.

pub mod maestro;

pub mod taskforce;
