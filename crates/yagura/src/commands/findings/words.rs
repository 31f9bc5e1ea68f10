//! Findings in the words of a language.

use jiff::Timestamp;
use yagura_findings::{Ended, Finding, Happened, Said, State, Suppression, SuppressionError};
use yagura_model::{Lang, Severity};

/// A state.
pub fn state(s: State, lang: Lang) -> &'static str {
    match s {
        State::New => lang.pick("new", "新規"),
        State::Active => lang.pick("active", "継続"),
        State::Reopened => lang.pick("reopened", "再発"),
        State::Resolved => lang.pick("resolved", "解決済み"),
        State::Suppressed => lang.pick("suppressed", "抑制中"),
    }
}

/// A severity.
pub fn severity(s: Severity, lang: Lang) -> &'static str {
    match s {
        Severity::Info => lang.pick("info", "情報"),
        Severity::Low => lang.pick("low", "低"),
        Severity::Medium => lang.pick("medium", "中"),
        Severity::High => lang.pick("high", "高"),
        Severity::Critical => lang.pick("critical", "重大"),
    }
}

/// How a finding was resolved.
pub fn ended(e: Ended, lang: Lang) -> &'static str {
    match e {
        Ended::Passed => lang.pick("the check passes", "チェックに合格"),
        Ended::NotApplicable => lang.pick("the check does not apply any more", "チェックの対象外になった"),
        Ended::Gone => lang.pick("the resource is gone", "リソースがなくなった"),
    }
}

/// A time, to the minute.
pub fn time(t: Timestamp) -> String {
    t.strftime("%Y-%m-%d %H:%M UTC").to_string()
}

/// What happened to a finding.
pub fn happened(h: &Happened, lang: Lang) -> String {
    match h {
        Happened::New => lang.pick("seen for the first time", "初めて検出").to_owned(),
        Happened::Active => lang.pick("seen again", "再度検出（継続）").to_owned(),
        Happened::Reopened => lang.pick("came back", "再発").to_owned(),
        Happened::Resolved { how } => {
            let how = how.map(|e| ended(e, lang)).unwrap_or_default();
            format!("{}{how}", lang.pick("resolved: ", "解決: "))
        }
        Happened::Severity { from, to, en, ja } => {
            let why = lang.pick(en, ja).as_deref().map(|w| format!(" ({w})")).unwrap_or_default();
            let (from, to) = (severity(*from, lang), severity(*to, lang));
            format!("{} {from} → {to}{why}", lang.pick("severity", "重要度"))
        }
        Happened::Unsure { en, ja } => {
            format!("{}{}", lang.pick("could not be checked: ", "確認不能: "), lang.pick(en, ja))
        }
        Happened::Sure => lang.pick("could be checked again", "再び確認できた").to_owned(),
        Happened::Suppressed { suppression, owner, reason, until } => match lang {
            Lang::En => format!("suppressed until {until} by {owner}: {reason} ({suppression})"),
            Lang::Ja => format!("{until} まで抑制（{owner}）: {reason}（{suppression}）"),
        },
        Happened::Unsuppressed { suppression } => {
            format!("{} ({suppression})", lang.pick("suppression taken back", "抑制を解除"))
        }
        Happened::SuppressionEnded { suppression } => {
            format!("{} ({suppression})", lang.pick("suppression ended", "抑制の期限切れ"))
        }
        Happened::Assigned { to: Some(who) } => format!("{} {who}", lang.pick("assigned to", "担当:")),
        Happened::Assigned { to: None } => lang.pick("assigned to nobody", "担当を解除").to_owned(),
    }
}

/// What a recording has to tell.
pub fn said(s: &Said, lang: Lang) -> String {
    match (s, lang) {
        (Said::ClockBack { clock, last }, Lang::En) => format!(
            "the clock says {clock}, and the last observation was made at {last}: this one is recorded as following it"
        ),
        (Said::ClockBack { clock, last }, Lang::Ja) => {
            format!("時計は {clock} だが、前回の観測は {last}。今回の観測はその直後のものとして記録した")
        }
        (Said::Overtaken { verdicts, run, newer }, Lang::En) => {
            format!("{verdicts} verdicts changed nothing: run {run} of {newer} has seen the same since")
        }
        (Said::Overtaken { verdicts, run, newer }, Lang::Ja) => {
            format!("判定 {verdicts} 件は反映していない。その後の観測（実行 {run}、{newer}）が同じ範囲を確認済み")
        }
        (Said::Already { run }, Lang::En) => format!("exactly this is recorded already, as run {run}"),
        (Said::Already { run }, Lang::Ja) => format!("同じ観測は実行 {run} として記録済み"),
        (Said::UnreadTags { findings }, Lang::En) => format!(
            "{findings} findings are told although a suppression by tag may mean them: their tags were not read"
        ),
        (Said::UnreadTags { findings }, Lang::Ja) => {
            format!("タグを読み取れなかったため、タグによる抑制の対象かもしれない検出結果 {findings} 件を表示している")
        }
        (Said::Reconnected, _) => lang
            .pick("the store's server was lost, and found again", "ストアのサーバーへの接続が切れ、再接続した")
            .to_owned(),
    }
}

/// What is wrong with a suppression, in Japanese; its own text is English.
pub fn suppression(e: &SuppressionError) -> String {
    match e {
        SuppressionError::Everything => {
            "抑制には検出結果、ルール、ARN、タグ、アカウントのいずれかを指定すること".to_owned()
        }
        SuppressionError::Empty(name) => format!("`{name}` が空"),
        SuppressionError::NoDay(text) => format!("`{text}` は 2027-03-31 のような日付ではない"),
        SuppressionError::Form(text) => text.clone(),
    }
}

/// What a suppression covers, as a person would write it.
pub fn covers(s: &Suppression) -> String {
    let parts = [("id", &s.finding), ("rule", &s.rule), ("arn", &s.arn), ("tag", &s.tag), ("account", &s.account)];
    let given = parts.iter().filter_map(|(name, value)| Some(format!("{name} {}", value.as_deref()?)));
    given.collect::<Vec<_>>().join(", ")
}

/// The beginning of an id, enough to tell findings apart.
pub fn short(f: &Finding) -> &str {
    f.id.get(..12).unwrap_or(&f.id)
}
