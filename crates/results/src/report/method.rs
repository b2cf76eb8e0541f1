//! How and where a report was judged, the same in Markdown and HTML.

use super::model::Report;
use super::words;

/// How and where it was judged: pairs of what and how.
pub(super) fn rows(report: &Report) -> Vec<(&'static str, String)> {
    let method = &report.method;
    let percent = |share: f64| format!("{} %", words::shortest(share * 100.0));
    let mut rows = vec![
        (
            "false alarms",
            format!(
                "at most {} of runs of unchanged code accuse anything, over all cases together",
                percent(method.false_alarm_budget)
            ),
        ),
        ("intervals", percent(method.confidence)),
    ];
    match &method.pairs {
        None => {
            rows.push((
                "judged by",
                "the spread between processes, borrowed from the baseline; first more than noise, then large enough \
                 to care"
                    .to_owned(),
            ));
            let relevances = report.cases.iter().filter_map(|case| case.relevance);
            rows.extend(range(relevances, words::share).map(|range| {
                (
                    "relevance",
                    format!("{range}: smaller changes do not matter"),
                )
            }));
            rows.extend(method.min_family.map(|min_family| {
                let text =
                    format!("at least {min_family}, so that a filter buys no sharper verdict");
                ("tests that share the budget", text)
            }));
        }
        Some(pairs) => {
            rows.push((
                "judged by",
                "an exact sign-flip test over fresh process pairs that took turns; the whole interval must lie beyond \
                 the case's floor, and fresh rounds must agree"
                    .to_owned(),
            ));
            let n_rounds = report.cases.iter().filter_map(|case| case.n_rounds);
            let n_rounds = n_rounds.filter(|n_rounds| *n_rounds > 0);
            rows.extend(
                range(n_rounds, |n_rounds| n_rounds.to_string())
                    .map(|range| ("rounds", format!("{range} fresh process pairs per case"))),
            );
            let floors = report.cases.iter().filter_map(|case| case.change?.floor);
            rows.extend(range(floors, words::share).map(|range| {
                (
                    "floors",
                    format!("{range}: what matters of a case, or what equal programs were seen to differ by"),
                )
            }));
            rows.push(("tests that share the budget", pairs.n_tests.to_string()));
            let control = &pairs.control;
            rows.push((
                "null control",
                format!(
                    "base differed from base in {} of {} cases",
                    control.fired.len(),
                    control.n_cases
                ),
            ));
            rows.push(("seed", pairs.seed.clone()));
        }
    }
    rows.push(("machine class", report.machine.clone()));
    if let Some(machine) = &report.machine_details {
        let guest = if machine.virtualised { ", a guest" } else { "" };
        rows.push((
            "machine",
            format!(
                "{}, {} cores, {} GiB{guest}",
                machine.processor, machine.cores, machine.memory_gib
            ),
        ));
        rows.push(("kernel", machine.kernel.clone()));
        rows.push(("compiler", machine.rustc.clone()));
        if !machine.flags.is_empty() {
            rows.push(("flags", machine.flags.clone()));
        }
    }
    rows
}

/// `15 to 25`, or `15` where all are equal; `None` without any.
fn range<T: PartialOrd + Copy>(
    values: impl Iterator<Item = T>,
    in_words: impl Fn(T) -> String,
) -> Option<String> {
    let widened = values.fold(None, |range: Option<(T, T)>, value| match range {
        None => Some((value, value)),
        Some((low, high)) if value < low => Some((value, high)),
        Some((low, high)) if value > high => Some((low, value)),
        Some(range) => Some(range),
    });
    let (low, high) = widened?;
    let (low, high) = (in_words(low), in_words(high));
    Some(if low == high {
        low
    } else {
        format!("{low} to {high}")
    })
}
