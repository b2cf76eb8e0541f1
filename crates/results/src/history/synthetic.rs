//! Lines with a known truth, for the tests of this module and of its reports.

use std::collections::BTreeMap;

use jiff::Timestamp;

use super::line::{Effect, Line};
use crate::case_id::CaseId;

/// The second at which the night of number zero ends here: two in the morning of the first of January 2026.
const FIRST: i64 = 1_767_232_800;

const DAY: i64 = 86_400;

/// A case on a night, without an effect.
pub(crate) fn line(night: i32) -> Line {
    let seconds = FIRST + DAY * i64::from(night);
    Line::new(
        CaseId::new("codec/encode/10kb").expect("well formed"),
        Timestamp::from_second(seconds).expect("a time"),
    )
    .against("old")
}

impl Line {
    fn new(case: CaseId, time: Timestamp) -> Self {
        let effect = Effect {
            log_ratio: 0.0,
            low: -0.004,
            high: 0.004,
        };
        Self {
            schema: super::line::SCHEMA,
            run: format!("run at {time}"),
            case,
            time,
            reference: String::new(),
            commit: format!("commit of {time}"),
            machine: "intel-2c-vm".to_owned(),
            is_contaminated: false,
            n_rounds: 15,
            relevance: 0.01,
            wall: effect,
            cpu: Some(effect),
            counts: BTreeMap::new(),
        }
    }

    /// An effect in percent of the logarithm, sure to 0.4.
    pub(crate) fn at(mut self, percent: f64) -> Self {
        let log_ratio = percent / 100.0;
        self.wall = Effect {
            log_ratio,
            low: log_ratio - 0.004,
            high: log_ratio + 0.004,
        };
        self
    }

    pub(crate) fn of_case(mut self, id: &str) -> Self {
        self.case = CaseId::new(id).expect("well formed");
        self
    }

    pub(crate) fn of_commit(mut self, commit: &str) -> Self {
        commit.clone_into(&mut self.commit);
        self
    }

    pub(crate) fn on_machine(mut self, machine: &str) -> Self {
        machine.clone_into(&mut self.machine);
        self
    }

    /// A run of the same night against another reference is another run.
    pub(crate) fn against(mut self, reference: &str) -> Self {
        reference.clone_into(&mut self.reference);
        self.run = format!("run at {} against {reference}", self.time);
        self
    }

    /// Measured again an hour later.
    pub(crate) fn later(mut self) -> Self {
        let seconds = self.time.as_second() + 3_600;
        self.time = Timestamp::from_second(seconds).expect("a time");
        self.run.push_str(", again");
        self
    }

    pub(crate) fn contaminated(mut self) -> Self {
        self.is_contaminated = true;
        self
    }
}
