//! Discovery, and the definitions themselves.

use k8s_openapi::apiextensions_apiserver::pkg::apis::apiextensions::v1::CustomResourceDefinition;
use kube::Api;
use kube::api::ListParams;
use kube::discovery::{Discovery, Scope, verbs};

use super::server::{on_every_server, refusal};

#[test]
fn discovery_finds_custom_and_built_in_kinds() {
    on_every_server(|server| async move {
        let discoveries = [
            Discovery::new(server.client.clone()).run().await.unwrap(),
            Discovery::new(server.client.clone())
                .run_aggregated()
                .await
                .unwrap(),
        ];
        for discovery in discoveries {
            let group = discovery.get("conformance.plimsoll.dev").unwrap();
            let (widget, capabilities) = group.recommended_kind("Widget").unwrap();
            assert_eq!(
                (&*widget.plural, &*widget.api_version),
                ("widgets", "conformance.plimsoll.dev/v1")
            );
            assert_eq!(capabilities.scope, Scope::Namespaced);
            assert!(capabilities.supports_operation(verbs::WATCH));
            assert_eq!(capabilities.subresources.len(), 1);
            assert!(
                group
                    .recommended_kind("Gadget")
                    .unwrap()
                    .1
                    .subresources
                    .is_empty()
            );
            let core = discovery
                .groups()
                .find(|group| group.name().is_empty())
                .unwrap();
            for kind in ["Secret", "ConfigMap", "Service", "Event", "Namespace"] {
                assert!(core.recommended_kind(kind).is_some(), "{kind}");
            }
            assert_eq!(
                core.recommended_kind("Namespace").unwrap().1.scope,
                Scope::Cluster
            );
            let leases = discovery.get("coordination.k8s.io").unwrap();
            assert!(leases.recommended_kind("Lease").is_some());
        }
    });
}

#[test]
fn one_group_can_be_discovered_alone() {
    on_every_server(|server| async move {
        let group = kube::discovery::group(&server.client, "conformance.plimsoll.dev")
            .await
            .unwrap();
        assert_eq!(group.preferred_version(), Some("v1"));
        assert!(
            kube::discovery::group(&server.client, "nobody.example")
                .await
                .is_err()
        );
        server.client.apiserver_version().await.unwrap();
    });
}

#[test]
fn definitions_can_be_read_and_are_established() {
    on_every_server(|server| async move {
        let crds: Api<CustomResourceDefinition> = Api::all(server.client.clone());
        let crd = crds.get("widgets.conformance.plimsoll.dev").await.unwrap();
        assert_eq!(crd.spec.names.singular.as_deref(), Some("widget"));
        assert_eq!(crd.spec.names.list_kind.as_deref(), Some("WidgetList"));
        let status = crd.status.unwrap();
        let conditions = status.conditions.unwrap();
        let established = conditions
            .iter()
            .find(|condition| condition.type_ == "Established")
            .unwrap();
        assert_eq!(established.status, "True");
        assert_eq!(status.stored_versions.unwrap(), ["v1"]);
        let schema = crd.spec.versions[0]
            .schema
            .as_ref()
            .unwrap()
            .open_api_v3_schema
            .as_ref()
            .unwrap();
        assert!(
            schema.properties.as_ref().unwrap()["spec"]
                .properties
                .as_ref()
                .unwrap()
                .contains_key("size")
        );
        assert!(crds.list(&ListParams::default()).await.unwrap().items.len() >= 2);
    });
}

#[test]
fn unknown_paths_are_not_found() {
    on_every_server(|server| async move {
        for path in [
            "/apis/nobody.example/v1/things",
            "/apis/conformance.plimsoll.dev/v1/nothings",
            "/apis/conformance.plimsoll.dev/v2/widgets",
            "/apis/conformance.plimsoll.dev/v1/namespaces/default/widgets/a/scale",
            "/api/v1/namespaces/default/nothings",
            "/nonsense",
        ] {
            let request = http::Request::get(path).body(Vec::new()).unwrap();
            assert_eq!(
                refusal(server.client.request_text(request).await).code,
                404,
                "{path}"
            );
        }
    });
}

/// Every kind of ours, in both dialects, is accepted by the server that will have to serve it.
#[test]
fn our_own_definitions_are_accepted() {
    on_every_server(|server| async move {
        let dry = kube::api::PostParams {
            dry_run: true,
            ..Default::default()
        };
        let crds: Api<CustomResourceDefinition> = Api::all(server.client.clone());
        for dialect in [
            query_api::dialect::Dialect::Targets,
            query_api::dialect::Dialect::Target,
        ] {
            for crd in query_api::crd::crds(dialect) {
                let name = crd.metadata.name.clone().unwrap();
                crds.create(&dry, &crd)
                    .await
                    .unwrap_or_else(|error| panic!("{name}: {error}"));
            }
        }
    });
}
