//! When to try again, and how long to wait before: exponential back-off with full jitter
//! (AWS Architecture Blog, "Exponential Backoff And Jitter").

use std::time::Duration;

/// Why an attempt is repeated.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Cause {
    /// The service or the way to it failed.
    Transient,
    /// AWS asked to slow down.
    Throttled,
}

/// Attempts of one call so far.
#[derive(Debug, Clone)]
pub(crate) struct Attempts {
    max: u32,
    failed: u32,
    throttled: u32,
}

/// Waiting is what throttling asks for: it may be answered this many times as often as failures.
const PATIENCE: u32 = 3;
const LONGEST: Duration = Duration::from_secs(20);

impl Attempts {
    pub fn new(max: u32) -> Self {
        Self { max: max.max(1), failed: 0, throttled: 0 }
    }

    /// How long to wait before the next attempt; `None` when there is none.
    pub fn after(&mut self, cause: Cause, retry_after: Option<Duration>) -> Option<Duration> {
        let (count, limit, base) = match cause {
            Cause::Transient => (&mut self.failed, self.max, 0.1),
            Cause::Throttled => (&mut self.throttled, self.max * PATIENCE, 0.25),
        };
        *count += 1;
        if *count >= limit {
            return None;
        }
        let ceiling = (base * 2f64.powi((*count).min(16) as i32 - 1)).min(LONGEST.as_secs_f64());
        let jittered = Duration::from_secs_f64(fastrand::f64() * ceiling);
        Some(jittered.max(retry_after.unwrap_or_default().min(LONGEST)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn five_attempts_fail_four_times_before_the_last() {
        let mut attempts = Attempts::new(5);
        let waits: Vec<_> = std::iter::from_fn(|| attempts.after(Cause::Transient, None)).collect();
        assert_eq!(waits.len(), 4);
        for (n, wait) in waits.iter().enumerate() {
            assert!(wait.as_secs_f64() <= 0.1 * 2f64.powi(n as i32), "{n}: {wait:?}");
        }
    }

    #[test]
    fn throttling_is_borne_longer_and_its_advice_is_taken() {
        let mut attempts = Attempts::new(5);
        let waits: Vec<_> = std::iter::from_fn(|| attempts.after(Cause::Throttled, None)).collect();
        assert_eq!(waits.len(), 14);
        assert!(waits.iter().all(|w| *w <= LONGEST));
        let mut attempts = Attempts::new(5);
        assert!(attempts.after(Cause::Throttled, Some(Duration::from_secs(3))).unwrap() >= Duration::from_secs(3));
        assert!(attempts.after(Cause::Throttled, Some(Duration::from_secs(999))).unwrap() <= LONGEST);
    }

    #[test]
    fn one_attempt_means_one() {
        assert_eq!(Attempts::new(1).after(Cause::Transient, None), None);
        assert_eq!(Attempts::new(0).after(Cause::Transient, None), None);
    }
}
