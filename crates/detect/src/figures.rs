//! The figures of statistics in words: what [`crate::stat`] calls `ports_allowed` is for machines.

use smol_str::SmolStr;
use yagura_model::Lang;

/// Each figure's name, and how a sentence says it; `{}` is its value.
const WORDS: [(&str, &str, &str); 68] = [
    ("account", "account {}", "アカウント {}"),
    ("account_was_tried", "the account was among those tried: {}", "試行されたアカウントか: {}"),
    ("accounts", "{} accounts tried", "試行されたアカウント {}"),
    ("accounts_allowed", "up to {} accounts would be usual", "アカウント数は {} まで通常とみなす"),
    ("accounts_failed", "{} accounts failed", "失敗したアカウント {}"),
    ("accounts_succeeded", "{} accounts succeeded", "成功したアカウント {}"),
    ("address", "the address {}", "アドレス {}"),
    ("bits_per_letter", "{} bits of information a letter", "1 文字あたりの情報量 {} ビット"),
    ("bytes", "{} bytes each time", "1 回あたり {} バイト"),
    ("bytes_allowed", "up to {} bytes would be usual", "{} バイトまで通常とみなす"),
    ("bytes_in_names", "{} bytes carried in names", "名前に載せたデータ {} バイト"),
    ("bytes_spread", "sizes vary by {}", "サイズのばらつき {}"),
    ("bytes_this_hour", "{} bytes within the hour", "この 1 時間に {} バイト"),
    ("conversations_known", "{} conversations known before", "既知の通信 {} 件"),
    ("days_known", "known for {} days", "観測日数 {}"),
    ("different_domains", "{} different domains asked for", "問い合わせた異なるドメイン {}"),
    ("different_names", "{} different names asked for", "問い合わせた異なる名前 {}"),
    ("distance_km", "{} km apart", "距離 {} km"),
    ("examples", "such as {}", "例: {}"),
    ("failures", "{} failures", "失敗 {} 回"),
    ("failures_allowed", "up to {} failures would be usual", "失敗は {} 回まで通常とみなす"),
    ("failures_before", "{} failures before", "それまでの失敗 {} 回"),
    ("from", "first at {}", "最初の場所 {}"),
    ("greatest_hour", "{} bytes in its greatest hour", "過去最大の 1 時間 {} バイト"),
    ("hours_known", "{} hours known", "観測時間 {} 時間"),
    ("interval_seconds", "every {} seconds", "間隔 {} 秒"),
    ("interval_skew", "intervals skewed by {}", "間隔の歪み {}"),
    ("interval_spread", "intervals vary by {}", "間隔のばらつき {}"),
    ("interval_spread_of_chance", "by chance they would vary by {}", "偶然なら間隔のばらつきは {}"),
    ("kind", "queries of type {}", "問い合わせタイプ {}"),
    ("km_per_hour", "a speed of {} km/h", "時速 {} km"),
    ("mail_servers", "{} mail servers", "メールサーバー {} 台"),
    ("mail_servers_allowed", "up to {} mail servers would be usual", "メールサーバーは {} 台まで通常とみなす"),
    ("mean_bytes", "{} bytes a packet", "1 パケットあたり {} バイト"),
    ("mean_length", "names of {} letters on average", "名前の平均長 {} 文字"),
    ("median_hour", "{} bytes in a usual hour (median)", "通常の 1 時間（中央値）{} バイト"),
    ("milliseconds_since_public_answer", "{} ms after a public answer", "パブリックな応答の {} ミリ秒後"),
    ("minutes", "within {} minutes", "所要時間 {} 分"),
    ("missing_domains", "{} of them do not exist", "うち存在しないもの {}"),
    ("missing_share_allowed", "a share of {} missing would be usual", "存在しない割合は {} まで通常とみなす"),
    ("most_to", "most of it to {}", "最多の送信先 {}"),
    ("open_port", "open port {}", "開いているポート {}"),
    ("other_hosts_using_it", "{} other hosts use it", "これを使うほかのホスト {} 台"),
    ("packets", "{} packets", "{} パケット"),
    ("packets_a_minute", "{} packets a minute", "1 分あたり {} パケット"),
    ("packets_allowed", "up to {} packets would be usual", "{} パケットまで通常とみなす"),
    ("packets_back", "{} packets came back", "返ってきたのは {} パケット"),
    ("packets_of_a_try", "a try takes up to {} packets", "1 回の試行は {} パケットまで"),
    ("peers", "{} hosts tried", "試行した相手 {} 台"),
    ("peers_allowed", "up to {} hosts would be usual", "相手は {} 台まで通常とみなす"),
    ("port", "port {}", "ポート {}"),
    ("ports", "{} ports tried", "試行したポート {} 個"),
    ("ports_allowed", "up to {} ports would be usual", "ポートは {} 個まで通常とみなす"),
    ("protocol", "protocol {}", "プロトコル {}"),
    ("queries", "{} queries", "問い合わせ {} 件"),
    ("random_looking", "{} look random", "ランダムに見えるもの {}"),
    (
        "random_looking_among_missing",
        "{} of the missing ones look random",
        "存在しないもののうちランダムに見えるもの {}",
    ),
    ("resolver", "resolver {}", "リゾルバー {}"),
    ("role", "the host is the {}", "ホストの立場: {}"),
    ("share_of_data_types", "a share of {} is of types that carry data", "データを運べるタイプの割合 {}"),
    ("sources", "{} sources", "送信元 {}"),
    ("sources_allowed", "up to {} sources would be usual", "送信元は {} まで通常とみなす"),
    ("target", "target {}", "対象 {}"),
    ("to", "then at {}", "次の場所 {}"),
    ("tries", "{} tries", "試行 {} 回"),
    ("tries_allowed", "up to {} tries would be usual", "試行は {} 回まで通常とみなす"),
    ("usual", "usual: {}", "通常は {}"),
    ("usual_ports", "its usual ports are {}", "通常のポートは {}"),
];

/// Values that are words, of the figures that have such.
const VALUES: [(&str, &str, &str, &str); 5] = [
    ("account_was_tried", "false", "no", "いいえ"),
    ("account_was_tried", "true", "yes", "はい"),
    ("role", "actor", "one who tries", "試行した側"),
    ("role", "target", "one that is tried", "試行された側"),
    ("usual", "the VPC's resolver", "the VPC's resolver", "VPC のリゾルバー"),
];

/// A figure in words. One without words of its own is told by its name.
pub fn figure(name: &str, value: &str, lang: Lang) -> String {
    let value = match VALUES.iter().find(|(of, word, ..)| (*of, *word) == (name, value)) {
        Some((_, _, en, ja)) => lang.pick(en, ja),
        None => value,
    };
    match WORDS.iter().find(|(known, ..)| *known == name) {
        Some((_, en, ja)) => lang.pick(en, ja).replace("{}", value),
        None => format!("{name} {value}"),
    }
}

/// Several figures in a sentence.
pub fn sentence(figures: &[(SmolStr, SmolStr)], lang: Lang) -> String {
    let all: Vec<String> = figures.iter().map(|(name, value)| figure(name, value, lang)).collect();
    match lang {
        Lang::En => format!("Measured: {}.", all.join("; ")),
        Lang::Ja => format!("測定値: {}。", all.join("、")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The names of all figures in the statistics' own files.
    fn used(folder: &std::path::Path, names: &mut Vec<String>) {
        let pattern = regex::Regex::new(r#"fact\(\s*"([a-z_]+)""#).unwrap();
        for entry in std::fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                used(&path, names);
            } else if path.extension().is_some_and(|e| e == "rs") {
                let text = std::fs::read_to_string(path).unwrap();
                names.extend(pattern.captures_iter(&text).map(|c| c[1].to_owned()));
            }
        }
    }

    #[test]
    fn every_figure_has_words_and_every_word_a_figure() {
        let mut names = Vec::new();
        used(&std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("src/stat"), &mut names);
        names.sort();
        names.dedup();
        assert!(names.len() > 50);
        let known: Vec<&str> = WORDS.iter().map(|(name, ..)| *name).collect();
        assert_eq!(names, known);
    }

    #[test]
    fn figures_are_told_in_both_languages() {
        let rows = [
            ("ports", "15", "15 ports tried", "試行したポート 15 個"),
            ("role", "actor", "the host is the one who tries", "ホストの立場: 試行した側"),
            ("unheard_of", "1", "unheard_of 1", "unheard_of 1"),
        ];
        for (name, value, en, ja) in rows {
            assert_eq!(figure(name, value, Lang::En), en);
            assert_eq!(figure(name, value, Lang::Ja), ja);
        }
    }
}
