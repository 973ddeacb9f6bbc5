//! Randomness as a function of where one is, not of what happened before.

use rand_chacha::rand_core::SeedableRng;

/// The generator that everything random in percept draws from: ChaCha with 8 rounds, the same
/// numbers on every machine.
pub type Rng = rand_chacha::ChaCha8Rng;

/// The generator of one sample of one step of a run.
///
/// All randomness is a function of these three numbers, so a resumed run, or one with another number
/// of worker threads, draws the same values. Different triples give unrelated streams (they are the
/// key of the cipher).
///
/// ```
/// use percept_image::rng_for;
/// assert_eq!(rng_for(1, 2, 3), rng_for(1, 2, 3));
/// assert_ne!(rng_for(1, 2, 3), rng_for(1, 3, 2));
/// ```
pub fn rng_for(seed: u64, step: u64, sample: u64) -> Rng {
    let mut key = [0; 32];
    key[..8].copy_from_slice(&seed.to_le_bytes());
    key[8..16].copy_from_slice(&step.to_le_bytes());
    key[16..24].copy_from_slice(&sample.to_le_bytes());
    key[24..].copy_from_slice(b"percept1");
    Rng::from_seed(key)
}
