//! ncnn's models: `fixtures/make_ncnn.py` converted them, and PyTorch says what they give.

use std::fs;
use std::path::{Path, PathBuf};

use burn::tensor::Device;
use percept_image::{Image, Srgb};
use percept_nn::model::{Model, Tiling};
use percept_nn::weights::StateDict;

fn at(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures/ncnn").join(name)
}

#[test]
fn models_of_ncnn_are_recognised_and_applied() {
    let expected = StateDict::load(&at("expected.safetensors")).unwrap();
    for (case, name, scale, tolerance) in [
        ("compact", "compact", 4, 1e-5),
        // Weights of half precision.
        ("compact-half", "compact", 4, 2e-3),
        ("esrgan", "rrdbnet", 4, 1e-5),
        ("esrgan-x2", "rrdbnet", 2, 1e-5),
        ("span", "span", 2, 1e-5),
        ("span-norm", "span", 2, 1e-5),
    ] {
        let array = |what: &str| expected.get(&format!("{case}.{what}")).unwrap();
        let input = array("input");
        let photo = Image::<Srgb>::from_vec(input.shape[2], input.shape[1], input.data.clone()).unwrap();
        // Either of the two files may be named.
        for file in ["param", "bin"] {
            let model = Model::load(at(&format!("{case}.{file}")), &Device::flex()).unwrap();
            assert_eq!((model.card().network_g.name(), model.card().scale), (name, scale), "{case}");
            let result = model.restore(&photo, Tiling::default()).unwrap();
            let output = &array("output").data;
            let inside = output.iter().filter(|value| (0.0..1.0).contains(*value)).count();
            assert!(inside > output.len() / 8, "{case}: nearly all is cut off");
            for (got, expected) in result.data().iter().zip(output) {
                let difference = (got - expected.clamp(0.0, 1.0)).abs();
                assert!(difference <= tolerance, "{case}: {got}, torch {expected}");
            }
        }
    }
    let state = StateDict::load(&at("compact-half.param")).unwrap();
    assert_eq!(
        (state.provenance().format, &state.provenance().precision[..]),
        ("ncnn", &["f16".to_string()][..])
    );
}

/// As published for two and three times: the network of four times, and its result made smaller.
#[test]
fn a_last_resize_is_left_out_and_said() {
    let folder = tempfile::tempdir().unwrap();
    let (param, bin) = (folder.path().join("m.param"), folder.path().join("m.bin"));
    let text = fs::read_to_string(at("compact.param")).unwrap();
    fs::write(&param, format!("{}\nInterp last 1 1 a b 0=3 1=5.0e-01 2=5.0e-01\n", text.trim_end())).unwrap();
    fs::copy(at("compact.bin"), &bin).unwrap();
    let model = Model::load(&param, &Device::flex()).unwrap();
    assert_eq!((model.card().network_g.name(), model.card().scale), ("compact", 4));
    let said = model.assumption().unwrap();
    assert!(said.contains("4 times larger") && said.contains("--outscale 2"), "{said}");
}

#[test]
fn what_is_damaged_or_unknown_is_an_error() {
    let folder = tempfile::tempdir().unwrap();
    let (param, bin) = (folder.path().join("m.param"), folder.path().join("m.bin"));
    let text = fs::read_to_string(at("compact.param")).unwrap();
    let bytes = fs::read(at("compact.bin")).unwrap();
    let error = |text: &str, bytes: &[u8]| {
        fs::write(&param, text).unwrap();
        fs::write(&bin, bytes).unwrap();
        let error = Model::load(&param, &Device::flex()).unwrap_err().to_string();
        assert!(error.contains("m.param"), "{error}");
        error
    };
    for length in (0..bytes.len()).step_by(5) {
        error(&text, &bytes[..length]);
    }
    assert!(error(&text, &[&bytes[..], &[0; 4]].concat()).contains("4 bytes too many"));
    for (from, to, says) in [
        ("PReLU", "Deconvolution", "Deconvolution"),
        ("6=108", "6=107", "does not fit"),
        ("6=144", "6=18446744073709551615", "does not fit"),
        ("0=4 1=3", "0=18446744073709551615 1=18446744073709551615", "does not fit"),
        ("1 1 3 4 0=4", "99999999999999999999 1", "no layer"),
        (" 3=1", " 3=2", "does not fit"),
        (" 12=1", " 12=2", "does not fit"),
        (" 14=1", " 14=0", "does not fit"),
        // A picture that is made smaller again: no Compact does that.
        ("BinaryOp", "Interp x 1 1 8 8\nBinaryOp", "differ in names"),
    ] {
        assert!(text.contains(from), "{from}");
        let message = error(&text.replacen(from, to, 1), &bytes);
        assert!(message.contains(says), "{from}: {message}");
    }
    fs::write(&param, &text).unwrap();
    fs::remove_file(&bin).unwrap();
    let message = Model::load(&param, &Device::flex()).unwrap_err().to_string();
    assert!(message.contains("m.bin"), "{message}");
}
