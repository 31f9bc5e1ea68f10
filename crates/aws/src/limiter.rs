//! Adaptive rate: one limiter per service, account and Region.
//!
//! Free until AWS throttles; then additive increase, multiplicative decrease (AIMD) of a token bucket that
//! starts from the rate that was seen to be too much.

use std::sync::{Mutex, PoisonError};
use std::time::Duration;
use tokio::time::Instant;

/// What a cut leaves of the rate.
const CUT: f64 = 0.6;
/// Throttled answers within this time of a cut belong to the same burst.
const BURST: Duration = Duration::from_millis(500);
/// The least rate, in requests a second.
const FLOOR: f64 = 0.5;
/// The rate that is thought to be too much when too little was seen to tell.
const UNSEEN: f64 = 5.0;
/// A rate above this is no limit any more.
const FREE: f64 = 500.0;
/// How much one second of successes adds, in requests a second.
const RISE: f64 = 3.0;

/// A rate that follows what AWS allows.
#[derive(Debug)]
pub(crate) struct Limiter {
    state: Mutex<State>,
}

#[derive(Debug)]
struct State {
    /// Requests a second; `None` while AWS has not complained.
    rate: Option<f64>,
    /// When the next request may start.
    next: Instant,
    /// When the rate was last cut.
    cut: Option<Instant>,
    /// Successes in the running second and the one before: the rate that AWS bears.
    window: Instant,
    running: f64,
    before: f64,
}

impl Limiter {
    pub fn new() -> Self {
        let now = Instant::now();
        Self { state: Mutex::new(State { rate: None, next: now, cut: None, window: now, running: 0.0, before: 0.0 }) }
    }

    /// Waits until a request may start.
    pub async fn acquire(&self) {
        let start = self.reserve(Instant::now());
        if let Some(start) = start {
            tokio::time::sleep_until(start).await;
        }
    }

    /// AWS answered, not asking to slow down.
    pub fn succeeded(&self) {
        let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        let now = Instant::now();
        state.roll(now);
        state.running += 1.0;
        if let Some(rate) = state.rate {
            // A second of successes at the full rate adds RISE, and more when the last cut is long past.
            let calm = state.cut.map_or(0.0, |c| now.saturating_duration_since(c).as_secs_f64());
            let risen = rate + RISE * (1.0 + calm / 10.0) / rate.max(1.0);
            state.rate = (risen < FREE).then_some(risen);
        }
    }

    /// AWS asked to slow down.
    pub fn throttled(&self) {
        let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        let now = Instant::now();
        state.roll(now);
        if state.cut.is_some_and(|c| now.saturating_duration_since(c) < BURST) {
            return;
        }
        let seen = state.before.max(state.running);
        let rate = state.rate.map_or(seen.max(UNSEEN), |r| r.min(seen.max(r * CUT)));
        state.rate = Some((rate * CUT).max(FLOOR));
        state.cut = Some(now);
        state.next = state.next.max(now);
    }

    fn reserve(&self, now: Instant) -> Option<Instant> {
        let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        let rate = state.rate?;
        let start = state.next.max(now);
        state.next = start + Duration::from_secs_f64(1.0 / rate.max(FLOOR));
        (start > now).then_some(start)
    }

    #[cfg(test)]
    fn rate(&self) -> Option<f64> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner).rate
    }
}

impl State {
    fn roll(&mut self, now: Instant) {
        let age = now.saturating_duration_since(self.window);
        if age >= Duration::from_secs(1) {
            self.before = if age < Duration::from_secs(2) { self.running } else { 0.0 };
            self.running = 0.0;
            self.window = now;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test(start_paused = true)]
    async fn a_limiter_is_free_until_throttled() {
        let limiter = Limiter::new();
        let start = Instant::now();
        for _ in 0..10_000 {
            limiter.acquire().await;
        }
        assert_eq!(start.elapsed(), Duration::ZERO);
        assert_eq!(limiter.rate(), None);
    }

    #[tokio::test(start_paused = true)]
    async fn a_burst_of_throttling_cuts_once_and_rate_recovers() {
        let limiter = Limiter::new();
        for _ in 0..100 {
            limiter.succeeded();
        }
        for _ in 0..20 {
            limiter.throttled();
        }
        let cut = limiter.rate().unwrap();
        assert!((cut - 60.0).abs() < 1.0, "{cut}");
        let start = Instant::now();
        for _ in 0..60 {
            limiter.acquire().await;
            limiter.succeeded();
        }
        assert!(start.elapsed() > Duration::from_millis(900), "{:?}", start.elapsed());
        let mut seconds = 0;
        while limiter.rate().is_some() && seconds < 600 {
            let until = Instant::now() + Duration::from_secs(1);
            while Instant::now() < until {
                limiter.acquire().await;
                limiter.succeeded();
                if limiter.rate().is_none() {
                    break;
                }
            }
            seconds += 1;
        }
        assert!((5..120).contains(&seconds), "free again after {seconds} s");
    }

    #[tokio::test(start_paused = true)]
    async fn endless_throttling_never_stops_the_flow() {
        let limiter = Limiter::new();
        for _ in 0..50 {
            tokio::time::advance(Duration::from_secs(1)).await;
            limiter.throttled();
        }
        assert_eq!(limiter.rate(), Some(FLOOR));
    }
}
