//! How much an application may ask for: so many requests in a window of time, when a limit is set,
//! and so many at the same time always, so that one that is in a hurry does not hold up the others.
//!
//! Counted in this process. The rate is GCRA: one number for an application, the moment at which all
//! that it asked for would have been answered at the even rate; a whole window's worth may come at
//! once.

use std::str::FromStr;
use std::sync::OnceLock;
use std::sync::atomic::{AtomicI64, AtomicUsize, Ordering};
use std::time::Instant;

use http::HeaderName;
use tokio::sync::{Semaphore, SemaphorePermit};

use crate::reply::Reply;

const LIMIT: HeaderName = HeaderName::from_static("ratelimit-limit");
const REMAINING: HeaderName = HeaderName::from_static("ratelimit-remaining");
const RESET: HeaderName = HeaderName::from_static("ratelimit-reset");

const SECOND_NS: i64 = 1_000_000_000;
const MILLI_NS: i64 = 1_000_000;
/// The longest window, in seconds.
const LONGEST_S: i64 = 86_400;
/// The most requests in a window.
const MOST: i64 = 1_000_000_000;

/// So many requests in a window.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Rate {
    requests: i64,
    window_ns: i64,
}

impl FromStr for Rate {
    type Err = &'static str;

    /// `300/5m`: a number, then a window in `s`, `m` or `h`; the number of the window may be left out.
    fn from_str(text: &str) -> Result<Rate, &'static str> {
        const WRONG: &str = "a number of requests and a window in s, m or h, such as 300/5m";
        let (requests, window) = text.trim().split_once('/').ok_or(WRONG)?;
        let unit_at = window.len().checked_sub(1).filter(|at| window.is_char_boundary(*at));
        let (count, unit) = window.split_at(unit_at.ok_or(WRONG)?);
        let unit_s = match unit {
            "s" => 1,
            "m" => 60,
            "h" => 3_600,
            _ => return Err(WRONG),
        };
        let number = |text: &str| {
            let is_plain = text.bytes().all(|byte| byte.is_ascii_digit());
            text.parse::<i64>().ok().filter(|number| is_plain && (1..=MOST).contains(number))
        };
        let count = if count.is_empty() { Some(1) } else { number(count) }.ok_or(WRONG)?;
        let requests = number(requests).ok_or(WRONG)?;
        match count.saturating_mul(unit_s) {
            seconds @ 1..=LONGEST_S => Ok(Rate { requests, window_ns: seconds * SECOND_NS }),
            _ => Err("a window of at most 24h"),
        }
    }
}

/// What one request did to an application's allowance, for the headers of its reply.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Allowance {
    limit: i64,
    remaining: i64,
    /// Until the whole of it is there again, in seconds.
    reset_s: i64,
    /// Until the next request is let through, in seconds; 0 when this one was.
    pub wait_s: u64,
}

impl Allowance {
    pub fn tell(&self, reply: &mut Reply) {
        for (name, number) in
            [(LIMIT, self.limit), (REMAINING, self.remaining), (RESET, self.reset_s)]
        {
            reply.headers_mut().insert(name, number.into());
        }
    }
}

/// An application's meter. It stays the same for as long as the process knows the application.
#[derive(Debug, Default)]
pub struct Meter {
    /// When everything that was asked for so far would be answered at the even rate, in
    /// nanoseconds since 1970.
    even_ns: AtomicI64,
    places: OnceLock<Semaphore>,
    /// Those that may be taken while other applications ask too.
    share: OnceLock<Semaphore>,
    /// When the work that was done for the application beside others would be paid off, if a tenth of
    /// the time were its own; in nanoseconds since the start of the process.
    paid_off_ns: AtomicI64,
}

/// How many requests of one application are worked on at the same time.
#[derive(Clone, Copy, Debug)]
pub struct Shares {
    /// When it is the only one that asks.
    pub alone: usize,
    /// While others ask too.
    pub beside_others: usize,
}

/// A place among the requests that are worked on; free again when it is dropped.
pub struct Place<'a> {
    _share: Option<SemaphorePermit<'a>>,
    _place: Option<SemaphorePermit<'a>>,
    _work: Option<Work<'a>>,
}

/// Counts how long a request took.
struct Work<'a> {
    meter: &'a Meter,
    began_ns: i64,
}

impl Drop for Work<'_> {
    fn drop(&mut self) {
        let now = process_ns();
        let cost = (now - self.began_ns).saturating_mul(WORK_FACTOR);
        let paid = &self.meter.paid_off_ns;
        let most = now.saturating_add(10 * BUSY_NS);
        let add = |until: i64| Some(until.max(now).saturating_add(cost).min(most));
        let _ = paid.fetch_update(Ordering::Relaxed, Ordering::Relaxed, add);
    }
}

/// An application that is worked for more than one part in so many of the time is busy …
const WORK_FACTOR: i64 = 10;
/// … once that has added up to this.
const BUSY_NS: i64 = 100 * MILLI_NS;

fn process_ns() -> i64 {
    static START: OnceLock<Instant> = OnceLock::new();
    let elapsed = START.get_or_init(Instant::now).elapsed();
    i64::try_from(elapsed.as_nanos()).unwrap_or(i64::MAX)
}

/// Whether more than one application asks.
#[derive(Debug, Default)]
pub struct Crowd {
    /// Whose meter counted last.
    last: AtomicUsize,
    /// When that was another one than before, in milliseconds since 1970.
    changed_ms: AtomicI64,
}

/// For so long after another application asked, there is more than one.
const CROWDED_MS: i64 = 1_000;

impl Crowd {
    /// Notes a request; true when another application has asked within the last second. With one
    /// application alone nothing is written.
    pub fn is_crowded(&self, meter: &Meter, now_ms: i64) -> bool {
        let own = std::ptr::from_ref(meter).addr();
        let last = self.last.load(Ordering::Relaxed);
        if last != own {
            self.last.store(own, Ordering::Relaxed);
            // The very first one has nobody beside it.
            if last != 0 {
                self.changed_ms.store(now_ms, Ordering::Relaxed);
            }
        }
        now_ms - self.changed_ms.load(Ordering::Relaxed) < CROWDED_MS
    }
}

/// Which application it belongs to is told by where it stands, not by what it counted.
impl PartialEq for Meter {
    fn eq(&self, _: &Meter) -> bool {
        true
    }
}

impl Eq for Meter {}

impl Meter {
    /// Counts a request, unless it is one too many.
    pub fn count(&self, rate: Rate, now_ms: i64) -> Allowance {
        let now = now_ms.saturating_mul(MILLI_NS);
        let step = (rate.window_ns / rate.requests).max(1);
        let after = |even: i64| even.max(now) + step;
        let fits = |even: i64| after(even) - now <= rate.window_ns;
        let counted = self.even_ns.fetch_update(Ordering::Relaxed, Ordering::Relaxed, |even| {
            fits(even).then(|| after(even))
        });
        let (even, wait) = match counted {
            Ok(even) => (after(even), 0),
            Err(even) => (even, after(even) - now - rate.window_ns),
        };
        let owed = (even - now).clamp(0, rate.window_ns);
        Allowance {
            limit: rate.requests,
            remaining: (rate.window_ns - owed) / step,
            reset_s: ceil_s(owed),
            wait_s: u64::try_from(ceil_s(wait)).unwrap_or(0),
        }
    }

    /// Waits until fewer requests of the application are worked on than it may have; in the order
    /// of their arrival.
    ///
    /// What is answered from memory never waits once it has begun, so that its place would be free
    /// again before the next one asks for it, and as many would be worked on one after the other as
    /// the application has connections. So a busy application beside others lets everybody else go
    /// first after it has got the place: then the rest of its own wait for places, and there are
    /// never more of them ahead of another application's request than its share.
    pub async fn enter(&self, shares: Shares, crowded: bool) -> Place<'_> {
        let most = |most: usize| Semaphore::new(most.min(Semaphore::MAX_PERMITS));
        let places = self.places.get_or_init(|| most(shares.alone));
        // They are never closed.
        if !crowded {
            return Place { _share: None, _place: places.acquire().await.ok(), _work: None };
        }
        let share = self.share.get_or_init(|| most(shares.beside_others));
        let share = share.acquire().await.ok();
        let place = places.acquire().await.ok();
        let now = process_ns();
        if self.is_busy(now) {
            tokio::task::yield_now().await;
        }
        let work = Work { meter: self, began_ns: process_ns() };
        Place { _share: share, _place: place, _work: Some(work) }
    }

    fn is_busy(&self, now_ns: i64) -> bool {
        self.paid_off_ns.load(Ordering::Relaxed) - now_ns > BUSY_NS
    }
}

fn ceil_s(ns: i64) -> i64 {
    ns / SECOND_NS + i64::from(ns % SECOND_NS > 0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rates_are_read() {
        let rate = |text: &str| text.parse::<Rate>().map(|rate| (rate.requests, rate.window_ns));
        assert_eq!(rate("300/5m"), Ok((300, 300 * SECOND_NS)));
        assert_eq!(rate("1/s"), Ok((1, SECOND_NS)));
        assert_eq!(rate(" 10/24h "), Ok((10, 86_400 * SECOND_NS)));
        for text in
            ["", "300", "/5m", "0/5m", "300/0m", "300/5", "300/5d", "-1/s", "+1/s", "1/25h", "1/ä"]
        {
            assert!(rate(text).is_err(), "{text}");
        }
    }

    #[test]
    fn a_window_may_come_at_once_and_then_evenly() {
        let (meter, rate) = (Meter::default(), "3/3s".parse().unwrap());
        let left: Vec<i64> = (0..3).map(|_| meter.count(rate, 10_000).remaining).collect();
        assert_eq!(left, [2, 1, 0]);
        let over = meter.count(rate, 10_000);
        assert_eq!((over.wait_s, over.remaining, over.reset_s), (1, 0, 3));
        assert_eq!(meter.count(rate, 10_999).wait_s, 1);
        assert_eq!(meter.count(rate, 11_000).wait_s, 0);
        assert_eq!(meter.count(rate, 11_000).wait_s, 1, "what was refused does not count");
        let later = meter.count(rate, 60_000);
        assert_eq!((later.wait_s, later.remaining, later.reset_s), (0, 2, 1));
    }

    #[test]
    fn a_crowd_is_more_than_one_within_a_second() {
        let (crowd, one, other) = (Crowd::default(), Meter::default(), Meter::default());
        assert!(!crowd.is_crowded(&one, 10_000) && !crowd.is_crowded(&one, 10_001));
        assert!(crowd.is_crowded(&other, 10_500) && crowd.is_crowded(&one, 10_501));
        assert!(crowd.is_crowded(&one, 11_500) && !crowd.is_crowded(&one, 11_501));
    }

    #[tokio::test]
    async fn a_share_is_smaller_than_the_whole() {
        let (meter, shares) = (Meter::default(), Shares { alone: 3, beside_others: 1 });
        let first = meter.enter(shares, true).await;
        let waits = std::time::Duration::from_millis(20);
        assert!(tokio::time::timeout(waits, meter.enter(shares, true)).await.is_err());
        let alone = [meter.enter(shares, false).await, meter.enter(shares, false).await];
        assert!(tokio::time::timeout(waits, meter.enter(shares, false)).await.is_err());
        drop((first, alone));
        meter.enter(shares, true).await;
    }

    /// Requests that never wait: those of a busy application that came first let another one's pass.
    #[tokio::test]
    async fn a_busy_application_lets_others_go_first() {
        let shares = Shares { alone: 32, beside_others: 2 };
        for (is_busy, ahead) in [(true, 0), (false, 20)] {
            let (noisy, quiet) = (Meter::default(), Meter::default());
            if is_busy {
                noisy.paid_off_ns.store(process_ns() + 10 * BUSY_NS, Ordering::Relaxed);
            }
            let done = std::cell::RefCell::new(Vec::new());
            let request = async |meter: &Meter, name: char| {
                let _place = meter.enter(shares, true).await;
                done.borrow_mut().push(name);
            };
            let all = futures_util::future::join_all((0..20).map(|_| request(&noisy, 'n')));
            futures_util::future::join(all, request(&quiet, 'q')).await;
            let passed = done.borrow().iter().position(|name| *name == 'q').unwrap();
            assert_eq!((passed, done.borrow().len()), (ahead, 21), "{done:?}");
        }
    }

    #[test]
    fn work_makes_busy_and_time_pays_it_off() {
        let meter = Meter::default();
        let now = process_ns();
        assert!(!meter.is_busy(now));
        drop(Work { meter: &meter, began_ns: now - 5 * MILLI_NS });
        assert!(!meter.is_busy(process_ns()), "5 ms are no work");
        drop(Work { meter: &meter, began_ns: process_ns() - 10 * MILLI_NS });
        assert!(meter.is_busy(process_ns()));
        assert!(!meter.is_busy(process_ns() + 60 * MILLI_NS));
        drop(Work { meter: &meter, began_ns: process_ns() - 3_600_000 * MILLI_NS });
        assert!(!meter.is_busy(process_ns() + 10 * BUSY_NS), "a second is the most");
    }

    #[test]
    fn never_more_than_the_limit_in_a_window_beyond_the_burst() {
        let (meter, rate) = (Meter::default(), "100/10s".parse().unwrap());
        let admitted = (0..20_000).filter(|ms| meter.count(rate, *ms).wait_s == 0).count();
        // 100 at once and 10 a second for 20 seconds.
        assert!((299..=300).contains(&admitted), "{admitted}");
    }
}
