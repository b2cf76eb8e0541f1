//! Files that hold what they say, and whose work a sample is.

use super::Profile;

#[test]
fn slices_of_one_program_add_up_and_are_read_back() {
    let mut profile = Profile::parse("a;b::<u8> 3\na;b::<u16> 4\na 1\n").expect("folded");
    assert_eq!(profile.n_samples(), 8);
    profile.add(&Profile::parse("a;b::<_> 2\nc d 5\n").expect("folded"));
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join(super::FOLDED);
    profile.write(&path).expect("written");
    assert_eq!(
        std::fs::read_to_string(&path).expect("there"),
        "a 1\na;b::<_> 9\nc d 5\n"
    );
    assert_eq!(Profile::read(&path).expect("read"), profile);
}

#[test]
fn what_the_standard_library_does_is_the_work_of_its_caller() {
    let text = "s;toy::encode;<alloc::string::String>::push 3\n\
                s;toy::encode;<toy::Text as core::fmt::Display>::fmt;<u64>::_fmt;core::ptr::write 4\n\
                s;toy::encode;<alloc::vec::Vec<T> as core::clone::Clone>::clone 5\n\
                s;main 6\n";
    let profile = Profile::parse(text).expect("folded");
    let by_function: Vec<(&str, u64)> = profile.samples_by_function().into_iter().collect();
    assert_eq!(
        by_function,
        [
            ("<toy::Text as core::fmt::Display>::fmt", 4),
            ("main", 6),
            ("toy::encode", 8)
        ]
    );
}

#[test]
fn a_line_that_is_no_stack_is_named() {
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join(super::FOLDED);
    for text in ["a 1\nb\n", "a 1\nb x\n", "a 1\nb -2\n"] {
        std::fs::write(&path, text).expect("written");
        let error = Profile::read(&path).expect_err("refused").to_string();
        assert!(
            error.contains("folded.txt") && error.contains("line 2"),
            "{error}"
        );
    }
}
