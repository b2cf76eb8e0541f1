//! The manifests: whole, the same every time, and taken by a server as far as the stand-in knows them.

use kube::Api;
use kube::api::PostParams;
use serde::de::DeserializeOwned;
use testbed::kube_api::{KubeApi, Settings};

use super::*;

const TEXT: &str =
    "text = \"\"\"\nTwo lines: \"quoted\", # no comment\n  indented.\n\"\"\"\n[burst]\ncount = 4\n";

fn job() -> JobConfig {
    JobConfig {
        run: "load-test".to_owned(),
        workers: 4,
        image: "registry.example/plimsoll:1".to_owned(),
        namespace: "load".to_owned(),
        tenants: 2,
        scenario: TEXT.to_owned(),
        trace: None,
        setup: None,
        arguments: vec!["--timeout".to_owned(), "300s".to_owned()],
        deadline: Duration::from_secs(900),
    }
}

fn documents(job: &JobConfig) -> Vec<String> {
    let yaml = job.yaml();
    let documents = yaml.strip_prefix("---\n").expect("it begins with one");
    documents.split("\n---\n").map(str::to_owned).collect()
}

/// All documents of a kind, each of which says the same when it is written again.
fn all_of<K>(job: &JobConfig) -> Vec<K>
where
    K: Resource<DynamicType = ()> + DeserializeOwned + Serialize,
{
    let head = format!(
        "apiVersion: {}\nkind: {}\n",
        K::api_version(&()),
        K::kind(&())
    );
    let documents = documents(job);
    let of_kind = documents.iter().filter(|text| text.starts_with(&head));
    of_kind
        .map(|text| {
            let object: K =
                serde_saphyr::from_str(text).unwrap_or_else(|error| panic!("{error}\n{text}"));
            let again = serde_saphyr::to_string(&object).expect("YAML");
            assert_eq!(again.trim_end(), text.trim_end());
            object
        })
        .collect()
}

fn only<K>(job: &JobConfig) -> K
where
    K: Resource<DynamicType = ()> + DeserializeOwned + Serialize,
{
    let mut all = all_of(job);
    assert_eq!(all.len(), 1, "{}", K::kind(&()));
    all.remove(0)
}

#[test]
fn every_document_is_an_object_of_its_kind() {
    let job = job();
    let counts = [
        all_of::<Namespace>(&job).len(),
        all_of::<ServiceAccount>(&job).len(),
        all_of::<ConfigMap>(&job).len(),
        all_of::<Role>(&job).len(),
        all_of::<RoleBinding>(&job).len(),
        all_of::<ClusterRole>(&job).len(),
        all_of::<ClusterRoleBinding>(&job).len(),
        all_of::<Job>(&job).len(),
    ];
    assert_eq!(counts, [3, 1, 1, 1, 3, 2, 1, 1]);
    assert_eq!(counts.iter().sum::<usize>(), documents(&job).len());
}

#[test]
fn the_same_job_is_the_same_text() {
    assert_eq!(job().yaml(), job().yaml());
}

#[test]
fn the_job_is_indexed_and_replaces_nobody() {
    let found: Job = only(&job());
    let spec = found.spec.expect("a Job has one");
    assert_eq!(spec.completion_mode.as_deref(), Some("Indexed"));
    assert_eq!(spec.completions, Some(4));
    assert_eq!(spec.parallelism, Some(4));
    assert_eq!(spec.backoff_limit, Some(0));
    let pod = spec.template.spec.expect("a Job has one");
    assert_eq!(pod.restart_policy.as_deref(), Some("Never"));
    let [container] = &*pod.containers else {
        panic!("one container");
    };
    let arguments = container.args.clone().unwrap_or_default().join(" ");
    assert_eq!(
        arguments,
        "load /etc/plimsoll/scenario.toml --driver kubernetes --run load-test --worker /4 --namespace load \
        --timeout 300s"
    );
}

#[test]
fn the_scenario_and_the_setup_come_as_they_were() {
    let config_map: ConfigMap = only(&job());
    let data = config_map.data.expect("files");
    assert_eq!(data[SCENARIO], TEXT);
    assert_eq!(data.len(), 1);
    let mut job = job();
    let setup = "kind: Agent\n---\nkind: Model\n";
    job.setup = Some(setup.to_owned());
    let config_map = job.files();
    assert_eq!(config_map[SETUP], setup);
    let arguments = job.arguments().join(" ");
    assert!(arguments.contains("--setup /etc/plimsoll/setup.yaml"));
}

#[test]
fn secrets_are_reached_in_the_namespaces_of_tenants_alone() {
    let job = job();
    let of_secrets = |rules: Option<Vec<PolicyRule>>| {
        let mut rules = rules.into_iter().flatten();
        rules.any(|rule| {
            let resources = rule.resources.unwrap_or_default();
            resources.iter().any(|resource| resource == "secrets")
        })
    };
    let bound: ClusterRoleBinding = only(&job);
    for role in all_of::<ClusterRole>(&job) {
        let is_bound = role.metadata.name.as_deref() == Some(&*bound.role_ref.name);
        assert_eq!(of_secrets(role.rules), !is_bound);
    }
    let role: Role = only(&job);
    assert!(!of_secrets(role.rules));
}

#[tokio::test]
async fn a_server_takes_what_it_knows_of_them() {
    let strict = Settings {
        strict_namespaces: true,
        ..Settings::default()
    };
    let api = KubeApi::with_settings(strict);
    let client = api.client("default");
    let job = job();
    let params = PostParams::default();
    for namespace in all_of::<Namespace>(&job) {
        let namespaces = Api::all(client.clone());
        namespaces.create(&params, &namespace).await.expect("taken");
    }
    let config_map: ConfigMap = only(&job);
    let namespace = config_map.metadata.namespace.clone().expect("it has one");
    let config_maps = Api::namespaced(client, &namespace);
    let taken = config_maps.create(&params, &config_map).await;
    assert_eq!(taken.expect("taken").data, config_map.data);
}
