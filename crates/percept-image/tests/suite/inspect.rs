//! What can be wrong with photos that are to be trained on: real photos with known faults.

use std::path::Path;

use percept_image::degrade::{GaussianBlur, Jpeg};
use percept_image::inspect::{Fingerprint, blockiness, displacement, is_grey};
use percept_image::resize::imresize;
use percept_image::{Degradation, Image, Srgb, list_photos, read_srgb, rng_for};

/// The bundled photos by name, half as large, so that what their own compression left is gone.
fn photos() -> Vec<(String, Image<Srgb>)> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../assets/photos");
    let paths = ["train", "val"].iter().flat_map(|name| list_photos(folder.join(name)).unwrap());
    let half = |path: std::path::PathBuf| {
        let name = path.file_stem().unwrap().to_string_lossy().into_owned();
        let photo = read_srgb(&path).unwrap();
        (name, resized(&photo, photo.width() / 2, photo.height() / 2))
    };
    paths.map(half).collect()
}

fn resized(image: &Image<Srgb>, width: usize, height: usize) -> Image<Srgb> {
    imresize(image, width, height).map(|v| v.clamp(0.0, 1.0))
}

fn compressed(image: &Image<Srgb>, quality: f64) -> Image<Srgb> {
    let jpeg = Jpeg { quality: quality.into(), ..Jpeg::default() };
    jpeg.apply(image.clone(), &mut rng_for(0, 0, 0))
}

#[test]
fn blocks_of_a_jpeg_are_seen_wherever_their_grid_begins() {
    for (name, photo) in photos() {
        let plain = blockiness(&photo).unwrap();
        assert!(plain < 0.05, "{name}: {plain}");
        let (fair, poor) = (compressed(&photo, 50.0), compressed(&photo, 20.0));
        let [fair_blocks, poor_blocks] = [&fair, &poor].map(|image| blockiness(image).unwrap());
        // All of it is texture.
        if name != "gravel" {
            assert!(fair_blocks > 0.07 && poor_blocks > 0.1, "{name}: {fair_blocks} {poor_blocks}");
            let cut = fair.crop(3, 5, fair.width() - 3, fair.height() - 5);
            let ratio = blockiness(&cut).unwrap() / fair_blocks;
            assert!((0.7..1.4).contains(&ratio), "{name}: {ratio}");
        }
    }
    let flat = Image::<Srgb>::from_fn(100, 100, |_, _, _| 0.5);
    assert_eq!((blockiness(&flat), blockiness(&flat.crop(0, 0, 63, 100))), (None, None));
}

#[test]
fn a_shift_is_found_to_a_part_of_a_pixel_through_compression() {
    for (name, photo) in photos() {
        let (width, height) = (photo.width() / 8 * 8 - 16, photo.height() / 8 * 8 - 16);
        let small = |x: usize, y: usize| resized(&photo.crop(x, y, width, height), width / 4, height / 4);
        let here = small(4, 4);
        // What begins eight pixels further to the right is shown two to the left, at a quarter of the size.
        for (x, y) in [(4, 4), (12, 4), (4, 6), (5, 4), (0, 8)] {
            let there = small(x, y);
            let expected = [(4.0 - x as f64) / 4.0, (4.0 - y as f64) / 4.0];
            for (what, other, tolerance, fit) in
                [("plain", there.clone(), 0.05, 0.8), ("JPEG", compressed(&there, 40.0), 0.3, 0.5)]
            {
                let found = displacement(&here, &other).unwrap();
                let far = (found.x - expected[0]).hypot(found.y - expected[1]);
                assert!(far < tolerance && found.fit > fit, "{name}, {what}, {x}, {y}: {found:?}");
            }
        }
        let blur = GaussianBlur { sigma: 1.5.into(), aspect: 1.0.into(), angle: 0.0.into() };
        let blurred = blur.apply(here.clone(), &mut rng_for(0, 0, 0));
        let found = displacement(&here, &blurred).unwrap();
        // What is beyond the edge is mirrored in.
        assert!(found.x.hypot(found.y) < 0.2 && found.fit > 0.5, "{name}: {found:?}");
    }
}

#[test]
fn different_photos_fit_nowhere_and_look_like_none_of_the_others() {
    let photos = photos();
    let small: Vec<_> = photos.iter().map(|(_, photo)| resized(photo, 110, 74)).collect();
    let prints: Vec<_> = photos.iter().map(|(_, photo)| Fingerprint::of(photo)).collect();
    for (at, other) in (0..photos.len()).flat_map(|at| (0..at).map(move |other| (at, other))) {
        let found = displacement(&small[at], &small[other]).unwrap();
        assert!(found.fit < 0.22, "{} {}: {found:?}", photos[at].0, photos[other].0);
        let alike = prints[at].is_alike(&prints[other]) || prints[at].is_same(&prints[other]);
        assert!(!alike, "{} {}", photos[at].0, photos[other].0);
    }
    let flat = Image::<Srgb>::from_fn(30, 30, |_, _, _| 0.5);
    assert_eq!((displacement(&flat, &flat), displacement(&flat, &small[0])), (None, None));
}

#[test]
fn versions_of_one_photo_look_alike() {
    for (name, photo) in photos() {
        let print = Fingerprint::of(&photo);
        assert!(print.is_same(&Fingerprint::of(&photo.clone())) && print.is_alike(&print));
        let (width, height) = photo.size();
        let versions = [
            ("smaller", resized(&photo, width * 2 / 3, height * 2 / 3)),
            ("larger", resized(&photo, width * 3 / 2, height * 3 / 2)),
            ("compressed", compressed(&photo, 30.0)),
            ("darker", photo.clone().map(|v| v * 0.8)),
        ];
        for (what, version) in versions {
            let other = Fingerprint::of(&version);
            assert!(!print.is_same(&other) && print.is_alike(&other), "{name}, {what}");
        }
    }
    let flat = Fingerprint::of(&Image::from_fn(50, 50, |_, _, _| 0.5));
    assert!(flat.is_same(&flat) && !flat.is_alike(&flat), "two flat photos are not called versions of one");
}

#[test]
fn grey_is_what_has_no_colour() {
    let (_, photo) = photos().remove(0);
    let grey = Image::<Srgb>::from_fn(photo.width(), photo.height(), |x, y, _| photo.pixel(x, y)[1]);
    assert!(is_grey(&grey) && is_grey(&compressed(&grey, 80.0)) && !is_grey(&photo));
}
