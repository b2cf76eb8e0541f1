//! The binary itself, on folders of results: what it says, what it leaves alone, and with which code it ends.
mod ab;
mod accept;
mod archive;
#[cfg(feature = "postgres")]
mod archive_postgres;
mod bisect;
mod capacity;
mod cluster;
mod compare;
mod counts;
mod explain;
mod flame;
mod history;
mod load;
mod project;
mod record;
mod report;
mod sandbox;
mod selfcheck;
mod stub;
mod usage;
mod workers;
