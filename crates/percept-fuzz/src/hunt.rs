//! Feeding a target with damaged inputs.

use std::collections::HashSet;
use std::io;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::mpsc::{RecvTimeoutError, Sender, channel};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use rand::SeedableRng;
use rand_chacha::ChaCha8Rng;

use crate::Mutator;
use crate::memory::most_of;
use crate::target::{Target, open};

/// Inputs that are kept because of their answer.
const LEARNED: usize = 4096;
/// What one input may take on a machine that has other work too.
const LONGEST: Duration = Duration::from_secs(20);
/// Failures after which a hunt ends.
const ENOUGH: usize = 20;

/// A hunt for inputs that a target cannot stand.
#[derive(Clone, Debug)]
pub struct Hunt {
    /// Name of the [target](crate::target::TARGETS).
    pub target: String,
    /// From this the damage follows.
    pub seed: u64,
    /// Most inputs.
    pub inputs: u64,
    /// Most time.
    pub time: Duration,
}

/// What a hunt found.
#[derive(Clone, Debug, Default)]
pub struct Found {
    /// Inputs that were fed.
    pub inputs: u64,
    /// Those among them that were read without an error.
    pub sound: u64,
    /// Different answers, numbers aside.
    pub answers: usize,
    /// The most memory of an input, in bytes.
    pub memory: usize,
    /// The most time of an input.
    pub slowest: Duration,
    /// What must not be, one of a kind.
    pub failures: Vec<Failure>,
}

/// An input that a target could not stand.
#[derive(Clone, Debug)]
pub struct Failure {
    /// What happened.
    pub fault: Fault,
    /// The input.
    pub input: Vec<u8>,
}

/// What must not happen, whatever the input is.
#[derive(Clone, Debug, thiserror::Error)]
pub enum Fault {
    /// A panic, on whatever thread.
    #[error("it panicked: {0}")]
    Panic(String),
    /// More memory than the target says.
    #[error("it took {0} bytes of memory")]
    Memory(usize),
    /// More time than an input may take.
    #[error("it took {0:?}")]
    Time(Duration),
    /// An answer that is wrong in itself.
    #[error("{0}")]
    Wrong(String),
}

/// What was panicked, since somebody last looked.
static PANICS: Mutex<Vec<String>> = Mutex::new(Vec::new());
/// Panics and memory are counted for the whole program: one hunt at a time.
static ONE: Mutex<()> = Mutex::new(());

fn panics() -> Vec<String> {
    std::mem::take(&mut *PANICS.lock().unwrap_or_else(PoisonError::into_inner))
}

/// Panics are remembered, and not printed, until this is dropped.
struct Quiet;

impl Quiet {
    fn new() -> Self {
        std::panic::set_hook(Box::new(|panic| {
            let place = panic.location().map(ToString::to_string).unwrap_or_default();
            let words = panic.payload_as_str().unwrap_or("(no words)");
            PANICS.lock().unwrap_or_else(PoisonError::into_inner).push(format!("{words} at {place}"));
        }));
        Self
    }
}

impl Drop for Quiet {
    fn drop(&mut self) {
        if !std::thread::panicking() {
            drop(std::panic::take_hook());
        }
    }
}

/// What is fed at the moment, and since when.
static FED: Mutex<Option<(Instant, Vec<u8>)>> = Mutex::new(None);

fn fed() -> MutexGuard<'static, Option<(Instant, Vec<u8>)>> {
    FED.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Ends the program where an input never ends, and says which; until it is dropped.
struct Watch {
    _alive: Sender<()>,
}

impl Watch {
    fn new() -> Self {
        let (alive, over) = channel::<()>();
        std::thread::spawn(move || {
            while over.recv_timeout(Duration::from_secs(1)) == Err(RecvTimeoutError::Timeout) {
                let Some((_, input)) = fed().clone().filter(|(since, _)| since.elapsed() > 3 * LONGEST)
                else {
                    continue;
                };
                let path = std::env::temp_dir().join(format!("fuzz-without-end-{}", std::process::id()));
                let kept = std::fs::write(&path, input).is_ok();
                eprintln!("an input never ends; it is in {} ({kept})", path.display());
                std::process::abort();
            }
        });
        Self { _alive: alive }
    }
}

/// Feeds `target` with `input`: what it answered, and what it took.
fn feed(target: &mut dyn Target, input: &[u8]) -> (Result<Option<String>, Fault>, usize, Duration) {
    let start = Instant::now();
    *fed() = Some((start, input.to_vec()));
    let (answer, memory) = most_of(|| catch_unwind(AssertUnwindSafe(|| target.feed(input))));
    let time = start.elapsed();
    *fed() = None;
    let answer = match (panics().into_iter().next(), answer) {
        (Some(panic), _) => Err(Fault::Panic(panic)),
        (None, Err(_)) => Err(Fault::Panic("(on another thread)".to_string())),
        (None, Ok(Err(wrong))) => Err(Fault::Wrong(wrong)),
        (None, Ok(Ok(_))) if memory > target.memory() => Err(Fault::Memory(memory)),
        (None, Ok(Ok(_))) if time > LONGEST => Err(Fault::Time(time)),
        (None, Ok(Ok(answer))) => Ok(answer),
    };
    (answer, memory, time)
}

impl Hunt {
    /// Hunts; `progress` hears what was found so far from time to time.
    ///
    /// # Errors
    /// When there is no such target, or its inputs cannot be made.
    pub fn run(&self, mut progress: impl FnMut(&Found)) -> io::Result<Found> {
        let _one = ONE.lock().unwrap_or_else(PoisonError::into_inner);
        let mut target = open(&self.target)?;
        let (seeds, words) = (target.seeds()?, target.words());
        let (_quiet, _watch) = (Quiet::new(), Watch::new());
        drop(panics());
        let mut found = Found::default();
        let mut rng = ChaCha8Rng::seed_from_u64(self.seed);
        let (mut answers, mut kinds) = (HashSet::new(), HashSet::new());
        let mut mutator = Mutator::new(seeds.clone(), words);
        let mut seeds = seeds.into_iter();
        let (start, mut told) = (Instant::now(), Instant::now());
        while found.inputs < self.inputs && start.elapsed() < self.time && found.failures.len() < ENOUGH {
            // The right inputs come first.
            let input = seeds.next().unwrap_or_else(|| {
                let mut input = mutator.damaged(&mut rng);
                target.repair(&mut input, &mut rng);
                input
            });
            let (answer, memory, time) = feed(target.as_mut(), &input);
            found.inputs += 1;
            found.memory = found.memory.max(memory);
            found.slowest = found.slowest.max(time);
            match answer {
                Ok(answer) => {
                    found.sound += u64::from(answer.is_none());
                    if answers.insert(kind(&answer.unwrap_or_default())) && mutator.len() < LEARNED {
                        mutator.learn(input);
                    }
                    found.answers = answers.len();
                }
                Err(fault) => {
                    if kinds.insert(kind(&fault.to_string())) {
                        found.failures.push(Failure { fault, input });
                    }
                }
            }
            if told.elapsed() > Duration::from_secs(10) {
                told = Instant::now();
                progress(&found);
            }
        }
        Ok(found)
    }
}

/// `answer` without its numbers and names.
fn kind(answer: &str) -> String {
    let mut kind = String::new();
    let mut quoted = false;
    for letter in answer.chars().take(400) {
        if letter == '`' || letter == '"' {
            quoted = !quoted;
        }
        if !quoted && letter.is_ascii() && !letter.is_ascii_digit() {
            kind.push(letter);
        }
    }
    kind
}

/// Feeds the target of this name with one input.
///
/// # Errors
/// When there is no such target.
pub fn replay(name: &str, input: &[u8]) -> io::Result<Result<Option<String>, Fault>> {
    let _one = ONE.lock().unwrap_or_else(PoisonError::into_inner);
    let mut target = open(name)?;
    target.seeds()?;
    let (_quiet, _watch) = (Quiet::new(), Watch::new());
    drop(panics());
    Ok(feed(target.as_mut(), input).0)
}
