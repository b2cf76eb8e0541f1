//! Objects to load a control plane with: single ones from adjectives, whole populations from a seed.
//!
//! The same plan makes the same objects on every machine; a fingerprint test watches over that, since results of different populations must not be compared.
//! Putting them into an API server is the caller's business, in the order of the fields of [`Population`].

mod objects;

mod queries;

#[cfg(test)]
mod tests;

use k8s_openapi::api::core::v1::{Namespace, Secret};
use kube::api::ObjectMeta;
use query_api::agent::Agent;
use query_api::dialect::Dialect;
use query_api::model::Model;
use query_api::query::{Query, TargetKind};
use rand::rngs::StdRng;
use rand::{Rng, SeedableRng};
use serde::Serialize;
use std::io;
use std::time::Duration;

use crate::hash::{FNV_BASIS, fnv};

pub use objects::{
    AgentBuilder, KEY_OF_SECRET, ModelBuilder, SecretBuilder, ToolBuilder, agent, model, secret,
    tool,
};
pub use queries::{QueryBuilder, query};

/// What a population is made of.
#[derive(Clone, Debug, PartialEq)]
pub struct Plan {
    /// The seed of everything that is left to chance: which agent a Query asks, and what.
    pub seed: u64,
    /// The form of the Queries.
    pub dialect: Dialect,
    /// How many Queries there are in all.
    pub n_queries: usize,
    /// Over how many namespaces they spread; at least one.
    pub n_namespaces: usize,
    /// How many agents each namespace has; with none, the Queries address the model itself.
    pub n_agents: usize,
    /// How many targets each Query has; one in dialect `Target`.
    pub n_targets: usize,
    /// How the Queries spread over the namespaces.
    pub spread: Spread,
    /// How long a Query is kept; always written, since servers differ in their default.
    pub ttl: Duration,
    /// How long each target may take; always written, since servers differ in their default.
    pub timeout: Duration,
    /// The address of the model's provider.
    pub base_url: String,
}

/// How Queries spread over namespaces.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Spread {
    /// Every namespace gets as many as any other, give or take one; they come in turns.
    Even,
    /// The first namespace gets this many for each one that another namespace gets.
    OneNoisy {
        /// How many times the load of a quiet namespace the noisy one has.
        times: usize,
    },
}

/// All objects of a plan, in the order in which they should be created.
#[derive(Clone, Debug)]
pub struct Population {
    /// The namespaces.
    pub namespaces: Vec<Namespace>,
    /// One Secret per namespace, with the key of its model.
    pub secrets: Vec<Secret>,
    /// One Model per namespace, named `default`.
    pub models: Vec<Model>,
    /// The agents, namespace by namespace.
    pub agents: Vec<Agent>,
    /// The Queries, in the order in which their users would send them: namespaces in turns.
    pub queries: Vec<Query>,
}

impl Default for Plan {
    /// One Query for one agent, in the older dialect.
    fn default() -> Self {
        Self {
            seed: 1,
            dialect: Dialect::Targets,
            n_queries: 1,
            n_namespaces: 1,
            n_agents: 1,
            n_targets: 1,
            spread: Spread::Even,
            ttl: Duration::from_secs(3600),
            timeout: Duration::from_secs(300),
            base_url: "http://127.0.0.1:1/v1".to_owned(),
        }
    }
}

impl Population {
    /// Makes the objects of a plan; each is a function of the plan alone.
    #[must_use]
    pub fn of(plan: &Plan) -> Self {
        let namespaces: Vec<String> = (0..plan.n_namespaces.max(1)).map(namespace_name).collect();
        let agents = namespaces
            .iter()
            .flat_map(|namespace| {
                (0..plan.n_agents).map(move |index| {
                    let purpose = format!("You are agent {index} of {namespace}.");
                    agent(&agent_name(index))
                        .in_namespace(namespace)
                        .with_prompt(&purpose)
                        .with_model(MODEL)
                        .build()
                })
            })
            .collect();
        Self {
            secrets: namespaces
                .iter()
                .map(|namespace| secret(SECRET).in_namespace(namespace).build())
                .collect(),
            models: namespaces
                .iter()
                .map(|namespace| {
                    model(MODEL)
                        .in_namespace(namespace)
                        .at(&plan.base_url)
                        .with_key_in(SECRET)
                        .build()
                })
                .collect(),
            agents,
            queries: queries_of(plan, &namespaces),
            namespaces: namespaces.into_iter().map(namespace).collect(),
        }
    }

    /// A number that differs if any object differs in any byte.
    ///
    /// Two results may be compared only if their populations have the same one.
    #[must_use]
    pub fn fingerprint(&self) -> u64 {
        let mut hash = Fnv::default();
        hash.add(&self.namespaces);
        hash.add(&self.secrets);
        hash.add(&self.models);
        hash.add(&self.agents);
        hash.add(&self.queries);
        hash.0
    }
}

/// The Model of every namespace.
const MODEL: &str = "default";

/// The Secret of every namespace.
const SECRET: &str = "model-key";

/// The subjects of the questions; of different lengths, as questions are.
const SUBJECTS: [&str; 5] = [
    "the tide",
    "the draught of the Mary Ann at her moorings",
    "fog in the channel",
    "every berth on the south quay that is free before the evening, and who asked for it last",
    "the pilot's hours",
];

fn queries_of(plan: &Plan, namespaces: &[String]) -> Vec<Query> {
    let mut rng = StdRng::seed_from_u64(plan.seed);
    let turns = turns(plan.spread, namespaces.len());
    (0..plan.n_queries)
        .map(|index| {
            let namespace = &namespaces[turns[index % turns.len()]];
            let subject = SUBJECTS[below(&mut rng, SUBJECTS.len())];
            let mut query = query(&format!("q-{index:06}"))
                .in_namespace(namespace)
                .in_dialect(plan.dialect)
                .with_ttl(plan.ttl)
                .with_timeout(plan.timeout)
                .asking(&format!("What do you know about {subject}?"));
            // Neighbouring agents, so that no Query asks one twice while there are enough.
            let first = below(&mut rng, plan.n_agents.max(1));
            for offset in 0..plan.n_targets.max(1) {
                query = match (first + offset).checked_rem(plan.n_agents) {
                    Some(index) => query.with_target(TargetKind::Agent, &agent_name(index)),
                    None => query.with_target(TargetKind::Model, MODEL),
                };
            }
            query.build()
        })
        .collect()
}

/// The order in which namespaces take their turns, by index.
///
/// The noisy namespace's turns come between those of the others, not in one block, as arrivals do.
fn turns(spread: Spread, n_namespaces: usize) -> Vec<usize> {
    let Spread::OneNoisy { times } = spread else {
        return (0..n_namespaces).collect();
    };
    let n_quiet = n_namespaces - 1;
    if n_quiet == 0 {
        return vec![0];
    }
    (0..n_quiet)
        .flat_map(|index| {
            let n_noisy = (index + 1) * times / n_quiet - index * times / n_quiet;
            std::iter::repeat_n(0, n_noisy).chain([index + 1])
        })
        .collect()
}

/// A number in `[0, bound)`; even but for a bias of `bound` in 2^64.
fn below(rng: &mut StdRng, bound: usize) -> usize {
    let product = u128::from(rng.next_u64()) * bound as u128;
    usize::try_from(product >> 64).unwrap_or(0)
}

fn namespace_name(index: usize) -> String {
    format!("tenant-{index:03}")
}

fn agent_name(index: usize) -> String {
    format!("agent-{index:03}")
}

fn namespace(name: String) -> Namespace {
    Namespace {
        metadata: ObjectMeta {
            name: Some(name),
            ..ObjectMeta::default()
        },
        ..Namespace::default()
    }
}

/// The FNV-1a hash of what is written to it.
struct Fnv(u64);

impl Default for Fnv {
    fn default() -> Self {
        Self(FNV_BASIS)
    }
}

impl Fnv {
    fn add(&mut self, objects: &impl Serialize) {
        serde_json::to_writer(self, objects).expect("our objects are JSON and hashing cannot fail");
    }
}

impl io::Write for Fnv {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0 = fnv(self.0, bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}
