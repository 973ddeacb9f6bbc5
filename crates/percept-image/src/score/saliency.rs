//! What draws the eye first.

use rayon::prelude::*;
use rustfft::num_complex::Complex64;

use super::lab::{D50, labs};
use super::plane::Plane;
use super::spectrum::{Transform, frequency};
use crate::{Image, Srgb};

/// The map is computed at this size.
const SIDE: usize = 256;
/// Centre and width of the band that stands out.
const OMEGA: f64 = 0.021;
const SIGMA_F: f64 = 1.34;
/// How far from the centre the eye wanders, and how soon a warm colour is one.
const SIGMA_D: f64 = 145.0;
const SIGMA_C: f64 = 0.001;
/// Keeps quotients finite where nothing differs.
const EPSILON: f64 = f64::EPSILON;

/// Saliency by simple priors (Zhang, Gu, Li, *SDSP: A novel saliency detection method by combining simple priors*, 2013):
/// a band of frequencies, nearness to the centre, warm colours. At the image's size, from 0 to 1.
pub(super) fn saliency(image: &Image<Srgb>) -> Plane {
    let small = shrunk(image);
    let filtered = band(&small);
    let colour = [1, 2].map(|channel: usize| {
        let (low, high) = extremes(small.iter().map(|lab| lab[channel]));
        (low, 1.0 / (high - low + EPSILON))
    });
    let map = (0..SIDE * SIDE).map(|at| {
        let from_centre = |at: usize| (at as f64 + 1.0 - (SIDE / 2) as f64).powi(2);
        let centre = from_centre(at / SIDE) + from_centre(at % SIDE);
        let warm: f64 = (0..2).map(|k| ((small[at][k + 1] - colour[k].0) * colour[k].1).powi(2)).sum();
        let centre = (-centre / (SIGMA_D * SIGMA_D)).exp();
        filtered[at] * centre * (1.0 - (-warm / (SIGMA_C * SIGMA_C)).exp())
    });
    let mut map = enlarged(&map.collect::<Vec<_>>(), image.size());
    let (low, high) = map
        .data
        .par_chunks(1 << 14)
        .map(|part| extremes(part.iter().copied()))
        .reduce(|| (f64::INFINITY, f64::NEG_INFINITY), |a, b| (a.0.min(b.0), a.1.max(b.1)));
    let scale = 1.0 / (high - low + EPSILON);
    map.data.par_iter_mut().with_min_len(1 << 14).for_each(|v| *v = (*v - low) * scale);
    map
}

fn extremes(values: impl Iterator<Item = f64>) -> (f64, f64) {
    values.fold((f64::INFINITY, f64::NEG_INFINITY), |(low, high), v| (low.min(v), high.max(v)))
}

/// CIELAB at `SIDE × SIDE` pixels, interpolated between the nearest ones without a low-pass filter.
fn shrunk(image: &Image<Srgb>) -> Vec<[f64; 3]> {
    let (width, height) = image.size();
    let place = |at: usize, old: usize| {
        let centre = ((at as f64 + 0.5) * old as f64 / SIDE as f64 - 0.5).max(0.0);
        let first = (centre as usize).min(old - 1);
        (first, (first + 1).min(old - 1), centre - first as f64)
    };
    let columns: Vec<_> = (0..SIDE).map(|x| place(x, width)).collect();
    let rows = (0..SIDE).into_par_iter().flat_map_iter(|y| {
        let (top, bottom, down) = place(y, height);
        columns.iter().map(move |&(left, right, across)| {
            std::array::from_fn(|c| {
                let at = |x: usize, y: usize| f64::from(image.pixel(x, y)[c]);
                let mix = |a: f64, b: f64, share: f64| (1.0 - share) * a + share * b;
                let (upper, lower) = (
                    mix(at(left, top), at(right, top), across),
                    mix(at(left, bottom), at(right, bottom), across),
                );
                mix(upper, lower, down) as f32
            })
        })
    });
    labs(&rows.collect::<Vec<_>>(), D50)
}

/// Length of the three channels' band-pass responses.
fn band(small: &[[f64; 3]]) -> Vec<f64> {
    let transform = Transform::new(SIDE, SIDE);
    let weight = |at: usize| {
        let radius = frequency(at / SIDE, SIDE).hypot(frequency(at % SIDE, SIDE));
        if radius == 0.0 || radius > 0.5 {
            return 0.0;
        }
        (-0.5 * ((radius / OMEGA).ln() / SIGMA_F).powi(2)).exp() / (SIDE * SIDE) as f64
    };
    let weights: Vec<f64> = (0..SIDE * SIDE).map(weight).collect();
    // The filter is even and real, so that a real and an imaginary part stay apart: two channels in one go.
    let filtered = |real: usize, imaginary: Option<usize>| {
        let value = |lab: &[f64; 3]| Complex64::new(lab[real], imaginary.map_or(0.0, |channel| lab[channel]));
        let mut spectrum = transform.forward(small.iter().map(value).collect());
        spectrum.iter_mut().zip(&weights).for_each(|(v, weight)| *v *= *weight);
        transform.inverse(spectrum)
    };
    let (two, one) = (filtered(0, Some(1)), filtered(2, None));
    two.iter().zip(&one).map(|(two, one)| (two.norm_sqr() + one.re * one.re).sqrt()).collect()
}

/// The map at the image's size, interpolated so that corners meet corners.
fn enlarged(map: &[f64], (width, height): (usize, usize)) -> Plane {
    let place = |at: usize, new: usize| {
        let place = if new > 1 { at as f64 * (SIDE - 1) as f64 / (new - 1) as f64 } else { 0.0 };
        let first = (place as usize).min(SIDE - 1);
        (first, (first + 1).min(SIDE - 1), place - first as f64)
    };
    let columns: Vec<_> = (0..width).map(|x| place(x, width)).collect();
    let wide: Vec<Vec<f64>> = map
        .par_chunks_exact(SIDE)
        .map(|row| columns.iter().map(|&(a, b, share)| (1.0 - share) * row[a] + share * row[b]).collect())
        .collect();
    let mut data = vec![0.0; width * height];
    data.par_chunks_exact_mut(width).enumerate().for_each(|(y, out)| {
        let (top, bottom, share) = place(y, height);
        let values = wide[top].iter().zip(&wide[bottom]);
        out.iter_mut().zip(values).for_each(|(v, (a, b))| *v = (1.0 - share) * a + share * b);
    });
    Plane { width, height, data }
}
