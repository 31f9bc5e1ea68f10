//! `value_from`: values out of a file beside the policy. Nothing is fetched over the network.

use crate::filter::Context;
use crate::path::Path;
use serde_json::Value as Json;

/// The values of a `value_from`.
///
/// # Errors
/// Why they cannot be had.
pub fn values(from: &Json, cx: &Context<'_>) -> Result<Json, String> {
    let text = |key: &str| from.get(key).and_then(Json::as_str);
    let url = cx.fill(text("url").unwrap_or_default());
    if from.get("query").is_some() {
        return Err("`value_from` with `query` is not read".to_owned());
    }
    let path = match url.split_once(':') {
        Some(("file", rest)) => rest.strip_prefix("//").unwrap_or(rest),
        Some((scheme, _)) if scheme.len() > 1 => {
            return Err(format!("`{url}`: values are read from local files only; download it and name the file"));
        }
        _ => url.as_str(),
    };
    let content = (cx.file)(path)?;
    let by_name = path.rsplit_once('.').map(|(_, e)| e).unwrap_or_default();
    let expr = from.get("expr");
    let search = |data: Json| match expr.and_then(Json::as_str) {
        Some(e) => Path::parse(&cx.fill(e)).map(|p| p.search(&data)),
        None => Ok(data),
    };
    match text("format").unwrap_or(by_name) {
        "json" => search(serde_json::from_str(&content).map_err(|e| format!("`{path}` is not JSON: {e}"))?),
        "txt" => Ok(content.lines().map(|l| Json::from(l.trim())).collect()),
        "csv" => {
            let rows = rows(&content, path)?;
            if let Some(column) = expr.and_then(Json::as_u64).and_then(|n| usize::try_from(n).ok()) {
                return Ok(rows.iter().filter_map(|r| r.get(column).cloned()).map(Json::from).collect());
            }
            if expr.is_none() {
                return Ok(rows.into_iter().flatten().map(Json::from).collect());
            }
            search(rows.into_iter().map(Json::from).collect())
        }
        "csv2dict" => {
            let rows = rows(&content, path)?;
            let (head, body) = rows.split_first().ok_or(format!("`{path}` is empty"))?;
            let column =
                |at: usize| -> Json { body.iter().filter_map(|r| r.get(at).cloned()).map(Json::from).collect() };
            let table: serde_json::Map<_, _> = head.iter().enumerate().map(|(at, h)| (h.clone(), column(at))).collect();
            if expr.is_none() {
                return Ok(table.into_iter().flat_map(|(_, v)| v.as_array().cloned().unwrap_or_default()).collect());
            }
            search(Json::Object(table))
        }
        other => Err(format!("`{path}`: the format `{other}` is not json, csv, csv2dict or txt")),
    }
}

fn rows(content: &str, path: &str) -> Result<Vec<Vec<String>>, String> {
    let mut reader = csv::ReaderBuilder::new().has_headers(false).flexible(true).from_reader(content.as_bytes());
    let row = |r: Result<csv::StringRecord, csv::Error>| {
        r.map(|r| r.iter().map(str::to_owned).collect()).map_err(|e| format!("`{path}` is not CSV: {e}"))
    };
    reader.records().map(row).collect()
}
