//! A server's TOML file: unknown fields are errors, and what no stub could do is refused with its place and mend.

mod wire;

use std::{
    fs,
    path::{Path, PathBuf},
    time::Duration,
};

use query_api::go_duration::GoDuration;
use serde::Deserialize;

use self::wire::{
    FileFault, FileFaultKind, FileLatency, FileReply, FileTrigger, FileTurn, FileUsage, FileWindow,
};
use super::{rates::PerMinute, settings::Settings, windows::Window};
use crate::{
    error::StubError,
    llm::{
        latency::{Latency, Quantiles},
        script::{FaultRule, Script, Trigger, Turn},
    },
};

impl Settings {
    /// Reads and checks a file. Files of times that it names are looked for beside it.
    ///
    /// # Errors
    ///
    /// If it or a file that it names cannot be read, has an unknown field, or says what no stub could do.
    pub fn read(path: &Path) -> Result<Self, StubError> {
        Self::parse(path, &text_of(path)?)
    }

    /// Parses and checks the text of the file at `path`.
    ///
    /// # Errors
    ///
    /// As [`Settings::read`].
    pub fn parse(path: &Path, text: &str) -> Result<Self, StubError> {
        let file: File = toml::from_str(text).map_err(|source| StubError::Malformed {
            path: path.to_owned(),
            source: Box::new(source),
        })?;
        file.into_settings(&Place(path))
    }
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields, default)]
struct File {
    /// What the file is for; nobody reads it but people.
    text: String,
    seed: u64,
    api_key: Option<String>,
    usage: FileUsage,
    first_token: FileLatency,
    inter_token: FileLatency,
    reply: FileReply,
    slots: Option<usize>,
    queue: usize,
    full_status: u16,
    requests_per_minute: Option<u64>,
    tokens_per_minute: Option<u64>,
    window: usize,
    threads: Option<usize>,
    turn: Vec<FileTurn>,
    fault: Vec<FileFault>,
    stall: Vec<FileWindow>,
    refuse: Vec<FileWindow>,
}

impl Default for File {
    fn default() -> Self {
        let settings = Settings::default();
        Self {
            text: String::new(),
            seed: settings.script.seed,
            api_key: None,
            usage: FileUsage::Estimated,
            first_token: FileLatency::Zero,
            inter_token: FileLatency::Zero,
            reply: FileReply::Trace,
            slots: None,
            queue: settings.queue,
            full_status: settings.full_status,
            requests_per_minute: None,
            tokens_per_minute: None,
            window: settings.window,
            threads: None,
            turn: Vec::new(),
            fault: Vec::new(),
            stall: Vec::new(),
            refuse: Vec::new(),
        }
    }
}

impl File {
    fn into_settings(self, place: &Place<'_>) -> Result<Settings, StubError> {
        let n_threads = self.threads.unwrap_or(1);
        let counts = [
            ("slots", self.slots.unwrap_or(1) as u64),
            ("window", self.window as u64),
            ("threads", n_threads as u64),
            ("requests_per_minute", self.requests_per_minute.unwrap_or(1)),
            ("tokens_per_minute", self.tokens_per_minute.unwrap_or(1)),
        ];
        if let Some((name, _)) = counts.iter().find(|(_, count)| *count == 0) {
            let reason = "must be at least 1; leave it out for the default";
            return Err(place.impossible(*name, reason));
        }
        if !matches!(self.full_status, 429 | 503) {
            let reason = format!("must be 429 or 503, not {}", self.full_status);
            return Err(place.impossible("full_status", reason));
        }
        let mut faults = Vec::with_capacity(self.fault.len());
        for (index, fault) in self.fault.into_iter().enumerate() {
            faults.push(fault.into_rule(place, &format!("fault {}", index + 1))?);
        }
        let script = Script {
            turns: self.turn.into_iter().map(Turn::from).collect(),
            otherwise: self.reply.into(),
            faults,
            latency: self.first_token.into_latency(place, "first_token")?,
            inter_token: self.inter_token.into_latency(place, "inter_token")?,
            usage: self.usage.into(),
            api_key: self.api_key,
            seed: self.seed,
        };
        Ok(Settings {
            script,
            slots: self.slots,
            queue: self.queue,
            full_status: self.full_status,
            per_minute: PerMinute {
                requests: self.requests_per_minute,
                tokens: self.tokens_per_minute,
            },
            stalls: self.stall.into_iter().map(Window::from).collect(),
            refusals: self.refuse.into_iter().map(Window::from).collect(),
            window: self.window,
            threads: self.threads,
        })
    }
}

impl FileFault {
    fn into_rule(self, place: &Place<'_>, name: &str) -> Result<FaultRule, StubError> {
        let trigger = match self.when {
            FileTrigger::Always => Trigger::Always,
            FileTrigger::Share(share) if !(0.0..=1.0).contains(&share) => {
                let reason = format!("a share is between 0 and 1, not {share}");
                return Err(place.impossible(format!("{name}: when"), reason));
            }
            FileTrigger::Share(share) => Trigger::Share(share),
            FileTrigger::Next(n_calls) => Trigger::Next(n_calls),
            FileTrigger::Window(window) => {
                Trigger::Window(window.at.0, window.at.0 + window.lasts.0)
            }
        };
        if let FileFaultKind::Status(status) = self.fault
            && !(400..600).contains(&status)
        {
            let reason = format!("a status that is a fault is between 400 and 599, not {status}");
            return Err(place.impossible(format!("{name}: fault"), reason));
        }
        Ok(FaultRule {
            fault: self.fault.into(),
            calls: self.calls.into(),
            trigger,
        })
    }
}

impl FileLatency {
    fn into_latency(self, place: &Place<'_>, name: &str) -> Result<Latency, StubError> {
        Ok(match self {
            Self::Zero => Latency::Zero,
            Self::Fixed(GoDuration(time)) => Latency::Fixed(time),
            Self::Uniform { shortest, longest } => {
                let (shortest, longest) = (shortest.0, longest.0);
                if shortest > longest {
                    return Err(place.impossible(name, "shortest ≤ longest must hold"));
                }
                Latency::Uniform { shortest, longest }
            }
            Self::LogNormal { median, p99, max } => {
                let (median, p99, max) = (median.0, p99.0, max.0);
                if median.is_zero() || median > p99 || p99 > max {
                    let reason = "0 < median ≤ p99 ≤ max must hold";
                    return Err(place.impossible(name, reason));
                }
                Latency::LogNormal { median, p99, max }
            }
            Self::File(file) => Latency::Empirical(quantiles(&place.beside(&file))?),
        })
    }
}

/// Reads a file of times, one a line with its unit; empty lines and those that begin with `#` say nothing.
fn quantiles(path: &Path) -> Result<Quantiles, StubError> {
    let place = Place(path);
    let text = text_of(path)?;
    let mut times: Vec<Duration> = Vec::new();
    for (index, line) in text.lines().enumerate() {
        let line = line.trim();
        if line.is_empty() || line.starts_with('#') {
            continue;
        }
        let time: GoDuration = line.parse().map_err(|error| {
            let reason = format!("{error}; write a time with its unit, such as 12.5ms");
            place.impossible(format!("line {}", index + 1), reason)
        })?;
        times.push(time.0);
    }
    Quantiles::of(times)
        .ok_or_else(|| place.impossible("its times", "there are none; write one a line"))
}

fn text_of(path: &Path) -> Result<String, StubError> {
    fs::read_to_string(path).map_err(|source| StubError::Unreadable {
        path: path.to_owned(),
        source,
    })
}

/// The file that is read, for errors.
struct Place<'p>(&'p Path);

impl Place<'_> {
    fn impossible(&self, place: impl Into<String>, reason: impl Into<String>) -> StubError {
        StubError::Impossible {
            path: self.0.to_owned(),
            place: place.into(),
            reason: reason.into(),
        }
    }

    fn beside(&self, file: &Path) -> PathBuf {
        self.0.parent().unwrap_or(Path::new("")).join(file)
    }
}
