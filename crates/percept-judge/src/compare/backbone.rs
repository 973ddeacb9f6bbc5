//! Metrics that look through the network that a loss looked through.

use std::collections::BTreeSet;

use percept_nn::model::Card;
use serde_json::Value;

/// The frozen network of a learned metric by its family: VGG16 and VGG19 see nearly the same. What a training selected
/// is called by the run, and its protocol has the network.
fn of_metric(metric: &str, protocol: &str) -> Option<&'static str> {
    match metric.starts_with("selected:") {
        true => family(&protocol.to_lowercase()),
        false => family(metric),
    }
}

fn family(metric: &str) -> Option<&'static str> {
    let families = [("vgg", "VGG"), ("alex", "AlexNet"), ("squeeze", "SqueezeNet")];
    match metric.split('@').next() {
        Some("dists") => Some("VGG"),
        _ => families.into_iter().find(|(part, _)| metric.contains(part)).map(|(_, family)| family),
    }
}

/// The frozen networks of a card's losses by their families.
pub(crate) fn of_losses(card: &Card) -> BTreeSet<&'static str> {
    let of_loss = |term: &Value| {
        let text = |pointer: &str| term.pointer(pointer).and_then(Value::as_str);
        match (text("/type"), text("/net"), text("/backbone/type")) {
            (Some("dists"), ..) => Some("VGG"),
            (Some("lpips"), net, _) => family(net.unwrap_or("vgg")),
            (_, _, backbone) => family(backbone?),
        }
    };
    card.losses.as_array().into_iter().flatten().filter_map(of_loss).collect()
}

/// The network that `metric` shares with the losses of a run.
pub(crate) fn shared(metric: &str, protocol: &str, losses: &BTreeSet<&'static str>) -> Option<&'static str> {
    of_metric(metric, protocol).filter(|family| losses.contains(family))
}

#[cfg(test)]
mod tests {
    use percept_nn::network::NetworkConfig;
    use serde_json::json;

    use super::*;

    fn families(losses: Value) -> Vec<&'static str> {
        let card = Card {
            network_g: NetworkConfig::SrResNet(Default::default()),
            task: "sr".to_string(),
            scale: 4,
            in_channels: 3,
            losses,
            seed: 0,
            data: Value::Null,
            iter: 1,
            finished: false,
            percept: String::new(),
            sha256: String::new(),
        };
        of_losses(&card).into_iter().collect()
    }

    #[test]
    fn the_networks_of_all_losses_are_found() {
        let opt = |term: Value| families(json!([{"type": "l1"}, term]));
        assert_eq!(families(json!([{"type": "l1"}])), Vec::<&str>::new());
        assert_eq!(families(Value::Null), Vec::<&str>::new());
        assert_eq!(
            opt(json!({"type": "feature", "backbone": {"type": "vgg19", "weights": "bundled"}})),
            ["VGG"]
        );
        assert_eq!(opt(json!({"type": "contextual", "backbone": {"type": "alexnet"}})), ["AlexNet"]);
        assert_eq!(opt(json!({"type": "lpips", "net": "alex"})), ["AlexNet"]);
        assert_eq!(opt(json!({"type": "lpips", "net": "vgg"})), ["VGG"]);
        assert_eq!(opt(json!({"type": "dists"})), ["VGG"]);
        let both = json!([{"type": "dists"}, {"type": "style", "backbone": {"type": "alexnet"}}]);
        assert_eq!(families(both), ["AlexNet", "VGG"]);
    }

    #[test]
    fn metrics_are_marked_by_family() {
        let vgg = BTreeSet::from(["VGG"]);
        for (metric, expected) in [
            ("lpips-vgg", Some("VGG")),
            ("dists", Some("VGG")),
            ("dists@256", Some("VGG")),
            ("lpips-alex", None),
            ("psnr-y", None),
            ("haarpsi", None),
        ] {
            assert_eq!(shared(metric, "", &vgg), expected, "{metric}");
        }
        assert_eq!(shared("lpips-alex", "", &BTreeSet::from(["AlexNet"])), Some("AlexNet"));
        let protocol = "squared distance of AlexNet features at relu1";
        assert_eq!(shared("selected:runs/vgg", protocol, &vgg), None);
        assert_eq!(shared("selected:runs/a", "squared distance of vgg16 features", &vgg), Some("VGG"));
    }
}
