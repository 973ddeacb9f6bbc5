//! Names of ESRGAN's weights: those of its first training code, those under which its authors published it, and ncnn's places.

use crate::network::order::Order;
use crate::weights::StateDict;

/// How often a network of weights under ESRGAN's first names makes each side twice as long: before the last layers stand three places for each time. Others number the
/// places of a `model` too, but have no blocks at the second one.
pub(super) fn enlarged_of_first(state: &StateDict) -> Option<usize> {
    state.iter().find(|(name, _)| name.starts_with("model.1.sub."))?;
    let place = |name: &str| name.strip_prefix("model.")?.split('.').next()?.parse::<usize>().ok();
    let before = state.iter().filter_map(|(name, _)| place(name)).max()?.checked_sub(4)?;
    before.is_multiple_of(3).then_some(before / 3)
}

/// Our name for one of ESRGAN's two earlier ones: of its first training code (`model.1.sub.0.RDB1.conv1.0.weight`), and those
/// under which its authors published it (`RRDB_trunk.0.RDB1.conv1.weight`), as BSRGAN's did.
pub(super) fn our_name(name: &str, enlarged: Option<usize>) -> Option<String> {
    let (place, kind) = name.rsplit_once('.')?;
    let place = match place {
        "trunk_conv" => "conv_body".to_string(),
        "HRconv" => "conv_hr".to_string(),
        other => match other.split_once('.') {
            None => format!("conv_up{}", other.strip_prefix("upconv")?),
            Some(("RRDB_trunk", inside)) => body(inside)?,
            Some(("model", place)) => match place.strip_prefix("1.sub.") {
                Some(inside) => body_of_first(inside)?,
                None => place_of_first(place.parse().ok()?, enlarged?)?,
            },
            _ => return None,
        },
    };
    Some(format!("{place}.{kind}"))
}

/// The name of ESRGAN's first training code for ours, of a network of so many blocks and enlargements: the names by which
/// others see ESRGAN+.
pub(super) fn first_name(name: &str, blocks: usize, enlarged: usize) -> Option<String> {
    let (place, kind) = name.rsplit_once('.')?;
    let place = match place.split_once('.') {
        Some(("body", inside)) => {
            let inside = inside.replace("rdb", "RDB");
            let last = if inside.ends_with("conv1x1") { "" } else { ".0" };
            format!("1.sub.{inside}{last}")
        }
        _ => match place {
            "conv_first" => "0".to_string(),
            "conv_body" => format!("1.sub.{blocks}"),
            "conv_hr" => (3 * enlarged + 2).to_string(),
            "conv_last" => (3 * enlarged + 4).to_string(),
            up => (3 * up.strip_prefix("conv_up")?.parse::<usize>().ok()?).to_string(),
        },
    };
    Some(format!("model.{place}.{kind}"))
}

/// `3` → `conv_up1`, and what stands before and behind.
fn place_of_first(place: usize, enlarged: usize) -> Option<String> {
    Some(match place {
        0 => "conv_first".to_string(),
        place if place == 3 * enlarged + 2 => "conv_hr".to_string(),
        place if place == 3 * enlarged + 4 => "conv_last".to_string(),
        place if place.is_multiple_of(3) && place <= 3 * enlarged => format!("conv_up{}", place / 3),
        _ => return None,
    })
}

/// Names for weights that come without: each enlargement is seen, fifteen convolutions are a block, and four stand around.
pub(super) fn named(state: &StateDict) -> Option<StateDict> {
    let order = Order::of(state)?;
    let enlarged = order.count("Interp");
    let inside = order.convs.len().checked_sub(4 + enlarged)?;
    if inside % 15 > 0 || order.count("PixelShuffle") > 0 || !order.data.is_empty() {
        return None;
    }
    let dense = |at: usize| format!("body.{}.rdb{}.conv{}", at / 15, at % 15 / 5 + 1, at % 5 + 1);
    let names = ["conv_first".to_string()]
        .into_iter()
        .chain((0..inside).map(dense))
        .chain(["conv_body".to_string()])
        .chain((1..=enlarged).map(|i| format!("conv_up{i}")))
        .chain(["conv_hr", "conv_last"].map(str::to_string));
    order.named(&names.collect::<Vec<_>>(), &[])
}

/// `7.RDB1.conv3` → `body.7.rdb1.conv3`.
fn body(inside: &str) -> Option<String> {
    let (block, rest) = inside.split_once('.')?;
    let (dense, conv) = rest.split_once('.')?;
    Some(format!("body.{block}.{}.{conv}", dense.to_lowercase()))
}

/// `7.RDB1.conv3.0` → `body.7.rdb1.conv3`, and `7.RDB1.conv1x1` likewise. The last place is the closing convolution and has no dense block inside.
fn body_of_first(inside: &str) -> Option<String> {
    match inside.contains('.') {
        true => body(inside.strip_suffix(".0").unwrap_or(inside)),
        false => Some("conv_body".to_string()),
    }
}
