//! A class must be stable on one machine and must differ where times differ.

use super::probe::{feature_hash, memory_gib, processor};
use super::{Machine, read, write};

const CPUINFO: &str = "\
processor\t: 0
cpu family\t: 6
model\t\t: 207
model name\t: Intel(R) Xeon(R) Processor
bogomips\t: 4600.00
flags\t\t: fpu vme hypervisor
";

fn machine() -> Machine {
    Machine {
        processor: processor(CPUINFO),
        cores: 2,
        memory_gib: 24,
        virtualised: true,
        architecture: "x86_64".to_owned(),
        kernel: "6.18.5".to_owned(),
        rustc: "1.95.0".to_owned(),
        flags: String::new(),
        governor: None,
        turbo: None,
    }
}

#[test]
fn the_class_names_processor_cores_memory_and_kind() {
    assert_eq!(machine().class(), "intel-xeon-6-207-2c-24g-vm");
}

#[test]
fn bogomips_do_not_change_the_processor() {
    let other = CPUINFO.replace("4600.00", "4599.98");
    assert_eq!(processor(&other), processor(CPUINFO));
}

#[test]
fn a_few_reserved_megabytes_do_not_change_the_memory() {
    for kib in [24_684_096_u64, 24_600_000, 25_165_824] {
        assert_eq!(memory_gib(&format!("MemTotal:  {kib} kB\n")), 24, "{kib}");
    }
    assert_eq!(memory_gib("MemTotal: 16305152 kB"), 16);
}

#[test]
fn the_order_of_processor_flags_does_not_matter_and_their_set_does() {
    assert_eq!(feature_hash(&["avx", "sse"]), feature_hash(&["sse", "avx"]));
    assert_ne!(feature_hash(&["avx", "sse"]), feature_hash(&["sse"]));
}

#[test]
fn another_kernel_is_noted_and_another_processor_forbids_judgement() {
    let here = machine();
    let newer_kernel = Machine {
        kernel: "6.19.0".to_owned(),
        ..machine()
    };
    assert!(here.foreign_to(&newer_kernel).is_empty());
    assert_eq!(here.drifted_from(&newer_kernel)[0].field, "kernel");

    let bigger = Machine {
        cores: 8,
        flags: "RUSTFLAGS=-Ctarget-cpu=native".to_owned(),
        ..machine()
    };
    let fields: Vec<_> = here
        .foreign_to(&bigger)
        .iter()
        .map(|difference| difference.field)
        .collect();
    assert_eq!(fields, ["cores", "flags"]);
}

#[test]
fn the_machine_of_this_process_is_its_own_class_twice() {
    let (first, second) = (Machine::here(), Machine::here());
    assert!(first.foreign_to(&second).is_empty());
    assert_eq!(first.class(), second.class());
    assert!(first.cores > 0 && first.memory_gib > 0);
}

#[test]
fn a_stored_machine_is_read_back_and_an_unknown_field_is_refused() {
    let folder = tempfile::tempdir().expect("a folder");
    write(folder.path(), machine()).expect("written");
    assert_eq!(read(folder.path()).expect("read"), Some(machine()));

    let path = folder.path().join(super::FILE);
    let text = std::fs::read_to_string(&path).expect("there");
    let text = text.replace("\"cores\"", "\"hostname\": \"a\",\n\"cores\"");
    std::fs::write(&path, text).expect("put");
    let error = read::<Machine>(folder.path())
        .expect_err("unknown")
        .to_string();
    assert!(
        error.contains("hostname") && error.contains("line"),
        "{error}"
    );
}
