//! How far a string goes before a byte that JSON writes otherwise: a quote, a backslash, a
//! control character. Sixteen bytes are looked at together.

const BLOCK: usize = 16;

/// The number of bytes before the first special one.
#[inline]
pub(crate) fn plain_run(bytes: &[u8]) -> usize {
    let (blocks, rest) = bytes.as_chunks::<BLOCK>();
    for (position, block) in blocks.iter().enumerate() {
        let special = special_bytes(block);
        if special != 0 {
            return position * BLOCK + special.trailing_zeros() as usize;
        }
    }
    blocks.len() * BLOCK + short_plain_run(rest)
}

/// Appends the bytes before the first special one to `out`, and returns their number.
#[inline]
pub(super) fn copy_plain_run(bytes: &[u8], out: &mut Vec<u8>) -> usize {
    let (blocks, rest) = bytes.as_chunks::<BLOCK>();
    for (position, block) in blocks.iter().enumerate() {
        // A whole block is copied faster than a part of unknown length; what is too much goes.
        out.extend_from_slice(block);
        let special = special_bytes(block);
        if special != 0 {
            let n_plain = special.trailing_zeros() as usize;
            out.truncate(out.len() - BLOCK + n_plain);
            return position * BLOCK + n_plain;
        }
    }
    let n_plain = short_plain_run(rest);
    out.extend_from_slice(&rest[..n_plain]);
    blocks.len() * BLOCK + n_plain
}

/// The same for less than a block.
#[inline]
fn short_plain_run(bytes: &[u8]) -> usize {
    let mut block = [b' '; BLOCK];
    block[..bytes.len()].copy_from_slice(bytes);
    let n_plain = special_bytes(&block).trailing_zeros() as usize;
    n_plain.min(bytes.len())
}

/// One bit for each byte that is special, the first byte's lowest.
#[cfg(target_arch = "x86_64")]
#[inline]
fn special_bytes(block: &[u8; BLOCK]) -> u32 {
    // SAFETY: every x86-64 processor has SSE2, which is all that the function asks for.
    unsafe { special_bytes_sse2(block) }
}

#[cfg(target_arch = "x86_64")]
#[target_feature(enable = "sse2")]
#[inline]
fn special_bytes_sse2(block: &[u8; BLOCK]) -> u32 {
    use std::arch::x86_64::{
        _mm_cmpeq_epi8, _mm_min_epu8, _mm_movemask_epi8, _mm_or_si128, _mm_set_epi64x,
        _mm_set1_epi8,
    };

    let (halves, _) = block.as_chunks::<8>();
    let [low, high] = [halves[0], halves[1]].map(i64::from_le_bytes);
    let bytes = _mm_set_epi64x(high, low);
    let quote = _mm_cmpeq_epi8(bytes, _mm_set1_epi8(b'"' as i8));
    let backslash = _mm_cmpeq_epi8(bytes, _mm_set1_epi8(b'\\' as i8));
    // There is no unsigned "less than", but what is its own minimum with 0x1f is at most that.
    let control = _mm_cmpeq_epi8(bytes, _mm_min_epu8(bytes, _mm_set1_epi8(0x1f)));
    let special = _mm_or_si128(_mm_or_si128(quote, backslash), control);
    _mm_movemask_epi8(special) as u32
}

/// One bit for each byte that is special, the first byte's lowest.
#[cfg(not(target_arch = "x86_64"))]
#[inline]
fn special_bytes(block: &[u8; BLOCK]) -> u32 {
    block.iter().enumerate().fold(0, |bits, (position, &byte)| {
        let is_special = byte < 0x20 || byte == b'"' || byte == b'\\';
        bits | u32::from(is_special) << position
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn is_special(byte: u8) -> bool {
        byte < 0x20 || byte == b'"' || byte == b'\\'
    }

    fn check(bytes: &[u8], expected: usize) {
        assert_eq!(plain_run(bytes), expected, "{bytes:?}");
        let mut out = b"before".to_vec();
        assert_eq!(copy_plain_run(bytes, &mut out), expected, "{bytes:?}");
        assert_eq!(out, [b"before", &bytes[..expected]].concat());
    }

    #[test]
    fn every_byte_is_seen_at_every_position() {
        for length in 0..70 {
            check(&vec![b'x'; length], length);
            for position in 0..length {
                for byte in 0..=u8::MAX {
                    let mut bytes = vec![b'x'; length];
                    bytes[position] = byte;
                    check(&bytes, if is_special(byte) { position } else { length });
                }
            }
        }
    }

    #[test]
    fn the_first_of_several_is_found() {
        check(b"abc\n\"\\d", 3);
        check("é\u{7f}\u{80}😀\"".as_bytes(), 9);
        check(&[b'"'; 40], 0);
    }
}
