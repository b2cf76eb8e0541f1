//! What a request's path and query ask for.

use std::borrow::Cow;

use http::Method;

use super::failure::Failure;

/// The parts of a resource path, before the resource is looked up.
#[derive(Debug, PartialEq)]
pub(super) struct Target<'a> {
    pub(super) group: &'a str,
    pub(super) version: &'a str,
    pub(super) plural: &'a str,
    /// Empty in cluster scope and across namespaces.
    pub(super) namespace: &'a str,
    pub(super) name: Option<Cow<'a, str>>,
    pub(super) subresource: Option<&'a str>,
}

impl<'a> Target<'a> {
    /// `None` if the path is none of an object or a collection.
    pub(super) fn parse(path: &'a str) -> Option<Self> {
        let mut steps = path.trim_start_matches('/').split('/');
        let (group, version) = match steps.next()? {
            "api" => ("", steps.next()?),
            "apis" => (steps.next()?, steps.next()?),
            _ => return None,
        };
        let first = steps.next().filter(|step| !step.is_empty())?;
        let second = steps.next();
        let third = steps.next();
        let (plural, namespace, name, subresource) = match (first, second, third) {
            // `namespaces/x` and its subresources are the namespace itself.
            ("namespaces", Some(name), None) => (first, "", Some(name), None),
            ("namespaces", Some(name), Some(sub @ ("status" | "finalize"))) => {
                (first, "", Some(name), Some(sub))
            }
            ("namespaces", Some(namespace), Some(plural)) => {
                (plural, namespace, steps.next(), steps.next())
            }
            (plural, name, subresource) => (plural, "", name, subresource),
        };
        if steps.next().is_some() {
            return None;
        }
        Some(Self {
            group,
            version,
            plural,
            namespace,
            name: name.map(decode),
            subresource,
        })
    }
}

/// The parameters of a request's query.
#[derive(Debug, Default)]
pub(super) struct Params<'a> {
    pub(super) label_selector: Cow<'a, str>,
    pub(super) field_selector: Cow<'a, str>,
    pub(super) limit: Option<usize>,
    pub(super) continue_token: Cow<'a, str>,
    /// Empty if not given.
    pub(super) resource_version: Cow<'a, str>,
    pub(super) version_match: Cow<'a, str>,
    pub(super) watch: bool,
    pub(super) timeout_seconds: Option<u64>,
    pub(super) bookmarks: bool,
    pub(super) send_initial_events: Option<bool>,
    pub(super) dry_run: bool,
    pub(super) field_manager: Cow<'a, str>,
    pub(super) force: bool,
    pub(super) field_validation: Cow<'a, str>,
    pub(super) propagation_policy: Cow<'a, str>,
}

impl<'a> Params<'a> {
    pub(super) fn parse(query: &'a str) -> Result<Self, Failure> {
        let mut params = Self::default();
        for pair in query.split('&').filter(|pair| !pair.is_empty()) {
            let (key, value) = pair.split_once('=').unwrap_or((pair, ""));
            let value = decode(value);
            let is_true = matches!(&*value, "true" | "1");
            match key {
                "labelSelector" => params.label_selector = value,
                "fieldSelector" => params.field_selector = value,
                "limit" => {
                    params.limit = usize::try_from(number(&value)?)
                        .ok()
                        .filter(|limit| *limit > 0)
                }
                "continue" => params.continue_token = value,
                "resourceVersion" => params.resource_version = value,
                "resourceVersionMatch" => params.version_match = value,
                "watch" => params.watch = is_true,
                "timeoutSeconds" => params.timeout_seconds = u64::try_from(number(&value)?).ok(),
                "allowWatchBookmarks" => params.bookmarks = is_true,
                "sendInitialEvents" => params.send_initial_events = Some(is_true),
                "dryRun" if value == "All" => params.dry_run = true,
                "dryRun" => {
                    let message =
                        format!("Unsupported value: [{value:?}]: supported values: \"All\"");
                    return Err(Failure::invalid_options("PatchOptions", "dryRun", &message));
                }
                "fieldManager" => params.field_manager = value,
                "force" => params.force = is_true,
                "fieldValidation" => params.field_validation = value,
                "propagationPolicy" => params.propagation_policy = value,
                _ => {}
            }
        }
        Ok(params)
    }
}

/// What a request does, as the API server's authorizer names it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Verb {
    /// Reading one object.
    Get,
    /// Reading a collection.
    List,
    /// Following a collection.
    Watch,
    /// `POST` of an object.
    Create,
    /// `PUT` of an object.
    Update,
    /// `PATCH` of an object, of any kind of patch.
    Patch,
    /// Deleting one object.
    Delete,
    /// Deleting all selected objects of a collection.
    DeleteCollection,
}

impl Verb {
    pub(super) const ALL: [Self; 8] = [
        Self::Get,
        Self::List,
        Self::Watch,
        Self::Create,
        Self::Update,
        Self::Patch,
        Self::Delete,
        Self::DeleteCollection,
    ];

    pub(super) fn of(method: &Method, has_name: bool, watch: bool) -> Option<Self> {
        Some(match (method, has_name) {
            (&Method::GET, true) => Self::Get,
            (&Method::GET, false) if watch => Self::Watch,
            (&Method::GET, false) => Self::List,
            (&Method::POST, false) => Self::Create,
            (&Method::PUT, true) => Self::Update,
            (&Method::PATCH, true) => Self::Patch,
            (&Method::DELETE, true) => Self::Delete,
            (&Method::DELETE, false) => Self::DeleteCollection,
            _ => return None,
        })
    }

    /// The verb as RBAC and discovery write it.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Get => "get",
            Self::List => "list",
            Self::Watch => "watch",
            Self::Create => "create",
            Self::Update => "update",
            Self::Patch => "patch",
            Self::Delete => "delete",
            Self::DeleteCollection => "deletecollection",
        }
    }

    /// Whether a request of this verb can change the store.
    pub fn is_write(self) -> bool {
        !matches!(self, Self::Get | Self::List | Self::Watch)
    }
}

fn number(value: &str) -> Result<i64, Failure> {
    let refused = |_| {
        Failure::bad_request(format!(
            "strconv.ParseInt: parsing {value:?}: invalid syntax"
        ))
    };
    value.parse().map_err(refused)
}

/// Undoes percent-encoding and `+` for a space; bytes that make no text are replaced.
fn decode(text: &str) -> Cow<'_, str> {
    if !text.bytes().any(|byte| matches!(byte, b'%' | b'+')) {
        return Cow::Borrowed(text);
    }
    let bytes = text.as_bytes();
    let digit = |at: usize| {
        bytes
            .get(at)
            .and_then(|byte| char::from(*byte).to_digit(16))
    };
    let mut decoded = Vec::with_capacity(bytes.len());
    let mut at = 0;
    while at < bytes.len() {
        match (bytes[at], digit(at + 1), digit(at + 2)) {
            (b'%', Some(high), Some(low)) => {
                decoded.push((high * 16 + low) as u8);
                at += 3;
            }
            (b'+', _, _) => {
                decoded.push(b' ');
                at += 1;
            }
            (byte, _, _) => {
                decoded.push(byte);
                at += 1;
            }
        }
    }
    Cow::Owned(String::from_utf8_lossy(&decoded).into_owned())
}
