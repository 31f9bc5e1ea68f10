//! The interactive shell: statements over several lines until `;`, history, completion.

use super::{AnswerFormat, QueryArgs, output, words};
use crate::failure::Failure;
use rustyline::completion::{Completer, Pair};
use rustyline::error::ReadlineError;
use rustyline::history::FileHistory;
use rustyline::{Context, Editor, Helper, Highlighter, Hinter, Validator};
use std::io::Write;
use std::path::PathBuf;
use tokio::runtime::Runtime;
use yagura_model::Lang;
use yagura_query::Session;

const KEYWORDS: [&str; 40] = [
    "AND",
    "AS",
    "ASC",
    "BETWEEN",
    "BY",
    "CASE",
    "CAST",
    "CROSS",
    "DESC",
    "DESCRIBE",
    "DISTINCT",
    "ELSE",
    "END",
    "EXPLAIN",
    "FROM",
    "GROUP",
    "HAVING",
    "IN",
    "INTERVAL",
    "IS",
    "JOIN",
    "LEFT",
    "LIKE",
    "LIMIT",
    "NOT",
    "NULL",
    "OFFSET",
    "ON",
    "OR",
    "ORDER",
    "OVER",
    "PARTITION",
    "SELECT",
    "SHOW",
    "TABLES",
    "THEN",
    "UNION",
    "UNNEST",
    "WHERE",
    "WITH",
];

/// Runs until the asker leaves.
pub fn run(runtime: &Runtime, session: &Session, args: &QueryArgs, lang: Lang) -> Result<(), Failure> {
    let broken = |e: ReadlineError| {
        Failure::usage(format!("the terminal cannot be read: {e}"), format!("端末から読み込めない: {e}"))
    };
    let words = runtime.block_on(vocabulary(session));
    let mut editor: Editor<Words, FileHistory> = Editor::new().map_err(broken)?;
    editor.set_helper(Some(Words { words }));
    let history = history();
    if let Some(path) = &history {
        let _ = editor.load_history(path);
    }
    println!("{}", lang.pick("help lists the commands; \\q ends", "help でコマンド一覧、\\q で終了"));
    let mut statement = String::new();
    loop {
        let prompt = if statement.is_empty() { "yagura> " } else { "     -> " };
        let line = match editor.readline(prompt) {
            Ok(line) => line,
            Err(ReadlineError::Interrupted) => {
                statement.clear();
                continue;
            }
            Err(ReadlineError::Eof) => break,
            Err(error) => return Err(broken(error)),
        };
        if statement.is_empty() {
            match line.trim().trim_end_matches(';') {
                "" => continue,
                "\\q" | "quit" | "exit" => break,
                "help" | "\\?" => {
                    println!("{}", help(lang));
                    continue;
                }
                command => {
                    if let Some(sql) = described(command) {
                        let _ = editor.add_history_entry(line.as_str());
                        ask(runtime, session, &sql, args, lang);
                        continue;
                    }
                }
            }
        }
        statement.push_str(&line);
        statement.push('\n');
        if !statement.trim_end().ends_with(';') {
            continue;
        }
        let asked = std::mem::take(&mut statement);
        let _ = editor.add_history_entry(asked.trim());
        if let Some(path) = &history {
            let _ = editor.append_history(path);
        }
        ask(runtime, session, &asked, args, lang);
    }
    Ok(())
}

/// Answers one statement. Ctrl-C ends it, and not the shell.
fn ask(runtime: &Runtime, session: &Session, sql: &str, args: &QueryArgs, lang: Lang) {
    let format = args.format.unwrap_or(AnswerFormat::Table);
    let done = runtime.block_on(async {
        tokio::select! {
            done = async {
                let answer = session.ask(sql).await.map_err(words::failure)?;
                output::write(answer, format, args, lang).await
            } => done,
            _ = tokio::signal::ctrl_c() => Err(Failure::usage("the query was ended", "クエリを中断した")),
        }
    });
    if let Err(failure) = done
        && !failure.is_quiet()
    {
        let _ = writeln!(std::io::stderr(), "{}", failure.render(lang));
    }
}

/// `\d` and `\d table` as SQL.
fn described(command: &str) -> Option<String> {
    let rest = command.strip_prefix("\\d")?;
    match rest.trim() {
        "" => Some("SHOW TABLES".to_owned()),
        table if rest.starts_with(' ') => Some(format!("DESCRIBE {table}")),
        _ => None,
    }
}

fn help(lang: Lang) -> &'static str {
    lang.pick(
        "SELECT ...;     a statement, over as many lines as it takes, ends with ;\n\\d              the tables\n\\d TABLE        its columns\nSHOW FUNCTIONS; the functions\nTab             completes names\nCtrl-C          ends a query or drops what was typed\n\\q, Ctrl-D      ends the shell",
        "SELECT ...;     SQL 文。複数行に書け、; で終わる\n\\d              テーブルの一覧\n\\d テーブル     列の一覧\nSHOW FUNCTIONS; 関数の一覧\nTab             名前の補完\nCtrl-C          クエリの中断、入力の取り消し\n\\q, Ctrl-D      シェルの終了",
    )
}

/// Where history is kept: `$XDG_STATE_HOME/yagura/`, else below the home folder.
fn history() -> Option<PathBuf> {
    let state = std::env::var_os("XDG_STATE_HOME").map(PathBuf::from);
    let state = state.or_else(|| Some(PathBuf::from(std::env::var_os("HOME")?).join(".local/state")))?;
    let folder = state.join("yagura");
    std::fs::create_dir_all(&folder).ok()?;
    Some(folder.join("query_history"))
}

async fn vocabulary(session: &Session) -> Vec<String> {
    let mut words: Vec<String> = KEYWORDS.iter().map(|k| (*k).to_owned()).collect();
    for table in session.table_names() {
        if let Ok(schema) = session.columns(&table).await {
            words.extend(schema.fields().iter().map(|f| f.name().clone()));
        }
        words.push(table);
    }
    words.extend(session.function_names().into_iter().map(|f| format!("{f}(")));
    words.sort();
    words.dedup();
    words
}

#[derive(Helper, Hinter, Highlighter, Validator)]
struct Words {
    words: Vec<String>,
}

impl Completer for Words {
    type Candidate = Pair;

    fn complete(&self, line: &str, place: usize, _: &Context<'_>) -> rustyline::Result<(usize, Vec<Pair>)> {
        let before = line.get(..place).unwrap_or_default();
        let start = before.rfind(|c: char| !(c.is_alphanumeric() || c == '_')).map_or(0, |i| i + 1);
        let typed = before.get(start..).unwrap_or_default();
        if typed.is_empty() {
            return Ok((place, Vec::new()));
        }
        let fits = |word: &&String| word.get(..typed.len()).is_some_and(|head| head.eq_ignore_ascii_case(typed));
        let found = self.words.iter().filter(fits).map(|w| Pair { display: w.clone(), replacement: w.clone() });
        Ok((start, found.collect()))
    }
}
