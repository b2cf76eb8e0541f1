//! Reads `callgrind.out`: what each function of a counted case cost, by itself and with all that it called.
//!
//! The text is read line by line and may be of any length: kept is one entry per function. Names may be compressed
//! (`fn=(3) name` once, `fn=(3)` from then on), positions too. The cost is the event `Ir`, instructions executed; a
//! file without it, or without its last line, the totals, is refused, for a part of a profile accuses the wrong one.
//!
//! Functions are known by their [normalised] names, so that two builds agree on them.

use std::collections::{BTreeMap, HashMap};
use std::fs::File;
use std::io::{BufRead, BufReader, Read as _};
use std::path::{Path, PathBuf};

use crate::error::Error;
use crate::files;
use crate::functions::normalised;

/// The event that is looked at.
const EVENT: &str = "Ir";

/// Bytes of a line beyond which a file is no text of callgrind's: the longest names have some thousand.
const MOST_BYTES: u64 = 1 << 20;

const MEND: &str = "take the counts again";

/// What a run cost, function by function.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Costs {
    /// By normalised name; functions that share one are added up.
    pub functions: BTreeMap<String, Cost>,
    /// Instructions of the whole run: the sum of all own costs.
    pub total: u64,
}

/// What one function cost, in instructions.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Cost {
    /// In its own code, with what was inlined into it.
    pub own: u64,
    /// With all that it called; never more than the whole run, however often it called itself.
    pub inclusive: u64,
}

/// The profiles that one case left in its folder, added up; `None` if there is none.
///
/// Profiles of earlier runs (`.out.old`, `.out.base@name`) are left out.
pub fn read_folder(folder: &Path) -> Result<Option<Costs>, Error> {
    let entries = files::sorted_entries(folder)?;
    let paths = entries.iter().filter_map(|entry| {
        let name = entry.file_name().into_string().ok()?;
        (name.starts_with("callgrind.") && name.ends_with(".out")).then(|| entry.path())
    });
    let paths: Vec<PathBuf> = paths.collect();
    if paths.is_empty() {
        return Ok(None);
    }
    let mut reader = Reader::default();
    for path in &paths {
        let file = File::open(path).map_err(|source| Error::unreadable(path, source))?;
        reader.file(path, BufReader::new(file))?;
    }
    Ok(Some(reader.costs()))
}

/// Reads one profile.
pub fn read(path: &Path) -> Result<Costs, Error> {
    let mut reader = Reader::default();
    let file = File::open(path).map_err(|source| Error::unreadable(path, source))?;
    reader.file(path, BufReader::new(file))?;
    Ok(reader.costs())
}

/// What is known of all files so far.
#[derive(Default)]
struct Reader {
    /// Index of each function, by its name as the file has it.
    indices: HashMap<String, usize>,
    costs: Vec<Cost>,
    total: u64,
}

/// What is known of the file at hand.
#[derive(Default)]
struct Place {
    /// Words of a cost line before its costs.
    n_positions: usize,
    /// Where the event stands among the costs.
    event: Option<usize>,
    /// Index of each compressed name.
    names: HashMap<u64, usize>,
    function: Option<usize>,
    callee: Option<usize>,
    /// The next cost line is that of a call, of `function` into `callee`.
    is_call: bool,
    /// Own costs since the last totals.
    sum: u64,
    /// Whether totals were the last thing of weight.
    is_closed: bool,
}

impl Reader {
    fn file(&mut self, path: &Path, mut input: impl BufRead) -> Result<(), Error> {
        let mut place = Place {
            n_positions: 1,
            ..Place::default()
        };
        let mut line = Vec::new();
        for number in 1_usize.. {
            line.clear();
            let n_bytes = input
                .by_ref()
                .take(MOST_BYTES)
                .read_until(b'\n', &mut line)
                .map_err(|source| Error::unreadable(path, source))?;
            if n_bytes == 0 {
                break;
            }
            let text = String::from_utf8_lossy(&line);
            self.line(&mut place, text.trim_end()).map_err(|reason| {
                Error::malformed(path, format!("line {number}: {reason}"), MEND)
            })?;
        }
        if !place.is_closed {
            let reason = "it ends without its totals, so it was cut short";
            return Err(Error::malformed(path, reason, MEND));
        }
        Ok(())
    }

    fn line(&mut self, place: &mut Place, line: &str) -> Result<(), String> {
        let Some(first) = line.bytes().next() else {
            return Ok(());
        };
        if first == b'#' {
            return Ok(());
        }
        if first.is_ascii_digit() || matches!(first, b'+' | b'-' | b'*') {
            return self.cost(place, line);
        }
        if let Some((key, value)) = line.split_once('=')
            && key.bytes().all(|byte| byte.is_ascii_lowercase())
        {
            return self.specification(place, key, value);
        }
        match line.split_once(':') {
            Some((key, value)) => header(self, place, key, value.trim()),
            None => Err(format!("{line:?} is nothing that callgrind writes")),
        }
    }

    fn specification(&mut self, place: &mut Place, key: &str, value: &str) -> Result<(), String> {
        match key {
            "fn" => place.function = Some(self.function(place, value)?),
            "cfn" => place.callee = Some(self.function(place, value)?),
            "calls" => {
                if place.callee.is_none() {
                    return Err("a call into no function".to_owned());
                }
                place.is_call = true;
            }
            // Files, objects and jumps.
            _ => {}
        }
        Ok(())
    }

    /// `(3) name`, `(3)` or `name`.
    fn function(&mut self, place: &mut Place, value: &str) -> Result<usize, String> {
        let compressed = value.strip_prefix('(').and_then(|rest| {
            let (number, name) = rest.split_once(')')?;
            Some((number.parse::<u64>().ok()?, name.trim()))
        });
        match compressed {
            Some((number, "")) => place
                .names
                .get(&number)
                .copied()
                .ok_or_else(|| format!("the name ({number}) was never given")),
            Some((number, name)) => {
                let index = self.index(name);
                place.names.insert(number, index);
                Ok(index)
            }
            None => Ok(self.index(value)),
        }
    }

    fn index(&mut self, name: &str) -> usize {
        if let Some(index) = self.indices.get(name) {
            return *index;
        }
        let index = self.costs.len();
        self.costs.push(Cost::default());
        self.indices.insert(name.to_owned(), index);
        index
    }

    fn cost(&mut self, place: &mut Place, line: &str) -> Result<(), String> {
        let event = place.event.ok_or("a cost before the list of events")?;
        let function = place.function.ok_or("a cost of no function")?;
        // Costs that are left out at the end of a line are zero.
        let cost = match line.split_ascii_whitespace().nth(place.n_positions + event) {
            None => 0,
            Some(word) => word
                .parse::<u64>()
                .map_err(|_| format!("{word:?} is no cost"))?,
        };
        place.is_closed = false;
        let is_call = std::mem::take(&mut place.is_call);
        let is_recursion = is_call && place.callee == Some(function);
        let known = &mut self.costs[function];
        if !is_recursion {
            known.inclusive = known.inclusive.saturating_add(cost);
        }
        if !is_call {
            known.own = known.own.saturating_add(cost);
            place.sum = place.sum.saturating_add(cost);
        }
        Ok(())
    }

    fn costs(self) -> Costs {
        let total = self.total;
        let mut functions: BTreeMap<String, Cost> = BTreeMap::new();
        for (name, index) in self.indices {
            let cost = self.costs[index];
            let known = functions.entry(normalised(&name)).or_default();
            known.own += cost.own;
            known.inclusive = known.inclusive.saturating_add(cost.inclusive).min(total);
        }
        Costs { functions, total }
    }
}

fn header(reader: &mut Reader, place: &mut Place, key: &str, value: &str) -> Result<(), String> {
    let words = || value.split_ascii_whitespace();
    match key {
        "positions" => place.n_positions = words().count(),
        "events" => {
            let event = words().position(|event| event == EVENT);
            place.event = Some(event.ok_or_else(|| format!("no event {EVENT} among {value:?}"))?);
        }
        "totals" => {
            let event = place.event.ok_or("totals before the list of events")?;
            let total = words().nth(event).and_then(|word| word.parse::<u64>().ok());
            if total != Some(place.sum) {
                return Err(format!(
                    "the totals {value:?} are not the sum of the costs, {}",
                    place.sum
                ));
            }
            reader.total = reader.total.saturating_add(place.sum);
            place.sum = 0;
            place.is_closed = true;
        }
        _ => {}
    }
    Ok(())
}

#[cfg(test)]
mod tests;
