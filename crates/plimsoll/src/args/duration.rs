//! Times as they are typed.

use std::time::Duration;

/// A whole number with its unit: `90s`, `5m`, `1h`, `30d`; nothing is no time to measure for.
pub(super) fn duration(text: &str) -> Result<Duration, String> {
    let duration = age(text)?;
    if duration.is_zero() {
        return Err("no time is no measurement".to_owned());
    }
    Ok(duration)
}

/// The same of something in the past, which may be none at all.
pub(super) fn age(text: &str) -> Result<Duration, String> {
    let n_digits = text.bytes().take_while(u8::is_ascii_digit).count();
    let (number, unit) = text.split_at(n_digits);
    let seconds = match unit {
        "s" => 1,
        "m" => 60,
        "h" => 3_600,
        "d" => 86_400,
        _ => return Err("write a whole number and s, m, h or d, such as 5m".to_owned()),
    };
    let number: u32 = number
        .parse()
        .map_err(|_| "the number is missing or too large".to_owned())?;
    Ok(Duration::from_secs(u64::from(number) * seconds))
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::{age, duration};

    #[test]
    fn a_time_is_a_whole_number_with_a_unit() {
        for (text, expected) in [
            ("90s", Some(90)),
            ("5m", Some(300)),
            ("2h", Some(7_200)),
            ("5", None),
            ("m", None),
            ("0m", None),
            ("1.5m", None),
            ("99999999999s", None),
        ] {
            assert_eq!(
                duration(text).ok(),
                expected.map(Duration::from_secs),
                "{text}"
            );
        }
    }

    #[test]
    fn an_age_may_be_of_days_and_none() {
        let day = 86_400;
        for (text, expected) in [
            ("30d", Some(30 * day)),
            ("12h", Some(day / 2)),
            ("0d", Some(0)),
            ("30", None),
            ("d", None),
            ("99999999999d", None),
        ] {
            assert_eq!(age(text).ok(), expected.map(Duration::from_secs), "{text}");
        }
    }
}
