//! Tests of the shell parts that need no server.
