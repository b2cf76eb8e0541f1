//! One module per sub-command, each with its settings and one entry.

pub(crate) mod ab;
pub(crate) mod archive;
pub(crate) mod baseline;
pub(crate) mod bisect;
pub(crate) mod capacity;
pub(crate) mod compare;
pub(crate) mod crd;
pub(crate) mod explain;
pub(crate) mod flame;
pub(crate) mod history;
pub(crate) mod load;
pub(crate) mod power;
pub(crate) mod quota;
pub(crate) mod report;
pub(crate) mod selfcheck;
pub(crate) mod soak;
pub(crate) mod stub;
