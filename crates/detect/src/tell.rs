//! What was found, in the words of one language: what every output format is given.

use crate::detection::{Dim, Words};
use crate::engine::State;
use crate::observe::{Rules, Seen, plain_name};
use crate::sequence::{Sequence, Sequences};
use crate::signal::{Because, Signal};
pub use crate::way::Way;
use serde::Serialize;
use smol_str::{SmolStr, ToSmolStr};
use std::collections::{BTreeSet, HashSet};

use yagura_model::{Lang, Severity, filled};

/// A finding. Serializes as one line of the `jsonl` format.
#[derive(Debug, Clone, Serialize)]
pub struct Told {
    /// The detection or sequence.
    pub rule: SmolStr,
    /// How bad.
    pub severity: Severity,
    /// How likely: `low`, `medium`, `high`.
    pub confidence: &'static str,
    /// When, ISO 8601 UTC.
    pub time: String,
    /// The last record that belongs to it, ISO 8601 UTC.
    pub last: String,
    /// Whom and what it is about.
    pub about: About,
    /// One line.
    pub title: String,
    /// Why it matters, and what made it stand out.
    pub why: String,
    /// What to look at next.
    pub look: Vec<String>,
    /// What else it may be, where the rule lists such causes.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub innocent: Vec<String>,
    /// The records, by their names.
    pub events: Vec<SmolStr>,
    /// How many records.
    pub count: u64,
    /// `attack/T…`, `guardduty/…`
    pub maps: Vec<SmolStr>,
    /// The incident that it is part of, by its number (from 1) among those found.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub incident: Option<usize>,
    /// Of an incident: the sequences that it went through.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub sequence: Vec<SmolStr>,
    /// Of an incident: what happened, in order.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub timeline: Vec<Moment>,
    /// Of an incident: everyone who took part.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub actors: Vec<SmolStr>,
    /// Of an incident: what it touched.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub resources: Vec<SmolStr>,
    /// Of an incident: techniques reached.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub techniques: Vec<SmolStr>,
    /// Of an incident: ATT&CK's tactics reached, in its order.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub tactics: Vec<SmolStr>,
    /// Of an incident: stages that no record was found for.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub missing: Vec<SmolStr>,
    /// Of what was found on the network: which way.
    #[serde(skip)]
    pub way: Option<Way>,
}

/// Whom and what a finding is about; empty where nothing is known.
#[derive(Debug, Clone, Default, Serialize)]
pub struct About {
    /// The caller's ARN as logged.
    pub actor: SmolStr,
    /// The session's ARN.
    pub session: SmolStr,
    /// What it happened to.
    pub target: SmolStr,
    /// The source address; of network findings the host.
    pub source_ip: SmolStr,
    /// The account.
    pub account: SmolStr,
    /// The Region.
    pub region: SmolStr,
}

/// A moment of a timeline.
#[derive(Debug, Clone, Serialize)]
pub struct Moment {
    /// When, ISO 8601 UTC.
    pub time: String,
    /// The stage, `sequence/stage`; empty for what happened besides.
    pub stage: SmolStr,
    /// The detection.
    pub rule: SmolStr,
    /// What happened, one line.
    pub title: String,
    /// The record.
    pub event: SmolStr,
    /// Who.
    pub actor: SmolStr,
    /// From where.
    pub source_ip: SmolStr,
    /// Of what was found on the network: which way.
    #[serde(skip)]
    pub way: Option<Way>,
}

/// A stage (`sequence/stage`) in a language, where it is one of the usual ones.
pub fn stage_word(stage: &str, lang: Lang) -> &str {
    let name = stage.rsplit('/').next().unwrap_or(stage);
    let ja = match name {
        "enter" => "侵入",
        "look" => "偵察",
        "settle" => "定着",
        "persist" => "永続化",
        "widen" => "権限拡大",
        "rise" => "権限昇格",
        "blind" => "記録停止",
        "take" => "持ち出し",
        "harm" | "destroy" => "破壊",
        "run" => "実行",
        "steal" => "窃取",
        "use" => "悪用",
        "close" => "退路遮断",
        other => other,
    };
    match lang {
        Lang::En => name,
        Lang::Ja => ja,
    }
}

/// A tactic of MITRE ATT&CK (`defense-evasion`) in words.
pub fn tactic_word(tactic: &str, lang: Lang) -> String {
    let ja = match tactic {
        "reconnaissance" => "偵察",
        "resource-development" => "リソース開発",
        "initial-access" => "初期アクセス",
        "execution" => "実行",
        "persistence" => "永続化",
        "privilege-escalation" => "権限昇格",
        "defense-evasion" => "防御回避",
        "credential-access" => "認証情報アクセス",
        "discovery" => "探索",
        "lateral-movement" => "水平展開",
        "collection" => "収集",
        "command-and-control" => "コマンド＆コントロール",
        "exfiltration" => "持ち出し",
        "impact" => "影響",
        other => other,
    };
    match lang {
        Lang::En => tactic.replace('-', " "),
        Lang::Ja => ja.to_owned(),
    }
}

/// A time as text.
pub fn iso(ms: i64) -> String {
    jiff::Timestamp::from_millisecond(ms).map(|t| t.to_string()).unwrap_or_default()
}

/// Everything that was found: incidents first, then signals, each in the order of time.
pub fn tell(state: &State, rules: &Rules, sequences: &Sequences, lang: Lang) -> Vec<Told> {
    let mut all: Vec<Told> =
        (0..state.incidents.len()).filter_map(|n| incident(n, state, rules, sequences, lang)).collect();
    all.extend(state.signals.iter().filter_map(|s| signal(s, rules, lang)));
    all
}

/// A signal in words.
pub fn signal(s: &Signal, rules: &Rules, lang: Lang) -> Option<Told> {
    let d = rules.named(&s.rule)?;
    let words = d.words(lang);
    let fill = |text: &str| fill(text, &s.seen, &s.shown, s.count);
    let mut why = fill(&words.why);
    for because in &s.because {
        if !why.is_empty() {
            why.push_str(lang.pick(" ", ""));
        }
        why.push_str(&reason(because, lang));
    }
    Some(Told {
        rule: s.rule.clone(),
        severity: s.severity,
        confidence: s.confidence.name(),
        time: iso(s.time),
        last: iso(s.last),
        about: about(&s.seen),
        title: headline(&words.title, &s.seen, &s.shown, s.count),
        why,
        look: words.look.iter().map(|l| fill(l)).collect(),
        innocent: words.innocent.iter().map(ToString::to_string).collect(),
        events: s.events.clone(),
        count: s.count,
        maps: d.maps.clone(),
        incident: s.incident.map(|n| n + 1),
        sequence: Vec::new(),
        timeline: Vec::new(),
        actors: Vec::new(),
        resources: Vec::new(),
        techniques: Vec::new(),
        tactics: Vec::new(),
        missing: Vec::new(),
        way: Way::of(&s.seen),
    })
}

fn about(seen: &Seen) -> About {
    About {
        actor: seen.actor.clone(),
        session: seen.session.clone(),
        target: seen.target.clone(),
        source_ip: seen.source_ip.clone(),
        account: seen.account.clone(),
        region: seen.region.clone(),
    }
}

/// The incident of this number (from 0) in words.
pub fn incident(number: usize, state: &State, rules: &Rules, sequences: &Sequences, lang: Lang) -> Option<Told> {
    let i = state.incidents.get(number)?;
    let gone: Vec<&Sequence> = i.sequences.iter().filter_map(|id| sequences.all.iter().find(|s| s.id == *id)).collect();
    // The worst sequence gives the incident its words.
    let main = gone.iter().max_by_key(|s| (s.severity, s.stages.len()))?;
    // Whom its first stage is about: what lies before may be an innocent's.
    let first = i.steps.iter().find(|s| !s.stage.is_empty()).or(i.steps.first())?;
    let Words { title, why, look, .. } = match lang {
        Lang::En => &main.en,
        Lang::Ja => &main.ja,
    };
    let own = state.signals.iter().filter(|s| s.incident == Some(number));
    let mut events: Vec<SmolStr> = Vec::new();
    let mut named: HashSet<&SmolStr> = HashSet::new();
    for e in i.steps.iter().map(|s| &s.seen.event_id).chain(own.flat_map(|s| &s.events)) {
        if named.insert(e) {
            events.push(e.clone());
        }
    }
    let mut maps: BTreeSet<SmolStr> = gone.iter().flat_map(|s| s.maps.iter().cloned()).collect();
    let ruled = i.steps.iter().filter_map(|s| rules.named(&s.rule));
    let techniques: BTreeSet<SmolStr> = ruled
        .flat_map(|d| &d.maps)
        .chain(gone.iter().flat_map(|s| &s.maps))
        .filter_map(|m| m.strip_prefix("attack/").map(SmolStr::new))
        .collect();
    maps.extend(techniques.iter().map(|t| SmolStr::from(format!("attack/{t}"))));
    // On the network the far end is no resource of one's own.
    let touched = i.steps.iter().map(|s| Way::of(&s.seen).map_or_else(|| s.seen.target.clone(), |way| way.host));
    let resources: BTreeSet<SmolStr> = touched.filter(|t| !t.is_empty()).collect();
    // Sequences share names of stages: what two of them call `take` is one.
    let own = |stage: &'_ SmolStr| SmolStr::from(stage.rsplit('/').next().unwrap_or(stage));
    let stages: BTreeSet<SmolStr> = i.steps.iter().map(|s| own(&s.stage)).filter(|s| !s.is_empty()).collect();
    let mut why = fill(why, &first.seen, &[], i.steps.len() as u64);
    why.push_str(&match lang {
        Lang::En => {
            format!(" {} steps in {} stages from {} to {}.", i.steps.len(), stages.len(), iso(i.first), iso(i.last))
        }
        Lang::Ja => {
            format!("{} から {} までに {} 段階、{} 件の動き。", iso(i.first), iso(i.last), stages.len(), i.steps.len())
        }
    });
    let timeline = i.steps.iter().map(|s| {
        // A rule that is no more has left its name.
        let words = rules.named(&s.rule).map_or_else(|| s.rule.clone(), |d| d.words(lang).title.clone());
        Moment {
            time: iso(s.time),
            stage: s.stage.clone(),
            rule: s.rule.clone(),
            title: headline(&words, &s.seen, &s.seen.shown, 1),
            event: s.seen.event_id.clone(),
            actor: s.seen.actor.clone(),
            source_ip: s.seen.source_ip.clone(),
            way: Way::of(&s.seen),
        }
    });
    Some(Told {
        rule: main.id.clone(),
        severity: i.severity,
        confidence: "high",
        time: iso(first.time),
        last: iso(i.last),
        about: about(&first.seen),
        title: headline(title, &first.seen, &[], i.steps.len() as u64),
        why,
        look: look.iter().map(|l| fill(l, &first.seen, &[], i.steps.len() as u64)).collect(),
        innocent: Vec::new(),
        count: events.len() as u64,
        events,
        maps: maps.into_iter().collect(),
        incident: Some(number + 1),
        sequence: i.sequences.clone(),
        timeline: timeline.collect(),
        actors: i.actors.clone(),
        resources: resources.into_iter().collect(),
        tactics: rules.attack.tactics(techniques.iter().map(SmolStr::as_str)),
        techniques: techniques.into_iter().collect(),
        missing: i.missing.clone(),
        way: None,
    })
}

/// A title with its placeholders filled in. Of ARNs only the last part: the rest stands in [`About`], and would hide what was done.
fn headline(text: &str, seen: &Seen, shown: &[(SmolStr, SmolStr)], count: u64) -> String {
    let brief = |t: &SmolStr| if t.starts_with("arn:") { short(t) } else { t.clone() };
    let shown: Vec<(SmolStr, SmolStr)> = shown.iter().map(|(name, value)| (name.clone(), brief(value))).collect();
    let seen = Seen {
        actor: brief(&seen.actor),
        identity: brief(&seen.identity),
        session: brief(&seen.session),
        target: brief(&seen.target),
        ..seen.clone()
    };
    // What is in brackets is beside the point, and nothing where it is not known.
    fill(text, &seen, &shown, count).replace(" (-)", "").replace("（-）", "")
}

/// Fills in a text's placeholders. What the record does not say is `-`.
fn fill(text: &str, seen: &Seen, shown: &[(SmolStr, SmolStr)], count: u64) -> String {
    let dash = |t: &SmolStr| if t.is_empty() { "-".to_owned() } else { t.to_string() };
    filled(text, &|name| {
        if let Some((_, value)) = shown.iter().find(|(n, _)| n == name) {
            return Some(dash(value));
        }
        Some(match name {
            "actor" => dash(&seen.actor),
            "identity" => dash(&seen.identity),
            "session" => dash(&seen.session),
            "target" => dash(&seen.target),
            "source_ip" => dash(&seen.source_ip),
            "network" => crate::network_of(&seen.source_ip).map_or_else(|| "-".to_owned(), |n| n.to_string()),
            "account" => dash(&seen.account),
            "region" => dash(&seen.region),
            "event" => dash(&plain_name(&seen.event).into()),
            "user_agent" => dash(&seen.user_agent),
            "error" => dash(&seen.error),
            "count" => count.to_string(),
            _ => "-".to_owned(),
        })
    })
}

fn reason(because: &Because, lang: Lang) -> String {
    match because {
        Because::Habit(n) if !n.mature => match (n.total, lang) {
            (0, Lang::En) => {
                "Nothing was known of this identity before: whether it is usual cannot be told.".to_owned()
            }
            (0, Lang::Ja) => "この ID の過去の記録がないため、通常かどうかは判断できない。".to_owned(),
            (1, Lang::En) => format!(
                "Only one call of this identity was seen before (at {}): too little to tell what is usual.",
                iso(n.since)
            ),
            (t, Lang::En) => format!(
                "Only {t} calls of this identity were seen before (since {}): too few to tell what is usual.",
                iso(n.since)
            ),
            (t, Lang::Ja) => format!(
                "この ID の過去の呼び出しは {} 以降 {t} 件だけで、通常かどうかを判断するには少ない。",
                iso(n.since)
            ),
        },
        Because::Habit(n) => {
            let new: Vec<String> = n.new.iter().zip(&n.usual).map(|(d, u)| usual(*d, *u, lang)).collect();
            match lang {
                Lang::En => format!(
                    "In {} calls since {} this identity never did so: {}.",
                    n.total,
                    iso(n.since),
                    new.join(", ")
                ),
                Lang::Ja => format!(
                    "この ID は {} 以降の {} 件の呼び出しで、これを一度も行っていない（{}）。",
                    iso(n.since),
                    n.total,
                    new.join("、")
                ),
            }
        }
        Because::Count { count, distinct, since } => match (distinct, lang) {
            (true, Lang::En) => format!("{count} different ones since {}.", iso(*since)),
            (false, Lang::En) => format!("{count} times since {}.", iso(*since)),
            (true, Lang::Ja) => format!("{} 以降、異なるもの {count} 件。", iso(*since)),
            (false, Lang::Ja) => format!("{} 以降 {count} 回。", iso(*since)),
        },
        Because::Figures { figures, .. } => crate::figures::sentence(figures, lang),
        Because::Recurring { times, quiet } => {
            let (n, en, ja) = match quiet / 60_000 {
                minutes if minutes < 120 => (minutes, "minutes", "分間"),
                minutes if minutes < 2 * 24 * 60 => (minutes / 60, "hours", "時間"),
                minutes => (minutes / (24 * 60), "days", "日間"),
            };
            match lang {
                Lang::En => format!("Found {times} times so far; it will not be told again for {n} {en}."),
                Lang::Ja => format!("{times} 回目の検出。以後 {n} {ja}は繰り返し通知しない。"),
            }
        }
    }
}

fn usual(dim: Dim, values: u32, lang: Lang) -> String {
    let (en, ja) = match dim {
        Dim::Api => ("new API", "新しい API"),
        Dim::Service => ("new service", "新しいサービス"),
        Dim::Region => ("new Region", "新しいリージョン"),
        Dim::Network => ("new network", "新しいネットワーク"),
        Dim::Agent => ("new client", "新しいクライアント"),
        Dim::Hour => ("new hour of the day", "新しい時間帯"),
    };
    match lang {
        Lang::En => format!("{en} (usual: {values})"),
        Lang::Ja => format!("{ja}（通常 {values} 種）"),
    }
}

/// A finding's short name of whom it is about: the last part of an ARN.
pub fn short(arn: &str) -> SmolStr {
    match arn.strip_prefix("arn:") {
        Some(rest) => rest.splitn(5, ':').last().unwrap_or(rest).to_smolstr(),
        None => arn.into(),
    }
}
