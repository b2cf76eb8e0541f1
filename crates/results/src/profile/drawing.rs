//! Flamegraphs of profiles: of one, and of what changed between two.

use std::collections::BTreeSet;
use std::io;

use inferno::flamegraph::{Direction, Options, from_lines};

use super::Profile;

/// Draws one profile as an SVG, the outermost function on top.
pub fn flamegraph(profile: &Profile, title: &str) -> io::Result<String> {
    let stacks = profile.samples_by_stack.iter();
    let lines: Vec<String> = stacks
        .map(|(stack, samples)| format!("{stack} {samples}"))
        .collect();
    drawn(&lines, title, "samples")
}

/// Draws what changed as an SVG: as wide as in the candidate, red where its share grew, blue where it shrank.
///
/// The base's counts are first brought to the candidate's total, so that colours show shares and not the length of a
/// profile. A stack that the candidate has no more is not to be seen; the base's own flamegraph has it.
pub fn differential(base: &Profile, candidate: &Profile, title: &str) -> io::Result<String> {
    drawn(
        &both(base, candidate),
        title,
        "samples of the candidate; red grew, blue shrank",
    )
}

/// One line per stack of either side: the stack, the base's samples at the candidate's total, the candidate's.
fn both(base: &Profile, candidate: &Profile) -> Vec<String> {
    let scale = candidate.n_samples() as f64 / (base.n_samples() as f64).max(1.0);
    let of = |profile: &Profile, stack: &str| profile.samples_by_stack.get(stack).copied();
    let keys = |profile: &'_ Profile| -> BTreeSet<String> {
        profile.samples_by_stack.keys().cloned().collect()
    };
    let stacks: BTreeSet<String> = keys(base).union(&keys(candidate)).cloned().collect();
    stacks
        .iter()
        .map(|stack| {
            let before = of(base, stack).unwrap_or(0) as f64 * scale;
            let now = of(candidate, stack).unwrap_or(0);
            format!("{stack} {before:.0} {now}")
        })
        .collect()
}

fn drawn(lines: &[String], title: &str, count_name: &str) -> io::Result<String> {
    let mut options = Options::default();
    options.title = title.to_owned();
    options.direction = Direction::Inverted;
    options.count_name = count_name.to_owned();
    // The same profile gives the same bytes.
    options.deterministic = true;
    let mut svg = Vec::new();
    from_lines(&mut options, lines.iter().map(String::as_str), &mut svg)
        .map_err(io::Error::other)?;
    String::from_utf8(svg).map_err(io::Error::other)
}

#[cfg(test)]
mod tests {
    use roxmltree::{Document, ParsingOptions};

    use super::{both, differential, flamegraph};
    use crate::profile::Profile;

    fn profiles() -> [Profile; 2] {
        [
            "suite;a 100\nsuite;b<c> 100\nsuite;gone 50\n",
            "suite;a 300\nsuite;b<c> 150\nsuite;new 50\n",
        ]
        .map(|text| Profile::parse(text).expect("folded"))
    }

    #[test]
    fn the_base_is_brought_to_the_total_of_the_candidate() {
        let [base, candidate] = profiles();
        assert_eq!(
            both(&base, &candidate),
            [
                "suite;a 200 300",
                "suite;b<_> 200 150",
                "suite;gone 100 0",
                "suite;new 0 50"
            ]
        );
    }

    #[test]
    fn a_drawing_is_well_formed_names_its_functions_and_is_the_same_twice() {
        let [base, candidate] = profiles();
        let single = || flamegraph(&base, "codec/<encode>").expect("drawn");
        let double = || differential(&base, &candidate, "codec/<encode>").expect("drawn");
        for svg in [single(), double()] {
            let options = ParsingOptions {
                allow_dtd: true,
                ..ParsingOptions::default()
            };
            Document::parse_with_options(&svg, options).expect("well formed");
            assert!(svg.contains("b&lt;_&gt;"), "{svg}");
        }
        assert_eq!((single(), double()), (single(), double()));
    }
}
