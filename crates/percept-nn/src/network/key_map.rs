//! ESRGAN's first names and today's.

use crate::weights::StateDict;

/// Weights with the names of ESRGAN's first release (`model.0`, `model.1.sub.0.RDB1.conv1.0` …) under the
/// names of [`RrdbNet`](super::RrdbNet); anything else is returned as it is.
pub fn from_esrgan(state: StateDict) -> StateDict {
    if state.get("model.0.weight").is_none() {
        return state;
    }
    state.renamed(|name| {
        let (place, kind) = name.rsplit_once('.')?;
        let place = match place {
            "model.0" => "conv_first".to_string(),
            "model.3" => "conv_up1".to_string(),
            "model.6" => "conv_up2".to_string(),
            "model.8" => "conv_hr".to_string(),
            "model.10" => "conv_last".to_string(),
            other => inside(other.strip_prefix("model.1.sub.")?)?,
        };
        Some(format!("{place}.{kind}"))
    })
}

/// `7.RDB1.conv3.0` → `body.7.rdb1.conv3`. The last place of the trunk is its closing convolution and has
/// no dense block inside.
fn inside(place: &str) -> Option<String> {
    let Some((block, rest)) = place.split_once('.') else { return Some("conv_body".to_string()) };
    let (dense, conv) = rest.split_once('.')?;
    Some(format!("body.{block}.{}.{}", dense.to_lowercase(), conv.strip_suffix(".0")?))
}
