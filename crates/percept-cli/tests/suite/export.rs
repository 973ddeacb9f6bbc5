//! `percept export`: a model as an ONNX file.

use std::fs;

use crate::common::{arg, run};
use percept_nn::network::{CompactConfig, NetworkConfig};
use percept_nn::weights::StateDict;

#[test]
fn a_model_becomes_an_onnx_file() {
    let folder = tempfile::tempdir().unwrap();
    let at = |name: &str| folder.path().join(name);
    let compact = NetworkConfig::Compact(CompactConfig { num_feat: 8, num_conv: 2, ..Default::default() });
    let network = compact.init(2, 3, 7, &percept_conv::device("cpu").unwrap()).unwrap();
    let mut state = StateDict::of(&network);
    state.set_metadata("licence", "CC0-1.0");
    state.set_metadata("notes", "of no use elsewhere");
    state.save(&at("model.safetensors")).unwrap();
    let (model, file) = (at("model.safetensors"), at("model.onnx"));
    run(&["export", arg(&model), "-o", arg(&file)]).exits(0).prints(&["model.onnx"]);
    let bytes = fs::read(&file).unwrap();
    let holds = |text: &str| bytes.windows(text.len()).any(|window| window == text.as_bytes());
    assert!(holds("DepthToSpace") && holds("licence") && holds("CC0-1.0") && !holds("of no use"));

    // What is there is kept.
    run(&["export", arg(&model), "-o", arg(&file), "--half"]).exits(2).says(&["exists already", "--force"]);
    assert_eq!(fs::read(&file).unwrap(), bytes);
    run(&["export", arg(&model), "-o", arg(&file), "--half", "--force"]).exits(0);
    assert!(fs::read(&file).unwrap().len() < bytes.len());

    // Bad input is said before and without a file.
    let none = at("none.onnx");
    run(&["export", arg(&at("nowhere.pth")), "-o", arg(&none)]).exits(2).says(&["nowhere.pth"]);
    fs::write(at("text.pth"), "no weights").unwrap();
    run(&["export", arg(&at("text.pth")), "-o", arg(&none)]).exits(1).says(&["text.pth"]);
    run(&["export", arg(&model), "-o", arg(&at("no/folder.onnx"))]).exits(2).says(&["no such folder"]);
    run(&["export", arg(&model), "-o", arg(folder.path()), "--force"]).exits(2).says(&["is a folder"]);
    assert!(!none.exists());
    assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 3);
}
