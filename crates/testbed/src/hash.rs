//! The two hashes behind everything that must be the same on every machine and with every toolchain.

/// What SplitMix64 moves its state by.
pub(crate) const STEP: u64 = 0x9e37_79b9_7f4a_7c15;

/// What an FNV-1a hash begins with, unless it continues another.
pub(crate) const FNV_BASIS: u64 = 0xcbf2_9ce4_8422_2325;

/// One step of SplitMix64: every bit of the input moves half of the output.
pub(crate) fn mix(value: u64) -> u64 {
    let mut mixed = value.wrapping_add(STEP);
    mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    mixed ^ (mixed >> 31)
}

/// FNV-1a, continued from `hash`.
pub(crate) fn fnv(hash: u64, bytes: &[u8]) -> u64 {
    bytes.iter().fold(hash, |hash, byte| {
        (hash ^ u64::from(*byte)).wrapping_mul(0x0100_0000_01b3)
    })
}

/// A number in 0..1 from 64 well-mixed bits.
#[expect(
    clippy::cast_precision_loss,
    reason = "53 bits are all that a float holds, and all that is taken"
)]
pub(crate) fn unit(bits: u64) -> f64 {
    (bits >> 11) as f64 / (1_u64 << 53) as f64
}
