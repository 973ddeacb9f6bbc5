//! The sizes of a network, read off its weights.

use std::collections::BTreeSet;

use crate::network::{CompactConfig, NetworkConfig};
use crate::weights::StateDict;

/// `config` with the sizes that `state` has. What weights do not show (EDSR's `res_scale`) stays, and so does what
/// they should show and do not: applying them to the network will say what is missing.
pub(super) fn fitted(config: &NetworkConfig, state: &StateDict) -> NetworkConfig {
    let results = |name: &str, default: usize| {
        state.get(name).and_then(|array| array.shape.first().copied()).unwrap_or(default)
    };
    let mut config = config.clone();
    match &mut config {
        NetworkConfig::SrResNet(config) => {
            config.num_feat = results("conv_first.weight", config.num_feat);
            config.num_block = places(state, "body.");
        }
        NetworkConfig::Edsr(config) => {
            config.num_feat = results("conv_first.weight", config.num_feat);
            config.num_block = places(state, "body.");
        }
        NetworkConfig::RrdbNet(config) => {
            config.num_feat = results("conv_first.weight", config.num_feat);
            config.num_block = places(state, "body.");
            config.num_grow_ch = results("body.0.rdb1.conv1.weight", config.num_grow_ch);
        }
        NetworkConfig::Compact(config) => {
            config.num_feat = results("body.0.weight", config.num_feat);
            // Every convolution but the last has its slopes behind it.
            config.num_conv = (places(state, "body.") / 2).saturating_sub(1);
        }
        NetworkConfig::NafNet(config) => {
            config.width = results("intro.weight", config.width);
            let levels = places(state, "downs.");
            let blocks = |part: &str| -> Vec<usize> {
                (0..levels).map(|level| places(state, &format!("{part}.{level}."))).collect()
            };
            (config.enc_blk_nums, config.dec_blk_nums) = (blocks("encoders"), blocks("decoders"));
            config.middle_blk_num = places(state, "middle_blks.");
        }
    }
    config
}

/// Whether the weights have at least as many values as the widest layer of such a network. A file that lies about
/// one small tensor would otherwise ask for more memory than there is.
pub(super) fn is_plausible(config: &NetworkConfig, state: &StateDict) -> bool {
    let square = |channels: usize| channels.checked_mul(channels);
    let least = match config {
        NetworkConfig::SrResNet(config) => square(config.num_feat),
        NetworkConfig::Edsr(config) => square(config.num_feat),
        NetworkConfig::RrdbNet(config) if config.num_block == 0 => square(config.num_feat),
        NetworkConfig::RrdbNet(config) => square(config.num_feat.max(config.num_grow_ch)),
        NetworkConfig::Compact(CompactConfig { num_conv: 0, num_feat }) => Some(*num_feat),
        NetworkConfig::Compact(config) => square(config.num_feat),
        NetworkConfig::NafNet(config) => {
            let levels = config.enc_blk_nums.len();
            let blocks = levels + config.middle_blk_num;
            let widest = config.width.checked_mul(1 << levels.min(16));
            if blocks == 0 { Some(0) } else { widest.and_then(square) }
        }
    };
    let values: usize = state.iter().map(|(_, array)| array.data.len()).sum();
    least.is_some_and(|least| least <= values)
}

/// How many different places there are below `prefix`.
fn places(state: &StateDict, prefix: &str) -> usize {
    let below = state.iter().filter_map(|(name, _)| name.strip_prefix(prefix)?.split('.').next());
    below.collect::<BTreeSet<_>>().len()
}
