//! The axis that all intervals of a page share: ratios on a log scale, the same distance for twice as slow as for
//! twice as fast.

use super::super::model::Case;

/// How far a scale reaches either way, with the ratios at which it has a line.
const SCALES: [(f64, &[f64]); 7] = [
    (1.022, &[0.98, 0.99, 1.0, 1.01, 1.02]),
    (1.055, &[0.95, 0.975, 1.0, 1.025, 1.05]),
    (1.115, &[0.9, 0.95, 1.0, 1.05, 1.1]),
    (1.28, &[0.8, 0.9, 1.0, 1.1, 1.25]),
    (1.56, &[0.65, 0.8, 1.0, 1.25, 1.5]),
    (2.2, &[0.5, 0.7, 1.0, 1.4, 2.0]),
    (4.6, &[0.25, 0.5, 1.0, 2.0, 4.0]),
];

/// The part of all interval ends that the scale must hold: a few wild cases shall not make all others a point.
const HELD: f64 = 0.9;

/// A scale with its lines.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Axis {
    reach: f64,
    pub(super) lines: &'static [f64],
}

/// Where something stands on an axis.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) enum Place {
    /// At this percentage of the width.
    At(f64),
    /// Beyond the left end.
    Below,
    /// Beyond the right end.
    Above,
}

impl Axis {
    /// The smallest scale that holds every estimate and relevance, and nearly all ends of intervals.
    pub(super) fn of<'c>(cases: impl Iterator<Item = &'c Case>) -> Self {
        let mut estimates = Vec::new();
        let mut ends = Vec::new();
        for case in cases {
            let ratios = case.change.iter().map(|change| change.ratio);
            for ratio in ratios {
                estimates.push(size(ratio.estimate));
                ends.extend([size(ratio.low), size(ratio.high)]);
            }
            estimates.extend(case.relevance.map(|share| share.ln_1p()));
        }
        ends.sort_by(f64::total_cmp);
        let held = ends.get((ends.len() as f64 * HELD) as usize).copied();
        let wanted = estimates.into_iter().chain(held).fold(0.0, f64::max);
        let fitting = SCALES.iter().find(|(reach, _)| reach.ln() >= wanted);
        let (reach, lines) = fitting.unwrap_or(&SCALES[SCALES.len() - 1]);
        Self {
            reach: *reach,
            lines,
        }
    }

    /// Where a ratio stands.
    pub(super) fn place(self, ratio: f64) -> Place {
        let share = ratio.ln() / self.reach.ln();
        if share < -1.0 {
            Place::Below
        } else if share > 1.0 {
            Place::Above
        } else {
            Place::At(50.0 + 50.0 * share)
        }
    }

    /// The same, with what is beyond an end at that end.
    pub(super) fn held(self, ratio: f64) -> f64 {
        match self.place(ratio) {
            Place::At(percent) => percent,
            Place::Below => 0.0,
            Place::Above => 100.0,
        }
    }
}

fn size(ratio: f64) -> f64 {
    ratio.ln().abs()
}

#[cfg(test)]
mod tests {
    use super::{Axis, Place, SCALES};

    #[test]
    fn an_axis_is_symmetric_around_no_change() {
        for (reach, lines) in SCALES {
            let axis = Axis { reach, lines };
            assert_eq!(axis.place(1.0), Place::At(50.0));
            assert!((axis.held(1.02) + axis.held(1.0 / 1.02) - 100.0).abs() < 1e-9);
            assert_eq!(axis.place(reach * 1.01), Place::Above);
            assert_eq!(axis.place(0.99 / reach), Place::Below);
            assert!(
                lines
                    .iter()
                    .all(|line| matches!(axis.place(*line), Place::At(_)))
            );
        }
    }

    #[test]
    fn without_any_change_the_finest_scale_is_taken() {
        assert_eq!(Axis::of(std::iter::empty()).reach, SCALES[0].0);
    }
}
