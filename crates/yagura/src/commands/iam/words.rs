//! Decisions and their reasons in words, English and Japanese.

use smol_str::SmolStr;
use std::fmt::Write as _;
use yagura_model::Lang;
use yagura_policy::account::{Cause, Part};
use yagura_policy::evaluate::{Answer, Because, Decision, Held, Layer, Role};
use yagura_policy::tri::Tri;
use yagura_policy::world::{Doubt, Told};
use yagura_report::{width, wrap_whole};

/// What a person calls a layer.
pub fn layer(layer: Layer, lang: Lang) -> &'static str {
    let (en, ja) = match layer {
        Layer::Scp => ("service control policies", "サービスコントロールポリシー (SCP)"),
        Layer::Rcp => ("resource control policies", "リソースコントロールポリシー (RCP)"),
        Layer::Boundary => ("the permissions boundary", "アクセス許可の境界"),
        Layer::Session => ("session policies", "セッションポリシー"),
        Layer::Identity => ("identity-based policies", "アイデンティティベースのポリシー"),
        Layer::Resource => ("the resource's policy", "リソースベースのポリシー"),
        Layer::VpcEndpoint => ("the VPC endpoint policy", "VPC エンドポイントポリシー"),
        Layer::BlockPublicAccess => ("Block Public Access", "ブロックパブリックアクセス"),
    };
    lang.pick(en, ja)
}

/// The decision in a word or two.
pub fn decision(answer: &Answer, lang: Lang) -> &'static str {
    match (answer.decision, answer.conditional.is_some()) {
        (Decision::Allowed, false) => lang.pick("allowed", "許可"),
        (Decision::Allowed, true) => lang.pick("allowed under conditions", "条件付きで許可"),
        (Decision::ExplicitlyDenied, _) => lang.pick("explicitly denied", "明示的な拒否"),
        (Decision::ImplicitlyDenied, _) => lang.pick("implicitly denied", "暗黙的な拒否"),
    }
}

/// The whole answer: the decision, why, under which conditions, and what was left out of account.
pub fn tell(told: &Told, action: &str, resource: &str, lang: Lang) -> String {
    let answer = &told.answer;
    let mut out = String::new();
    let name = match (told.is_certain(), answer.decision) {
        (true, _) => decision(answer, lang),
        (false, Decision::Allowed) => lang.pick(
            "allowed, unless something that could not be read denies it",
            "読み取れなかったものが拒否していなければ許可",
        ),
        (false, _) => {
            lang.pick("unknown: what could be read does not allow it", "不明（読み取れた範囲では許可されていない）")
        }
    };
    let _ = match lang {
        Lang::En => writeln!(out, "{name}: {} {action} on {resource}", told.principal),
        Lang::Ja => writeln!(out, "{name}: {} による {resource} への {action}", told.principal),
    };
    if let Some(concrete) = &answer.resource {
        let _ = writeln!(out, "  {}: {concrete}", lang.pick("judged on", "判定したリソース"));
    }
    if !answer.blocked_by.is_empty() {
        let names: Vec<&str> = answer.blocked_by.iter().map(|l| layer(l, lang)).collect();
        let _ = writeln!(out, "  {}: {}", lang.pick("blocked by", "妨げているもの"), names.join(lang.pick(", ", "、")));
    }
    out.push('\n');
    for because in &answer.because {
        reason(&mut out, because, lang);
    }
    if let Some(conditional) = &answer.conditional
        && !conditional.example.is_empty()
    {
        let _ = writeln!(out, "\n{}", lang.pick("A context that is allowed:", "許可されるコンテキストの例:"));
        for (key, values) in &conditional.example {
            let written = answer.because.iter().flat_map(|b| &b.conditions).map(|c| &c.key);
            let key = written.clone().find(|k| k.eq_ignore_ascii_case(key)).unwrap_or(key);
            let text = if values.is_empty() { lang.pick("(absent)", "（なし）").to_owned() } else { list(values) };
            let _ = writeln!(out, "  {key} = {text}");
        }
        if conditional.unproven {
            let _ = writeln!(
                out,
                "{}",
                lang.pick("The search for it ended before it was certain.", "探索が上限に達したため、確実ではない。")
            );
        }
    }
    out.push_str(&doubts(&told.doubts, lang));
    out
}

fn reason(out: &mut String, because: &Because, lang: Lang) {
    let what = match because.role {
        Role::Allows => lang.pick("allows it", "が許可している"),
        Role::Denies => lang.pick("denies it", "が拒否している"),
        Role::WouldAllow => {
            lang.pick("would allow it, but a condition does not hold", "は、条件が満たされないため許可しない")
        }
        Role::Depends => lang.pick("decides by conditions", "の適用は条件による"),
        Role::NothingAllows => lang.pick("nothing allows it", "許可するステートメントがない"),
        Role::Root => lang.pick("the root user needs no policy", "ルートユーザーにポリシーは不要"),
        Role::PublicAccessBlocked => lang.pick(
            "the policy is public, so only the owner's account and AWS services get in",
            "ポリシーがパブリックなため、所有アカウントと AWS サービスだけが利用できる",
        ),
    };
    let level = because.level.map_or_else(String::new, |n| match lang {
        Lang::En => format!(", level {}", n + 1),
        Lang::Ja => format!("、階層 {}", n + 1),
    });
    let place = because.statement.map_or_else(String::new, |n| {
        let sid = because.sid.as_ref().map(|s| format!(" ({s})")).unwrap_or_default();
        match lang {
            Lang::En => format!(" {}, statement {}{sid}", because.policy, n + 1),
            Lang::Ja => format!(" {} の {} 番目のステートメント{sid}", because.policy, n + 1),
        }
    });
    let is_joined = lang == Lang::Ja && because.statement.is_some() && because.sid.is_none();
    let gap = if is_joined { "" } else { " " };
    let _ = writeln!(out, "  {}{level}:{place}{gap}{what}", layer(because.layer, lang));
    for held in &because.conditions {
        condition(out, held, lang);
    }
}

fn condition(out: &mut String, held: &Held, lang: Lang) {
    let state = match held.holds {
        Tri::True => lang.pick("holds", "成立"),
        Tri::False => lang.pick("does not hold", "不成立"),
        Tri::Unknown => lang.pick("not known", "不明"),
    };
    let found =
        held.found.as_deref().map_or_else(|| lang.pick("not in the request", "リクエストにない").to_owned(), list);
    let _ = writeln!(out, "      {} {} [{}]: {state} ({found})", held.operator, held.key, list(&held.wanted));
}

/// What an answer leaves out of account; empty where nothing is.
pub fn doubts(doubts: &[Doubt], lang: Lang) -> String {
    if doubts.is_empty() {
        return String::new();
    }
    let mut out = format!("\n{}\n", lang.pick("Not taken into account:", "考慮していないもの:"));
    for doubt in doubts {
        let _ = writeln!(out, "  {}", doubt_text(doubt, lang));
    }
    out
}

/// One doubt in a sentence.
pub fn doubt_text(doubt: &Doubt, lang: Lang) -> String {
    match doubt {
        Doubt::Unread(unread) => {
            let part = match unread.part {
                Part::Policy => lang.pick("the policy", "ポリシー"),
                Part::Boundary => lang.pick("the permissions boundary", "アクセス許可の境界"),
                Part::Trust => lang.pick("the trust policy", "信頼ポリシー"),
                Part::Group => lang.pick("the group", "グループ"),
            };
            let why = match &unread.cause {
                Cause::NotGiven => lang.pick("was not given", "は与えられていない").to_owned(),
                Cause::NotAPolicy(e) => match lang {
                    Lang::En => format!("cannot be read: {e}"),
                    Lang::Ja => format!("を読み取れない: {e}"),
                },
            };
            match lang {
                Lang::En => format!("{part} {} {why}", unread.name),
                Lang::Ja => format!("{part} {} {why}", unread.name),
            }
        }
        Doubt::ForeignPolicies => lang
            .pick(
                "the principal's own policies are not known; they are taken to allow everything",
                "プリンシパル自身のポリシーは不明なため、すべて許可するものとみなした",
            )
            .to_owned(),
        Doubt::ResourcePolicy(why) => match lang {
            Lang::En => format!("the resource's own policy could not be read: {why}"),
            Lang::Ja => format!("リソースのポリシーを読み取れなかった: {why}"),
        },
        Doubt::UnknownResource => lang
            .pick(
                "the resource was not read: a policy of its own may allow or deny",
                "リソースを読み取っていない（リソース自身のポリシーが許可または拒否する可能性がある）",
            )
            .to_owned(),
        Doubt::NoGuardrails => lang
            .pick(
                "service and resource control policies (SCPs, RCPs): none were given (--scp, --rcp)",
                "SCP と RCP（--scp、--rcp で指定されていない）",
            )
            .to_owned(),
    }
}

/// A text in lines of at most `columns` where its words allow that. What follows on a line's continuation stands deeper
/// than the line; a command line (`$ …`) stays as it is, to be copied.
pub fn fold(text: &str, columns: usize) -> String {
    let mut out = String::new();
    for line in text.lines() {
        let words = line.trim_start_matches(' ');
        if words.starts_with("$ ") || width(line) <= columns {
            out.push_str(line);
            out.push('\n');
            continue;
        }
        let indent = line.get(..line.len() - words.len()).unwrap_or_default();
        let deeper = format!("{indent}  ");
        for folded in wrap_whole(words, columns.max(40), indent, &deeper) {
            out.push_str(&folded);
            out.push('\n');
        }
    }
    out
}

/// Values beside each other.
pub fn list(values: &[SmolStr]) -> String {
    values.iter().map(SmolStr::as_str).collect::<Vec<_>>().join(", ")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn long_lines_are_folded_deeper_and_commands_are_not() {
        let long = "a ".repeat(30);
        let text = format!("  {long}\n    $ aws {long}\nshort\n\n許可する{}\n", "許".repeat(40));
        let folded = fold(&text, 40);
        let lines: Vec<&str> = folded.lines().collect();
        assert!(lines[0].starts_with("  a ") && lines[1].starts_with("    a "), "{folded}");
        assert!(lines.contains(&format!("    $ aws {long}").as_str()) && folded.contains("\nshort\n\n"), "{folded}");
        assert!(lines.iter().filter(|l| !l.contains('$')).all(|l| width(l) <= 40), "{folded}");
        assert_eq!(fold("x\n", 40), "x\n");
    }
}
