//! What cannot change a verdict, and what must mirror it.

use proptest::prelude::*;

use crate::pairs::comparison::ClockVerdict;
use crate::pairs::sample::{Pair, PairRun};
use crate::pairs::synthetic::{case, judged, run};

/// A run of a few cases with random rounds.
fn any_run() -> impl Strategy<Value = PairRun> {
    let percents = prop::collection::vec(-5.0_f64..5.0, 8..16);
    let cases = prop::collection::vec((percents, -3.0_f64..3.0), 1..5);
    cases.prop_map(|cases| {
        let cases = cases
            .into_iter()
            .enumerate()
            .map(|(index, (percents, shift))| {
                let shifted: Vec<f64> = percents.iter().map(|percent| percent + shift).collect();
                case(&format!("suite/case_{index}")).with_rounds(&shifted)
            });
        run(cases.collect())
    })
}

fn each_pair(run: &PairRun, change: impl Fn(&mut Pair)) -> PairRun {
    let mut changed = run.clone();
    let rounds = changed.cases.iter_mut().flat_map(|case| &mut case.rounds);
    rounds.flat_map(|round| &mut round.pairs).for_each(change);
    changed
}

fn is_close(left: f64, right: f64) -> bool {
    (left / right - 1.0).abs() < 1e-9
}

proptest! {
    #[test]
    fn swapped_sides_mirror_every_ratio_and_keep_every_p(run in any_run()) {
        let swapped = each_pair(&run, |pair| std::mem::swap(&mut pair.base, &mut pair.candidate));
        for (row, mirror) in judged(&run).rows.iter().zip(&judged(&swapped).rows) {
            let (delta, mirror) = (row.wall.expect("tested"), mirror.wall.expect("tested"));
            prop_assert!(is_close(delta.ratio.estimate, 1.0 / mirror.ratio.estimate));
            prop_assert!(is_close(delta.ratio.low, 1.0 / mirror.ratio.high));
            prop_assert!(is_close(delta.ratio.high, 1.0 / mirror.ratio.low));
            prop_assert_eq!((delta.p, delta.p_corrected), (mirror.p, mirror.p_corrected));
            let is_same = |verdict| verdict == ClockVerdict::Same;
            prop_assert_eq!(is_same(delta.verdict), is_same(mirror.verdict));
        }
    }

    #[test]
    fn a_machine_of_another_speed_gives_the_same_verdicts(run in any_run(), factor in 0.1_f64..10.0) {
        let scaled = each_pair(&run, |pair| {
            for sample in [&mut pair.base, &mut pair.candidate] {
                sample.wall_ns *= factor;
                sample.cpu_ns *= factor;
            }
        });
        for (row, other) in judged(&run).rows.iter().zip(&judged(&scaled).rows) {
            prop_assert_eq!((row.verdict, row.next), (other.verdict, other.next));
            prop_assert_eq!(row.wall.expect("tested").p, other.wall.expect("tested").p);
        }
    }

    #[test]
    fn the_order_of_rounds_and_cases_does_not_matter(run in any_run()) {
        let mut shuffled = run.clone();
        shuffled.cases.reverse();
        shuffled.cases.iter_mut().for_each(|case| case.rounds.reverse());
        prop_assert_eq!(judged(&run), judged(&shuffled));
    }
}
