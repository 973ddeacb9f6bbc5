//! Video through pipes.

use std::io::Write;
use std::path::Path;
use std::process::{Output, Stdio};

use percept_image::video::{Matrix, Y4mReader};
use percept_nn::model::{Model, Tiling};

use super::model;
use crate::common::{arg, percept, run};

/// Frames of colour stripes that move, as a program makes them.
fn stream(head: &str, (width, height): (usize, usize), wide: bool, frames: usize) -> Vec<u8> {
    let mut bytes = format!("YUV4MPEG2 W{width} H{height} F25:1 Ip A1:1 {head}\n").into_bytes();
    let chroma =
        if head.contains("C444") { (width, height) } else { (width.div_ceil(2), height.div_ceil(2)) };
    for frame in 0..frames {
        bytes.extend(b"FRAME\n");
        let mut plane = |(width, height): (usize, usize), phase: usize| {
            for at in 0..width * height {
                let level = 60 + (at % width * 9 + at / width * 5 + frame * 20 + phase) % 120;
                match wide {
                    true => bytes.extend((4 * level as u16).to_le_bytes()),
                    false => bytes.push(level as u8),
                }
            }
        };
        plane((width, height), 0);
        plane(chroma, 40);
        plane(chroma, 90);
    }
    bytes
}

fn piped(model: &Path, input: &[u8], more: &[&str]) -> Output {
    let mut child = percept(&[&["apply", arg(model), "--y4m"], more].concat())
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    let mut pipe = child.stdin.take().unwrap();
    let input = input.to_vec();
    // It may end before it has read all.
    let feeder = std::thread::spawn(move || drop(pipe.write_all(&input)));
    let output = child.wait_with_output().unwrap();
    feeder.join().unwrap();
    output
}

#[test]
fn every_frame_is_what_the_network_makes_of_it() {
    let folder = tempfile::tempdir().unwrap();
    let model = model(folder.path());
    let loaded = Model::load(&model, &percept_conv::device("cpu").unwrap()).unwrap();
    for (head, wide, tolerance) in [
        ("C420jpeg", false, 0.09),
        ("C420p10 XYSCSS=420P10", true, 0.09),
        ("C444 XCOLORRANGE=FULL", false, 0.006),
        ("C444p10", true, 0.0025),
    ] {
        let input = stream(head, (22, 18), wide, 3);
        let done = piped(&model, &input, &["--matrix", "bt709"]);
        let said = String::from_utf8_lossy(&done.stderr);
        assert_eq!(done.status.code(), Some(0), "{head}: {said}");
        assert!(said.contains("22×18 becomes 44×36") && said.contains("BT.709"), "{said}");
        let line = done.stdout.split(|byte| *byte == b'\n').next().unwrap();
        let line = std::str::from_utf8(line).unwrap();
        assert!(line.starts_with("YUV4MPEG2 W44 H36 ") && line.contains("F25:1"), "{line}");
        assert!(head.split(' ').all(|word| line.contains(word)), "{line}");
        let mut before = Y4mReader::new(&input[..], Some(Matrix::Bt709)).unwrap();
        let mut after = Y4mReader::new(&done.stdout[..], Some(Matrix::Bt709)).unwrap();
        for _ in 0..3 {
            let right = loaded.restore(&before.read().unwrap().unwrap(), Tiling::default()).unwrap();
            let got = after.read().unwrap().unwrap();
            assert_eq!(got.size(), right.size());
            let far: f32 = got.data().iter().zip(right.data()).map(|(a, b)| (a - b).abs()).sum();
            let far = far / right.data().len() as f32;
            assert!(far < tolerance, "{head}: {far}");
        }
        assert!(after.read().unwrap().is_none());
    }
    let scaled = piped(&model, &stream("C420jpeg", (22, 18), false, 1), &["--outscale", "1.5", "--tta"]);
    assert!(scaled.stdout.starts_with(b"YUV4MPEG2 W33 H27 "));
}

#[test]
fn broken_streams_and_wrong_calls_are_named() {
    let folder = tempfile::tempdir().unwrap();
    let model = model(folder.path());
    let input = stream("C420jpeg", (22, 18), false, 3);
    let fails = |input: &[u8], words: &str| {
        let done = piped(&model, input, &[]);
        let said = String::from_utf8_lossy(&done.stderr);
        assert_eq!(done.status.code(), Some(1), "{said}");
        assert!(said.contains(words), "no `{words}` in {said}");
        done.stdout
    };
    let whole = fails(&input[..input.len() - 100], "frame 3 is cut off");
    // What was whole has been written.
    let mut reader = Y4mReader::new(&whole[..], None).unwrap();
    assert!((0..2).all(|_| reader.read().unwrap().is_some()) && reader.read().unwrap().is_none());
    fails(b"", "no YUV4MPEG2 stream");
    fails(b"RIFF....AVI ", "no YUV4MPEG2 stream");
    fails(&stream("C422", (22, 18), false, 1), "422");
    fails(b"YUV4MPEG2 W22 H18 C420jpeg\n", "frame 1 is not there");
    run(&["apply", arg(&model), "--y4m", "photo.jpg"]).exits(2).says(&["--y4m"]);
    run(&["apply", arg(&model), "--matrix", "bt709", "photo.jpg"]).exits(2).says(&["--y4m"]);
    run(&["apply", arg(&model)]).exits(2).says(&["no pictures are named for it"]);
}

/// Who reads the frames may go.
#[cfg(unix)]
#[test]
fn a_reader_that_goes_ends_the_work() {
    let folder = tempfile::tempdir().unwrap();
    let model = model(folder.path());
    let mut child = percept(&["apply", arg(&model), "--y4m"])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .spawn()
        .unwrap();
    drop(child.stdout.take());
    let mut pipe = child.stdin.take().unwrap();
    let _ = pipe.write_all(&stream("C444", (64, 64), false, 40));
    drop(pipe);
    assert_eq!(child.wait().unwrap().code(), Some(141));
}
