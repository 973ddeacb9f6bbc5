//! How often one client may ask.

use std::collections::HashMap;
use std::hash::Hash;
use std::net::IpAddr;
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

/// No more clients than this are remembered.
const REMEMBERED: usize = 4096;

/// A token bucket for every client.
#[derive(Debug)]
pub struct Limit<K> {
    burst: f64,
    per_second: f64,
    /// Tokens left, and when that was.
    buckets: Mutex<HashMap<K, (f64, Instant)>>,
}

impl<K: Eq + Hash + Copy> Limit<K> {
    /// `burst` requests at once, and `per_second` for long.
    pub fn new(burst: f64, per_second: f64) -> Self {
        Self { burst, per_second, buckets: Mutex::new(HashMap::new()) }
    }

    /// Takes a token at the time `now`, or says when there will be one.
    pub fn take(&self, client: K, now: Instant) -> Result<(), Duration> {
        let mut buckets = self.buckets.lock().unwrap_or_else(PoisonError::into_inner);
        let filled = |(tokens, at): (f64, Instant)| {
            (tokens + self.per_second * now.saturating_duration_since(at).as_secs_f64()).min(self.burst)
        };
        if buckets.len() >= REMEMBERED && !buckets.contains_key(&client) {
            // Who has been quiet is forgotten; where nobody has, who asked least.
            buckets.retain(|_, bucket| filled(*bucket) < self.burst);
            let least = buckets.iter().max_by(|a, b| filled(*a.1).total_cmp(&filled(*b.1)));
            if let (true, Some(client)) = (buckets.len() >= REMEMBERED, least.map(|(client, _)| *client)) {
                buckets.remove(&client);
            }
        }
        let bucket = buckets.entry(client).or_insert((self.burst, now));
        let tokens = filled(*bucket);
        if tokens < 1.0 {
            *bucket = (tokens, now);
            return Err(Duration::from_secs_f64((1.0 - tokens) / self.per_second));
        }
        *bucket = (tokens - 1.0, now);
        Ok(())
    }
}

/// Whom an address belongs to, as far as one can say: IPv6 gives a household 2⁶⁴ of them.
pub fn household(address: IpAddr) -> IpAddr {
    match address.to_canonical() {
        IpAddr::V6(address) => IpAddr::V6((address.to_bits() >> 64 << 64).into()),
        address => address,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_burst_passes_and_then_the_rate() {
        let limit = Limit::new(3.0, 2.0);
        let start = Instant::now();
        let at = |ms| start + Duration::from_millis(ms);
        assert!((0..3).all(|_| limit.take("a", at(0)).is_ok()));
        assert_eq!(limit.take("a", at(0)), Err(Duration::from_millis(500)));
        assert!(limit.take("b", at(0)).is_ok(), "others are not held up");
        assert!(limit.take("a", at(499)).is_err());
        assert!(limit.take("a", at(500)).is_ok() && limit.take("a", at(501)).is_err());
        assert!((0..3).all(|_| limit.take("a", at(60_000)).is_ok()));
        assert!(limit.take("a", at(60_000)).is_err(), "a bucket holds no more than a burst");
    }

    #[test]
    fn quiet_clients_are_forgotten() {
        let limit = Limit::new(2.0, 1.0);
        let start = Instant::now();
        (0..REMEMBERED).for_each(|client| assert!(limit.take(client, start).is_ok()));
        assert!(limit.take(REMEMBERED, start + Duration::from_secs(2)).is_ok());
        assert_eq!(limit.buckets.lock().unwrap().len(), 1);
    }

    #[test]
    fn clients_without_number_take_no_memory_and_free_nobody() {
        let limit = Limit::new(3.0, 0.001);
        let start = Instant::now();
        assert!((0..3).all(|_| limit.take(0, start).is_ok()) && limit.take(0, start).is_err());
        (1..3 * REMEMBERED).for_each(|client| assert!(limit.take(client, start).is_ok()));
        assert_eq!(limit.buckets.lock().unwrap().len(), REMEMBERED);
        assert!(limit.take(0, start).is_err(), "who asked much is remembered");
    }

    #[test]
    fn neighbours_in_ipv6_are_one_household() {
        let home = |text: &str| household(text.parse().unwrap());
        assert_eq!(home("2001:db8:1:2:aaaa::1"), home("2001:db8:1:2:bbbb::9"));
        assert_ne!(home("2001:db8:1:2::1"), home("2001:db8:1:3::1"));
        assert_eq!(home("::ffff:10.0.0.1"), home("10.0.0.1"));
        assert_ne!(home("10.0.0.1"), home("10.0.0.2"));
    }
}
