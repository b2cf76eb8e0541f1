//! What only the stand-in can do: faults on demand, counts, its own cost.

mod faults;
mod life;

use kube::Api;
use kube::api::DynamicObject;
use testbed::kube_api::{KubeApi, Settings};

use crate::conformance::widgets;

/// A server with the suite's kinds.
fn server() -> KubeApi {
    server_with(Settings::default())
}

fn server_with(settings: Settings) -> KubeApi {
    KubeApi::with_settings(settings).with_crds(widgets::definitions())
}

fn widgets_of(api: &KubeApi) -> Api<DynamicObject> {
    Api::namespaced_with(api.client("default"), "default", &widgets::widget())
}
