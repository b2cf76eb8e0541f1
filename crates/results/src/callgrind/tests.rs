//! Profiles with compressed and with plain names give the same costs; what is cut short accuses nobody.

use std::io::Cursor;
use std::path::Path;

use super::{Cost, Costs, Reader, read_folder};

const PLAIN: &str = "# callgrind format
version: 1
creator: callgrind-3.19.0
positions: line
events: Dr Ir
summary: 9 1170

ob=/p/program
fl=a.rs
fn=main
10 1 20
cfi=b.rs
cfn=work::h0123456789abcdef
calls=3 5
11 8 1100
12

fl=b.rs
fn=work::h0123456789abcdef
5 2 600
fi=c.rs
7 2 400
fe=b.rs
cfn=work::h0123456789abcdef
calls=1 5
6 2 100
cfn=leaf
calls=2 1
8 4 100
fn=leaf
1 4 150
totals: 9 1170
";

const COMPRESSED: &str = "version: 1
positions: instr line
events: Ir
fn=(1) main
0x10 10 20
cfn=(2) work::h0123456789abcdef
calls=3 0x20 5
+1 +1 1100
fn=(2)
* 5 600
-3 * 400
cfn=(2)
calls=1 * *
* * 100
cfn=(3) leaf
calls=2 * *
* * 100
jump=3 0x30 9
* 9
fn=(3)
* * 150
totals: 1170
";

fn parse(text: &str) -> Result<Costs, String> {
    let mut reader = Reader::default();
    reader
        .file(Path::new("callgrind.out"), Cursor::new(text))
        .map_err(|error| error.to_string())?;
    Ok(reader.costs())
}

#[test]
fn own_and_inclusive_costs_are_told_apart() {
    for text in [PLAIN, COMPRESSED] {
        let costs = parse(text).expect("whole");
        let expected = [
            ("leaf", 150, 150),
            ("main", 20, 1_120),
            ("work", 1_000, 1_100),
        ];
        let found: Vec<(&str, u64, u64)> = costs
            .functions
            .iter()
            .map(|(name, Cost { own, inclusive })| (&**name, *own, *inclusive))
            .collect();
        assert_eq!(found, expected);
        assert_eq!(costs.total, 1_170);
    }
}

#[test]
fn what_is_cut_short_or_makes_no_sense_names_the_line() {
    let cut = &PLAIN[..PLAIN.rfind("fn=leaf").expect("there")];
    for (text, complaint) in [
        (cut.to_owned(), "cut short"),
        (String::new(), "cut short"),
        (
            PLAIN.replace("totals: 9 1170", "totals: 9 1171"),
            "not the sum",
        ),
        (
            PLAIN.replace("events: Dr Ir", "events: Dr Dw"),
            "no event Ir",
        ),
        (
            PLAIN.replace("events: Dr Ir\n", ""),
            "line 10: a cost before",
        ),
        (
            COMPRESSED.replace("(1) main", "(1)"),
            "line 4: the name (1)",
        ),
        (PLAIN.replace("5 2 600", "5 2 many"), "\"many\" is no cost"),
        ("<html>".to_owned(), "nothing that callgrind writes"),
    ] {
        let error = parse(&text).expect_err(complaint);
        assert!(
            error.contains(complaint) && error.contains("callgrind.out"),
            "{error}"
        );
    }
}

#[test]
fn a_line_without_an_end_is_refused_and_not_kept() {
    let endless = format!("{PLAIN}fn={}", "x".repeat(3 << 20));
    assert!(parse(&endless).is_err());
}

#[test]
fn all_profiles_of_a_case_are_added_up_and_older_ones_left_out() {
    let folder = tempfile::tempdir().expect("a folder");
    assert_eq!(read_folder(folder.path()).expect("allowed"), None);
    for name in ["callgrind.f.t1.out", "callgrind.f.t2.out"] {
        std::fs::write(folder.path().join(name), COMPRESSED).expect("put");
    }
    std::fs::write(folder.path().join("callgrind.f.out.old"), "cut").expect("put");
    let costs = read_folder(folder.path()).expect("whole").expect("there");
    assert_eq!((costs.total, costs.functions["leaf"].own), (2_340, 300));
}
