//! Times as they are typed.

use std::time::Duration;

/// A whole number with its unit: `90s`, `5m`, `1h`.
pub(super) fn duration(text: &str) -> Result<Duration, String> {
    let n_digits = text.bytes().take_while(u8::is_ascii_digit).count();
    let (number, unit) = text.split_at(n_digits);
    let seconds = match unit {
        "s" => 1,
        "m" => 60,
        "h" => 3_600,
        _ => return Err("write a whole number and s, m or h, such as 5m".to_owned()),
    };
    let number: u32 = number
        .parse()
        .map_err(|_| "the number is missing or too large".to_owned())?;
    if number == 0 {
        return Err("no time is no measurement".to_owned());
    }
    Ok(Duration::from_secs(u64::from(number) * seconds))
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::duration;

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
}
