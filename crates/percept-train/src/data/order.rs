//! The order in which a run shows its photos.

use percept_image::rng_for;
use rand::RngExt;

/// The generator's third number for the order of an epoch; samples of a batch count from 0.
const ORDER: u64 = u64::MAX;
/// That for the order of the roots within a block; the orders of their photos take those that follow.
const ROOTS: u64 = u64::MAX / 2;
/// So many places are shared out at a time.
const BLOCK: u64 = 1000;

/// Which photo comes at which place: a function of the seed and the place. Photos that are drawn together come in a new order
/// every epoch, and each epoch shows each once.
pub(super) struct Order {
    seed: u64,
    groups: Vec<Group>,
}

/// Photos that are drawn together.
struct Group {
    /// The number of the first.
    first: usize,
    photos: usize,
    /// Places of a block.
    quota: u64,
    /// The third number of the generator.
    stream: u64,
}

impl Order {
    /// For roots of so many photos each. Without shares all are drawn together; with them, each root has its share of every
    /// thousand places, at least one.
    pub fn new(seed: u64, roots: &[usize], shares: &[f64]) -> Self {
        if shares.is_empty() || roots.len() < 2 {
            let group = Group { first: 0, photos: roots.iter().sum(), quota: BLOCK, stream: ORDER };
            return Self { seed, groups: vec![group] };
        }
        let mut first = 0;
        let groups = roots.iter().zip(quotas(shares)).zip(1..).map(|((photos, quota), number)| {
            let group = Group { first, photos: *photos, quota, stream: ROOTS + number };
            first += photos;
            group
        });
        Self { seed, groups: groups.collect() }
    }

    /// The photos at `places`.
    pub fn photos(&self, places: impl Iterator<Item = u64>) -> Vec<usize> {
        let mut known = Known { roots: None, epochs: self.groups.iter().map(|_| None).collect() };
        places.map(|place| self.photo(place, &mut known)).collect()
    }

    fn photo(&self, place: u64, known: &mut Known) -> usize {
        let (group, at) = match self.groups.len() {
            1 => (0, place),
            _ => {
                let (block, within) = (place / BLOCK, (place % BLOCK) as usize);
                if known.roots.as_ref().is_none_or(|(of, _)| *of != block) {
                    known.roots = Some((block, self.roots(block)));
                }
                let roots = known.roots.as_ref().map(|(_, roots)| roots.as_slice()).unwrap_or_default();
                let group = roots[within];
                let before = roots[..within].iter().filter(|root| **root == group).count() as u64;
                (group, block * self.groups[group].quota + before)
            }
        };
        let Group { first, photos, stream, .. } = self.groups[group];
        let (epoch, within) = (at / photos as u64, (at % photos as u64) as usize);
        if known.epochs[group].as_ref().is_none_or(|(of, _)| *of != epoch) {
            known.epochs[group] = Some((epoch, shuffled((0..photos).collect(), self.seed, epoch, stream)));
        }
        first + known.epochs[group].as_ref().map_or(0, |(_, order)| order[within])
    }

    /// Whose turn it is at every place of a block.
    fn roots(&self, block: u64) -> Vec<usize> {
        let places = |(at, group): (usize, &Group)| std::iter::repeat_n(at, group.quota as usize);
        shuffled(self.groups.iter().enumerate().flat_map(places).collect(), self.seed, block, ROOTS)
    }
}

/// Orders that are in use: of the block, and of the epoch of every group.
struct Known {
    roots: Option<(u64, Vec<usize>)>,
    epochs: Vec<Option<(u64, Vec<usize>)>>,
}

fn shuffled(mut order: Vec<usize>, seed: u64, number: u64, stream: u64) -> Vec<usize> {
    let mut rng = rng_for(seed, number, stream);
    for last in (1..order.len()).rev() {
        order.swap(last, rng.random_range(0..=last));
    }
    order
}

/// Places of a block for each share, at least one each; what rounding leaves goes to those that lost most by it.
fn quotas(shares: &[f64]) -> Vec<u64> {
    let sum: f64 = shares.iter().sum();
    let exact: Vec<f64> = shares.iter().map(|share| share / sum * BLOCK as f64).collect();
    let mut quotas: Vec<u64> = exact.iter().map(|exact| (exact.floor() as u64).max(1)).collect();
    let lost = |quotas: &[u64], at: usize| exact[at] - quotas[at] as f64;
    loop {
        let given: u64 = quotas.iter().sum();
        let order = |a: &usize, b: &usize| lost(&quotas, *a).total_cmp(&lost(&quotas, *b));
        let at = match given.cmp(&BLOCK) {
            std::cmp::Ordering::Equal => return quotas,
            std::cmp::Ordering::Less => (0..quotas.len()).max_by(order),
            std::cmp::Ordering::Greater => (0..quotas.len()).filter(|at| quotas[*at] > 1).min_by(order),
        };
        let Some(at) = at else { return quotas };
        if given < BLOCK { quotas[at] += 1 } else { quotas[at] -= 1 }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_root_has_its_share_and_shows_each_photo_once_an_epoch() {
        let order = Order::new(3, &[7, 5, 2], &[1.0, 0.5, 0.5]);
        let photos = order.photos(0..4000);
        let count =
            |range: std::ops::Range<usize>| photos.iter().filter(|photo| range.contains(photo)).count();
        assert_eq!([count(0..7), count(7..12), count(12..14)], [2000, 1000, 1000]);
        let of_second: Vec<_> = photos.iter().filter(|photo| (7..12).contains(*photo)).collect();
        for epoch in of_second.chunks_exact(5) {
            let mut sorted = epoch.to_vec();
            sorted.sort();
            assert_eq!(sorted, [&7, &8, &9, &10, &11]);
        }
        // From any place on it is the same.
        assert_eq!(order.photos(1990..2010), photos[1990..2010]);
        assert_ne!(Order::new(4, &[7, 5, 2], &[1.0, 0.5, 0.5]).photos(0..4000), photos);
    }

    #[test]
    fn quotas_sum_to_a_block_whatever_the_shares() {
        for shares in [vec![1.0, 1.0, 1.0], vec![1e-6, 1e6], vec![0.5; 100], vec![3.0, 1e-6, 1e-6, 7.5]] {
            let quotas = quotas(&shares);
            assert_eq!(quotas.iter().sum::<u64>(), BLOCK, "{shares:?}");
            assert!(quotas.iter().all(|quota| *quota >= 1));
        }
        assert_eq!(quotas(&[1e-6, 1e6]), [1, 999]);
    }
}
