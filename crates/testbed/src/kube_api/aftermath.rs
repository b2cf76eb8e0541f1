//! What a stored change brings about elsewhere: definitions add and remove kinds, namespaces empty themselves.
//!
//! On a real server, controllers beside it do this after a while; here it is done when the write is answered.

use std::sync::Arc;

use k8s_openapi::apiextensions_apiserver::pkg::apis::apiextensions::v1::CustomResourceDefinition;

use super::failure::Failure;
use super::object::{Change, Object};
use super::request::Params;
use super::resource::{Builtin, Resource};
use super::server::Server;
use super::table::Scope;
use super::write::Call;

impl Server {
    /// Does what follows from a stored change.
    pub(super) fn after_write(self: &Arc<Self>, resource: &Resource, object: &Object) {
        match resource.builtin {
            Some(Builtin::CustomResourceDefinition) => self.redefine(object),
            Some(Builtin::Namespace)
                if object.meta.deleting && object.change != Change::Deleted =>
            {
                self.empty_namespace(object.meta.name());
            }
            _ if object.change == Change::Deleted => self.finish_namespace(object.meta.namespace()),
            _ => {}
        }
    }

    /// Serves what a definition says from now on, or no more; the objects stay with the kind.
    fn redefine(&self, object: &Object) {
        let Ok(crd) = serde_json::from_slice::<CustomResourceDefinition>(object.body_bytes())
        else {
            return;
        };
        self.change_resources(|resources| {
            let is_it = |resource: &Arc<Resource>| {
                *resource.plural == *crd.spec.names.plural && *resource.group == *crd.spec.group
            };
            let position = resources.iter().position(is_it);
            let old = position.map(|position| resources.remove(position));
            if object.change == Change::Deleted {
                return old;
            }
            let objects = match old {
                Some(old) => Arc::clone(&old.objects),
                None => self.new_objects(),
            };
            // The definition was compiled when it was admitted, so it compiles.
            if let Ok(Some(custom)) = Resource::custom(&crd, objects) {
                resources.push(Arc::new(custom));
            }
            None
        });
    }

    /// Deletes everything in a namespace, and the namespace once nothing is left.
    ///
    /// Finalizers of the objects are waited for.
    fn empty_namespace(self: &Arc<Self>, namespace: &str) {
        let params = Params::default();
        for resource in self
            .resources()
            .iter()
            .filter(|resource| resource.namespaced)
        {
            let call = Call {
                server: self,
                resource,
                namespace,
                name: "",
                is_status: false,
                is_apply: false,
                params: &params,
            };
            let removed: Result<_, Failure> =
                call.delete_collection(&Default::default(), &Default::default());
            drop(removed);
        }
        self.finish_namespace(namespace);
    }

    /// Removes a namespace that is being deleted and has nothing in it.
    fn finish_namespace(&self, namespace: &str) {
        let namespaces = self.builtin(Builtin::Namespace);
        let Some(going) = namespaces.objects.table.get("", namespace) else {
            return;
        };
        let scope = Scope {
            namespace,
            after: None,
            limit: 1,
        };
        let is_empty = |resource: &Arc<Resource>| {
            let first = resource.objects.table.page(scope, None, &|_| true);
            first.is_ok_and(|page| page.objects.is_empty())
        };
        let mut namespaced = self.resources();
        Arc::make_mut(&mut namespaced).retain(|resource| resource.namespaced);
        if going.meta.deleting && namespaced.iter().all(is_empty) {
            let last = going.draft();
            // If it changed meanwhile, whoever changed it comes by here too.
            let _ = namespaces
                .objects
                .table
                .remove(&namespaces.head, &going, &last);
        }
    }
}
