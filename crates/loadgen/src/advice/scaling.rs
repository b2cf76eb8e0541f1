//! The scaling decisions: which symptom calls for which change.

use crate::advice::Measurements;

/// One decision that the measurements call for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Decision {
    /// What is seen.
    pub symptom: &'static str,
    /// Why.
    pub cause: &'static str,
    /// What to do.
    pub solution: &'static str,
    /// The measurements that call for it.
    pub evidence: String,
}

/// A queue deeper than this is deep; the warning threshold of the document.
const DEEP: f64 = 50.0;

/// More CPU than this share is high; the warning threshold of the document.
const BUSY: f64 = 0.8;

/// Less than this share is low: the CPU is not what queries wait for.
const IDLE: f64 = 0.5;

/// Memory above this share is high; the warning threshold of the document.
const FULL: f64 = 0.8;

/// A larger share of a query's time is the LLM's.
const LLM_BOUND: f64 = 0.8;

/// Any more than this share of the API server's answers or of the queries is no accident.
const NOTABLE: f64 = 0.01;

/// Every decision that the measurements call for; empty if none does.
pub fn decisions(measured: &Measurements) -> Vec<Decision> {
    let rows: [fn(&Measurements) -> Option<Decision>; 7] = [
        few_workers,
        little_cpu,
        much_memory,
        leak,
        slow_llm,
        api_server,
        quota,
    ];
    rows.iter().filter_map(|row| row(measured)).collect()
}

fn few_workers(measured: &Measurements) -> Option<Decision> {
    let (depth, cpu) = (measured.queue_depth?, measured.cpu?);
    let are_busy = measured.workers_busy.is_none_or(|busy| busy > BUSY);
    let busy = measured.workers_busy;
    (depth > DEEP && cpu < IDLE && are_busy).then(|| Decision {
        symptom: "deep queue, low CPU",
        cause: "too few concurrent reconciles",
        solution: "raise the concurrent reconciles",
        evidence: format!(
            "{depth:.0} waited, CPU {}, workers {}",
            percent(cpu),
            busy.map_or("not measured".to_owned(), |busy| format!(
                "{} busy",
                percent(busy)
            ))
        ),
    })
}

fn little_cpu(measured: &Measurements) -> Option<Decision> {
    let (depth, cpu) = (measured.queue_depth?, measured.cpu?);
    (depth > DEEP && cpu > BUSY).then(|| Decision {
        symptom: "deep queue, high CPU",
        cause: "the controller is bound by CPU",
        solution: "raise the CPU limit or add replicas",
        evidence: format!("{depth:.0} waited, CPU {}", percent(cpu)),
    })
}

fn much_memory(measured: &Measurements) -> Option<Decision> {
    let kills = measured.out_of_memory.unwrap_or(0);
    let memory = measured.memory.unwrap_or(0.0);
    let leaks = measured.memory_leaks == Some(true);
    ((memory > FULL || kills > 0) && !leaks).then(|| Decision {
        symptom: "high memory, or killed for want of it",
        cause: "too many queries at once",
        solution: "cap the concurrency, add memory",
        evidence: match measured.memory {
            Some(memory) => format!("memory {}, {kills} kills", percent(memory)),
            None => format!("memory not measured, {kills} kills"),
        },
    })
}

fn leak(measured: &Measurements) -> Option<Decision> {
    (measured.memory_leaks == Some(true)).then(|| Decision {
        symptom: "memory grows through the soak and does not return",
        cause: "a leak",
        solution: "find the leak; more memory only moves the end",
        evidence: match measured.memory {
            Some(memory) => format!(
                "the soak found a leak, memory {} at its end",
                percent(memory)
            ),
            None => "the soak found a leak".to_owned(),
        },
    })
}

fn slow_llm(measured: &Measurements) -> Option<Decision> {
    let share = measured.llm_share?;
    let is_idle = measured.cpu.is_none_or(|cpu| cpu < BUSY);
    let is_shallow = measured.queue_depth.is_none_or(|depth| depth <= DEEP);
    (share > LLM_BOUND && is_idle && is_shallow).then(|| Decision {
        symptom: "high latency, low throughput",
        cause: "the LLM is the bottleneck",
        solution: "nothing at the controller: a faster model, or more of the provider's quota",
        evidence: format!("{} of a query's time is the LLM's", percent(share)),
    })
}

fn api_server(measured: &Measurements) -> Option<Decision> {
    let share = measured.api_errors?;
    (share > NOTABLE).then(|| Decision {
        symptom: "errors of the API server",
        cause: "it throttles",
        solution: "back off, create queries more slowly",
        evidence: format!("{} of its answers", percent(share)),
    })
}

fn quota(measured: &Measurements) -> Option<Decision> {
    let share = measured.denied?;
    (share > NOTABLE).then(|| Decision {
        symptom: "queries are denied",
        cause: "limited by quota",
        solution: "raise the quota, if the capacity allows it",
        evidence: format!("{} of the queries", percent(share)),
    })
}

fn percent(share: f64) -> String {
    format!("{:.1} %", 100.0 * share)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn symptoms(measured: &Measurements) -> Vec<&'static str> {
        decisions(measured)
            .iter()
            .map(|decision| decision.symptom)
            .collect()
    }

    fn check(measured: Measurements, symptom: &str) {
        assert_eq!(symptoms(&measured), [symptom], "{measured:?}");
    }

    #[test]
    fn every_row_of_the_matrix_follows_from_its_symptom_alone() {
        let measured = Measurements::default;
        let deep = Measurements {
            queue_depth: Some(80.0),
            ..measured()
        };
        check(
            Measurements {
                cpu: Some(0.2),
                ..deep
            },
            "deep queue, low CPU",
        );
        check(
            Measurements {
                cpu: Some(0.9),
                ..deep
            },
            "deep queue, high CPU",
        );
        let full = Measurements {
            memory: Some(0.9),
            ..measured()
        };
        check(full, "high memory, or killed for want of it");
        let killed = Measurements {
            out_of_memory: Some(2),
            ..measured()
        };
        check(killed, "high memory, or killed for want of it");
        let leaks = Measurements {
            memory_leaks: Some(true),
            ..full
        };
        check(leaks, "memory grows through the soak and does not return");
        let slow = Measurements {
            llm_share: Some(0.95),
            cpu: Some(0.1),
            ..measured()
        };
        check(slow, "high latency, low throughput");
        let throttled = Measurements {
            api_errors: Some(0.05),
            ..measured()
        };
        check(throttled, "errors of the API server");
        let denied = Measurements {
            denied: Some(0.2),
            ..measured()
        };
        check(denied, "queries are denied");
    }

    #[test]
    fn nothing_is_advised_without_a_symptom_or_a_measurement() {
        assert!(decisions(&Measurements::default()).is_empty());
        let calm = Measurements {
            queue_depth: Some(3.0),
            cpu: Some(0.3),
            memory: Some(0.4),
            llm_share: Some(0.5),
            api_errors: Some(0.0),
            denied: Some(0.0),
            memory_leaks: Some(false),
            out_of_memory: Some(0),
            ..Measurements::default()
        };
        assert!(decisions(&calm).is_empty());
    }

    #[test]
    fn idle_workers_are_not_to_be_more() {
        let idle = Measurements {
            queue_depth: Some(80.0),
            cpu: Some(0.2),
            workers_busy: Some(0.3),
            ..Measurements::default()
        };
        assert!(decisions(&idle).is_empty());
    }

    #[test]
    fn the_evidence_names_the_measurements() {
        let measured = Measurements {
            queue_depth: Some(80.0),
            cpu: Some(0.2),
            workers_busy: Some(0.99),
            ..Measurements::default()
        };
        assert_eq!(
            decisions(&measured)[0].evidence,
            "80 waited, CPU 20.0 %, workers 99.0 % busy"
        );
    }
}
