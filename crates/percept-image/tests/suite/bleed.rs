//! Colours under transparent pixels.

use percept_image::resize::imresize;
use percept_image::{Depth, Image, Photo, Srgb};

/// A disc in one colour on a hidden one.
fn sprite(disc: [f32; 3], hidden: [f32; 3], depth: Depth) -> Photo {
    let inside = |x: usize, y: usize| (x as f32 - 8.0).hypot(y as f32 - 6.0) < 4.5;
    let pixels = Image::from_fn(20, 14, |x, y, c| if inside(x, y) { disc[c] } else { hidden[c] });
    let alpha = (0..20 * 14).map(|at| f32::from(u8::from(inside(at % 20, at / 20)))).collect();
    Photo { alpha: Some(alpha), depth, ..Photo::new(pixels) }
}

#[test]
fn a_sprite_of_one_colour_has_it_everywhere() {
    for depth in [Depth::Eight, Depth::Sixteen] {
        for (disc, hidden) in [([0.0; 3], [1.0; 3]), ([0.25, 0.5, 0.75], [1.0, 0.0, 0.0])] {
            let photo = sprite(disc, hidden, depth);
            let bled = photo.bled();
            assert!(bled.data().chunks_exact(3).all(|pixel| pixel == disc), "{depth:?}");
            // Enlarged it is still of one colour; what was hidden would show.
            let far = |image: &Image<Srgb>| {
                let pixels = imresize(image, 80, 56).into_vec();
                pixels.chunks_exact(3).map(|p| (p[0] - disc[0]).abs()).fold(0.0, f32::max)
            };
            assert!(far(&bled) < 1e-5);
            assert!(far(&photo.pixels) > 0.5);
        }
    }
}

#[test]
fn what_can_be_seen_keeps_its_colour() {
    let mut photo = sprite([0.2, 0.4, 0.6], [0.9, 0.1, 0.5], Depth::Eight);
    // A faint pixel of another colour inside, and one alone far outside.
    let alpha = photo.alpha.as_mut().unwrap();
    let (inside, outside) = (6 * 20 + 12, 13 * 20 + 19);
    (alpha[inside], alpha[outside]) = (1.0 / 255.0, 0.5);
    photo.pixels.data_mut()[3 * inside..3 * inside + 3].fill(1.0);
    let bled = photo.bled().into_owned();
    for (at, alpha) in photo.alpha.as_ref().unwrap().iter().enumerate() {
        if *alpha > 0.0 {
            assert_eq!(bled.data()[3 * at..3 * at + 3], photo.pixels.data()[3 * at..3 * at + 3]);
        }
    }
    // Beside the faint white the opaque blue tells nearly all; beside the lone one that one.
    assert!((bled.pixel(13, 6)[0] - 0.2).abs() < 0.01, "{:?}", bled.pixel(13, 6));
    assert_eq!(bled.pixel(18, 12), [0.9, 0.1, 0.5]);
}

#[test]
fn nothing_is_bled_where_all_or_nothing_is_visible() {
    let photo = sprite([0.0; 3], [1.0; 3], Depth::Eight);
    for alpha in [None, Some(vec![0.0; 20 * 14]), Some(vec![1.0; 20 * 14]), Some(vec![0.5; 20 * 14])] {
        let photo = Photo { alpha, ..photo.clone() };
        assert_eq!(*photo.bled(), photo.pixels);
    }
    let nothing = Photo { alpha: Some(Vec::new()), ..Photo::new(Image::from_fn(0, 0, |_, _, _| 0.0)) };
    assert_eq!(nothing.bled().size(), (0, 0));
}
