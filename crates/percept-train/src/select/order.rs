//! How often a selection puts photos in the right order.

/// Of all pairs of different `photos` on rungs of the same kind, the share in which the photo that was distorted more is
/// farther from its original: by `weights` over `response`, averaged over each tap and summed. `None` of fewer than two.
///
/// `distances` are by rung and tap, photo after photo.
pub(super) fn ordered(
    distances: &[Vec<Vec<f32>>],
    weights: &[Vec<f32>],
    response: &[Vec<f32>],
    photos: &[usize],
    levels: usize,
) -> Option<f64> {
    let far = |rung: &[Vec<f32>], photo: usize| {
        let taps = rung.iter().zip(weights).zip(response).map(|((all, weights), response)| {
            let start = photo * weights.len();
            let channels = all.get(start..start + weights.len()).unwrap_or_default();
            let weighted = channels.iter().zip(weights).zip(response);
            weighted.map(|((d, w), r)| f64::from(d * w / (r + 1e-12))).sum::<f64>() / weights.len() as f64
        });
        taps.sum::<f64>()
    };
    let (mut right, mut all) = (0usize, 0usize);
    for kind in distances.chunks(levels) {
        let far: Vec<Vec<f64>> =
            kind.iter().map(|rung| photos.iter().map(|photo| far(rung, *photo)).collect()).collect();
        for (level, less) in far.iter().enumerate() {
            for more in far.iter().skip(level + 1) {
                for (i, less) in less.iter().enumerate() {
                    let others = more.iter().enumerate().filter(|(j, _)| *j != i);
                    others.for_each(|(_, more)| {
                        all += 1;
                        right += usize::from(less < more);
                    });
                }
            }
        }
    }
    (all > 0).then(|| right as f64 / all as f64)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Two levels of one kind, two photos, two channels: the first channel knows the order, the second is loud and wrong.
    #[test]
    fn weights_decide_the_order() {
        let distances = vec![vec![vec![1.0, 9.0, 1.0, 8.0]], vec![vec![2.0, 1.0, 2.0, 2.0]]];
        let response = vec![vec![1.0, 1.0]];
        let of = |weights: [f32; 2]| ordered(&distances, &[weights.to_vec()], &response, &[0, 1], 2);
        assert_eq!(of([2.0, 0.0]), Some(1.0));
        assert_eq!(of([0.0, 2.0]), Some(0.0));
        assert_eq!(ordered(&distances, &[vec![1.0, 1.0]], &response, &[1], 2), None);
    }
}
