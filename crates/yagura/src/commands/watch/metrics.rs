//! What is counted, in Prometheus' text format 0.0.4 ("Exposition formats" in its documentation).

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::sync::{Mutex, PoisonError};
use std::time::{SystemTime, UNIX_EPOCH};

/// What a number is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Kind {
    /// It only grows.
    Counter,
    /// It goes up and down.
    Gauge,
    /// How many were at most so large.
    Histogram,
}

/// Everything that is told: name, kind, help.
const ALL: [(&str, Kind, &str); 19] = [
    ("yagura_build_info", Kind::Gauge, "The version that runs; always 1."),
    (
        "yagura_events_total",
        Kind::Counter,
        "Records read from the sources, by what became of them: read, duplicate, change, known (covered by the full scan), unreadable.",
    ),
    (
        "yagura_changes_total",
        Kind::Counter,
        "Events that changed something, by whether a resource under judgement could be told: mapped, unmapped.",
    ),
    (
        "yagura_unmapped_total",
        Kind::Counter,
        "Events whose resource could not be told, by service and event name; the next full scan sees to them.",
    ),
    ("yagura_rereads_total", Kind::Counter, "Resources read again, by what came of it: read, new, gone, later, lost."),
    ("yagura_api_requests_total", Kind::Counter, "Requests sent to AWS, retries included."),
    ("yagura_verdict_seconds", Kind::Histogram, "Seconds from an event being readable to its verdict being recorded."),
    (
        "yagura_reread_seconds",
        Kind::Histogram,
        "Seconds that reading, judging and recording of changed resources took.",
    ),
    ("yagura_findings", Kind::Gauge, "Open findings after the last full scan and what changed since, by state."),
    ("yagura_finding_changes_total", Kind::Counter, "Changes of findings, by what happened and severity."),
    ("yagura_threats_total", Kind::Counter, "Signals and incidents, by severity."),
    ("yagura_last_full_scan_timestamp_seconds", Kind::Gauge, "When the reading of the last full scan began."),
    ("yagura_full_scan_duration_seconds", Kind::Gauge, "How long the last full scan took."),
    ("yagura_full_scans_total", Kind::Counter, "Full scans, by how they ended: done, failed."),
    (
        "yagura_source_last_look_timestamp_seconds",
        Kind::Gauge,
        "By source, when it was last looked at without an error.",
    ),
    (
        "yagura_errors_total",
        Kind::Counter,
        "What went wrong, by kind: source, store, scan, detect, notify, message, object, http.",
    ),
    ("yagura_notifications_total", Kind::Counter, "Messages to people and systems, by outcome: sent, failed, dead."),
    ("yagura_waiting_changes", Kind::Gauge, "Changed resources that wait to be read again."),
    ("process_resident_memory_bytes", Kind::Gauge, "Memory in use."),
];

/// Upper bounds of histograms, in seconds.
const BOUNDS: [f64; 9] = [0.1, 0.25, 0.5, 1.0, 2.0, 5.0, 15.0, 60.0, 300.0];

/// How many different labels one name may have: what comes from outside must not fill the memory.
const MOST: usize = 200;

/// The numbers.
#[derive(Debug, Default)]
pub struct Metrics {
    inner: Mutex<Inner>,
}

#[derive(Debug, Default)]
struct Inner {
    values: BTreeMap<&'static str, BTreeMap<String, f64>>,
    histograms: BTreeMap<&'static str, (BTreeMap<usize, u64>, u64, f64)>,
}

impl Metrics {
    /// Adds to a counter.
    pub fn add(&self, name: &'static str, labels: &[(&str, &str)], by: f64) {
        let mut inner = self.inner.lock().unwrap_or_else(PoisonError::into_inner);
        let of = inner.values.entry(name).or_default();
        let mut labels = written(labels);
        if !of.contains_key(&labels) && of.len() >= MOST {
            labels = written(&[("other", "true")]);
        }
        *of.entry(labels).or_default() += by;
    }

    /// One more.
    pub fn count(&self, name: &'static str, labels: &[(&str, &str)]) {
        self.add(name, labels, 1.0);
    }

    /// Sets a gauge.
    pub fn set(&self, name: &'static str, labels: &[(&str, &str)], value: f64) {
        let mut inner = self.inner.lock().unwrap_or_else(PoisonError::into_inner);
        inner.values.entry(name).or_default().insert(written(labels), value);
    }

    /// What a number is now.
    pub fn get(&self, name: &str, labels: &[(&str, &str)]) -> f64 {
        let inner = self.inner.lock().unwrap_or_else(PoisonError::into_inner);
        inner.values.get(name).and_then(|of| of.get(&written(labels))).copied().unwrap_or(0.0)
    }

    /// Notes a duration.
    pub fn observe(&self, name: &'static str, seconds: f64) {
        let mut inner = self.inner.lock().unwrap_or_else(PoisonError::into_inner);
        let (buckets, count, sum) = inner.histograms.entry(name).or_default();
        let at = BOUNDS.iter().position(|b| seconds <= *b).unwrap_or(BOUNDS.len());
        *buckets.entry(at).or_default() += 1;
        *count += 1;
        *sum += seconds;
    }

    /// All of them as text.
    pub fn text(&self) -> String {
        self.set("process_resident_memory_bytes", &[], resident());
        self.set("yagura_build_info", &[("version", env!("CARGO_PKG_VERSION"))], 1.0);
        let inner = self.inner.lock().unwrap_or_else(PoisonError::into_inner);
        let mut out = String::new();
        for (name, kind, help) in ALL {
            let word = match kind {
                Kind::Counter => "counter",
                Kind::Gauge => "gauge",
                Kind::Histogram => "histogram",
            };
            let _ = writeln!(out, "# HELP {name} {help}\n# TYPE {name} {word}");
            if kind == Kind::Histogram {
                let none = (BTreeMap::new(), 0, 0.0);
                let (buckets, count, sum) = inner.histograms.get(name).unwrap_or(&none);
                let mut below = 0;
                for (at, bound) in BOUNDS.iter().enumerate() {
                    below += buckets.get(&at).copied().unwrap_or(0);
                    let _ = writeln!(out, "{name}_bucket{{le=\"{bound}\"}} {below}");
                }
                let _ = writeln!(out, "{name}_bucket{{le=\"+Inf\"}} {count}\n{name}_sum {sum}\n{name}_count {count}");
                continue;
            }
            for (labels, value) in inner.values.get(name).into_iter().flatten() {
                let _ = writeln!(out, "{name}{labels} {value}");
            }
        }
        out
    }
}

/// Labels as they stand in the text: backslashes, quotes and line ends are escaped.
fn written(labels: &[(&str, &str)]) -> String {
    if labels.is_empty() {
        return String::new();
    }
    let one = |(name, value): &(&str, &str)| {
        let value: String = value.chars().take(128).collect();
        format!("{name}=\"{}\"", value.replace('\\', "\\\\").replace('"', "\\\"").replace('\n', "\\n"))
    };
    format!("{{{}}}", labels.iter().map(one).collect::<Vec<_>>().join(","))
}

/// Memory in use, in bytes; 0 where the system does not tell (proc(5), `statm`: the second number, in pages of 4 KiB).
pub fn resident() -> f64 {
    let text = std::fs::read_to_string("/proc/self/statm").unwrap_or_default();
    text.split(' ').nth(1).and_then(|pages| pages.parse::<f64>().ok()).unwrap_or(0.0) * 4096.0
}

/// Seconds since 1970.
pub fn unix_now() -> f64 {
    SystemTime::now().duration_since(UNIX_EPOCH).map_or(0.0, |d| d.as_secs_f64())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_name_that_is_used_is_told_of() {
        let metrics = Metrics::default();
        metrics.count("yagura_errors_total", &[("kind", "a \"b\"\\\n")]);
        metrics.observe("yagura_verdict_seconds", 0.3);
        let text = metrics.text();
        assert!(text.contains("yagura_errors_total{kind=\"a \\\"b\\\"\\\\\\n\"} 1\n"), "{text}");
        assert!(text.contains("yagura_verdict_seconds_bucket{le=\"0.25\"} 0\n"));
        assert!(text.contains("yagura_verdict_seconds_bucket{le=\"0.5\"} 1\n"));
        assert!(text.contains("yagura_verdict_seconds_count 1\n"));
    }

    #[test]
    fn names_from_outside_do_not_fill_the_memory() {
        let metrics = Metrics::default();
        (0..5000).for_each(|n| metrics.count("yagura_unmapped_total", &[("event", &n.to_string())]));
        let lines = metrics.text().lines().filter(|l| l.starts_with("yagura_unmapped_total{")).count();
        assert_eq!(lines, MOST + 1);
    }
}
