//! Points in time as other programs write them.

use jiff::Timestamp;

use crate::run::UnixMillis;

impl UnixMillis {
    /// ISO 8601 in UTC: `2025-01-01T00:00:00.250Z`. Times after the year 9999 are written as its end.
    pub fn to_iso(self) -> String {
        format!("{:.3}", self.timestamp())
    }

    /// Reads ISO 8601 with a time zone or an offset; `None` for anything else, and before 1970.
    pub fn from_iso(text: &str) -> Option<Self> {
        let timestamp: Timestamp = text.parse().ok()?;
        u64::try_from(timestamp.as_millisecond()).ok().map(Self)
    }

    /// Fourteen digits down to the second, for names of files: `20250101000000`.
    pub fn to_digits(self) -> String {
        self.timestamp().strftime("%Y%m%d%H%M%S").to_string()
    }

    fn timestamp(self) -> Timestamp {
        let milliseconds = i64::try_from(self.0).unwrap_or(i64::MAX);
        Timestamp::from_millisecond(milliseconds).unwrap_or(Timestamp::MAX)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_are_written_and_read_as_others_do() {
        let time = UnixMillis(1_735_689_600_250);
        assert_eq!(time.to_iso(), "2025-01-01T00:00:00.250Z");
        assert_eq!(time.to_digits(), "20250101000000");
        assert_eq!(UnixMillis::from_iso(&time.to_iso()), Some(time));
        let with_offset = UnixMillis::from_iso("2025-01-01T01:00:00.25+01:00");
        assert_eq!(with_offset, Some(time));
        assert_eq!(UnixMillis::from_iso("yesterday"), None);
        assert_eq!(UnixMillis::from_iso("1969-12-31T23:59:59Z"), None);
        assert!(UnixMillis(u64::MAX).to_iso().starts_with("9999-12-30"));
    }
}
