//! What most tests do, in one word each: requests that must succeed, and refusals that must come.

use std::fmt::Debug;

use futures::StreamExt;
use futures::stream::BoxStream;
use kube::Api;
use kube::api::{
    DeleteParams, ListParams, Patch, PatchParams, PostParams, WatchEvent, WatchParams,
};
use kube::core::Status;
use serde::Serialize;
use serde::de::DeserializeOwned;

use super::server::refusal;

/// Requests with default parameters.
pub(crate) trait Shorthand<K> {
    /// The object as the server created it.
    async fn created(&self, object: &K) -> K;
    async fn create_refused(&self, object: &K) -> Box<Status>;
    /// The object as it is after a patch.
    async fn patched<P: Serialize + Debug>(&self, name: &str, patch: &Patch<P>) -> K;
    async fn patch_refused<P: Serialize + Debug>(
        &self,
        name: &str,
        patch: &Patch<P>,
    ) -> Box<Status>;
    /// The object as it is after a patch of its status.
    async fn status_patched<P: Serialize + Debug>(&self, name: &str, patch: &Patch<P>) -> K;
    async fn status_patch_refused<P: Serialize + Debug>(
        &self,
        name: &str,
        patch: &Patch<P>,
    ) -> Box<Status>;
    /// The object as a deletion leaves it that its finalizers hold.
    async fn marked(&self, name: &str) -> K;
    /// The version of a list, from which a watch tells what comes after.
    async fn version_now(&self) -> String;
    /// A watch of everything since a version.
    async fn watched(&self, from: &str) -> BoxStream<'static, kube::Result<WatchEvent<K>>>;
}

impl<K> Shorthand<K> for Api<K>
where
    K: Clone + Debug + Serialize + DeserializeOwned + Send + 'static,
{
    async fn created(&self, object: &K) -> K {
        self.create(&PostParams::default(), object).await.unwrap()
    }

    async fn create_refused(&self, object: &K) -> Box<Status> {
        refusal(self.create(&PostParams::default(), object).await)
    }

    async fn patched<P: Serialize + Debug>(&self, name: &str, patch: &Patch<P>) -> K {
        let params = PatchParams::default();
        self.patch(name, &params, patch).await.unwrap()
    }

    async fn patch_refused<P: Serialize + Debug>(
        &self,
        name: &str,
        patch: &Patch<P>,
    ) -> Box<Status> {
        refusal(self.patch(name, &PatchParams::default(), patch).await)
    }

    async fn status_patched<P: Serialize + Debug>(&self, name: &str, patch: &Patch<P>) -> K {
        let params = PatchParams::default();
        self.patch_status(name, &params, patch).await.unwrap()
    }

    async fn status_patch_refused<P: Serialize + Debug>(
        &self,
        name: &str,
        patch: &Patch<P>,
    ) -> Box<Status> {
        let params = PatchParams::default();
        refusal(self.patch_status(name, &params, patch).await)
    }

    async fn marked(&self, name: &str) -> K {
        let deleted = self.delete(name, &DeleteParams::default()).await.unwrap();
        deleted.left().expect("the object itself")
    }

    async fn version_now(&self) -> String {
        let list = self.list(&ListParams::default()).await.unwrap();
        list.metadata.resource_version.unwrap()
    }

    async fn watched(&self, from: &str) -> BoxStream<'static, kube::Result<WatchEvent<K>>> {
        let params = WatchParams::default();
        self.watch(&params, from).await.unwrap().boxed()
    }
}

/// Holds a refusal against the code and the reason it must have.
#[track_caller]
pub(crate) fn check_refusal(status: &Status, code: u16, reason: &str) {
    assert_eq!((status.code, &*status.reason), (code, reason), "{status:?}");
}

/// The same, and part of what it must say.
#[track_caller]
pub(crate) fn check_refusal_saying(status: &Status, code: u16, reason: &str, text: &str) {
    check_refusal(status, code, reason);
    assert!(status.message.contains(text), "{}", status.message);
}
