//! Images that go through models in tiles.

use percept_image::Image;
use percept_nn::model::Tiling;
use percept_nn::network::{CompactConfig, EdsrConfig, NafNetConfig, NetworkConfig, RrdbNetConfig};

use crate::common::tiny::*;

#[test]
fn tiles_give_what_one_piece_gives() {
    let edsr = NetworkConfig::Edsr(EdsrConfig { num_feat: 12, num_block: 4, ..EdsrConfig::default() });
    let rrdb = |num_block| {
        NetworkConfig::RrdbNet(RrdbNetConfig {
            num_feat: 8,
            num_block,
            num_grow_ch: 4,
            ..RrdbNetConfig::default()
        })
    };
    let cases = [
        (srresnet(12, 3), 4, 4.0),
        (srresnet(12, 3), 3, 4.0),
        (srresnet(12, 16), 1, 2.0),
        (edsr, 2, 1.5),
        (rrdb(3), 4, 2.0),
        // Sees 320 pixels far, on paper.
        (rrdb(21), 4, 2.0),
        (rrdb(2), 2, 2.0),
        (
            NetworkConfig::Compact(CompactConfig { num_feat: 12, num_conv: 4, ..CompactConfig::default() }),
            4,
            2.0,
        ),
        (nafnet(8), 1, 1.0),
        (span(true), 2, 1.0),
        (span(false), 4, 1.0),
        (realplksr(true, false), 4, 1.0),
        (drunet(), 1, 1.0),
        // Their means are those of the whole photo.
        (fbcnn(), 1, 1.0),
        (realplksr(false, true), 2, 1.0),
        (swinir(2), 4, 2.0),
        (swinir(6), 1, 4.0),
        (scunet(), 1, 1.5),
        // Their channels are compared over the whole photo; windows of the last have zeros beyond its edges.
        (restormer(), 1, 1.0),
        (dat([4, 8]), 2, 1.0),
    ];
    for (network_g, scale, growth) in cases {
        let name = format!("{} x{scale}", network_g.name());
        let model = model(network_g, scale, 3, growth);
        let image = photo(147, 101);
        let whole = model.restore(&image, Tiling::whole()).unwrap();
        assert_eq!(whole.size(), (147 * scale, 101 * scale));
        let life = liveliness(&whole);
        assert!(life > 0.01, "{name}: {life}");
        let tiles = |overlap| Tiling { size: Some(48), overlap };
        let difference = largest_difference(&whole, &model.restore(&image, tiles(None)).unwrap());
        assert!(difference <= 1.0 / 255.0, "{name}: {difference}");
        let bare = largest_difference(&whole, &model.restore(&image, tiles(Some(0))).unwrap());
        assert!(bare > 1.0 / 255.0, "{name}: without overlap {bare}, so the test tests nothing");
    }
}

/// The mean of a tile is not the mean of the photo: half of it is black.
#[test]
fn channel_attention_sees_the_whole_photo_in_every_tile() {
    let model = model(nafnet(8), 1, 3, 1.0);
    let half = Image::from_fn(160, 48, |x, y, c| if x < 80 { 0.0 } else { photo(160, 48).pixel(x, y)[c] });
    let whole = model.restore(&half, Tiling::whole()).unwrap();
    let tiled = model.restore(&half, Tiling { size: Some(48), overlap: None }).unwrap();
    let difference = largest_difference(&whole, &tiled);
    assert!(difference <= 1.0 / 255.0, "{difference}");
    // A part by itself, which is what a tile with its own mean would be, differs inside too.
    let part = model.restore(&half.crop(64, 0, 96, 48), Tiling::whole()).unwrap();
    let difference = largest_difference(&whole.crop(128, 8, 32, 32), &part.crop(64, 8, 32, 32));
    assert!(difference > 1.0 / 255.0, "{difference}: the mean does not matter, so the test tests nothing");
}

#[test]
fn every_size_goes_through() {
    let naf = NetworkConfig::NafNet(NafNetConfig { width: 4, ..NafNetConfig::default() });
    let rrdb = NetworkConfig::RrdbNet(RrdbNetConfig {
        num_feat: 4,
        num_block: 1,
        num_grow_ch: 2,
        ..RrdbNetConfig::default()
    });
    for (network_g, scale) in
        [(naf, 1), (srresnet(4, 1), 4), (rrdb, 1), (swinir(1), 2), (restormer(), 1), (dat([2, 4]), 1)]
    {
        let model = model(network_g, scale, 3, 1.0);
        for (width, height) in [(1, 1), (1, 40), (17, 3), (33, 50)] {
            let tilings =
                [(None, None), (Some(1), Some(0)), (Some(16), None), (Some(usize::MAX), Some(usize::MAX))];
            for (size, overlap) in tilings.into_iter().take(if width < 20 { 4 } else { 1 }) {
                let restored = model.restore(&photo(width, height), Tiling { size, overlap }).unwrap();
                assert_eq!(restored.size(), (scale * width, scale * height));
                assert!(restored.data().iter().all(|value| (0.0..=1.0).contains(value)));
            }
        }
        assert_eq!(model.restore(&photo(0, 0), Tiling::default()).unwrap().size(), (0, 0));
    }
}

/// Where its authors do not want it so, padding with zeros would be a dark edge that the network answers to.
#[test]
fn padding_continues_the_image() {
    let model = model(restormer(), 1, 3, 1.0);
    let restore = |width, height| {
        let grey = Image::from_fn(width, height, |_, _, _| 0.6);
        model.restore(&grey, Tiling::whole()).unwrap()
    };
    let difference = largest_difference(&restore(64, 64).crop(0, 0, 61, 63), &restore(61, 63));
    assert!(difference < 1e-4, "{difference}");
}
