//! Threat lists and exceptions from the command line.

use crate::failure::Failure;
use smol_str::SmolStr;
use std::io::Write;
use std::path::{Path, PathBuf};
use yagura_detect::intel::{Builder, Category, Lists, Spec};
use yagura_detect::pack::Pack;
use yagura_detect::predicate::is_account;
use yagura_detect::stat::places::Reader;
use yagura_detect::suppress::Exception;
use yagura_model::{Lang, glob};

/// Reads threat lists (`FILE` or `FILE=CATEGORY`) and allow lists. Entries that cannot be read are told and left out.
///
/// # Errors
/// A file cannot be read, or a category does not exist.
pub fn read(intel: &[String], allow: &[PathBuf], lang: Lang) -> Result<Lists, Failure> {
    let mut builder = Builder::default();
    let mut accounts = Vec::new();
    for word in intel {
        let (path, category) = match word.rsplit_once('=') {
            Some((path, name)) => match Category::of(name) {
                Some(category) => (path, category),
                None => return Err(no_category(name)),
            },
            None => (word.as_str(), Category::Malicious),
        };
        add(&mut builder, Path::new(path), category, &mut accounts, lang)?;
    }
    for path in allow {
        add(&mut builder, path, Category::Allow, &mut accounts, lang)?;
    }
    let mut lists = builder.build();
    lists.own(accounts);
    Ok(lists)
}

/// Takes the account numbers out of an allow list, each on a line of its own; the lines stay, so that others keep their numbers.
fn accounts_of(bytes: &[u8], accounts: &mut Vec<SmolStr>) -> Option<Vec<u8>> {
    let text = std::str::from_utf8(bytes).ok()?;
    let mut rest = String::with_capacity(text.len());
    for line in text.split_inclusive('\n') {
        let entry = line.split('#').next().unwrap_or_default().trim();
        if is_account(entry) {
            accounts.push(entry.into());
            rest.push('\n');
        } else {
            rest.push_str(line);
        }
    }
    Some(rest.into_bytes())
}

fn no_category(name: &str) -> Failure {
    let all = Category::ALL.map(Category::name).join(", ");
    let near = yagura_model::nearest(name, Category::ALL.map(Category::name));
    let (en, ja) =
        near.map_or_else(Default::default, |n| (format!("did you mean `{n}`? "), format!("`{n}` のことか。")));
    Failure::usage(format!("threat lists have no category `{name}`"), format!("脅威リストの分類 `{name}` は存在しない"))
        .hint(format!("{en}there are {all}"), format!("{ja}分類は {all}"))
}

fn add(
    builder: &mut Builder,
    path: &Path,
    category: Category,
    accounts: &mut Vec<SmolStr>,
    lang: Lang,
) -> Result<(), Failure> {
    let shown = path.display();
    let unreadable = |e: &dyn std::fmt::Display| {
        Failure::usage(format!("cannot read the list `{shown}`: {e}"), format!("リスト `{shown}` を読めない: {e}"))
    };
    let mut bytes = std::fs::read(path).map_err(|e| unreadable(&e))?;
    let before = accounts.len();
    if category == Category::Allow
        && let Some(rest) = accounts_of(&bytes, accounts)
    {
        bytes = rest;
    }
    let name = path.file_name().map(|n| n.to_string_lossy().into_owned()).unwrap_or_default();
    let report = builder.add(&Spec::new(&name, category), &bytes).map_err(|e| unreadable(&e))?;
    if report.bad > 0 {
        let first =
            report.examples.first().map(|b| format!(" ({}: `{}` {})", b.place, b.text, b.why)).unwrap_or_default();
        let (en, ja) = (
            format!("{shown}: {} entries cannot be read{first}", report.bad),
            format!("{shown}: 読めない項目 {} 件{first}", report.bad),
        );
        writeln!(std::io::stderr(), "{}", lang.pick(&en, &ja))?;
    }
    let (addresses, domains, own) = (report.addresses, report.domains, accounts.len() - before);
    // A list of nothing but what is passed over on purpose (hashes, revoked indicators) is one.
    if addresses + domains + report.passed_over + own == 0 {
        return Err(Failure::usage(
            format!("the list `{shown}` has no address and no domain"),
            format!("リスト `{shown}` にはアドレスもドメインもない"),
        )
        .hint(
            "one address, network or domain a line, STIX 2.1 or a MISP export",
            "1 行に 1 つのアドレス、ネットワーク、ドメイン。または STIX 2.1、MISP のエクスポート",
        ));
    }
    let mut passed = String::new();
    if report.passed_over > 0 {
        let n = report.passed_over;
        passed = lang.pick(&format!(", {n} passed over"), &format!("、対象外 {n} 件")).to_owned();
    }
    if own > 0 {
        passed.push_str(lang.pick(&format!(", {own} accounts"), &format!("、アカウント {own} 件")));
    }
    let (en, ja) = (
        format!("{shown} ({}): {addresses} addresses and networks, {domains} domains{passed}", category.name()),
        format!("{shown}（{}）: アドレスとネットワーク {addresses} 件、ドメイン {domains} 件{passed}", category.name()),
    );
    writeln!(std::io::stderr(), "{}", lang.pick(&en, &ja))?;
    Ok(())
}

/// Adds a table of locations, read from one file or several (each family may have its own). Lines that cannot be read are told by file
/// and line and left out.
///
/// # Errors
/// A file cannot be read, or holds no network at all.
pub fn placed(lists: Lists, paths: &[PathBuf], lang: Lang) -> Result<Lists, Failure> {
    if paths.is_empty() {
        return Ok(lists);
    }
    let mut reader = Reader::default();
    for path in paths {
        let shown = path.display();
        let unreadable = |e: &dyn std::fmt::Display| {
            Failure::usage(
                format!("cannot read the locations `{shown}`: {e}"),
                format!("位置情報 `{shown}` を読めない: {e}"),
            )
        };
        let file = std::fs::File::open(path).map_err(|e| unreadable(&e))?;
        let (_, plain) = yagura_logs::unpack::unpack(file).map_err(|e| unreadable(&e))?;
        let reading = reader.add(std::io::BufReader::with_capacity(1 << 16, plain)).map_err(|e| unreadable(&e))?;
        let first = reading.examples.first().map(|(line, why)| format!("{shown}:{line}: {why}")).unwrap_or_default();
        if reading.networks == 0 {
            let none = lang.pick("no line is a network with its place", "ネットワークと位置の行がない");
            return Err(unreadable(&format!("{none} {first}")));
        }
        if reading.bad > 0 {
            let (en, ja) = (
                format!("{first} ({} lines of {shown} cannot be read)", reading.bad),
                format!("{first}（{shown} の読めない行 {} 件）", reading.bad),
            );
            writeln!(std::io::stderr(), "{}", lang.pick(&en, &ja))?;
        }
    }
    Ok(lists.with_places(reader.finish()))
}

#[derive(serde::Deserialize)]
#[serde(deny_unknown_fields)]
struct File {
    #[serde(default)]
    suppress: Vec<Exception>,
}

/// Reads exceptions: `[[suppress]]` with `rule`, `until`, `reason`, and any of `actor`, `source_ip`, `target`, `account`. Those that no
/// rule of `pack` answers to, and those whose day is over, are told.
///
/// # Errors
/// The file cannot be read, or has a key that means nothing.
pub fn exceptions(path: Option<&Path>, pack: &Pack, lang: Lang) -> Result<Vec<Exception>, Failure> {
    let Some(path) = path else { return Ok(Vec::new()) };
    let shown = path.display();
    let unreadable = |e: &dyn std::fmt::Display| {
        Failure::usage(format!("cannot read the exceptions `{shown}`: {e}"), format!("例外 `{shown}` を読めない: {e}"))
    };
    let text = std::fs::read_to_string(path).map_err(|e| unreadable(&e))?;
    let file: File = toml::from_str(&text).map_err(|e| unreadable(&e))?;
    if let Some(bad) = file.suppress.iter().find(|e| e.until.parse::<jiff::civil::Date>().is_err()) {
        let until = &bad.until;
        return Err(Failure::usage(
            format!("cannot read the exceptions `{shown}`: `{until}` is no day such as 2026-12-31"),
            format!("例外 `{shown}` を読めない: `{until}` は 2026-12-31 のような日付ではない"),
        ));
    }
    let mut err = std::io::stderr();
    let today = jiff::Timestamp::now().to_zoned(jiff::tz::TimeZone::UTC).date();
    let all = || pack.rules.detections.iter().map(|d| &d.id).chain(pack.sequences.all.iter().map(|s| &s.id));
    for e in &file.suppress {
        let (rule, until) = (&e.rule, &e.until);
        if !all().any(|id| glob(rule, id)) {
            let near = yagura_model::nearest(rule, all().map(|id| id.as_str()));
            let (en, ja) = near
                .map_or_else(Default::default, |n| (format!(" (did you mean `{n}`?)"), format!("（`{n}` のことか）")));
            let (en, ja) = (
                format!("{shown}: no rule is called `{rule}`{en}: this exception covers nothing"),
                format!("{shown}: `{rule}` というルールはない{ja}。この例外は何も除外しない"),
            );
            writeln!(err, "{}", lang.pick(&en, &ja))?;
        }
        if until.parse::<jiff::civil::Date>().is_ok_and(|day| day < today) {
            let (en, ja) = (
                format!("{shown}: the exception of `{rule}` ended on {until}: what was found later is told again"),
                format!("{shown}: `{rule}` の例外は {until} で終わっており、それ以降の検出結果は除外されない"),
            );
            writeln!(err, "{}", lang.pick(&en, &ja))?;
        }
    }
    Ok(file.suppress)
}
