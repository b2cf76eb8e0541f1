//! Two tenants whose Queries arrive at random, and how long those of the quiet one wait.

use std::time::Duration;

use tokio::time::{Instant, sleep_until};

use super::world::World;

const QUIET: &str = "quiet";
/// Sorts before the quiet one, so that an order by name would favour the noisy one.
const NOISY: &str = "noisy";

/// When Queries arrive, and whose.
pub(crate) struct Arrivals {
    n_quiet: usize,
    schedule: Vec<(Duration, &'static str)>,
}

impl Arrivals {
    /// Poisson arrivals at these loads (rate times service time), until the quiet namespace has sent `n_quiet`.
    pub(crate) fn seeded(
        seed: u64,
        n_quiet: usize,
        service: Duration,
        quiet_load: f64,
        noisy_load: Option<f64>,
    ) -> Self {
        let mut random = SplitMix(seed);
        let mut schedule = poisson(&mut random, service.div_f64(quiet_load))
            .take(n_quiet)
            .map(|at| (at, QUIET))
            .collect::<Vec<_>>();
        let end = schedule.last().map_or(Duration::ZERO, |(at, _)| *at);
        if let Some(load) = noisy_load {
            let noisy = poisson(&mut random, service.div_f64(load));
            schedule.extend(noisy.take_while(|at| *at < end).map(|at| (at, NOISY)));
            schedule.sort_by_key(|(at, _)| *at);
        }
        Self { n_quiet, schedule }
    }

    /// Creates each Query when it is due, and tells the waits of the quiet ones once all of them were executed.
    pub(crate) async fn play(&self, world: &World) -> Vec<Duration> {
        let start = Instant::now();
        for (number, (at, namespace)) in self.schedule.iter().enumerate() {
            sleep_until(start + *at).await;
            world
                .create_one(namespace, &format!("query-{number:05}"))
                .await;
        }
        world.until_finished_of(QUIET, self.n_quiet).await;
        let starts = world.starts_of(QUIET);
        let arrivals = self.schedule.iter().enumerate();
        arrivals
            .filter(|(_, (_, namespace))| *namespace == QUIET)
            .map(|(number, (at, _))| starts[&format!("query-{number:05}")] - (start + *at))
            .collect()
    }
}

/// Times of arrival with exponential gaps of this mean.
fn poisson(random: &mut SplitMix, mean_gap: Duration) -> impl Iterator<Item = Duration> {
    let mut now = Duration::ZERO;
    std::iter::repeat_with(move || {
        now += mean_gap.mul_f64(-(1.0 - random.unit()).ln());
        now
    })
}

/// The SplitMix64 generator: these few lines instead of a dependency, and the same arrivals on every machine.
struct SplitMix(u64);

impl SplitMix {
    /// In [0, 1).
    fn unit(&mut self) -> f64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut mixed = self.0;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        ((mixed ^ (mixed >> 31)) >> 11) as f64 / (1u64 << 53) as f64
    }
}
