//! Server-side apply: who set which field, and what happens when two do.
//!
//! Owners are written down from the first apply on, in `managedFields` as the API server writes them. Objects
//! that were never applied carry none, which keeps the usual path short; their first apply meets all that is
//! there as the property of `before-first-apply`, as the API server does for objects without owners.

mod fields;

use std::borrow::Cow;

use super::failure::{Cause, Failure};
use super::json::{Json, Members};
use super::metadata;
use super::write::{Call, Written, parse_body};

use fields::{Fields, Guide};

/// One entry of `managedFields`.
#[derive(Clone, Debug)]
struct Owner {
    manager: String,
    is_apply: bool,
    is_status: bool,
    time: String,
    fields: Fields,
}

/// The metadata that clients can own.
const OWNABLE: [&str; 4] = ["labels", "annotations", "finalizers", "ownerReferences"];

pub(super) fn apply(call: &Call<'_>, body: &[u8]) -> Result<Written, Failure> {
    if call.params.field_manager.is_empty() {
        let message = "Required value: is required for apply patch";
        return Err(Failure::invalid_options(
            "PatchOptions",
            "fieldManager",
            message,
        ));
    }
    let config = parse_body(body)?.into_owned();
    call.resource.check_envelope(&config)?;
    let own = config.get("metadata");
    if own
        .and_then(|own| own.get("managedFields"))
        .and_then(Json::as_array)
        .is_some_and(|list| !list.is_empty())
    {
        return Err(Failure::bad_request("metadata.managedFields must be nil"));
    }
    let named = own.and_then(|own| own.get("name")).and_then(Json::as_str);
    if named.is_some_and(|name| name != call.name) {
        return Err(Failure::bad_request(format!(
            "the name of the object ({}) does not match the name on the URL ({})",
            named.unwrap_or_default(),
            call.name
        )));
    }
    let mut applied = ownable(&config, call);
    if let (Some(schema), Json::Object(members)) = (&call.resource.schema, &mut applied) {
        schema.prune_root(members);
    }
    let is_there = call
        .resource
        .objects
        .table
        .get(call.namespace, call.name)
        .is_some();
    if !is_there && !call.is_status {
        return create(call, &config, &applied);
    }
    call.update(|_, old| {
        let mut live = Json::Object(old);
        let mut owners = owners_of(&live);
        if owners.is_empty() {
            owners.push(Owner {
                manager: "before-first-apply".to_owned(),
                is_apply: false,
                is_status: false,
                time: call.server.now(),
                fields: Fields::of(&owned_part(&live), call.guide()),
            });
        }
        if let Some(version) = config
            .get("metadata")
            .and_then(|own| own.get("resourceVersion"))
            && let Some(own) = live
                .as_object_mut()
                .and_then(|live| live.get_mut("metadata"))
        {
            own.make_object().set("resourceVersion", version.clone());
        }
        change(call, &mut live, &applied, &mut owners)?;
        set_owners(&mut live, &owners, call);
        match live {
            Json::Object(members) => Ok(members),
            _ => Ok(Members::default()),
        }
    })
}

impl Call<'_> {
    fn guide(&self) -> Guide<'_> {
        Guide::Root(self.resource.schema.as_ref())
    }
}

fn create(
    call: &Call<'_>,
    config: &Members<'static>,
    applied: &Json<'static>,
) -> Result<Written, Failure> {
    let mut members = config.clone();
    let mut own = metadata::take(&mut members)?;
    own.set("name", Json::String(call.name.to_owned().into()));
    let owner = Owner {
        manager: call.params.field_manager.to_string(),
        is_apply: true,
        is_status: false,
        time: call.server.now(),
        fields: Fields::of(applied, call.guide()),
    };
    own.set("managedFields", Json::Array(vec![owner.to_json(call)]));
    members.set("metadata", Json::Object(own));
    call.create(&Json::Object(members).to_vec())
}

/// The part of a configuration that the request is about.
fn ownable(config: &Members<'static>, call: &Call<'_>) -> Json<'static> {
    let mut part = Members::default();
    for (key, value) in &config.0 {
        match &**key {
            "apiVersion" | "kind" => {}
            "status" if call.resource.has_status && !call.is_status => {}
            key if call.is_status && key != "status" => {}
            "metadata" => {
                let mut own = Members::default();
                let given = value.as_object().map_or(&[][..], |own| &own.0[..]);
                own.0.extend(
                    given
                        .iter()
                        .filter(|(key, _)| OWNABLE.contains(&&**key))
                        .cloned(),
                );
                if !own.0.is_empty() {
                    part.set("metadata", Json::Object(own));
                }
            }
            _ => part.set(key.clone(), value.clone()),
        }
    }
    Json::Object(part)
}

/// What of a stored object belongs to somebody.
fn owned_part(live: &Json<'_>) -> Json<'static> {
    let mut part = live.clone().into_owned();
    let members = part.make_object();
    members.remove("apiVersion");
    members.remove("kind");
    if let Some(own) = members.get_mut("metadata").and_then(Json::as_object_mut) {
        own.0.retain(|(key, _)| OWNABLE.contains(&&**key));
    }
    part
}

/// Merges `applied` into `live` and settles who owns what.
fn change(
    call: &Call<'_>,
    live: &mut Json<'_>,
    applied: &Json<'static>,
    owners: &mut Vec<Owner>,
) -> Result<(), Failure> {
    let guide = call.guide();
    let manager = &*call.params.field_manager;
    let is_mine = |owner: &Owner| {
        owner.is_apply && owner.is_status == call.is_status && owner.manager == manager
    };
    let wanted = Fields::of(applied, guide);
    let before = live.clone();
    fields::merge(live, applied, guide);
    let mut conflicts = Vec::new();
    for owner in owners.iter_mut().filter(|owner| !is_mine(owner)) {
        let differs = |path: &[&str]| match (fields::find(&before, path), fields::find(live, path))
        {
            (Some(old), Some(new)) => !old.same(new),
            (old, new) => old.is_some() != new.is_some(),
        };
        let contested = wanted.shared_leaves(&owner.fields, &differs);
        if call.params.force {
            let (changed, _) = Fields::difference(Some(&before), Some(live), guide);
            owner.fields.subtract(&changed);
        } else {
            conflicts.extend(contested.into_iter().map(|field| (owner.clone(), field)));
        }
    }
    if !conflicts.is_empty() {
        return Err(conflict(call, &conflicts));
    }
    let mine = owners.iter().position(is_mine);
    let previous = mine.map(|index| owners.remove(index));
    if let Some(previous) = &previous {
        for path in previous.fields.paths() {
            let is_kept =
                wanted.reaches(&path) || owners.iter().any(|owner| owner.fields.reaches(&path));
            if !is_kept {
                fields::remove(live, &path);
            }
        }
    }
    let is_news = previous
        .as_ref()
        .is_none_or(|previous| previous.fields != wanted)
        || !before.same(live);
    let time = match &previous {
        Some(previous) if !is_news => previous.time.clone(),
        _ => call.server.now(),
    };
    let owner = Owner {
        manager: manager.to_owned(),
        is_apply: true,
        is_status: call.is_status,
        time,
        fields: wanted,
    };
    owners.insert(mine.unwrap_or(0), owner);
    owners.retain(|owner| !owner.fields.is_empty());
    Ok(())
}

fn conflict(call: &Call<'_>, conflicts: &[(Owner, String)]) -> Failure {
    let who = |owner: &Owner| {
        let using = match owner.is_apply {
            true => String::new(),
            false => format!(" using {}", call.resource.api_version),
        };
        format!("conflict with {:?}{using}", owner.manager)
    };
    let causes: Vec<Cause> = conflicts
        .iter()
        .map(|(owner, field)| Cause {
            field: field.clone(),
            reason: "FieldManagerConflict",
            message: who(owner),
        })
        .collect();
    let message = match conflicts {
        [(owner, field)] => format!("Apply failed with 1 conflict: {}: {field}", who(owner)),
        several => {
            let lines: Vec<String> = several
                .iter()
                .map(|(owner, field)| format!("{}: {field}", who(owner)))
                .collect();
            format!(
                "Apply failed with {} conflicts: {}",
                several.len(),
                lines.join("\n")
            )
        }
    };
    Failure::apply_conflict(message, &causes)
}

/// After a change that is no apply: what it changed is owned by who changed it.
///
/// Objects without owners stay without.
pub(super) fn keep_owners_true(
    call: &Call<'_>,
    old: &Members<'_>,
    new: &Members<'_>,
    old_own: &Members<'_>,
    own: &mut Members<'_>,
) {
    if call.is_apply || old_own.get("managedFields").is_none() {
        return;
    }
    let whole = |members: &Members<'_>, own: &Members<'_>| {
        let mut members = members.clone();
        members.set("metadata", Json::Object(own.clone()));
        owned_part(&Json::Object(members))
    };
    let mut before = old.clone();
    before.set("metadata", Json::Object(old_own.clone()));
    let mut owners = owners_of(&Json::Object(before));
    let (old, new) = (whole(old, old_own), whole(new, own));
    let (changed, gone) = Fields::difference(Some(&old), Some(&new), call.guide());
    if changed.is_empty() && gone.is_empty() {
        return;
    }
    let manager = match &*call.params.field_manager {
        "" => "unknown",
        manager => manager,
    };
    for owner in &mut owners {
        owner.fields.subtract(&changed);
        owner.fields.subtract(&gone);
    }
    let is_mine = |owner: &&mut Owner| {
        !owner.is_apply && owner.is_status == call.is_status && owner.manager == manager
    };
    match owners.iter_mut().find(is_mine) {
        Some(owner) => {
            owner.fields.add(&changed);
            owner.time = call.server.now();
        }
        None => owners.push(Owner {
            manager: manager.to_owned(),
            is_apply: false,
            is_status: call.is_status,
            time: call.server.now(),
            fields: changed,
        }),
    }
    owners.retain(|owner| !owner.fields.is_empty());
    let list = owners.iter().map(|owner| owner.to_json(call)).collect();
    own.set("managedFields", Json::Array(list));
}

fn owners_of(object: &Json<'_>) -> Vec<Owner> {
    let list = object
        .get("metadata")
        .and_then(|own| own.get("managedFields"));
    let entries = list.and_then(Json::as_array).unwrap_or_default();
    entries
        .iter()
        .filter_map(Json::as_object)
        .map(Owner::parse)
        .collect()
}

fn set_owners(object: &mut Json<'_>, owners: &[Owner], call: &Call<'_>) {
    let list = owners.iter().map(|owner| owner.to_json(call)).collect();
    if let Some(own) = object
        .as_object_mut()
        .and_then(|members| members.get_mut("metadata"))
    {
        own.make_object().set("managedFields", Json::Array(list));
    }
}

impl Owner {
    fn parse(entry: &Members<'_>) -> Self {
        let text = |key: &str| entry.str(key).unwrap_or_default().to_owned();
        Self {
            manager: text("manager"),
            is_apply: entry.str("operation") == Some("Apply"),
            is_status: entry.str("subresource") == Some("status"),
            time: text("time"),
            fields: entry.get("fieldsV1").map(Fields::parse).unwrap_or_default(),
        }
    }

    fn to_json(&self, call: &Call<'_>) -> Json<'static> {
        let text = |text: &str| Json::String(Cow::Owned(text.to_owned()));
        let mut entry = Members::default();
        entry.set("manager", text(&self.manager));
        entry.set(
            "operation",
            Json::string(if self.is_apply { "Apply" } else { "Update" }),
        );
        entry.set("apiVersion", text(&call.resource.api_version));
        entry.set("time", text(&self.time));
        entry.set("fieldsType", Json::string("FieldsV1"));
        entry.set("fieldsV1", self.fields.to_json());
        if self.is_status {
            entry.set("subresource", Json::string("status"));
        }
        Json::Object(entry)
    }
}
