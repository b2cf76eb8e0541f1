//! Whether two built programs are the same, so that nothing needs to be measured.
//!
//! Equal code gives equal bytes here, but for two things, neither of which moves an instruction:
//!
//! - the path of the checkout, in debug information and in `env!("CARGO_MANIFEST_DIR")`; it is as long on both sides;
//! - line and column numbers, once a comment has pushed code down: in debug information, which is not loaded, and in
//!   what a panic would say, which is loaded as data.
//!
//! Everything else that is loaded must be equal byte by byte and lie at the same place: code, constants, tables.

use std::borrow::Cow;
use std::collections::HashMap;

use object::read::elf::ElfFile64;
use object::{Endianness, Object as _, ObjectSection as _, SectionFlags, elf};

/// How much alike two programs are.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Likeness {
    /// Every byte is equal, but for the path of the checkout.
    Equal,
    /// What is loaded is equal, but for the line numbers of panic messages.
    EqualButLines,
    /// Something that may matter differs, or cannot be told.
    Different,
}

/// A program, and the path of the checkout that it was built in.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Program<'a> {
    pub(crate) bytes: &'a [u8],
    pub(crate) checkout: &'a str,
}

/// Bytes of a pointer, and of the line and column numbers behind it.
const WORD: usize = 8;

/// What the name of a file ends with that a panic may be in.
const SOURCE: &[u8] = b".rs";

impl Likeness {
    /// Holds two programs against each other.
    pub(crate) fn of(base: Program<'_>, candidate: Program<'_>) -> Self {
        let candidate = moved(candidate, base.checkout);
        if *base.bytes == *candidate {
            Self::Equal
        } else if Loaded::of(base.bytes).is_some_and(|base| base.is_equal_but_lines(&candidate)) {
            Self::EqualButLines
        } else {
            Self::Different
        }
    }
}

/// The program as if it had been built in another checkout, if the paths are equally long.
fn moved<'a>(program: Program<'a>, checkout: &str) -> Cow<'a, [u8]> {
    let (from, to) = (program.checkout.as_bytes(), checkout.as_bytes());
    if from == to || from.is_empty() || from.len() != to.len() {
        return Cow::Borrowed(program.bytes);
    }
    let mut bytes = program.bytes.to_vec();
    let mut at = 0;
    while let Some(found) = position(&bytes[at..], from) {
        at += found;
        bytes[at..at + to.len()].copy_from_slice(to);
        at += to.len();
    }
    Cow::Owned(bytes)
}

fn position(bytes: &[u8], wanted: &[u8]) -> Option<usize> {
    let first = wanted[0];
    let mut at = 0;
    loop {
        at += bytes[at..].iter().position(|byte| *byte == first)?;
        if bytes[at..].starts_with(wanted) {
            return Some(at);
        }
        at += 1;
    }
}

/// What the kernel and the dynamic linker put into memory.
struct Loaded<'a> {
    sections: Vec<Section<'a>>,
    /// What the dynamic linker writes as a pointer, by its place.
    pointers: HashMap<u64, u64>,
}

#[derive(PartialEq, Eq)]
struct Section<'a> {
    name: &'a [u8],
    address: u64,
    size: u64,
    bytes: &'a [u8],
}

impl<'a> Loaded<'a> {
    /// `None` for what is no ELF file of 64 bits.
    fn of(bytes: &'a [u8]) -> Option<Self> {
        let file = ElfFile64::<Endianness>::parse(bytes).ok()?;
        let mut sections = Vec::new();
        for section in file.sections() {
            let SectionFlags::Elf { sh_type, sh_flags } = section.flags() else {
                return None;
            };
            // Notes hold the hash of the whole file.
            if sh_flags.contains(elf::SHF_ALLOC) && sh_type != elf::SHT_NOTE {
                sections.push(Section {
                    name: section.name_bytes().ok()?,
                    address: section.address(),
                    size: section.size(),
                    bytes: section.data().ok()?,
                });
            }
        }
        let relocations = file.dynamic_relocations().into_iter().flatten();
        let pointers = relocations
            .filter(|(_, relocation)| !relocation.has_implicit_addend())
            .map(|(place, relocation)| (place, relocation.addend().cast_unsigned()))
            .collect();
        (!sections.is_empty()).then_some(Self { sections, pointers })
    }

    fn is_equal_but_lines(&self, candidate: &[u8]) -> bool {
        let Some(candidate) = Loaded::of(candidate) else {
            return false;
        };
        self.sections.len() == candidate.sections.len()
            && self.pointers == candidate.pointers
            && self
                .sections
                .iter()
                .zip(&candidate.sections)
                .all(|(base, candidate)| self.differs_in_lines_alone(base, candidate))
    }

    fn differs_in_lines_alone(&self, base: &Section<'_>, candidate: &Section<'_>) -> bool {
        let is_same_place = base.name == candidate.name
            && (base.address, base.size) == (candidate.address, candidate.size)
            && base.bytes.len() == candidate.bytes.len();
        let words = base
            .bytes
            .chunks(WORD)
            .zip(candidate.bytes.chunks(WORD))
            .enumerate();
        is_same_place
            && words
                .filter(|(_, (base, candidate))| base != candidate)
                .all(|(number, _)| self.is_line(base, number))
    }

    /// Whether the word of this number is the line and column of a panic's place (`core::panic::Location`): a pointer
    /// to the name of a source file, and the length of that, lie before it.
    fn is_line(&self, section: &Section<'_>, number: usize) -> bool {
        let word = |number: usize| -> Option<u64> {
            let bytes = section.bytes.get(number * WORD..)?.first_chunk::<WORD>()?;
            Some(u64::from_le_bytes(*bytes))
        };
        let name = || {
            let first = number.checked_sub(2)?;
            let place = section.address + (first * WORD) as u64;
            let pointer = self.pointers.get(&place).copied().or_else(|| word(first))?;
            self.read(pointer, word(first + 1)?)
        };
        name().is_some_and(|name| name.ends_with(SOURCE))
    }

    fn read(&self, address: u64, n_bytes: u64) -> Option<&'a [u8]> {
        let holds = |section: &&Section<'_>| {
            (section.address..section.address + section.size).contains(&address)
        };
        let section = self.sections.iter().find(holds)?;
        let from = usize::try_from(address - section.address).ok()?;
        let to = from.checked_add(usize::try_from(n_bytes).ok()?)?;
        section.bytes.get(from..to)
    }
}

#[cfg(test)]
mod tests {
    use super::{Likeness, Program, WORD, position};
    use object::read::elf::ElfFile64;
    use object::{Endianness, Object as _, ObjectSection as _};
    use std::panic::Location;

    /// The program of these tests, which has whatever a program of Rust has.
    fn ours() -> Vec<u8> {
        std::fs::read("/proc/self/exe").expect("we are a file")
    }

    fn likeness(base: &[u8], candidate: &[u8]) -> Likeness {
        let program = |bytes| Program {
            bytes,
            checkout: "",
        };
        Likeness::of(program(base), program(candidate))
    }

    /// The same, with one bit flipped at a place in the file.
    fn flipped(mut bytes: Vec<u8>, at: usize) -> Vec<u8> {
        bytes[at] ^= 4;
        bytes
    }

    /// Where a section begins in the file, and its length.
    fn section(bytes: &[u8], name: &str) -> (usize, usize) {
        let file = ElfFile64::<Endianness>::parse(bytes).expect("an ELF file");
        let section = file.section_by_name(name).expect("it is there");
        let (at, n_bytes) = section.file_range().expect("it is in the file");
        (at as usize, n_bytes as usize)
    }

    /// Where the line of a place lies in the file.
    fn line_of(bytes: &[u8], place: &Location<'_>) -> usize {
        let wanted = [place.line().to_le_bytes(), place.column().to_le_bytes()].concat();
        let (at, n_bytes) = section(bytes, ".data.rel.ro");
        at + position(&bytes[at..at + n_bytes], &wanted).expect("it is loaded")
    }

    #[test]
    fn a_program_is_equal_to_itself_wherever_it_was_checked_out() {
        let bytes = ours();
        assert_eq!(likeness(&bytes, &bytes), Likeness::Equal);
        let [base, candidate] = [
            "code in /trees/a1 and /trees/a1/b",
            "code in /trees/f2 and /trees/f2/b",
        ];
        let likeness = Likeness::of(
            Program {
                bytes: base.as_bytes(),
                checkout: "/trees/a1",
            },
            Program {
                bytes: candidate.as_bytes(),
                checkout: "/trees/f2",
            },
        );
        assert_eq!(likeness, Likeness::Equal);
    }

    #[test]
    fn lines_of_panics_do_not_make_another_program() {
        let bytes = ours();
        let line = line_of(&bytes, Location::caller());
        let moved = flipped(bytes.clone(), line);
        assert_eq!(likeness(&bytes, &moved), Likeness::EqualButLines);
        let length = flipped(bytes.clone(), line - WORD);
        assert_eq!(likeness(&bytes, &length), Likeness::Different);
    }

    #[test]
    fn code_and_constants_make_another_program_and_what_is_not_loaded_does_not() {
        let bytes = ours();
        for (name, expected) in [
            (".text", Likeness::Different),
            (".rodata", Likeness::Different),
            (".strtab", Likeness::EqualButLines),
        ] {
            let (at, n_bytes) = section(&bytes, name);
            let changed = flipped(bytes.clone(), at + n_bytes / 2);
            assert_eq!(likeness(&bytes, &changed), expected, "{name}");
        }
    }

    #[test]
    fn what_is_no_program_is_equal_or_different() {
        assert_eq!(likeness(b"#!/bin/sh", b"#!/bin/sh"), Likeness::Equal);
        assert_eq!(likeness(b"#!/bin/sh", b"#!/bin/zsh"), Likeness::Different);
        assert_eq!(likeness(b"", b"\x7fELF"), Likeness::Different);
    }
}
