//! What this process was asked to do, read from its arguments as Criterion reads them.
//!
//! Criterion keeps its mode to itself, and the harness must know it: populations shrink in a smoke run,
//! and the verdict table follows only a run that measured and stored something.

/// What the arguments ask for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Mode {
    /// Measure and store.
    Measure,
    /// Measure, but keep nothing new (`--discard-baseline`, `--load-baseline`).
    MeasureUnstored,
    /// Run each case once (`cargo test --benches`, `--test`).
    Smoke,
    /// Name the cases (`--list`) or print help, and run nothing.
    Talk,
    /// Run cases for a while under the profiler (`--profile-time`).
    Profile,
}

/// The arguments that matter to the harness.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Arguments {
    /// What to do.
    pub mode: Mode,
    /// Stop each case as soon as two measurements agree (`--quick`).
    pub quick: bool,
    /// A comparison or a name for the results was asked for, so Criterion's own defaults apply.
    pub names_baseline: bool,
    /// Only some cases were chosen.
    pub filtered: bool,
    /// Warm-up, measuring time or sample size were given, so no case may set its own.
    pub sets_length: bool,
}

impl Arguments {
    /// Reads the arguments of this process.
    pub fn of_this_process() -> Self {
        Self::read(std::env::args().skip(1))
    }

    /// Whether it is known beforehand that Criterion will call every case, and measure it.
    pub fn runs_every_case(&self) -> bool {
        self.mode == Mode::Measure && !self.filtered
    }

    /// Reads the given arguments, without the name of the program.
    pub fn read(arguments: impl IntoIterator<Item = String>) -> Self {
        let arguments: Vec<String> = arguments.into_iter().collect();
        let has = |names: &[&str]| {
            arguments.iter().any(|argument| {
                let name = argument.split_once('=').map_or(&**argument, |pair| pair.0);
                names.contains(&name)
            })
        };
        let short = |letters: &[char]| {
            arguments.iter().any(|argument| {
                !argument.starts_with("--")
                    && argument.starts_with('-')
                    && argument.contains(letters)
            })
        };

        let mode = if has(&["--list", "--help", "--version", "-h", "-V"]) {
            Mode::Talk
        } else if has(&["--test"]) || !has(&["--bench"]) {
            Mode::Smoke
        } else if has(&["--profile-time"]) {
            Mode::Profile
        } else if has(&["--discard-baseline", "--load-baseline"]) {
            Mode::MeasureUnstored
        } else {
            Mode::Measure
        };
        let names_baseline = short(&['s', 'b'])
            || has(&[
                "--save-baseline",
                "--baseline",
                "--baseline-lenient",
                "--discard-baseline",
                "--load-baseline",
            ]);

        Self {
            mode,
            quick: has(&["--quick"]),
            names_baseline,
            filtered: has(&["--ignored"]) || has_filter(&arguments),
            sets_length: has(&["--warm-up-time", "--measurement-time", "--sample-size"]),
        }
    }
}

/// Whether a word stands alone, neither an option nor the value of one.
fn has_filter(arguments: &[String]) -> bool {
    const WITH_VALUE: [&str; 17] = [
        "-c",
        "--color",
        "--colour",
        "-s",
        "--save-baseline",
        "-b",
        "--baseline",
        "--baseline-lenient",
        "--load-baseline",
        "--format",
        "--output-format",
        "--plotting-backend",
        "--profile-time",
        "--sample-size",
        "--warm-up-time",
        "--measurement-time",
        "--nresamples",
    ];
    const THRESHOLDS: [&str; 3] = [
        "--noise-threshold",
        "--confidence-level",
        "--significance-level",
    ];

    let mut arguments = arguments.iter().map(String::as_str);
    while let Some(argument) = arguments.next() {
        if WITH_VALUE.contains(&argument) || THRESHOLDS.contains(&argument) {
            arguments.next();
        } else if !argument.starts_with('-') {
            return true;
        }
    }
    false
}

#[cfg(test)]
mod tests {
    use super::{Arguments, Mode};

    fn read(line: &str) -> Arguments {
        Arguments::read(line.split_whitespace().map(str::to_owned))
    }

    #[test]
    fn the_mode_follows_the_same_precedence_as_criterion() {
        for (line, mode) in [
            ("--bench", Mode::Measure),
            ("fan_out --bench --quick", Mode::Measure),
            ("", Mode::Smoke),
            ("--test --bench", Mode::Smoke),
            ("--list --bench", Mode::Talk),
            ("--list", Mode::Talk),
            ("--profile-time 5 --bench", Mode::Profile),
            ("--profile-time=5 --bench", Mode::Profile),
            ("--discard-baseline --bench", Mode::MeasureUnstored),
            (
                "--load-baseline a --baseline b --bench",
                Mode::MeasureUnstored,
            ),
        ] {
            assert_eq!(read(line).mode, mode, "{line:?}");
        }
    }

    #[test]
    fn a_named_baseline_is_seen_in_each_of_its_spellings() {
        for line in [
            "--save-baseline main --bench",
            "--save-baseline=main --bench",
            "--baseline main --bench",
            "--baseline-lenient main --bench",
            "-s main --bench",
            "-bmain --bench",
        ] {
            assert!(read(line).names_baseline, "{line:?}");
        }
        assert!(!read("--bench baseline --quick").names_baseline);
    }

    #[test]
    fn a_filter_is_a_word_that_belongs_to_no_option() {
        for line in [
            "fan_out --bench",
            "--quick --bench one_fails",
            "--sample-size 20 queue",
        ] {
            assert!(read(line).filtered, "{line:?}");
        }
        for line in [
            "--bench",
            "--sample-size 20 --bench",
            "-s main --noise-threshold 0.1",
        ] {
            assert!(!read(line).filtered, "{line:?}");
        }
    }

    #[test]
    fn every_case_runs_only_where_all_are_measured() {
        for line in ["--bench", "--quick --bench", "--baseline main --bench"] {
            assert!(read(line).runs_every_case(), "{line:?}");
        }
        for line in [
            "",
            "--list --bench",
            "fan_out --bench",
            "--profile-time 5 --bench",
        ] {
            assert!(!read(line).runs_every_case(), "{line:?}");
        }
    }

    #[test]
    fn a_length_from_the_command_line_is_seen() {
        assert!(read("--measurement-time 3 --bench").sets_length);
        assert!(read("--sample-size=50 --bench").sets_length);
        assert!(!read("--bench --quick").sets_length);
    }
}
