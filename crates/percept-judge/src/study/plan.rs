//! Which trials a participant sees, in which order, on which sides.

use percept_image::{Rng, rng_for};
use rand::RngExt;
use rand::seq::{IndexedRandom, SliceRandom};

use super::trial::{Kind, Role, Trial};
use super::{Design, Settings};

/// Generators that [`rng_for`] derives from the seed and the participant (0: all of them).
const PHOTOS: u64 = 0;
const TRIALS: u64 = 1;

/// What the trials of all participants are made of.
#[derive(Clone, Debug, PartialEq)]
pub struct Plan<'a> {
    /// Design, seed, and how many trials, repeats and checks.
    pub settings: &'a Settings,
    /// How many methods there are.
    pub methods: usize,
    /// How many photos there are.
    pub photos: usize,
    /// How many of them have a spoiled version, for attention checks.
    pub spoiled: usize,
}

impl Plan<'_> {
    /// The photos, in an order that is the study's alone.
    fn photo_order(&self) -> Vec<usize> {
        let mut order: Vec<usize> = (0..self.photos).collect();
        order.shuffle(&mut rng_for(self.settings.seed, 0, PHOTOS));
        order
    }

    /// The photos of attention checks.
    pub fn checked_photos(&self) -> Vec<usize> {
        self.photo_order().into_iter().take(self.spoiled).collect()
    }

    /// The trials of a participant (numbered from 1), a function of the seed and the number alone.
    ///
    /// Within a participant every group of methods that are shown together comes up equally often up to one, on each
    /// side equally often up to one; over participants so does every group on every photo. Repeats are of trials of
    /// the first half, in the second half, with sides swapped; checks are spread over all.
    pub fn trials(&self, participant: usize) -> Vec<Trial> {
        let mut rng = rng_for(self.settings.seed, participant as u64, TRIALS);
        let mains = self.mains(participant, &mut rng);
        let repeated = self.repeated(mains.len(), &mut rng);
        let (count, half) = (mains.len() as f64, mains.len().div_ceil(2) as f64);
        // Places on the line of main trials, which are at 0, 1, 2, …
        let mut places: Vec<(f64, Planned)> = Vec::new();
        for original in repeated {
            let Some(main) = mains.get(original) else { continue };
            let repeat = Planned { repeats: Some(original), ..main.clone() }.swapped();
            places.push((rng.random_range(half..=count.max(half)) + 0.5, repeat));
        }
        let checks = self.checks(participant, &mut rng);
        let stretch = count / checks.len().max(1) as f64;
        for (at, check) in checks.into_iter().enumerate() {
            places.push(((at as f64 + rng.random_range(0.0..1.0)) * stretch + 0.5, check));
        }
        places.extend(mains.into_iter().enumerate().map(|(at, main)| (at as f64, main)));
        places.sort_by(|(a, _), (b, _)| a.total_cmp(b));
        numbered(places.into_iter().map(|(_, planned)| planned).collect())
    }

    /// Trials that are asked for their answers, in order.
    fn mains(&self, participant: usize, rng: &mut Rng) -> Vec<Planned> {
        let groups = self.settings.design.groups(self.methods);
        let cells = groups.len() * self.photos;
        let count = self.settings.trials.min(cells);
        let photos = self.photo_order();
        // Groups and photos go round together; where both are back at the start, the photos skip one, so that every
        // cell of the table comes up once before any comes up again.
        let round = cells / gcd(groups.len(), self.photos).max(1);
        let first = participant % cells.max(1) * count % cells.max(1);
        let mut shown: Vec<Vec<Vec<Role>>> = vec![Vec::new(); groups.len()];
        let mut mains: Vec<Planned> = (first..first + count)
            .map(|cell| cell % cells)
            .filter_map(|cell| {
                let group = cell % groups.len();
                let photo = *photos.get((cell + cell / round) % self.photos)?;
                let orders = shown.get_mut(group)?;
                if orders.is_empty() {
                    *orders = rotations(groups.get(group)?, rng);
                }
                Some(Planned { photo, shown: orders.pop()?, ..Planned::default() })
            })
            .collect();
        mains.shuffle(rng);
        part_neighbours(&mut mains);
        mains
    }

    /// Which of `mains` trials are asked again.
    fn repeated(&self, mains: usize, rng: &mut Rng) -> Vec<usize> {
        let half: Vec<usize> = (0..mains.div_ceil(2)).collect();
        let count = (mains as f64 * self.settings.repeats).round() as usize;
        half.sample(rng, count).copied().collect()
    }

    /// Trials that only those who do not look get wrong.
    fn checks(&self, participant: usize, rng: &mut Rng) -> Vec<Planned> {
        let photos = self.checked_photos();
        let side = rng.random_range(0..self.methods.max(2));
        let check = |at: usize| {
            let photo = *photos.get((participant + at) % photos.len().max(1))?;
            let good = |good: bool| if good { Role::Reference } else { Role::Degraded };
            let shown = match self.settings.design {
                Design::Pairs => (0..2).map(|place| good((side + at) % 2 == place)).collect(),
                Design::BestOf => {
                    (0..self.methods).map(|place| good((side + at) % self.methods == place)).collect()
                }
                Design::Mos => vec![good((side + at).is_multiple_of(2))],
            };
            Some(Planned { photo, shown, check: true, repeats: None })
        };
        (0..self.settings.checks).filter_map(check).collect()
    }
}

/// A trial before it has a number.
#[derive(Clone, Debug, Default)]
struct Planned {
    photo: usize,
    shown: Vec<Role>,
    check: bool,
    /// Which main trial it repeats.
    repeats: Option<usize>,
}

impl Planned {
    fn swapped(mut self) -> Self {
        self.shown.reverse();
        self
    }
}

fn numbered(planned: Vec<Planned>) -> Vec<Trial> {
    let mut mains = Vec::new();
    let trial = |(at, planned): (usize, Planned)| {
        let number = at + 1;
        let kind = match planned.repeats {
            // Repeats come after what they repeat.
            Some(main) => Kind::Repeat(mains.get(main).copied().unwrap_or(number)),
            None if planned.check => Kind::Check,
            None => {
                mains.push(number);
                Kind::Main
            }
        };
        Trial { number, kind, photo: planned.photo, shown: planned.shown }
    };
    planned.into_iter().enumerate().map(trial).collect()
}

/// Orders of one group in which every method is at every place once.
fn rotations(group: &[usize], rng: &mut Rng) -> Vec<Vec<Role>> {
    let mut base: Vec<Role> = group.iter().copied().map(Role::Method).collect();
    base.shuffle(rng);
    (0..base.len())
        .map(|by| {
            let mut order = base.clone();
            order.rotate_left(by);
            order
        })
        .collect()
}

/// Moves trials so that no photo follows itself, where that can be done.
fn part_neighbours(trials: &mut [Planned]) {
    let photo = |trials: &[Planned], at: usize| trials.get(at).map(|trial| trial.photo);
    for at in 1..trials.len() {
        if photo(trials, at) == photo(trials, at - 1) {
            let before = photo(trials, at - 1);
            if let Some(other) = (at + 1..trials.len()).find(|other| photo(trials, *other) != before) {
                trials.swap(at, other);
            }
        }
    }
}

fn gcd(a: usize, b: usize) -> usize {
    if b == 0 { a } else { gcd(b, a % b) }
}

#[cfg(test)]
mod tests {
    use std::collections::{BTreeMap, BTreeSet};

    use proptest::prelude::*;

    use super::*;

    fn settings(design: Design, trials: usize, repeats: f64, checks: usize) -> Settings {
        Settings { trials, repeats, checks, ..Settings::new("t", design, 7) }
    }

    /// How often each value comes up.
    fn counts<T: Ord>(values: impl Iterator<Item = T>) -> BTreeMap<T, usize> {
        let mut counts = BTreeMap::new();
        values.for_each(|value| *counts.entry(value).or_default() += 1);
        counts
    }

    fn spread<T: Ord>(counts: &BTreeMap<T, usize>, of: usize) -> usize {
        let most = counts.values().max().copied().unwrap_or(0);
        let least = if counts.len() < of { 0 } else { counts.values().min().copied().unwrap_or(0) };
        most - least
    }

    fn group(trial: &Trial) -> Vec<Role> {
        let mut group = trial.shown.clone();
        group.sort();
        group
    }

    proptest! {
        #[test]
        fn every_participant_has_a_balanced_plan(
            design in prop::sample::select(Design::ALL.to_vec()),
            methods in 2..6usize, photos in 1..14usize, trials in 1..90usize,
            repeats in 0.0..0.5, checks in 0..5usize, seed: u64, participant in 1..200usize,
        ) {
            let settings = Settings { seed, ..settings(design, trials, repeats, checks) };
            let spoiled = settings.checks.min(photos);
            let plan = Plan { settings: &settings, methods, photos, spoiled };
            let all = plan.trials(participant);
            prop_assert_eq!(&all, &plan.trials(participant));
            prop_assert!(all.iter().enumerate().all(|(at, trial)| trial.number == at + 1));
            let mains: Vec<_> = all.iter().filter(|trial| trial.kind == Kind::Main).collect();
            let groups = design.groups(methods).len();
            prop_assert_eq!(mains.len(), trials.min(groups * photos));

            // Groups equally often up to one, none twice on a photo, sides equally often up to one.
            prop_assert!(spread(&counts(mains.iter().map(|trial| group(trial))), groups) <= 1);
            let cells: BTreeSet<_> = mains.iter().map(|trial| (trial.photo, group(trial))).collect();
            prop_assert_eq!(cells.len(), mains.len());
            for (of, _) in counts(mains.iter().map(|trial| group(trial))) {
                let own = mains.iter().filter(|trial| group(trial) == of);
                let left = counts(own.map(|trial| trial.shown[0]));
                prop_assert!(spread(&left, of.len()) <= 1, "{:?}", left);
            }

            let wanted = (mains.len() as f64 * repeats).round() as usize;
            let repeated = all.iter().filter(|trial| matches!(trial.kind, Kind::Repeat(_))).count();
            prop_assert_eq!(repeated, wanted.min(mains.len().div_ceil(2)));
            for trial in &all {
                if let Kind::Repeat(of) = trial.kind {
                    let original = &all[of - 1];
                    prop_assert_eq!(original.kind, Kind::Main);
                    prop_assert_eq!(original.photo, trial.photo);
                    prop_assert!(original.shown.iter().rev().eq(&trial.shown));
                    prop_assert!(trial.number > of + 1 || mains.len() < 2, "{} repeats {}", trial.number, of);
                }
            }

            let asked: Vec<_> = all.iter().filter(|trial| trial.kind == Kind::Check).collect();
            prop_assert_eq!(asked.len(), checks);
            let spoiled = plan.checked_photos();
            prop_assert!(asked.iter().all(|trial| spoiled.contains(&trial.photo)));
        }

        #[test]
        fn participants_together_cover_every_photo_with_every_group(
            methods in 2..5usize, photos in 1..12usize, trials in 1..40usize, participants in 1..40usize,
        ) {
            let settings = settings(Design::Pairs, trials, 0.0, 0);
            let spoiled = settings.checks.min(photos);
            let plan = Plan { settings: &settings, methods, photos, spoiled };
            let all: Vec<_> = (1..=participants).flat_map(|participant| plan.trials(participant)).collect();
            let cells = counts(all.iter().map(|trial| (trial.photo, group(trial))));
            prop_assert!(spread(&cells, photos * Design::Pairs.groups(methods).len()) <= 1, "{:?}", cells);
        }
    }

    #[test]
    fn participants_and_seeds_have_orders_of_their_own() {
        let settings = settings(Design::Pairs, 30, 0.2, 2);
        let plan = Plan { settings: &settings, methods: 3, photos: 10, spoiled: 4 };
        assert_ne!(plan.trials(1), plan.trials(2));
        let other = Settings { seed: 8, ..settings.clone() };
        assert_ne!(plan.trials(1), Plan { settings: &other, ..plan.clone() }.trials(1));
    }

    #[test]
    fn a_photo_does_not_follow_itself() {
        let settings = settings(Design::Pairs, 30, 0.0, 0);
        let plan = Plan { settings: &settings, methods: 3, photos: 10, spoiled: 4 };
        let pairs: Vec<_> = (1..=50)
            .flat_map(|participant| {
                plan.trials(participant)
                    .windows(2)
                    .map(|two| two[0].photo == two[1].photo)
                    .collect::<Vec<_>>()
            })
            .collect();
        let same = pairs.iter().filter(|same| **same).count();
        // Left to chance it would be 2 of 29: about 100 of 1450. What remains are last trials with no one to swap.
        assert!(same <= 10, "{same} of {}", pairs.len());
    }

    #[test]
    fn checks_show_the_reference_on_both_sides() {
        let settings = settings(Design::Pairs, 10, 0.0, 4);
        let plan = Plan { settings: &settings, methods: 2, photos: 10, spoiled: 4 };
        for participant in 1..20 {
            let all = plan.trials(participant);
            let checks = all.iter().filter(|trial| trial.kind == Kind::Check);
            assert_eq!(checks.filter(|trial| trial.shown[0] == Role::Reference).count(), 2);
        }
    }
}
