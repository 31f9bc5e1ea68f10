//! Password guessing, as records of sign-ins show it.

use super::bounded::Bounded;
use super::{Distinct, EVENTS_NAMED, EventId, HOUR, Login, MINUTE, Quiet, Sign, fact};
use serde::{Deserialize, Serialize};
use smol_str::SmolStr;

/// What counts as guessing.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(default)]
pub struct LoginConfig {
    /// Failures of one source at one target. NIST SP 800-63B (5.2.2) lets a single account fail 100 times in a row;
    /// OWASP's "Blocking Brute Force Attacks" locks after a few. A program with an old password retries about once a
    /// minute.
    pub failures: usize,
    /// In how long, in milliseconds.
    pub window: i64,
    /// Failures against one account from whatever sources.
    pub account_failures: usize,
    /// From at least so many sources.
    pub account_sources: usize,
    /// In how long, in milliseconds.
    pub account_window: i64,
    /// Different accounts that one source fails at.
    pub sprayed: usize,
    /// In how long, in milliseconds. Sprays go slowly, to stay below each account's lock (MITRE ATT&CK T1110.003).
    pub spray_window: i64,
    /// Failures per account, at most: more is guessing at each of them.
    pub spray_tries: usize,
    /// How long after guessing a success counts as its fruit, in milliseconds.
    pub fruit: i64,
    /// Sources left out, such as a gateway that many people come through.
    pub excluded: Vec<SmolStr>,
    /// How long a source or account stays unspoken of, in milliseconds.
    pub quiet: i64,
    /// Pairs of source or account with a target held at a time.
    pub max_pairs: usize,
    /// Failures, accounts and sources remembered per pair.
    pub max_values: usize,
}

impl Default for LoginConfig {
    fn default() -> Self {
        Self {
            failures: 15,
            window: 10 * MINUTE,
            account_failures: 20,
            account_sources: 3,
            account_window: HOUR,
            sprayed: 8,
            spray_window: 2 * HOUR,
            spray_tries: 3,
            fruit: HOUR,
            excluded: Vec::new(),
            quiet: 6 * HOUR,
            max_pairs: 20_000,
            max_values: 64,
        }
    }
}

/// Finds `login_brute_force` (many failures of one source, or against one account from several),
/// `login_brute_force_success` (a success that follows, of the same source or of the account that was guessed at from a
/// source that had failed) and `password_spray` (one source, many accounts, few tries each), at the console, databases
/// and clusters.
///
/// After MITRE ATT&CK T1110 (Brute Force) and T1110.003 (Password Spraying), and GuardDuty's
/// `CredentialAccess:RDS/AnomalousBehavior.SuccessfulBruteForce`. A source at which more accounts succeed than fail is
/// a gateway that people come through, not a sprayer.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
pub struct Logins {
    /// What counts.
    pub config: LoginConfig,
    sources: Bounded<(SmolStr, SmolStr), Source>,
    accounts: Bounded<(SmolStr, SmolStr), Account>,
    quiet: Quiet,
}

#[derive(Debug, Clone, Default, Serialize, Deserialize)]
struct Source {
    failures: Distinct<EventId>,
    failed: Distinct<SmolStr>,
    succeeded: Distinct<SmolStr>,
    guessing: Option<i64>,
}

#[derive(Debug, Clone, Default, Serialize, Deserialize)]
struct Account {
    failures: Distinct<EventId>,
    sources: Distinct<SmolStr>,
    guessed: Option<i64>,
}

impl Logins {
    /// Takes an attempt, which is not older than the one before.
    pub fn observe(&mut self, login: &Login<'_>, out: &mut Vec<Sign>) {
        if self.config.excluded.iter().any(|s| s == login.source) {
            return;
        }
        if login.success { self.success(login, out) } else { self.failure(login, out) }
    }

    fn failure(&mut self, login: &Login<'_>, out: &mut Vec<Sign>) {
        let c = &self.config;
        let (now, id, most) = (login.time, login.id, c.max_values);
        let key = (SmolStr::new(login.source), SmolStr::new(login.target));
        let source = self.sources.entry(key, now, c.max_pairs, Source::default);
        source.failures.add(id, now, id, c.spray_window.max(c.window), most.max(c.failures));
        source.failed.add(SmolStr::new(login.account), now, id, c.spray_window, most);
        let lately = source.failures.count(now.saturating_sub(c.window));
        if lately >= c.failures {
            source.guessing = Some(now);
            let accounts = source.failed.count(now.saturating_sub(c.window));
            if self.quiet.may_say(login.source, login.target, now, c.quiet) {
                let facts = vec![
                    fact("failures", lately),
                    fact("failures_allowed", c.failures - 1),
                    fact("accounts", accounts),
                    fact("target", login.target),
                ];
                let evidence = source.failures.evidence(now.saturating_sub(c.window));
                out.push(sign("login_brute_force", login, lately, 0.7, facts, evidence));
            }
        }
        let since = now.saturating_sub(c.spray_window);
        let (failed, succeeded) = (source.failed.count(since), source.succeeded.count(since));
        let tries = source.failures.count(since);
        if failed >= c.sprayed && failed > succeeded && tries <= failed * c.spray_tries {
            source.guessing = Some(now);
            if self.quiet.may_say(login.source, &format!("spray {}", login.target), now, c.quiet) {
                let facts = vec![
                    fact("accounts_failed", failed),
                    fact("accounts_allowed", c.sprayed - 1),
                    fact("accounts_succeeded", succeeded),
                    fact("failures", tries),
                    fact("target", login.target),
                ];
                out.push(sign("password_spray", login, failed, 0.75, facts, source.failed.evidence(since)));
            }
        }
        let key = (SmolStr::new(login.account), SmolStr::new(login.target));
        let account = self.accounts.entry(key, now, c.max_pairs, Account::default);
        account.failures.add(id, now, id, c.account_window, most.max(c.account_failures));
        account.sources.add(SmolStr::new(login.source), now, id, c.account_window.max(c.fruit), most);
        let since = now.saturating_sub(c.account_window);
        let (failures, sources) = (account.failures.count(since), account.sources.count(since));
        if failures >= c.account_failures && sources >= c.account_sources {
            account.guessed = Some(now);
            if self.quiet.may_say(login.account, &format!("account {}", login.target), now, c.quiet) {
                let facts = vec![
                    fact("failures", failures),
                    fact("failures_allowed", c.account_failures - 1),
                    fact("sources", sources),
                    fact("account", login.account),
                    fact("target", login.target),
                ];
                out.push(sign("login_brute_force", login, failures, 0.65, facts, account.failures.evidence(since)));
            }
        }
    }

    fn success(&mut self, login: &Login<'_>, out: &mut Vec<Sign>) {
        let c = &self.config;
        let now = login.time;
        let fresh = |at: Option<i64>| at.is_some_and(|at| now.saturating_sub(at) <= c.fruit);
        let here = (SmolStr::new(login.source), SmolStr::new(login.target));
        let source = self.sources.get_mut(&here);
        let by_source = source.as_ref().is_some_and(|s| fresh(s.guessing));
        let mut evidence = (now, Vec::new());
        let mut failures = 0;
        if let Some(source) = source {
            source.succeeded.add(SmolStr::new(login.account), now, login.id, c.spray_window, c.max_values);
            failures = source.failures.held();
            evidence = source.failures.evidence(now.saturating_sub(c.spray_window));
        }
        let account = self.accounts.get(&(SmolStr::new(login.account), SmolStr::new(login.target)));
        let by_account = account.is_some_and(|a| {
            fresh(a.guessed) && a.sources.holds(&SmolStr::new(login.source), now.saturating_sub(c.fruit))
        });
        if !(by_source || by_account)
            || !self.quiet.may_say(login.source, &format!("in {} {}", login.target, login.account), now, c.quiet)
        {
            return;
        }
        if let (false, Some(account)) = (by_source, account) {
            failures = account.failures.held();
            evidence = account.failures.evidence(now.saturating_sub(c.account_window));
        }
        evidence.1.truncate(EVENTS_NAMED - 1);
        evidence.1.push(login.id);
        let tried = self.sources.get(&here).is_some_and(|s| s.failed.holds(&SmolStr::new(login.account), i64::MIN));
        let facts = vec![
            fact("failures_before", failures),
            fact("account", login.account),
            fact("account_was_tried", tried),
            fact("target", login.target),
        ];
        out.push(sign("login_brute_force_success", login, failures, if tried { 0.9 } else { 0.7 }, facts, evidence));
    }
}

fn sign(
    method: &'static str,
    login: &Login<'_>,
    count: usize,
    score: f64,
    facts: Vec<(&'static str, SmolStr)>,
    (since, events): (i64, Vec<EventId>),
) -> Sign {
    let (host, peer) = (SmolStr::new(login.source), Some(SmolStr::new(login.account)));
    Sign { method, time: login.time, since, host, peer, count: count as u64, score, facts, events }
}
