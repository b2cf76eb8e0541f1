//! The servers that the suite runs against, and what every test begins with.

use std::future::Future;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

use futures::{Stream, StreamExt};
use k8s_openapi::api::core::v1::Namespace;
use k8s_openapi::apiextensions_apiserver::pkg::apis::apiextensions::v1::CustomResourceDefinition;
use kube::api::{ApiResource, DeleteParams, DynamicObject, ListParams, PostParams, WatchEvent};
use kube::config::{KubeConfigOptions, Kubeconfig};
use kube::core::Status;
use kube::runtime::wait::{await_condition, conditions};
use kube::{Api, Client, Config};
use serde_json::json;
use testbed::kube_api::{KubeApi, Settings};

use super::widgets;

const KUBECONFIG: &str = "PLIMSOLL_TEST_KUBECONFIG";

/// One server under test, with a namespace that no other test uses.
#[derive(Clone)]
pub(crate) struct Server {
    pub(crate) client: Client,
    pub(crate) namespace: String,
    /// Only with the stand-in, for tests of what no client can bring about.
    pub(crate) stand_in: Option<KubeApi>,
}

/// Runs `test` against the stand-in and, if one is named, against a real server.
pub(crate) fn on_every_server<F: Future<Output = ()>>(test: impl Fn(Server) -> F) {
    in_runtime(true, async {
        let api = KubeApi::with_settings(Settings {
            strict_namespaces: true,
            ..Settings::default()
        });
        let client = api.client("default");
        let stand_in = Some(api.with_crds(widgets::definitions()));
        run(client, stand_in, &test).await;
    });
    let Some(path) = std::env::var_os(KUBECONFIG) else {
        say(&format!(
            "ran against the stand-in; not against a real server, because {KUBECONFIG} is not set"
        ));
        return;
    };
    in_runtime(false, async {
        let kubeconfig = Kubeconfig::read_from(path).unwrap();
        let options = KubeConfigOptions::default();
        let mut config = Config::from_custom_kubeconfig(kubeconfig, &options)
            .await
            .unwrap();
        // What the server answers is the subject, so nothing may be asked twice.
        config.default_retry = false;
        let client = Client::try_from(config).unwrap();
        install(&client).await;
        run(client, None, &test).await;
    });
    say("ran against the stand-in and the real server");
}

#[expect(clippy::print_stdout, reason = "the suite says what it ran against")]
fn say(line: &str) {
    println!("{line}");
}

/// The stand-in needs no real time to pass, a real server does.
fn in_runtime(paused: bool, future: impl Future<Output = ()>) {
    let mut builder = tokio::runtime::Builder::new_current_thread();
    let runtime = builder.enable_all().start_paused(paused).build().unwrap();
    runtime.block_on(future);
}

async fn run<F: Future<Output = ()>>(
    client: Client,
    stand_in: Option<KubeApi>,
    test: &impl Fn(Server) -> F,
) {
    static N_NAMESPACES: AtomicU32 = AtomicU32::new(0);
    let n = N_NAMESPACES.fetch_add(1, Ordering::Relaxed);
    let namespace = format!("conformance-{}-{n}", std::process::id());
    let namespaces: Api<Namespace> = Api::all(client.clone());
    let object = serde_json::from_value(json!({"metadata": {"name": namespace}})).unwrap();
    namespaces
        .create(&PostParams::default(), &object)
        .await
        .unwrap();
    let server = Server {
        client,
        namespace: namespace.clone(),
        stand_in,
    };
    test(server.clone()).await;
    server.clean_up().await;
    namespaces
        .delete(&namespace, &DeleteParams::default())
        .await
        .unwrap();
}

/// Installs the definitions of the suite, as often as it is run.
async fn install(client: &Client) {
    let crds: Api<CustomResourceDefinition> = Api::all(client.clone());
    for crd in widgets::definitions() {
        match crds.create(&PostParams::default(), &crd).await {
            Ok(_) => {}
            Err(kube::Error::Api(status)) if status.is_already_exists() => {}
            Err(error) => panic!("cannot install a definition: {error}"),
        }
        let name = crd.metadata.name.unwrap();
        let established = await_condition(crds.clone(), &name, conditions::is_crd_established());
        tokio::time::timeout(PATIENCE, established)
            .await
            .unwrap()
            .unwrap();
    }
    for resource in [widgets::widget(), widgets::gadget()] {
        let objects: Api<DynamicObject> = Api::all_with(client.clone(), &resource);
        while objects.list(&ListParams::default().limit(1)).await.is_err() {
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
    }
}

/// How long a server may take for what it does at once.
pub(crate) const PATIENCE: Duration = Duration::from_secs(30);

impl Server {
    pub(crate) fn api(&self, resource: &ApiResource) -> Api<DynamicObject> {
        Api::namespaced_with(self.client.clone(), &self.namespace, resource)
    }

    pub(crate) fn widgets(&self) -> Api<DynamicObject> {
        self.api(&widgets::widget())
    }

    /// Kinds whose changes to their state are all changes of specification.
    pub(crate) fn gadgets(&self) -> Api<DynamicObject> {
        self.api(&widgets::gadget())
    }

    /// Removes what finalizers hold, so that nothing stays behind.
    async fn clean_up(&self) {
        for api in [self.widgets(), self.gadgets()] {
            let no_finalizers = kube::api::Patch::Merge(json!({"metadata": {"finalizers": null}}));
            for object in api.list(&ListParams::default()).await.unwrap() {
                let name = object.metadata.name.unwrap();
                let _ = api.patch(&name, &Default::default(), &no_finalizers).await;
            }
            api.delete_collection(&DeleteParams::default(), &ListParams::default())
                .await
                .unwrap();
        }
    }
}

/// The refusal that `result` must be.
#[track_caller]
pub(crate) fn refusal<T: std::fmt::Debug>(result: kube::Result<T>) -> Box<Status> {
    match result {
        Err(kube::Error::Api(status)) => status,
        other => panic!("expected a refusal, got {other:?}"),
    }
}

/// The next event of a watch, which must come.
pub(crate) async fn next<K, S>(stream: &mut S) -> WatchEvent<K>
where
    S: Stream<Item = kube::Result<WatchEvent<K>>> + Unpin,
{
    let event = tokio::time::timeout(PATIENCE, stream.next()).await;
    event
        .expect("no event came")
        .expect("the watch ended")
        .unwrap()
}

/// The error with which a watch fails next.
pub(crate) async fn failure_of<K, S>(stream: &mut S) -> Box<Status>
where
    K: std::fmt::Debug,
    S: Stream<Item = kube::Result<WatchEvent<K>>> + Unpin,
{
    match next(stream).await {
        WatchEvent::Error(status) => status,
        other => panic!("expected an error, got {other:?}"),
    }
}

/// The next event that is no bookmark, as its type and object.
pub(crate) async fn next_change<S>(stream: &mut S) -> (&'static str, DynamicObject)
where
    S: Stream<Item = kube::Result<WatchEvent<DynamicObject>>> + Unpin,
{
    loop {
        match next(stream).await {
            WatchEvent::Added(object) => return ("ADDED", object),
            WatchEvent::Modified(object) => return ("MODIFIED", object),
            WatchEvent::Deleted(object) => return ("DELETED", object),
            WatchEvent::Error(status) => panic!("the watch failed: {status:?}"),
            WatchEvent::Bookmark(_) => {}
        }
    }
}

/// An object's resourceVersion as a number, which it is on every server there is.
pub(crate) fn version(object: &DynamicObject) -> u64 {
    object
        .metadata
        .resource_version
        .as_deref()
        .unwrap()
        .parse()
        .unwrap()
}

pub(crate) fn name(object: &DynamicObject) -> &str {
    object.metadata.name.as_deref().unwrap()
}
