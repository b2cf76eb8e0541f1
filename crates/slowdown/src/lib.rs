//! Paths that can be made slower by a known share of their own work.
//!
//! A path asks [`Path::again`] whether to do a piece of its work once more. It is told so on an evenly spread share of
//! its turns: multiples of the golden ratio, modulo one, are spread more evenly than random numbers (the three-distance
//! theorem), and hit no piece of a repeating sequence more often than the others. So a thousand turns at one percent
//! are ten repetitions, give or take one, and as many each time.

use std::env;
use std::sync::atomic::{AtomicU32, Ordering};

/// Names a path and a percentage, such as `encode=01.0`; without it no path is slower.
pub const VARIABLE: &str = "PLIMSOLL_SLOWDOWN";

/// Encoding the messages of a session.
pub static ENCODE: Path = Path::new("encode", 1.0);

/// Decoding the messages of a session.
pub static DECODE: Path = Path::new("decode", 1.0);

/// Taking places under caps, and giving them back.
pub static CAPS: Path = Path::new("caps", 1.0);

/// The golden ratio, of which only the fraction matters, in parts of 2^32.
const GOLDEN: u32 = 0x9E37_79B9;

/// What a threshold is before the variable was read. No share of turns is as large.
const UNREAD: u32 = u32::MAX;

/// A path that can be made slower.
#[derive(Debug)]
pub struct Path {
    name: &'static str,
    /// The part of the path's instructions that the repeated piece has.
    weight: f64,
    phase: AtomicU32,
    /// A turn repeats if its phase is below this.
    threshold: AtomicU32,
}

impl Path {
    const fn new(name: &'static str, weight: f64) -> Self {
        Self {
            name,
            weight,
            phase: AtomicU32::new(0),
            threshold: AtomicU32::new(UNREAD),
        }
    }

    /// Whether the piece of work is to be done once more on this turn.
    ///
    /// # Panics
    ///
    /// If the variable is set to something that is no path of ours and a percentage that its weight allows.
    #[inline]
    pub fn again(&self) -> bool {
        let threshold = match self.threshold.load(Ordering::Relaxed) {
            UNREAD => self.read(),
            threshold => threshold,
        };
        // Not one step: two threads may see one phase, which is cheaper than a locked instruction on every turn.
        let phase = self.phase.load(Ordering::Relaxed).wrapping_add(GOLDEN);
        self.phase.store(phase, Ordering::Relaxed);
        phase < threshold
    }

    #[cold]
    fn read(&self) -> u32 {
        let threshold = match env::var(VARIABLE) {
            Ok(text) => self.threshold_of(&text).unwrap_or_else(|| {
                panic!("{VARIABLE} is {text:?}; write a path and a percentage, such as encode=01.0")
            }),
            Err(_) => 0,
        };
        self.threshold.store(threshold, Ordering::Relaxed);
        threshold
    }

    /// `None` if the text says nothing that can be done.
    fn threshold_of(&self, text: &str) -> Option<u32> {
        let (name, percent) = text.split_once('=')?;
        let percent: f64 = percent.parse().ok()?;
        if name != self.name {
            let paths = [&ENCODE, &DECODE, &CAPS];
            return paths.iter().any(|path| path.name == name).then_some(0);
        }
        let share = percent / 100.0 / self.weight;
        (0.0..=1.0)
            .contains(&share)
            .then(|| (share * f64::from(UNREAD - 1)) as u32)
    }
}

#[cfg(test)]
mod tests {
    use super::{GOLDEN, Path};

    fn path(weight: f64) -> Path {
        Path::new("encode", weight)
    }

    #[test]
    fn a_share_of_the_turns_is_spread_evenly() {
        let path = path(1.0);
        for (text, per_thousand) in [
            ("encode=00.5", 5),
            ("encode=01.0", 10),
            ("encode=10.0", 100),
        ] {
            let threshold = path.threshold_of(text).expect("well formed");
            let mut phase = 0_u32;
            for _ in 0..50 {
                let mut n_again = 0;
                for _ in 0..1_000 {
                    phase = phase.wrapping_add(GOLDEN);
                    n_again += i32::from(phase < threshold);
                }
                assert!((n_again - per_thousand).abs() <= 2, "{text}: {n_again}");
            }
        }
    }

    #[test]
    fn a_lighter_piece_is_repeated_more_often() {
        let of = |weight| path(weight).threshold_of("encode=10.0").map(f64::from);
        let ratio = of(0.5).expect("well formed") / of(1.0).expect("well formed");
        assert!((ratio - 2.0).abs() < 1e-6, "{ratio}");
        assert_eq!(path(0.05).threshold_of("encode=10.0"), None);
    }

    #[test]
    fn what_cannot_be_done_is_refused() {
        let path = path(1.0);
        for text in [
            "",
            "encode",
            "encode=",
            "encode=-1",
            "encode=101",
            "encode=x",
            "deocde=1",
        ] {
            assert_eq!(path.threshold_of(text), None, "{text:?}");
        }
        assert_eq!(path.threshold_of("encode=00.0"), Some(0));
        assert_eq!(path.threshold_of("caps=01.0"), Some(0));
    }
}
