//! Usage: the codes of the design, data on stdout, talk on stderr.

use crate::sandbox::Sandbox;

#[test]
fn wrong_usage_ends_with_2_and_help_with_0() {
    let sandbox = Sandbox::new();
    for (arguments, code) in [
        (vec![], 2),
        (vec!["compare", "--format", "xml"], 2),
        (vec!["no_such_command"], 2),
        (vec!["--help"], 0),
        (vec!["--version"], 0),
    ] {
        let outcome = sandbox.run(&arguments, &[]);
        assert_eq!(outcome.code, Some(code), "{arguments:?}");
        assert_eq!(outcome.stdout.is_empty(), code == 2, "{arguments:?}");
    }
}

#[test]
fn outside_a_workspace_the_folders_must_be_named() {
    let sandbox = Sandbox::new();
    let outcome = sandbox.run(&["compare"], &[("CARGO", "/nowhere/cargo")]);
    assert_eq!(outcome.code, Some(2));
    assert!(outcome.stderr.contains("cargo"), "{}", outcome.stderr);
}

#[test]
fn a_mistyped_folder_of_baselines_is_an_error_and_not_a_new_machine() {
    let sandbox = Sandbox::new();
    sandbox.measure(1, |_| Some(1.0));
    let home = sandbox.path("criterion").display().to_string();
    let arguments = ["compare", "--criterion", &home, "--baseline", "baselinez"];
    let outcome = sandbox.run(&arguments, &[]);
    assert_eq!(outcome.code, Some(2));
    assert!(outcome.stderr.contains("baselinez"), "{}", outcome.stderr);
}

#[test]
fn crd_prints_one_document_per_kind_in_both_dialects() {
    let sandbox = Sandbox::new();
    for dialect in ["targets", "target"] {
        let outcome = sandbox.run(&["crd", "--dialect", dialect], &[]);
        assert_eq!(outcome.code, Some(0), "{}", outcome.stderr);
        let documents: Vec<&str> = outcome.stdout.split("---\n").skip(1).collect();
        assert_eq!(documents.len(), 8, "{dialect}");
        for document in documents {
            assert!(
                document.contains("kind: CustomResourceDefinition"),
                "{document}"
            );
            assert!(document.contains("group: ark.mckinsey.com"), "{document}");
        }
    }
}
