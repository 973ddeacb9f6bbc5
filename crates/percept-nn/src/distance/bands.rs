//! The shallow features of large images, a band of rows at a time.

use burn::tensor::Tensor;

use crate::backbone::Trunk;

/// Stages that are computed in bands: most of the memory is theirs, and they see few pixels around a place.
pub(crate) const STAGES: usize = 2;
/// Rows of the image in a band; a whole number of positions of every stage.
const ROWS: usize = 256;
/// Rows on both sides of a band that its features may see: seven for VGG16's first two stages, and what keeps their positions
/// where they are.
const BESIDE: usize = 16;
/// Images of more pixels are computed in bands. Training crops are smaller and stay whole, because the gradient of a band is as
/// large as the image.
const PIXELS: usize = 1 << 19;

/// The features of the second stage of a VGG16 for `a` and `b` (both `[N, H, W, 3]`, normalised). `each` hears of both
/// stages' features, band by band from the top, by the number of the stage; those of a small image are one band.
pub(crate) fn shallow(
    trunk: &Trunk,
    [a, b]: [Tensor<4>; 2],
    each: &mut dyn FnMut(usize, &Tensor<4>, &Tensor<4>),
) -> [Tensor<4>; 2] {
    let [_, height, width, _] = a.dims();
    let rows = if height * width > PIXELS { ROWS } else { height };
    by_rows(trunk, [a, b], rows, each)
}

fn by_rows(
    trunk: &Trunk,
    [a, b]: [Tensor<4>; 2],
    rows: usize,
    each: &mut dyn FnMut(usize, &Tensor<4>, &Tensor<4>),
) -> [Tensor<4>; 2] {
    let height = a.dims()[1];
    let mut last = [Vec::new(), Vec::new()];
    // What would be too low for a position of its own belongs to the band above.
    let bands = ((height + rows - BESIDE.min(rows)) / rows.max(1)).max(1);
    for band in 0..bands {
        let start = band * rows;
        let end = if band + 1 == bands { height } else { start + rows };
        let (from, to) = (start.saturating_sub(BESIDE), (end + BESIDE).min(height));
        let cut = |image: &Tensor<4>| image.clone().narrow(1, from, to - from);
        let (mut a, mut b) = (cut(&a), cut(&b));
        for stage in 0..STAGES {
            (a, b) = (trunk.stage(stage, a), trunk.stage(stage, b));
            let (above, tall) = ((start - from) >> stage, a.dims()[1]);
            // Those of the last band go on to the end, which an odd height may round up or down.
            let own = if end == height { tall - above } else { (end - start) >> stage };
            let [own_a, own_b] = [&a, &b].map(|features| features.clone().narrow(1, above, own));
            each(stage, &own_a, &own_b);
            if stage + 1 == STAGES {
                last[0].push(own_a);
                last[1].push(own_b);
            }
        }
    }
    last.map(|bands| Tensor::cat(bands, 1))
}

#[cfg(test)]
mod tests {
    use burn::tensor::{Device, Distribution, Tensor};

    use super::*;
    use crate::backbone::{BackboneKind, Pooling, Precision, Scaling, architecture, random_weights};

    #[test]
    fn bands_hold_the_rows_of_the_whole() {
        let device = Device::flex();
        let vgg = architecture(BackboneKind::Vgg16);
        let state = random_weights(BackboneKind::Vgg16);
        let positions = vgg.named(&["relu1_2", "relu2_2", "relu3_3"]);
        for pooling in [Pooling::Max, Pooling::L2] {
            let trunk =
                Trunk::new(&vgg, &positions, pooling, Scaling::IMAGENET, &state, Precision::F32, &device);
            let trunk = trunk.unwrap();
            for height in [64, 75, 33, 96] {
                let image = || Tensor::random([1, height, 21, 3], Distribution::Uniform(0.0, 1.0), &device);
                let pair = [image(), image()];
                let found = |rows: usize| {
                    let mut heard = [Vec::new(), Vec::new()];
                    let deep = by_rows(&trunk, pair.clone(), rows, &mut |stage, a, b| {
                        heard[stage].push(Tensor::cat(vec![a.clone(), b.clone()], 0));
                    });
                    let [first, second] = heard.map(|bands| Tensor::cat(bands, 1));
                    let [a, b] = deep;
                    [first, second, a, b]
                        .map(|tensor| (tensor.dims(), tensor.into_data().try_into_vec::<f32>().unwrap()))
                };
                for (whole, bands) in found(height).iter().zip(found(32)) {
                    assert_eq!(whole.0, bands.0, "{height}");
                    let most = whole.1.iter().zip(&bands.1).map(|(a, b)| (a - b).abs()).fold(0.0, f32::max);
                    assert!(most < 1e-4, "{height}: {most}");
                }
            }
        }
    }
}
