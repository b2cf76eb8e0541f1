//! The requests that the controller makes for a Query, each tried once, each answered by what it means.
//!
//! Bodies go out as the bytes that `transition` wrote. Of a reply to a write only the new `resourceVersion` is read:
//! every write is under a precondition, so the Query is now what we had plus what we wrote.

use std::time::Duration;

use bytes::Bytes;
use http::header::{ACCEPT, CONTENT_TYPE, RETRY_AFTER};
use http::{HeaderMap, HeaderValue, Method, Request, StatusCode};
use http_body_util::BodyExt;
use kube::client::Body;
use serde::Deserialize;
use serde_json::json;

use super::sighting::{Sighting, Version};
use crate::key::QueryKey;

/// Where Queries live.
const QUERIES: &str = "/apis/ark.mckinsey.com/v1alpha1/namespaces";

/// The client for Queries.
#[derive(Clone)]
pub(super) struct QueryApi {
    client: kube::Client,
    /// How long one request may take.
    timeout: Duration,
}

/// What part of a Query a patch is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Part {
    Metadata,
    Status,
}

/// Why a request did not do what it was to do.
#[derive(Debug)]
pub(super) enum Failure {
    /// The Query has changed since it was read: read it anew, decide anew.
    Conflict,
    /// There is no such Query.
    Gone,
    /// The server will not take this, however often it is asked.
    Refused(String),
    /// The server is busy or broken, or its reply was lost: the request may or may not have been carried out.
    Passing {
        cause: String,
        /// When the server wants to hear of us again; `None` if it did not say.
        retry_after: Option<Duration>,
    },
}

/// The new version of a Query that was written.
#[derive(Debug)]
pub(super) struct Written {
    pub(super) resource_version: String,
    pub(super) version: Version,
}

impl QueryApi {
    pub(super) fn new(client: kube::Client, timeout: Duration) -> Self {
        Self { client, timeout }
    }

    /// Patches a part of a Query; the body carries its own precondition.
    pub(super) async fn patch(
        &self,
        key: &QueryKey,
        part: Part,
        body: Bytes,
    ) -> Result<Written, Failure> {
        let subresource = match part {
            Part::Metadata => "",
            Part::Status => "/status",
        };
        let path = format!(
            "{QUERIES}/{}/queries/{}{subresource}?fieldManager=plimsoll",
            key.namespace, key.name
        );
        let reply = self.send(Method::PATCH, &path, body).await?;
        Written::of(&reply)
    }

    /// Reads a Query from the server itself.
    pub(super) async fn get(&self, key: &QueryKey) -> Result<Sighting, Failure> {
        let path = format!("{QUERIES}/{}/queries/{}", key.namespace, key.name);
        let reply = self.send(Method::GET, &path, Bytes::new()).await?;
        Sighting::of(reply).map_err(|error| Failure::lost(&error))
    }

    /// Deletes a Query if it still is the one in this version; what remains of it is to be read anew.
    pub(super) async fn delete(
        &self,
        key: &QueryKey,
        uid: &str,
        resource_version: &str,
    ) -> Result<(), Failure> {
        let path = format!("{QUERIES}/{}/queries/{}", key.namespace, key.name);
        let options = json!({
            "apiVersion": "v1",
            "kind": "DeleteOptions",
            "preconditions": {"uid": uid, "resourceVersion": resource_version},
        });
        let body = Bytes::from(options.to_string());
        self.send(Method::DELETE, &path, body).await.map(drop)
    }

    /// The body of the reply to a request that succeeded.
    async fn send(&self, method: Method, path: &str, body: Bytes) -> Result<Bytes, Failure> {
        const JSON: HeaderValue = HeaderValue::from_static("application/json");
        const MERGE_PATCH: HeaderValue = HeaderValue::from_static("application/merge-patch+json");
        let content_type = if method == Method::PATCH {
            MERGE_PATCH
        } else {
            JSON
        };
        let request = Request::builder()
            .method(method)
            .uri(path)
            .header(ACCEPT, JSON)
            .header(CONTENT_TYPE, content_type)
            .body(Body::from(body))
            .map_err(|error| Failure::Refused(error.to_string()))?;
        let reply = async {
            let (head, body) = self.client.send(request).await?.into_parts();
            let body = body.collect().await?.to_bytes();
            Ok::<_, kube::Error>((head, body))
        };
        let (head, body) = tokio::time::timeout(self.timeout, reply)
            .await
            .map_err(|elapsed| Failure::lost(&elapsed))?
            .map_err(|error| Failure::lost(&error))?;
        if head.status.is_success() {
            return Ok(body);
        }
        Err(Failure::of(head.status, &head.headers, &body))
    }
}

impl Written {
    fn of(reply: &[u8]) -> Result<Self, Failure> {
        #[derive(Deserialize)]
        struct Object {
            metadata: Metadata,
        }
        #[derive(Deserialize)]
        #[serde(rename_all = "camelCase")]
        struct Metadata {
            resource_version: String,
        }
        let object: Object =
            serde_json::from_slice(reply).map_err(|error| Failure::lost(&error))?;
        let resource_version = object.metadata.resource_version;
        Ok(Self {
            version: Version::of(&resource_version),
            resource_version,
        })
    }
}

impl Failure {
    /// A reply that never came, or that cannot be understood.
    fn lost(error: &dyn std::error::Error) -> Self {
        Self::Passing {
            cause: error.to_string(),
            retry_after: None,
        }
    }

    /// What a reply other than success means.
    fn of(status: StatusCode, headers: &HeaderMap, body: &[u8]) -> Self {
        let cause = || format!("{}: {}", status.as_u16(), message(body));
        match status {
            StatusCode::CONFLICT => Self::Conflict,
            StatusCode::NOT_FOUND | StatusCode::GONE => Self::Gone,
            StatusCode::BAD_REQUEST
            | StatusCode::PAYLOAD_TOO_LARGE
            | StatusCode::UNPROCESSABLE_ENTITY => Self::Refused(cause()),
            // 401 and 403 too: rights can be granted while we wait, and a result must not be lost to their lack.
            _ => Self::Passing {
                cause: cause(),
                retry_after: retry_after(headers),
            },
        }
    }
}

/// The message of a Kubernetes `Status`, else the beginning of the body.
fn message(body: &[u8]) -> String {
    #[derive(Deserialize)]
    struct Status {
        message: String,
    }
    match serde_json::from_slice::<Status>(body) {
        Ok(status) => status.message,
        Err(_) => String::from_utf8_lossy(&body[..body.len().min(200)]).into_owned(),
    }
}

/// The API server gives seconds, never a date.
fn retry_after(headers: &HeaderMap) -> Option<Duration> {
    let seconds = headers.get(RETRY_AFTER)?.to_str().ok()?.parse().ok()?;
    Some(Duration::from_secs(seconds))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn failure(status: u16, body: &str) -> Failure {
        let mut headers = HeaderMap::new();
        headers.insert(RETRY_AFTER, HeaderValue::from_static("7"));
        let status = StatusCode::from_u16(status).unwrap();
        Failure::of(status, &headers, body.as_bytes())
    }

    #[test]
    fn a_conflict_asks_for_a_new_decision_and_not_for_patience() {
        assert!(matches!(failure(409, "{}"), Failure::Conflict));
    }

    #[test]
    fn a_busy_server_is_asked_again_when_it_wants_to_be() {
        for status in [401, 403, 429, 500, 503, 504] {
            let Failure::Passing { retry_after, .. } = failure(status, "{}") else {
                panic!("{status} is not passing");
            };
            assert_eq!(retry_after, Some(Duration::from_secs(7)));
        }
    }

    #[test]
    fn a_refusal_names_the_servers_reason() {
        let Failure::Refused(cause) = failure(422, r#"{"message": "status.phase: Invalid"}"#)
        else {
            panic!("not refused");
        };
        assert_eq!(cause, "422: status.phase: Invalid");
    }
}
