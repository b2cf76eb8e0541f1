//! The signs of a controller at capacity: each with a warning and a critical threshold.

use crate::advice::Measurements;

/// How bad a measurement is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Severity {
    /// Nothing measured it.
    Unmeasured,
    /// At most the warning threshold.
    Fine,
    /// Above the warning threshold.
    Warning,
    /// Above the critical threshold.
    Critical,
}

/// A row of the table.
#[derive(Debug, Clone, Copy)]
pub struct Threshold {
    /// The metric, by the name under which dashboards know it.
    pub metric: &'static str,
    /// Above this, a warning.
    pub warning: f64,
    /// Above this, critical.
    pub critical: f64,
    /// The unit of both and of the measurement.
    pub unit: &'static str,
    /// What to do.
    pub action: &'static str,
    of: fn(&Measurements) -> Option<f64>,
}

/// A row, held against measurements.
#[derive(Debug, Clone, Copy)]
pub struct Sign {
    /// The row.
    pub threshold: &'static Threshold,
    /// What was measured; unset if nothing was.
    pub measured: Option<f64>,
    /// How bad it is.
    pub severity: Severity,
}

/// The table of the document, in its order.
pub static THRESHOLDS: [Threshold; 7] = [
    Threshold {
        metric: "workqueue_depth{name=\"query\"}",
        warning: 50.0,
        critical: 200.0,
        unit: "",
        action: "scale replicas or raise the concurrent reconciles",
        of: |measured| measured.queue_depth,
    },
    Threshold {
        metric: "workqueue_queue_duration_seconds p99",
        warning: 5.0,
        critical: 30.0,
        unit: " s",
        action: "scale or reduce the load",
        of: |measured| measured.queue_wait_p99,
    },
    Threshold {
        metric: "workqueue_work_duration_seconds p99",
        warning: 60.0,
        critical: 300.0,
        unit: " s",
        action: "optimize or accept",
        of: |measured| measured.work_p99,
    },
    Threshold {
        metric: "controller_runtime_reconcile_errors_total rate",
        warning: 1.0,
        critical: 10.0,
        unit: "/min",
        action: "investigate the errors",
        of: |measured| measured.errors_per_minute,
    },
    Threshold {
        metric: "pod CPU usage",
        warning: 80.0,
        critical: 95.0,
        unit: " %",
        action: "raise the CPU limit",
        of: |measured| measured.cpu.map(|share| 100.0 * share),
    },
    Threshold {
        metric: "pod memory usage",
        warning: 80.0,
        critical: 95.0,
        unit: " %",
        action: "raise the memory limit",
        of: |measured| measured.memory.map(|share| 100.0 * share),
    },
    Threshold {
        metric: "ark_query_concurrent_executions",
        warning: 20.0,
        critical: 50.0,
        unit: "",
        action: "scale horizontally",
        of: |measured| measured.executions,
    },
];

/// Every row of the table held against the measurements, in its order.
pub fn signs(measured: &Measurements) -> Vec<Sign> {
    let sign = |threshold: &'static Threshold| {
        let value = (threshold.of)(measured);
        Sign {
            threshold,
            measured: value,
            severity: value.map_or(Severity::Unmeasured, |value| threshold.severity(value)),
        }
    };
    THRESHOLDS.iter().map(sign).collect()
}

impl Threshold {
    fn severity(&self, value: f64) -> Severity {
        if value > self.critical {
            Severity::Critical
        } else if value > self.warning {
            Severity::Warning
        } else {
            Severity::Fine
        }
    }
}

impl Sign {
    /// What was measured beside the thresholds, such as `61 (warning above 50, critical above 200)`.
    pub fn evidence(&self) -> String {
        let Threshold {
            warning,
            critical,
            unit,
            ..
        } = self.threshold;
        match self.measured {
            None => "not measured".to_owned(),
            Some(value) => {
                format!(
                    "{value:.1}{unit} (warning above {warning}{unit}, critical above {critical}{unit})"
                )
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_row_warns_above_its_threshold_and_not_at_it() {
        let measured = |value: f64| Measurements {
            queue_depth: Some(value),
            queue_wait_p99: Some(value),
            work_p99: Some(value),
            errors_per_minute: Some(value),
            cpu: Some(value / 100.0),
            memory: Some(value / 100.0),
            executions: Some(value),
            ..Measurements::default()
        };
        for (index, threshold) in THRESHOLDS.iter().enumerate() {
            for (value, severity) in [
                (threshold.warning - 0.5, Severity::Fine),
                (threshold.warning + 0.5, Severity::Warning),
                (threshold.critical + 0.5, Severity::Critical),
            ] {
                let sign = signs(&measured(value))[index];
                assert_eq!(sign.severity, severity, "{} {value}", threshold.metric);
            }
        }
    }

    #[test]
    fn what_was_not_measured_is_said_to_be_so() {
        for sign in signs(&Measurements::default()) {
            assert_eq!(sign.severity, Severity::Unmeasured);
            assert_eq!(sign.evidence(), "not measured");
        }
    }

    #[test]
    fn the_evidence_names_the_measurement_and_both_thresholds() {
        let measured = Measurements {
            queue_depth: Some(61.0),
            ..Measurements::default()
        };
        let evidence = signs(&measured)[0].evidence();
        assert_eq!(evidence, "61.0 (warning above 50, critical above 200)");
    }
}
