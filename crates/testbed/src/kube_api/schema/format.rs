//! The formats of strings and numbers that are checked.

/// Formats that are checked; any other is a remark.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Format {
    DateTime,
    Date,
    Duration,
    Uuid,
    Byte,
    Int32,
}

impl Format {
    pub(super) fn parse(name: &str) -> Option<Self> {
        Some(match name {
            "date-time" | "datetime" => Self::DateTime,
            "date" => Self::Date,
            "duration" => Self::Duration,
            "uuid" => Self::Uuid,
            "byte" => Self::Byte,
            "int32" => Self::Int32,
            _ => return None,
        })
    }

    pub(super) fn name(self) -> &'static str {
        match self {
            Self::DateTime => "date-time",
            Self::Date => "date",
            Self::Duration => "duration",
            Self::Uuid => "uuid",
            Self::Byte => "byte",
            Self::Int32 => "int32",
        }
    }

    pub(super) fn accepts(self, text: &str) -> bool {
        match self {
            Self::DateTime => text.parse::<jiff::Timestamp>().is_ok(),
            Self::Date => text.parse::<jiff::civil::Date>().is_ok(),
            Self::Duration => is_go_duration(text),
            Self::Uuid => {
                let digits = text.bytes().filter(|byte| *byte != b'-');
                text.len() >= 32
                    && digits.clone().count() == 32
                    && digits.clone().all(|b| b.is_ascii_hexdigit())
            }
            Self::Byte => {
                let body = text.trim_end_matches('=');
                let known = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'+' | b'/');
                text.len().is_multiple_of(4)
                    && text.len() - body.len() <= 2
                    && body.bytes().all(known)
            }
            Self::Int32 => true,
        }
    }
}

/// Go's duration syntax, which the API server's `duration` format means.
fn is_go_duration(text: &str) -> bool {
    let body = text.strip_prefix(['-', '+']).unwrap_or(text);
    if body == "0" {
        return true;
    }
    let mut rest = body;
    while !rest.is_empty() {
        let digits = rest.trim_start_matches(|c: char| c.is_ascii_digit() || c == '.');
        let number = &rest[..rest.len() - digits.len()];
        if !number.bytes().any(|byte| byte.is_ascii_digit()) || number.matches('.').count() > 1 {
            return false;
        }
        let units = ["ns", "us", "µs", "ms", "s", "m", "h"];
        let Some(unit) = units.iter().find(|unit| digits.starts_with(**unit)) else {
            return false;
        };
        rest = &digits[unit.len()..];
    }
    !body.is_empty()
}
