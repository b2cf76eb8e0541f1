//! Keeping up with the Queries: list, watch, and begin again when a watch is lost.

use std::collections::HashSet;
use std::pin::pin;
use std::time::Duration;

use futures::StreamExt;
use futures::future::join_all;
use kube::Api;
use kube::runtime::WatchStreamExt;
use kube::runtime::utils::Backoff as WatchBackoff;
use kube::runtime::watcher::{self, Event, watcher};

use super::config::{Identity, Listing, Scope};
use super::ledger::Origin;
use super::shop::Shop;
use super::sighting::Watched;
use crate::queue::{Backoff, Priority};

/// Watches for ever.
pub(super) async fn watch(shop: &Shop) {
    match &shop.config.scope {
        Scope::Cluster => watch_one(shop, None).await,
        Scope::Namespaces(namespaces) => {
            let watches = namespaces.iter();
            join_all(watches.map(|namespace| watch_one(shop, Some(namespace)))).await;
        }
    }
}

/// Watches one namespace, or all of them.
async fn watch_one(shop: &Shop, namespace: Option<&str>) {
    let api: Api<Watched> = match namespace {
        Some(namespace) => Api::namespaced(shop.client.clone(), namespace),
        None => Api::all(shop.client.clone()),
    };
    let backoff = Doubling::new(shop.config.watch_backoff);
    let events = watcher(api, watcher_config(shop.config.listing)).backoff(backoff);
    let mut events = pin!(events);
    let mut is_first_list = true;
    let mut listed = HashSet::new();
    while let Some(event) = events.next().await {
        match event {
            Ok(Event::Init) => listed.clear(),
            Ok(Event::InitApply(watched)) if is_first_list => {
                let origin = match shop.config.identity {
                    Identity::Sole => Origin::Inheritance,
                    Identity::Named(_) => Origin::Watch,
                };
                shop.observe(watched.sighting, origin, Priority::INITIAL);
            }
            Ok(Event::InitApply(watched)) => {
                listed.insert(shop.observe_listed(watched.sighting));
            }
            Ok(Event::InitDone) => {
                if !is_first_list {
                    shop.ledger.lock().retain_listed(namespace, &listed);
                    listed = HashSet::new();
                }
                is_first_list = false;
            }
            Ok(Event::Apply(watched)) => {
                shop.observe(watched.sighting, Origin::Watch, Priority::NORMAL);
            }
            Ok(Event::Delete(watched)) => shop.ledger.lock().vanish(&watched.sighting),
            Err(error) => tracing::warn!(namespace, %error, "watch interrupted"),
        }
    }
}

fn watcher_config(listing: Listing) -> watcher::Config {
    match listing {
        Listing::Pages(size) => watcher::Config::default().page_size(size),
        Listing::Stream => watcher::Config::default().streaming_lists(),
    }
}

/// Our back-off as kube's watcher takes it; it begins anew with every event that arrives.
struct Doubling {
    backoff: Backoff,
    n_failures: u32,
}

impl Doubling {
    fn new(backoff: Backoff) -> Self {
        Self {
            backoff,
            n_failures: 0,
        }
    }
}

impl Iterator for Doubling {
    type Item = Duration;

    fn next(&mut self) -> Option<Duration> {
        self.n_failures = self.n_failures.saturating_add(1);
        Some(self.backoff.delay(self.n_failures))
    }
}

impl WatchBackoff for Doubling {
    fn reset(&mut self) {
        self.n_failures = 0;
    }
}
