//! Why a record or a file was put aside, in both languages. `logs` says it in English.

use yagura_model::Lang;

/// How reasons begin, and the same in Japanese; what follows is a place, a name or the system's own words.
const BEGINNINGS: [(&str, &str); 16] = [
    ("it cannot be opened: ", "開けない: "),
    ("the file cannot be opened: ", "ファイルを開けない: "),
    ("the file cannot be read to its end: ", "ファイルを最後まで読めない: "),
    ("the file cannot be read behind row ", "ファイルを途中までしか読めない（行）: "),
    ("the file cannot be read: ", "ファイルを読めない: "),
    ("a Parquet file that cannot be read: ", "読めない Parquet ファイル: "),
    ("a Parquet file of more than ", "標準入力などからの Parquet ファイルが大きすぎる: "),
    ("a file of no log that is known here", "既知のどのログのファイルでもない"),
    ("a message of no log that is known here", "既知のどのログのメッセージでもない"),
    ("a row that is not JSON", "JSON ではない行"),
    ("JSON of no log that is known here", "既知のどのログの JSON でもない"),
    ("a record longer than ", "レコードが長すぎる: 上限 "),
    ("the record does not end", "レコードが終わっていない"),
    ("the line ends inside a record", "レコードの途中で行が終わっている"),
    ("the file ends inside a record or list", "レコードまたはリストの途中でファイルが終わっている"),
    ("no record begins here", "レコードの始まりがない"),
];

/// A reason in a language.
pub fn reason(why: &str, lang: Lang) -> String {
    if lang == Lang::En {
        return why.to_owned();
    }
    let (why, place) = match why.strip_suffix(')').and_then(|w| w.rsplit_once(" (before byte ")) {
        Some((why, byte)) => (why, format!("（{byte} バイト目より前）")),
        None => (why, String::new()),
    };
    if let Some(rest) = why.strip_prefix("not UTF-8 at byte ") {
        let byte = rest.split(' ').next().unwrap_or(rest);
        return format!("レコードの {byte} バイト目が UTF-8 ではない{place}");
    }
    if let Some(rest) = why.strip_prefix("not JSON: ") {
        return format!("JSON ではない: {rest}{place}");
    }
    let begun = BEGINNINGS.iter().find_map(|(en, ja)| why.strip_prefix(en).map(|rest| (ja, rest)));
    match begun {
        Some((ja, rest)) => {
            let rest = rest.replace(" (it has ", "（項目: ").replace(" in a stream", "").replace(')', "）");
            format!("{ja}{rest}{place}")
        }
        None => format!("{why}{place}"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reasons_have_japanese_words_and_keep_their_places() {
        let rows = [
            ("the file cannot be read: no such thing", "ファイルを読めない: no such thing"),
            ("no record begins here (before byte 12)", "レコードの始まりがない（12 バイト目より前）"),
            ("not UTF-8 at byte 3 of the record", "レコードの 3 バイト目が UTF-8 ではない"),
            ("JSON of no log that is known here (it has a, b)", "既知のどのログの JSON でもない（項目: a, b）"),
            ("what nobody foresaw", "what nobody foresaw"),
        ];
        for (en, ja) in rows {
            assert_eq!(reason(en, Lang::Ja), ja);
            assert_eq!(reason(en, Lang::En), en);
        }
    }
}
