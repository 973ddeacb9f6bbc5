//! Weights as safetensors.

use std::io;

use percept_nn::weights::{Array, StateDict};

use super::{Target, answer, bytes};

pub(super) struct Safetensors;

impl Target for Safetensors {
    fn seeds(&mut self) -> io::Result<Vec<Vec<u8>>> {
        let mut state = StateDict::new();
        let one = state.to_safetensors();
        state.insert("conv.weight", Array { shape: vec![2, 3, 1, 1], data: vec![0.5; 6] });
        state.insert("conv.bias", Array { shape: vec![2], data: vec![1.0, -1.0] });
        state.insert("scalar", Array { shape: Vec::new(), data: vec![3.0] });
        state.set_metadata("format", "pt");
        // A type of half the size.
        let header = r#"{"a":{"dtype":"F16","shape":[2,2],"data_offsets":[0,8]}}"#;
        let half = [&(header.len() as u64).to_le_bytes()[..], header.as_bytes(), &[0x3C; 8]].concat();
        Ok(vec![state.to_safetensors(), one, half])
    }

    fn words(&self) -> Vec<Vec<u8>> {
        bytes(&[
            r#""dtype":"F64""#,
            r#""dtype":"BF16""#,
            r#""dtype":"BOOL""#,
            r#""dtype":"F8_E4M3""#,
            r#""shape":[0]"#,
            r#""shape":[4294967296,4294967296]"#,
            r#""data_offsets":[0,0]"#,
            r#""__metadata__":{}"#,
            "[[[[[[[[",
            "{}",
        ])
    }

    fn repair(&self, input: &mut Vec<u8>, rng: &mut rand_chacha::ChaCha8Rng) {
        use rand::RngExt;
        // The header ends in its last brace, mostly.
        let end = input.iter().rposition(|byte| *byte == b'}');
        if let (Some(end), true) = (end, rng.random_bool(0.7))
            && end >= 8
        {
            input[..8].copy_from_slice(&(end as u64 - 7).to_le_bytes());
        }
    }

    fn feed(&mut self, input: &[u8]) -> Result<Option<String>, String> {
        let read = StateDict::from_safetensors(input);
        if let Ok(state) = &read {
            let again = StateDict::from_safetensors(&state.to_safetensors());
            let same = again.as_ref().is_ok_and(|again| again.sha256() == state.sha256());
            if !same {
                return Err("what is written is not what was read".to_string());
            }
        }
        answer(read)
    }
}
