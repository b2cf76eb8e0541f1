//! The manifests of an Indexed Job whose pods are the workers of a run: printed, never applied by us.
//!
//! The Job's namespace is the prefix of the tenants' namespaces with `-workers` behind it. The account of the pods may
//! do what the driver does and no more: Secrets, Agents and Queries in the namespaces of the tenants alone.

use std::collections::BTreeMap;
use std::time::Duration;

use k8s_openapi::api::batch::v1::{Job, JobSpec};
use k8s_openapi::api::core::v1::{
    Capabilities, ConfigMap, ConfigMapVolumeSource, Container, Namespace, PodSpec, PodTemplateSpec,
    ResourceRequirements, SecurityContext, ServiceAccount, TopologySpreadConstraint, Volume,
    VolumeMount,
};
use k8s_openapi::api::rbac::v1::{
    ClusterRole, ClusterRoleBinding, PolicyRule, Role, RoleBinding, RoleRef, Subject,
};
use k8s_openapi::apimachinery::pkg::api::resource::Quantity;
use k8s_openapi::apimachinery::pkg::apis::meta::v1::LabelSelector;
use kube::Resource;
use kube::api::ObjectMeta;
use query_api::agent::Agent;
use query_api::model::Model;
use query_api::query::Query;
use query_api::tool::Tool;
use serde::Serialize;

use crate::driver::kubernetes::{CRD, RUN_LABEL, tenant_namespace};

/// Where pods find the scenario and the set-up.
const FOLDER: &str = "/etc/plimsoll";

/// The file of the scenario there.
const SCENARIO: &str = "scenario.toml";

/// The file of the set-up there.
const SETUP: &str = "setup.yaml";

/// The group of what may be bound in a namespace or a cluster.
const RBAC: &str = "rbac.authorization.k8s.io";

/// What the pods of a Job are to do.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct JobConfig {
    /// The name of the run, and of the Job.
    pub run: String,
    /// How many workers there are, each in a pod of its own.
    pub workers: usize,
    /// An image with `plimsoll` in its path.
    pub image: String,
    /// What the namespaces of tenants are called, before their numbers.
    pub namespace: String,
    /// How many tenants there are.
    pub tenants: usize,
    /// The text of the scenario's file.
    pub scenario: String,
    /// The name and the text of its trace, which lies beside it; unset if it has none.
    pub trace: Option<(String, String)>,
    /// The objects of a tenant as YAML; unset means the shipped ones.
    pub setup: Option<String>,
    /// More arguments of `plimsoll load`.
    pub arguments: Vec<String>,
    /// When a Job that does not end is ended.
    pub deadline: Duration,
}

/// The namespace of the workers of a run, beside those of the tenants of the same prefix.
pub fn workers_namespace(prefix: &str) -> String {
    format!("{prefix}-workers")
}

impl JobConfig {
    /// All manifests as YAML documents, in the order in which they have to be applied; the same for the same Job.
    pub fn yaml(&self) -> String {
        let mut yaml = Documents::default();
        let home = workers_namespace(&self.namespace);
        let tenants: Vec<String> = (0..self.tenants)
            .map(|tenant| tenant_namespace(&self.namespace, tenant))
            .collect();
        for namespace in std::iter::once(&home).chain(&tenants) {
            yaml.add(&Namespace {
                metadata: self.named(namespace),
                ..Namespace::default()
            });
        }
        yaml.add(&ServiceAccount {
            metadata: self.meta(&home),
            ..ServiceAccount::default()
        });
        yaml.add(&ConfigMap {
            metadata: self.meta(&home),
            data: Some(self.files()),
            ..ConfigMap::default()
        });
        yaml.add(&Role {
            metadata: self.meta(&home),
            rules: Some(vec![
                rule(
                    "coordination.k8s.io",
                    &["leases"],
                    &["create", "list", "delete"],
                ),
                rule("", &["configmaps"], &["create", "get"]),
            ]),
        });
        yaml.add(&self.bound(&home, "Role", self.run.clone()));
        yaml.add(&self.of_cluster());
        yaml.add(&ClusterRoleBinding {
            metadata: self.named(&self.run),
            role_ref: role("ClusterRole", self.run.clone()),
            subjects: Some(vec![self.account()]),
        });
        yaml.add(&self.of_tenants());
        for namespace in &tenants {
            yaml.add(&self.bound(namespace, "ClusterRole", self.tenant_role()));
        }
        yaml.add(&self.job(&home));
        yaml.text
    }

    /// What cannot be allowed in one namespace: to find out the dialect, and to make sure of namespaces.
    fn of_cluster(&self) -> ClusterRole {
        let mut definition = rule(
            "apiextensions.k8s.io",
            &["customresourcedefinitions"],
            &["get"],
        );
        definition.resource_names = Some(vec![CRD.to_owned()]);
        ClusterRole {
            metadata: self.named(&self.run),
            rules: Some(vec![definition, rule("", &["namespaces"], &["create"])]),
            ..ClusterRole::default()
        }
    }

    /// What is allowed in the namespace of each tenant.
    fn of_tenants(&self) -> ClusterRole {
        let plurals = [Agent::plural(&()), Model::plural(&()), Tool::plural(&())];
        let setup: Vec<&str> = plurals.iter().map(|plural| &**plural).collect();
        ClusterRole {
            metadata: self.named(&self.tenant_role()),
            rules: Some(vec![
                rule(
                    &Query::group(&()),
                    &[&*Query::plural(&())],
                    &["create", "list", "watch", "patch", "deletecollection"],
                ),
                rule(&Query::group(&()), &setup, &["create"]),
                rule("", &["secrets"], &["create"]),
            ]),
            ..ClusterRole::default()
        }
    }

    fn job(&self, home: &str) -> Job {
        let workers = i32::try_from(self.workers).unwrap_or(i32::MAX);
        Job {
            metadata: self.meta(home),
            spec: Some(JobSpec {
                active_deadline_seconds: i64::try_from(self.deadline.as_secs()).ok(),
                // A worker that is lost is not replaced: its starts would come too late.
                backoff_limit: Some(0),
                completion_mode: Some("Indexed".to_owned()),
                completions: Some(workers),
                parallelism: Some(workers),
                template: PodTemplateSpec {
                    metadata: Some(ObjectMeta {
                        labels: Some(self.labels()),
                        ..ObjectMeta::default()
                    }),
                    spec: Some(self.pod()),
                },
                ..JobSpec::default()
            }),
            ..Job::default()
        }
    }

    fn pod(&self) -> PodSpec {
        PodSpec {
            containers: vec![Container {
                name: "worker".to_owned(),
                image: Some(self.image.clone()),
                command: Some(vec!["plimsoll".to_owned()]),
                args: Some(self.arguments()),
                resources: Some(resources()),
                security_context: Some(unprivileged()),
                volume_mounts: Some(vec![VolumeMount {
                    name: "scenario".to_owned(),
                    mount_path: FOLDER.to_owned(),
                    read_only: Some(true),
                    ..VolumeMount::default()
                }]),
                ..Container::default()
            }],
            restart_policy: Some("Never".to_owned()),
            service_account_name: Some(self.run.clone()),
            // Two generators on one node take each other's processors.
            topology_spread_constraints: Some(vec![TopologySpreadConstraint {
                label_selector: Some(LabelSelector {
                    match_labels: Some(self.labels()),
                    ..LabelSelector::default()
                }),
                max_skew: 1,
                topology_key: "kubernetes.io/hostname".to_owned(),
                when_unsatisfiable: "ScheduleAnyway".to_owned(),
                ..TopologySpreadConstraint::default()
            }]),
            volumes: Some(vec![Volume {
                name: "scenario".to_owned(),
                config_map: Some(ConfigMapVolumeSource {
                    name: self.run.clone(),
                    ..ConfigMapVolumeSource::default()
                }),
                ..Volume::default()
            }]),
            ..PodSpec::default()
        }
    }

    fn arguments(&self) -> Vec<String> {
        let scenario = format!("{FOLDER}/{SCENARIO}");
        // Which of them a pod is, the Job says in its environment.
        let worker = format!("/{}", self.workers);
        let own = [
            "load",
            &scenario,
            "--driver",
            "kubernetes",
            "--run",
            &self.run,
            "--worker",
            &worker,
            "--namespace",
            &self.namespace,
        ];
        let setup = format!("{FOLDER}/{SETUP}");
        let setup = self.setup.as_ref().map(|_| ["--setup".to_owned(), setup]);
        let own = own.into_iter().map(str::to_owned);
        own.chain(setup.into_iter().flatten())
            .chain(self.arguments.iter().cloned())
            .collect()
    }

    fn files(&self) -> BTreeMap<String, String> {
        let scenario = (SCENARIO.to_owned(), self.scenario.clone());
        let setup = self.setup.clone().map(|setup| (SETUP.to_owned(), setup));
        let trace = self.trace.clone();
        std::iter::once(scenario)
            .chain(setup)
            .chain(trace)
            .collect()
    }

    fn tenant_role(&self) -> String {
        format!("{}-tenant", self.run)
    }

    fn bound(&self, namespace: &str, kind: &str, name: String) -> RoleBinding {
        RoleBinding {
            metadata: self.meta(namespace),
            role_ref: role(kind, name),
            subjects: Some(vec![self.account()]),
        }
    }

    fn account(&self) -> Subject {
        Subject {
            kind: "ServiceAccount".to_owned(),
            name: self.run.clone(),
            namespace: Some(workers_namespace(&self.namespace)),
            ..Subject::default()
        }
    }

    fn labels(&self) -> BTreeMap<String, String> {
        BTreeMap::from([(RUN_LABEL.to_owned(), self.run.clone())])
    }

    /// Of an object of the cluster.
    fn named(&self, name: &str) -> ObjectMeta {
        ObjectMeta {
            name: Some(name.to_owned()),
            labels: Some(self.labels()),
            ..ObjectMeta::default()
        }
    }

    /// Of an object in a namespace, called like the run.
    fn meta(&self, namespace: &str) -> ObjectMeta {
        ObjectMeta {
            namespace: Some(namespace.to_owned()),
            ..self.named(&self.run)
        }
    }
}

/// YAML documents, one after the other.
#[derive(Default)]
struct Documents {
    text: String,
}

impl Documents {
    fn add(&mut self, document: &impl Serialize) {
        let yaml = serde_saphyr::to_string(document).expect("objects of Kubernetes are YAML");
        self.text.push_str("---\n");
        self.text.push_str(&yaml);
    }
}

fn rule(group: &str, resources: &[&str], verbs: &[&str]) -> PolicyRule {
    let owned = |words: &[&str]| words.iter().map(|word| (*word).to_owned()).collect();
    PolicyRule {
        api_groups: Some(vec![group.to_owned()]),
        resources: Some(owned(resources)),
        verbs: owned(verbs),
        ..PolicyRule::default()
    }
}

fn role(kind: &str, name: String) -> RoleRef {
    RoleRef {
        api_group: Some(RBAC.to_owned()),
        kind: kind.to_owned(),
        name,
    }
}

/// Two processors, which the generator's threads need; no cap on them, since a throttled generator spoils its run.
fn resources() -> ResourceRequirements {
    let quantity = |name: &str, value: &str| (name.to_owned(), Quantity(value.to_owned()));
    let requests = [quantity("cpu", "2"), quantity("memory", "256Mi")];
    ResourceRequirements {
        requests: Some(requests.into()),
        limits: Some(BTreeMap::from([quantity("memory", "1Gi")])),
        ..ResourceRequirements::default()
    }
}

fn unprivileged() -> SecurityContext {
    /// Nobody's number in images without users.
    const USER: i64 = 65532;
    SecurityContext {
        allow_privilege_escalation: Some(false),
        capabilities: Some(Capabilities {
            drop: Some(vec!["ALL".to_owned()]),
            ..Capabilities::default()
        }),
        read_only_root_filesystem: Some(true),
        run_as_non_root: Some(true),
        run_as_user: Some(USER),
        ..SecurityContext::default()
    }
}

#[cfg(test)]
mod tests;
