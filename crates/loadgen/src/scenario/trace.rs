//! Arrivals as they were once recorded: a file of instants, one start per line.

use std::path::{Path, PathBuf};
use std::time::Duration;

use serde::Deserialize;

use crate::error::ScenarioError;
use crate::mix::Operation;
use crate::schedule::TracedStart;

/// Arrivals at the instants that a file lists.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Trace {
    /// The file, from the folder of the scenario's own.
    ///
    /// A line is a start: seconds from the begin, such as `12.5`, in order; then, after a comma, the name of its
    /// operation, which is drawn from the mix where none stands. Empty lines and what follows a `#` say nothing.
    pub file: PathBuf,
    /// What the file says.
    #[serde(skip)]
    pub starts: Vec<TracedStart>,
}

impl Trace {
    /// Reads the file, which lies beside the scenario at `scenario`.
    ///
    /// # Errors
    /// If it cannot be read, is empty, or has a line that is no start, with the number of the line.
    pub(super) fn read(
        &mut self,
        scenario: &Path,
        operations: &[Operation],
    ) -> Result<(), ScenarioError> {
        let path = self.beside(scenario);
        let text = std::fs::read_to_string(&path).map_err(|error| ScenarioError::Impossible {
            path: scenario.to_owned(),
            place: "trace.file".to_owned(),
            reason: format!("cannot read {}: {error}", path.display()),
        })?;
        let impossible = |place: String, reason: String| ScenarioError::Impossible {
            path: path.clone(),
            place,
            reason,
        };
        let mut last = Duration::ZERO;
        for (index, line) in text.lines().enumerate() {
            let line = line.split('#').next().unwrap_or_default().trim();
            if line.is_empty() {
                continue;
            }
            let start = start(line, operations)
                .and_then(|start| match start.at >= last {
                    true => Ok(start),
                    false => Err("lies before the line above; sort the lines by time".to_owned()),
                })
                .map_err(|reason| impossible(format!("line {}", index + 1), reason))?;
            last = start.at;
            self.starts.push(start);
        }
        match self.starts.is_empty() {
            true => Err(impossible(
                "the whole file".to_owned(),
                "lists no start; give one per line, as seconds from the begin".to_owned(),
            )),
            false => Ok(()),
        }
    }

    /// Where the file lies if the scenario's own is at this path.
    pub fn beside(&self, scenario: &Path) -> PathBuf {
        let folder = scenario.parent().unwrap_or(Path::new(""));
        folder.join(&self.file)
    }

    /// How long the starts take.
    pub(super) fn duration(&self) -> Duration {
        self.starts.last().map_or(Duration::ZERO, |start| start.at)
    }
}

fn start(line: &str, operations: &[Operation]) -> Result<TracedStart, String> {
    let (seconds, name) = match line.split_once(',') {
        Some((seconds, name)) => (seconds.trim(), Some(name.trim())),
        None => (line, None),
    };
    let at = seconds
        .parse()
        .ok()
        .and_then(|seconds: f64| Duration::try_from_secs_f64(seconds).ok());
    let at = at.ok_or_else(|| {
        format!("{seconds:?} is no time; give seconds from the begin, such as 12.5")
    })?;
    let operation = name.map(|name| {
        let place = operations.iter().position(|known| known.name == name);
        let known: Vec<&str> = operations.iter().map(|known| known.name.as_str()).collect();
        place.ok_or_else(|| {
            format!(
                "no operation {name:?} in this scenario; there are: {}",
                known.join(", ")
            )
        })
    });
    Ok(TracedStart {
        at,
        operation: operation.transpose()?,
    })
}

#[cfg(test)]
mod tests {
    use std::fs;
    use std::time::Duration;

    use crate::scenario::Scenario;

    /// A scenario with a mix of two operations, whose trace says this.
    fn traced(trace: &str) -> Result<Scenario, String> {
        let folder = tempfile::tempdir().expect("a folder");
        fs::write(folder.path().join("recorded.csv"), trace).expect("written");
        let path = folder.path().join("of_trace.toml");
        let text = "text = \"A test; does not show anything.\"\n\
            [trace]\nfile = \"recorded.csv\"\n\
            [llm]\nlatency = [\"1ms\", \"1ms\"]\n\
            [[operation]]\nname = \"ask\"\nweight = 1000000.0\n\
            [[operation]]\nname = \"solve\"\nweight = 1.0\n";
        Scenario::parse(&path, text).map_err(|error| error.to_string())
    }

    #[test]
    fn starts_are_those_of_the_file_and_shrink_with_the_time() {
        let scenario = traced("# recorded\n0\n0.25, solve\n\n2.5 # the last\n").expect("a trace");
        let starts = |scenario: &Scenario| -> Vec<(u128, usize)> {
            let schedule = scenario.plan().schedule.expect("a schedule");
            let entries = schedule.entries.iter();
            entries
                .map(|entry| (entry.intended.as_millis(), entry.operation))
                .collect()
        };
        assert_eq!(starts(&scenario), [(0, 0), (250, 1), (2500, 0)]);
        assert_eq!(scenario.plan().duration, Duration::from_millis(2500));
        assert_eq!(scenario.plan().expected_throughput, 1.2);
        let scaled = scenario.scaled(0.1);
        assert_eq!(starts(&scaled), [(0, 0), (25, 1), (250, 0)]);
    }

    #[test]
    fn a_line_that_is_no_start_is_named_with_the_mend() {
        for (trace, told) in [
            (
                "0\nsoon\n",
                "recorded.csv: line 2: \"soon\" is no time; give seconds",
            ),
            ("-1\n", "line 1: \"-1\" is no time"),
            ("1\n0.5\n", "line 2: lies before the line above; sort"),
            (
                "1, dance\n",
                "line 1: no operation \"dance\" in this scenario; there are: ask, solve",
            ),
            ("# nothing\n", "the whole file: lists no start"),
        ] {
            let error = traced(trace).expect_err(trace);
            assert!(error.contains(told), "{error}");
        }
    }
}
