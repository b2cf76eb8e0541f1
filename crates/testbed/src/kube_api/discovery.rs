//! Discovery: which groups, versions and resources there are.

use bytes::Bytes;
use http::StatusCode;
use http::header::ACCEPT;
use http::request::Parts;
use serde_json::{Value, json};

use super::body::ReplyBody;
use super::failure::Failure;
use super::request::Verb;
use super::resource::Resource;
use super::server::Server;
use super::service::Reply;

/// Answers a path that is of no resource.
pub(super) fn answer(server: &Server, parts: &Parts) -> Reply {
    let resources = server.resources();
    let accept = parts
        .headers
        .get(ACCEPT)
        .and_then(|value| value.to_str().ok());
    let is_aggregated = accept.is_some_and(|accept| accept.contains("as=APIGroupDiscoveryList"));
    let mut steps = parts.uri.path().trim_matches('/').split('/');
    let of_group = |group: &str| -> Vec<&Resource> {
        let all = resources.iter().map(AsRef::as_ref);
        all.filter(|resource: &&Resource| *resource.group == *group)
            .collect()
    };
    let groups = || {
        let mut groups: Vec<&str> = resources.iter().map(|resource| &*resource.group).collect();
        groups.retain(|group| !group.is_empty());
        groups.sort_unstable();
        groups.dedup();
        groups
    };
    let document = match (steps.next(), steps.next(), steps.next(), steps.next()) {
        (Some("version"), None, ..) => json!({
            "major": "1", "minor": "35", "gitVersion": "v1.35.0+plimsoll", "gitCommit": "", "gitTreeState": "clean",
            "buildDate": "", "goVersion": "", "compiler": "", "platform": "",
        }),
        (Some("healthz" | "livez" | "readyz"), None, ..) => {
            return Ok((
                StatusCode::OK,
                ReplyBody::Once(Some(Bytes::from_static(b"ok"))),
            ));
        }
        (Some("api"), None, ..) if is_aggregated => aggregated([("", of_group(""))]),
        (Some("apis"), None, ..) if is_aggregated => {
            aggregated(groups().into_iter().map(|group| (group, of_group(group))))
        }
        (Some("api"), None, ..) => json!({
            "kind": "APIVersions",
            "versions": ["v1"],
            "serverAddressByClientCIDRs": [],
        }),
        (Some("apis"), None, ..) => json!({
            "kind": "APIGroupList",
            "apiVersion": "v1",
            "groups": groups().into_iter().map(|group| group_document(group, &of_group(group))).collect::<Vec<_>>(),
        }),
        (Some("api"), Some("v1"), None, None) => resource_list("v1", &of_group("")),
        (Some("apis"), Some(group), None, None) if !of_group(group).is_empty() => {
            let mut document = group_document(group, &of_group(group));
            document["kind"] = json!("APIGroup");
            document["apiVersion"] = json!("v1");
            document
        }
        (Some("apis"), Some(group), Some(version), None) => {
            let mut found = of_group(group);
            found.retain(|resource| *resource.version == *version);
            if found.is_empty() {
                return Err(Failure::unknown_path());
            }
            resource_list(&format!("{group}/{version}"), &found)
        }
        _ => return Err(Failure::unknown_path()),
    };
    Ok((
        StatusCode::OK,
        ReplyBody::Once(Some(Bytes::from(document.to_string()))),
    ))
}

fn versions<'a>(resources: &[&'a Resource]) -> Vec<&'a str> {
    let mut versions: Vec<&str> = resources
        .iter()
        .map(|resource| &*resource.version)
        .collect();
    versions.sort_unstable();
    versions.dedup();
    versions
}

fn group_document(group: &str, resources: &[&Resource]) -> Value {
    let version =
        |version: &str| json!({"groupVersion": format!("{group}/{version}"), "version": version});
    let versions: Vec<Value> = versions(resources).into_iter().map(version).collect();
    json!({"name": group, "preferredVersion": versions.first(), "versions": versions})
}

fn resource_list(group_version: &str, resources: &[&Resource]) -> Value {
    let mut listed = Vec::new();
    for resource in resources {
        let mut entry = json!({
            "name": resource.plural,
            "singularName": resource.singular,
            "namespaced": resource.namespaced,
            "kind": resource.kind,
            "verbs": verbs(),
        });
        if !resource.short_names.is_empty() {
            entry["shortNames"] = json!(resource.short_names);
        }
        if !resource.categories.is_empty() {
            entry["categories"] = json!(resource.categories);
        }
        listed.push(entry);
        if resource.has_status {
            listed.push(json!({
                "name": format!("{}/status", resource.plural),
                "singularName": "",
                "namespaced": resource.namespaced,
                "kind": resource.kind,
                "verbs": ["get", "patch", "update"],
            }));
        }
    }
    json!({"kind": "APIResourceList", "apiVersion": "v1", "groupVersion": group_version, "resources": listed})
}

fn verbs() -> Vec<&'static str> {
    let mut verbs: Vec<&str> = Verb::ALL.into_iter().map(Verb::as_str).collect();
    verbs.sort_unstable();
    verbs
}

/// All groups with all their resources in one document.
fn aggregated<'a>(groups: impl IntoIterator<Item = (&'a str, Vec<&'a Resource>)>) -> Value {
    let items: Vec<Value> = groups
        .into_iter()
        .map(|(group, resources)| {
            let of_version = |version: &str| {
                let of_it = resources
                    .iter()
                    .filter(|resource| *resource.version == *version);
                let listed: Vec<Value> = of_it
                    .map(|resource| aggregated_resource(resource))
                    .collect();
                json!({"version": version, "freshness": "Current", "resources": listed})
            };
            let versions: Vec<Value> = versions(&resources).into_iter().map(of_version).collect();
            json!({"metadata": {"name": group, "creationTimestamp": null}, "versions": versions})
        })
        .collect();
    json!({
        "kind": "APIGroupDiscoveryList",
        "apiVersion": "apidiscovery.k8s.io/v2",
        "metadata": {},
        "items": items,
    })
}

fn aggregated_resource(resource: &Resource) -> Value {
    let kind = json!({"group": resource.group, "version": resource.version, "kind": resource.kind});
    let mut entry = json!({
        "resource": resource.plural,
        "responseKind": kind,
        "scope": if resource.namespaced { "Namespaced" } else { "Cluster" },
        "singularResource": resource.singular,
        "shortNames": resource.short_names,
        "categories": resource.categories,
        "verbs": verbs(),
    });
    if resource.has_status {
        entry["subresources"] = json!([{
            "subresource": "status",
            "responseKind": kind,
            "verbs": ["get", "patch", "update"],
        }]);
    }
    entry
}
