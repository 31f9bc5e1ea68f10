//! The report for an auditor.

use super::verify::Proof;
use jiff::{SignedDuration, Timestamp};
use std::collections::BTreeSet;
use std::fmt::Write;
use yagura_logs::trail::{ChainReport, Logging, Report, UncoveredCause, Verdict, What};
use yagura_model::Lang;

/// All verdicts, as the table has them.
const VERDICTS: [Verdict; 4] = [Verdict::Valid, Verdict::Invalid, Verdict::Missing, Verdict::Unknown];

/// The whole report.
pub fn tell(proof: &Proof, lang: Lang) -> String {
    let mut out = String::new();
    let title = lang.pick("CloudTrail log file integrity: report", "CloudTrail ログファイル整合性の検証レポート");
    let _ = writeln!(out, "{title}\n");
    scope(&mut out, proof, lang);
    let _ = writeln!(out, "\n{}\n", result(&proof.report, lang));
    checked(&mut out, &proof.report, lang);
    chains(&mut out, &proof.report, lang);
    problems(&mut out, &proof.report, lang);
    limits(&mut out, proof, lang);
    out
}

fn scope(out: &mut String, proof: &Proof, lang: Lang) {
    let (report, question) = (&proof.report, &proof.question);
    let line = |out: &mut String, en: &str, ja: &str, text: &str| {
        let name = lang.pick(en, ja);
        let pad = 16_usize.saturating_sub(yagura_report::width(name));
        let _ = writeln!(out, "  {name}{}{}", " ".repeat(pad), safe(text));
    };
    let joined = |of: fn(&ChainReport) -> &str| {
        let set: BTreeSet<&str> = report.chains.iter().map(of).collect();
        set.into_iter().collect::<Vec<_>>().join(", ")
    };
    if let Some(live) = &proof.live {
        let every = || lang.pick("every trail in the bucket", "バケットにあるすべての証跡").to_owned();
        line(out, "Trail", "証跡", &live.trail.clone().unwrap_or_else(every));
        line(out, "Bucket", "バケット", &format!("s3://{}", live.place));
    } else {
        line(out, "Trails", "証跡", &joined(|c| &c.trail.name));
        line(out, "Copy in", "コピーの場所", proof.folder.as_deref().unwrap_or_default());
    }
    line(out, "Accounts", "アカウント", &joined(|c| &c.account));
    line(out, "Regions", "リージョン", &joined(|c| &c.region));
    let from = question.start.map_or_else(|| lang.pick("the first digest", "最初のダイジェスト").to_owned(), time);
    let to = match (question.end, question.now) {
        (Some(end), _) => time(end),
        (None, Some(now)) => time(now),
        (None, None) => lang.pick("the last file", "最後のファイル").to_owned(),
    };
    let span = lang.pick("{from} to {to}", "{from} ～ {to}").replace("{from}", &from).replace("{to}", &to);
    line(out, "Asked about", "対象期間", &span);
    line(out, "Verified at", "検証日時", &time(proof.at));
    if let Some(caller) = proof.live.as_ref().and_then(|l| l.caller.as_ref()) {
        line(out, "Verified by", "検証者", caller);
    }
    line(out, "Tool", "ツール", concat!("yagura ", env!("CARGO_PKG_VERSION")));
}

fn result(report: &Report, lang: Lang) -> String {
    let [valid, invalid, missing, unknown] = VERDICTS.map(|v| report.all(v));
    if invalid + missing > 0 {
        let unread = match (unknown, lang) {
            (0, _) => String::new(),
            (n, Lang::En) => format!(", {n} not known"),
            (n, Lang::Ja) => format!("、不明 {n} 件"),
        };
        return match lang {
            Lang::En => format!("NOT VALID: {invalid} invalid, {missing} missing{unread}, {valid} valid"),
            Lang::Ja => format!("無効: 無効 {invalid} 件、存在しない {missing} 件{unread}、有効 {valid} 件"),
        };
    }
    match (report.valid(), unknown, lang) {
        (true, _, Lang::En) if valid == 1 => "VALID: the one file is as CloudTrail delivered it".to_owned(),
        (true, _, Lang::En) => format!("VALID: all {valid} files are as CloudTrail delivered them"),
        (true, _, Lang::Ja) => format!("有効: {valid} 件すべてが CloudTrail の配信したままである"),
        (false, 0, Lang::En) => "NOT KNOWN: no digest was found, so nothing can be proven".to_owned(),
        (false, 0, Lang::Ja) => "不明: ダイジェストが見つからず、何も証明できない".to_owned(),
        (false, n, Lang::En) => {
            let files = if n == 1 { "file" } else { "files" };
            let others = match valid {
                0 => String::new(),
                1 => ", the other one is valid".to_owned(),
                _ => format!(", the other {valid} are valid"),
            };
            format!("NOT KNOWN: {n} {files} could not be read or judged{others}")
        }
        (false, n, Lang::Ja) if valid == 0 => format!("不明: {n} 件は読み取りまたは判定ができない"),
        (false, n, Lang::Ja) => format!("不明: {n} 件は読み取りまたは判定ができない。残りの {valid} 件は有効"),
    }
}

fn heading(out: &mut String, text: &str) {
    let _ = writeln!(out, "{text}");
}

fn checked(out: &mut String, report: &Report, lang: Lang) {
    heading(out, lang.pick("What was checked", "検証した内容"));
    let points = match lang {
        Lang::En => [
            "Digest files: where they lie, their signature (SHA-256 with RSA, by AWS's public keys), and that each is the one",
            "  whose hash and signature the next newer digest recorded.",
            "Log files that a valid digest names: the SHA-256 of their content.",
            "Files in CloudTrail's folders that no valid digest names.",
        ],
        Lang::Ja => [
            "ダイジェストファイル: 置かれている場所、署名（SHA-256 with RSA、AWS の公開鍵）、",
            "  次に新しいダイジェストが記録したハッシュ値と署名との一致",
            "有効なダイジェストに記載されたログファイル: 内容の SHA-256",
            "CloudTrail のフォルダーにあり、有効なダイジェストに記載のないファイル",
        ],
    };
    for point in points {
        let mark = if point.starts_with(' ') { " " } else { "-" };
        let _ = writeln!(out, "  {mark} {}", point.trim_start());
    }
    let names = match lang {
        Lang::En => ["valid", "invalid", "missing", "not known"],
        Lang::Ja => ["有効", "無効", "存在しない", "不明"],
    };
    let right = |text: &str| format!("{}{text}", " ".repeat(12_usize.saturating_sub(yagura_report::width(text))));
    let _ = writeln!(out, "\n  {}{}", " ".repeat(16), names.map(right).concat());
    for (what, en, ja) in [
        (What::Digest, "digest files", "ダイジェスト"),
        (What::Log, "log files", "ログファイル"),
        (What::Stray, "other files", "その他"),
    ] {
        let name = lang.pick(en, ja);
        let pad = " ".repeat(16_usize.saturating_sub(yagura_report::width(name)));
        let counts = VERDICTS.map(|v| right(&report.count(what, v).to_string()));
        let _ = writeln!(out, "  {name}{pad}{}", counts.concat());
    }
    let _ = writeln!(out);
}

fn chains(out: &mut String, report: &Report, lang: Lang) {
    heading(out, lang.pick("When logging is proven", "記録を証明できる期間"));
    if report.chains.is_empty() {
        let _ = writeln!(out, "  {}", lang.pick("never: there is no digest", "なし（ダイジェストがない）"));
    }
    for chain in &report.chains {
        let late =
            if chain.backfill { lang.pick(", late log files", "、遅れて届いたログファイル") } else { "" };
        let trail = safe(&chain.trail.name);
        let _ = writeln!(out, "  {} {} {trail}{late}", chain.account, chain.region);
        if chain.backfill {
            continue;
        }
        match chain.covered {
            Some((from, to)) => line(out, lang, ("covered: {} to {}", "証明できる期間: {} ～ {}"), &[from, to]),
            None => {
                let _ = writeln!(out, "      {}", lang.pick("no valid digest", "有効なダイジェストがない"));
            }
        }
        for start in &chain.starts {
            let began = ("logging with validation began: {}", "検証を有効にした記録の開始: {}");
            line(out, lang, began, &[*start]);
        }
        for gap in &chain.uncovered {
            let text = match gap.cause {
                UncoveredCause::Off => (
                    "not covered: {} to {} (logging or validation was off)",
                    "証明できない期間: {} ～ {}（記録または検証が無効だった）",
                ),
                UncoveredCause::Lost => (
                    "not covered: {} to {} (digests are missing or invalid)",
                    "証明できない期間: {} ～ {}（ダイジェストが存在しないか無効）",
                ),
            };
            line(out, lang, text, &[gap.from, gap.to]);
        }
    }
    let _ = writeln!(out);
}

fn line(out: &mut String, lang: Lang, (en, ja): (&str, &str), times: &[Timestamp]) {
    let mut text = lang.pick(en, ja).to_owned();
    for at in times {
        text = text.replacen("{}", &time(*at), 1);
    }
    let _ = writeln!(out, "      {text}");
}

fn problems(out: &mut String, report: &Report, lang: Lang) {
    let bad: Vec<_> = report.files.iter().filter(|f| f.verdict != Verdict::Valid).collect();
    heading(out, lang.pick("Problems", "問題"));
    if bad.is_empty() {
        let _ = writeln!(out, "  {}", lang.pick("none", "なし"));
    }
    for file in bad {
        let verdict = match (file.verdict, lang) {
            (Verdict::Invalid, Lang::Ja) => "無効",
            (Verdict::Missing, Lang::Ja) => "存在しない",
            (Verdict::Unknown, Lang::Ja) => "不明",
            (Verdict::Unknown, Lang::En) => "NOT KNOWN",
            (Verdict::Missing, Lang::En) => "MISSING",
            _ => "INVALID",
        };
        let _ = writeln!(out, "  {verdict} {}", safe(&file.key));
        if let Some(why) = &file.why {
            let _ = writeln!(out, "      {}", safe(&why.say(lang)));
        }
    }
    let _ = writeln!(out);
}

fn limits(out: &mut String, proof: &Proof, lang: Lang) {
    let report = &proof.report;
    heading(out, lang.pick("What this does not prove", "証明できないこと"));
    let mut say = |en: String, ja: String| {
        let _ = writeln!(out, "  - {}", safe(lang.pick(&en, &ja)));
    };
    say(
        "That CloudTrail recorded every call: only that what it delivered is as it was.".to_owned(),
        "CloudTrail がすべての呼び出しを記録したこと。証明するのは、配信されたものが変わっていないことだけである"
            .to_owned(),
    );
    match (&proof.live, proof.question.logging) {
        (Some(_), Logging::On | Logging::Since(_)) => say(
            "That the newest digest is the last one: none points at it. The trail logs, so a digest that is an hour overdue is told as missing."
                .to_owned(),
            "最新のダイジェストが最後のものであること。それを指すものがないためである。証跡は記録中なので、1 時間以上遅れたダイジェストは「存在しない」とした"
                .to_owned(),
        ),
        (Some(_), Logging::Stopped(at)) => say(
            format!("That the newest digest is the last one: none points at it. The trail stopped logging at {}.", time(at)),
            format!("最新のダイジェストが最後のものであること。それを指すものがないためである。証跡は {} に記録を停止した", time(at)),
        ),
        _ => say(
            "That the newest digest is the last one: none points at it, and whoever deletes the newest digests with their log files \
             leaves no trace here."
                .to_owned(),
            "最新のダイジェストが最後のものであること。それを指すものがなく、最新のダイジェストをログファイルごと削除されると、ここには痕跡が残らない"
                .to_owned(),
        ),
    }
    if report.pending > 0 {
        let newest = report.chains.iter().filter_map(|c| c.newest).max().unwrap_or(proof.at);
        let after = time(newest.checked_add(SignedDuration::from_hours(2)).unwrap_or(newest));
        say(
            format!(
                "{} log file{} no digest names yet. A digest may come up to an hour late: verify again after {after}.",
                report.pending,
                if report.pending == 1 { " that" } else { "s that" }
            ),
            format!(
                "まだダイジェストに記載のないログファイル {} 件。ダイジェストの遅れは 1 時間まで許容する。{after} 以降に再度検証すること",
                report.pending
            ),
        );
    }
    if report.outside > 0 {
        say(
            format!(
                "Anything about {} other keys: they are not CloudTrail's, or of a time that was not asked about.",
                report.outside
            ),
            format!("その他のキー {} 件。CloudTrail のものではないか、対象期間の外である", report.outside),
        );
    }
    if report.resumed > 0 {
        say(
            format!("What {} log files hold now: their hashes are from the journal of an earlier run.", report.resumed),
            format!("ログファイル {} 件の現在の内容。ハッシュ値は前回の実行の記録による", report.resumed),
        );
    }
    if proof.live.is_none() {
        say(
            "That the public keys are AWS's: take them from `aws cloudtrail list-public-keys` yourself.".to_owned(),
            "公開鍵が AWS のものであること。`aws cloudtrail list-public-keys` で自ら取得すること".to_owned(),
        );
    }
    for (en, ja) in &proof.notes {
        say(en.clone(), ja.clone());
    }
}

fn time(at: Timestamp) -> String {
    at.strftime("%Y-%m-%dT%H:%M:%SZ").to_string()
}

/// A text of others' on one line: what a terminal would act on is written out.
fn safe(text: &str) -> String {
    let told = |c: char| if c.is_control() { c.escape_default().collect() } else { c.to_string() };
    text.chars().map(told).collect()
}
