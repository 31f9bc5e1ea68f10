//! How far frameworks are met: a table for a terminal, Markdown and the page.

use crate::html::escape;
use crate::table::MARGIN;
use crate::terminal::{Ink, Terminal, left, right, width, wrap};
use std::fmt::Write as _;
use yagura_model::{Compliance, ComplianceRequirement, Coverage, Lang, Standing, Status, Tally};

/// The word for a standing.
pub(crate) fn standing_word(standing: Standing, lang: Lang) -> &'static str {
    match standing {
        Standing::Failed => lang.pick("failed", "不合格"),
        Standing::Unknown => lang.pick("unknown", "不明"),
        Standing::Passed => lang.pick("passed", "合格"),
        Standing::NotApplicable => lang.pick("not applicable", "対象外"),
        Standing::Manual => lang.pick("manual", "手動"),
    }
}

/// The word for how far checks answer a requirement.
pub fn coverage_word(coverage: Coverage, lang: Lang) -> &'static str {
    match coverage {
        Coverage::Automated => lang.pick("automated", "自動"),
        Coverage::Partial => lang.pick("partly", "一部自動"),
        Coverage::Manual => lang.pick("manual", "手動"),
    }
}

fn ink(standing: Standing) -> Ink {
    match standing {
        Standing::Failed => Ink::of_status(Status::Fail),
        Standing::Unknown => Ink::of_status(Status::Unknown),
        Standing::Passed => Ink::of_status(Status::Pass),
        Standing::NotApplicable | Standing::Manual => Ink::DIM,
    }
}

/// `12 of 40 requirements passed (30 %) · 20 failed · 8 unknown · 3 not applicable · 18 manual`, counts of none left out.
fn tally_line(tally: Tally, lang: Lang) -> String {
    let judged = tally.passed + tally.failed + tally.unknown;
    let mut parts = vec![match tally.score() {
        Some(score) => match lang {
            Lang::En => format!("{} of {judged} judged requirements passed ({score} %)", tally.passed),
            Lang::Ja => format!("判定した {judged} 要件のうち合格 {}（{score} %）", tally.passed),
        },
        None => lang.pick("no requirement was judged", "判定した要件はない").to_owned(),
    }];
    for (n, standing) in [
        (tally.failed, Standing::Failed),
        (tally.unknown, Standing::Unknown),
        (tally.not_applicable, Standing::NotApplicable),
        (tally.manual, Standing::Manual),
    ] {
        if n > 0 {
            let word = standing_word(standing, lang);
            parts.push(lang.pick(format!("{n} {word}"), format!("{word} {n}")));
        }
    }
    parts.join(" · ")
}

/// What is shown of a requirement: what decided, or who must.
fn note(r: &ComplianceRequirement, lang: Lang) -> String {
    let partly = match r.coverage {
        Coverage::Partial => lang.pick(" (partly: the rest by hand)", "（一部自動。残りは手動で確認）"),
        Coverage::Automated | Coverage::Manual => "",
    };
    let counts = match r.standing {
        Standing::Failed => {
            lang.pick(format!("{} resources failed", r.failed), format!("不合格 {} リソース", r.failed))
        }
        Standing::Unknown => lang.pick("could not be told".to_owned(), "判定できない".to_owned()),
        Standing::Passed => lang.pick(format!("{} resources passed", r.passed), format!("合格 {} リソース", r.passed)),
        Standing::NotApplicable => lang.pick("nothing to judge".to_owned(), "対象リソースなし".to_owned()),
        Standing::Manual => lang.pick("needs a person's evidence".to_owned(), "人による証跡が必要".to_owned()),
    };
    format!("{counts}{partly}")
}

/// Lines for a terminal: score, sections, then every requirement.
pub(crate) fn lines(compliance: &Compliance, terminal: Terminal, lang: Lang, out: &mut Vec<String>) {
    let bold = |line: String| terminal.paint(Ink::BOLD, &line);
    out.extend(wrap(&compliance.title, terminal.width, MARGIN, MARGIN).into_iter().map(bold));
    out.extend(wrap(&tally_line(Tally::of(compliance.requirements()), lang), terminal.width, MARGIN, MARGIN));
    out.push(String::new());
    let numbers = compliance.requirements().map(|r| width(&r.number)).max().unwrap_or(0);
    let words = compliance.requirements().map(|r| width(standing_word(r.standing, lang))).max().unwrap_or(0);
    for section in &compliance.sections {
        if !section.title.is_empty() {
            let score = Tally::of(&section.requirements).score().map(|s| format!("  {s} %")).unwrap_or_default();
            let head = format!("{} {}{score}", section.number, section.title);
            out.extend(wrap(&head, terminal.width, MARGIN, MARGIN).into_iter().map(bold));
        }
        for r in &section.requirements {
            let word = left(standing_word(r.standing, lang), words);
            let before = format!("{MARGIN}{}  {word}  ", right(&r.number, numbers));
            let after = " ".repeat(width(&before));
            let mut lines = wrap(&format!("{} · {}", r.title, note(r, lang)), terminal.width, &before, &after);
            if let Some(first) = lines.first_mut() {
                *first = first.replacen(&word, &terminal.paint(ink(r.standing), &word), 1);
            }
            out.append(&mut lines);
        }
        out.push(String::new());
    }
}

/// A table for a pull-request comment.
pub(crate) fn markdown(compliance: &Compliance, lang: Lang, out: &mut String) {
    let _ = writeln!(out, "### {}\n\n{}\n", compliance.title, tally_line(Tally::of(compliance.requirements()), lang));
    let heads = lang.pick("| | Requirement | Result | |\n|---|---|---|---|", "| | 要件 | 結果 | |\n|---|---|---|---|");
    let _ = writeln!(out, "{heads}");
    for r in compliance.requirements().filter(|r| matches!(r.standing, Standing::Failed | Standing::Unknown)) {
        let title = r.title.replace('|', "\\|");
        let _ = writeln!(out, "| {} | {title} | {} | {} |", r.number, standing_word(r.standing, lang), note(r, lang));
    }
    out.push('\n');
}

/// A folded section of the page.
pub(crate) fn html(compliance: &Compliance, lang: Lang, out: &mut String) {
    let _ = write!(
        out,
        "<details class=\"compliance\"><summary><b>{}</b> {}</summary><table>",
        escape(&compliance.title),
        escape(&tally_line(Tally::of(compliance.requirements()), lang))
    );
    for section in &compliance.sections {
        if !section.title.is_empty() {
            let score = Tally::of(&section.requirements).score().map(|s| format!("{s} %")).unwrap_or_default();
            let _ = write!(
                out,
                "<tr><th scope=\"rowgroup\">{}</th><th colspan=\"2\">{}</th><th>{score}</th></tr>",
                escape(&section.number),
                escape(&section.title)
            );
        }
        for r in &section.requirements {
            let _ = write!(
                out,
                "<tr class=\"{}\"><td>{}</td><td>{}</td><td>{}</td><td>{}</td></tr>",
                match r.standing {
                    Standing::Failed => "s-fail",
                    Standing::Unknown => "s-unknown",
                    Standing::Passed => "s-pass",
                    Standing::NotApplicable | Standing::Manual => "s-na",
                },
                escape(&r.number),
                escape(&r.title),
                standing_word(r.standing, lang),
                escape(&note(r, lang))
            );
        }
    }
    out.push_str("</table></details>");
}
