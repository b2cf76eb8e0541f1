//! Which functions are behind a change of counts, as reports say it.

use super::model::Cause;
use super::words;
use crate::culprits::Culprits;
use crate::functions::FunctionChange;

/// The functions behind one case's change, or why none is named; `None` if nobody looked.
pub(super) fn remark(culprits: &Culprits, id: &str) -> Option<String> {
    let case = culprits.case(id)?;
    if let Some(why) = &case.unknown {
        return Some(format!("functions: {why}"));
    }
    let changes: Vec<String> = case.changes.iter().map(function_change).collect();
    Some(format!("functions: {}", changes.join("; ")))
}

/// Functions that are behind more than one case.
pub(super) fn shared(culprits: &Culprits) -> Vec<Cause> {
    let culprits = culprits.shared.iter();
    let shared = culprits.filter(|culprit| culprit.cases.len() > 1);
    let causes = shared.map(|culprit| Cause {
        function: culprit.function.clone(),
        cases: culprit.cases.clone(),
        evidence: format!(
            "which executes {} more instructions in them",
            words::grouped(culprit.growth as f64)
        ),
    });
    causes.collect()
}

/// `quota::caps::acquire +12,000 (+30 %)`.
fn function_change(change: &FunctionChange) -> String {
    let sign = if change.change < 0 { "-" } else { "+" };
    let size = words::grouped(change.change.unsigned_abs() as f64);
    let function = &change.function;
    match change.before {
        None => format!("{function} {sign}{size} or more"),
        Some(0) => format!("{function} {sign}{size}, not called before"),
        Some(_) if change.after == 0 => format!("{function} {sign}{size}, not called any more"),
        Some(before) => {
            let ratio = change.after as f64 / before as f64;
            format!("{function} {sign}{size} ({} %)", words::percent(ratio))
        }
    }
}
