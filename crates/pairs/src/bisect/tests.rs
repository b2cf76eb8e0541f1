//! The search against a guilty commit that is known, with verdicts that are sometimes wrong and commits that are broken.

use std::collections::BTreeSet;

use rand::rngs::StdRng;
use rand::{RngExt as _, SeedableRng as _};

use super::drive::{Found, Probe, Step, follow};
use super::memory::Memory;
use super::{Answer, MOST_VERDICTS, Next, SURE, Verdict, next};
use crate::error::Error;

/// Commits of which one is guilty, some broken, and verdicts wrong now and then.
struct World {
    n_commits: usize,
    guilty: usize,
    broken: BTreeSet<usize>,
    wrong: f64,
    random: StdRng,
    n_probes: usize,
    /// Interrupts before this probe.
    stops_before: Option<usize>,
}

impl World {
    fn new(n_commits: usize, guilty: usize) -> Self {
        Self {
            n_commits,
            guilty,
            broken: BTreeSet::new(),
            wrong: 0.0,
            random: StdRng::seed_from_u64((n_commits * 1000 + guilty) as u64),
            n_probes: 0,
            stops_before: None,
        }
    }

    fn search(&mut self) -> Found {
        let folder = tempfile::tempdir().expect("a folder");
        let mut memory = Memory::open(folder.path(), Vec::new()).expect("opened");
        follow(self.n_commits, self, &mut memory, &mut |_| {}).expect("no errors")
    }

    /// The same without a file, for many searches: a file takes its time to reach the disk.
    fn search_in_memory(&mut self) -> (usize, usize) {
        let mut answers = Vec::new();
        loop {
            match next(self.n_commits, &answers) {
                Next::Measure(place) => {
                    let verdict = self.probe(place).expect("no interruption");
                    answers.push(Answer { place, verdict });
                }
                Next::Guilty { first, last, .. } => return (first, last),
            }
        }
    }
}

impl Probe for World {
    fn probe(&mut self, place: usize) -> Result<Verdict, Error> {
        if self.stops_before == Some(self.n_probes) {
            return Err(Error::Interrupted);
        }
        self.n_probes += 1;
        if self.broken.contains(&place) {
            return Ok(Verdict::Skipped);
        }
        // The first answer is that the bad commit is slower; a search without it ends at once.
        let is_wrong = self.n_probes > 1 && self.random.random_bool(self.wrong);
        Ok(if (place >= self.guilty) == is_wrong {
            Verdict::NotSlower
        } else {
            Verdict::Slower
        })
    }
}

#[test]
fn with_right_verdicts_every_guilty_commit_is_named() {
    for n_commits in [1, 2, 3, 7, 16, 33, 100] {
        for guilty in 1..=n_commits {
            let mut world = World::new(n_commits, guilty);
            let Found::Guilty {
                first,
                last,
                chance,
            } = world.search()
            else {
                panic!("it is slower");
            };
            assert_eq!((first, last), (guilty, guilty), "of {n_commits}");
            assert!(chance >= SURE);
            // Twice the steps of a search without doubt, and a few to be sure of both neighbours.
            let plain = (n_commits as f64).log2().ceil() as usize;
            assert!(
                world.n_probes <= 2 * plain + 5,
                "{} probes of {n_commits}",
                world.n_probes
            );
        }
    }
}

#[test]
fn with_wrong_verdicts_now_and_then_the_guilty_commit_is_still_named() {
    let (mut n_right, mut n_searches) = (0, 0);
    for seed in 0..600 {
        let mut world = World::new(40, 1 + seed % 40);
        world.wrong = 0.03;
        world.random = StdRng::seed_from_u64(seed as u64);
        let (first, last) = world.search_in_memory();
        n_searches += 1;
        n_right += usize::from(first <= world.guilty && world.guilty <= last);
    }
    // At least as often as it says, unless chance refutes it.
    let bound = results::stats::rate_upper_bound(n_right as u64, n_searches as u64, 0.999);
    assert!(bound >= SURE, "{n_right} of {n_searches}");
}

#[test]
fn broken_commits_widen_the_range_and_never_hide_the_guilty_one() {
    for guilty in 1..=12 {
        for broken in 1..12_usize {
            let mut world = World::new(12, guilty);
            world.broken = (broken..=broken + 2).filter(|place| *place < 12).collect();
            let Found::Guilty { first, last, .. } = world.search() else {
                panic!("it is slower");
            };
            assert!(
                (first..=last).contains(&guilty),
                "{guilty} in {first}..={last}"
            );
            // What is broken, and the commit behind it, which bears the blame of all of them.
            let is_beside = world.broken.contains(&guilty) || world.broken.contains(&(guilty - 1));
            if is_beside {
                assert!(last - first <= 3, "{first}..={last} around {guilty}");
            } else {
                assert_eq!((first, last), (guilty, guilty));
            }
        }
    }
}

#[test]
fn a_bad_commit_that_is_not_slower_ends_the_search() {
    let mut world = World::new(9, 10);
    assert_eq!(world.search(), Found::BadIsNotSlower(Verdict::NotSlower));
    let mut world = World::new(9, 3);
    world.broken.insert(9);
    assert_eq!(world.search(), Found::BadIsNotSlower(Verdict::Skipped));
}

#[test]
fn no_commit_is_asked_more_often_than_it_can_help() {
    let ask = |verdicts: &[Verdict]| {
        let answer = |verdict: &Verdict| Answer {
            place: 1,
            verdict: *verdict,
        };
        next(2, &verdicts.iter().map(answer).collect::<Vec<_>>())
    };
    assert_eq!(ask(&[]), Next::Measure(1));
    assert_eq!(
        ask(&[Verdict::Slower, Verdict::NotSlower]),
        Next::Measure(1)
    );
    for verdicts in [
        vec![Verdict::Undecided],
        vec![Verdict::Skipped],
        vec![Verdict::Slower, Verdict::NotSlower, Verdict::Undecided],
    ] {
        let Next::Guilty { first, last, .. } = ask(&verdicts) else {
            panic!("{verdicts:?}");
        };
        assert_eq!((first, last), (1, 2));
    }
    let same = vec![Verdict::Slower; MOST_VERDICTS];
    assert!(matches!(
        ask(&same),
        Next::Guilty {
            first: 1,
            last: 1,
            ..
        }
    ));
}

#[test]
fn an_interrupted_search_goes_on_where_it_was() {
    let mut straight = World::new(50, 31);
    let expected = straight.search();
    let folder = tempfile::tempdir().expect("a folder");
    let subject = vec!["codec/encode/10kb".to_owned(), "0123abc".to_owned()];
    let mut n_probes = 0;
    for round in 0.. {
        let mut memory = Memory::open(folder.path(), subject.clone()).expect("opened");
        let mut world = World::new(50, 31);
        world.stops_before = Some(2);
        let mut resumed = None;
        let found = follow(50, &mut world, &mut memory, &mut |step| {
            if let Step::Resumed { n_answers } = step {
                resumed = Some(n_answers);
            }
        });
        assert_eq!(resumed, (round > 0).then_some(n_probes));
        n_probes += world.n_probes;
        match found {
            Ok(found) => {
                assert_eq!(found, expected);
                break;
            }
            Err(error) => assert!(matches!(error, Error::Interrupted)),
        }
    }
    assert_eq!(n_probes, straight.n_probes);
    let memory = Memory::open(folder.path(), subject).expect("opened");
    assert!(
        memory.answers().is_empty(),
        "what is found is not remembered"
    );
}

#[test]
fn a_memory_that_is_damaged_or_of_another_search_is_as_good_as_none() {
    let folder = tempfile::tempdir().expect("a folder");
    let subject = vec!["codec/encode/10kb".to_owned()];
    let answer = Answer {
        place: 3,
        verdict: Verdict::Slower,
    };
    let mut memory = Memory::open(folder.path(), subject.clone()).expect("opened");
    memory.remember(answer).expect("stored");
    let again = Memory::open(folder.path(), subject.clone()).expect("opened");
    assert_eq!(again.answers(), [answer]);
    let other = Memory::open(folder.path(), vec!["codec/decode/10kb".to_owned()]);
    assert!(other.expect("opened").answers().is_empty());

    let file = std::fs::read_dir(folder.path()).expect("listed").next();
    let path = file.expect("one").expect("readable").path();
    let text = std::fs::read_to_string(&path).expect("readable");
    std::fs::write(&path, &text[..text.len() / 2]).expect("cut");
    let cut = Memory::open(folder.path(), subject).expect("opened");
    assert!(cut.answers().is_empty());
}
