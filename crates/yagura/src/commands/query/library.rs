//! The library of hunting queries: one file each below `content/queries/<log>/`.

use crate::content::Content;
use crate::failure::{Failure, exit};
use serde_json::{Value, json};
use smol_str::SmolStr;
use std::collections::BTreeMap;
use std::io::Write;
use std::path::Path;
use yagura_model::{ContentFile, Lang, nearest};
use yagura_rule::ContentError;
use yagura_rule::yaml::{Reader, Yaml, read};

const KEYS: [&str; 9] = ["kind", "id", "tables", "page", "maps", "parameters", "sql", "en", "ja"];

/// A query of the library.
#[derive(Debug, Clone)]
pub struct Named {
    /// `cloudtrail.key_activity`.
    pub id: SmolStr,
    /// The tables it reads.
    pub tables: Vec<SmolStr>,
    /// Where AWS describes what it reads.
    pub page: SmolStr,
    /// What it finds, in the field's catalogues (`attack/T1078.004`).
    pub maps: Vec<SmolStr>,
    /// What may be set.
    pub parameters: Vec<Parameter>,
    sql: SmolStr,
    title: Words,
    description: Words,
}

/// What may be set of a query.
#[derive(Debug, Clone)]
pub struct Parameter {
    /// Its name; in the SQL it stands in braces, inside quotes or as a number.
    pub name: SmolStr,
    /// Its value if none is given; none where one must be.
    pub default: Option<SmolStr>,
    /// Whether it is a number.
    pub number: bool,
    about: Words,
}

#[derive(Debug, Clone)]
struct Words {
    en: SmolStr,
    ja: SmolStr,
}

impl Words {
    fn of(&self, lang: Lang) -> &str {
        lang.pick(&self.en, &self.ja)
    }
}

/// All queries by id, and what is wrong with files that were left out.
#[derive(Debug)]
pub struct Library {
    /// By id.
    pub queries: BTreeMap<SmolStr, Named>,
    /// Broken files.
    pub errors: Vec<ContentError>,
}

impl Library {
    /// Reads the library from the content.
    pub fn read(content: &Content) -> Self {
        let (mut queries, mut errors) = (BTreeMap::new(), Vec::new());
        for file in content.below("queries/") {
            match parse(file) {
                Ok(query) => drop(queries.insert(query.id.clone(), query)),
                Err(e) => errors.extend(e),
            }
        }
        Self { queries, errors }
    }

    /// Prints the list.
    pub fn list(&self, as_json: bool, output: Option<&Path>, lang: Lang) -> Result<u8, Failure> {
        for error in &self.errors {
            let _ = writeln!(std::io::stderr(), "{}: {error}", lang.pick("left out", "除外したファイル"));
        }
        let mut text = String::new();
        if as_json {
            let all: Vec<Value> = self.queries.values().map(|q| described(q, lang)).collect();
            text.push_str(&serde_json::to_string_pretty(&all).map_err(std::io::Error::from)?);
            text.push('\n');
        } else {
            let width = self.queries.keys().map(|id| id.len()).max().unwrap_or(0);
            for query in self.queries.values() {
                let set: Vec<String> = query
                    .parameters
                    .iter()
                    .map(|p| p.default.as_ref().map_or_else(|| p.name.to_string(), |d| format!("{}={d}", p.name)))
                    .collect();
                let set = if set.is_empty() { String::new() } else { format!("  [{}]", set.join(" ")) };
                text.push_str(&format!("{:width$}  {}{set}\n", query.id, query.title.of(lang)));
            }
        }
        match output {
            Some(path) => std::fs::write(path, text)?,
            None => std::io::stdout().write_all(text.as_bytes())?,
        }
        Ok(exit::DONE)
    }

    /// A query's SQL with its parameters set.
    pub fn sql(&self, name: &str, set: &[String], lang: Lang) -> Result<String, Failure> {
        let Some(query) = self.queries.get(name) else {
            return Err(Failure::unknown(("query", "クエリ"), name, self.queries.keys().map(SmolStr::as_str))
                .hint_if_none("see `yagura query --list`", "`yagura query --list` で一覧を確認すること"));
        };
        let mut values: BTreeMap<&str, &str> = BTreeMap::new();
        for one in set {
            let Some((key, value)) = one.split_once('=') else {
                return Err(Failure::usage(
                    format!("`{one}` is not KEY=VALUE"),
                    format!("`{one}` は KEY=VALUE の形ではない"),
                ));
            };
            let names = || query.parameters.iter().map(|p| p.name.as_str());
            if !names().any(|n| n == key) {
                return Err(Failure::unknown(("parameter", "パラメータ"), key, names()));
            }
            values.insert(key, value);
        }
        let mut sql = query.sql.to_string();
        for parameter in &query.parameters {
            let name = &parameter.name;
            let value = values.get(name.as_str()).copied().or(parameter.default.as_deref());
            let Some(value) = value else {
                let about = parameter.about.of(lang);
                return Err(Failure::usage(
                    format!("`{name}` is not set: {about}"),
                    format!("`{name}` が未指定: {about}"),
                )
                .hint(format!("--set {name}=..."), format!("--set {name}=...")));
            };
            let value = if parameter.number {
                match value.trim().parse::<i64>() {
                    Ok(number) => number.to_string(),
                    Err(_) => {
                        return Err(Failure::usage(
                            format!("`{name}` must be a whole number, not `{value}`"),
                            format!("`{name}` は整数で、`{value}` ではない"),
                        ));
                    }
                }
            } else {
                // It stands inside quotes: what it holds stays text.
                value.replace('\'', "''")
            };
            sql = sql.replace(&format!("{{{name}}}"), &value);
        }
        Ok(sql)
    }
}

fn described(query: &Named, lang: Lang) -> Value {
    let parameters: Vec<Value> = query
        .parameters
        .iter()
        .map(|p| json!({"name": p.name, "default": p.default, "number": p.number, "description": p.about.of(lang)}))
        .collect();
    json!({
        "id": query.id,
        "title": query.title.of(lang),
        "description": query.description.of(lang),
        "tables": query.tables,
        "page": query.page,
        "maps": query.maps,
        "parameters": parameters,
        "sql": query.sql,
    })
}

fn parse(file: &ContentFile) -> Result<Named, Vec<ContentError>> {
    let yaml = read(file).map_err(|e| vec![e])?;
    let mut r = Reader::new(file);
    r.only(&yaml, &KEYS);
    let id = r.want_text(&yaml, "id");
    let wanted = file.path.trim_start_matches("queries/").trim_end_matches(".yaml").replace('/', ".");
    if id != wanted {
        r.complain(&yaml, format!("the id must follow the path: `{wanted}`"));
    }
    if r.want_text(&yaml, "kind") != "query" {
        r.complain(&yaml, "`kind` must be `query`");
    }
    let sql = r.want_text(&yaml, "sql");
    let tables = r.texts(&yaml, "tables");
    if tables.is_empty() {
        r.complain(&yaml, "`tables` is missing: the tables that the query reads");
    }
    let [title, description] = ["title", "description"].map(|name| words(&mut r, &yaml, name));
    for lang in ["en", "ja"] {
        if let Some(at) = yaml.get(lang) {
            r.only(at, &["title", "description"]);
        }
    }
    let mut parameters = Vec::new();
    for (key, at) in yaml.get("parameters").and_then(Yaml::entries).unwrap_or_default() {
        r.only(at, &["default", "number", "en", "ja"]);
        if !sql.contains(&format!("{{{}}}", key.name)) {
            r.complain(at, format!("the SQL does not use `{{{}}}`", key.name));
        }
        let scalar =
            |y: &Yaml| y.value().map(|v| v.as_str().map_or_else(|| SmolStr::from(v.to_string()), SmolStr::from));
        parameters.push(Parameter {
            name: key.name.clone(),
            default: at.get("default").and_then(scalar),
            number: matches!(at.get("number").and_then(Yaml::value), Some(v) if v.to_string() == "true"),
            about: Words { en: r.want_text(at, "en"), ja: r.want_text(at, "ja") },
        });
    }
    for used in braces(&sql) {
        if !parameters.iter().any(|p| p.name == used) {
            let near =
                nearest(used, parameters.iter().map(|p| p.name.as_str())).map(|n| format!("; did you mean `{n}`?"));
            r.complain(&yaml, format!("the parameter `{used}` is not described{}", near.unwrap_or_default()));
        }
    }
    let page = r.want_text(&yaml, "page");
    let maps = r.texts(&yaml, "maps");
    r.finish(Named { id, tables, page, maps, parameters, sql, title, description })
}

/// The names in braces.
fn braces(sql: &str) -> impl Iterator<Item = &str> {
    sql.split('{')
        .skip(1)
        .filter_map(|rest| rest.split_once('}'))
        .map(|(name, _)| name)
        .filter(|n| !n.is_empty() && n.bytes().all(|b| b.is_ascii_lowercase() || b == b'_'))
}

fn words(r: &mut Reader<'_>, yaml: &Yaml, name: &str) -> Words {
    let [en, ja] = ["en", "ja"].map(|lang| match yaml.get(lang) {
        Some(at) => r.want_text(at, name),
        None => {
            r.complain(yaml, format!("`{lang}` is missing"));
            SmolStr::default()
        }
    });
    Words { en, ja }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "tests may stop")]
    use super::*;
    use std::sync::Arc;
    use yagura_query::{Options, Session};

    /// Every query is complete and plans against the tables as they are, and finds nothing where there is nothing.
    #[tokio::test]
    async fn every_query_plans() {
        let library = Library::read(&Content::load(None).unwrap());
        assert!(library.errors.is_empty(), "{:?}", library.errors);
        assert!(library.queries.len() >= 30, "{}", library.queries.len());
        // Tables without a file, as a lake has them that nothing was put into.
        let empty = |t| yagura_query::LogTable { absent: false, ..super::super::table::table(t, None) };
        let tables = yagura_logs::table::tables().iter().map(empty).collect();
        let store = Arc::new(object_store::memory::InMemory::new());
        let session = Session::new(store, tables, &Options::default()).unwrap();
        let mut wrong = Vec::new();
        for (id, query) in &library.queries {
            let set: Vec<String> =
                query.parameters.iter().filter(|p| p.default.is_none()).map(|p| format!("{}=1", p.name)).collect();
            let sql = library.sql(id, &set, Lang::En).unwrap();
            for table in &query.tables {
                if !session.table_names().iter().any(|t| t == table.as_str()) {
                    wrong.push(format!("{id}: no table `{table}`"));
                }
            }
            match session.ask(&sql).await {
                Ok(mut answer) => {
                    while let Some(batch) = answer.next().await {
                        if let Err(e) = batch {
                            wrong.push(format!("{id}: {e}"));
                        }
                    }
                }
                Err(e) => wrong.push(format!("{id}: {e}")),
            }
        }
        assert!(wrong.is_empty(), "{}", wrong.join("\n"));
    }

    #[test]
    fn a_parameter_stays_text() {
        let library = Library::read(&Content::load(None).unwrap());
        let set = ["key=x' OR '1'='1".to_owned()];
        let sql = library.sql("cloudtrail.key_activity", &set, Lang::En).unwrap();
        assert!(sql.contains("'x'' OR ''1''=''1'"), "{sql}");
    }
}
