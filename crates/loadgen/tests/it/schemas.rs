//! The published schemas against what is really written: each takes its record, and nothing that is a field off.

use boon::{Compiler, SchemaIndex, Schemas};
use loadgen::capacity::{Axis, Ceiling, Purpose, Unit};
use loadgen::drift::{Class, Watched};
use loadgen::health::Verdict;
use loadgen::report;
use loadgen::slo::judge::Standing;
use serde::Serialize;
use serde_json::{Value, json};

use crate::records::{record, search};
use crate::soaks::of_all_classes;

const LOAD: &str = include_str!("../../../../fixtures/schemas/load.json");

const CAPACITY: &str = include_str!("../../../../fixtures/schemas/capacity.json");

const SOAK: &str = include_str!("../../../../fixtures/schemas/soak.json");

struct Published {
    schemas: Schemas,
    index: SchemaIndex,
}

impl Published {
    /// The schema of this text, with that of a load run for what it refers to.
    fn new(text: &str) -> Self {
        let mut schemas = Schemas::new();
        let mut compiler = Compiler::new();
        let parsed = |text: &str| serde_json::from_str::<Value>(text).expect("JSON");
        let id = |schema: &Value| schema["$id"].as_str().expect("a name").to_owned();
        let (load, schema) = (parsed(LOAD), parsed(text));
        let name = id(&schema);
        if name != id(&load) {
            let added = compiler.add_resource(&id(&load), load);
            added.expect("named once");
        }
        compiler.add_resource(&name, schema).expect("named once");
        let index = compiler.compile(&name, &mut schemas).expect("a schema");
        Self { schemas, index }
    }

    fn takes(&self, value: &Value) -> Result<(), String> {
        let checked = self.schemas.validate(value, self.index);
        checked.map_err(|error| format!("{error:#}"))
    }

    /// It takes the record, and refuses it with a field more or less in any object.
    fn check<R: Serialize>(&self, record: &R, n_objects: usize) {
        let whole = value(record);
        self.takes(&whole).unwrap_or_else(|error| panic!("{error}"));
        let pointers = objects(&whole);
        assert!(pointers.len() >= n_objects, "{pointers:?}");
        for pointer in pointers {
            let mut more = whole.clone();
            more.pointer_mut(&pointer).expect("there")["a_field_more"] = json!(1);
            assert!(self.takes(&more).is_err(), "{pointer}");
            let object = whole.pointer(&pointer).and_then(Value::as_object);
            for field in object.expect("an object").keys() {
                let mut less = whole.clone();
                let object = less.pointer_mut(&pointer).and_then(Value::as_object_mut);
                object.expect("an object").remove(field);
                assert!(self.takes(&less).is_err(), "{pointer}/{field}");
            }
        }
    }

    /// At this place of the record it takes each of these words, and no other.
    fn check_words<R: Serialize, W: Serialize>(&self, record: &R, pointer: &str, words: &[W]) {
        let with = |word: Value| {
            let mut value = value(record);
            *value.pointer_mut(pointer).expect("there") = word;
            self.takes(&value)
        };
        for word in words {
            with(value(word)).unwrap_or_else(|error| panic!("{error}"));
        }
        assert!(with(json!("another_word")).is_err(), "{pointer}");
    }
}

fn value<R: Serialize>(record: &R) -> Value {
    serde_json::from_str(&report::json(record)).expect("JSON")
}

/// Where objects are; a machine is described by the schema of another report, and what lies in lists looks alike.
fn objects(whole: &Value) -> Vec<String> {
    let mut found = Vec::new();
    let mut pointers = vec![String::new()];
    while let Some(pointer) = pointers.pop() {
        match whole.pointer(&pointer).expect("from this value") {
            Value::Array(items) if !items.is_empty() => pointers.push(format!("{pointer}/0")),
            Value::Object(fields) => {
                let inner = fields.keys().filter(|field| *field != "machine");
                pointers.extend(inner.map(|field| format!("{pointer}/{field}")));
                found.push(pointer);
            }
            _ => {}
        }
    }
    found
}

#[tokio::test(flavor = "multi_thread")]
async fn the_schema_of_a_load_run_takes_it_and_no_field_more_or_less() {
    Published::new(LOAD).check(&record().await, 10);
}

#[tokio::test(flavor = "multi_thread")]
async fn the_schema_of_a_search_takes_it_and_no_field_more_or_less() {
    let published = Published::new(CAPACITY);
    published.check(&search(Standing::Met, Some(record().await)), 13);
    published.check(&search(Standing::Invalid, None), 3);
}

#[tokio::test(flavor = "multi_thread")]
async fn the_schema_of_a_soak_takes_it_and_no_field_more_or_less() {
    Published::new(SOAK).check(&of_all_classes().await, 5);
}

#[tokio::test(flavor = "multi_thread")]
async fn the_words_of_the_schemas_are_those_of_the_code() {
    let (published, record) = (
        Published::new(CAPACITY),
        search(Standing::Met, Some(record().await)),
    );
    let axes = [Axis::Rate, Axis::Burst, Axis::Concurrency];
    published.check_words(&record, "/axis", &axes);
    let ceilings = [
        Ceiling::Slo,
        Ceiling::Quota,
        Ceiling::Generator,
        Ceiling::Settings,
        Ceiling::Probes,
    ];
    published.check_words(&record, "/ceiling", &ceilings);
    let purposes = [
        Purpose::Ladder,
        Purpose::Bracket,
        Purpose::Narrow,
        Purpose::Repeat,
        Purpose::Hold,
        Purpose::Beyond,
    ];
    published.check_words(&record, "/probes/0/purpose", &purposes);
    let units = [Unit::PerSecond, Unit::AtOnce, Unit::Users];
    published.check_words(&record, "/probes/0/unit", &units);
    let standings = [
        Standing::Met,
        Standing::Inconclusive,
        Standing::Missed,
        Standing::Invalid,
    ];
    for place in ["/probes/0/standing", "/trial/slos/0/standing"] {
        published.check_words(&record, place, &standings);
    }

    let (published, record) = (Published::new(SOAK), of_all_classes().await);
    let watched = [
        Watched::Latency,
        Watched::Rss,
        Watched::FileDescriptors,
        Watched::Tasks,
        Watched::QueueDepth,
        Watched::Objects,
    ];
    published.check_words(&record, "/findings/0/watched", &watched);
    let classes = [Class::Leak, Class::Bounded, Class::None, Class::TooShort];
    published.check_words(&record, "/findings/0/class", &classes);
    let verdicts = [Verdict::Valid, Verdict::Suspect, Verdict::Invalid];
    published.check_words(&record, "/generator", &verdicts);
}
