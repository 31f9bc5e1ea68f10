//! `yagura content site`: a page per check in English and Japanese, and an index, from the check's own file.

use super::checks::severity_word;
use super::fix;
use crate::cli::Cli;
use crate::content::{self, Compiled, Content};
use crate::failure::{Failure, exit};
use smol_str::SmolStr;
use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::io::Write;
use std::path::Path;
use yagura_inventory::Plan;
use yagura_model::Lang;
use yagura_report::escape_html as escape;
use yagura_respond::Remedy;
use yagura_rule::{Check, CheckFile};

const STYLE: &str = "body{font:16px/1.7 system-ui,sans-serif;max-width:52rem;margin:2rem auto;padding:0 1rem;color:#1b2733;background:#fff}\
a{color:#0b5cad}h1{font-size:1.5rem;line-height:1.35}dt{font-weight:600;margin-top:1rem}dd{margin:.2rem 0 0}pre{background:#f3f5f7;padding:.8rem;overflow:auto;border-radius:6px;font-size:.9rem}\
table{border-collapse:collapse;width:100%}td{padding:.25rem .6rem .25rem 0;vertical-align:top;border-bottom:1px solid #e3e8ec}code{font-size:.92em}nav{display:flex;justify-content:space-between}\
@media(prefers-color-scheme:dark){body{color:#dbe4ec;background:#12181e}a{color:#7db7f0}pre{background:#1c252d}td{border-color:#2b3741}}";

/// Writes the pages.
///
/// # Errors
/// Content is broken, or the folder cannot be written.
pub fn write(cli: &Cli, folder: &Path, lang: Lang) -> Result<u8, Failure> {
    let content = Content::load(cli.content.as_deref())?;
    let compiled = content.compile()?;
    let (checks, errors) = content.compile_checks(content.checks.values(), &compiled, &BTreeMap::new());
    if !errors.is_empty() {
        return Err(Failure::content(&errors));
    }
    let (files, _) = content::remedies(cli.content.as_deref())?;
    let remedies: Vec<Remedy> = files.iter().filter_map(|f| Remedy::parse(f).ok()).collect();
    let mut written = 0;
    for page in [Lang::En, Lang::Ja] {
        let root = folder.join(code(page));
        for check in &checks {
            let Some(file) = content.checks.get(&check.id) else { continue };
            let path = root.join(place(&check.id));
            if let Some(parent) = path.parent() {
                std::fs::create_dir_all(parent)?;
            }
            std::fs::write(&path, page_of(check, file, &compiled, &remedies, page))?;
            written += 1;
        }
        std::fs::write(root.join("index.html"), index(&content, page))?;
        written += 1;
    }
    writeln!(
        std::io::stdout(),
        "{}: {written} ({})",
        lang.pick("pages written", "書き出したページ"),
        folder.display()
    )?;
    Ok(exit::DONE)
}

fn code(lang: Lang) -> &'static str {
    lang.pick("en", "ja")
}

/// Where a check's page stands below its language: `s3/bucket_versioned.html`.
fn place(id: &SmolStr) -> String {
    format!("{}.html", id.replace('.', "/"))
}

fn page(title: &str, lang: Lang, other: &str, up: &str, body: &str) -> String {
    let (home, switch) = lang.pick(("All checks", "日本語"), ("チェック一覧", "English"));
    let home = if up.is_empty() { String::new() } else { format!("<a href=\"{up}index.html\">{home}</a>") };
    format!(
        "<!doctype html>\n<html lang=\"{}\"><head><meta charset=\"utf-8\"><meta name=\"viewport\" content=\"width=device-width\">\
         <title>{}</title><style>{STYLE}</style></head><body><nav><span>{home}</span><a href=\"{other}\">{switch}</a></nav>\n{body}</body></html>\n",
        code(lang),
        escape(title),
    )
}

fn index(content: &Content, lang: Lang) -> String {
    let mut services: BTreeMap<&str, Vec<&CheckFile>> = BTreeMap::new();
    for check in content.checks.values() {
        services.entry(crate::select::service(check)).or_default().push(check);
    }
    let title = lang.pick("Yagura's checks", "Yagura のチェック");
    let mut body = format!("<h1>{title} ({})</h1>\n", content.checks.len());
    for (service, checks) in services {
        let _ = write!(body, "<h2 id=\"{0}\">{0}</h2>\n<table>", escape(service));
        for check in checks {
            let _ = writeln!(
                body,
                "<tr><td><a href=\"{}\"><code>{}</code></a></td><td>{}</td><td>{}</td></tr>",
                place(&check.id),
                escape(&check.id),
                severity_word(check.severity, lang),
                escape(check.title(lang)),
            );
        }
        body.push_str("</table>\n");
    }
    let other = lang.pick(Lang::Ja, Lang::En);
    page(title, lang, &format!("../{}/index.html", code(other)), "", &body)
}

fn page_of(check: &Check, file: &CheckFile, compiled: &Compiled, remedies: &[Remedy], lang: Lang) -> String {
    let title = file.title(lang);
    let (why, fixing) = check.why_and_fix(lang);
    let plan = Plan::of(std::slice::from_ref(check), &compiled.kinds);
    let mut body = format!("<h1>{}</h1>\n<p><code>{}</code></p>\n<dl>\n", escape(title), escape(&check.id));
    let mut row = |name: &str, html: &str| {
        if !html.is_empty() {
            let _ = writeln!(body, "<dt>{name}</dt><dd>{html}</dd>");
        }
    };
    let list =
        |items: Vec<String>| items.iter().map(|i| format!("<code>{}</code>", escape(i))).collect::<Vec<_>>().join(", ");
    let program = |text: &str| format!("<pre>{}</pre>", escape(text));
    row(lang.pick("Severity", "重要度"), severity_word(check.severity, lang));
    row(lang.pick("Judges", "対象"), &list(vec![check.each.to_string()]));
    row(lang.pick("Why", "理由"), &escape(&why));
    row(lang.pick("What to do", "対処"), &escape(&fixing));
    row(lang.pick("Mended by a call", "API による修復"), &mended(check, remedies, lang));
    row(lang.pick("Applies when", "適用条件"), &check.when.as_ref().map(|w| program(&w.text)).unwrap_or_default());
    row(lang.pick("Passes when", "合格条件"), &program(&check.pass.text));
    row(lang.pick("Settings", "設定"), &list(check.settings.iter().map(|(k, v)| format!("{k} = {v}")).collect()));
    row(lang.pick("Answers", "対応する要件"), &list(file.maps.iter().map(ToString::to_string).collect()));
    row(lang.pick("Reads", "読み取る項目"), &list(check.reads.iter().map(|(k, f)| format!("{k}.{f}")).collect()));
    row(lang.pick("Permissions", "必要な権限"), &list(plan.permissions().map(|(p, _)| p.to_string()).collect()));
    body.push_str("</dl>\n");
    let other = lang.pick(Lang::Ja, Lang::En);
    let up = "../".repeat(check.id.matches('.').count());
    page(title, lang, &format!("{up}../{}/{}", code(other), place(&check.id)), &up, &body)
}

/// What `yagura fix` would do, or why no call mends it.
fn mended(check: &Check, remedies: &[Remedy], lang: Lang) -> String {
    let of: Vec<&Remedy> = remedies.iter().filter(|r| r.mends.contains(&check.id)).collect();
    let said = of.iter().map(|r| escape(fix::said(r, lang)).into_owned()).collect::<Vec<_>>().join("<br>");
    match of.iter().any(|r| r.cannot.is_none()) {
        true => format!("{said} <code>yagura fix --rule {}</code>", escape(&check.id)),
        false => said,
    }
}
