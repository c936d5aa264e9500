//! What AWS leaves open: how late something shows itself and how long it takes, drawn from what is published.

use std::time::Duration;

/// Draws times; the same ones for the same seed.
#[derive(Clone, Debug)]
pub(super) struct Chance(u64);

impl Chance {
    pub(super) fn of(seed: u64) -> Self {
        Self(seed)
    }

    /// A time of at most `most`; short ones are more frequent.
    pub(super) fn up_to(&mut self, most: Duration) -> Duration {
        let part = self.next() as f64 / f64::from(u32::MAX);
        most.mul_f64(part * part)
    }

    /// SplitMix64, of which the upper half is used.
    fn next(&mut self) -> u32 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mixed = (self.0 ^ (self.0 >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        let mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        ((mixed ^ (mixed >> 31)) >> 32) as u32
    }
}
