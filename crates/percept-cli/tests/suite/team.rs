//! Several processes train as one: needs the feature `mpi`, and `mpirun`.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use percept_nn::weights::Array;

use crate::common::{Run, arg, percept};
use crate::kills::{How, killed};
use crate::train::{arrays, tiny};

/// The program, started `processes` times.
fn mpirun(processes: usize, args: &[&str]) -> Command {
    let alone = percept(args);
    let mut command = Command::new("mpirun");
    command.args(["-n", &processes.to_string()]).arg(alone.get_program()).args(args);
    // One machine of any size, any user; of Open MPI.
    command.envs(alone.get_envs().filter_map(|(name, value)| Some((name, value?))));
    command.env("OMPI_ALLOW_RUN_AS_ROOT", "1").env("OMPI_ALLOW_RUN_AS_ROOT_CONFIRM", "1");
    command.env("OMPI_MCA_rmaps_base_oversubscribe", "1").env("OMPI_MCA_mpi_yield_when_idle", "1");
    command
}

fn run(mut command: Command) -> Run {
    let ended = command.output().unwrap();
    let text = |bytes| String::from_utf8(bytes).unwrap();
    Run { code: ended.status.code(), out: text(ended.stdout), err: text(ended.stderr) }
}

/// A game of a kind: its discriminator, its loss, and the run's seed. With some seeds the sign of a number near 0 differs before
/// a ReLU, and trainings part: these are some with which they do not.
struct Game {
    network_d: &'static str,
    gan: &'static str,
    seed: u64,
}

/// A mean of the whole batch in the loss, and in the normalisation of each layer.
const RELATIVISTIC: Game = Game {
    network_d: "type = \"vgg\"\nnum_feat = 4\nnum_down = 1",
    gan: "gan_type = \"relativistic\"",
    seed: 6,
};

/// A run with everything that is measured over a batch: two kinds of selections, negatives across photos, a game, mixed
/// samples. Its photos and features are real ones: the channels of others hardly differ, and a selection among them
/// is mostly rounding.
fn everything(folder: &Path, Game { network_d, gan, seed }: &Game) -> PathBuf {
    let path = tiny(folder, 50);
    let mut text = fs::read_to_string(&path).unwrap();
    let photos = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../assets/photos/train");
    let game = format!("\n[network_d]\n{network_d}\n\n[train]\naccumulate = 2\n");
    let gan = format!("type = \"gan\"\nweight = 0.1\n{gan}\n");
    let train = format!("{:?}", folder.join("train"));
    for (from, to) in [
        ("manual_seed = 7", &*format!("manual_seed = {seed}")),
        (", weights = \"random\"", ""),
        (&*train, &*format!("{photos:?}")),
        ("\n[train]\n", &game),
        ("batch_size = 2", "batch_size = 4\naugment = [{ type = \"mixup\", prob = 0.5 }]"),
        (
            "[train.losses.selection]\nwarmup = 2\n",
            "selection = { contrast = \"across\", start = \"uniform\", warmup = 2, until = 0 }\n\n[[train.losses]]\n\
             type = \"contextual\"\nweight = 0.1\nlayer_weights = { relu2 = 1.0 }\n\
             backbone = { type = \"alexnet\" }\nselection = { type = \"closed\", share = 0.5 }\n\n[[train.losses]]\n\
             type = \"feature\"\nname = \"closed\"\nlayer_weights = { relu2 = 1.0 }\n\
             backbone = { type = \"alexnet\" }\nselection = { type = \"closed\", share = 0.5 }\n\n[[train.losses]]\nGAN",
        ),
        ("GAN", &gan),
    ] {
        assert!(text.contains(from), "no `{from}` in {text}");
        text = text.replace(from, to);
    }
    fs::write(&path, text).unwrap();
    path
}

/// The largest difference of any value.
fn difference(a: &[(String, Array)], b: &[(String, Array)]) -> f32 {
    assert!(!a.is_empty() && a.len() == b.len());
    let values = |arrays: &[(String, Array)]| -> Vec<f32> {
        arrays.iter().flat_map(|(_, array)| array.data.iter().copied()).collect()
    };
    let (a, b) = (values(a), values(b));
    assert_eq!(a.len(), b.len());
    a.iter().zip(&b).map(|(a, b)| (a - b).abs()).fold(0.0, f32::max)
}

/// All weights of a term's selection over time.
fn weights(folder: &Path, term: &str) -> Vec<f64> {
    let text = fs::read_to_string(folder.join("run/selection.jsonl")).unwrap();
    let lines = text.lines().map(|line| serde_json::from_str::<serde_json::Value>(line).unwrap());
    let taps =
        lines.filter(|line| line["term"] == term).flat_map(|line| line["taps"].as_array().unwrap().clone());
    let weights = taps.flat_map(|tap| tap["weights"].as_array().unwrap().clone());
    weights.map(|weight| weight.as_f64().unwrap()).collect()
}

/// Models, selections, and every number of the log.
fn compare(one: &Path, two: &Path) {
    let model = |folder: &Path| arrays(&folder.join("run/model.safetensors"));
    let off = difference(&model(one), &model(two));
    println!("the models differ by {off:e}");
    assert!(off < 1e-5, "{off}");
    for term in ["feature", "contextual", "closed"] {
        let (a, b) = (weights(one, term), weights(two, term));
        assert!(a.len() == b.len() && a.iter().any(|weight| (weight - 1.0).abs() > 0.01), "{term} rests");
        // The mean weight is 1; where a few channels have most of it, theirs are large.
        let off = a.iter().zip(&b).map(|(a, b)| (a - b).abs() / a.max(1.0)).fold(0.0, f64::max);
        println!("the selections of {term} differ by {off:e}");
        assert!(off < 1e-5, "{term}: {off}");
    }
    let log = |folder: &Path| -> Vec<serde_json::Value> {
        let text = fs::read_to_string(folder.join("run/log.jsonl")).unwrap();
        text.lines().map(|line| serde_json::from_str(line).unwrap()).collect()
    };
    let (a, b) = (log(one), log(two));
    assert_eq!(a.len(), b.len());
    for (a, b) in a.iter().zip(&b).filter(|(a, _)| a.get("val").is_none()) {
        for (name, value) in a.as_object().unwrap().iter().filter(|(name, _)| *name != "seconds") {
            let (value, other) = (value.as_f64().unwrap(), b[name].as_f64().unwrap());
            // A relativistic game leaves open what is common to all logits.
            let most = if name.starts_with("out_d") { 1e-3 } else { 1e-4 };
            assert!((value - other).abs() < most * value.abs().max(0.1), "{name}: {a} {b}");
        }
    }
}

#[test]
fn two_processes_train_as_one_and_one_goes_on_for_them() {
    let [one, two, both] = [(); 3].map(|()| tempfile::tempdir().unwrap());
    run(percept(&["train", arg(&everything(one.path(), &RELATIVISTIC))])).exits(0);
    let ended = run(mpirun(2, &["train", arg(&everything(two.path(), &RELATIVISTIC))])).exits(0);
    // One of them tells.
    assert_eq!(ended.out.lines().count(), 1, "{ended:#?}");
    compare(one.path(), two.path());

    // Two begin, four go on, then one.
    let config = everything(both.path(), &RELATIVISTIC);
    stopped_at(mpirun(2, &["train", arg(&config)]), both.path(), 10);
    stopped_at(mpirun(4, &["train", arg(&config), "--resume"]), both.path(), 25);
    run(percept(&["train", arg(&config), "--resume"])).exits(0);
    compare(one.path(), both.path());
}

#[test]
fn two_processes_train_as_one_whatever_the_discriminator_is() {
    for game in [
        Game { network_d: "type = \"unet\"\nnum_feat = 4", gan: "r1 = 0.01", seed: 1 },
        Game {
            network_d: "type = \"patch\"\nnum_feat = 4\nnum_layers = 2",
            gan: "gan_type = \"hinge\"",
            seed: 6,
        },
    ] {
        let [one, two] = [(); 2].map(|()| tempfile::tempdir().unwrap());
        run(percept(&["train", arg(&everything(one.path(), &game))])).exits(0);
        run(mpirun(2, &["train", arg(&everything(two.path(), &game))])).exits(0);
        compare(one.path(), two.path());
    }
}

/// Waits until so many steps are in the log, and kills all at once.
fn stopped_at(mut command: Command, folder: &Path, steps: usize) {
    let mut child = command.stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap();
    wait_for(folder, steps);
    kill(&mut child, 0.0);
    child.wait().unwrap();
}

fn wait_for(folder: &Path, lines: usize) {
    let started = Instant::now();
    while fs::read_to_string(folder.join("run/log.jsonl")).map_or(0, |text| text.lines().count()) < lines {
        assert!(started.elapsed() < Duration::from_secs(120), "the run wrote no {lines} lines");
        std::thread::sleep(Duration::from_millis(5));
    }
}

/// Kills one of the processes that `mpirun` started, the later the nearer `which` is to 1.
fn kill(mpirun: &mut Child, which: f64) {
    let started = Instant::now();
    let id = mpirun.id();
    while mpirun.try_wait().unwrap().is_none() && started.elapsed() < Duration::from_secs(20) {
        let children = fs::read_to_string(format!("/proc/{id}/task/{id}/children")).unwrap_or_default();
        let children: Vec<&str> = children.split_whitespace().collect();
        let at = (which * children.len() as f64) as usize;
        if let Some(child) = children.get(at) {
            assert!(Command::new("kill").args(["-KILL", child]).status().unwrap().success());
            return;
        }
        std::thread::sleep(Duration::from_millis(5));
    }
}

#[test]
fn a_process_that_dies_ends_the_others_and_the_last_checkpoint_stands() {
    for which in [0.0, 0.9] {
        let folder = tempfile::tempdir().unwrap();
        let config = everything(folder.path(), &RELATIVISTIC);
        let child = mpirun(2, &["train", arg(&config)]).stderr(Stdio::piped()).spawn();
        let mut child = child.unwrap();
        wait_for(folder.path(), 8);
        kill(&mut child, which);
        let killed = Instant::now();
        let ended = child.wait_with_output().unwrap();
        let said = String::from_utf8(ended.stderr).unwrap();
        assert!(killed.elapsed() < Duration::from_secs(30), "they went on for {:?}", killed.elapsed());
        assert!(!ended.status.success() && said.contains("exited on signal 9"), "{said}");
        let resumed = run(mpirun(2, &["train", arg(&config), "--resume"])).exits(0);
        assert!(
            resumed.err.contains("from step 6 on") || resumed.err.contains("from step 9 on"),
            "{resumed:#?}"
        );
    }
}

/// Two processes, each with a config of its own.
fn unlike(one: &Path, other: &Path) -> Command {
    let mut command = mpirun(1, &["train", arg(one)]);
    command.args([":", "-n", "1", env!("CARGO_BIN_EXE_percept"), "train", arg(other)]);
    command
}

#[test]
fn one_process_that_fails_ends_the_others() {
    let folder = tempfile::tempdir().unwrap();
    let config = everything(folder.path(), &RELATIVISTIC);
    let missing = folder.path().join("missing.toml");
    run(unlike(&config, &missing)).exits(2).says(&["missing.toml"]);
}

#[test]
fn processes_that_do_not_train_the_same_are_told_so() {
    let folder = tempfile::tempdir().unwrap();
    let config = everything(folder.path(), &RELATIVISTIC);
    let other = folder.path().join("other.toml");
    fs::write(&other, fs::read_to_string(&config).unwrap().replace("manual_seed = 6", "manual_seed = 8"))
        .unwrap();
    run(unlike(&config, &other)).exits(2).says(&["process 1 has another configuration"]);
}

#[test]
fn a_batch_that_cannot_be_dealt_is_refused() {
    let folder = tempfile::tempdir().unwrap();
    let config = everything(folder.path(), &RELATIVISTIC);
    let refused = run(mpirun(3, &["train", arg(&config)])).exits(2);
    refused.says(&["3 processes cannot share a batch of 4"]);
    assert!(!folder.path().join("run").exists());
}

const TOGETHER: How = How { train: |config| mpirun(2, &["train", arg(config), "--resume"]), kill };

#[test]
fn two_processes_of_which_one_is_killed_ten_times_end_with_the_same_numbers() {
    killed(10, 5, TOGETHER);
}

/// `cargo test --release -p percept-cli --features mpi --test suite team:: -- --ignored`
#[test]
#[ignore = "takes minutes"]
fn two_processes_of_which_one_is_killed_fifty_times_end_with_the_same_numbers() {
    killed(50, 6, TOGETHER);
}
