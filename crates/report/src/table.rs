//! What a person sees first: the counts, the worst failures with what to do, and what could not be seen.

use crate::grid::Grid;
use crate::summary::{Cause, Coverage, Failures, SEVERITIES, coverage, failures};
use crate::terminal::{Ink, Terminal, clean, cut, left, width};
use crate::text::Text;
use crate::{Report, Style, Summary, identity};
use std::collections::BTreeSet;
use std::io::{self, Write};
use yagura_model::{GapReason, Severity, Status, Verdict};

/// The most failed checks that are shown in full.
const CHECKS: usize = 10;
/// The most resources that are named under a check.
const RESOURCES: usize = 5;
/// The most permissions or calls that are named under a reason.
const CAUSES: usize = 8;

pub(crate) const MARGIN: &str = "  ";

pub(crate) fn write(report: &Report, style: &Style, out: &mut dyn Write) -> io::Result<()> {
    let summary = Summary::of(&report.verdicts);
    let table = Table { report, text: Text(report.meta.lang), terminal: Terminal::new(style) };
    let mut lines = vec![String::new()];
    table.head(&mut lines);
    table.counts(&summary, &mut lines);
    if report.verdicts.is_empty() {
        lines.push(format!("{MARGIN}{}", report.nothing()));
        lines.push(String::new());
    } else {
        table.by_severity(&summary, &mut lines);
        table.by_service(&summary, &mut lines);
        table.worst(&failures(&report.verdicts), &mut lines);
    }
    for framework in &report.compliance {
        crate::compliance::lines(framework, table.terminal, report.meta.lang, &mut lines);
    }
    table.unseen(&coverage(report), &mut lines);
    for note in &report.meta.notes {
        lines.extend(table.terminal.wrap_hanging(&clean(note), "  - ", "    "));
    }
    for line in lines {
        writeln!(out, "{}", line.trim_end())?;
    }
    Ok(())
}

struct Table<'a> {
    report: &'a Report,
    text: Text,
    terminal: Terminal,
}

impl Table<'_> {
    fn head(&self, lines: &mut Vec<String>) {
        let (meta, text) = (&self.report.meta, self.text);
        let title = format!("Yagura {}  {}", meta.tool, text.report_title());
        let name = self.terminal.paint(Ink::BOLD, &cut(&title, self.terminal.width - MARGIN.len()));
        lines.push(format!("{MARGIN}{name}"));
        if meta.demo {
            let sample = self.terminal.paint(Ink::of_status(Status::Unknown), text.sample());
            let fits = MARGIN.len() + width(&title) + 2 + width(text.sample()) <= self.terminal.width;
            match lines.last_mut().filter(|_| fits) {
                Some(line) => line.push_str(&format!("  {sample}")),
                None => lines.push(format!("{MARGIN}{sample}")),
            }
        }
        let mut facts = vec![
            text.count_accounts(&meta.accounts),
            text.count_regions(&meta.regions),
            meta.taken_at.strftime("%Y-%m-%d %H:%M UTC").to_string(),
        ];
        if meta.requests > 0 {
            facts.push(text.count_requests(meta.requests));
        }
        if !meta.duration.is_zero() {
            facts.push(text.duration_words(meta.duration));
        }
        lines.extend(self.joined(&facts, " · ", MARGIN, Ink::DIM));
        lines.push(String::new());
    }

    fn counts(&self, summary: &Summary, lines: &mut Vec<String>) {
        let mut line = MARGIN.to_owned();
        let mut used = MARGIN.len();
        for status in [Status::Fail, Status::Unknown, Status::Pass, Status::NotApplicable] {
            let n = summary.total.of(status);
            let text = self.text.count_status(status, n);
            if used > MARGIN.len() && used + width(&text) > self.terminal.width {
                lines.push(std::mem::replace(&mut line, MARGIN.to_owned()));
                used = MARGIN.len();
            }
            let ink = if n == 0 { Ink::DIM } else { Ink::of_status(status) };
            line.push_str(&self.terminal.paint(ink, &text));
            line.push_str("   ");
            used += width(&text) + 3;
        }
        lines.push(line);
        lines.push(String::new());
    }

    fn by_severity(&self, summary: &Summary, lines: &mut Vec<String>) {
        let statuses = [Status::Fail, Status::Unknown, Status::Pass];
        let mut grid = Grid::new(self.text.severity(), statuses.map(|s| self.text.status_word(s)));
        for severity in SEVERITIES {
            if let Some(counts) = summary.by_severity.get(&severity) {
                let cells = statuses.map(|s| (counts.of(s), Ink::of_status(s)));
                grid.rows.push((
                    self.text.severity_word(severity).to_owned(),
                    Some(Ink::of_severity(severity)),
                    cells.to_vec(),
                ));
            }
        }
        grid.draw(self.terminal, lines);
    }

    /// By severity where there is room for the columns, else failures as one column.
    fn by_service(&self, summary: &Summary, lines: &mut Vec<String>) {
        let severities: Vec<Severity> =
            SEVERITIES.into_iter().filter(|s| summary.by_severity.contains_key(s)).collect();
        let (text, statuses) = (self.text, [Status::Unknown, Status::Pass]);
        let roomy = self.terminal.width >= 72;
        let mut heads: Vec<&str> = if roomy {
            severities.iter().map(|s| text.severity_word(*s)).collect()
        } else {
            vec![text.status_word(Status::Fail)]
        };
        heads.extend(statuses.map(|s| text.status_word(s)));
        let mut grid = Grid::new(text.service(), heads);
        for (service, counts) in &summary.by_service {
            let mut cells: Vec<(u64, Ink)> = if roomy {
                let failed = |s: &Severity| counts.failed_by_severity.get(s).copied().unwrap_or(0);
                severities.iter().map(|s| (failed(s), Ink::of_severity(*s))).collect()
            } else {
                vec![(counts.total.fail, Ink::of_status(Status::Fail))]
            };
            cells.extend(statuses.map(|s| (counts.total.of(s), Ink::of_status(s))));
            grid.rows.push((cut(&clean(service), if roomy { 18 } else { 13 }), None, cells));
        }
        grid.draw(self.terminal, lines);
    }

    fn worst(&self, groups: &[Failures<'_>], lines: &mut Vec<String>) {
        if groups.is_empty() {
            lines.push(format!("{MARGIN}{}", self.terminal.paint(Ink::GREEN, self.text.nothing_failed())));
            lines.push(String::new());
            return;
        }
        self.heading(self.text.worst(), lines);
        let label = SEVERITIES.into_iter().map(|s| width(self.text.severity_word(s))).max().unwrap_or(0);
        for group in groups.iter().take(CHECKS) {
            self.failures(group, label, lines);
            lines.push(String::new());
        }
        if groups.len() > CHECKS {
            let more = format!("{} {}", self.text.more_checks(groups.len() - CHECKS), self.text.where_the_rest_is());
            lines.extend(self.terminal.wrap(&more, MARGIN));
            lines.push(String::new());
        }
    }

    /// One check: what is wanted, which resources are not so, and what to do about the first of them.
    fn failures(&self, group: &Failures<'_>, label: usize, lines: &mut Vec<String>) {
        let Some(first) = group.first() else { return };
        let indent = " ".repeat(MARGIN.len() + label + 4);
        let cross = self.terminal.paint(Ink::of_status(Status::Fail), "×");
        let word = left(self.text.severity_word(group.severity), label);
        let mut title = self.terminal.wrap(&clean(&first.title), &indent).into_iter();
        let top = title.next().unwrap_or_default();
        let top = self.terminal.paint(Ink::BOLD, top.strip_prefix(&indent).unwrap_or(&top));
        lines.push(format!("{MARGIN}{}  {cross} {top}", self.terminal.paint(Ink::of_severity(group.severity), &word)));
        lines.extend(title.map(|line| format!("{indent}{}", self.terminal.paint(Ink::BOLD, line.trim_start()))));

        let id = format!("{} · {}", clean(&first.rule), self.text.count_resources(group.verdicts.len()));
        lines.extend(self.terminal.wrap(&id, &indent).iter().map(|line| self.terminal.paint(Ink::DIM, line)));
        self.resources(&group.verdicts, &indent, lines);
        if let Some(reason) = &first.reason {
            let text = format!("{}: {}", self.text.reason_lower(), clean(reason));
            lines.extend(self.terminal.wrap(&text, &indent));
        }
        let arrow = format!("{indent}→ ");
        let rest = format!("{indent}  ");
        lines.extend(self.terminal.wrap_hanging(&clean(&first.fix), &arrow, &rest));
    }

    /// The first resources by id, those of one account and Region together, and how many more there are.
    fn resources(&self, verdicts: &[&Verdict], indent: &str, lines: &mut Vec<String>) {
        let mut places: Vec<(String, Vec<String>)> = Vec::new();
        for verdict in verdicts.iter().take(RESOURCES) {
            let place = self.place(verdict);
            let id = cut(&clean(&verdict.resource.id), self.terminal.width.saturating_sub(indent.len() + 1));
            match places.iter_mut().find(|(known, _)| *known == place) {
                Some((_, ids)) => ids.push(id),
                None => places.push((place, vec![id])),
            }
        }
        if let (Some((_, ids)), Some(left @ 1..)) = (places.last_mut(), verdicts.len().checked_sub(RESOURCES)) {
            ids.push(self.text.more(left));
        }
        let room = self.terminal.width.saturating_sub(indent.len());
        for (place, mut ids) in places {
            let place = if place.is_empty() { place } else { format!("({place})") };
            let beside = ids.last_mut().filter(|last| width(last) + 1 + width(&place) <= room);
            let below = beside.is_none();
            if let Some(last) = beside.filter(|_| !place.is_empty()) {
                last.push_str(&format!(" {place}"));
            }
            lines.extend(self.joined(&ids, ", ", indent, Ink::PLAIN));
            if below {
                lines.extend(self.terminal.wrap(&place, indent));
            }
        }
    }

    /// The account and Region of a resource, where the report has more than one of them and its id does not say.
    fn place(&self, verdict: &Verdict) -> String {
        let (resource, meta) = (&verdict.resource, &self.report.meta);
        if let Some(place) = &verdict.place {
            return format!("{}:{}", clean(&place.file), place.line);
        }
        let mut place = Vec::new();
        if meta.accounts.len() > 1 && resource.kind != "account" {
            place.push(clean(&resource.account));
        }
        if meta.regions.len() > 1 && resource.kind != "region" && !identity::is_global(&resource.region) {
            place.push(clean(&resource.region));
        }
        place.join(" ")
    }

    fn unseen(&self, coverage: &Coverage<'_>, lines: &mut Vec<String>) {
        if let Some(clear) = coverage.all_clear(self.report) {
            lines.extend(self.terminal.wrap(clear, MARGIN).iter().map(|line| self.terminal.paint(Ink::DIM, line)));
            return;
        }
        self.heading(self.text.unseen(), lines);
        if coverage.verdicts > 0 {
            lines.extend(self.terminal.wrap(&self.text.not_judged(coverage.verdicts, coverage.rules), MARGIN));
            lines.push(String::new());
        }
        let mut reasons: Vec<Option<GapReason>> = Vec::new();
        for cause in &coverage.causes {
            if !reasons.contains(&cause.reason) {
                reasons.push(cause.reason);
            }
        }
        for reason in reasons {
            let causes: Vec<&Cause<'_>> = coverage.causes.iter().filter(|c| c.reason == reason).collect();
            self.reason(reason, &causes, lines);
            lines.push(String::new());
        }
        lines.pop();
    }

    /// One reason: its permissions or calls, what each blinds, and what to do.
    fn reason(&self, reason: Option<GapReason>, causes: &[&Cause<'_>], lines: &mut Vec<String>) {
        let indent = "    ";
        if let Some(reason) = reason {
            self.reason_head(reason, causes, lines);
        }
        let shown = causes.iter().take(CAUSES);
        let column = shown.clone().map(|c| width(&clean(&c.what))).filter(|w| *w <= 44).max().unwrap_or(0);
        for cause in shown {
            let what = clean(&cause.what);
            let mut facts = Vec::new();
            if cause.verdicts > 0 {
                facts.push(self.text.blinds(cause.rules.len(), cause.verdicts));
            }
            facts.extend(self.regions(cause));
            let facts = facts.join(" · ");
            if width(&what) <= column && indent.len() + column + 2 + width(&facts) <= self.terminal.width {
                lines.push(format!("{indent}{}  {}", left(&what, column), self.terminal.paint(Ink::DIM, &facts)));
            } else {
                lines.extend(self.terminal.wrap(&what, indent));
                lines.extend(self.terminal.wrap(&facts, "      ").iter().map(|l| self.terminal.paint(Ink::DIM, l)));
            }
        }
        if causes.len() > CAUSES {
            lines.push(format!("{indent}{}", self.text.more(causes.len() - CAUSES)));
        }
        if let Some(reason) = reason {
            lines.extend(self.terminal.wrap_hanging(self.text.gap_remedy(reason), "    → ", "      "));
        }
    }

    /// The reason by name, and what AWS said, as many lines as that takes.
    fn reason_head(&self, reason: GapReason, causes: &[&Cause<'_>], lines: &mut Vec<String>) {
        let details: BTreeSet<&str> = causes.iter().flat_map(|c| c.details.iter().copied()).collect();
        let said: Vec<_> = details.iter().take(3).map(|d| clean(d)).collect();
        let said = if said.is_empty() { String::new() } else { format!("({})", said.join(", ")) };
        let name = self.text.gap_reason(reason);
        let before = format!("{MARGIN}{name} ");
        let mut wrapped = self.terminal.wrap_hanging(&said, &before, "    ").into_iter();
        let beside = wrapped.next().unwrap_or_default();
        let beside = self.terminal.paint(Ink::DIM, beside.strip_prefix(&before).unwrap_or_default());
        lines.push(format!("{MARGIN}{} {beside}", self.terminal.paint(Ink::of_status(Status::Unknown), name)));
        lines.extend(wrapped.map(|line| self.terminal.paint(Ink::DIM, &line)));
    }

    /// Up to three Regions by name.
    fn regions(&self, cause: &Cause<'_>) -> Option<String> {
        let mut names: Vec<String> = cause
            .regions
            .iter()
            .take(3)
            .map(|r| if identity::is_global(r) { self.text.global().to_owned() } else { clean(r).into_owned() })
            .collect();
        if cause.regions.len() > 3 {
            names.push(self.text.more(cause.regions.len() - 3));
        }
        (!names.is_empty()).then(|| names.join(", "))
    }

    fn heading(&self, title: &str, lines: &mut Vec<String>) {
        let title = self.terminal.wrap(title, MARGIN);
        lines.extend(title.iter().map(|line| self.terminal.paint(Ink::BOLD, line)));
        lines.push(String::new());
    }

    /// `parts` with `between` them, broken between parts only.
    fn joined(&self, parts: &[String], between: &str, indent: &str, ink: Ink) -> Vec<String> {
        let mut lines = Vec::new();
        let mut line = String::new();
        for (at, part) in parts.iter().enumerate() {
            let end = if at + 1 < parts.len() { between } else { "" };
            if !line.is_empty()
                && width(indent) + width(&line) + width(part) + width(end.trim_end()) > self.terminal.width
            {
                lines.push(std::mem::take(&mut line));
            }
            line.push_str(part);
            line.push_str(end);
        }
        lines.push(line);
        lines.into_iter().map(|line| format!("{indent}{}", self.terminal.paint(ink, line.trim_end()))).collect()
    }
}
