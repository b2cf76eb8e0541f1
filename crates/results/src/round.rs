//! Rounding to digits that carry meaning, so that files do not change with noise in the last place.

/// Digits kept of a time: 0.05 % at worst, far below what one run can tell.
pub(crate) const TIME_DIGITS: i32 = 4;

/// Digits kept of a spread, which is known far less well than a time.
pub(crate) const SPREAD_DIGITS: i32 = 2;

/// Rounds to `digits` significant decimal digits; stable under repetition.
pub(crate) fn significant(value: f64, digits: i32) -> f64 {
    if value == 0.0 || !value.is_finite() {
        return value;
    }
    // By way of the decimal text: multiplying by powers of ten would not be stable under repetition.
    let places = usize::try_from(digits - 1).unwrap_or(0);
    format!("{value:.places$e}").parse().unwrap_or(value)
}

#[cfg(test)]
mod tests {
    use super::significant;
    use proptest::prelude::*;

    #[test]
    fn digits_are_counted_from_the_first_that_is_not_zero() {
        for (value, digits, expected) in [
            (123_456.0, 4, 123_500.0),
            (0.001_234_56, 2, 0.0012),
            (-9.999_9, 2, -10.0),
            (0.0, 4, 0.0),
        ] {
            assert_eq!(significant(value, digits), expected);
        }
    }

    proptest! {
        #[test]
        fn rounding_twice_is_rounding_once(value in -1e12_f64..1e12, digits in 1_i32..8) {
            let once = significant(value, digits);
            prop_assert_eq!(significant(once, digits), once);
            prop_assert!((once - value).abs() <= value.abs() * 10_f64.powi(1 - digits));
        }
    }
}
