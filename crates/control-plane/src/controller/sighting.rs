//! What the controller sees of a Query without reading all of it.
//!
//! Every watch event, every reply to a write and every read is first taken in like this: the body is kept as it came,
//! and one quick pass takes out the few fields that decide what happens next. Most are echoes of our own writes and
//! need no more. The whole Query is parsed once, when its turn comes; if its spec cannot be understood, that ends in
//! the status of this Query and does not blind the watch to all others.

use std::borrow::Cow;

use bytes::Bytes;
use jiff::Timestamp;
use kube::api::ObjectMeta;
use kube::core::NamespaceResourceScope;
use query_api::query::{Phase, QUERY_FINALIZER, Query, QuerySpec};
use serde::{Deserialize, Deserializer};
use serde_json::value::RawValue;

use crate::transition::{CLAIM_ANNOTATION, deadline};

/// One look at a Query.
#[derive(Debug, Clone)]
pub(super) struct Sighting {
    pub(super) namespace: Box<str>,
    pub(super) name: Box<str>,
    pub(super) glance: Glance,
    body: Bytes,
}

/// The fields of a Query that decide what happens next.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Glance {
    /// Tells a Query from an earlier one of the same name.
    pub(super) uid: Box<str>,
    pub(super) version: Version,
    pub(super) phase: Phase,
    pub(super) is_canceling: bool,
    pub(super) is_deleting: bool,
    pub(super) has_finalizer: bool,
    /// Who has claimed it; `None` if nobody has.
    pub(super) claimant: Option<Box<str>>,
    /// When it has waited too long to be started; `None` if it may wait for ever or has been started.
    pub(super) deadline: Option<Timestamp>,
}

/// A `resourceVersion` that can be compared with others of the same object.
///
/// Kubernetes guarantees the order since 1.35 and has always had it. A text that is not a number is older than
/// nothing, so that nothing is ever ignored because of it; preconditions and fresh reads then do all the guarding.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(super) struct Version(u64);

impl Version {
    pub(super) fn of(resource_version: &str) -> Self {
        Self(resource_version.parse().unwrap_or(0))
    }

    /// Whether an object in this version holds nothing that one in `other` does not.
    pub(super) fn is_covered_by(self, other: Self) -> bool {
        self.0 != 0 && self.0 <= other.0
    }
}

impl Glance {
    /// Whether an execution of the Query has to stop.
    pub(super) fn is_interrupting(&self) -> bool {
        self.is_canceling || self.is_deleting
    }
}

impl Sighting {
    /// Takes in a body; an error means that it is no Kubernetes object with a name, let alone a Query.
    pub(super) fn of(body: Bytes) -> Result<Self, serde_json::Error> {
        Self::with_version(body).map(|(sighting, _)| sighting)
    }

    /// Takes in a body and tells its `resourceVersion` as it stands there.
    fn with_version(body: Bytes) -> Result<(Self, String), serde_json::Error> {
        let outline: Outline<'_> = serde_json::from_slice(&body)?;
        let metadata = outline.metadata;
        let resource_version = metadata.resource_version.to_string();
        let spec = outline.spec.unwrap_or_default();
        let status = outline.status.unwrap_or_default();
        let phase = status.phase.unwrap_or_default();
        let deadline = match phase {
            Phase::Pending | Phase::Provisioning | Phase::Queued => spec.deadline(&metadata),
            _ => None,
        };
        let sighting = Self {
            namespace: metadata.namespace.into(),
            name: metadata.name.into(),
            glance: Glance {
                uid: metadata.uid.into(),
                version: Version::of(&resource_version),
                phase,
                is_canceling: spec.cancel.unwrap_or_default(),
                is_deleting: metadata.deletion_timestamp.is_some(),
                has_finalizer: metadata
                    .finalizers
                    .iter()
                    .flatten()
                    .any(|finalizer| finalizer == QUERY_FINALIZER),
                claimant: metadata
                    .annotations
                    .and_then(|annotations| annotations.claimant)
                    .map(Into::into),
                deadline,
            },
            body,
        };
        Ok((sighting, resource_version))
    }

    /// The whole Query, and why its spec or status cannot be understood, if so.
    ///
    /// Such a Query has an empty spec and no status: enough to end it with an error.
    pub(super) fn query(&self) -> (Query, Option<String>) {
        match serde_json::from_slice(&self.body) {
            Ok(query) => (query, None),
            Err(error) => (
                self.without_spec(),
                Some(format!("it cannot be read: {error}")),
            ),
        }
    }

    fn without_spec(&self) -> Query {
        #[derive(Deserialize)]
        struct Shell {
            metadata: ObjectMeta,
        }
        let shell = serde_json::from_slice::<Shell>(&self.body).ok();
        let mut query = Query::new(&self.name, QuerySpec::default());
        query.metadata = shell.map(|shell| shell.metadata).unwrap_or_default();
        query.spec.cancel = self.glance.is_canceling;
        query.status.get_or_insert_default().phase = self.glance.phase;
        query
    }
}

#[derive(Deserialize)]
struct Outline<'a> {
    #[serde(borrow)]
    metadata: OutlineMetadata<'a>,
    spec: Option<OutlineSpec>,
    status: Option<OutlineStatus>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct OutlineMetadata<'a> {
    #[serde(borrow)]
    name: Cow<'a, str>,
    #[serde(borrow)]
    namespace: Cow<'a, str>,
    #[serde(borrow, default)]
    uid: Cow<'a, str>,
    #[serde(borrow)]
    resource_version: Cow<'a, str>,
    creation_timestamp: Option<Cow<'a, str>>,
    deletion_timestamp: Option<serde::de::IgnoredAny>,
    finalizers: Option<Vec<Cow<'a, str>>>,
    annotations: Option<OutlineAnnotations>,
}

#[derive(Deserialize)]
struct OutlineAnnotations {
    #[serde(rename = "plimsoll/claimed-by")]
    claimant: Option<String>,
}

// The derive above can only take a literal.
const _: () = assert!(matches!(
    CLAIM_ANNOTATION.as_bytes(),
    b"plimsoll/claimed-by"
));

#[derive(Deserialize, Default)]
#[serde(rename_all = "camelCase")]
struct OutlineSpec {
    cancel: Option<bool>,
    target: Option<serde::de::IgnoredAny>,
    timeout: Option<String>,
}

#[derive(Deserialize, Default)]
struct OutlineStatus {
    phase: Option<Phase>,
}

impl OutlineSpec {
    fn deadline(&self, metadata: &OutlineMetadata<'_>) -> Option<Timestamp> {
        self.target.as_ref()?;
        let created = metadata.creation_timestamp.as_ref()?.parse().ok()?;
        let timeout = self.timeout.as_ref().and_then(|text| text.parse().ok());
        Some(deadline(created, timeout))
    }
}

/// A Query as `kube`'s watcher carries it: with the one field that the watcher reads.
#[derive(Debug, Clone)]
pub(super) struct Watched {
    metadata: ObjectMeta,
    pub(super) sighting: Sighting,
}

impl<'de> Deserialize<'de> for Watched {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let raw = Box::<RawValue>::deserialize(deserializer)?;
        let body = Bytes::from(Box::<str>::from(raw).into_boxed_bytes());
        let (sighting, resource_version) =
            Sighting::with_version(body).map_err(serde::de::Error::custom)?;
        Ok(Self {
            metadata: ObjectMeta {
                resource_version: Some(resource_version),
                ..ObjectMeta::default()
            },
            sighting,
        })
    }
}

impl kube::Resource for Watched {
    type DynamicType = ();
    type Scope = NamespaceResourceScope;

    fn kind(_: &()) -> Cow<'_, str> {
        Query::kind(&())
    }

    fn group(_: &()) -> Cow<'_, str> {
        Query::group(&())
    }

    fn version(_: &()) -> Cow<'_, str> {
        Query::version(&())
    }

    fn plural(_: &()) -> Cow<'_, str> {
        Query::plural(&())
    }

    fn meta(&self) -> &ObjectMeta {
        &self.metadata
    }

    fn meta_mut(&mut self) -> &mut ObjectMeta {
        &mut self.metadata
    }
}
