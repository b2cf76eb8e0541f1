//! Tests of the resource types against what others may write.

mod coverage;

mod durations;

mod leniency;

mod manifests;

mod round_trip;

mod schemas;
