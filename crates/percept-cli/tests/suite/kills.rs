//! A training that is killed at random moments is the same training.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use percept_nn::weights::Array;

use crate::common::{arg, percept};
use crate::train::{arrays, tiny};

/// Steps of the run; a checkpoint every fourth, a validation every sixth.
const STEPS: usize = 240;

/// Two players, accumulation, an average, a selection and optimisers that keep other state than Adam does.
fn game(folder: &Path) -> PathBuf {
    let path = tiny(folder, STEPS);
    let mut text = fs::read_to_string(&path).unwrap();
    for (from, to) in [
        (
            "\n[train]\n",
            "[network_d]\ntype = \"vgg\"\nnum_feat = 4\nnum_down = 1\n\n[train]\naccumulate = 2\n\
             optim_g = { type = \"adan\", lr = 1e-3 }\noptim_d = { type = \"muon\", lr = 1e-3 }\njitter = 4\n",
        ),
        (
            "[train.losses.selection]\nwarmup = 2\n",
            "[train.losses.selection]\nwarmup = 2\n\n[[train.losses]]\ntype = \"gan\"\nweight = 0.1\nstart = 3\nr1 = 0.01\n",
        ),
        ("num_feat = 8\nnum_block = 2", "num_feat = 4\nnum_block = 1"),
        ("val_freq = 1000", "val_freq = 6\nsave_best = \"psnr-y\"\nmetrics = [\"psnr-y\"]"),
        ("save_checkpoint_freq = 3", "save_checkpoint_freq = 4"),
    ] {
        assert!(text.contains(from), "no `{from}` in {text}");
        text = text.replace(from, to);
    }
    fs::write(&path, text).unwrap();
    path
}

/// Moments in `[0, 1)`, the same for the same seed (xorshift64*).
struct Moments(u64);

impl Moments {
    fn next(&mut self) -> f64 {
        self.0 ^= self.0 >> 12;
        self.0 ^= self.0 << 25;
        self.0 ^= self.0 >> 27;
        (self.0.wrapping_mul(0x2545_F491_4F6C_DD1D) >> 11) as f64 / (1u64 << 53) as f64
    }
}

/// Everything of a run that its numbers are in: arrays of both models and of the last checkpoint, and the logs without times.
fn numbers(folder: &Path) -> (Vec<Vec<(String, Array)>>, Vec<serde_json::Value>) {
    let run = folder.join("run");
    let last = run.join(format!("checkpoints/{STEPS:08}.safetensors"));
    let files = [run.join("model.safetensors"), run.join("model_best.safetensors"), last];
    let lines = ["log.jsonl", "selection.jsonl"].map(|log| fs::read_to_string(run.join(log)).unwrap());
    let lines = lines.iter().flat_map(|text| text.lines()).map(|line| {
        let mut line: serde_json::Value = serde_json::from_str(line).unwrap();
        line.as_object_mut().unwrap().remove("seconds");
        line
    });
    (files.iter().map(|file| arrays(file)).collect(), lines.collect())
}

/// How a run is begun, or gone on with, whatever is there; and how it is killed.
pub struct How {
    pub train: fn(&Path) -> Command,
    pub kill: fn(&mut Child, f64),
}

/// One process.
const ALONE: How = How {
    train: |config| percept(&["train", arg(config), "--resume"]),
    kill: |child, _| child.kill().unwrap(),
};

fn ends(mut command: Command) -> Duration {
    let started = Instant::now();
    let ended = command.output().unwrap();
    assert!(ended.status.success(), "{}", String::from_utf8_lossy(&ended.stderr));
    started.elapsed()
}

/// Kills a run so many times, at moments that are spread over all that it does: the start before the folder is there, steps,
/// checkpoints, validations.
pub fn killed(kills: usize, seed: u64, How { train, kill }: How) {
    let (whole, cut) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    let config = game(whole.path());
    let all = ends(train(&config));
    // What a start costs, before the first step.
    let start = ends(train(&config));
    let config = game(cut.path());
    let steps = all.saturating_sub(start);
    let mut moments = Moments(seed);
    let (mut done, mut before_the_first) = (0, 0);
    while done < kills {
        let mut command = train(&config);
        let mut child = command.stdout(Stdio::null()).stderr(Stdio::piped()).spawn().unwrap();
        // Every fourth moment lies in the start; the others take the run to its middle together, for machines differ in pace.
        let moment = match done % 4 {
            0 => start.mul_f64(moments.next()),
            _ => start + steps.mul_f64(moments.next() * 1.4 / kills as f64),
        };
        let spawned = Instant::now();
        while spawned.elapsed() < moment && child.try_wait().unwrap().is_none() {
            std::thread::sleep(Duration::from_millis(1));
        }
        let ended = child.try_wait().unwrap();
        if ended.is_none() {
            kill(&mut child, moments.next());
        }
        let said = child.wait_with_output().unwrap();
        match ended {
            None => done += 1,
            // It was faster than the one that was timed.
            Some(status) => {
                assert!(status.success(), "{}", String::from_utf8_lossy(&said.stderr));
                break;
            }
        }
        let checkpoints = fs::read_dir(cut.path().join("run/checkpoints"));
        before_the_first += usize::from(checkpoints.map_or(true, |mut files| files.next().is_none()));
    }
    println!("{done} kills, {before_the_first} of them before the first checkpoint");
    assert!(done * 2 >= kills, "only {done} of {kills} kills hit the run");
    assert!(before_the_first > 0, "no kill came before the first checkpoint");
    ends(train(&config));
    let (whole, cut) = (numbers(whole.path()), numbers(cut.path()));
    assert!(whole.1 == cut.1, "the logs differ: {:#?}", whole.1.iter().zip(&cut.1).find(|(a, b)| a != b));
    assert!(whole.0 == cut.0, "the weights differ");
}

#[test]
fn a_game_that_is_killed_ten_times_ends_with_the_same_numbers() {
    killed(10, 23, ALONE);
}

/// `cargo test --release -p percept-cli --test suite kills:: -- --ignored`
#[test]
#[ignore = "takes minutes"]
fn a_game_that_is_killed_fifty_times_ends_with_the_same_numbers() {
    killed(50, 50, ALONE);
}
