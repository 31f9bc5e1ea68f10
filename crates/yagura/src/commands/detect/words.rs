//! What was read and what was not, on standard error.

use super::ready::Ready;
use crate::commands::logs::reasons::reason;
use crate::failure::Failure;
use smol_str::SmolStr;
use std::collections::BTreeMap;
use std::io::Write;
use yagura_detect::run::Counts;
use yagura_model::Lang;

/// Inputs that could not be read, by name.
const NAMED: usize = 10;

/// Says how many records were read, what could not be, and how many findings `suppressed` exceptions covered. What there is none of is
/// not listed.
pub fn say(counts: &Counts, inputs: usize, suppressed: usize, lang: Lang) -> Result<(), Failure> {
    let mut err = std::io::stderr().lock();
    for (file, why) in counts.aside.iter().take(NAMED) {
        let colon = if file.is_empty() { "" } else { ": " };
        writeln!(err, "{} {file}{colon}{}", lang.pick("not read:", "読み取れない:"), reason(why, lang))?;
    }
    let rest = counts.unread.saturating_sub(NAMED as u64);
    if rest > 0 {
        writeln!(err, "{}", lang.pick(&format!("… and {rest} more"), &format!("…ほか {rest} 件")))?;
    }
    writeln!(err, "{}", summary(counts, inputs, suppressed, lang))?;
    Ok(())
}

fn summary(counts: &Counts, inputs: usize, suppressed: usize, lang: Lang) -> String {
    let Counts { records, duplicate, late, timeless, outside, unread, .. } = counts;
    let parts = [
        (*duplicate, "came twice", "重複"),
        (*late, "too late for counts and habits", "集計と学習に間に合わなかったもの"),
        (*timeless, "without a time", "時刻なし"),
        (*outside, "outside of the asked time", "指定期間外"),
        (*unread, "could not be read", "読み取れないもの"),
    ];
    let parts: Vec<String> = parts
        .iter()
        .filter(|(n, ..)| *n > 0)
        .map(|(n, en, ja)| lang.pick(&format!("{n} {en}"), &format!("{ja} {n}")).to_owned())
        .collect();
    let mut text = match lang {
        Lang::En => {
            let (r, i) = (if *records == 1 { "" } else { "s" }, if inputs == 1 { "" } else { "s" });
            let parts = if parts.is_empty() { String::new() } else { format!(": {}", parts.join(", ")) };
            format!("{records} record{r} of {inputs} input{i}{parts}")
        }
        Lang::Ja => {
            let parts = if parts.is_empty() { String::new() } else { format!("（{}）", parts.join("、")) };
            format!("入力 {inputs} 件、レコード {records} 件{parts}")
        }
    };
    if suppressed > 0 {
        text.push_str(&match lang {
            Lang::En => format!("; exceptions covered {suppressed} finding{}", if suppressed == 1 { "" } else { "s" }),
            Lang::Ja => format!("。例外により {suppressed} 件の検出結果を除外した"),
        });
    }
    text
}

/// Says what had to be forgotten for want of room.
pub fn lost(forgotten: u64, lang: Lang) -> Result<(), Failure> {
    if forgotten > 0 {
        let (en, ja) = (
            format!(
                "{forgotten} counts, links between identities and begun sequences had to be forgotten for want of room: what they would have led to is not told"
            ),
            format!(
                "メモリの上限により、集計、アイデンティティ間のつながり、途中のシーケンスを {forgotten} 件忘れた。そこから導かれたはずの検出結果は示されない"
            ),
        );
        writeln!(std::io::stderr(), "{}", lang.pick(&en, &ja))?;
    }
    Ok(())
}

/// What was found by rules that the run before had and this one has not, and so cannot be told.
pub fn gone(gone: &BTreeMap<SmolStr, usize>, lang: Lang) -> Result<(), Failure> {
    if !gone.is_empty() {
        let total: usize = gone.values().sum();
        let names = gone.keys().map(SmolStr::as_str).collect::<Vec<_>>().join(", ");
        let (en, ja) = (
            format!("{total} findings are of rules that are no more, and cannot be told: {names}"),
            format!("もう存在しないルールによる検出 {total} 件は表示できない: {names}"),
        );
        writeln!(std::io::stderr(), "{}", lang.pick(&en, &ja))?;
    }
    Ok(())
}

/// Which detections are off for want of something that the user did not give: one line, on standard error.
///
/// # Errors
/// Standard error cannot be written.
pub fn off(ready: &Ready, lang: Lang) -> Result<(), Failure> {
    let off: Vec<&str> = ready.pack.off(&ready.lists).map(|id| id.as_str()).collect();
    if !off.is_empty() {
        let off = off.join(", ");
        let (en, ja) = (
            format!("off: {off} (impossible travel needs --places FILE)"),
            format!("無効: {off}（ありえない移動の検出には --places FILE が必要）"),
        );
        writeln!(std::io::stderr(), "{}", lang.pick(&en, &ja))?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn zeros_are_not_listed() {
        let none = Counts { records: 1, ..Counts::default() };
        assert_eq!(summary(&none, 2, 0, Lang::En), "1 record of 2 inputs");
        assert_eq!(summary(&none, 2, 0, Lang::Ja), "入力 2 件、レコード 1 件");
        let some = Counts { records: 7, duplicate: 2, unread: 1, ..Counts::default() };
        assert_eq!(
            summary(&some, 1, 1, Lang::En),
            "7 records of 1 input: 2 came twice, 1 could not be read; exceptions covered 1 finding"
        );
        assert_eq!(
            summary(&some, 1, 3, Lang::Ja),
            "入力 1 件、レコード 7 件（重複 2、読み取れないもの 1）。例外により 3 件の検出結果を除外した"
        );
    }
}
