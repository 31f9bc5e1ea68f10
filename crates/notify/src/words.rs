//! What messages say, in both languages.

use crate::notice::{Change, Notice};
use yagura_model::{Lang, Severity};

/// A severity.
pub(crate) fn severity(s: Severity, lang: Lang) -> &'static str {
    match s {
        Severity::Info => lang.pick("info", "情報"),
        Severity::Low => lang.pick("low", "低"),
        Severity::Medium => lang.pick("medium", "中"),
        Severity::High => lang.pick("high", "高"),
        Severity::Critical => lang.pick("critical", "重大"),
    }
}

/// What happened, in front of a title.
fn happened(c: Change, lang: Lang) -> &'static str {
    match c {
        Change::New => lang.pick("New finding", "新しい検出結果"),
        Change::Reopened => lang.pick("Finding came back", "検出結果の再発"),
        Change::Resolved => lang.pick("Resolved", "解決"),
        Change::SuppressionEnded => lang.pick("Suppression ended", "抑制の期限切れ"),
        Change::Active => lang.pick("Still open", "未解決のまま継続"),
        Change::Severity => lang.pick("Severity changed", "重要度の変更"),
        Change::Unsure => lang.pick("Could not be checked", "確認不能"),
        Change::Sure => lang.pick("Checked again", "再び確認"),
        Change::Signal => lang.pick("Threat", "脅威の検出"),
        Change::Incident => lang.pick("Incident", "インシデント"),
    }
}

/// One line that says everything that cannot wait. A check's title is the wanted truth, so it is said whether it holds.
pub(crate) fn headline(n: &Notice, lang: Lang) -> String {
    let (what, how) = (happened(n.change, lang), severity(n.severity, lang));
    let title = &n.words(lang).title;
    let gone = n.detail.get("ended").and_then(serde_json::Value::as_str) == Some("gone");
    match (lang, n.change) {
        (Lang::En, Change::Signal | Change::Incident) => format!("{what} ({how}): {title}"),
        (Lang::Ja, Change::Signal | Change::Incident) => format!("{what}（{how}）: {title}"),
        (Lang::En, Change::Resolved) if gone => format!("{what} ({how}), the resource is gone: {title}"),
        (Lang::Ja, Change::Resolved) if gone => format!("{what}（{how}、リソースがなくなった）: {title}"),
        (Lang::En, Change::Resolved) => format!("{what} ({how}), check passes: {title}"),
        (Lang::Ja, Change::Resolved) => format!("{what}（{how}、合格）: {title}"),
        (Lang::En, _) if n.rule == "yagura.test" => format!("{what} ({how}): {title}"),
        (Lang::Ja, _) if n.rule == "yagura.test" => format!("{what}（{how}）: {title}"),
        (Lang::En, _) => format!("{what} ({how}), check failed: {title}"),
        (Lang::Ja, _) => format!("{what}（{how}、不合格）: {title}"),
    }
}

/// One line for several notices.
pub(crate) fn several(notices: &[Notice], grouped: &str, lang: Lang) -> String {
    let n = notices.len();
    let worst = notices.iter().map(|n| n.severity).max().unwrap_or(Severity::Info);
    let of = if grouped.is_empty() { String::new() } else { format!(" — {grouped}") };
    match lang {
        Lang::En => format!("Yagura: {n} changes, at most {}{of}", severity(worst, lang)),
        Lang::Ja => format!("Yagura: 変更 {n} 件（最高の重要度: {}）{of}", severity(worst, lang)),
    }
}

/// The facts of a notice: label and value.
pub(crate) fn facts(n: &Notice, lang: Lang) -> Vec<(&'static str, String)> {
    let mut out = vec![
        (lang.pick("Resource", "リソース"), n.resource.clone()),
        (lang.pick("Account", "アカウント"), n.account.clone()),
        (lang.pick("Region", "リージョン"), n.region.clone()),
        (lang.pick("Rule", "ルール"), n.rule.clone()),
        (lang.pick("Time", "時刻"), n.at.strftime("%Y-%m-%d %H:%M UTC").to_string()),
    ];
    out.retain(|(_, value)| !value.trim().is_empty());
    out
}

/// In front of what to do.
pub(crate) fn to_do(n: &Notice, lang: Lang) -> &'static str {
    match n.change {
        Change::Signal | Change::Incident => lang.pick("Look at", "確認すること"),
        _ => lang.pick("Fix", "対処"),
    }
}

/// That so many are not shown here.
pub(crate) fn more(n: usize, lang: Lang) -> String {
    match lang {
        Lang::En => format!("and {n} more: see `yagura findings list`"),
        Lang::Ja => format!("ほか {n} 件（`yagura findings list` で確認できる）"),
    }
}
