//! A cluster to be reached through a kubeconfig: the API stand-in behind a socket, and somebody who answers Queries.

use http_body_util::BodyExt as _;
use hyper::Request;
use hyper::body::Incoming;
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::TokioIo;
use kube::client::Body;
use query_api::crd::crds;
use query_api::dialect::Dialect;
use serde_json::{Value, json};
use testbed::answerer::answer_all;
use testbed::kube_api::KubeApi;
use tokio::net::TcpListener;
use tokio::runtime::Runtime;

/// Serves and answers until it is dropped.
pub(crate) struct Cluster {
    pub(crate) api: KubeApi,
    port: u16,
    _runtime: Runtime,
}

impl Cluster {
    pub(crate) fn start() -> Self {
        let runtime = Runtime::new().expect("threads");
        let api = KubeApi::new().with_crds(crds(Dialect::Targets));
        let listener = runtime.block_on(TcpListener::bind("127.0.0.1:0"));
        let listener = listener.expect("a free port");
        let port = listener.local_addr().expect("bound").port();
        runtime.spawn(serve(listener, api.clone()));
        runtime.spawn(answer_all(api.clone(), "4"));
        Self {
            api,
            port,
            _runtime: runtime,
        }
    }

    pub(crate) fn kubeconfig(&self) -> Value {
        json!({
            "apiVersion": "v1",
            "kind": "Config",
            "current-context": "c",
            "contexts": [{"name": "c", "context": {"cluster": "c", "user": "u"}}],
            "clusters": [{"name": "c", "cluster": {"server": format!("http://127.0.0.1:{}", self.port)}}],
            "users": [{"name": "u", "user": {}}],
        })
    }
}

async fn serve(listener: TcpListener, api: KubeApi) {
    let client = api.client("default");
    loop {
        let (stream, _) = listener.accept().await.expect("a connection");
        let client = client.clone();
        let service = service_fn(move |request: Request<Incoming>| {
            let client = client.clone();
            async move {
                let (head, body) = request.into_parts();
                let body = body.collect().await.expect("a whole body").to_bytes();
                let request = Request::from_parts(head, Body::from(body.to_vec()));
                client.send(request).await
            }
        });
        let serving = http1::Builder::new().serve_connection(TokioIo::new(stream), service);
        // How a connection ends is its caller's business.
        tokio::spawn(async move { drop(serving.await) });
    }
}
