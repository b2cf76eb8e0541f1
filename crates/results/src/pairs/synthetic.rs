//! Runs with a known truth, for the tests of this module and of its reports.

use std::collections::BTreeMap;

use super::comparison::PairComparison;
use super::control::NullEstimates;
use super::judge::{MOST_ROUNDS, Terms, judge};
use super::sample::{CaseFailure, Engine, Pair, PairCase, PairRun, Round, SCHEMA, Sample, Side};
use crate::case_id::CaseId;
use crate::machine::Machine;
use crate::relevance::PairRelevance;

/// A run of these cases.
pub(crate) fn run(cases: Vec<PairCase>) -> PairRun {
    let side = |label: &str, commit: &str| Side {
        label: label.to_owned(),
        commit: Some(commit.to_owned()),
        is_dirty: false,
    };
    let machine = Machine {
        processor: "Intel Xeon".to_owned(),
        cores: 2,
        memory_gib: 24,
        virtualised: true,
        architecture: "x86_64".to_owned(),
        kernel: "6.18".to_owned(),
        rustc: "1.95.0".to_owned(),
        flags: String::new(),
        governor: None,
        turbo: None,
    };
    PairRun {
        schema: SCHEMA,
        seed: 7,
        base: side("main", "0123abc"),
        candidate: side("HEAD", "4567def"),
        machine,
        cases,
        is_complete: true,
    }
}

/// A case without rounds.
pub(crate) fn case(id: &str) -> PairCase {
    PairCase {
        id: CaseId::new(id).expect("well formed"),
        engine: Engine::Turns,
        rounds: Vec::new(),
        null_rounds: Vec::new(),
        confirm_rounds: Vec::new(),
        layout_rounds: Vec::new(),
        layout_failure: None,
        same_program: None,
        failure: None,
    }
}

/// Changes in percent of rounds that scatter a little around `percent`, the same for the same arguments.
pub(crate) fn around(percent: f64, scatter: f64, n_rounds: usize) -> Vec<f64> {
    // The fractional parts of multiples of the golden ratio are spread evenly and never repeat.
    let golden = (1..=n_rounds).map(|round| (round as f64 * 0.618_034).fract());
    golden
        .map(|part| percent + scatter * (2.0 * part - 1.0))
        .collect()
}

impl PairCase {
    pub(crate) fn in_blocks(mut self) -> Self {
        self.engine = Engine::Blocks;
        self
    }

    /// Rounds on core 0 with these changes in percent, the same by both clocks.
    pub(crate) fn with_rounds(mut self, percents: &[f64]) -> Self {
        self.rounds = rounds(percents, percents, 0);
        self
    }

    /// Rounds whose clocks differ.
    pub(crate) fn with_clocks(mut self, wall_percents: &[f64], cpu_percents: &[f64]) -> Self {
        self.rounds = rounds(wall_percents, cpu_percents, 0);
        self
    }

    pub(crate) fn with_null(mut self, percents: &[f64]) -> Self {
        self.null_rounds = rounds(percents, percents, 0);
        self
    }

    /// Fresh rounds on core 1.
    pub(crate) fn with_confirm(mut self, percents: &[f64]) -> Self {
        self.confirm_rounds = rounds(percents, percents, 1);
        self
    }

    /// One round of each relinked pair of programs, with these changes in percent.
    pub(crate) fn with_layouts(mut self, percents: &[f64]) -> Self {
        self.layout_rounds = percents
            .iter()
            .map(|percent| rounds(&[*percent], &[*percent], 0))
            .collect();
        self
    }

    pub(crate) fn failed(mut self, failure: CaseFailure) -> Self {
        self.failure = Some(failure);
        self
    }
}

fn rounds(wall_percents: &[f64], cpu_percents: &[f64], core: u32) -> Vec<Round> {
    let clocks = wall_percents.iter().zip(cpu_percents);
    clocks
        .enumerate()
        .map(|(index, (wall, cpu))| Round {
            core,
            is_base_first: index % 2 == 0,
            pairs: vec![Pair {
                base: sample(2e6, 1.9e6),
                candidate: sample(2e6 * (1.0 + wall / 100.0), 1.9e6 * (1.0 + cpu / 100.0)),
            }],
        })
        .collect()
}

/// A turn of a thousand iterations.
pub(crate) fn sample(wall_ns: f64, cpu_ns: f64) -> Sample {
    Sample {
        n_iterations: 1000,
        wall_ns,
        cpu_ns,
        n_involuntary_switches: 0,
        n_page_faults: 0,
    }
}

/// Judged with the default relevances and nothing known of earlier runs.
pub(crate) fn judged(run: &PairRun) -> PairComparison {
    judged_by(run, &PairRelevance::default())
}

pub(crate) fn judged_by(run: &PairRun, relevance: &PairRelevance) -> PairComparison {
    judge(
        run,
        &Terms {
            relevance,
            null_estimates: &NullEstimates::default(),
            n_rounds_most: MOST_ROUNDS,
            count_ratios: &BTreeMap::new(),
        },
    )
}
