//! Slows down guessing: ten wrong secrets or passwords in a minute for one id or one address.

use std::collections::HashMap;
use std::hash::{BuildHasher, RandomState};
use std::net::IpAddr;
use std::sync::{Mutex, MutexGuard, PoisonError};

/// How many wrong ones are let through in [`WINDOW_MS`].
const LIMIT: usize = 10;
const WINDOW_MS: i64 = 60_000;
/// How many ids and addresses are watched at a time; some 7 MB.
const CAPACITY: usize = 65_536;

/// Whose guesses are counted together.
#[derive(Clone, Copy, Debug)]
pub enum Subject<'a> {
    /// An application of a tenant, known or not.
    Application { tenant_id: i64, client_id: &'a str },
    /// A folded login name of a tenant, known or not.
    Login { tenant_id: i64, login_key: &'a str },
    /// The address of the caller. IPv6 counts by /64: that is what one customer gets.
    Address(IpAddr),
}

/// The times of the last wrong guesses, oldest first.
#[derive(Clone, Copy, Default)]
struct Failures {
    at_ms: [i64; LIMIT],
    count: usize,
}

impl Failures {
    fn forget_before(&mut self, limit_ms: i64) {
        let old = self.at_ms[..self.count].iter().take_while(|at| **at <= limit_ms).count();
        self.at_ms.copy_within(old..self.count, 0);
        self.count -= old;
    }

    fn push(&mut self, now_ms: i64) {
        if self.count == LIMIT {
            self.at_ms.copy_within(1.., 0);
            self.count -= 1;
        }
        self.at_ms[self.count] = now_ms;
        self.count += 1;
    }

    fn newest_ms(&self) -> i64 {
        self.count.checked_sub(1).map_or(i64::MIN, |last| self.at_ms[last])
    }
}

/// Counts wrong secrets and passwords, in this process only.
#[derive(Default)]
pub struct Throttle {
    /// By a keyed hash of the subject: ids come from strangers and may be long.
    failures: Mutex<HashMap<u64, Failures>>,
    hasher: RandomState,
}

impl Throttle {
    /// Whether another guess is allowed. Fails with the seconds to wait, at least 1.
    pub fn check(&self, subjects: &[Subject<'_>], now_ms: i64) -> Result<(), u64> {
        let mut failures = self.lock();
        let mut wait_ms = 0;
        for subject in subjects {
            if let Some(entry) = failures.get_mut(&self.key(*subject)) {
                entry.forget_before(now_ms - WINDOW_MS);
                if entry.count == LIMIT {
                    wait_ms = wait_ms.max(entry.at_ms[0] + WINDOW_MS - now_ms);
                }
            }
        }
        match u64::try_from(wait_ms) {
            Ok(wait_ms) if wait_ms > 0 => Err(wait_ms.div_ceil(1_000)),
            _ => Ok(()),
        }
    }

    /// Counts one wrong secret or password against each of the subjects.
    pub fn record(&self, subjects: &[Subject<'_>], now_ms: i64) {
        let mut failures = self.lock();
        for subject in subjects {
            let key = self.key(*subject);
            if failures.len() >= CAPACITY && !failures.contains_key(&key) {
                make_room(&mut failures, now_ms);
            }
            let entry = failures.entry(key).or_default();
            entry.forget_before(now_ms - WINDOW_MS);
            entry.push(now_ms);
        }
    }

    fn key(&self, subject: Subject<'_>) -> u64 {
        match subject {
            Subject::Application { tenant_id, client_id } => {
                self.hasher.hash_one((0_u8, tenant_id, client_id))
            }
            Subject::Login { tenant_id, login_key } => {
                self.hasher.hash_one((1_u8, tenant_id, login_key))
            }
            Subject::Address(IpAddr::V4(address)) => self.hasher.hash_one((2_u8, address.octets())),
            Subject::Address(IpAddr::V6(address)) => match address.to_ipv4_mapped() {
                Some(address) => self.hasher.hash_one((2_u8, address.octets())),
                None => self.hasher.hash_one((3_u8, &address.octets()[..8])),
            },
        }
    }

    fn lock(&self) -> MutexGuard<'_, HashMap<u64, Failures>> {
        self.failures.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Drops what is over, and the older half when that is not enough.
fn make_room(failures: &mut HashMap<u64, Failures>, now_ms: i64) {
    failures.retain(|_, entry| entry.newest_ms() > now_ms - WINDOW_MS);
    if failures.len() < CAPACITY {
        return;
    }
    let mut newest: Vec<i64> = failures.values().map(Failures::newest_ms).collect();
    let middle = newest.len() / 2;
    let (_, median, _) = newest.select_nth_unstable(middle);
    let median = *median;
    // Those who are locked out stay so: otherwise a flood of names would be a way back in.
    failures.retain(|_, entry| entry.newest_ms() > median || entry.count == LIMIT);
    if failures.len() >= CAPACITY {
        failures.clear();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const APPLICATION: Subject<'_> = Subject::Application { tenant_id: 1, client_id: "a" };

    fn address(text: &str) -> Subject<'static> {
        Subject::Address(text.parse().unwrap())
    }

    #[test]
    fn the_eleventh_guess_in_a_minute_has_to_wait_for_the_first() {
        let throttle = Throttle::default();
        for guess in 0..10 {
            let now_ms = guess * 1_000;
            assert_eq!(throttle.check(&[APPLICATION], now_ms), Ok(()));
            throttle.record(&[APPLICATION], now_ms);
        }
        assert_eq!(throttle.check(&[APPLICATION], 10_000), Err(50));
        assert_eq!(throttle.check(&[APPLICATION], 59_999), Err(1));
        assert_eq!(throttle.check(&[APPLICATION], 60_000), Ok(()));
        throttle.record(&[APPLICATION], 60_000);
        assert_eq!(throttle.check(&[APPLICATION], 60_001), Err(1));
    }

    #[test]
    fn subjects_are_counted_apart() {
        let throttle = Throttle::default();
        let login = Subject::Login { tenant_id: 1, login_key: "a" };
        for _ in 0..10 {
            throttle.record(&[APPLICATION, address("192.0.2.1")], 0);
        }
        assert!(throttle.check(&[APPLICATION], 0).is_err());
        assert!(throttle.check(&[login, address("192.0.2.1")], 0).is_err());
        assert!(throttle.check(&[address("::ffff:192.0.2.1")], 0).is_err());
        let other_tenant = Subject::Application { tenant_id: 2, client_id: "a" };
        assert!(throttle.check(&[login, other_tenant, address("192.0.2.2")], 0).is_ok());
    }

    #[test]
    fn an_ipv6_network_counts_as_one_address() {
        let throttle = Throttle::default();
        for host in 0..10 {
            throttle.record(&[address(&format!("2001:db8::{host}"))], 0);
        }
        assert!(throttle.check(&[address("2001:db8::ffff:1")], 0).is_err());
        assert!(throttle.check(&[address("2001:db8:0:1::1")], 0).is_ok());
    }

    #[test]
    fn a_flood_of_names_stays_in_bounds_and_frees_nobody() {
        let throttle = Throttle::default();
        for _ in 0..10 {
            throttle.record(&[APPLICATION], 0);
        }
        for number in 0..150_000_i64 {
            let name = number.to_string();
            throttle.record(&[Subject::Login { tenant_id: 1, login_key: &name }], number / 3_000);
        }
        assert!(throttle.lock().len() <= CAPACITY);
        assert!(throttle.check(&[APPLICATION], 60).is_err());
    }
}
