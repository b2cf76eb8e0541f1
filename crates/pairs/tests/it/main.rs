//! Pair mode from outside: real commits, real builds, real processes, on a toy project.
//!
//! It is one long test, because a workshop admits one run at a time, and building Criterion for a second one costs more.

mod counts;
mod search;
mod toy;

use std::cell::{Cell, RefCell};
use std::collections::BTreeMap;
use std::path::Path;
use std::time::Duration;

use pairs::build::{Built, Workshop};
use pairs::course::{self, Plan};
use pairs::error::Error;
use pairs::referee::Patience;
use pairs::selfcheck;
use pairs::session::{EqualPrograms, Session, Settings};
use pairs::tree::Repository;
use pairs::watch::{Event, Watch};
use results::case_id::CaseId;
use results::pairs::control::{NullEstimates, rounds_to_fire};
use results::pairs::sample::{CaseFailure, Engine, PairCase, PairRun};
use results::relevance::PairRelevance;
use results::selfcheck::repetition::Neighbour;

use toy::{Toy, does, works};

/// Remembers what happened, and stops the run after so many rounds.
struct Witness {
    events: RefCell<Vec<String>>,
    rounds_left: Cell<Option<usize>>,
}

impl Witness {
    fn new() -> Self {
        Self {
            events: RefCell::default(),
            rounds_left: Cell::new(None),
        }
    }

    fn saw(&self, event: &str) -> bool {
        self.events.borrow().iter().any(|seen| seen == event)
    }
}

impl Watch for Witness {
    fn note(&self, event: Event<'_>) {
        match event {
            Event::Building { side, .. } => {
                self.events.borrow_mut().push(format!("building {side}"))
            }
            Event::Cached { side, .. } => self.events.borrow_mut().push(format!("cached {side}")),
            Event::RoundDone => {
                self.rounds_left
                    .set(self.rounds_left.get().map(|left| left.saturating_sub(1)));
            }
            Event::Counting { side, .. } => {
                self.events.borrow_mut().push(format!("counting {side}"))
            }
            Event::Counted { side, .. } => self.events.borrow_mut().push(format!("counted {side}")),
            Event::SameProgram { .. }
            | Event::SameButFiles { .. }
            | Event::Relinking { .. }
            | Event::Planned { .. }
            | Event::Round { .. } => {}
        }
    }

    fn stopped(&self) -> bool {
        self.rounds_left.get() == Some(0)
    }
}

fn settings() -> Settings {
    Settings {
        seed: 7,
        patience: Patience {
            first: Duration::from_secs(5),
            later: Duration::from_secs(5),
        },
        equal_programs: EqualPrograms::Leave,
    }
}

/// Only halves and doubles matter, so that a busy machine does not keep the run from its end.
fn plan() -> Plan {
    Plan {
        n_rounds: 3,
        budget: Duration::from_secs(120),
        relevance: relevance("*", 60),
        null_estimates: NullEstimates::default(),
        count_ratios: BTreeMap::new(),
    }
}

/// A table of one entry; it is not in the toy, whose tree it would change.
fn relevance(cases: &str, percent: u32) -> PairRelevance {
    let table = format!("[[pairs]]\ncases = {cases:?}\npercent = {percent}\nreason = \"a test\"\n");
    let folder = tempfile::tempdir().expect("a folder");
    std::fs::write(folder.path().join("relevance.toml"), table).expect("put");
    PairRelevance::read(folder.path()).expect("well formed")
}

/// Slower where it takes the candidate's place, which it knows from its folder, though the program is the same.
const MOODY: &str = r#"work(match std::env::var("CRITERION_HOME") {
    Ok(home) if home.ends_with("cand") => 9_000,
    _ => 1_000,
})"#;

struct Bench {
    toy: Toy,
    repository: Repository,
    workshop: Workshop,
}

impl Bench {
    fn of(toy: Toy) -> Self {
        let repository = Repository::around(toy.path()).expect("a repository");
        // One for all times that the test runs, so that Criterion is built only once.
        let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join("toy");
        std::fs::create_dir_all(&folder).expect("a folder");
        let workshop = Workshop::open(&repository, toy.path(), &folder, &[]).expect("a workshop");
        Self {
            toy,
            repository,
            workshop,
        }
    }

    fn build(
        &self,
        base: &str,
        suites: Option<&[String]>,
        witness: &Witness,
    ) -> Result<[Built; 2], Error> {
        let base = self.repository.commit(base)?;
        let candidate = self.repository.working_tree(&self.toy.target())?;
        self.workshop
            .build_both([&base, &candidate], suites, witness)
    }
}

fn case<'r>(run: &'r PairRun, id: &str) -> &'r PairCase {
    let found = run.cases.iter().find(|case| case.id.as_str() == id);
    found.unwrap_or_else(|| {
        panic!(
            "no {id} among {:?}",
            run.cases.iter().map(|case| &case.id).collect::<Vec<_>>()
        )
    })
}

/// The median over all pairs of candidate ÷ base per iteration, by the thread's clock: other tests run meanwhile.
fn ratio(case: &PairCase) -> f64 {
    let pairs = case.rounds.iter().flat_map(|round| &round.pairs);
    let mut ratios: Vec<f64> = pairs
        .map(|pair| {
            let [base, candidate] = [pair.base, pair.candidate]
                .map(|sample| sample.cpu_ns / sample.n_iterations as f64);
            candidate / base
        })
        .collect();
    ratios.sort_by(f64::total_cmp);
    ratios[ratios.len() / 2]
}

#[test]
fn two_commits_of_a_foreign_project_are_measured_whatever_their_cases_do() {
    let toy = Toy::new();
    let common = [works("steady", 1_000), works("halved", 2_000)];
    let base = [
        works("old", 1_000),
        works("breaks", 1_000),
        works("hangs", 1_000),
    ];
    let threads = does("threads", "std::thread::spawn(|| work(20_000)).join()");
    toy.sums(&[&common[..], &base, std::slice::from_ref(&threads)].concat());
    toy.commit("base");

    let candidate = [
        works("steady", 1_000),
        works("halved", 1_000),
        works("new", 1_000),
        does(
            "breaks",
            r#"assert_eq!(work(black_box(1)), 7, "wrong answer")"#,
        ),
        does("hangs", "loop { std::thread::park() }"),
        threads,
    ];
    toy.sums(&candidate);
    toy.extra(&[does("alone", MOODY)]);
    // Not committed: a dirty tree is the candidate.

    let bench = Bench::of(toy);
    let witness = Witness::new();
    let built = bench.build("base", None, &witness).expect("both build");
    assert!(witness.saw("building base") && witness.saw("building working tree"));
    let mut session = Session::open(&bench.workshop, built, &settings(), &witness).expect("listed");
    course::follow(&mut session, &plan()).expect("measured");
    let run = session.run().clone();
    drop(session);

    assert!(run.candidate.is_dirty && !run.base.is_dirty);
    let steady = case(&run, "sums/steady");
    assert_eq!((steady.engine, &steady.failure), (Engine::Turns, &None));
    assert!(steady.rounds.iter().all(|round| round.pairs.len() >= 9));
    assert!(
        ratio(case(&run, "sums/halved")) < 0.8,
        "{}",
        ratio(case(&run, "sums/halved"))
    );
    assert_eq!(case(&run, "sums/threads").engine, Engine::Blocks);
    assert!(!case(&run, "sums/threads").rounds.is_empty());
    assert!(run.cases.iter().any(|case| !case.null_rounds.is_empty()));

    let failure = |id: &str| case(&run, id).failure.clone();
    assert_eq!(failure("sums/old"), Some(CaseFailure::MissingInCandidate));
    assert_eq!(failure("sums/new"), Some(CaseFailure::MissingInBase));
    assert_eq!(failure("extra/alone"), Some(CaseFailure::MissingInBase));
    assert!(matches!(
        failure("sums/hangs"),
        Some(CaseFailure::TimedOut { .. })
    ));
    let Some(CaseFailure::PanickedInCandidate { message }) = failure("sums/breaks") else {
        panic!("it panics: {:?}", failure("sums/breaks"));
    };
    assert!(message.contains("wrong answer"), "{message}");

    interruption_leaves_nothing_but_what_was_measured(&bench);
    a_base_that_does_not_build_is_named(&bench);
    an_unknown_suite_is_named_with_those_that_are_there(&bench);
    a_program_is_held_against_its_own_copy(&bench);
    a_control_that_fires_gets_as_many_rounds_again(&bench);
    search::names_the_guilty_commit_past_one_that_does_not_build(&bench);
    assert_eq!(bench.toy.n_worktrees(), 1);
}

fn interruption_leaves_nothing_but_what_was_measured(bench: &Bench) {
    let witness = Witness::new();
    let built = bench
        .build("base", Some(&["sums".to_owned()]), &witness)
        .expect("both are built");
    assert!(witness.saw("cached base") && witness.saw("cached working tree"));
    assert!(!witness.saw("building base"));
    assert_eq!(bench.toy.n_worktrees(), 3);

    let mut session = Session::open(&bench.workshop, built, &settings(), &witness).expect("listed");
    witness.rounds_left.set(Some(3));
    // Of the cases, the one that does more instructions than before comes first.
    let steady = CaseId::new("sums/steady").expect("well formed");
    let plan = Plan {
        count_ratios: BTreeMap::from([(steady.clone(), 1.05)]),
        ..plan()
    };
    let ended = course::follow(&mut session, &plan);
    assert!(matches!(ended, Err(Error::Interrupted)), "{ended:?}");
    let run = session.run();
    assert!(!run.is_complete);
    for case in &run.cases {
        let n_rounds = case.rounds.len() + case.null_rounds.len();
        let expected = if case.id == steady { 3 } else { 0 };
        assert_eq!(n_rounds, expected, "{}", case.id);
    }
    drop(session);
    assert_eq!(bench.toy.n_worktrees(), 1);
}

fn a_base_that_does_not_build_is_named(bench: &Bench) {
    bench.toy.write("src/lib.rs", "fn unfinished(");
    bench.toy.commit("broken");
    bench.toy.write("src/lib.rs", "");
    let error = bench
        .build("broken", None, &Witness::new())
        .expect_err("it does not build");
    assert!(
        matches!(&error, Error::Unbuildable { side, .. } if side == "broken"),
        "{error}"
    );
}

fn an_unknown_suite_is_named_with_those_that_are_there(bench: &Bench) {
    let wanted = ["summs".to_owned()];
    let error = bench
        .build("base", Some(&wanted), &Witness::new())
        .expect_err("there is none");
    assert!(
        matches!(&error, Error::UnknownSuite { known, .. } if known.contains(&"sums".to_owned())),
        "{error}"
    );
}

fn a_control_that_fires_gets_as_many_rounds_again(bench: &Bench) {
    bench.toy.commit("moody");
    let witness = Witness::new();
    let built = bench
        .build("moody", Some(&["extra".to_owned()]), &witness)
        .expect("it is built");
    let settings = Settings {
        equal_programs: EqualPrograms::Measure,
        ..settings()
    };
    let mut session = Session::open(&bench.workshop, built, &settings, &witness).expect("listed");
    let comparison = course::follow(&mut session, &plan()).expect("measured");
    assert!(comparison.control.is_contaminated());
    let n_null_rounds = case(session.run(), "extra/alone").null_rounds.len();
    assert_eq!(n_null_rounds, 2 * rounds_to_fire());
}

fn a_program_is_held_against_its_own_copy(bench: &Bench) {
    let witness = Witness::new();
    let [program, _] = bench
        .build("base", Some(&["sums".to_owned()]), &witness)
        .expect("both are built");
    let copy = program.copied().expect("a copy");
    let measured = |times: &str| {
        let sides = [
            program.with_variable("TOY_TIMES", "1"),
            copy.with_variable("TOY_TIMES", times),
        ];
        let plan = Plan {
            budget: Duration::from_secs(8),
            ..plan()
        };
        let surroundings = (Neighbour::None, &witness as &dyn Watch);
        let is_wanted = |id: &CaseId| id.as_str() == "sums/steady";
        let measured = selfcheck::measure(
            &bench.workshop,
            sides,
            &Settings {
                equal_programs: EqualPrograms::Measure,
                ..settings()
            },
            &plan,
            surroundings,
            is_wanted,
        );
        measured.expect("measured")
    };
    let (alike, slower) = (measured("1"), measured("2"));
    assert_eq!(alike.run.cases.len(), 1, "the others are not wanted");
    assert_eq!(slower.comparison.rows.len(), 1);
    let ratios = [&alike, &slower].map(|measured| ratio(case(&measured.run, "sums/steady")));
    assert!(ratios[1] > 1.4 * ratios[0], "{ratios:?}");
}
