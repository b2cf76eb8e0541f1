//! The backend in memory keeps the contract.

use std::sync::Arc;

use quota::{Limits, Quotas};

use crate::contract::Subject;

struct Memory;

impl Subject for Memory {
    type Backend = Quotas;

    fn clients(n: usize, limits: &Limits) -> Option<Vec<Arc<Quotas>>> {
        let quotas = Arc::new(Quotas::new(limits));
        Some((0..n).map(|_| Arc::clone(&quotas)).collect())
    }
}

crate::contract!(Memory);
