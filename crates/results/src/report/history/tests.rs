//! What the reports of a history look like.

use jiff::civil::date;

use super::{json, markdown, plot, text};
use crate::accept::Acceptances;
use crate::history::folder::{Breach, Kept};
use crate::history::judged::{History, judge};
use crate::history::line::Line;
use crate::history::series::series;
use crate::history::synthetic::line;
use crate::report::Colour;

/// A case that became 3 % slower after `n_before` nights of `n_nights`.
fn history(n_before: i32, n_nights: i32) -> History {
    let lines: Vec<Line> = (0..n_nights)
        .map(|night| {
            let scatter = 0.6 * (f64::from(night + 1) * 0.618_034).fract() - 0.3;
            line(night).at(scatter + if night < n_before { 0.0 } else { 3.0 })
        })
        .collect();
    let kept = Kept {
        lines,
        breaches: Vec::new(),
    };
    let breach = Breach {
        path: "nights/a.jsonl".into(),
        line: 7,
        reason: "the file is cut short here".to_owned(),
    };
    judge(
        &series(&kept),
        vec![breach],
        &Acceptances::default(),
        date(2026, 12, 1),
    )
}

#[test]
fn a_plot_fits_into_eighty_columns_however_many_nights_there_are() {
    for n_nights in [1, 2, 30, 70, 71, 365, 2_000] {
        let history = history(n_nights / 2, n_nights);
        let lines = plot::lines(&history.cases[0]);
        assert!(
            lines.iter().all(|line| line.chars().count() <= plot::WIDTH),
            "{n_nights}"
        );
        assert!(lines.iter().any(|line| line.contains('o')), "{n_nights}");
    }
}

#[test]
fn a_plot_shows_both_levels_and_marks_the_change_between_them() {
    let history = history(40, 60);
    let lines = plot::lines(&history.cases[0]);
    let column = lines[0].find('1').expect("marked");
    // Ten columns of margin, then one per night.
    assert_eq!(column, 10 + 40, "{}", lines.join("\n"));
    let height = |range: std::ops::Range<usize>| {
        let has_point = |line: &String| {
            line.get(range.clone())
                .is_some_and(|cells| cells.contains('o'))
        };
        lines.iter().position(has_point).expect("points")
    };
    assert!(height(10..50) > height(50..70) + 5, "{}", lines.join("\n"));
    let axis = lines.last().expect("dates");
    assert!(
        axis.contains("2026-01-01") && axis.contains("2026-03-01"),
        "{axis}"
    );
}

#[test]
fn the_text_names_case_size_and_both_commits_and_ends_with_the_outcome() {
    let history = history(40, 60);
    let all = text::render(&history, Colour::Never);
    assert!(all.contains("codec/encode/10kb  SLOWER by 3.0 %"), "{all}");
    // Sentences are wrapped, so they are looked for without line breaks.
    let words = all.split_whitespace().collect::<Vec<_>>().join(" ");
    assert!(words.contains("step of +3.1 % between 2026-02-09"), "{all}");
    assert!(
        words.contains("nights/a.jsonl, line 7: the file is cut short here"),
        "{all}"
    );
    assert!(all.ends_with("WORSE; cases: 1 slower\n"), "{all}");
    assert!(
        all.lines().all(|line| line.chars().count() <= plot::WIDTH),
        "{all}"
    );

    let one = text::render_case(&history.cases[0], Colour::Never);
    assert!(one.contains("1: step of +3.1 %"), "{one}");
    assert!(!one.contains('\u{1b}'));
    assert!(text::render_case(&history.cases[0], Colour::Always).contains('\u{1b}'));
}

#[test]
fn too_few_nights_are_said() {
    let all = text::render(&history(3, 5), Colour::Never);
    assert!(all.contains("too few nights"), "{all}");
}

#[test]
fn the_markdown_has_a_row_per_case_and_the_plot_as_it_is() {
    let history = history(40, 60);
    let all = markdown::render(&history);
    assert!(
        all.contains("| `codec/encode/10kb` | SLOWER by 3.0 % |"),
        "{all}"
    );
    let one = markdown::render_case(&history.cases[0]);
    assert!(
        one.contains("```text") && one.contains("- 1: step of"),
        "{one}"
    );
}

#[test]
fn the_json_parses_and_has_points_findings_and_levels() {
    let history = history(40, 60);
    let all: serde_json::Value =
        serde_json::from_str(&json::render(&history).expect("written")).expect("parses");
    assert_eq!(all["outcome"], "regressed");
    assert_eq!(all["cases"][0]["findings"][0]["kind"], "step");
    let one: serde_json::Value =
        serde_json::from_str(&json::render_case(&history.cases[0]).expect("written"))
            .expect("parses");
    assert_eq!(
        one["segments"][0]["points"].as_array().map(Vec::len),
        Some(60)
    );
    assert_eq!(one["levels"].as_array().map(Vec::len), Some(2));
    assert_eq!(one["standing"]["is"], "slower");
}
