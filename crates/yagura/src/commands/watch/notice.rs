//! Telling people: a thread of its own reads what the store has recorded, and sends it on.

use super::log::{Level, Log};
use super::metrics::Metrics;
use crate::commands::findings::open;
use crate::commands::notify::Notifier;
use crate::failure::Failure;
use serde_json::json;
use std::sync::Arc;
use std::sync::mpsc::{Receiver, RecvTimeoutError};
use std::time::Duration;
use yagura_findings::{Place, Store};
use yagura_model::Lang;

/// How often digests and what failed before are looked at.
const LOOK: Duration = Duration::from_secs(2);

/// Tells what is recorded, until nobody sends any more: once at each word, and every [`LOOK`].
///
/// It reads the store over a connection of its own. Whatever ends the process, the store and the outbox know what is still to be told.
pub fn tell(mut notifier: Notifier, place: &Place, wake: &Receiver<()>, metrics: &Arc<Metrics>, log: Log) {
    let mut store: Option<Store> = None;
    loop {
        let over = match wake.recv_timeout(LOOK) {
            Ok(()) => {
                while wake.try_recv().is_ok() {}
                false
            }
            Err(RecvTimeoutError::Timeout) => false,
            Err(RecvTimeoutError::Disconnected) => true,
        };
        if let Err(e) = once(&mut notifier, &mut store, place, metrics, log) {
            store = None;
            metrics.count("yagura_errors_total", &[("kind", "notify")]);
            log.say(Level::Error, e.said(Lang::En), e.said(Lang::Ja), json!({}));
        }
        if over {
            return;
        }
    }
}

fn once(
    notifier: &mut Notifier,
    store: &mut Option<Store>,
    place: &Place,
    metrics: &Metrics,
    log: Log,
) -> Result<(), Failure> {
    if store.is_none() {
        *store = Store::open_kept(place).map_err(|e| open::failure(&e, place))?;
    }
    let done = notifier.deliver(store.as_mut().map(|s| (s, place)), None, Duration::ZERO)?.delivered;
    let count = |outcome: &str, n: usize| {
        if n > 0 {
            metrics.add("yagura_notifications_total", &[("outcome", outcome)], n as f64);
        }
    };
    count("sent", done.sent);
    count("failed", done.failed.len());
    count("dead", done.dead);
    for failed in &done.failed {
        let (en, ja) = (
            format!("{} did not take a message: {}", failed.channel, failed.why),
            format!("{} への通知に失敗した: {}", failed.channel, failed.why),
        );
        log.say(Level::Error, &en, &ja, json!({"channel": failed.channel}));
    }
    Ok(())
}
