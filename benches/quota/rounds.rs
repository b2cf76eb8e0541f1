//! Workspaces, the order in which they are visited, and the clock around the visits.

use std::hint::black_box;
use std::sync::Barrier;
use std::time::Duration;

use benches::clock::cpu_time;
use pairs::turns::Bencher;

/// The name of a workspace, as long as all others, so that names lie one after the other.
pub(crate) struct Name([u8; Self::LENGTH]);

impl Name {
    /// About the length of a UUID.
    pub(crate) const LENGTH: usize = 36;

    fn new(number: usize) -> Self {
        let name = format!("workspace-{number:08}-{:017x}", mixed(number as u64));
        Self(name.as_bytes().try_into().expect("the lengths add up"))
    }

    pub(crate) fn as_str(&self) -> &str {
        std::str::from_utf8(&self.0).expect("it was made from a string")
    }

    pub(crate) fn copied_to<'b>(&self, buffer: &'b mut String) -> &'b String {
        buffer.clear();
        buffer.push_str(self.as_str());
        buffer
    }
}

/// The workspaces in the order of their first requests.
pub(crate) fn workspaces(n_workspaces: usize) -> impl Iterator<Item = Name> {
    (0..n_workspaces).map(Name::new)
}

/// The same workspaces in the order of the visits.
pub(crate) fn visits(n_workspaces: usize) -> Round<Name> {
    let mut numbers: Vec<usize> = (0..n_workspaces).collect();
    numbers.sort_by_key(|&number| mixed(!number as u64));
    Round::of(numbers.into_iter().map(Name::new).collect())
}

/// A number that looks random and is always the same.
fn mixed(number: u64) -> u64 {
    let mixed = (number ^ (number >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    let mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    mixed ^ (mixed >> 31)
}

/// Things to check with, one after the other, around and around, over all samples of a case:
/// a sample that began at the start again would meet just those that the last one left in the caches.
pub(crate) struct Round<T> {
    pub(crate) items: Vec<T>,
    next: usize,
}

impl<T> Round<T> {
    pub(crate) fn of(items: Vec<T>) -> Self {
        Self { items, next: 0 }
    }

    /// Where the next so many visits begin.
    fn advance(&mut self, n_visits: usize) -> usize {
        let first = self.next;
        self.next = (first + n_visits) % self.items.len();
        first
    }

    pub(crate) fn visits(&self, first: usize, n_visits: usize) -> impl Iterator<Item = &T> {
        let rest = self.items[first % self.items.len()..].iter();
        rest.chain(self.items.iter().cycle()).take(n_visits)
    }
}

pub(crate) fn each<T>(
    bencher: &mut Bencher<'_>,
    round: &mut Round<T>,
    mut check: impl FnMut(&T) -> bool,
) {
    bencher.iter_custom(|n_iterations| {
        let n_visits = n_iterations as usize;
        let first = round.advance(n_visits);
        time_of(round.visits(first, n_visits), &mut check)
    });
}

/// CPU time of the calling thread for these checks.
pub(crate) fn time_of<'i, T: 'i>(
    visits: impl Iterator<Item = &'i T>,
    mut check: impl FnMut(&T) -> bool,
) -> Duration {
    let began = cpu_time();
    for item in visits {
        black_box(check(black_box(item)));
    }
    cpu_time().saturating_sub(began)
}

/// The same on two threads at once, half a round apart.
pub(crate) fn each_on_two_threads<T: Sync>(
    bencher: &mut Bencher<'_>,
    round: &mut Round<T>,
    check: impl Fn(&T, &mut String) -> bool + Sync,
) {
    bencher.iter_custom(|n_iterations| {
        let n_visits = n_iterations as usize;
        let first = round.advance(n_visits);
        time_on_two_threads(round, first, n_visits, &check)
    });
}

/// CPU time of the busier of two threads with so many checks each, and a buffer each.
pub(crate) fn time_on_two_threads<T: Sync>(
    round: &Round<T>,
    first: usize,
    n_visits: usize,
    check: impl Fn(&T, &mut String) -> bool + Sync,
) -> Duration {
    let barrier = Barrier::new(2);
    let run = |first: usize| {
        let mut buffer = String::with_capacity(Name::LENGTH);
        barrier.wait();
        time_of(round.visits(first, n_visits), |item| {
            check(item, &mut buffer)
        })
    };
    std::thread::scope(|scope| {
        let other = scope.spawn(|| run(first + round.items.len() / 2));
        let took = run(first);
        took.max(other.join().expect("a check does not panic"))
    })
}
