//! The record of a soak in every form, with a series of each class.

use std::sync::Arc;

use loadgen::drift::record::{FindingRow, SoakRecord};
use loadgen::drift::{Class, Series, Watched};
use loadgen::driver::null::Null;
use loadgen::health::Verdict;
use loadgen::judging::Conclusion;
use loadgen::report::model::Circumstances;
use loadgen::report::{html, junit, markdown, text};
use results::machine::Machine;

use crate::runs::{ran, scenario};

const MIB: f64 = (1 << 20) as f64;

/// An hour that goes as `level` says of the time in seconds.
fn hour(watched: Watched, level: fn(f64) -> f64) -> Series {
    let samples = (0..720).map(|index| 5.0 * f64::from(index));
    Series {
        watched,
        samples: samples.map(|at| (at, level(at))).collect(),
        after_drain: None,
        most: None,
    }
}

fn leaking() -> Series {
    Series {
        after_drain: Some(270.0 * MIB),
        most: Some(1024.0 * MIB),
        ..hour(Watched::Rss, |at| {
            (200.0 + 80.0 * at / 3600.0 + (at / 7.0).sin()) * MIB
        })
    }
}

fn steady() -> Series {
    hour(Watched::Latency, |at| 0.1 + 0.01 * at.sin())
}

fn bounded() -> Series {
    hour(Watched::Objects, |at| {
        500.0 * (1.0 - (-at / 600.0).exp()) + at.sin()
    })
}

fn too_short() -> Series {
    Series {
        samples: vec![(0.0, 12.0), (1.0, 13.0)],
        ..hour(Watched::Tasks, |_| 0.0)
    }
}

/// A real run, in which these series were seen.
async fn soak(series: &[Series]) -> SoakRecord {
    let scenario = scenario("[closed]\nusers = 2\nqueries = 20", "1ms", "");
    let ran = ran(&scenario, Arc::new(Null::default())).await;
    let circumstances = Circumstances {
        name: "two <users>".to_owned(),
        time_scale: 0.5,
        settings: vec![("timeout_s".to_owned(), "20".to_owned())],
        machine: Machine::here(),
    };
    let record = SoakRecord::new(&scenario, &ran.expect("it runs"), None, circumstances);
    SoakRecord {
        findings: FindingRow::all(series, 7),
        generator: Verdict::Valid,
        reasons: Vec::new(),
        ..record
    }
}

pub(crate) async fn of_all_classes() -> SoakRecord {
    soak(&[steady(), leaking(), bounded(), too_short()]).await
}

#[tokio::test(flavor = "multi_thread")]
async fn a_soak_that_is_read_back_says_the_same_in_every_form() {
    let forms = [
        SoakRecord::json,
        text::render_soak,
        markdown::render_soak,
        html::render_soak,
        junit::render_soak,
    ];
    let record = of_all_classes().await;
    let classes = record.findings.iter().map(|row| row.class);
    let each = [Class::None, Class::Leak, Class::Bounded, Class::TooShort];
    assert_eq!(classes.collect::<Vec<_>>(), each);
    let kept: SoakRecord = serde_json::from_str(&record.json()).expect("it reads what it wrote");
    assert_eq!(kept, record);
    for form in forms {
        assert_eq!(form(&kept), form(&record));
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn every_form_names_the_leak_in_the_unit_of_what_leaks() {
    let record = of_all_classes().await;
    for form in [
        text::render_soak,
        markdown::render_soak,
        html::render_soak,
        junit::render_soak,
    ] {
        let said = form(&record);
        for part in [
            "resident memory",
            "leak",
            "+69.7 MiB",
            "h left",
            "too few samples",
        ] {
            assert!(said.contains(part), "{part:?} is not in\n{said}");
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn the_page_draws_every_series_with_its_line_where_it_has_one() {
    let page = html::render_soak(&of_all_classes().await);
    assert!(page.contains("<h1>two &lt;users&gt;</h1>"));
    assert_eq!(page.matches("<svg").count(), 4);
    assert_eq!(page.matches("<polygon").count(), 4);
    assert_eq!(page.matches("fill=\"none\"").count(), 3, "{page}");
    assert!(page.contains("after the drain"));
    let nothing = Series {
        samples: Vec::new(),
        ..too_short()
    };
    let page = html::render_soak(&soak(&[nothing]).await);
    assert!(page.contains("No sample came."));
}

#[tokio::test(flavor = "multi_thread")]
async fn junit_has_a_test_per_series_and_one_for_the_run() {
    let xml = junit::render_soak(&of_all_classes().await);
    let document =
        roxmltree::Document::parse(&xml).unwrap_or_else(|error| panic!("{error}\n{xml}"));
    let count = |tag: &str| {
        let nodes = document.descendants();
        nodes.filter(|node| node.has_tag_name(tag)).count()
    };
    let counts = ["testcase", "failure", "error", "skipped"].map(count);
    assert_eq!(counts, [5, 1, 0, 1]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_soak_comes_to_what_weighs_most_in_it() {
    let leaks = of_all_classes().await;
    let spoiled = SoakRecord {
        generator: Verdict::Invalid,
        ..leaks.clone()
    };
    let fine = soak(&[steady(), bounded()]).await;
    let broken_off = SoakRecord {
        interrupted: true,
        ..fine.clone()
    };
    let short = soak(&[steady(), too_short()]).await;
    for (record, conclusion) in [
        (spoiled, Conclusion::Spoiled),
        (leaks, Conclusion::Missed),
        (broken_off, Conclusion::CouldNotTell),
        (short, Conclusion::CouldNotTell),
        (fine, Conclusion::Fine),
    ] {
        assert_eq!(record.conclusion(), conclusion);
    }
}
