//! What a query's failure is called in both languages.

use crate::failure::Failure;
use yagura_query::Error;

/// The failure that an error is.
pub fn failure(error: Error) -> Failure {
    let said = error.to_string();
    let en = said.split("; did you mean").next().unwrap_or(&said).to_owned();
    let (ja, nearest) = match error {
        Error::Empty => ("SQL 文がない".to_owned(), None),
        Error::Syntax(e) => (format!("SQL の構文の誤り: {e}"), None),
        Error::NotReading(verb) => {
            (format!("`{verb}` は受け付けない。使えるのは SELECT、WITH、SHOW、DESCRIBE、EXPLAIN だけ"), None)
        }
        Error::Arguments { function, wanted, found } => {
            let wanted = wanted.replace(" or ", " または ");
            (format!("{function} の引数は {wanted} 個で、{found} 個ではない"), None)
        }
        Error::Table { name, nearest } => (format!("テーブル `{name}` は存在しない"), nearest),
        Error::Column { name, nearest } => (format!("列 `{name}` は存在しない"), nearest),
        Error::Function { name, nearest } => (format!("関数 `{name}` は存在しない"), nearest),
        Error::Memory(limit) => (
            format!("このクエリには {} MB を超えるメモリが必要。範囲を絞るか --memory を上げること", limit >> 20),
            None,
        ),
        Error::Gone(path) => {
            return Failure::blind(
                format!("`{path}` left the lake while the query ran: it was merged with others, or it expired"),
                format!("クエリの実行中に `{path}` がレイクからなくなった（ほかのファイルとまとめられたか、期限切れで削除された）"),
            )
            .hint("ask again", "もう一度実行すること");
        }
        Error::Absent(table) => {
            return Failure::blind(en, format!("`{table}` を読み取るログがない")).hint(
                "name a lake with --lake, or logs with --logs; `yagura logs ingest` makes a lake, and --demo has a day of logs",
                "--lake でレイクを、--logs でログを指定すること。レイクは `yagura logs ingest` で作る。--demo にはサンプルのログがある",
            );
        }
        Error::Store(e) => {
            return Failure::blind(format!("cannot read the lake: {e}"), format!("レイクを読み込めない: {e}"));
        }
        Error::Engine(e) => (format!("クエリを実行できない: {e}"), None),
    };
    match nearest {
        Some(n) => Failure::usage(en, ja).hint(format!("did you mean `{n}`?"), format!("`{n}` のことか")),
        None => Failure::usage(said, ja),
    }
}
