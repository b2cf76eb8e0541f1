//! From what processes handed in and what Criterion stored, the pairs of a round.

use std::fs;
use std::path::{Path, PathBuf};

use results::pairs::sample::{Pair, Sample};
use serde::Deserialize;

use crate::schedule::Length;
use crate::wire::Turn;

/// Other threads with this share of a case's CPU time make it one that cannot take turns on one core.
const THREADS_SHARE: f64 = 0.05;

/// What Criterion keeps of a case; of its fields, those that the wire does not have.
#[derive(Debug, Clone, PartialEq, Deserialize)]
pub(crate) struct Stored {
    #[serde(rename = "iters")]
    iterations: Vec<f64>,
    #[serde(rename = "times")]
    times_ns: Vec<f64>,
}

/// Reads the one case that a process measured below its Criterion home; `None` if it stored none.
///
/// Criterion cuts and cleans folder names, so the folder is looked for and not guessed.
pub(crate) fn stored(home: &Path) -> Option<Stored> {
    let text = fs::read_to_string(find(home)?).ok()?;
    let stored: Stored = serde_json::from_str(&text).ok()?;
    (stored.iterations.len() == stored.times_ns.len()).then_some(stored)
}

fn find(folder: &Path) -> Option<PathBuf> {
    let latest = folder.join("new").join("sample.json");
    if latest.is_file() {
        return Some(latest);
    }
    let entries = fs::read_dir(folder)
        .ok()?
        .flatten()
        .map(|entry| entry.path());
    entries
        .filter(|path| path.is_dir())
        .find_map(|folder| find(&folder))
}

/// The samples of a process that took turns; `None` if the two sources do not tell of the same samples.
pub(crate) fn of_turns(turns: &[Turn], stored: &Stored) -> Option<Vec<Sample>> {
    if turns.len() != stored.iterations.len() {
        return None;
    }
    let both = turns.iter().zip(&stored.iterations);
    possible(both.map(|(turn, n_iterations)| sample(turn, *n_iterations as u64)))
}

/// The samples of a process that measured quickly: Criterion begins with one iteration, doubles them each time, and
/// stores only the last two.
pub(crate) fn of_quick_turns(turns: &[Turn]) -> Option<Vec<Sample>> {
    let samples = turns.iter().enumerate();
    possible(samples.map(|(number, turn)| sample(turn, 1 << number.min(63))))
}

fn sample(turn: &Turn, n_iterations: u64) -> Sample {
    Sample {
        n_iterations,
        wall_ns: turn.value_ns,
        cpu_ns: turn.cpu_ns as f64,
        n_involuntary_switches: turn.n_involuntary_switches,
        n_page_faults: turn.n_page_faults,
    }
}

/// The samples of a process that knows nothing of turns: wall time is all that there is.
pub(crate) fn of_stored(stored: &Stored) -> Option<Vec<Sample>> {
    let samples = stored
        .times_ns
        .iter()
        .zip(&stored.iterations)
        .map(|(time, n_iterations)| Sample {
            n_iterations: *n_iterations as u64,
            wall_ns: *time,
            cpu_ns: 0.0,
            n_involuntary_switches: 0,
            n_page_faults: 0,
        });
    possible(samples)
}

/// None of them, if one has no iterations or took no time.
fn possible(samples: impl Iterator<Item = Sample>) -> Option<Vec<Sample>> {
    let samples: Vec<Sample> = samples.collect();
    let all = samples.iter().all(|sample| {
        sample.n_iterations > 0 && sample.wall_ns.is_finite() && sample.wall_ns > 0.0
    });
    (all && !samples.is_empty()).then_some(samples)
}

/// Turn by turn, what both sides measured.
///
/// The first turn of a process is not among them: it holds the warm-up, too, so that its sample follows that and not
/// the other side's. One that measured quickly has no warm-up, and often no other turn.
///
/// Nor are samples of less than half the iterations of the longest. Unless a suite asks for flat sampling, Criterion
/// takes one iteration, two, three and so on, and the first of these say little and weigh as much as the last.
pub(crate) fn pairs(base: &[Sample], candidate: &[Sample], length: Length) -> Vec<Pair> {
    if matches!(length, Length::Quick { .. }) {
        return both(base, candidate).collect();
    }
    let most = |samples: &[Sample]| samples.iter().map(|sample| sample.n_iterations).max();
    let is_long = |sample: &Sample, of: &[Sample]| Some(2 * sample.n_iterations) >= most(of);
    let pairs = both(base, candidate).skip(1);
    pairs
        .filter(|pair| is_long(&pair.base, base) && is_long(&pair.candidate, candidate))
        .collect()
}

fn both(base: &[Sample], candidate: &[Sample]) -> impl Iterator<Item = Pair> {
    let both = base.iter().zip(candidate);
    both.map(|(base, candidate)| Pair {
        base: *base,
        candidate: *candidate,
    })
}

/// Whether other threads do a good part of the work, so that one core and one turn are not enough.
pub(crate) fn has_threads(turns: &[Turn]) -> bool {
    let sum = |part: fn(&Turn) -> u64| turns.iter().map(part).sum::<u64>() as f64;
    let elsewhere = sum(|turn| turn.elsewhere_ns);
    elsewhere > THREADS_SHARE * (elsewhere + sum(|turn| turn.cpu_ns))
}

#[cfg(test)]
mod tests {
    use super::{has_threads, of_quick_turns, of_stored, of_turns, pairs, stored};
    use crate::schedule::{Length, SAMPLE};
    use crate::wire::Turn;
    use std::fs;

    fn turn(value_ns: f64, elsewhere_ns: u64) -> Turn {
        Turn {
            value_ns,
            cpu_ns: 1_000,
            elsewhere_ns,
            n_involuntary_switches: 1,
            n_page_faults: 2,
        }
    }

    /// What Criterion would have stored with this text.
    fn storing(text: &str) -> Option<super::Stored> {
        let home = tempfile::tempdir().expect("a temporary folder");
        let folder = home.path().join("group/case/20/new");
        fs::create_dir_all(&folder).expect("a folder");
        fs::write(folder.join("sample.json"), text).expect("a file");
        stored(home.path())
    }

    #[test]
    fn what_criterion_stored_is_found_in_whatever_folder() {
        let found = storing(r#"{"sampling_mode":"Flat","iters":[5.0,5.0],"times":[10.0,11.0]}"#);
        let samples = of_stored(&found.expect("there")).expect("possible");
        assert_eq!((samples[1].n_iterations, samples[1].wall_ns), (5, 11.0));
        assert_eq!(storing("{"), None);
        assert_eq!(storing(r#"{"iters":[5.0],"times":[]}"#), None);
        assert_eq!(stored(std::path::Path::new("/nowhere")), None);
    }

    #[test]
    fn impossible_samples_are_none() {
        for text in [
            r#"{"iters":[],"times":[]}"#,
            r#"{"iters":[0.0],"times":[1.0]}"#,
            r#"{"iters":[1.0],"times":[0.0]}"#,
        ] {
            assert_eq!(of_stored(&storing(text).expect("there")), None, "{text}");
        }
    }

    #[test]
    fn turns_get_their_iterations_and_lose_the_one_with_the_warm_up() {
        let stored = storing(r#"{"iters":[5.0,6.0],"times":[10.0,11.0]}"#).expect("there");
        let turns = [turn(10.0, 0), turn(11.0, 0)];
        let samples = of_turns(&turns, &stored).expect("two each");
        let pairs = pairs(&samples, &samples, Length::Samples(30));
        assert_eq!(pairs.len(), 1);
        assert_eq!(
            (pairs[0].base.n_iterations, pairs[0].candidate.wall_ns),
            (6, 11.0)
        );
        assert_eq!(of_turns(&turns[..1], &stored), None);
    }

    #[test]
    fn of_a_rising_row_of_samples_the_longer_half_counts() {
        let stored = storing(r#"{"iters":[1.0,2.0,3.0,4.0],"times":[1.0,2.0,3.0,4.0]}"#);
        let samples = of_stored(&stored.expect("there")).expect("possible");
        let pairs = pairs(&samples, &samples, Length::Samples(30));
        let counts: Vec<u64> = pairs.iter().map(|pair| pair.base.n_iterations).collect();
        assert_eq!(counts, [2, 3, 4]);
    }

    #[test]
    fn a_quick_process_doubles_its_iterations_and_keeps_its_first_turn() {
        let samples =
            of_quick_turns(&[turn(10.0, 0), turn(20.0, 0), turn(40.0, 0)]).expect("three");
        let counts: Vec<u64> = samples.iter().map(|sample| sample.n_iterations).collect();
        assert_eq!(counts, [1, 2, 4]);
        let quick = Length::Quick { within: SAMPLE };
        assert_eq!(pairs(&samples, &samples, quick).len(), 3);
    }

    #[test]
    fn a_case_has_threads_if_they_work() {
        assert!(!has_threads(&[turn(1.0, 0), turn(1.0, 20)]));
        assert!(has_threads(&[turn(1.0, 500), turn(1.0, 600)]));
        assert!(!has_threads(&[]));
    }
}
