//! A place in JSON text, and the small things that may come next there.
//!
//! Every function gives `None` at the first byte that is not as expected. That is no verdict on
//! the text; the caller then asks `serde_json`.

use serde::de::DeserializeOwned;

use super::scan::{copy_plain_run, plain_run};
use crate::json::Json;
use crate::run::UnixMillis;

/// A place in bytes that may be text.
pub struct Reader<'a> {
    bytes: &'a [u8],
    pub(super) at: usize,
    /// For strings with escapes, so that each gets memory of its exact size in the end.
    unescaped: Vec<u8>,
}

impl<'a> Reader<'a> {
    pub(super) fn new(bytes: &'a [u8]) -> Self {
        Self {
            bytes,
            at: 0,
            unescaped: Vec::new(),
        }
    }

    pub(super) fn is_at_end(&self) -> bool {
        self.at == self.bytes.len()
    }

    #[inline]
    fn rest(&self) -> &'a [u8] {
        &self.bytes[self.at..]
    }

    /// Reads exactly these bytes.
    #[inline]
    pub(super) fn literal(&mut self, literal: &str) -> Option<()> {
        self.takes(literal).then_some(())
    }

    /// Reads these bytes if they come next.
    #[inline]
    pub(super) fn takes(&mut self, literal: &str) -> bool {
        let comes_next = self.rest().starts_with(literal.as_bytes());
        if comes_next {
            self.at += literal.len();
        }
        comes_next
    }

    pub(super) fn number(&mut self) -> Option<u64> {
        let rest = self.rest();
        let n_digits = rest.iter().take_while(|byte| byte.is_ascii_digit()).count();
        let digits = &rest[..n_digits];
        let is_zero_padded = n_digits > 1 && digits[0] == b'0';
        let is_fraction = matches!(rest.get(n_digits), Some(b'.' | b'e' | b'E'));
        if n_digits == 0 || is_zero_padded || is_fraction {
            return None;
        }
        self.at += n_digits;
        digits.iter().try_fold(0_u64, |number, digit| {
            number.checked_mul(10)?.checked_add(u64::from(digit - b'0'))
        })
    }

    pub(super) fn string(&mut self) -> Option<String> {
        self.literal("\"")?;
        let rest = self.rest();
        let run = &rest[..plain_run(rest)];
        self.at += run.len();
        if self.takes("\"") {
            return std::str::from_utf8(run).ok().map(str::to_owned);
        }
        self.unescaped.clear();
        self.unescaped.extend_from_slice(run);
        self.unescape()?;
        let text = std::str::from_utf8(&self.unescaped);
        text.ok().map(str::to_owned)
    }

    /// Reads the rest of a string into `unescaped`, from its first escape on.
    fn unescape(&mut self) -> Option<()> {
        loop {
            match *self.rest().first_chunk()? {
                [b'"', _] => {
                    self.at += 1;
                    return Some(());
                }
                [b'\\', letter] => {
                    self.at += 2;
                    let byte = self.escaped(letter)?;
                    self.unescaped.push(byte);
                }
                _ => return None,
            }
            let rest = &self.bytes[self.at..];
            self.at += copy_plain_run(rest, &mut self.unescaped);
        }
    }

    #[inline]
    fn escaped(&mut self, letter: u8) -> Option<u8> {
        match letter {
            b'"' | b'\\' | b'/' => Some(letter),
            b'n' => Some(b'\n'),
            b'r' => Some(b'\r'),
            b't' => Some(b'\t'),
            b'b' => Some(0x08),
            b'f' => Some(0x0c),
            b'u' => self.escaped_control(),
            _ => None,
        }
    }

    /// Only control characters are written by number.
    fn escaped_control(&mut self) -> Option<u8> {
        self.literal("00")?;
        let [high, low] = *self.rest().first_chunk()?;
        self.at += 2;
        let digit = |byte: u8| char::from(byte).to_digit(16);
        let code = digit(high)? * 16 + digit(low)?;
        u8::try_from(code).ok().filter(u8::is_ascii)
    }

    pub(super) fn boolean(&mut self) -> Option<bool> {
        if self.takes("true") {
            return Some(true);
        }
        self.literal("false").map(|()| false)
    }

    /// Reads one of a few words, between quotes.
    pub(super) fn word<T: Copy>(
        &mut self,
        words: &[T],
        as_str: impl Fn(T) -> &'static str,
    ) -> Option<T> {
        self.literal("\"")?;
        let rest = self.rest();
        let is_next = |word: &&T| {
            let word = as_str(**word).as_bytes();
            rest.starts_with(word) && rest.get(word.len()) == Some(&b'"')
        };
        let word = *words.iter().find(is_next)?;
        self.at += as_str(word).len() + 1;
        Some(word)
    }

    pub(super) fn list<T>(&mut self, read: impl Fn(&mut Self) -> Option<T>) -> Option<Vec<T>> {
        self.literal("[")?;
        let mut items = Vec::new();
        loop {
            items.push(read(self)?);
            if self.takes("]") {
                return Some(items);
            }
            self.literal(",")?;
        }
    }

    /// Reads a value as it stands; what is in it is not ours to expect.
    pub(super) fn json(&mut self) -> Option<Json> {
        self.value()
    }

    /// Reads a value by `serde_json`, for the small and the rare.
    pub(super) fn value<T: DeserializeOwned>(&mut self) -> Option<T> {
        let mut values = serde_json::Deserializer::from_slice(self.rest()).into_iter();
        let value = values.next()?.ok()?;
        self.at += values.byte_offset();
        Some(value)
    }

    pub(super) fn time(&mut self) -> Option<UnixMillis> {
        self.number().map(UnixMillis)
    }
}
