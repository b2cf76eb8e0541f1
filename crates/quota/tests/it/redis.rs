//! The backend in Redis keeps the contract, and what it promises beyond it.

use std::sync::Arc;

use quota::Limits;
use quota::redis::RedisQuotas;

use crate::contract::Subject;
use crate::server;

mod faults;
mod leases;
mod script;

struct Redis;

impl Subject for Redis {
    type Backend = RedisQuotas;

    fn clients(n: usize, limits: &Limits) -> Option<Vec<Arc<RedisQuotas>>> {
        let url = server::url()?;
        let config = server::config();
        let client = || RedisQuotas::open(&url, limits, config.clone());
        let clients = (0..n).map(|_| Arc::new(client().expect("a valid address")));
        Some(clients.collect())
    }
}

crate::contract!(Redis);
