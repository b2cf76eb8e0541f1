//! Every start of an open run, fixed before the first one: when, which operation, for which tenant and agent.
//!
//! Worker `k` of `n` takes every `n`-th entry, so the union of all workers is the schedule of a single one.

use std::time::Duration;

use rand::SeedableRng;
use rand::rngs::StdRng;
use rand::seq::SliceRandom as _;

use crate::arrival::{Profile, Spacing};
use crate::mix::Mix;

/// One intended start.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Entry {
    /// When it is to be sent, counted from the begin of the run; latency counts from here.
    pub intended: Duration,
    /// Index of the operation in the scenario's mix.
    pub operation: usize,
    /// Which tenant sends it, from 0.
    pub tenant: usize,
    /// Which of the tenant's agents it addresses, from 0.
    pub agent: usize,
}

/// A start that a trace lists.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct TracedStart {
    /// From the begin of the run.
    pub at: Duration,
    /// Index in the scenario's mix; unset if it is to be drawn.
    pub operation: Option<usize>,
}

/// All intended starts of a run, in order.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Schedule {
    /// The entries, sorted by intended start.
    pub entries: Vec<Entry>,
}

/// How many tenants there are, and how many agents each of them has.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Matrix {
    /// Tenants, at least 1.
    pub tenants: usize,
    /// Agents per tenant, at least 1.
    pub agents: usize,
}

impl Schedule {
    /// Lays arrivals over the profile.
    ///
    /// Instants and operations are drawn from streams of their own, so a change of the mix moves no arrival.
    pub fn open(profile: &Profile, spacing: Spacing, mix: &Mix, matrix: Matrix, seed: u64) -> Self {
        let starts = profile.intended_starts(spacing, &mut StdRng::seed_from_u64(seed));
        Self::at(starts, mix, matrix, seed)
    }

    /// At the instants of a trace; what has no operation there is drawn from the mix.
    pub fn traced(traced: &[TracedStart], mix: &Mix, matrix: Matrix, seed: u64) -> Self {
        let starts = traced.iter().map(|start| start.at).collect();
        let mut schedule = Self::at(starts, mix, matrix, seed);
        for (entry, start) in schedule.entries.iter_mut().zip(traced) {
            entry.operation = start.operation.unwrap_or(entry.operation);
        }
        schedule
    }

    /// All at once.
    pub fn burst(count: usize, mix: &Mix, matrix: Matrix, seed: u64) -> Self {
        Self::at(vec![Duration::ZERO; count], mix, matrix, seed)
    }

    /// The entries of worker `worker` of `workers`.
    pub fn share(&self, worker: usize, workers: usize) -> impl Iterator<Item = &Entry> {
        self.entries.iter().skip(worker).step_by(workers.max(1))
    }

    /// Tenants take turns, and each tenant's agents do: every cell of the matrix gets its equal part.
    fn at(starts: Vec<Duration>, mix: &Mix, matrix: Matrix, seed: u64) -> Self {
        let mut operations = StdRng::seed_from_u64(seed ^ OPERATIONS_STREAM);
        let entries = starts
            .into_iter()
            .enumerate()
            .map(|(index, intended)| Entry {
                intended,
                operation: mix.draw(&mut operations),
                tenant: index % matrix.tenants,
                agent: index / matrix.tenants % matrix.agents,
            })
            .collect();
        Self { entries }
    }
}

/// The numbers below `count` in random order, the same for the same seed.
pub fn random_order(count: usize, seed: u64) -> Vec<usize> {
    let mut order: Vec<usize> = (0..count).collect();
    order.shuffle(&mut StdRng::seed_from_u64(seed));
    order
}

/// Separates the stream of operations from that of instants.
const OPERATIONS_STREAM: u64 = 0x6f70_6572_6174_696f;

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const MATRIX: Matrix = Matrix {
        tenants: 51,
        agents: 100,
    };

    #[test]
    fn a_burst_of_tenants_times_agents_touches_each_cell_once() {
        let schedule = Schedule::burst(5100, &Mix::new([1.0]), MATRIX, 1);
        let mut cells: Vec<(usize, usize)> = schedule
            .entries
            .iter()
            .map(|entry| (entry.tenant, entry.agent))
            .collect();
        cells.sort_unstable();
        cells.dedup();
        assert_eq!(cells.len(), 5100);
    }

    #[test]
    fn another_mix_moves_no_arrival() {
        let profile = Profile::constant(50.0, Duration::from_secs(5));
        let instants = |weights: &[f64]| -> Vec<Duration> {
            let mix = Mix::new(weights.iter().copied());
            Schedule::open(&profile, Spacing::Poisson, &mix, MATRIX, 9)
                .entries
                .iter()
                .map(|entry| entry.intended)
                .collect()
        };
        assert_eq!(instants(&[1.0]), instants(&[60.0, 30.0, 10.0]));
    }

    proptest! {
        #[test]
        fn a_random_order_names_each_once(count in 0_usize..50, seed: u64) {
            let mut order = random_order(count, seed);
            prop_assert_eq!(&order, &random_order(count, seed));
            order.sort_unstable();
            prop_assert!(order.into_iter().eq(0..count));
        }

        #[test]
        fn the_union_of_all_workers_is_the_schedule(workers in 1_usize..9, seed: u64) {
            let profile = Profile::constant(40.0, Duration::from_secs(3));
            let mix = Mix::new([60.0, 30.0, 10.0]);
            let schedule = Schedule::open(&profile, Spacing::Poisson, &mix, MATRIX, seed);
            let mut union: Vec<Entry> = (0..workers)
                .flat_map(|worker| schedule.share(worker, workers).copied())
                .collect();
            union.sort_by_key(|entry| entry.intended);
            prop_assert_eq!(union, schedule.entries);
        }
    }
}
