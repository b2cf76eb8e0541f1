//! The published schema against what we really print: it takes every report, and nothing that is a field off.

use boon::{Compiler, SchemaIndex, Schemas};
use serde_json::{Value, json};

use super::{hostile, reports};
use crate::report::json::render;
use crate::report::model::{About, Cause, History, Reason, Report};
use crate::verdict::{Promise, Verdict};

const SCHEMA: &str = include_str!("../../../../../fixtures/schemas/report.json");

struct Published {
    schemas: Schemas,
    index: SchemaIndex,
}

impl Published {
    fn new() -> Self {
        let mut schemas = Schemas::new();
        let mut compiler = Compiler::new();
        let schema = serde_json::from_str(SCHEMA).expect("JSON");
        compiler
            .add_resource("report.json", schema)
            .expect("named once");
        let index = compiler
            .compile("report.json", &mut schemas)
            .expect("a schema");
        Self { schemas, index }
    }

    fn takes(&self, value: &Value) -> Result<(), String> {
        let checked = self.schemas.validate(value, self.index);
        checked.map_err(|error| format!("{error:#}"))
    }
}

fn value(report: &Report) -> Value {
    serde_json::from_str(&render(report).expect("finite")).expect("JSON")
}

/// With what the engineers of causes and histories hang on.
fn full() -> Report {
    Report {
        causes: vec![Cause {
            function: "codec::encode".to_owned(),
            cases: vec!["codec/encode/10_kb".to_owned()],
            evidence: "+12 % instructions".to_owned(),
        }],
        histories: vec![History {
            id: "codec/encode/10_kb".to_owned(),
            what: "time against the reference".to_owned(),
            values: vec![1.0, 1.2],
            change_points: vec![1],
        }],
        ..hostile()
    }
}

#[test]
fn the_schema_takes_every_report() {
    let published = Published::new();
    for report in reports().into_iter().chain([full()]) {
        published
            .takes(&value(&report))
            .unwrap_or_else(|error| panic!("{error}"));
    }
}

#[test]
fn a_field_more_or_less_is_refused_wherever_it_is() {
    let published = Published::new();
    let whole = value(&full());
    let mut n_objects = 0;
    let mut pointers = vec![String::new()];
    while let Some(pointer) = pointers.pop() {
        match whole.pointer(&pointer).expect("from this value") {
            Value::Array(items) => {
                pointers.extend((0..items.len()).map(|index| format!("{pointer}/{index}")));
            }
            Value::Object(fields) => {
                n_objects += 1;
                let mut more = whole.clone();
                more.pointer_mut(&pointer).expect("there")["a_field_more"] = json!(1);
                assert!(published.takes(&more).is_err(), "{pointer}");
                for field in fields.keys() {
                    pointers.push(format!("{pointer}/{field}"));
                    // What is left out where it is unknown.
                    if field == "commit" {
                        continue;
                    }
                    let mut less = whole.clone();
                    let object = less.pointer_mut(&pointer).and_then(Value::as_object_mut);
                    object.expect("an object").remove(field);
                    assert!(published.takes(&less).is_err(), "{pointer}/{field}");
                }
            }
            _ => {}
        }
    }
    assert!(n_objects > 15, "the walk has seen {n_objects} objects");
}

#[test]
fn the_words_of_the_schema_are_those_of_the_code() {
    let published = Published::new();
    let with = |pointer: &str, word: Value| {
        let mut value = value(&full());
        *value.pointer_mut(pointer).expect("there") = word;
        published.takes(&value)
    };
    let words: [(&str, Vec<Value>); 4] = [
        (
            "/cases/0/verdict",
            VERDICTS.map(|word| json!(word)).to_vec(),
        ),
        ("/cases/0/reasons", vec![json!(REASONS)]),
        ("/notes/0/about", ABOUTS.map(|word| json!(word)).to_vec()),
        ("/promises", PROMISES.map(promises_with).to_vec()),
    ];
    for (pointer, words) in words {
        for word in words {
            with(pointer, word).unwrap_or_else(|error| panic!("{error}"));
        }
        assert!(with(pointer, json!("another_word")).is_err(), "{pointer}");
    }
}

fn promises_with(promise: Promise) -> Value {
    json!([{
        "suite": "quota", "name": "allow", "value": 1.0, "interval": [0.9, 1.1], "unit": "",
        "bound": {"at_most": 2.0}, "promise": promise, "text": "",
    }])
}

const VERDICTS: [Verdict; 8] = crate::report::words::VERDICTS;

const PROMISES: [Promise; 4] = [
    Promise::Missed,
    Promise::Inconclusive,
    Promise::Met,
    Promise::Stated,
];

const REASONS: [Reason; 25] = [
    Reason::NotMeasured,
    Reason::NotInBaseline,
    Reason::NotRun,
    Reason::Unfinished,
    Reason::NoBaseline,
    Reason::TooLittle,
    Reason::MissingInBase,
    Reason::MissingInCandidate,
    Reason::PanickedInBase,
    Reason::PanickedInCandidate,
    Reason::TimedOut,
    Reason::NoSamples,
    Reason::AmbiguousId,
    Reason::SettingsDiffer,
    Reason::SameProgram,
    Reason::Layout,
    Reason::LayoutOpen,
    Reason::LayoutUnchecked,
    Reason::Contaminated,
    Reason::ClocksDisagree,
    Reason::WallTimeAlone,
    Reason::CpuTimeAlone,
    Reason::Unconfirmed,
    Reason::NotConfirmed,
    Reason::Undecided,
];

const ABOUTS: [About; 18] = [
    About::NoBaseline,
    About::OtherMachine,
    About::Drifted,
    About::NoCountBaseline,
    About::OtherCountMachine,
    About::NoAllocationBaseline,
    About::OtherAllocationMachine,
    About::Lints,
    About::Acceptance,
    About::Counts,
    About::Unfinished,
    About::Contaminated,
    About::NullControl,
    About::Interrupted,
    About::Open,
    About::Unconfirmed,
    About::SameProgram,
    About::IdleRelevance,
];
