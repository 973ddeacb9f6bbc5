//! Damage.

use rand::RngExt;
use rand_chacha::ChaCha8Rng;

/// The longest input that damage makes, where the input is not longer already.
const LONGEST: usize = 1 << 16;
/// Numbers at which arithmetic breaks.
const NUMBERS: [i64; 19] = [
    0,
    1,
    2,
    -1,
    7,
    8,
    16,
    0x7F,
    0x80,
    0xFF,
    0x100,
    0x7FFF,
    0x8000,
    0xFFFF,
    0x1_0000,
    0x7FFF_FFFF,
    0x8000_0000,
    i64::MAX,
    i64::MIN,
];
/// The same as text.
const DIGITS: [&str; 16] = [
    "0",
    "-0",
    "1",
    "-1",
    "65536",
    "2147483648",
    "4294967296",
    "9223372036854775807",
    "9223372036854775808",
    "18446744073709551616",
    "1e308",
    "-1e-308",
    "1e999",
    "nan",
    "inf",
    "0.1",
];

/// Makes wrong inputs out of right ones.
#[derive(Debug)]
pub struct Mutator {
    inputs: Vec<Vec<u8>>,
    words: Vec<Vec<u8>>,
}

impl Mutator {
    /// Out of `inputs`, of which there is at least one; `words` are put in.
    pub fn new(inputs: Vec<Vec<u8>>, words: Vec<Vec<u8>>) -> Self {
        Self { inputs, words }
    }

    /// Another input to damage.
    pub fn learn(&mut self, input: Vec<u8>) {
        self.inputs.push(input);
    }

    /// How many inputs there are to damage.
    pub fn len(&self) -> usize {
        self.inputs.len()
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.inputs.is_empty()
    }

    /// One of the inputs, damaged in one place or some.
    pub fn damaged(&self, rng: &mut ChaCha8Rng) -> Vec<u8> {
        let mut input = self.any(rng).to_vec();
        loop {
            self.damage(&mut input, rng);
            if rng.random_bool(0.5) {
                return input;
            }
        }
    }

    fn any(&self, rng: &mut ChaCha8Rng) -> &[u8] {
        match self.inputs.len() {
            0 => &[],
            count => &self.inputs[rng.random_range(0..count)],
        }
    }

    fn damage(&self, input: &mut Vec<u8>, rng: &mut ChaCha8Rng) {
        let length = input.len();
        if length == 0 {
            input.extend((0..rng.random_range(1..16)).map(|_| rng.random::<u8>()));
            return;
        }
        let at = rng.random_range(0..length);
        match rng.random_range(0..14) {
            0 | 1 => input[at] ^= 1 << rng.random_range(0..8),
            2 => input[at] = rng.random(),
            3 => input[at] = input[at].wrapping_add(rng.random_range(1..=16)),
            4 => input[at] = input[at].wrapping_sub(rng.random_range(1..=16)),
            5 | 6 => number(input, at, rng),
            7 => digits(input, at, rng),
            8 => input.truncate(at),
            9 => drop(input.drain(piece(length, rng))),
            10 => {
                let copy = input[piece(length, rng)].to_vec();
                insert(input, at, &copy);
            }
            11 => {
                let from = self.any(rng);
                if !from.is_empty() {
                    let copy = &from[piece(from.len(), rng)];
                    match rng.random_bool(0.5) {
                        true => insert(input, at, copy),
                        false => overwrite(input, at, copy),
                    }
                }
            }
            12 => {
                let from = self.any(rng);
                let cut = rng.random_range(0..=from.len());
                input.truncate(at);
                let room = LONGEST.saturating_sub(at).min(from.len() - cut);
                input.extend(&from[cut..cut + room]);
            }
            _ if self.words.is_empty() => input.swap(at, rng.random_range(0..length)),
            _ => {
                let word = &self.words[rng.random_range(0..self.words.len())];
                match rng.random_bool(0.5) {
                    true => insert(input, at, word),
                    false => overwrite(input, at, word),
                }
            }
        }
    }
}

/// A short piece, or any.
fn piece(length: usize, rng: &mut ChaCha8Rng) -> std::ops::Range<usize> {
    let start = rng.random_range(0..length);
    let most = length - start;
    let most = if rng.random_bool(0.75) { most.min(16) } else { most };
    start..start + rng.random_range(1..=most)
}

fn insert(input: &mut Vec<u8>, at: usize, what: &[u8]) {
    if input.len() + what.len() <= LONGEST {
        input.splice(at..at, what.iter().copied());
    }
}

fn overwrite(input: &mut [u8], at: usize, what: &[u8]) {
    input[at..].iter_mut().zip(what).for_each(|(to, from)| *to = *from);
}

/// One of [`NUMBERS`], the length, or a number that is a little off, of 1 to 8 bytes in either order.
fn number(input: &mut [u8], at: usize, rng: &mut ChaCha8Rng) {
    let width = (1usize << rng.random_range(0..4)).min(input.len() - at);
    let length = input.len() as i64;
    let field = &mut input[at..at + width];
    let big = rng.random_bool(0.5);
    if big {
        field.reverse();
    }
    let mut bytes = [0; 8];
    bytes[..width].copy_from_slice(field);
    let value = match rng.random_range(0..4) {
        0 => i64::from_le_bytes(bytes).wrapping_add(rng.random_range(-16..=16)),
        1 => length + rng.random_range(-8..=8),
        _ => NUMBERS[rng.random_range(0..NUMBERS.len())],
    };
    field.copy_from_slice(&value.to_le_bytes()[..width]);
    if big {
        field.reverse();
    }
}

/// The number that is written at `at` or behind it becomes one of [`DIGITS`].
fn digits(input: &mut Vec<u8>, at: usize, rng: &mut ChaCha8Rng) {
    let Some(start) = input[at..].iter().position(u8::is_ascii_digit).map(|start| start + at) else { return };
    let end =
        input[start..].iter().position(|byte| !byte.is_ascii_digit()).map_or(input.len(), |end| end + start);
    let digits = DIGITS[rng.random_range(0..DIGITS.len())];
    input.splice(start..end, digits.bytes());
}

#[cfg(test)]
mod tests {
    use rand::SeedableRng;

    use super::*;

    fn rng() -> ChaCha8Rng {
        ChaCha8Rng::seed_from_u64(5)
    }

    #[test]
    fn damage_is_the_same_for_the_same_seed_and_different_otherwise() {
        let mutator = Mutator::new(vec![b"one = 12\ntwo = 34\n".to_vec()], vec![b"three".to_vec()]);
        let draw = |seed| -> Vec<Vec<u8>> {
            let mut rng = ChaCha8Rng::seed_from_u64(seed);
            (0..2000).map(|_| mutator.damaged(&mut rng)).collect()
        };
        assert_eq!(draw(1), draw(1));
        assert_ne!(draw(1), draw(2));
        let all = draw(1);
        let has = |what: &dyn Fn(&[u8]) -> bool| all.iter().any(|input| what(input));
        assert!(has(&|input| input.len() < 18), "nothing is cut");
        assert!(has(&|input| input.len() > 18), "nothing is put in");
        assert!(has(&|input| input.windows(5).any(|word| word == b"three")), "no word is put in");
        assert!(has(&|input| input.windows(5).any(|word| word == b"1e308")), "no number is extreme");
    }

    #[test]
    fn inputs_stay_within_their_length() {
        let mutator = Mutator::new(vec![vec![7; LONGEST], Vec::new()], Vec::new());
        let mut rng = rng();
        for _ in 0..500 {
            assert!(mutator.damaged(&mut rng).len() <= LONGEST + 20 * DIGITS.len());
        }
    }
}
