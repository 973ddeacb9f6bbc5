//! Rank correlation: how far two columns put the same things in the same order.

/// Two columns whose values are ranked once, so that correlations of many resamples need no sorting.
///
/// A resample is a list of weights, one a row: how often the row was drawn. Results equal those of the table in which
/// every row stands as often as its weight says.
#[derive(Clone, Debug)]
pub struct Ranked {
    /// For every row the place of its value among the different values of the column, from 0.
    x: Vec<usize>,
    y: Vec<usize>,
    /// How many different values each column has.
    values: (usize, usize),
    /// The rows in the order of `x`, those of equal `x` in the order of `y`.
    order: Vec<usize>,
}

/// Pairs of rows, counted by how the two columns order them (Kendall, "The treatment of ties in ranking problems",
/// Biometrika, 1945).
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Concordance {
    /// Pairs that both columns order the same way.
    pub concordant: f64,
    /// Pairs that they order the other way round.
    pub discordant: f64,
    /// Pairs that only `x` has as equal.
    pub tied_x: f64,
    /// Pairs that only `y` has as equal.
    pub tied_y: f64,
}

impl Ranked {
    /// Ranks the columns; infinities are the largest and the smallest values. `None` when the lengths differ or a
    /// value is NaN.
    pub fn new(x: &[f64], y: &[f64]) -> Option<Self> {
        if x.len() != y.len() || x.iter().chain(y).any(|value| value.is_nan()) {
            return None;
        }
        let ((x, x_values), (y, y_values)) = (places(x), places(y));
        let mut order: Vec<usize> = (0..x.len()).collect();
        order.sort_unstable_by_key(|row| (x.get(*row), y.get(*row)));
        Some(Self { x, y, values: (x_values, y_values), order })
    }

    /// Number of rows.
    pub fn len(&self) -> usize {
        self.order.len()
    }

    /// Whether there are no rows.
    pub fn is_empty(&self) -> bool {
        self.order.is_empty()
    }

    /// Spearman's rank correlation in `[-1, 1]`: the linear correlation of the ranks, equal values sharing their mean
    /// rank (Spearman, "The proof and measurement of association between two things", 1904). `None` when a
    /// column has fewer than two different values.
    pub fn spearman(&self, weights: &[f64]) -> Option<f64> {
        let x = mid_ranks(&self.x, self.values.0, weights);
        let y = mid_ranks(&self.y, self.values.1, weights);
        pearson(&x, &y, weights)
    }

    /// Kendall's rank correlation tau-b in `[-1, 1]`: the share of concordant pairs less that of discordant ones,
    /// corrected for ties. `None` when a column has fewer than two different values.
    pub fn kendall(&self, weights: &[f64]) -> Option<f64> {
        let Concordance { concordant, discordant, tied_x, tied_y } = self.concordance(weights);
        let untied = concordant + discordant;
        let scale = ((untied + tied_y) * (untied + tied_x)).sqrt();
        (scale > 0.0).then(|| (concordant - discordant) / scale)
    }

    /// Counts pairs of rows in `O(n log n)`, after Knight ("A computer method for calculating Kendall's tau with
    /// ungrouped data", JASA, 1966), with a Fenwick tree for his merge sort. Pairs that are equal in both columns are
    /// none of the four kinds.
    pub fn concordance(&self, weights: &[f64]) -> Concordance {
        let (x, y) = (|row: &usize| self.x.get(*row), |row: &usize| self.y.get(*row).copied().unwrap_or(0));
        let total = |rows: &[usize]| -> f64 { rows.iter().filter_map(|row| weights.get(*row)).sum() };
        let pairs = |total: f64| total * (total - 1.0) / 2.0;
        let mut seen = Fenwick::new(self.values.1);
        let mut counts = Concordance::default();
        let mut before = 0.0;
        // Rows of one `x` are compared with those before them and with each other, then added.
        for equal_x in self.order.chunk_by(|a, b| x(a) == x(b)) {
            let all = total(equal_x);
            counts.tied_x += pairs(all);
            for equal in equal_x.chunk_by(|a, b| y(a) == y(b)) {
                let (weight, place) = (total(equal), equal.first().map_or(0, y));
                let (smaller, at_most) = (seen.sum(place), seen.sum(place + 1));
                counts.concordant += weight * smaller;
                counts.tied_y += weight * (at_most - smaller);
                counts.discordant += weight * (before - at_most);
                counts.tied_x -= pairs(weight);
            }
            for row in equal_x {
                seen.add(y(row), weights.get(*row).copied().unwrap_or(0.0));
            }
            before += all;
        }
        counts
    }
}

/// The linear correlation of two columns whose rows count `weights` times, in `[-1, 1]`; `None` where one of them is
/// constant or a value is not finite.
pub fn pearson(x: &[f64], y: &[f64], weights: &[f64]) -> Option<f64> {
    let rows = || x.iter().zip(y).zip(weights).map(|((x, y), w)| (*x, *y, *w));
    let total: f64 = rows().map(|(.., w)| w).sum();
    let sums = rows().fold((0.0, 0.0), |(a, b), (x, y, w)| (a + w * x, b + w * y));
    let (mx, my) = (sums.0 / total, sums.1 / total);
    let (xx, yy, xy) = rows().fold((0.0, 0.0, 0.0), |(xx, yy, xy), (x, y, w)| {
        let (dx, dy) = (x - mx, y - my);
        (xx + w * dx * dx, yy + w * dy * dy, xy + w * dx * dy)
    });
    // Equal values leave a trace of rounding, which is no variance.
    let varies = |squares: f64, mean: f64| squares > total * (1e-14 * mean.abs()).powi(2);
    let result = xy / (xx * yy).sqrt();
    (varies(xx, mx) && varies(yy, my) && result.is_finite()).then(|| result.clamp(-1.0, 1.0))
}

/// For every row the place of its value among the different ones, and how many those are.
fn places(values: &[f64]) -> (Vec<usize>, usize) {
    let value = |row: usize| values.get(row).copied().unwrap_or(f64::NAN);
    let mut order: Vec<usize> = (0..values.len()).collect();
    order.sort_unstable_by(|a, b| value(*a).total_cmp(&value(*b)));
    let (mut places, mut count) = (vec![0; values.len()], 0);
    for equal in order.chunk_by(|a, b| value(*a) == value(*b)) {
        equal.iter().for_each(|row| places[*row] = count);
        count += 1;
    }
    (places, count)
}

/// The mean rank of every row's value.
fn mid_ranks(places: &[usize], values: usize, weights: &[f64]) -> Vec<f64> {
    let mut totals = vec![0.0; values];
    for (place, weight) in places.iter().zip(weights) {
        totals[*place] += weight;
    }
    let mut before = 0.0;
    for total in &mut totals {
        let rank = before + (*total + 1.0) / 2.0;
        before += *total;
        *total = rank;
    }
    places.iter().map(|place| totals[*place]).collect()
}

/// Sums of the first so many of a list that changes (Fenwick, "A new data structure for cumulative frequency tables",
/// 1994).
struct Fenwick(Vec<f64>);

impl Fenwick {
    fn new(length: usize) -> Self {
        Self(vec![0.0; length + 1])
    }

    fn add(&mut self, at: usize, value: f64) {
        let mut at = at + 1;
        while let Some(sum) = self.0.get_mut(at) {
            *sum += value;
            at += at & at.wrapping_neg();
        }
    }

    fn sum(&self, count: usize) -> f64 {
        let (mut at, mut sum) = (count, 0.0);
        while at > 0 {
            sum += self.0.get(at).copied().unwrap_or(0.0);
            at &= at - 1;
        }
        sum
    }
}
