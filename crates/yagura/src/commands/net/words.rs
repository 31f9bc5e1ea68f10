//! How answers about a network are said to people.

use crate::failure::Failure;
use smol_str::SmolStr;
use std::collections::BTreeSet;
use std::fmt::Write;
use yagura_model::Lang;
use yagura_network::Network;
use yagura_network::question::Reachable;
use yagura_network::question::case::{CaseAnswer, Way};
use yagura_network::question::explain::Travel;
use yagura_network::question::matrix::Allowed;
use yagura_network::view::kind_text;

/// Calls of which every pair of a matrix needs the whole answer.
pub const OF_EVERY_PAIR: &[&str] = &[
    "DescribeInternetGateways",
    "DescribeNetworkAcls",
    "DescribeNetworkInterfaces",
    "DescribeRouteTables",
    "DescribeSecurityGroups",
    "DescribeSubnets",
    "DescribeVpcs",
];

/// Stops where one of `calls` did not tell everything: what it would have told is not in the answer.
///
/// # Errors
/// Names the calls and why.
pub fn wholly_read(network: &Network, calls: &[&str]) -> Result<(), Failure> {
    let partly = network.partly_read(calls);
    let Some(first) = partly.first() else { return Ok(()) };
    let calls = list(&partly.iter().map(|g| g.call.clone()).collect());
    Err(Failure::blind(
        format!("not everything was read, so the answer may lack what it tells: {calls} ({})", first.gap.detail),
        format!("読み取れなかったものがあり、結果に漏れがあり得る: {calls}（{}）", first.gap.detail),
    )
    .hint("allow and repeat these calls", "これらの呼び出しを許可して、もう一度読み取ること"))
}

/// Names in a row.
pub fn list(names: &BTreeSet<SmolStr>) -> String {
    names.iter().map(SmolStr::as_str).collect::<Vec<_>>().join(", ")
}

/// An answer in full: the verdict, both ways, what stops it and what would open it.
pub fn tell(network: &Network, question: &str, answer: &CaseAnswer, lang: Lang) -> String {
    let mut out = String::new();
    let _ = writeln!(out, "{question}: {}", verdict(answer, lang));
    if !answer.allowed.is_empty() {
        let _ = writeln!(out, "  {}: {}", lang.pick("Allowed", "許可される通信"), allowed(&answer.allowed, lang));
    }
    way(network, &mut out, lang.pick("Forward", "往路"), &answer.forward);
    way(network, &mut out, lang.pick("Return", "復路"), &answer.back);
    if !answer.blocked_by.is_empty() {
        let _ = writeln!(out, "\n{}", lang.pick("What stops it", "阻んでいるもの"));
        for (number, blocker) in answer.blocked_by.iter().enumerate() {
            let side = match blocker.direction {
                Travel::Forward => lang.pick("request", "リクエスト"),
                Travel::Return => lang.pick("answer", "応答"),
            };
            let _ = writeln!(
                out,
                "  {}. {} {} [{}, {side}]\n     {}",
                number + 1,
                kind_text(blocker.kind, lang),
                blocker.component,
                blocker.code.text(),
                blocker.say(lang)
            );
        }
    }
    remedies(&mut out, answer, lang);
    out
}

/// What would open the way, what was not read, what was taken for granted.
pub fn remedies(out: &mut String, answer: &CaseAnswer, lang: Lang) {
    if !answer.changes.is_empty() {
        let head = if answer.opens == Some(false) {
            lang.pick(
                "What can be changed (it does not open the way alone)",
                "変更できるもの（これだけでは開通しない）",
            )
        } else {
            lang.pick("The smallest set of changes that opens it", "開通に必要な最小の変更")
        };
        let _ = writeln!(out, "\n{head}");
        if let Some(example) = &answer.example {
            let _ = match lang {
                Lang::En => writeln!(out, "  for {example}:"),
                Lang::Ja => writeln!(out, "  対象: {}", example.replacen(" from port ", "、送信元ポート ", 1)),
            };
        }
        for change in &answer.changes {
            let _ = writeln!(out, "  - {}", change.say(lang));
        }
    }
    if !answer.missing.is_empty() {
        let head = lang.pick("Not read, and it decides", "読み取れておらず、判定を左右するもの");
        let _ = writeln!(out, "\n{head}");
        for missing in &answer.missing {
            let _ = writeln!(out, "  - {missing}: {}", missing.gap.say(lang));
        }
    }
    for note in &answer.notes {
        let _ = writeln!(out, "\n{} {}", lang.pick("Note:", "注:"), note.say(lang));
    }
}

/// The verdict in a few words.
pub fn verdict(answer: &CaseAnswer, lang: Lang) -> &'static str {
    match (answer.reachable, answer.forward.passes) {
        (Reachable::Yes, _) => lang.pick("reachable", "到達可能"),
        (Reachable::Unknown, _) => lang.pick("unknown", "不明"),
        (Reachable::No, true) => lang.pick(
            "not reachable: the request arrives, its answer does not come back",
            "到達不可能（リクエストは届くが、応答が戻らない）",
        ),
        (Reachable::No, false) => lang.pick("not reachable", "到達不可能"),
    }
}

fn way(network: &Network, out: &mut String, name: &str, way: &Way) {
    if way.hops.is_empty() {
        return;
    }
    let mark = if way.passes { "✓" } else { "✗" };
    let _ = writeln!(out, "\n{mark} {name}");
    for hop in &way.hops {
        let label = network.label(hop).map(|l| format!("  ({l})")).unwrap_or_default();
        let _ = writeln!(out, "  → {}{label}", hop.id);
    }
}

/// What is allowed, in a line.
pub fn allowed(allowed: &[Allowed], lang: Lang) -> String {
    let ports = |ports: &Option<Vec<(u16, u16)>>| {
        let all: Vec<String> = ports.iter().flatten().map(|p| yagura_network::words::ports(*p)).collect();
        all.join(",")
    };
    let entry = |a: &Allowed| {
        let mut text = a.protocol.to_string();
        if a.dst_ports.is_some() && a.protocol != "icmp" {
            let _ = write!(text, " {}", ports(&a.dst_ports));
        }
        if a.src_ports.as_ref().is_some_and(|p| *p != [(1024, u16::MAX)]) {
            let _ = match lang {
                Lang::En => write!(text, " from port {}", ports(&a.src_ports)),
                Lang::Ja => write!(text, "（送信元ポート {}）", ports(&a.src_ports)),
            };
        }
        text + match a.reply {
            Reachable::Yes => "",
            Reachable::No => lang.pick(" (no answer comes back)", "（応答は戻らない）"),
            Reachable::Unknown => lang.pick(" (unknown)", "（不明）"),
        }
    };
    // Most numbers without names tell nobody anything.
    let (named, numbered): (Vec<&Allowed>, Vec<&Allowed>) =
        allowed.iter().partition(|a| a.protocol.parse::<u8>().is_err());
    let mut parts: Vec<String> = named.into_iter().map(entry).collect();
    if numbered.len() > 3 {
        parts.push(match lang {
            Lang::En => format!("{} other protocols", numbered.len()),
            Lang::Ja => format!("その他のプロトコル {} 種", numbered.len()),
        });
    } else {
        parts.extend(numbered.into_iter().map(entry));
    }
    parts.join(", ")
}
