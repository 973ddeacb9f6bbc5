//! The picture: the same details of some photos, as every variant restores them.

use percept_conv::Device;
use percept_image::{Image, Photo, Srgb, write_photo};
use percept_nn::model::Model;

use super::photos::{TestPhotos, restored};
use super::{Evidence, ExperimentError, Values};
use crate::stats::is_gain;

/// Photos that are spaced evenly over the names, and as many in which our variant is worst.
const EACH: usize = 4;
/// White pixels between details.
const GAP: usize = 4;

/// What the picture shows.
pub(super) struct Crops {
    /// The columns.
    pub(super) columns: Vec<String>,
    /// The photos, from top to bottom.
    pub(super) rows: Vec<String>,
    /// The metric by which the lower half was chosen.
    pub(super) metric: Option<String>,
}

/// Writes `crops.jpg`: rows of photos; the input, the target and the first seed of every variant side by side.
pub(super) fn write(
    evidence: &Evidence,
    photos: &TestPhotos,
    values: &Values,
    device: &Device,
) -> Result<Crops, ExperimentError> {
    let plan = &evidence.plan;
    let (rows, metric) = rows(evidence, values, photos.len());
    let seed = plan.experiment.seeds.first().copied().unwrap_or_default();
    let models =
        evidence.variants.iter().map(|variant| Model::load(plan.run(seed, &variant.name).model(), device));
    let models = models.collect::<Result<Vec<_>, _>>()?;
    let mut cells = Vec::new();
    let mut names = Vec::new();
    for (name, gt, input) in rows.iter().filter_map(|at| photos.get(*at)) {
        names.push(name.to_string());
        let side = plan.experiment.crop.min(gt.width()).min(gt.height());
        let (x, y) = busiest(gt, side);
        let mut row =
            vec![input.shown(gt.width(), gt.height()).crop(x, y, side, side), gt.crop(x, y, side, side)];
        for model in &models {
            row.push(restored(model, name, &input)?.crop(x, y, side, side));
        }
        cells.push(row);
    }
    let photo = Photo::new(together(&cells, plan.experiment.crop));
    write_photo(plan.out.join("crops.jpg"), &photo)?;
    let columns = ["input", "target"].into_iter().map(str::to_string);
    let columns = columns.chain(evidence.variants.iter().map(|variant| variant.name.clone())).collect();
    Ok(Crops { columns, rows: names, metric })
}

/// Which photos: some spaced evenly over their names, then those in which our variant loses most to the reference by
/// LPIPS of AlexNet, or by the first metric that counts.
fn rows(evidence: &Evidence, values: &Values, photos: usize) -> (Vec<usize>, Option<String>) {
    let plan = &evidence.plan;
    let mut order: Vec<(String, usize)> = evidence.photos.iter().cloned().zip(0..).collect();
    order.sort();
    let mut rows: Vec<usize> =
        (0..EACH.min(photos)).filter_map(|at| Some(order.get(at * photos / EACH.min(photos))?.1)).collect();
    let ours = evidence.variants.iter().find(|variant| variant.name == plan.experiment.ours);
    let counts = |metric: &&String| {
        ours.is_some_and(|ours| ours.findings.get(*metric).is_some_and(|finding| finding.outcome.is_some()))
    };
    let preferred = plan.experiment.metrics.iter().find(|metric| *metric == "lpips-alex");
    let metric = preferred.into_iter().chain(&plan.experiment.metrics).find(counts);
    let of = |variant: &str| values.get(variant)?.get(metric?);
    let better = metric.and_then(|metric| evidence.metrics.get(metric)).map(|info| info.better);
    let (Some(own), Some(reference), Some(better)) =
        (of(&plan.experiment.ours), of(&plan.experiment.reference), better)
    else {
        return (rows, None);
    };
    let loss = |photo: usize| {
        let mean =
            |rows: &[Vec<f64>]| rows.iter().filter_map(|row| row.get(photo)).sum::<f64>() / rows.len() as f64;
        let gain = mean(own) - mean(reference);
        if is_gain(better, 1.0) { -gain } else { gain }
    };
    let mut worst: Vec<(f64, usize)> = (0..photos)
        .filter(|photo| !rows.contains(photo))
        .map(|photo| (loss(photo), photo))
        .filter(|(loss, _)| loss.is_finite())
        .collect();
    worst.sort_by(|a, b| b.0.total_cmp(&a.0));
    rows.extend(worst.into_iter().take(EACH).map(|(_, photo)| photo));
    (rows, metric.cloned())
}

/// The upper left corner of the square in which the target's values change most between neighbours, on a grid of 8 pixels.
fn busiest(gt: &Image<Srgb>, side: usize) -> (usize, usize) {
    let (width, height) = gt.size();
    let at = |x: usize, y: usize| gt.pixel(x.min(width - 1), y.min(height - 1)).iter().sum::<f32>();
    // Sums over all pixels above and to the left.
    let mut sums = vec![0.0f64; (width + 1) * (height + 1)];
    let index = |x: usize, y: usize| y * (width + 1) + x;
    for y in 0..height {
        let mut row = 0.0;
        for x in 0..width {
            let (here, right, below) = (at(x, y), at(x + 1, y), at(x, y + 1));
            row += f64::from((right - here).hypot(below - here));
            let above = sums.get(index(x + 1, y)).copied().unwrap_or_default();
            if let Some(sum) = sums.get_mut(index(x + 1, y + 1)) {
                *sum = above + row;
            }
        }
    }
    let sum = |x: usize, y: usize| sums.get(index(x, y)).copied().unwrap_or_default();
    let inside =
        |(x, y): (usize, usize)| sum(x + side, y + side) - sum(x, y + side) - sum(x + side, y) + sum(x, y);
    let corners =
        (0..=height - side).step_by(8).flat_map(|y| (0..=width - side).step_by(8).map(move |x| (x, y)));
    corners.max_by(|a, b| inside(*a).total_cmp(&inside(*b))).unwrap_or((0, 0))
}

/// All cells on white.
fn together(cells: &[Vec<Image<Srgb>>], side: usize) -> Image<Srgb> {
    let columns = cells.iter().map(Vec::len).max().unwrap_or(0);
    let step = side + GAP;
    Image::from_fn((columns * step).max(1), (cells.len() * step).max(1), |x, y, c| {
        let cell = cells.get(y / step).and_then(|row| row.get(x / step));
        let (x, y) = (x % step, y % step);
        cell.filter(|cell| x < cell.width() && y < cell.height())
            .and_then(|cell| cell.pixel(x, y).get(c).copied())
            .unwrap_or(1.0)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_busiest_square_is_found() {
        let photo = Image::<Srgb>::from_fn(80, 64, |x, y, _| {
            if (48..72).contains(&x) && (16..40).contains(&y) { ((x + y) % 2) as f32 } else { 0.5 }
        });
        assert_eq!(busiest(&photo, 24), (48, 16));
        assert_eq!(busiest(&photo, 64), (16, 0));
    }
}
