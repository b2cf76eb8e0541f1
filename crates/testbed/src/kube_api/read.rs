//! Reading objects and collections, and the bodies that carry them.

use std::sync::Arc;

use bytes::Bytes;

use super::failure::Failure;
use super::json::write_string;
use super::object::{Object, write_decimal};
use super::request::Params;
use super::resource::Resource;
use super::selector::Selector;
use super::table::{Page, Scope};
use super::write::Call;

/// In which form objects are sent.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Form {
    Whole,
    /// `PartialObjectMetadata`, asked for by the Accept header.
    MetadataOnly,
}

const PARTIAL_HEAD: &[u8] =
    br#"{"kind":"PartialObjectMetadata","apiVersion":"meta.k8s.io/v1","metadata":"#;

impl Form {
    pub(super) fn of(accept: Option<&str>) -> Self {
        match accept {
            Some(accept) if accept.contains("as=PartialObjectMetadata") => Self::MetadataOnly,
            _ => Self::Whole,
        }
    }

    pub(super) fn body(self, object: &Object) -> Bytes {
        match self {
            Self::Whole => object.body(),
            Self::MetadataOnly => {
                let mut body = Vec::with_capacity(PARTIAL_HEAD.len() + 512);
                self.write(object, &mut body);
                Bytes::from(body)
            }
        }
    }

    pub(super) fn write(self, object: &Object, out: &mut Vec<u8>) {
        match self {
            Self::Whole => out.extend_from_slice(object.body_bytes()),
            Self::MetadataOnly => {
                out.extend_from_slice(PARTIAL_HEAD);
                out.extend_from_slice(object.metadata_bytes());
                out.push(b'}');
            }
        }
    }
}

/// The version a read asks for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Asked {
    /// Whatever is newest.
    Newest,
    /// Any state, old ones too.
    Any,
    NotOlderThan(u64),
    Exactly(u64),
}

impl Asked {
    pub(super) fn parse(params: &Params<'_>) -> Result<Self, Failure> {
        const MATCH: &str = "resourceVersionMatch";
        let refused = |message: &str| Failure::invalid_options("ListOptions", MATCH, message);
        let is_exact = match &*params.version_match {
            "" | "NotOlderThan" => false,
            "Exact" => true,
            other => {
                return Err(refused(&format!(
                    "Unsupported value: {other:?}: supported values: \"Exact\", \"NotOlderThan\", \"\""
                )));
            }
        };
        match &*params.resource_version {
            "" if params.version_match.is_empty() => Ok(Self::Newest),
            "" => Err(refused(
                "Forbidden: resourceVersionMatch is forbidden unless resourceVersion is provided",
            )),
            "0" if is_exact => Err(refused(
                "Forbidden: resourceVersionMatch \"exact\" is forbidden for resourceVersion \"0\"",
            )),
            "0" => Ok(Self::Any),
            text => {
                let version = text.parse().map_err(|_| {
                    Failure::bad_request(format!(
                        "invalid resource version: resourceVersion: Invalid value: {text:?}: strconv.ParseUint: parsing {text:?}: invalid syntax"
                    ))
                })?;
                Ok(if is_exact {
                    Self::Exactly(version)
                } else {
                    Self::NotOlderThan(version)
                })
            }
        }
    }

    /// Refuses a version that the server has not reached.
    pub(super) fn check_reached(self, current: u64) -> Result<(), Failure> {
        match self {
            Self::NotOlderThan(version) | Self::Exactly(version) if version > current => {
                Err(Failure::version_in_the_future(version, current))
            }
            _ => Ok(()),
        }
    }
}

/// Where a paged list goes on: the version of its snapshot and the last key sent.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Continue {
    /// `None` to go on with whatever is newest.
    version: Option<u64>,
    after: String,
}

impl Continue {
    fn parse(token: &str) -> Result<Self, Failure> {
        let (version, after) = token.split_once(':').ok_or_else(|| {
            Failure::bad_request(
                "invalid continue token: continue key is not valid: incorrect encoding",
            )
        })?;
        let version = match version {
            "-1" => None,
            text => Some(text.parse().map_err(|_| {
                Failure::bad_request(
                    "invalid continue token: continue key is not valid: incorrect version",
                )
            })?),
        };
        Ok(Self {
            version,
            after: after.to_owned(),
        })
    }

    fn token(&self) -> String {
        match self.version {
            Some(version) => format!("{version}:{}", self.after),
            None => format!("-1:{}", self.after),
        }
    }
}

/// The object a get asks for; `stale` is the version to serve instead of the newest.
pub(super) fn get(call: &Call<'_>, stale: Option<u64>) -> Result<Arc<Object>, Failure> {
    let asked = Asked::parse(call.params)?;
    let table = &call.resource.objects.table;
    if !matches!(asked, Asked::Newest | Asked::Any) {
        asked.check_reached(table.version())?;
    }
    let at = match asked {
        Asked::NotOlderThan(version) | Asked::Exactly(version) => {
            stale.map(|stale| stale.max(version))
        }
        Asked::Newest | Asked::Any => stale,
    };
    let Some(at) = at else {
        return call.current();
    };
    table
        .get_at(call.namespace, call.name, at)
        .map_err(|expired| Failure::too_old(at, expired.oldest))?
        .ok_or_else(|| call.not_found())
}

/// The body of a list response; `stale` is the version to serve instead of the newest.
pub(super) fn list(call: &Call<'_>, form: Form, stale: Option<u64>) -> Result<Bytes, Failure> {
    let Call {
        resource,
        namespace,
        params,
        ..
    } = *call;
    let selector = Selector::parse(resource, &params.label_selector, &params.field_selector)?;
    if params.send_initial_events.is_some() {
        let message = "Forbidden: sendInitialEvents is forbidden for list";
        return Err(Failure::invalid_options(
            "ListOptions",
            "sendInitialEvents",
            message,
        ));
    }
    let limit = params.limit.unwrap_or(usize::MAX);
    let matches = |object: &Object| selector.matches(object);
    let page = if params.continue_token.is_empty() {
        let asked = Asked::parse(params)?;
        if !matches!(asked, Asked::Newest | Asked::Any) {
            asked.check_reached(resource.objects.table.version())?;
        }
        let at = match asked {
            Asked::Exactly(version) => Some(version),
            Asked::Newest | Asked::Any => stale,
            Asked::NotOlderThan(version) => stale.map(|stale| stale.max(version)),
        };
        let scope = Scope {
            namespace,
            after: None,
            limit,
        };
        let page = match selector.name() {
            Some(name) if !resource.namespaced || !namespace.is_empty() => resource
                .objects
                .table
                .page_of_one(namespace, name, at, &matches),
            _ => resource.objects.table.page(scope, at, &matches),
        };
        page.map_err(|expired| Failure::too_old(at.unwrap_or(0), expired.oldest))?
    } else {
        let from = Continue::parse(&params.continue_token)?;
        let scope = Scope {
            namespace,
            after: Some(&from.after),
            limit,
        };
        let resume = || Continue {
            version: None,
            after: from.after.clone(),
        };
        let page = resource.objects.table.page(scope, from.version, &matches);
        page.map_err(|_| Failure::expired_page(resume().token()))?
    };
    Ok(list_body(resource, &page, &selector, form))
}

fn list_body(resource: &Resource, page: &Page, selector: &Selector, form: Form) -> Bytes {
    let next = match page.objects.last() {
        Some(last) if page.remaining > 0 => Some(Continue {
            version: Some(page.version),
            after: last.meta.key.to_string(),
        }),
        _ => None,
    };
    let items: usize = page
        .objects
        .iter()
        .map(|object| object.body_bytes().len() + 1)
        .sum();
    let mut body = Vec::with_capacity(items + 256);
    let (kind, api_version) = match form {
        Form::Whole => (&*resource.list_kind, resource.api_version.to_string()),
        Form::MetadataOnly => ("PartialObjectMetadataList", "meta.k8s.io/v1".to_owned()),
    };
    body.extend_from_slice(br#"{"kind":"#);
    write_string(&mut body, kind);
    body.extend_from_slice(br#","apiVersion":"#);
    write_string(&mut body, &api_version);
    body.extend_from_slice(br#","metadata":{"resourceVersion":""#);
    write_decimal(&mut body, page.version);
    body.push(b'"');
    if let Some(next) = next {
        body.extend_from_slice(br#","continue":"#);
        write_string(&mut body, &next.token());
        if selector.is_empty() {
            body.extend_from_slice(br#","remainingItemCount":"#);
            write_decimal(&mut body, page.remaining as u64);
        }
    }
    body.extend_from_slice(br#"},"items":["#);
    for (index, object) in page.objects.iter().enumerate() {
        if index > 0 {
            body.push(b',');
        }
        form.write(object, &mut body);
    }
    body.extend_from_slice(b"]}");
    Bytes::from(body)
}

/// What a delete answers when the object is gone.
pub(super) fn deleted_status(resource: &Resource, gone: &Object) -> Bytes {
    let status = serde_json::json!({
        "kind": "Status",
        "apiVersion": "v1",
        "metadata": {},
        "status": "Success",
        "details": {
            "name": gone.meta.name(),
            "group": resource.group,
            "kind": resource.plural,
            "uid": gone.meta.uid,
        },
    });
    Bytes::from(status.to_string())
}

/// What a collection delete answers: the last states of what it removed.
pub(super) fn removed_list(resource: &Resource, objects: Vec<Arc<Object>>, form: Form) -> Bytes {
    let page = Page {
        version: resource.objects.table.version(),
        objects,
        remaining: 0,
    };
    list_body(resource, &page, &Selector::default(), form)
}
