//! Durations in the text form of Go's `time.Duration`, by value.
//!
//! Upstream rewrites durations on every full update (`720h` comes back as `720h0m0s`), so texts must never be compared.

use crate::wire::{Part, RawText, Unknown, in_field};
use serde::de::{Error as _, MapAccess};
use serde::{Deserialize, Deserializer, Serialize, Serializer};
use serde_json::Value;
use std::fmt;
use std::str::FromStr;
use std::time::Duration;

/// A duration that reads any text Go accepts and writes Go's canonical text.
///
/// Texts below zero are read as zero: as a TTL or a timeout both have passed already, and Go accepts them too.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct GoDuration(pub Duration);

/// Why a text is not a duration.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum GoDurationError {
    /// The text is not a sequence of decimal numbers with units.
    #[error("duration {text:?} is not a number with a unit, such as `1.5h` or `2m30s`")]
    Malformed {
        /// The text, cut to a readable length.
        text: String,
    },
    /// A number stands without a unit.
    #[error("duration {text:?} lacks a unit (ns, us, ms, s, m or h)")]
    MissingUnit {
        /// The text, cut to a readable length.
        text: String,
    },
    /// A unit that Go does not know, such as days.
    #[error("duration {text:?} has the unknown unit {unit:?} (known are ns, us, ms, s, m and h)")]
    UnknownUnit {
        /// The text, cut to a readable length.
        text: String,
        /// The unit.
        unit: String,
    },
    /// More nanoseconds than fit 63 bits (about 292 years).
    #[error("duration {text:?} is longer than 2540400h10m10s")]
    Overflow {
        /// The text, cut to a readable length.
        text: String,
    },
}

impl GoDuration {
    /// A duration of whole seconds.
    #[must_use]
    pub const fn from_secs(secs: u64) -> Self {
        Self(Duration::from_secs(secs))
    }

    /// A duration of whole milliseconds.
    #[must_use]
    pub const fn from_millis(millis: u64) -> Self {
        Self(Duration::from_millis(millis))
    }
}

impl From<Duration> for GoDuration {
    fn from(duration: Duration) -> Self {
        Self(duration)
    }
}

impl From<GoDuration> for Duration {
    fn from(duration: GoDuration) -> Self {
        duration.0
    }
}

impl FromStr for GoDuration {
    type Err = GoDurationError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let nanos = parse_nanos(text)?;
        Ok(Self(Duration::from_nanos(
            u64::try_from(nanos).unwrap_or(0),
        )))
    }
}

/// The nanoseconds of a Go duration text, with its sign; exactly what Go makes of it.
///
/// # Errors
///
/// If Go would refuse the text; the error says why.
pub fn parse_nanos(text: &str) -> Result<i64, GoDurationError> {
    let (negative, unsigned) = match text.as_bytes().first() {
        Some(b'-') => (true, &text[1..]),
        Some(b'+') => (false, &text[1..]),
        _ => (false, text),
    };
    if unsigned == "0" {
        return Ok(0);
    }
    if unsigned.is_empty() {
        return Err(malformed(text));
    }
    let mut total: u64 = 0;
    let mut rest = unsigned;
    while !rest.is_empty() {
        let (part, after) = parse_part(text, rest)?;
        total = total
            .checked_add(part)
            .filter(|sum| *sum <= LOWEST)
            .ok_or_else(|| overflow(text))?;
        rest = after;
    }
    // The lowest value has no positive counterpart, so the bounds differ by sign.
    if negative {
        return Ok(0_i64.wrapping_sub_unsigned(total));
    }
    i64::try_from(total).map_err(|_| overflow(text))
}

/// The magnitude of the lowest value, 2^63 nanoseconds.
const LOWEST: u64 = 1 << 63;

/// Reads one number with its unit; returns its nanoseconds and the text after it.
fn parse_part<'a>(text: &str, rest: &'a str) -> Result<(u64, &'a str), GoDurationError> {
    let bytes = rest.as_bytes();
    let n_whole = count_digits(bytes);
    let mut whole: u64 = 0;
    for digit in &bytes[..n_whole] {
        whole = whole
            .checked_mul(10)
            .and_then(|tens| tens.checked_add(u64::from(digit - b'0')))
            .filter(|value| *value <= LOWEST)
            .ok_or_else(|| overflow(text))?;
    }
    let has_point = bytes.get(n_whole) == Some(&b'.');
    let fraction_start = n_whole + usize::from(has_point);
    let n_fraction = if has_point {
        count_digits(&bytes[fraction_start..])
    } else {
        0
    };
    if n_whole + n_fraction == 0 {
        return Err(malformed(text));
    }
    let after_number = &rest[fraction_start + n_fraction..];
    let unit_end = after_number
        .find(|c: char| c == '.' || c.is_ascii_digit())
        .unwrap_or(after_number.len());
    let (unit_text, after) = after_number.split_at(unit_end);
    let unit = unit_nanos(text, unit_text)?;
    let fraction_digits = &bytes[fraction_start..fraction_start + n_fraction];
    let nanos = whole
        .checked_mul(unit)
        .and_then(|nanos| nanos.checked_add(fraction_nanos(fraction_digits, unit)))
        .filter(|nanos| *nanos <= LOWEST)
        .ok_or_else(|| overflow(text))?;
    Ok((nanos, after))
}

/// The nanoseconds of the digits after the point.
///
/// Go multiplies in floating point here, and a value must come out the same to the nanosecond, so we do likewise.
#[expect(
    clippy::cast_precision_loss,
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "the loss is Go's own, and the product is below one unit"
)]
fn fraction_nanos(digits: &[u8], unit: u64) -> u64 {
    let mut fraction: u64 = 0;
    let mut scale: f64 = 1.0;
    for digit in digits {
        let Some(longer) = fraction
            .checked_mul(10)
            .and_then(|tens| tens.checked_add(u64::from(digit - b'0')))
            .filter(|value| *value <= LOWEST)
        else {
            // More digits than any unit can show.
            break;
        };
        fraction = longer;
        scale *= 10.0;
    }
    (fraction as f64 * (unit as f64 / scale)) as u64
}

fn count_digits(bytes: &[u8]) -> usize {
    bytes
        .iter()
        .take_while(|byte| byte.is_ascii_digit())
        .count()
}

fn unit_nanos(text: &str, unit: &str) -> Result<u64, GoDurationError> {
    match unit {
        "ns" => Ok(1),
        // The micro sign, and the Greek letter that looks the same.
        "us" | "\u{b5}s" | "\u{3bc}s" => Ok(1_000),
        "ms" => Ok(1_000_000),
        "s" => Ok(1_000_000_000),
        "m" => Ok(60_000_000_000),
        "h" => Ok(3_600_000_000_000),
        "" => Err(GoDurationError::MissingUnit { text: shown(text) }),
        other => Err(GoDurationError::UnknownUnit {
            text: shown(text),
            unit: shown(other),
        }),
    }
}

fn malformed(text: &str) -> GoDurationError {
    GoDurationError::Malformed { text: shown(text) }
}

fn overflow(text: &str) -> GoDurationError {
    GoDurationError::Overflow { text: shown(text) }
}

/// The part of a text that an error shows: whoever sent a megabyte does not get it back.
fn shown(text: &str) -> String {
    text.chars().take(40).collect()
}

/// Go's canonical text: `720h0m0s`, `1.5s`, `100ms`, `0s`.
///
/// More than 63 bits of nanoseconds are written as the longest duration that Go can read, which is never for a deadline.
impl fmt::Display for GoDuration {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let nanos = i64::try_from(self.0.as_nanos())
            .unwrap_or(i64::MAX)
            .unsigned_abs();
        match nanos {
            0 => formatter.write_str("0s"),
            1..1_000 => write!(formatter, "{nanos}ns"),
            1_000..1_000_000 => write_decimal(formatter, nanos, 1_000, "\u{b5}s"),
            1_000_000..1_000_000_000 => write_decimal(formatter, nanos, 1_000_000, "ms"),
            _ => {
                let (minutes, below_a_minute) = (nanos / MINUTE, nanos % MINUTE);
                let (hours, minutes) = (minutes / 60, minutes % 60);
                if hours > 0 {
                    write!(formatter, "{hours}h")?;
                }
                if hours > 0 || minutes > 0 {
                    write!(formatter, "{minutes}m")?;
                }
                write_decimal(formatter, below_a_minute, 1_000_000_000, "s")
            }
        }
    }
}

/// Nanoseconds in a minute.
const MINUTE: u64 = 60_000_000_000;

/// Writes `nanos / unit` with as many decimals as it needs, and the unit's name.
fn write_decimal(
    formatter: &mut fmt::Formatter<'_>,
    nanos: u64,
    unit: u64,
    name: &str,
) -> fmt::Result {
    write!(formatter, "{}", nanos / unit)?;
    let (mut fraction, mut place) = (nanos % unit, unit / 10);
    if fraction > 0 {
        formatter.write_str(".")?;
    }
    while fraction > 0 {
        write!(formatter, "{}", fraction / place)?;
        fraction %= place;
        place /= 10;
    }
    formatter.write_str(name)
}

impl Serialize for GoDuration {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for GoDuration {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = RawText::deserialize(deserializer)?;
        text.0.parse().map_err(D::Error::custom)
    }
}

/// A text that is no duration is kept among the unknown fields, and the field stays unset.
///
/// The server checks no more than that it is a string, so anybody could make a list of objects unreadable otherwise.
impl Part for GoDuration {
    fn read_part<'de, A: MapAccess<'de>>(
        map: &mut A,
        name: &'static str,
        unknown: &mut Unknown,
    ) -> Result<Option<Self>, A::Error> {
        let text: Option<RawText<'de>> =
            map.next_value().map_err(|error| in_field(name, &error))?;
        let Some(RawText(text)) = text else {
            return Ok(None);
        };
        if let Ok(duration) = text.parse() {
            return Ok(Some(duration));
        }
        unknown.insert(name.to_owned(), Value::String(text.into_owned()));
        Ok(None)
    }
}
