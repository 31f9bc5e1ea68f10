//! Escalations for people: who, how far, by which steps, and what closes each.

use super::Findings;
use smol_str::SmolStr;
use std::collections::BTreeMap;
use std::fmt::Write;
use yagura_model::Lang;
use yagura_policy::account::{Cause, Part, Unread};
use yagura_policy::escalate::path::Path;
use yagura_policy::escalate::{Certainty, Conditions, Doubt, Hop, Principal};

/// The report as text.
pub(super) fn print(findings: &Findings<'_>, lang: Lang) -> String {
    let mut out = String::new();
    // Writing into a string does not fail.
    let _ = write_all(&mut out, findings, lang);
    out
}

fn write_all(out: &mut String, findings: &Findings<'_>, lang: Lang) -> std::fmt::Result {
    let all = &findings.report.principals;
    let (admins, rest): (Vec<_>, Vec<_>) = all.iter().partition(|p| p.admin == Certainty::Certain);
    let count = |wanted: &dyn Fn(&Principal) -> bool| rest.iter().filter(|p| wanted(p)).count();
    let sure = count(&|p| p.reaches_admin && p.certainty == Certainty::Certain);
    let maybe = count(&|p| p.reaches_admin && p.certainty != Certainty::Certain);
    let other = count(&|p| !p.reaches_admin && !p.found.is_empty());
    let none = count(&|p| p.found.is_empty());
    let account = &findings.account.id;
    match lang {
        Lang::En => {
            writeln!(out, "Privilege escalation in account {account}: {} users and roles", all.len())?;
            writeln!(out, "  {sure} can become an administrator, {maybe} under conditions")?;
            writeln!(out, "  {other} fit a path that leads to no known administrator, {none} fit none")?;
            writeln!(out, "  {} are administrators already", admins.len())?;
        }
        Lang::Ja => {
            writeln!(out, "アカウント {account} の権限昇格: ユーザーとロール {} 件", all.len())?;
            writeln!(out, "  管理者になれる {sure} 件、条件によってはなれる {maybe} 件")?;
            writeln!(out, "  管理者には届かないが経路に当てはまる {other} 件、当てはまらない {none} 件")?;
            writeln!(out, "  すでに管理者 {} 件", admins.len())?;
        }
    }
    let mut told: Vec<_> = rest.iter().filter(|p| !p.found.is_empty()).collect();
    let rank = |p: &Principal| (!p.reaches_admin, p.certainty != Certainty::Certain, p.chain.len());
    told.sort_by_key(|p| rank(p));
    let mut steps: BTreeMap<usize, &Path> = BTreeMap::new();
    for principal in told {
        write_principal(out, findings, principal, lang)?;
        steps.extend(principal.chain.iter().filter_map(|h| Some((h.path, findings.paths.get(h.path)?))));
    }
    if !steps.is_empty() {
        writeln!(out, "\n{}", lang.pick("How to close these paths", "経路を塞ぐには"))?;
        for path in steps.values() {
            writeln!(out, "\n  {} [{}]", path.title.pick(lang), path.ids.join(" "))?;
            writeln!(out, "    {}", path.why.pick(lang))?;
            writeln!(out, "    {} {}", lang.pick("→", "→"), path.fix.pick(lang))?;
        }
    }
    if !admins.is_empty() {
        let head = lang.pick("Administrators already, with nothing to gain", "すでに管理者（得るものがない）");
        writeln!(out, "\n{head}")?;
        for admin in admins {
            writeln!(out, "  {}", admin.arn)?;
        }
    }
    write_unread(out, findings, lang)
}

fn write_principal(out: &mut String, findings: &Findings<'_>, principal: &Principal, lang: Lang) -> std::fmt::Result {
    let hops = principal.chain.len();
    let sure = certainty(principal.certainty, lang);
    let head = match (lang, principal.reaches_admin) {
        (Lang::En, true) if hops == 1 => format!("administrator in 1 step, {sure}"),
        (Lang::En, true) => format!("administrator in {hops} steps, {sure}"),
        (Lang::En, false) => format!("no administrator reached, {sure}"),
        (Lang::Ja, true) => format!("{hops} 手順で管理者（{sure}）"),
        (Lang::Ja, false) => format!("管理者には届かない（{sure}）"),
    };
    writeln!(out, "\n{}\n  {head}", principal.arn)?;
    for (at, hop) in principal.chain.iter().enumerate() {
        write_hop(out, findings, at + 1, hop, lang)?;
    }
    let told: Vec<usize> = principal.chain.iter().filter(|h| h.from == principal.arn).map(|h| h.path).collect();
    let others = principal.found.iter().filter(|f| !told.contains(&f.path));
    for wanted in [Certainty::Certain, Certainty::Conditional] {
        let ids = others.clone().filter(|f| f.certainty == wanted).filter_map(|f| findings.paths.get(f.path));
        let ids: Vec<&str> = ids.filter_map(|p| p.ids.first()).map(AsRef::as_ref).collect();
        if !ids.is_empty() {
            let word = certainty(wanted, lang);
            match lang {
                Lang::En => writeln!(out, "  fits too, {word}: {}", ids.join(", "))?,
                Lang::Ja => writeln!(out, "  ほかに当てはまる経路（{word}）: {}", ids.join("、"))?,
            }
        }
    }
    Ok(())
}

fn write_hop(out: &mut String, findings: &Findings<'_>, number: usize, hop: &Hop, lang: Lang) -> std::fmt::Result {
    let Some(path) = findings.paths.get(hop.path) else { return Ok(()) };
    writeln!(out, "  {number}. {} [{}]", path.title.pick(lang), path.ids.join(" "))?;
    if number > 1 {
        writeln!(out, "     {} {}", lang.pick("as", "実行者:"), hop.from)?;
    }
    if let Some(target) = hop.target.as_ref().filter(|t| **t != hop.from) {
        writeln!(out, "     {} {target}", lang.pick("on", "対象:"))?;
    }
    for doubt in &hop.doubts {
        writeln!(out, "     {} {}", lang.pick("if", "条件:"), explain(*doubt, path, &hop.when, lang))?;
    }
    hop.commands.iter().try_for_each(|c| writeln!(out, "     $ {c}"))
}

fn certainty(certainty: Certainty, lang: Lang) -> &'static str {
    match certainty {
        Certainty::Certain => lang.pick("certain", "確実"),
        Certainty::Conditional | Certainty::No => lang.pick("conditional", "条件付き"),
    }
}

fn explain(doubt: Doubt, path: &Path, when: &Conditions, lang: Lang) -> String {
    let text = match doubt {
        Doubt::Condition if !when.is_empty() => return explain_conditions(when, lang),
        Doubt::Condition => lang.pick(
            "a condition of a policy holds, on a key that is not known here",
            "ポリシーの条件が成り立つ場合（条件キーの値がここでは分からない）",
        ),
        Doubt::Need => {
            let needs = path.needs.as_ref().map(|n| n.pick(lang)).unwrap_or_default();
            return match lang {
                Lang::En => format!("there is {needs}"),
                Lang::Ja => format!("存在する場合: {needs}"),
            };
        }
        Doubt::Unseen => lang.pick(
            "there is a target that the authorization details do not show",
            "対象となるものが、この認可情報の外に存在する場合",
        ),
        Doubt::NotOwn => lang.pick(
            "the caller can act as the target, is in the group, or holds the policy",
            "呼び出し元が対象として振る舞える、グループに属する、またはポリシーを持つ場合",
        ),
        Doubt::Missing => lang.pick(
            "the target has what the path asks for (an instance profile, a permissions boundary, a version)",
            "経路に必要なもの（インスタンスプロファイル、アクセス許可の境界、別のバージョン）を対象が持つ場合",
        ),
        Doubt::Unread => lang.pick(
            "the policies that could not be read take nothing back",
            "読み取れなかったポリシーが何も取り消さない場合",
        ),
    };
    text.to_owned()
}

/// One way to meet the conditions: keys with their values.
fn explain_conditions(when: &Conditions, lang: Lang) -> String {
    let one = |(key, values): (&SmolStr, &Vec<SmolStr>)| match (values.is_empty(), lang) {
        (true, Lang::En) => format!("{key} is absent"),
        (true, Lang::Ja) => format!("{key} なし"),
        (false, _) => format!("{key} = {}", values.join(", ")),
    };
    let all: Vec<String> = when.iter().map(one).collect();
    match lang {
        Lang::En => format!("conditions hold, as with {}", all.join("; ")),
        Lang::Ja => format!("ポリシーの条件が成り立つ場合（例: {}）", all.join("、")),
    }
}

fn write_unread(out: &mut String, findings: &Findings<'_>, lang: Lang) -> std::fmt::Result {
    let shown = |arn: &str| findings.report.principals.iter().any(|p| p.arn == arn);
    let mut gaps: BTreeMap<String, Vec<&str>> = BTreeMap::new();
    for identity in findings.account.identities.iter().filter(|i| shown(&i.arn)) {
        for unread in &identity.unread {
            gaps.entry(say(unread, lang)).or_default().push(&identity.name);
        }
    }
    if gaps.is_empty() {
        return Ok(());
    }
    let head = lang.pick(
        "Not read, so no answer that stands on it is certain",
        "読み取れなかったもの（これに基づく答えは確実ではない）",
    );
    writeln!(out, "\n{head}")?;
    for (gap, names) in gaps {
        let (first, more) =
            (names.iter().take(3).copied().collect::<Vec<_>>().join(", "), names.len().saturating_sub(3));
        let more = match lang {
            _ if more == 0 => String::new(),
            Lang::En => format!(" and {more} more"),
            Lang::Ja => format!(" ほか {more} 件"),
        };
        writeln!(out, "  {gap}: {first}{more}")?;
    }
    Ok(())
}

fn say(unread: &Unread, lang: Lang) -> String {
    let part = match unread.part {
        Part::Policy => lang.pick("policy", "ポリシー"),
        Part::Boundary => lang.pick("permissions boundary", "アクセス許可の境界"),
        Part::Trust => lang.pick("trust policy", "信頼ポリシー"),
        Part::Group => lang.pick("group", "グループ"),
    };
    let cause = match &unread.cause {
        Cause::NotGiven => lang.pick("not in the file", "ファイルにない").to_owned(),
        Cause::NotAPolicy(problem) => match lang {
            Lang::En => format!("not a policy: {problem}"),
            Lang::Ja => format!("ポリシーとして読めない: {problem}"),
        },
    };
    match lang {
        Lang::En => format!("{part} {} ({cause})", unread.name),
        Lang::Ja => format!("{part} {}（{cause}）", unread.name),
    }
}
