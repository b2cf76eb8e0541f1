//! Refusals as the API server words them: a `Status` with code, reason, message and details.

use bytes::Bytes;
use http::StatusCode;
use serde::Serialize;
use serde_json::{Value, json};

use super::resource::Resource;

/// A request that is answered with a `Status` of kind failure.
#[derive(Clone, Debug)]
pub(super) struct Failure {
    pub(super) code: StatusCode,
    reason: &'static str,
    message: Box<str>,
    details: Details,
    /// Seconds, sent as a header and in the details.
    pub(super) retry_after: Option<u32>,
    /// Only with an expired list: where to go on without a consistent snapshot.
    resume: Option<Box<str>>,
}

/// What a failure says beside its message.
#[derive(Clone, Debug, Serialize)]
#[serde(untagged)]
enum Details {
    None,
    /// The object that was asked for; frequent, so it is kept as it is.
    About {
        name: Box<str>,
        #[serde(skip_serializing_if = "str::is_empty")]
        group: Box<str>,
        kind: Box<str>,
    },
    Other(Value),
}

/// The `Status` object, in the order in which its fields are sent.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Status<'a> {
    kind: &'static str,
    api_version: &'static str,
    metadata: StatusMetadata<'a>,
    status: &'static str,
    message: &'a str,
    #[serde(skip_serializing_if = "str::is_empty")]
    reason: &'static str,
    #[serde(skip_serializing_if = "Details::is_none")]
    details: &'a Details,
    code: u16,
}

#[derive(Serialize)]
struct StatusMetadata<'a> {
    #[serde(rename = "continue", skip_serializing_if = "Option::is_none")]
    resume: Option<&'a str>,
}

impl Details {
    #[expect(
        clippy::trivially_copy_pass_by_ref,
        reason = "serde passes a reference"
    )]
    fn is_none(details: &&Self) -> bool {
        matches!(details, Self::None)
    }
}

/// One broken rule of an invalid object.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Cause {
    pub(super) field: String,
    /// `FieldValueInvalid`, `FieldValueRequired` and so on.
    pub(super) reason: &'static str,
    pub(super) message: String,
}

impl Failure {
    pub(super) fn new(
        code: StatusCode,
        reason: &'static str,
        message: impl Into<Box<str>>,
    ) -> Self {
        Self {
            code,
            reason,
            message: message.into(),
            details: Details::None,
            retry_after: None,
            resume: None,
        }
    }

    fn about(mut self, resource: &Resource, name: &str) -> Self {
        self.details = Details::About {
            name: name.into(),
            group: resource.group.clone(),
            kind: resource.plural.clone(),
        };
        self
    }

    pub(super) fn bad_request(message: impl Into<Box<str>>) -> Self {
        Self::new(StatusCode::BAD_REQUEST, "BadRequest", message)
    }

    pub(super) fn unknown_path() -> Self {
        let message = "the server could not find the requested resource";
        let mut failure = Self::new(StatusCode::NOT_FOUND, "NotFound", message);
        failure.details = Details::Other(json!({}));
        failure
    }

    pub(super) fn not_found(resource: &Resource, name: &str) -> Self {
        let message = format!("{} {name:?} not found", resource.qualified());
        Self::new(StatusCode::NOT_FOUND, "NotFound", message).about(resource, name)
    }

    pub(super) fn already_exists(resource: &Resource, name: &str) -> Self {
        let message = format!("{} {name:?} already exists", resource.qualified());
        Self::new(StatusCode::CONFLICT, "AlreadyExists", message).about(resource, name)
    }

    pub(super) fn conflict(resource: &Resource, name: &str, why: &str) -> Self {
        let message = format!(
            "Operation cannot be fulfilled on {} {name:?}: {why}",
            resource.qualified()
        );
        Self::new(StatusCode::CONFLICT, "Conflict", message).about(resource, name)
    }

    pub(super) fn modified_meanwhile(resource: &Resource, name: &str) -> Self {
        let why = "the object has been modified; please apply your changes to the latest version and try again";
        Self::conflict(resource, name, why)
    }

    /// Fields that other managers own, met by an apply without force.
    pub(super) fn apply_conflict(message: String, causes: &[Cause]) -> Self {
        let mut failure = Self::new(StatusCode::CONFLICT, "Conflict", message);
        failure.details = Details::Other(json!({"causes": causes_json(causes)}));
        failure
    }

    pub(super) fn invalid(resource: &Resource, name: &str, causes: &[Cause]) -> Self {
        let messages: Vec<String> = causes
            .iter()
            .map(|cause| format!("{}: {}", cause.field, cause.message))
            .collect();
        let listed = match &messages[..] {
            [one] => one.clone(),
            several => format!("[{}]", several.join(", ")),
        };
        let subject = resource.qualified_kind();
        let message = format!("{subject} {name:?} is invalid: {listed}");
        let mut failure = Self::new(StatusCode::UNPROCESSABLE_ENTITY, "Invalid", message);
        failure.details = Details::Other(json!({
            "name": name,
            "group": resource.group,
            "kind": resource.kind,
            "causes": causes_json(causes),
        }));
        failure
    }

    pub(super) fn unprocessable(message: impl Into<Box<str>>) -> Self {
        Self::new(StatusCode::UNPROCESSABLE_ENTITY, "Invalid", message)
    }

    /// A patch that does not apply.
    pub(super) fn rejected() -> Self {
        let mut failure =
            Self::unprocessable("the server rejected our request due to an error in our request");
        failure.details = Details::Other(json!({}));
        failure
    }

    /// What the real server, too, answers as if the fault were its own.
    pub(super) fn unexplained(message: impl Into<Box<str>>) -> Self {
        Self::new(StatusCode::INTERNAL_SERVER_ERROR, "", message)
    }

    /// A delete whose preconditions do not hold; unlike elsewhere the subject is the kind.
    pub(super) fn precondition(resource: &Resource, name: &str, why: &str) -> Self {
        let subject = resource.qualified_kind();
        let message = format!("Operation cannot be fulfilled on {subject} {name:?}: {why}");
        let mut failure = Self::new(StatusCode::CONFLICT, "Conflict", message);
        failure.details =
            Details::Other(json!({"name": name, "group": resource.group, "kind": resource.kind}));
        failure
    }

    /// Options of a request that are invalid whatever it is about.
    pub(super) fn invalid_options(kind: &str, field: &str, message: &str) -> Self {
        let reason = match message.split(' ').next() {
            Some("Unsupported") => "FieldValueNotSupported",
            Some("Required") => "FieldValueRequired",
            _ => "FieldValueForbidden",
        };
        let whole = format!("{kind}.meta.k8s.io \"\" is invalid: {field}: {message}");
        let mut failure = Self::new(StatusCode::UNPROCESSABLE_ENTITY, "Invalid", whole);
        failure.details = Details::Other(json!({
            "group": "meta.k8s.io",
            "kind": kind,
            "causes": [{"reason": reason, "message": message, "field": field}],
        }));
        failure
    }

    pub(super) fn forbidden(resource: &Resource, name: &str, why: &str) -> Self {
        let message = format!("{} {name:?} is forbidden: {why}", resource.qualified());
        Self::new(StatusCode::FORBIDDEN, "Forbidden", message).about(resource, name)
    }

    pub(super) fn method_not_allowed() -> Self {
        let message = "the server does not allow this method on the requested resource";
        let mut failure = Self::new(StatusCode::METHOD_NOT_ALLOWED, "MethodNotAllowed", message);
        failure.details = Details::Other(json!({}));
        failure
    }

    pub(super) fn unsupported_media_type(accepted: &str) -> Self {
        let message = format!(
            "the body of the request was in an unknown format - accepted media types include: {accepted}"
        );
        Self::new(
            StatusCode::UNSUPPORTED_MEDIA_TYPE,
            "UnsupportedMediaType",
            message,
        )
    }

    pub(super) fn expired(message: impl Into<Box<str>>) -> Self {
        Self::new(StatusCode::GONE, "Expired", message)
    }

    pub(super) fn too_old(asked: u64, oldest: u64) -> Self {
        Self::expired(format!("too old resource version: {asked} ({oldest})"))
    }

    /// A page that can no longer be consistent with the pages before it.
    pub(super) fn expired_page(resume: String) -> Self {
        let message = "The provided continue parameter is too old to display a consistent list result. \
             You can start a new list without the continue parameter, or use the continue token in this response \
             to retrieve the remainder of the results. Continuing with the provided token results in an \
             inconsistent list - objects that were created, modified, or deleted between the time the first chunk \
             was returned and now may show up in the list.";
        let mut failure = Self::expired(message);
        failure.resume = Some(resume.into());
        failure
    }

    pub(super) fn version_in_the_future(asked: u64, current: u64) -> Self {
        let message = format!("Timeout: Too large resource version: {asked}, current: {current}");
        let mut failure = Self::new(StatusCode::GATEWAY_TIMEOUT, "Timeout", message);
        failure.details = Details::Other(json!({
            "causes": [{"reason": "ResourceVersionTooLarge", "message": "Too large resource version"}],
            "retryAfterSeconds": 1,
        }));
        failure
    }

    pub(super) fn internal(message: &str) -> Self {
        let message = format!("Internal error occurred: {message}");
        let mut failure = Self::new(StatusCode::INTERNAL_SERVER_ERROR, "InternalError", message);
        failure.details = Details::Other(json!({"causes": [{"message": failure.message}]}));
        failure
    }

    pub(super) fn timeout() -> Self {
        let message = "Timeout: request did not complete within the allotted timeout";
        Self::new(StatusCode::GATEWAY_TIMEOUT, "Timeout", message)
    }

    pub(super) fn too_many_requests(retry_after: u32) -> Self {
        let message = "Too many requests, please try again later.";
        let mut failure = Self::new(StatusCode::TOO_MANY_REQUESTS, "TooManyRequests", message);
        failure.details = Details::Other(json!({"retryAfterSeconds": retry_after}));
        failure.retry_after = Some(retry_after);
        failure
    }

    /// The `Status` object.
    pub(super) fn body(&self) -> Bytes {
        let status = Status {
            kind: "Status",
            api_version: "v1",
            metadata: StatusMetadata {
                resume: self.resume.as_deref(),
            },
            status: "Failure",
            message: &self.message,
            reason: self.reason,
            details: &self.details,
            code: self.code.as_u16(),
        };
        Bytes::from(serde_json::to_vec(&status).expect("a status has only texts and numbers"))
    }

    /// The watch event that ends a watch with this failure.
    pub(super) fn watch_frame(&self) -> Bytes {
        let mut frame = br#"{"type":"ERROR","object":"#.to_vec();
        frame.extend_from_slice(&self.body());
        frame.extend_from_slice(b"}\n");
        Bytes::from(frame)
    }
}

fn causes_json(causes: &[Cause]) -> Vec<Value> {
    causes
        .iter()
        .map(
            |cause| json!({"reason": cause.reason, "message": cause.message, "field": cause.field}),
        )
        .collect()
}
