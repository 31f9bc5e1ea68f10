//! Threat lists and exceptions from the command line.

use crate::failure::Failure;
use smol_str::SmolStr;
use std::io::Write;
use std::path::{Path, PathBuf};
use yagura_detect::intel::{Builder, Category, Lists, Spec};
use yagura_detect::predicate::is_account;
use yagura_detect::stat::places::Reader;
use yagura_detect::suppress::Exception;
use yagura_model::Lang;

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
                None => {
                    return Err(Failure::unknown(
                        ("category of threat lists", "脅威リストの分類"),
                        name,
                        Category::ALL.iter().map(|c| c.name()),
                    ));
                }
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

/// Reads exceptions: `[[suppress]]` with `rule`, `until`, `reason`, and any of `actor`, `source_ip`, `target`, `account`.
///
/// # Errors
/// The file cannot be read, or has a key that means nothing.
pub fn exceptions(path: Option<&Path>) -> Result<Vec<Exception>, Failure> {
    let Some(path) = path else { return Ok(Vec::new()) };
    let shown = path.display();
    let unreadable = |e: &dyn std::fmt::Display| {
        Failure::usage(format!("cannot read the exceptions `{shown}`: {e}"), format!("例外 `{shown}` を読めない: {e}"))
    };
    let text = std::fs::read_to_string(path).map_err(|e| unreadable(&e))?;
    let file: File = toml::from_str(&text).map_err(|e| unreadable(&e))?;
    if let Some(bad) = file.suppress.iter().find(|e| e.until.parse::<jiff::civil::Date>().is_err()) {
        return Err(unreadable(&format!("`{}` is no day such as 2026-12-31", bad.until)));
    }
    Ok(file.suppress)
}
