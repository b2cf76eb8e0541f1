//! The state behind all clients of one server: its kinds, its faults, its clock and its numbers.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use k8s_openapi::apiextensions_apiserver::pkg::apis::apiextensions::v1::CustomResourceDefinition;
use parking_lot::RwLock;

use super::Settings;
use super::clock::Clock;
use super::failure::Failure;
use super::faults::Faults;
use super::json::Members;
use super::meter::{Counters, Counts, Meter};
use super::request::Params;
use super::resource::{Builtin, Objects, Resource};
use super::table::{Table, Versions};
use super::write::Call;
use crate::hash::{STEP, mix};

/// The state that all clients share.
#[derive(Debug)]
pub(super) struct Server {
    pub(super) settings: Settings,
    pub(super) meter: Meter,
    pub(super) faults: Faults,
    versions: Arc<Versions>,
    resources: RwLock<Arc<Vec<Arc<Resource>>>>,
    clock: Clock,
    /// State of the sequence behind uids and generated names; its seed is fixed, so that runs repeat.
    sequence: AtomicU64,
}

impl Server {
    pub(super) fn new(settings: Settings) -> Self {
        let versions = Arc::new(Versions::new());
        let builtin = |kind| Arc::new(Resource::builtin(kind, new_objects(&versions, settings)));
        let resources = Builtin::ALL.into_iter().map(builtin).collect();
        Self {
            settings,
            meter: Meter::default(),
            faults: Faults::new(),
            resources: RwLock::new(Arc::new(resources)),
            versions,
            clock: Clock::default(),
            sequence: AtomicU64::new(0),
        }
    }

    pub(super) fn resources(&self) -> Arc<Vec<Arc<Resource>>> {
        Arc::clone(&self.resources.read())
    }

    pub(super) fn find(&self, group: &str, version: &str, plural: &str) -> Option<Arc<Resource>> {
        let resources = self.resources.read();
        let is_it = |resource: &&Arc<Resource>| {
            *resource.plural == *plural
                && *resource.group == *group
                && *resource.version == *version
        };
        resources.iter().find(is_it).cloned()
    }

    pub(super) fn builtin(&self, builtin: Builtin) -> Arc<Resource> {
        let resources = self.resources.read();
        let found = resources
            .iter()
            .find(|resource| resource.builtin == Some(builtin));
        Arc::clone(found.expect("built-in resources are there from the start"))
    }

    /// Installs a definition as if it came through the API.
    pub(super) fn install(self: &Arc<Self>, crd: &CustomResourceDefinition) {
        let resource = self.builtin(Builtin::CustomResourceDefinition);
        let params = Params::default();
        let call = Call {
            server: self,
            resource: &resource,
            namespace: "",
            name: "",
            is_status: false,
            is_apply: false,
            params: &params,
        };
        let body = serde_json::to_vec(crd).expect("a definition serialises");
        if let Err(failure) = call.create(&body) {
            panic!("the definition cannot be installed: {failure:?}");
        }
    }

    pub(super) fn now(&self) -> String {
        self.clock.now()
    }

    pub(super) fn new_uid(&self) -> String {
        let (high, low) = (self.random(), self.random());
        let high = high & 0xffff_ffff_ffff_0fff | 0x4000;
        let low = low & 0x3fff_ffff_ffff_ffff | 0x8000_0000_0000_0000;
        format!(
            "{:08x}-{:04x}-{:04x}-{:04x}-{:012x}",
            high >> 32,
            high >> 16 & 0xffff,
            high & 0xffff,
            low >> 48,
            low & 0xffff_ffff_ffff
        )
    }

    /// `prefix` and five characters, cut so that the name stays short enough.
    pub(super) fn generate_name(&self, prefix: &str) -> String {
        const ALPHABET: &[u8; 27] = b"bcdfghjklmnpqrstvwxz2456789";
        const LONGEST_PREFIX: usize = 58;
        let mut random = self.random();
        let mut name: String = prefix.chars().take(LONGEST_PREFIX).collect();
        for _ in 0..5 {
            name.push(char::from(ALPHABET[(random % 27) as usize]));
            random /= 27;
        }
        name
    }

    fn random(&self) -> u64 {
        mix(self.sequence.fetch_add(STEP, Ordering::Relaxed))
    }

    /// Refuses objects in namespaces that are missing or going, where that is asked for.
    pub(super) fn admit_into_namespace(
        &self,
        resource: &Resource,
        namespace: &str,
        own: &Members<'_>,
    ) -> Result<(), Failure> {
        if !self.settings.strict_namespaces {
            return Ok(());
        }
        let namespaces = self.builtin(Builtin::Namespace);
        let Some(found) = namespaces.objects.table.get("", namespace) else {
            return Err(Failure::not_found(&namespaces, namespace));
        };
        if found.meta.deleting {
            let why = format!(
                "unable to create new content in namespace {namespace} because it is being terminated"
            );
            return Err(Failure::forbidden(
                resource,
                own.str("name").unwrap_or_default(),
                &why,
            ));
        }
        Ok(())
    }

    /// Room for the objects of one more kind.
    pub(super) fn new_objects(&self) -> Arc<Objects> {
        new_objects(&self.versions, self.settings)
    }

    /// Changes the kinds that are served; what `change` returns is served no more and its watches end.
    pub(super) fn change_resources(
        &self,
        change: impl FnOnce(&mut Vec<Arc<Resource>>) -> Option<Arc<Resource>>,
    ) {
        let mut resources = self.resources.write();
        let mut next = (**resources).clone();
        let gone = change(&mut next);
        *resources = Arc::new(next);
        drop(resources);
        if let Some(gone) = gone {
            gone.objects.table.end_watches();
        }
    }

    pub(super) fn counts(&self) -> Counts {
        let mut counts = Counts::default();
        for resource in self.resources().iter() {
            resource
                .objects
                .counters
                .collect(&resource.plural, &mut counts);
        }
        counts
    }

    pub(super) fn n_objects(&self, plural: &str) -> usize {
        let resources = self.resources();
        let of_plural = resources
            .iter()
            .filter(|resource| *resource.plural == *plural);
        of_plural.map(|resource| resource.objects.table.len()).sum()
    }

    pub(super) fn drop_watches(&self) {
        self.faults.start_epoch();
        for resource in self.resources().iter() {
            resource.objects.table.wake_all();
        }
    }

    pub(super) fn compact(&self) {
        for resource in self.resources().iter() {
            resource.objects.table.forget_history();
        }
    }
}

fn new_objects(versions: &Arc<Versions>, settings: Settings) -> Arc<Objects> {
    Arc::new(Objects {
        table: Table::new(Arc::clone(versions), settings.history_size),
        counters: Counters::default(),
    })
}
