//! Hunts at one target for long, by hand: `fuzz TARGET [--inputs N] [--seed S] [--seconds N]`; one input
//! again: `fuzz TARGET --replay FILE`; all targets: `fuzz --list`.
//!
//! Failures are written to `fuzz-TARGET-SEED-NUMBER` in this folder. Exit codes: 0 nothing was found, 1 something was, 2 the
//! call was wrong.

use std::process::ExitCode;
use std::time::Duration;

use percept_fuzz::target::TARGETS;
use percept_fuzz::{Found, Hunt, replay};

fn main() -> ExitCode {
    let words: Vec<String> = std::env::args().skip(1).collect();
    let words: Vec<&str> = words.iter().map(String::as_str).collect();
    let ended = match words[..] {
        ["--list"] => {
            TARGETS.iter().for_each(|(name, _)| println!("{name}"));
            Ok(true)
        }
        [target, "--replay", path] => again(target, path),
        [target, ref options @ ..] => parsed(target, options).and_then(|hunt| hunted(&hunt)),
        [] => Err(String::new()),
    };
    match ended {
        Ok(true) => ExitCode::SUCCESS,
        Ok(false) => ExitCode::FAILURE,
        Err(problem) => {
            eprintln!(
                "{problem}\nfuzz TARGET [--inputs N] [--seed S] [--seconds N] | fuzz TARGET --replay FILE"
            );
            eprintln!("targets: {}", TARGETS.map(|(name, _)| name).join(", "));
            ExitCode::from(2)
        }
    }
}

fn parsed(target: &str, options: &[&str]) -> Result<Hunt, String> {
    let mut hunt =
        Hunt { target: target.to_string(), seed: 0, inputs: u64::MAX, time: Duration::from_secs(60) };
    let (pairs, rest) = options.as_chunks::<2>();
    if let Some(word) = rest.first() {
        return Err(format!("`{word}` has no value"));
    }
    for [option, value] in pairs {
        let number = value.parse().map_err(|_| format!("`{value}` is no number"))?;
        match *option {
            "--inputs" => {
                (hunt.inputs, hunt.time) = (number, hunt.time.max(Duration::from_secs(u64::MAX >> 32)))
            }
            "--seed" => hunt.seed = number,
            "--seconds" => hunt.time = Duration::from_secs(number),
            other => return Err(format!("no option `{other}`")),
        }
    }
    Ok(hunt)
}

fn told(found: &Found) -> String {
    let Found { inputs, sound, answers, memory, slowest, failures } = found;
    let (memory, failures) = (memory >> 20, failures.len());
    format!(
        "{inputs} inputs, {sound} sound, {answers} answers, at most {memory} MiB and {slowest:.2?}, {failures} failures"
    )
}

fn hunted(hunt: &Hunt) -> Result<bool, String> {
    let name = &hunt.target;
    let found = hunt.run(|found| println!("{name}: {}", told(found))).map_err(|error| error.to_string())?;
    println!("{name}, seed {}: {}", hunt.seed, told(&found));
    for (number, failure) in found.failures.iter().enumerate() {
        let path = format!("fuzz-{name}-{}-{number}", hunt.seed);
        std::fs::write(&path, &failure.input).map_err(|error| format!("{path}: {error}"))?;
        println!("{path}: {}", failure.fault);
    }
    Ok(found.failures.is_empty())
}

fn again(target: &str, path: &str) -> Result<bool, String> {
    let input = std::fs::read(path).map_err(|error| format!("{path}: {error}"))?;
    match replay(target, &input).map_err(|error| error.to_string())? {
        Ok(None) => println!("sound"),
        Ok(Some(answer)) => println!("{answer}"),
        Err(fault) => {
            println!("{fault}");
            return Ok(false);
        }
    }
    Ok(true)
}
