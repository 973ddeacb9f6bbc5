//! Every loss as a run descends it.

use std::fs;

use percept_nn::adversarial::{DiscriminatorConfig, VggConfig};
use percept_nn::disentangle::SelectionConfig;
use percept_nn::loss::{
    CharbonnierLoss, ColourLoss, ContextualLoss, Criterion, DistsLoss, FeatureLoss, FftLoss, GanLoss,
    HuberLoss, L1Loss, LdlLoss, LossConfig, LpipsLoss, LpipsNet, MsSsimLoss, MseLoss, StyleLoss, SwdLoss,
    Term, WassersteinLoss,
};
use percept_run::Task;

use crate::trainer::{backbone, config, create, finish, folder, layers, lines};

#[test]
fn every_loss_trains() {
    let dir = folder();
    let with = |losses: Vec<Term>| {
        let run = format!("run-{}", fs::read_dir(dir.path()).unwrap().count());
        let mut config = config(dir.path(), &run, Task::Sr);
        config.train.total_iter = 2;
        let plays = losses.iter().any(|term| matches!(term.loss, LossConfig::Gan(_)));
        config.network_d = plays.then_some(DiscriminatorConfig::Vgg(VggConfig { num_feat: 4, num_down: 1 }));
        config.train.losses = losses;
        finish(create(&config));
        lines(dir.path().join(run).join("log.jsonl"))
    };
    let feature = FeatureLoss { backbone: backbone(), layer_weights: layers(), ..FeatureLoss::default() };
    let contextual =
        ContextualLoss { backbone: backbone(), layer_weights: layers(), ..ContextualLoss::default() };
    let style = StyleLoss { backbone: backbone(), layer_weights: layers() };
    let swd = SwdLoss { backbone: backbone(), layer_weights: layers(), ..SwdLoss::default() };
    let wasserstein =
        WassersteinLoss { backbone: backbone(), layer_weights: layers(), ..WassersteinLoss::default() };
    let selection = Some(SelectionConfig::default());
    let criterion = Criterion::Charbonnier(CharbonnierLoss::default());
    let losses = [
        (LossConfig::L1(L1Loss {}), false),
        (LossConfig::Mse(MseLoss {}), false),
        (LossConfig::Charbonnier(CharbonnierLoss::default()), false),
        (LossConfig::Huber(HuberLoss::default()), false),
        (LossConfig::Feature(feature.clone()), false),
        (LossConfig::Feature(FeatureLoss { selection: selection.clone(), ..feature.clone() }), true),
        (LossConfig::Feature(FeatureLoss { selection: selection.clone(), criterion, ..feature }), true),
        (LossConfig::Contextual(contextual.clone()), false),
        (LossConfig::Contextual(ContextualLoss { selection: selection.clone(), ..contextual }), true),
        (LossConfig::Swd(swd.clone()), false),
        (LossConfig::Swd(SwdLoss { selection: selection.clone(), ..swd }), true),
        (LossConfig::Wasserstein(wasserstein.clone()), false),
        (LossConfig::Wasserstein(WassersteinLoss { selection: selection.clone(), ..wasserstein }), true),
        (LossConfig::Lpips(LpipsLoss { net: LpipsNet::Alex }), false),
        (LossConfig::Dists(DistsLoss::default()), false),
        (LossConfig::Style(style), false),
        (LossConfig::Colour(ColourLoss::default()), false),
        (LossConfig::MsSsim(MsSsimLoss { scales: 2 }), false),
        (LossConfig::Fft(FftLoss {}), false),
        (LossConfig::Ldl(LdlLoss {}), false),
        (LossConfig::Gan(GanLoss { r1: 0.01, ..GanLoss::default() }), false),
    ];
    for (loss, selects) in losses.clone() {
        let log = with(Term::list([Term::from(loss.clone())]));
        let kind = loss.kind();
        assert!(log[1][format!("l_g_{kind}")].as_f64().unwrap() > 0.0, "{loss:?}");
        for name in ["l_d_real", "l_d_fake", "l_d_r1", "out_d_real", "out_d_fake"] {
            assert_eq!(log[1].get(name).is_some_and(|value| value.is_f64()), kind == "gan", "{name}");
        }
        assert_eq!(log[1].get(format!("l_sel_{kind}")).is_some(), selects, "{loss:?}");
    }
    // All at once, and some kinds twice: each has its own name, and each selection its own lines.
    let all: Vec<Term> = losses.map(|(loss, _)| Term::from(loss)).to_vec();
    let log = with(Term::list(all));
    for name in [
        "l_g_l1",
        "l_g_ldl",
        "l_g_feature",
        "l_g_feature_3",
        "l_sel_feature_2",
        "l_sel_feature_3",
        "l_sel_contextual_2",
        "l_sel_swd_2",
    ] {
        assert!(log[1][name].as_f64().unwrap().is_finite(), "{name}");
    }
    assert!(log[1].get("l_sel_feature").is_none());
    let newest = format!("run-{}", fs::read_dir(dir.path()).unwrap().count() - 1);
    let lines = lines(dir.path().join(newest).join("selection.jsonl"));
    let terms: Vec<_> = lines.iter().map(|line| line["term"].as_str().unwrap()).collect();
    let all = ["feature_2", "feature_3", "contextual_2", "swd_2", "wasserstein_distortion_2"];
    assert_eq!(terms, all.repeat(2));
}

#[test]
fn ldl_leaves_out_what_is_worse_in_the_average() {
    let dir = folder();
    let values = |ema_decay: f64| {
        let mut config = config(dir.path(), &format!("ldl-{ema_decay}"), Task::Sr);
        (config.train.total_iter, config.train.ema_decay) = (2, ema_decay);
        config.train.losses = Term::list([Term::from(LossConfig::Ldl(LdlLoss {}))]);
        finish(create(&config));
        let log = lines(config.run_dir().join("log.jsonl"));
        [0, 1].map(|line| log[line]["l_g_ldl"].as_f64().unwrap())
    };
    let ([first, second], [alone, second_alone]) = (values(0.999), values(0.0));
    // Before the first step the average is the network itself, and after it both networks are the same.
    assert!(first == alone && first > 0.0, "{first}, without an average {alone}");
    assert!(second > 0.0 && second < 0.95 * second_alone, "{second}, without an average {second_alone}");
}
