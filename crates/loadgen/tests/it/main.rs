//! What a user of scenario files sees, and what runs against the null driver, the stand-in and broken clusters bring.

mod broken_clusters;
mod completions;
mod engine;
mod in_process;
mod pacing;
mod platforms;
mod promises;
mod real_cluster;
mod records;
mod runs;
mod scenarios;
mod schemas;
mod soaks;
mod workers;
