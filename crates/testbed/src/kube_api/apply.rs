//! Server-side apply.

use super::failure::Failure;
use super::json::Members;
use super::write::{Call, Written};

pub(super) fn apply(call: &Call<'_>, body: &[u8]) -> Result<Written, Failure> {
    let _ = (call, body);
    Err(Failure::unsupported_media_type(
        "application/json-patch+json, application/merge-patch+json",
    ))
}

pub(super) fn keep_owners_true(
    _call: &Call<'_>,
    _old: &Members<'_>,
    _new: &Members<'_>,
    _old_own: &Members<'_>,
    _own: &mut Members<'_>,
) {
}
