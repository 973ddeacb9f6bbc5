//! Which scores of a pair do not ask which picture is the reference.

use percept_image::{
    BandEnergy, Ciede2000, Dss, Flip, Fsim, Gmsd, Grid, HaarPsi, Image, IwSsim, Mdsi, Metric, MsGmsd, MsSsim,
    Nlpd, Psnr, Shift, Srgb, Ssim, Ssimulacra2, Vifp, Vsi, rng_for,
};
use proptest::prelude::{ProptestConfig, any, prop_assert, proptest};
use rand::RngExt;

/// All that compare two pictures.
fn all() -> Vec<Box<dyn Metric>> {
    vec![
        Box::new(Psnr::y(0)),
        Box::new(Psnr::rgb(0)),
        Box::new(Ssim::y(0)),
        Box::new(Ssim::rgb(0)),
        Box::new(MsSsim::y(0)),
        Box::new(MsSsim::rgb(0)),
        Box::new(Gmsd::new(0)),
        Box::new(MsGmsd::new(0)),
        Box::new(Fsim::luma(0)),
        Box::new(Fsim::colour(0)),
        Box::new(Vsi::new(0)),
        Box::new(HaarPsi::new(0)),
        Box::new(Mdsi::new(0)),
        Box::new(Dss::new(0)),
        Box::new(Ciede2000::new(0)),
        Box::new(Shift::luminance(0)),
        Box::new(Shift::saturation(0)),
        Box::new(Shift::sharpness(0)),
        Box::new(BandEnergy::new(0)),
        Box::new(Grid::new(0)),
        Box::new(Flip::new(0)),
        Box::new(IwSsim::new(0)),
        Box::new(Nlpd::new(0)),
        Box::new(Vifp::new(0)),
        Box::new(Ssimulacra2::new(0)),
    ]
}

/// MDSI compares the gradients of a mean of both with each by itself, and takes the one from the other: by its paper the
/// reference is not the test image. A grid counts where the test image has more of it; VIF and
/// IW-SSIM ask what the test image tells of the reference; SSIMULACRA 2 divides by the reference's edges. All others are symmetric by their papers.
fn symmetric(metric: &str) -> bool {
    !["mdsi", "grid", "vifp", "iw-ssim", "ssimulacra2"].contains(&metric)
}

fn agree(one: f64, other: f64) -> bool {
    // Two infinities agree.
    one == other || (one - other).abs() <= 1e-9 * one.abs().max(1.0)
}

/// A picture of a kind: flat, flat but for one pixel, noise, waves.
fn picture(kind: usize, width: usize, height: usize, seed: u64) -> Image<Srgb> {
    let mut rng = rng_for(seed, 0, 0);
    let colour: [f32; 3] = std::array::from_fn(|_| rng.random_range(0..=255) as f32 / 255.0);
    match kind {
        0 => Image::from_fn(width, height, |_, _, c| colour[c]),
        1 => Image::from_fn(width, height, |_, _, _| colour[0]),
        2 => Image::from_fn(width, height, |_, _, _| f32::from(u8::from(seed.is_multiple_of(2)))),
        3 => Image::from_fn(width, height, |x, y, c| {
            if (x, y) == (width / 2, height / 3) { 1.0 - colour[c] } else { colour[c] }
        }),
        4 => Image::from_fn(width, height, |_, _, _| rng.random_range(0..=255) as f32 / 255.0),
        _ => Image::from_fn(width, height, |x, y, c| {
            0.5 + 0.4 * (x as f32 * colour[0] + c as f32).sin() * (y as f32 * colour[1]).cos()
        }),
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]
    #[test]
    fn scores_are_numbers_and_symmetric_where_their_papers_are(
        kinds in (0_usize..6, 0_usize..6), size in (1_usize..70, 1_usize..70), seeds in (any::<u64>(), any::<u64>()), same in 0..8,
    ) {
        let (width, height) = size;
        let a = picture(kinds.0, width, height, seeds.0);
        let b = if same == 0 { a.clone() } else { picture(kinds.1, width, height, seeds.1) };
        for metric in all() {
            let (Ok(one), Ok(other)) = (metric.score(&a, &b), metric.score(&b, &a)) else {
                // The one reason to have no score.
                let small = metric.score(&a, &b).is_err_and(|error| error.to_string().contains("pixels"));
                prop_assert!(small, "{} of {kinds:?} {size:?}: {:?}", metric.name(), metric.score(&a, &b));
                continue;
            };
            prop_assert!(!one.is_nan() && !other.is_nan(), "{} of {kinds:?} {size:?}", metric.name());
            prop_assert!(
                agree(one, other) || !symmetric(metric.name()),
                "{} of {kinds:?} {size:?}: {one} and {other}", metric.name()
            );
        }
    }
}

#[test]
fn flat_pairs_do_not_depend_on_their_order() {
    let flat = |colour: [f32; 3]| Image::<Srgb>::from_fn(192, 177, |_, _, c| colour[c]);
    let colours = [[0.0; 3], [1.0; 3], [0.2; 3], [0.7; 3], [0.9, 0.1, 0.4], [0.1, 0.3, 0.8]];
    for metric in all() {
        for (a, b) in colours.iter().flat_map(|a| colours.iter().map(move |b| (flat(*a), flat(*b)))) {
            let (one, other) = (metric.score(&a, &b).unwrap(), metric.score(&b, &a).unwrap());
            assert!(
                !one.is_nan() && (agree(one, other) || !symmetric(metric.name())),
                "{}: {one} {other}",
                metric.name()
            );
        }
    }
}

#[test]
fn mdsi_asks_which_one_is_the_reference() {
    let (a, b) = (picture(5, 60, 50, 1), picture(4, 60, 50, 2));
    let mdsi = Mdsi::new(0);
    assert!(!agree(mdsi.score(&a, &b).unwrap(), mdsi.score(&b, &a).unwrap()));
}
