//! What changed between two profiles, in text for a terminal.

use super::Colour;
use super::paint::{Page, Tone};
use crate::profile::difference::{FunctionDifference, LEVEL, ProfileDifference};

/// Functions that are listed; the rest is in the flamegraph.
const MOST: usize = 12;

/// Renders the functions with the largest changes, and what to think of them.
pub fn render(difference: &ProfileDifference, colour: Colour) -> String {
    let mut page = Page::new(colour);
    page.line("    base  candidate      change [95 %]   function");
    for function in difference.functions.iter().take(MOST) {
        line(&mut page, function, difference);
    }
    let n_more = difference.functions.len().saturating_sub(MOST);
    if n_more > 0 {
        page.line(&format!("{n_more} more functions changed by less"));
    }
    page.gap();
    let n_beyond = difference
        .functions
        .iter()
        .filter(|f| f.is_beyond_chance)
        .count();
    page.paragraph(
        &format!(
            "{} samples of the base, {} of the candidate; shares of the time that the program itself ran, by the \
             innermost function outside of the standard library. A count of samples scatters by its square root: {n_beyond} of {} functions changed by more than \
             chance (*, {} % over all of them together), and one with a tenth of the time would have to change by \
             about {} to be seen. Where one share grows, others shrink; how much slower the case is, `plimsoll ab` says.",
            difference.n_base,
            difference.n_candidate,
            difference.functions.len(),
            LEVEL * 100.0,
            points(difference.smallest_visible()),
        ),
        0,
    );
    page.text
}

fn line(page: &mut Page, function: &FunctionDifference, of: &ProfileDifference) {
    let share = |n_samples: u64, of: u64| format!("{:.1} %", n_samples as f64 * 100.0 / of as f64);
    let (mark, tone) = match function.is_beyond_chance {
        true if function.change > 0.0 => ("*", Tone::Bad),
        true => ("*", Tone::Good),
        false => (" ", Tone::Plain),
    };
    let change = format!(
        "{:>+6.1} ±{:>4.1}",
        function.change * 100.0,
        function.half_width * 100.0
    );
    page.line(&format!(
        "{:>8}   {:>8}   {} {mark}   {}",
        share(function.n_base, of.n_base),
        share(function.n_candidate, of.n_candidate),
        page.painted(&change, tone),
        function.function
    ));
}

/// A difference of shares.
fn points(share: f64) -> String {
    format!("{:.1} points", share * 100.0)
}

#[cfg(test)]
mod tests {
    use super::render;
    use crate::profile::difference::{FunctionDifference, ProfileDifference};
    use crate::report::Colour;

    fn function(
        name: &str,
        n_base: u64,
        n_candidate: u64,
        is_beyond_chance: bool,
    ) -> FunctionDifference {
        FunctionDifference {
            function: name.to_owned(),
            n_base,
            n_candidate,
            change: n_candidate as f64 / 1000.0 - n_base as f64 / 1000.0,
            half_width: 0.031,
            is_beyond_chance,
        }
    }

    #[test]
    fn the_guilty_are_marked_and_the_uncertainty_is_told() {
        let mut functions = vec![function("codec::escape", 100, 312, true)];
        functions.extend((0..20).map(|index| function(&format!("f{index}"), 40, 41, false)));
        let difference = ProfileDifference {
            n_base: 1000,
            n_candidate: 1000,
            functions,
        };
        let text = render(&difference, Colour::Never);
        let lines: Vec<&str> = text.lines().collect();
        assert_eq!(
            lines[1].split_whitespace().collect::<Vec<_>>(),
            [
                "10.0",
                "%",
                "31.2",
                "%",
                "+21.2",
                "±",
                "3.1",
                "*",
                "codec::escape"
            ]
        );
        assert!(!lines[2].contains('*'));
        assert!(text.contains("9 more functions") && text.contains("1 of 21 functions"));
        assert!(
            lines
                .iter()
                .all(|line| line.chars().count() <= crate::report::text::WIDTH)
        );
    }
}
