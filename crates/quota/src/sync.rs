//! The primitives that the in-memory cores are made of: the usual ones, and loom's in its models.

pub(crate) use std::sync::atomic::Ordering;

#[cfg(not(quota_loom))]
pub(crate) use std::sync::atomic::{AtomicU64, fence};

#[cfg(not(quota_loom))]
pub(crate) use parking_lot::{Mutex, MutexGuard};

#[cfg(quota_loom)]
pub(crate) use loom::sync::MutexGuard;
#[cfg(quota_loom)]
pub(crate) use loom::sync::atomic::{AtomicU64, fence};

/// Loom's lock with the signature of the usual one.
#[cfg(quota_loom)]
#[derive(Debug, Default)]
pub(crate) struct Mutex<T>(loom::sync::Mutex<T>);

#[cfg(quota_loom)]
impl<T> Mutex<T> {
    pub(crate) fn lock(&self) -> MutexGuard<'_, T> {
        self.0.lock().expect("no model panics under a lock")
    }
}
