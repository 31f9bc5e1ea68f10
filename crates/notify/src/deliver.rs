//! Sending what is due.

use crate::channel::{Channel, Message, Refused};
use crate::notice::{Notice, digest};
use crate::outbox::{Due, Outbox, OutboxError};
use crate::routes::Routes;
use crate::world::World;
use jiff::Timestamp;
use serde::Serialize;
use std::collections::{BTreeMap, VecDeque};
use std::time::Duration;
use yagura_model::Lang;

/// The first wait between two attempts; each further one is three times as long, up to [`LONGEST`].
const FIRST: Duration = Duration::from_secs(2);
const LONGEST: Duration = Duration::from_secs(3600);

/// How many messages of one channel are sent before the next channel's turn; one call of a channel may take more.
const AT_A_TIME: usize = 20;

/// When a message is looked at again whose channel the routes file does not have.
const LOST: Duration = Duration::from_secs(3600);

/// What became of the messages that were due.
#[derive(Debug, Clone, Default, Serialize)]
pub struct Delivered {
    /// Messages that their channels took.
    pub sent: usize,
    /// Messages that still wait: for their time, or to be tried again.
    pub waiting: usize,
    /// How many of them another routes file made: they are sent with it.
    pub elsewhere: usize,
    /// When the next of the others is to be sent.
    pub next: Option<Timestamp>,
    /// Messages that were put aside now.
    pub dead: usize,
    /// What went wrong, each reason once.
    pub failed: Vec<Failed>,
    /// Another process is delivering: it sends what waits.
    pub busy: bool,
}

impl Delivered {
    fn failed(&mut self, channel: &str, why: &str, again: bool) {
        match self.failed.iter_mut().find(|f| f.channel == channel && f.why == why && f.again == again) {
            Some(known) => known.times += 1,
            None => self.failed.push(Failed { channel: channel.to_owned(), why: why.to_owned(), times: 1, again }),
        }
    }
}

/// Why a channel did not take messages.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Failed {
    /// The channel.
    pub channel: String,
    /// Why.
    pub why: String,
    /// How many times.
    pub times: usize,
    /// Whether it is tried again.
    pub again: bool,
}

/// Sends what is due, and waits up to `patience` for what is due soon after. Each message is noted as begun before it is sent and as done
/// when its channel took it. A channel that fails for the moment is left alone until its next attempt; others go on.
///
/// # Errors
/// The outbox cannot be read or written. What was sent and could not be noted is sent again under the same key.
pub async fn deliver(
    outbox: &mut Outbox,
    routes: &Routes,
    world: &World,
    clock: &(dyn Fn() -> Timestamp + Sync),
    patience: Duration,
) -> Result<Delivered, OutboxError> {
    let mut out = Delivered::default();
    let Some(_mine) = outbox.deliverer()? else {
        out.busy = true;
        (out.waiting, out.elsewhere) = (outbox.waiting()?, outbox.elsewhere(routes.home())?);
        return Ok(out);
    };
    let until = clock().checked_add(patience).unwrap_or(Timestamp::MAX);
    loop {
        let mut channels: BTreeMap<String, Vec<Due>> = BTreeMap::new();
        for due in outbox.due(routes.home(), clock())? {
            channels.entry(due.channel.clone()).or_default().push(due);
        }
        let mut rounds: VecDeque<(String, Vec<Due>)> = channels.into_iter().collect();
        while let Some((name, mut due)) = rounds.pop_front() {
            match routes.channels.get(name.as_str()) {
                Some((_, channel)) => {
                    let rest = due.split_off(AT_A_TIME.max(channel.most()).min(due.len()));
                    let channel = (name.as_str(), channel.as_ref());
                    let goes_on = one_channel(outbox, routes, world, clock, channel, &due, &mut out).await?;
                    if goes_on && !rest.is_empty() {
                        rounds.push_back((name, rest));
                    }
                }
                None => {
                    let why = "the routes file has no such channel";
                    let until = clock().checked_add(LOST).unwrap_or(Timestamp::MAX);
                    for message in due {
                        outbox.failed(message.nth, why, Some(until), clock())?;
                        out.failed(&message.channel, why, true);
                    }
                }
            }
        }
        let now = clock();
        out.next = outbox.next_due(routes.home(), now)?;
        match out.next.filter(|next| *next <= until && now < until) {
            Some(next) => {
                let wait = Duration::try_from(next.duration_since(now)).unwrap_or_default();
                tokio::time::sleep(wait.max(Duration::from_millis(20))).await;
            }
            None => break,
        }
    }
    (out.waiting, out.elsewhere) = (outbox.waiting()?, outbox.elsewhere(routes.home())?);
    outbox.tidy_if_due(clock())?;
    Ok(out)
}

/// Sends one change to a channel now, past the outbox, to try the channel; why it was not taken.
///
/// # Errors
/// There is no such channel, or it did not take the message: a sentence.
pub async fn try_out(routes: &Routes, world: &World, channel: &str, notice: Notice, lang: Lang) -> Result<(), String> {
    let Some((_, found)) = routes.channels.get(channel) else {
        return Err(format!("no channel is called `{channel}`"));
    };
    let id = digest(&[channel, &notice.id]);
    let message = Message { id, grouped: String::new(), lang, template: None, notices: vec![notice] };
    found.send(&message, world).await.map_err(|refused| refused.why)
}

/// Sends messages to a channel; whether it takes more now.
async fn one_channel(
    outbox: &mut Outbox,
    routes: &Routes,
    world: &World,
    clock: &(dyn Fn() -> Timestamp + Sync),
    (name, channel): (&str, &dyn Channel),
    due: &[Due],
    out: &mut Delivered,
) -> Result<bool, OutboxError> {
    for some in due.chunks(channel.most().max(1)) {
        let messages = outbox.begin(&some.iter().map(|d| d.nth).collect::<Vec<_>>())?;
        let sent = channel.send_all(&messages, world).await;
        let mut sent = sent.into_iter();
        let mut hold = None;
        for message in some {
            let unsaid = || Err(Refused::for_now("the channel does not tell what became of it"));
            match sent.next().unwrap_or_else(unsaid) {
                Ok(()) => {
                    outbox.done(message.nth, clock())?;
                    out.sent += 1;
                }
                Err(refused) => {
                    if refused.unknown {
                        world.forget(&channel.secrets());
                    }
                    hold = hold.max(note(outbox, clock, routes.attempts, message, &refused, out)?);
                }
            }
        }
        if let Some(until) = hold {
            return outbox.hold((routes.home(), name), until, clock()).map(|()| false);
        }
    }
    Ok(true)
}

/// Notes a refusal; until when the channel is left alone.
fn note(
    outbox: &mut Outbox,
    clock: &(dyn Fn() -> Timestamp + Sync),
    attempts: u32,
    message: &Due,
    refused: &Refused,
    out: &mut Delivered,
) -> Result<Option<Timestamp>, OutboxError> {
    let tried = u32::try_from(message.attempts.saturating_add(1)).unwrap_or(u32::MAX);
    let again = refused.again && tried < attempts;
    let wait = refused.after.unwrap_or_default().max(backoff(tried));
    let due = clock().checked_add(wait).unwrap_or(Timestamp::MAX);
    outbox.failed(message.nth, &refused.why, again.then_some(due), clock())?;
    out.dead += usize::from(!again);
    out.failed(&message.channel, &refused.why, again);
    // Of a channel that fails for the moment, the rest waits too, also where this message is put aside.
    Ok(refused.again.then_some(due))
}

/// The wait after so many attempts, shortened by up to a quarter by chance, so that many do not come back at once.
fn backoff(tried: u32) -> Duration {
    let full = FIRST.saturating_mul(3_u32.saturating_pow(tried.saturating_sub(1))).min(LONGEST);
    full.mul_f64(1.0 - fastrand::f64() / 4.0)
}
