//! Queues with known capacities: `servers` servers, first come first served, in simulated time.

use std::cmp::Reverse;
use std::collections::BinaryHeap;

use hdrhistogram::Histogram;
use query_api::go_duration::GoDuration;
use rand::SeedableRng;
use rand::rngs::StdRng;
use rand_distr::{Distribution, Exp1, LogNormal};

use crate::capacity::search::LEVEL;
use crate::capacity::{Load, Observation, Probe};
use crate::slo::judge::{Evidence, clumping, judge_at};
use crate::slo::tests::slo;
use crate::slo::{Metric, Slo};

/// How long a service takes; the mean is 1 s.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) enum Service {
    Exponential,
    /// With this spread of the logarithm.
    LogNormal(f64),
}

#[derive(Debug, Clone, Copy)]
pub(super) struct Queue {
    pub(super) servers: usize,
    pub(super) service: Service,
    /// The promise: p95 of the response time, in seconds.
    pub(super) p95: f64,
}

/// What is left out at the begin: the queue fills.
const WARM_UP: f64 = 0.1;

/// Windows by which neighbours are told from independent samples.
const WINDOWS: usize = 20;

impl Service {
    fn draw(self, rng: &mut StdRng) -> f64 {
        match self {
            Self::Exponential => Exp1.sample(rng),
            Self::LogNormal(sigma) => LogNormal::new(-sigma * sigma / 2.0, sigma)
                .expect("a spread above zero")
                .sample(rng),
        }
    }
}

impl Queue {
    pub(super) fn slo(&self) -> Slo {
        Slo {
            quantile: Some(0.95),
            at_most: Some(GoDuration::from_millis((self.p95 * 1e3) as u64)),
            ..slo(Metric::Response)
        }
    }

    /// Response times in the order of arrival, and how long it all took, in seconds.
    pub(super) fn responses(&self, load: Load, starts: u64, seed: u64) -> (Vec<f64>, f64) {
        let mut rng = StdRng::seed_from_u64(seed);
        let mut free: BinaryHeap<Reverse<Instant>> =
            (0..self.servers).map(|_| Reverse(Instant(0.0))).collect();
        let mut users: BinaryHeap<Reverse<Instant>> = match load {
            Load::Closed { users } => (0..users).map(|_| Reverse(Instant(0.0))).collect(),
            Load::Open { .. } | Load::Burst { .. } => BinaryHeap::new(),
        };
        let (mut now, mut end) = (0.0_f64, 0.0_f64);
        let mut responses = Vec::with_capacity(starts as usize);
        for index in 0..starts {
            now = match load {
                Load::Open { rate } => {
                    let gap: f64 = Exp1.sample(&mut rng);
                    now + gap / rate
                }
                Load::Closed { .. } => users.pop().map_or(now, |user| user.0.0),
                Load::Burst { size } if index % size == 0 => end,
                Load::Burst { .. } => now,
            };
            let server = free.pop().map_or(now, |server| server.0.0);
            let done = server.max(now) + self.service.draw(&mut rng);
            free.push(Reverse(Instant(done)));
            users.push(Reverse(Instant(done)));
            if !matches!(load, Load::Closed { .. }) {
                users.clear();
            }
            end = end.max(done);
            responses.push(done - now);
        }
        (responses, end)
    }

    /// A trial of a probe, judged.
    pub(super) fn observe(&self, probe: Probe, seed: u64) -> Observation {
        let (responses, took) = self.responses(probe.load, probe.starts, seed);
        let steady = &responses[(WARM_UP * responses.len() as f64) as usize..];
        let mut came = Histogram::new(3).expect("3 digits are within the crate's range");
        for response in steady {
            came.record((response * 1e9) as u64)
                .expect("it resizes itself");
        }
        let windows: Vec<(u64, u64)> = steady
            .chunks(steady.len().div_ceil(WINDOWS))
            .map(|window| {
                let broke = window.iter().filter(|response| **response > self.p95);
                (broke.count() as u64, window.len() as u64)
            })
            .collect();
        let evidence = Evidence::Latencies {
            came: &came,
            censored: 0,
            clumping: clumping(&windows),
        };
        let throughput = responses.len() as f64 / took;
        let sum: f64 = responses.iter().sum();
        Observation {
            judgements: vec![judge_at(&self.slo(), evidence, LEVEL)],
            throughput,
            throughput_error: throughput / (responses.len() as f64).sqrt(),
            in_system: sum / took,
            residence: sum / responses.len() as f64,
            service_p95: None,
            refusals: 0,
            spoiled: None,
        }
    }

    /// The 95th percentile of a trial, as a tool without intervals sees it.
    pub(super) fn point(&self, rate: f64, starts: u64, seed: u64) -> f64 {
        let (mut responses, _) = self.responses(Load::Open { rate }, starts, seed);
        let rank = responses.len() * 95 / 100;
        *responses.select_nth_unstable_by(rank, f64::total_cmp).1
    }

    /// The highest rate that keeps the promise: by formula for exponential services, else by very long trials.
    pub(super) fn capacity(&self, starts: u64) -> f64 {
        let (mut low, mut high) = (0.0, self.servers as f64);
        for _ in 0..40 {
            let rate = f64::midpoint(low, high);
            let keeps = match self.service {
                Service::Exponential => self.tail(rate) <= 0.05,
                Service::LogNormal(_) => self.point(rate, starts, 99) <= self.p95,
            };
            if keeps {
                low = rate;
            } else {
                high = rate;
            }
            if high - low < 1e-4 * high {
                break;
            }
        }
        low
    }

    /// The chance that a response of an M/M/c queue takes longer than the promise, after Erlang.
    fn tail(&self, rate: f64) -> f64 {
        let servers = self.servers as f64;
        let mut blocked = 1.0;
        for server in 1..=self.servers {
            blocked = rate * blocked / (server as f64 + rate * blocked);
        }
        let waits = blocked / (1.0 - rate / servers * (1.0 - blocked));
        let slack = servers - 1.0 - rate;
        (-self.p95).exp() * (1.0 + waits * (1.0 - (-self.p95 * slack).exp()) / slack)
    }
}

/// Seconds that can be ordered; never NaN.
#[derive(Debug, Clone, Copy, PartialEq)]
struct Instant(f64);

impl Eq for Instant {}

impl PartialOrd for Instant {
    fn partial_cmp(&self, other: &Self) -> Option<std::cmp::Ordering> {
        Some(self.cmp(other))
    }
}

impl Ord for Instant {
    fn cmp(&self, other: &Self) -> std::cmp::Ordering {
        self.0.total_cmp(&other.0)
    }
}
