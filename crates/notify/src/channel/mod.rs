//! Channels: how a message reaches people or a system. One file a kind; to add one, write its file and name it in [`ALL`].

mod email;
mod eventbridge;
mod jira;
mod pagerduty;
mod s3;
mod security_hub;
mod slack;
mod sns;
mod teams;
mod webhook;

use crate::notice::Notice;
use crate::secret::{Secret, SecretRef};
use crate::template::Template;
use crate::text::{cut, line, lines};
use crate::words;
use crate::world::World;
use async_trait::async_trait;
use std::fmt;
use std::time::Duration;
use yagura_aws::{WebAnswer, WebError};
use yagura_model::Lang;
use yagura_rule::yaml::{Reader, Yaml};

/// A message to one channel.
#[derive(Debug, Clone)]
pub(crate) struct Message {
    /// Its key: the same whenever it is sent.
    pub id: String,
    /// What its notices have in common, for people; empty where they were not grouped.
    pub grouped: String,
    pub lang: Lang,
    pub template: Option<Template>,
    /// At least one.
    pub notices: Vec<Notice>,
}

/// Why a message was not taken.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Refused {
    /// One line without secrets.
    pub why: String,
    /// Whether the same may be taken later.
    pub again: bool,
    /// How long the channel asks to wait.
    pub after: Option<Duration>,
    /// Whether it does not know who asks: the channel's secrets are read anew before the next attempt.
    pub unknown: bool,
}

impl Refused {
    /// It will not be taken as it is.
    pub fn for_good(why: impl Into<String>) -> Self {
        Self { why: why.into(), again: false, after: None, unknown: false }
    }

    /// It may be taken later.
    pub fn for_now(why: impl Into<String>) -> Self {
        Self { why: why.into(), again: true, after: None, unknown: false }
    }
}

pub(crate) type Sent = Result<(), Refused>;

/// A channel that is configured.
#[async_trait]
pub(crate) trait Channel: fmt::Debug + Send + Sync {
    /// How many messages one call takes.
    fn most(&self) -> usize {
        1
    }

    /// Whether it takes one change a message and no digest.
    fn one_by_one(&self) -> bool {
        false
    }

    /// Where its secrets are kept.
    fn secrets(&self) -> Vec<&SecretRef> {
        Vec::new()
    }

    /// Whether it is an AWS service.
    fn is_aws(&self) -> bool {
        false
    }

    /// Sends a message.
    async fn send(&self, message: &Message, world: &World) -> Sent;

    /// Sends messages (at most [`Channel::most`]); what became of each, in their order.
    async fn send_all(&self, messages: &[Message], world: &World) -> Vec<Sent> {
        let mut out = Vec::new();
        for message in messages {
            out.push(self.send(message, world).await);
        }
        out
    }
}

/// A kind of channel.
pub(crate) struct Kind {
    pub name: &'static str,
    /// Its settings besides `kind`.
    pub keys: &'static [&'static str],
    /// Reads them; complains and gives nothing where they are wrong.
    pub make: fn(&mut Reader<'_>, &Yaml) -> Option<Box<dyn Channel>>,
}

/// The kinds that there are.
pub(crate) const ALL: [Kind; 10] = [
    slack::KIND,
    teams::KIND,
    email::KIND,
    webhook::KIND,
    pagerduty::KIND,
    jira::KIND,
    sns::KIND,
    eventbridge::KIND,
    security_hub::KIND,
    s3::KIND,
];

/// The names of the kinds of channels, with the settings of each.
pub fn kinds() -> Vec<(&'static str, &'static [&'static str])> {
    ALL.iter().map(|k| (k.name, k.keys)).collect()
}

/// How many changes a message for people shows; what is more is counted.
const SHOWN: usize = 20;

impl Message {
    /// One line for all of it.
    pub fn headline(&self) -> String {
        match self.notices.as_slice() {
            [one] => line(&words::headline(one, self.lang)),
            all => line(&words::several(all, &self.grouped, self.lang)),
        }
    }

    /// The text of each change as it is shown, and how many are not shown.
    pub fn paragraphs(&self, escape: fn(&str) -> String) -> (Vec<String>, usize) {
        let shown = self.notices.iter().take(SHOWN).map(|n| self.paragraph(n, escape)).collect();
        (shown, self.notices.len().saturating_sub(SHOWN))
    }

    fn paragraph(&self, n: &Notice, escape: fn(&str) -> String) -> String {
        let lang = self.lang;
        if let Some(template) = &self.template {
            return template.fill(&n.event(lang), |value| escape(&lines(value)));
        }
        let mut out = Vec::new();
        if self.notices.len() > 1 {
            out.push(line(&words::headline(n, lang)));
        }
        out.extend(words::facts(n, lang).iter().map(|(label, value)| format!("{label}: {}", line(value))));
        let words = n.words(lang);
        // Of many, each says what it is and where; of one, everything.
        if self.notices.len() == 1 {
            out.extend(Some(lines(&words.why)).filter(|t| !t.trim().is_empty()).map(|t| format!("\n{t}")));
        }
        if !n.is_over() && !words.fix.trim().is_empty() {
            out.push(format!("{}: {}", words::to_do(n, lang), lines(&words.fix)));
        }
        cut(&escape(&out.join("\n")), 3000)
    }

    /// All of it as plain text.
    pub fn plain(&self) -> String {
        let (shown, more) = self.paragraphs(plain);
        let mut out = shown.join("\n\n");
        if more > 0 {
            out.push_str(&format!("\n\n{}", words::more(more, self.lang)));
        }
        out
    }
}

/// Plain text has no markup.
fn plain(text: &str) -> String {
    lines(text)
}

/// What an answer over HTTP means for a message. `secrets` are taken out of what is said.
fn judged(answer: Result<WebAnswer, WebError>, secrets: &[&Secret]) -> Result<WebAnswer, Refused> {
    let answer = answer.map_err(|e| {
        let why = hidden(&e.why, secrets);
        if e.passing { Refused::for_now(why) } else { Refused::for_good(why) }
    })?;
    if (200..300).contains(&answer.status) {
        return Ok(answer);
    }
    let said = cut(&line(&hidden(&answer.body, secrets)), 200);
    let why =
        if said.is_empty() { format!("HTTP {}", answer.status) } else { format!("HTTP {}: {said}", answer.status) };
    // 408, 425 and 429 ask to come again; so does every failure of the server (RFC 9110, RFC 8470, RFC 6585).
    // 401 and 403 may mean a secret that was rotated since it was read.
    let unknown = matches!(answer.status, 401 | 403);
    let again = unknown || matches!(answer.status, 408 | 425 | 429) || answer.status >= 500;
    Err(Refused { why, again, after: answer.retry_after.as_deref().and_then(retry_after), unknown })
}

/// A text without secrets, nor the pieces that a library may quote of them.
fn hidden(text: &str, secrets: &[&Secret]) -> String {
    let mut out = text.to_owned();
    for secret in secrets.iter().map(|s| s.open()).filter(|s| !s.is_empty()) {
        out = out.replace(secret, "[secret]");
        if let Some(path) = secret.split_once("://").and_then(|(_, rest)| rest.split_once('/')).map(|(_, path)| path)
            && path.len() >= 8
        {
            out = out.replace(path, "[secret]");
        }
    }
    out
}

/// No server is waited for longer.
const LONGEST_WAIT: u64 = 24 * 3600;

/// `Retry-After`: seconds or a date.
fn retry_after(text: &str) -> Option<Duration> {
    if let Ok(seconds) = text.parse::<u64>() {
        return Some(Duration::from_secs(seconds.min(LONGEST_WAIT)));
    }
    let at = jiff::fmt::rfc2822::parse(text).ok()?.timestamp();
    let wait = u64::try_from(at.as_second() - jiff::Timestamp::now().as_second()).unwrap_or(0);
    Some(Duration::from_secs(wait.min(LONGEST_WAIT)))
}

/// A URL that messages may go to: `https`, or `http` on this machine.
fn sound_url(url: &str) -> Result<(), &'static str> {
    let host = |rest: &str| {
        let authority = rest.split(['/', '?', '#']).next().unwrap_or_default();
        let host = authority.rsplit('@').next().unwrap_or_default();
        let host = host
            .strip_prefix('[')
            .and_then(|h| h.split(']').next())
            .unwrap_or_else(|| host.split(':').next().unwrap_or_default());
        host.to_owned()
    };
    match url.split_once("://") {
        Some(("https", rest)) if !host(rest).is_empty() => Ok(()),
        Some(("http", rest)) if matches!(host(rest).as_str(), "localhost" | "127.0.0.1" | "::1") => Ok(()),
        Some(("http", _)) => Err("it is not https: findings would go over the network in the clear"),
        _ => Err("it is no https URL"),
    }
}

/// A URL that stands in the routes file, which is shown: a sound one without a user or password.
fn written_url(url: &str) -> Result<(), &'static str> {
    sound_url(url)?;
    let authority = url.split_once("://").and_then(|(_, rest)| rest.split(['/', '?', '#']).next());
    match authority.is_some_and(|a| a.contains('@')) {
        true => Err("it holds a user or password: refer to secrets instead"),
        false => Ok(()),
    }
}

/// A URL that is a secret: looked up, and looked at.
async fn secret_url(at: &SecretRef, world: &World) -> Result<Secret, Refused> {
    let url = world.secret(at).await?;
    sound_url(url.open()).map_err(|why| Refused::for_good(format!("the URL in {}: {why}", at.place())))?;
    Ok(url)
}

/// The `url` that replaces a vendor's, without a slash at its end.
fn base_url(r: &mut Reader<'_>, at: &Yaml, vendor: &str) -> String {
    let Some(url) = r.text(at, "url") else { return vendor.to_owned() };
    if let (Err(why), Some(v)) = (written_url(&url), at.get("url")) {
        r.complain(v, format!("`url`: {why}"));
    }
    url.trim_end_matches('/').to_owned()
}

/// The account and Region of an ARN.
fn region_of_arn(arn: &str) -> Option<&str> {
    arn.split(':').nth(3).filter(|r| !r.is_empty())
}

/// What became of a message that a channel of calls for many sent alone.
fn alone(sent: Vec<Sent>) -> Sent {
    sent.into_iter().next().unwrap_or_else(|| Err(Refused::for_now("no answer")))
}

#[cfg(test)]
pub(crate) mod tests_of_messages {
    use super::*;
    use serde_json::json;

    /// A message of `n` changes whose every text wants to be markup, a header or a page long.
    pub(crate) fn hostile(n: usize) -> Message {
        let evil = "<!channel> <https://evil.example|click> [x](https://evil.example) **b** <img src=x>\r\nBcc: a@evil.example";
        let mut notice = Notice::sample(jiff::Timestamp::UNIX_EPOCH);
        notice.rule = "s3.x".to_owned();
        notice.resource = format!("arn:aws:s3:::{evil}");
        for words in [&mut notice.en, &mut notice.ja] {
            words.title = format!("{evil} {}", "t".repeat(5000));
            words.why = evil.repeat(200);
            words.fix = evil.repeat(200);
        }
        notice.detail = json!({"evidence": "e".repeat(1 << 20)});
        let of = |i: usize| Notice { id: crate::notice::digest(&[&i.to_string()]), ..notice.clone() };
        let notices = (0..n).map(of).collect();
        Message {
            id: "0123456789abcdef0123456789abcdef".to_owned(),
            grouped: evil.to_owned(),
            lang: Lang::En,
            template: None,
            notices,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_https_leaves_the_machine() {
        for (url, good) in [
            ("https://hooks.example.com/x", true),
            ("http://127.0.0.1:8080/x", true),
            ("http://localhost/x", true),
            ("http://[::1]:1/x", true),
            ("http://example.com/x", false),
            ("http://localhost.example.com/x", false),
            ("http://localhost@example.com/x", false),
            ("https:///x", false),
            ("ftp://localhost/x", false),
            ("hooks.example.com", false),
        ] {
            assert_eq!(sound_url(url).is_ok(), good, "{url}");
        }
    }

    #[test]
    fn a_url_that_is_shown_holds_no_password() {
        for (url, good) in [
            ("https://j.example", true),
            ("https://j.example/a@b?c@d", true),
            ("https://user:token@j.example", false),
            ("https://token@j.example/x", false),
            ("http://token@localhost", false),
        ] {
            assert_eq!(written_url(url).is_ok(), good, "{url}");
        }
        assert!(sound_url("https://user:token@j.example").is_ok(), "a URL that is a secret may keep it");
    }

    #[test]
    fn waits_are_seconds_or_dates_and_bounded() {
        assert_eq!(retry_after("7"), Some(Duration::from_secs(7)));
        assert_eq!(retry_after("999999999"), Some(Duration::from_secs(LONGEST_WAIT)));
        assert_eq!(retry_after("Sun, 06 Nov 1994 08:49:37 GMT"), Some(Duration::ZERO));
        assert_eq!(retry_after("soon"), None);
    }

    #[test]
    fn who_is_not_known_comes_again_with_secrets_read_anew() {
        let of = |status| {
            let answer = WebAnswer { status, retry_after: None, body: String::new() };
            judged(Ok(answer), &[]).err().map(|r| (r.again, r.unknown))
        };
        assert_eq!((of(401), of(403)), (Some((true, true)), Some((true, true))));
        assert_eq!((of(400), of(404), of(503)), (Some((false, false)), Some((false, false)), Some((true, false))));
        assert_eq!(of(202), None);
    }

    #[test]
    fn secrets_are_taken_out_of_what_is_said() {
        let url = Secret::new("https://hooks.example.com/services/T00/B00/abc");
        let text = "cannot reach https://hooks.example.com/services/T00/B00/abc (/services/T00/B00/abc)";
        assert_eq!(hidden(text, &[&url]), "cannot reach [secret] (/[secret])");
        assert_eq!(format!("{url:?}"), "[secret]");
    }
}
