//! A series in windows of equal length, each with one value.

/// One window.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Window {
    /// The middle of the window, in seconds.
    pub(super) at: f64,
    /// Its value.
    pub(super) value: f64,
}

/// So many windows tell a trend, and each is long enough to hold a whole tooth of a saw.
const WINDOWS: usize = 36;

/// Fewer samples per window do not let a minimum see through a saw.
const FEWEST_SAMPLES: usize = 3;

/// Cuts the samples behind the warm-up into windows; `None` if there are too few.
pub(super) fn windows(
    samples: &[(f64, f64)],
    warm_up: f64,
    by_minimum: bool,
) -> Option<Vec<Window>> {
    let (first, last) = (samples.first()?.0, samples.last()?.0);
    let begin = first + warm_up * (last - first);
    let steady: Vec<(f64, f64)> = samples
        .iter()
        .copied()
        .filter(|(at, value)| *at >= begin && value.is_finite())
        .collect();
    if steady.len() < WINDOWS * FEWEST_SAMPLES {
        return None;
    }
    let length = (last - begin) / WINDOWS as f64;
    let window = |index: usize| {
        let from = begin + length * index as f64;
        let is_last = index + 1 == WINDOWS;
        let within = |at: f64| at >= from && (at < from + length || is_last);
        let values = steady.iter().filter(|(at, _)| within(*at));
        let mut values: Vec<f64> = values.map(|(_, value)| *value).collect();
        values.sort_by(f64::total_cmp);
        let middle = values.len() / 2;
        let value = if by_minimum {
            values.first()
        } else {
            values.get(middle)
        };
        value.map(|value| Window {
            at: from + length / 2.0,
            value: *value,
        })
    };
    let windows: Vec<Window> = (0..WINDOWS).filter_map(window).collect();
    // Gaps are samples that never came; a series of mostly gaps tells nothing.
    (windows.len() >= WINDOWS / 2).then_some(windows)
}
