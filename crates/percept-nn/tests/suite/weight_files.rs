//! Weight files, good and bad: whatever the bytes, the answer is weights or an error.

use std::fs;
use std::path::{Path, PathBuf};

use half::{bf16, f16};
use percept_nn::weights::{Array, StateDict, WeightError};
use proptest::prelude::*;
use safetensors::{Dtype, tensor::TensorView};

fn pth(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures/pth").join(name)
}

/// What `make_pth.py` put into most files.
fn expected() -> StateDict {
    let mut state = StateDict::new();
    let weight = (0..6).map(|at| at as f32 / 3.0).collect();
    state.insert("body.0.weight", Array { shape: vec![2, 3], data: weight });
    state.insert("body.0.bias", Array { shape: vec![2], data: vec![0.5, -1.25] });
    state
}

fn sample() -> StateDict {
    let mut state = expected();
    let special = vec![f32::MIN_POSITIVE / 4.0, -0.0, f32::MAX, 1.0 + f32::EPSILON];
    state.insert("special", Array { shape: vec![4], data: special });
    state.insert("scalar", Array { shape: vec![], data: vec![3.5] });
    state.insert("empty", Array { shape: vec![0, 3], data: vec![] });
    state.set_metadata("card", "{\"scale\": 4, \"name\": \"ü\"}");
    state
}

#[test]
fn a_saved_file_comes_back_bit_by_bit_and_other_readers_take_it() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("weights.safetensors");
    sample().save(&path).unwrap();
    let back = StateDict::load(&path).unwrap();
    assert_eq!(back, sample());
    let bits = |state: &StateDict| {
        state.get("special").unwrap().data.iter().map(|v| v.to_bits()).collect::<Vec<_>>()
    };
    assert_eq!(bits(&back), bits(&sample()));
    assert_eq!(fs::read(&path).unwrap(), sample().to_safetensors(), "equal contents, equal bytes");
    assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 1, "nothing temporary is left");
    let bytes = fs::read(&path).unwrap();
    let other = safetensors::SafeTensors::deserialize(&bytes).unwrap();
    assert_eq!(other.tensor("body.0.weight").unwrap().shape(), [2, 3]);
}

#[test]
fn saving_where_nothing_can_be_written_leaves_the_old_file() {
    let folder = tempfile::tempdir().unwrap();
    let error = sample().save(&folder.path().join("missing/weights.safetensors")).unwrap_err();
    assert!(matches!(&error, WeightError::Write { .. }) && error.to_string().contains("missing"), "{error}");

    let path = folder.path().join("weights.safetensors");
    sample().save(&path).unwrap();
    let mut wrong = sample();
    wrong.insert("short", Array { shape: vec![3], data: vec![1.0] });
    assert!(wrong.save(&path).unwrap_err().to_string().contains("`short`"));
    assert_eq!(StateDict::load(&path).unwrap(), sample());
}

#[test]
fn other_precisions_are_widened_exactly() {
    let values = [0.5f32, -1.25, 3.0, 0.0];
    let bytes = |dtype: Dtype, bytes: &[u8]| {
        let view = TensorView::new(dtype, vec![2, 2], bytes).unwrap();
        safetensors::serialize([("w", view)], None).unwrap()
    };
    let flat = |bytes: Vec<Vec<u8>>| bytes.concat();
    let files = [
        bytes(Dtype::F16, &flat(values.map(|v| f16::from_f32(v).to_le_bytes().to_vec()).to_vec())),
        bytes(Dtype::BF16, &flat(values.map(|v| bf16::from_f32(v).to_le_bytes().to_vec()).to_vec())),
        bytes(Dtype::F64, &flat(values.map(|v| f64::from(v).to_le_bytes().to_vec()).to_vec())),
    ];
    for file in files {
        let state = StateDict::from_safetensors(&file).unwrap();
        assert_eq!(state.get("w").unwrap(), &Array { shape: vec![2, 2], data: values.to_vec() });
    }
    let error = StateDict::from_safetensors(&bytes(Dtype::BOOL, &[1, 0, 1, 1])).unwrap_err();
    assert!(matches!(&error, WeightError::Dtype { name, .. } if name == "w"), "{error}");
}

#[test]
fn every_truncation_of_a_safetensors_file_is_an_error() {
    let bytes = sample().to_safetensors();
    for len in 0..bytes.len() {
        let error = StateDict::from_safetensors(&bytes[..len]).unwrap_err();
        assert!(matches!(error, WeightError::Malformed { .. }), "{len}: {error}");
    }
    let longer = [bytes.as_slice(), b"x"].concat();
    assert!(StateDict::from_safetensors(&longer).is_err());
}

#[test]
fn lying_headers_are_errors() {
    let entry = |shape: &str, end: u64| {
        format!(r#"{{"w":{{"dtype":"F32","shape":{shape},"data_offsets":[0,{end}]}}}}"#)
    };
    let headers = [
        entry("[4]", 1 << 40),
        entry("[4294967296, 4294967296, 4]", 16),
        entry("[5]", 16),
        entry("[-1]", 16),
        r#"{"w":{"dtype":"F32","shape":[4],"data_offsets":[16,0]}}"#.to_string(),
        r#"{"w":{"dtype":"F999","shape":[4],"data_offsets":[0,16]}}"#.to_string(),
        r#"{"w": 3}"#.to_string(),
        "{".repeat(500),
    ];
    for header in headers {
        let bytes = [&(header.len() as u64).to_le_bytes(), header.as_bytes(), &[0; 16]].concat();
        let error = StateDict::from_safetensors(&bytes).unwrap_err();
        assert!(matches!(error, WeightError::Malformed { .. }), "{header}: {error}");
    }
    for len in [0u64, 1, u64::MAX, u64::MAX - 8, 1 << 62, 1 << 30] {
        let bytes = [&len.to_le_bytes()[..], b"{}"].concat();
        assert!(StateDict::from_safetensors(&bytes).is_err(), "{len}");
    }
}

#[test]
fn messages_name_the_file() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("broken.safetensors");
    let error = StateDict::load(&path).unwrap_err();
    assert!(matches!(&error, WeightError::Read { .. }) && error.to_string().contains("broken.safetensors"));
    fs::write(&path, &sample().to_safetensors()[..100]).unwrap();
    assert!(StateDict::load(&path).unwrap_err().to_string().contains("broken.safetensors"));
    fs::write(&path, b"GIF89a not weights at all").unwrap();
    assert!(StateDict::load(&path).unwrap_err().to_string().contains("broken.safetensors"));
    assert!(matches!(StateDict::load(folder.path()), Err(WeightError::Read { .. })));
}

#[test]
fn torch_files_of_both_kinds_are_read() {
    for name in ["zip.pth", "legacy.pth"] {
        assert_eq!(StateDict::load(&pth(name)).unwrap(), expected(), "{name}");
    }
    for (name, round) in [
        ("half.pth", (|v| f16::from_f32(v).to_f32()) as fn(f32) -> f32),
        ("bfloat.pth", |v| bf16::from_f32(v).to_f32()),
    ] {
        let state = StateDict::load(&pth(name)).unwrap();
        for (key, array) in expected().iter() {
            let rounded: Vec<_> = array.data.iter().copied().map(round).collect();
            assert_eq!(state.get(key).unwrap().data, rounded, "{name} {key}");
        }
    }
    let transposed = StateDict::load(&pth("transposed.pth")).unwrap();
    let data = [0.0, 3.0, 1.0, 4.0, 2.0, 5.0].map(|v: f32| v / 3.0).to_vec();
    assert_eq!(transposed.get("w").unwrap(), &Array { shape: vec![3, 2], data });
    let counter = StateDict::load(&pth("counter.pth")).unwrap();
    assert_eq!(counter.get("num_batches_tracked").unwrap(), &Array { shape: vec![], data: vec![17.0] });
}

#[test]
fn nested_weights_are_found_and_the_averaged_ones_preferred() {
    for name in ["state_dict.pth", "params_ema.pth"] {
        assert_eq!(StateDict::load(&pth(name)).unwrap(), expected(), "{name}");
    }
    let model = StateDict::load(&pth("model.pth")).unwrap();
    assert!(model.get("model.0.bias").is_some(), "a part called `model` keeps its name");
}

#[test]
fn pickles_are_never_executed_and_small_files_claim_nothing_big() {
    let folder = tempfile::tempdir().unwrap();
    for name in ["evil.pth", "evil_legacy.pth"] {
        let copy = folder.path().join(name);
        fs::copy(pth(name), &copy).unwrap();
        // The tensor beside the call may be read; the call itself is only ever data.
        if let Ok(state) = StateDict::load(&copy) {
            assert_eq!(state.get("w").map(|w| w.shape.clone()), Some(vec![2, 3]), "{name}");
        }
    }
    assert!(!Path::new("percept-pickle-was-executed").exists());
    let error = StateDict::load(&pth("claims.pth")).unwrap_err();
    assert!(error.to_string().contains("claim"), "{error}");
    assert!(StateDict::load(&pth("no_tensors.pth")).unwrap_err().to_string().contains("without tensors"));
}

/// `zip.pth` as `torch.save` would have written it under another name: archives are made anew, byte by byte.
struct Archive {
    entries: Vec<(String, Vec<u8>)>,
}

impl Archive {
    /// The entries of `zip.pth` under the folder `name`.
    fn named(name: &str) -> Self {
        let bytes = fs::read(pth("zip.pth")).unwrap();
        let (u16_at, u32_at) = (
            |at: usize| usize::from(u16::from_le_bytes(bytes[at..at + 2].try_into().unwrap())),
            |at: usize| u32::from_le_bytes(bytes[at..at + 4].try_into().unwrap()) as usize,
        );
        let end = bytes.len() - 22;
        let mut at = u32_at(end + 16);
        let mut entries = Vec::new();
        for _ in 0..u16_at(end + 10) {
            let old = String::from_utf8(bytes[at + 46..at + 46 + u16_at(at + 28)].to_vec()).unwrap();
            let local = u32_at(at + 42);
            let data = local + 30 + u16_at(local + 26) + u16_at(local + 28);
            let (_, rest) = old.split_once('/').unwrap();
            entries.push((format!("{name}/{rest}"), bytes[data..data + u32_at(at + 24)].to_vec()));
            at += 46 + u16_at(at + 28) + u16_at(at + 30) + u16_at(at + 32);
        }
        Self { entries }
    }

    /// With zip64's two records at the end or without, with sizes behind the data or before it, with so much room before
    /// each entry's data.
    fn bytes(&self, zip64: bool, descriptors: bool, room: usize) -> Vec<u8> {
        let (mut file, mut directory) = (Vec::new(), Vec::new());
        for (name, data) in &self.entries {
            let at = file.len() as u32;
            let flags = if descriptors { 0x0808u16 } else { 0x0800 };
            let sizes = [0u32, data.len() as u32, data.len() as u32].map(u32::to_le_bytes).concat();
            let head = [&20u16.to_le_bytes()[..], &flags.to_le_bytes(), &[0; 6]].concat();
            let before = if descriptors { vec![0; 12] } else { sizes.clone() };
            let lengths = [(name.len() as u16).to_le_bytes(), (room as u16).to_le_bytes()].concat();
            file.extend(
                [b"PK\x03\x04", &head[..], &before, &lengths, name.as_bytes(), &vec![b'Z'; room]].concat(),
            );
            file.extend(data);
            if descriptors {
                file.extend([b"PK\x07\x08", &sizes[..]].concat());
            }
            let lengths = [&(name.len() as u16).to_le_bytes()[..], &[0; 12]].concat();
            directory
                .extend([b"PK\x01\x02", &[0; 2][..], &head, &sizes, &lengths, &at.to_le_bytes()].concat());
            directory.extend(name.as_bytes());
        }
        let (start, count) = (file.len() as u64, self.entries.len() as u64);
        let length = directory.len() as u64;
        file.extend(directory);
        if zip64 {
            let end = file.len() as u64;
            let numbers = [count, count, length, start].map(u64::to_le_bytes).concat();
            file.extend(
                [b"PK\x06\x06", &44u64.to_le_bytes()[..], &[0x1e, 3, 45, 0], &[0; 8], &numbers].concat(),
            );
            file.extend([b"PK\x06\x07", &[0; 4][..], &end.to_le_bytes(), &1u32.to_le_bytes()].concat());
        }
        let counts = [count as u16, count as u16].map(u16::to_le_bytes).concat();
        let place = [length as u32, start as u32].map(u32::to_le_bytes).concat();
        file.extend([b"PK\x05\x06", &[0; 4][..], &counts, &place, &[0; 2]].concat());
        file
    }
}

/// The reader of archives once took the second entry for the first where a name has 21 letters.
#[test]
fn torch_files_are_read_whatever_their_name_was() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("renamed.pth");
    for length in 1..=40 {
        let archive = Archive::named(&"n".repeat(length));
        for (zip64, descriptors, room) in
            [(true, true, 0), (true, false, 0), (false, true, 0), (false, false, 0), (true, true, 63)]
        {
            fs::write(&path, archive.bytes(zip64, descriptors, room)).unwrap();
            let what = format!("{length} letters, zip64 {zip64}, descriptors {descriptors}, room {room}");
            assert_eq!(StateDict::load(&path).map_err(|error| format!("{what}: {error}")), Ok(expected()));
        }
    }
    // A large one, whose entries are far apart.
    let mut large = Archive::named("a-name-of-21-letters-");
    large.entries.insert(1, ("a-name-of-21-letters-/extra".to_string(), vec![7; 3 << 20]));
    fs::write(&path, large.bytes(true, true, 0)).unwrap();
    assert_eq!(StateDict::load(&path).unwrap(), expected());
    // Cut off or overwritten, it is refused as any other.
    let whole = Archive::named("a-name-of-21-letters-").bytes(true, true, 0);
    for length in (0..whole.len()).step_by(7) {
        assert!(!survives(&path, &whole[..length]), "cut at {length}");
    }
}

/// Loads `bytes` as a file; the answer does not matter, but there must be one.
fn survives(path: &Path, bytes: &[u8]) -> bool {
    fs::write(path, bytes).unwrap();
    StateDict::load(path).is_ok()
}

#[test]
fn truncated_torch_files_are_errors() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("cut.pth");
    for name in ["zip.pth", "legacy.pth", "state_dict.pth"] {
        let bytes = fs::read(pth(name)).unwrap();
        for len in (0..bytes.len()).step_by(3) {
            assert!(!survives(&path, &bytes[..len]), "{name} cut at {len} of {}", bytes.len());
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 256, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn any_weights_come_back(
        entries in prop::collection::btree_map("[a-z.\"\\\\0-9é]{1,12}", (prop::collection::vec(any::<u32>(), 0..20), 1usize..4), 0..6),
        metadata in prop::collection::btree_map("\\PC{0,8}", "\\PC{0,20}", 0..4),
    ) {
        let mut state = StateDict::new();
        for (name, (bits, rows)) in entries {
            let columns = bits.len() / rows;
            let data = bits[..rows * columns].iter().map(|b| f32::from_bits(*b)).collect();
            state.insert(&name, Array { shape: vec![rows, columns], data });
        }
        for (key, value) in &metadata {
            state.set_metadata(key, value);
        }
        let back = StateDict::from_safetensors(&state.to_safetensors()).unwrap();
        prop_assert_eq!(back.metadata(), &metadata);
        prop_assert_eq!(back.len(), state.len());
        for ((name, before), (other, after)) in state.iter().zip(back.iter()) {
            prop_assert_eq!(name, other);
            prop_assert_eq!(&before.shape, &after.shape);
            let bits = |array: &Array| array.data.iter().map(|v| v.to_bits()).collect::<Vec<_>>();
            prop_assert_eq!(bits(before), bits(after));
        }
    }

    #[test]
    fn flipped_bits_never_panic(flips in prop::collection::vec((0usize..1 << 20, 0u8..8), 1..6), kind in 0usize..4) {
        let folder = tempfile::tempdir().unwrap();
        let mut bytes = match kind {
            0 => sample().to_safetensors(),
            1 => fs::read(pth("zip.pth")).unwrap(),
            2 => fs::read(pth("legacy.pth")).unwrap(),
            _ => fs::read(pth("state_dict.pth")).unwrap(),
        };
        for (at, bit) in flips {
            let at = at % bytes.len();
            bytes[at] ^= 1 << bit;
        }
        survives(&folder.path().join("flipped"), &bytes);
    }

    #[test]
    fn noise_never_panics(noise in prop::collection::vec(any::<u8>(), 0..400), start in 0usize..4) {
        let folder = tempfile::tempdir().unwrap();
        let head: &[u8] = [&b""[..], b"PK\x03\x04", b"\x80\x02", b"\x10\0\0\0\0\0\0\0{"][start];
        survives(&folder.path().join("noise"), &[head, &noise].concat());
    }
}
