//! What training code wraps weights in, taken off.

use std::collections::{BTreeMap, BTreeSet};

/// Keys of averaged weights, which are better than the plain ones beside them.
const AVERAGED: [&str; 4] = ["params_ema", "params-ema", "generator_ema", "net_g_ema"];
/// Keys that no network has a part of.
const PLAIN: [&str; 6] = ["params", "state_dict", "model_state_dict", "netG", "net_g", "generator"];
/// Keys that a network may have a part of.
const PARTS: [&str; 2] = ["model", "net"];
/// What parallel and compiled training puts before every name.
const EVERY: [&str; 2] = ["module", "_orig_mod"];
/// How names start that training code writes beside the weights.
const TRAINING: [&str; 12] = [
    "optim",
    "discriminator",
    "net_d",
    "netD",
    "epoch",
    "step",
    "iter",
    "lr",
    "sched",
    "scaler",
    "loss",
    "ema",
];

/// Whether weights under `key` are means over a training.
pub(crate) fn is_averaged(key: &str) -> bool {
    AVERAGED.contains(&key) || key.split('_').any(|word| word.eq_ignore_ascii_case("ema"))
}

/// What was taken off.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Wrapper {
    /// The keys, from the outermost.
    pub keys: Vec<String>,
    /// Keys beside them that weights lie under.
    pub left: Vec<String>,
}

/// The weights inside of all wrappers; averaged ones where there are some.
pub(super) fn unwrapped<T>(mut named: BTreeMap<String, T>) -> (BTreeMap<String, T>, Wrapper) {
    let mut wrapper = Wrapper::default();
    while let Some(key) = outermost(&named) {
        let others = AVERAGED.iter().chain(&PLAIN).filter(|other| **other != key);
        wrapper.left.extend(others.filter(|other| count(&named, other) > 0).map(ToString::to_string));
        wrapper.keys.push(key.to_string());
        let start = format!("{key}.");
        let inside = |(name, value): (String, T)| Some((name.strip_prefix(&start)?.to_string(), value));
        named = named.into_iter().filter_map(inside).collect();
    }
    (named, wrapper)
}

/// The best key that the weights lie under.
fn outermost<T>(named: &BTreeMap<String, T>) -> Option<&'static str> {
    let all = |key: &str| count(named, key) == named.len();
    let mut sure = AVERAGED.into_iter().chain(PLAIN).filter(|key| count(named, key) > 0);
    let mut every = EVERY.into_iter().filter(|key| !named.is_empty() && all(key));
    // A network may have a part called `model`, of numbered layers or beside other parts: then it stays.
    let mut parts = PARTS.into_iter().filter(|key| {
        count(named, key) > 0 && (is_beside_training(named, key) || (all(key) && !numbers(named, key)))
    });
    sure.next().or_else(|| every.next()).or_else(|| parts.next())
}

/// How many names start with `key`.
fn count<T>(named: &BTreeMap<String, T>, key: &str) -> usize {
    below(named, key).count()
}

/// The rests of the names below `key`.
fn below<'a, T>(named: &'a BTreeMap<String, T>, key: &'a str) -> impl Iterator<Item = &'a str> {
    named.keys().filter_map(move |name| name.strip_prefix(key)?.strip_prefix('.'))
}

/// Whether the parts below `key` are numbered.
fn numbers<T>(named: &BTreeMap<String, T>, key: &str) -> bool {
    let parts: BTreeSet<_> = below(named, key).filter_map(|rest| rest.split('.').next()).collect();
    parts.iter().all(|part| part.parse::<usize>().is_ok())
}

/// Whether something lies beside `key`, and nothing but what training needs.
fn is_beside_training<T>(named: &BTreeMap<String, T>, key: &str) -> bool {
    let start = format!("{key}.");
    let mut others = named.keys().filter(|name| !name.starts_with(&start)).peekable();
    others.peek().is_some() && others.all(|name| TRAINING.iter().any(|start| name.starts_with(start)))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(names: &[&str]) -> (Vec<String>, Wrapper) {
        let named = names.iter().map(|name| (name.to_string(), ())).collect();
        let (inside, wrapper) = unwrapped(named);
        (inside.into_keys().collect(), wrapper)
    }

    #[test]
    fn every_wrapper_is_taken_off_and_said() {
        let keys = [
            "params_ema",
            "params-ema",
            "params",
            "state_dict",
            "model",
            "net",
            "generator_ema",
            "generator",
        ];
        for key in keys.into_iter().chain(["netG", "module", "_orig_mod"]) {
            let (inside, wrapper) = of(&[&format!("{key}.conv.weight"), &format!("{key}.conv.bias")]);
            assert_eq!(
                (inside, wrapper.keys),
                (vec!["conv.bias".into(), "conv.weight".into()], vec![key.into()])
            );
        }
        let (inside, wrapper) = of(&["epoch", "state_dict.model._orig_mod.module.a", "optimizer.b"]);
        assert_eq!(inside, ["a"]);
        assert_eq!(wrapper.keys, ["state_dict", "model", "_orig_mod", "module"]);
    }

    #[test]
    fn averaged_weights_come_before_plain_ones() {
        for (averaged, plain) in
            [("params_ema", "params"), ("params-ema", "params"), ("generator_ema", "generator")]
        {
            let (inside, wrapper) = of(&[&format!("{plain}.a"), &format!("{averaged}.b"), "step_counter"]);
            assert_eq!(inside, ["b"]);
            assert_eq!(wrapper, Wrapper { keys: vec![averaged.into()], left: vec![plain.into()] });
        }
    }

    /// ESRGAN's first names start with `model.`, and others have a part of that name.
    #[test]
    fn parts_of_a_network_stay() {
        for names in [
            &["model.0.bias", "model.1.sub.0.RDB1.conv1.0.bias"][..],
            &["lin0.a", "net.b"],
            &["b", "module.a"],
        ] {
            assert_eq!(of(names), (names.iter().map(ToString::to_string).collect(), Wrapper::default()));
        }
        let (inside, wrapper) = of(&["model.model.0.bias", "epoch"]);
        assert_eq!((inside, wrapper.keys), (vec!["model.0.bias".into()], vec!["model".into()]));
        let (inside, wrapper) = of(&["net.0.bias", "optimizer.state.0"]);
        assert_eq!((inside, wrapper.keys), (vec!["0.bias".into()], vec!["net".into()]));
    }
}
