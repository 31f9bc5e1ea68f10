//! Answers as tables, CSV, JSON and Parquet. All but tables are written as they come.

use super::{AnswerFormat, QueryArgs, words};
use crate::failure::Failure;
use crate::terminal;
use serde_json::Value;
use std::borrow::Cow;
use std::io::{BufWriter, Write};
use std::path::Path;
use yagura_model::Lang;
use yagura_query::arrow::array::{ArrayRef, RecordBatch};
use yagura_query::arrow::datatypes::SchemaRef;
use yagura_query::parquet::arrow::ArrowWriter;
use yagura_query::parquet::basic::Compression;
use yagura_query::parquet::file::properties::WriterProperties;
use yagura_query::{Answer, value_at};

/// The form of the answer.
pub fn format(args: &QueryArgs) -> Result<AnswerFormat, Failure> {
    let by_name = || match args.output.as_deref().and_then(Path::extension)?.to_str()?.to_ascii_lowercase().as_str() {
        "csv" => Some(AnswerFormat::Csv),
        "json" => Some(AnswerFormat::Json),
        "parquet" => Some(AnswerFormat::Parquet),
        _ => None,
    };
    let format = args.format.or_else(by_name).unwrap_or(AnswerFormat::Table);
    if format == AnswerFormat::Parquet && args.output.is_none() && terminal::is_terminal() {
        return Err(Failure::usage(
            "Parquet is not for a terminal: name a file with --output",
            "Parquet は端末に出力できない。--output でファイルを指定すること",
        ));
    }
    Ok(format)
}

/// Writes the answer to where it goes: to a file whole or not at all.
pub async fn write(answer: Answer, format: AnswerFormat, args: &QueryArgs, lang: Lang) -> Result<(), Failure> {
    let Some(path) = &args.output else {
        let out = BufWriter::new(std::io::stdout());
        return write_to(answer, format, args, lang, out).await;
    };
    let folder = path.parent().filter(|p| !p.as_os_str().is_empty()).unwrap_or(Path::new("."));
    if path.symlink_metadata().is_ok_and(|m| !m.is_file() && !m.is_symlink()) {
        let file = std::fs::OpenOptions::new().write(true).open(path)?;
        return write_to(answer, format, args, lang, BufWriter::new(file)).await;
    }
    let mut builder = tempfile::Builder::new();
    builder.prefix(".yagura-").suffix(".tmp");
    #[cfg(unix)]
    builder.permissions(std::os::unix::fs::PermissionsExt::from_mode(0o666)); // the umask decides, as for any new file
    let file = builder.tempfile_in(folder)?;
    let out = BufWriter::new(file.as_file().try_clone()?);
    write_to(answer, format, args, lang, out).await?;
    file.persist(path).map_err(|e| e.error)?;
    let _ = writeln!(std::io::stderr(), "{} {}", lang.pick("wrote", "書き込んだ:"), path.display());
    Ok(())
}

async fn write_to(
    answer: Answer,
    format: AnswerFormat,
    args: &QueryArgs,
    lang: Lang,
    out: impl Write + Send,
) -> Result<(), Failure> {
    match format {
        AnswerFormat::Table => table(answer, args.max_rows, lang, out).await,
        AnswerFormat::Csv => csv(answer, out).await,
        AnswerFormat::Json => json(answer, out).await,
        AnswerFormat::Parquet => parquet(answer, out).await,
    }
}

async fn next(answer: &mut Answer) -> Result<Option<RecordBatch>, Failure> {
    answer.next().await.transpose().map_err(words::failure)
}

fn value(column: &ArrayRef, row: usize) -> Result<Value, Failure> {
    value_at(column, row).map_err(|e| words::failure(yagura_query::Error::Engine(e.to_string())))
}

/// The columns' names as the members of an object: one that comes again gets a number.
fn members(schema: &SchemaRef) -> Vec<String> {
    let mut names: Vec<String> = Vec::new();
    for field in schema.fields() {
        let mut name = field.name().clone();
        let mut count = 2;
        while names.contains(&name) {
            name = format!("{}_{count}", field.name());
            count += 1;
        }
        names.push(name);
    }
    names
}

/// An array of objects, a row on a line.
async fn json(mut answer: Answer, mut out: impl Write) -> Result<(), Failure> {
    let names = members(&answer.schema);
    let mut first = true;
    out.write_all(b"[")?;
    while let Some(batch) = next(&mut answer).await? {
        for row in 0..batch.num_rows() {
            out.write_all(if first { b"\n{" } else { b",\n{" })?;
            first = false;
            for (place, (name, column)) in names.iter().zip(batch.columns()).enumerate() {
                if place > 0 {
                    out.write_all(b",")?;
                }
                serde_json::to_writer(&mut out, name).map_err(std::io::Error::from)?;
                out.write_all(b":")?;
                serde_json::to_writer(&mut out, &value(column, row)?).map_err(std::io::Error::from)?;
            }
            out.write_all(b"}")?;
        }
    }
    out.write_all(if first { b"]\n" } else { b"\n]\n" })?;
    Ok(out.flush()?)
}

/// A value as a cell: text as it is, null as nothing, what is nested as JSON.
fn cell(value: Value) -> String {
    match value {
        Value::Null => String::new(),
        Value::String(text) => text,
        other => other.to_string(),
    }
}

/// RFC 4180 with a byte order mark and CRLF; text that a spreadsheet would take for a formula is made harmless.
async fn csv(mut answer: Answer, mut out: impl Write) -> Result<(), Failure> {
    out.write_all("\u{feff}".as_bytes())?;
    let mut rows = ::csv::WriterBuilder::new().terminator(::csv::Terminator::CRLF).from_writer(out);
    let broken = |e: ::csv::Error| Failure::from(std::io::Error::from(e));
    let names = answer.schema.fields().iter().map(|f| yagura_report::neutral(f.name()).into_owned());
    rows.write_record(names).map_err(broken)?;
    while let Some(batch) = next(&mut answer).await? {
        for row in 0..batch.num_rows() {
            for column in batch.columns() {
                let value = value(column, row)?;
                // A number is no formula, though it may begin with a minus.
                let number = value.is_number();
                let text = cell(value);
                let text = if number { Cow::Borrowed(text.as_str()) } else { yagura_report::neutral(&text) };
                rows.write_field(text.as_bytes()).map_err(broken)?;
            }
            rows.write_record(None::<&[u8]>).map_err(broken)?;
        }
    }
    Ok(rows.flush()?)
}

async fn parquet(mut answer: Answer, out: impl Write + Send) -> Result<(), Failure> {
    let broken = |e: yagura_query::parquet::errors::ParquetError| {
        Failure::usage(format!("cannot write Parquet: {e}"), format!("Parquet を書き込めない: {e}"))
    };
    let properties = WriterProperties::builder().set_compression(Compression::ZSTD(Default::default())).build();
    let mut writer = ArrowWriter::try_new(out, answer.schema.clone(), Some(properties)).map_err(broken)?;
    while let Some(batch) = next(&mut answer).await? {
        writer.write(&batch).map_err(broken)?;
    }
    writer.close().map_err(broken)?;
    Ok(())
}

/// Lines up the columns. Text keeps to the left, numbers to the right.
async fn table(mut answer: Answer, most: usize, lang: Lang, mut out: impl Write) -> Result<(), Failure> {
    let most = if most == 0 { usize::MAX } else { most };
    let head: Vec<String> = answer.schema.fields().iter().map(|f| shown(f.name())).collect();
    let right: Vec<bool> = answer.schema.fields().iter().map(|f| f.data_type().is_numeric()).collect();
    let mut rows: Vec<Vec<String>> = Vec::new();
    let mut more = false;
    'all: while let Some(batch) = next(&mut answer).await? {
        for row in 0..batch.num_rows() {
            if rows.len() == most {
                more = true;
                break 'all;
            }
            let cells = batch.columns().iter().map(|c| Ok(shown(&cell(value(c, row)?))));
            rows.push(cells.collect::<Result<_, Failure>>()?);
        }
    }
    drop(answer);
    let mut widths: Vec<usize> = head.iter().map(|h| yagura_report::width(h)).collect();
    for row in &rows {
        for (width, cell) in widths.iter_mut().zip(row) {
            *width = (*width).max(yagura_report::width(cell));
        }
    }
    let mut line = |cells: &[String], right: &[bool]| -> std::io::Result<()> {
        let mut text = String::new();
        for ((cell, width), right) in cells.iter().zip(&widths).zip(right) {
            if !text.is_empty() {
                text.push_str("  ");
            }
            let space = " ".repeat(width.saturating_sub(yagura_report::width(cell)));
            if *right {
                text.push_str(&space);
            }
            text.push_str(cell);
            if !*right {
                text.push_str(&space);
            }
        }
        writeln!(out, "{}", text.trim_end())
    };
    if !head.is_empty() {
        line(&head, &right)?;
        line(&widths.iter().map(|w| "-".repeat(*w)).collect::<Vec<_>>(), &right)?;
    }
    for row in &rows {
        line(row, &right)?;
    }
    out.flush()?;
    let said = match (more, lang) {
        (true, Lang::En) => format!("the first {} rows; there are more (--max-rows 0 shows all)", rows.len()),
        (true, Lang::Ja) => format!("先頭の {} 行のみ。続きがある（--max-rows 0 で全行を表示）", rows.len()),
        (false, Lang::En) => format!("{} {}", rows.len(), if rows.len() == 1 { "row" } else { "rows" }),
        (false, Lang::Ja) => format!("{} 行", rows.len()),
    };
    if more || terminal::is_terminal() {
        let _ = writeln!(std::io::stderr(), "({said})");
    }
    Ok(())
}

/// Text on one line, without anything that a terminal would obey.
fn shown(text: &str) -> String {
    if !text.chars().any(char::is_control) {
        return text.to_owned();
    }
    text.chars().map(|c| if c.is_control() { c.escape_default().to_string() } else { c.to_string() }).collect()
}
