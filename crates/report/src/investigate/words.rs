//! The words of an investigation, in both languages.

use yagura_detect::investigate::{Dossier, Facet, Kind, Noted, NotedKind, Unusual};
use yagura_detect::tell::short;
use yagura_model::Lang;

#[derive(Clone, Copy)]
pub(super) struct Words(pub Lang);

impl Words {
    pub fn pick(self, en: &'static str, ja: &'static str) -> &'static str {
        self.0.pick(en, ja)
    }

    pub fn kind(self, kind: Kind) -> &'static str {
        match kind {
            Kind::User => self.pick("user", "ユーザー"),
            Kind::Role => self.pick("role", "ロール"),
            Kind::Session => self.pick("session", "セッション"),
            Kind::Key => self.pick("access key", "アクセスキー"),
            Kind::Address => self.pick("IP address", "IP アドレス"),
            Kind::Instance => self.pick("instance", "インスタンス"),
            Kind::Name => self.pick("host name", "ホスト名"),
            Kind::Event => self.pick("record", "レコード"),
            Kind::Resource => self.pick("resource", "リソース"),
        }
    }

    pub fn facet(self, facet: Facet) -> &'static str {
        match facet {
            Facet::Log => self.pick("Log", "ログ"),
            Facet::Service => self.pick("Service", "サービス"),
            Facet::Api => self.pick("API", "API"),
            Facet::Outcome => self.pick("Outcome", "結果"),
            Facet::Error => self.pick("Error", "エラー"),
            Facet::Account => self.pick("Account", "アカウント"),
            Facet::Region => self.pick("Region", "リージョン"),
            Facet::Network => self.pick("Network", "ネットワーク"),
            Facet::Address => self.pick("Source address", "送信元アドレス"),
            Facet::Client => self.pick("Client", "クライアント"),
            Facet::Hour => self.pick("Hour (UTC)", "時間帯 (UTC)"),
            Facet::Identity => self.pick("Identity", "アイデンティティ"),
            Facet::Session => self.pick("Session", "セッション"),
            Facet::Key => self.pick("Access key", "アクセスキー"),
            Facet::Instance => self.pick("Instance", "インスタンス"),
            Facet::Peer => self.pick("Far end", "通信相手"),
            Facet::Port => self.pick("Port", "ポート"),
            Facet::Name => self.pick("Name asked for", "問い合わせた名前"),
        }
    }

    /// A value of a facet.
    pub fn value(self, facet: Facet, value: &str) -> &str {
        match (facet, value) {
            (Facet::Outcome, "success") => self.pick("succeeded", "成功"),
            (Facet::Outcome, "failure") => self.pick("failed", "失敗"),
            (Facet::Outcome, "denied") => self.pick("refused", "拒否"),
            _ => value,
        }
    }

    /// What there is at all.
    pub fn summary(self, d: &Dossier) -> String {
        let span = match (&d.first, &d.last) {
            (Some(first), Some(last)) => {
                self.0.pick(&format!(", {first} – {last}"), &format!("、{first} – {last}")).to_owned()
            }
            _ => String::new(),
        };
        let named = match (d.named, self.0) {
            (0, _) => String::new(),
            (n, Lang::En) => format!("; named by {n} more"),
            (n, Lang::Ja) => format!("、ほかに言及するレコード {n} 件"),
        };
        let bytes = match (d.bytes, self.0) {
            ([0, 0], _) => String::new(),
            ([sent, received], Lang::En) => format!("; {sent} bytes sent, {received} received"),
            ([sent, received], Lang::Ja) => format!("、送信 {sent} バイト、受信 {received} バイト"),
        };
        match self.0 {
            Lang::En => format!("{}, {} refused{span}{named}{bytes}", records(d.records), d.denied),
            Lang::Ja => format!("レコード {} 件（拒否 {} 件）{span}{named}{bytes}", d.records, d.denied),
        }
    }

    /// The usual against the unusual, in a sentence.
    pub fn unusual(self, u: &Unusual) -> String {
        let ([n, denied], [before, denied_before]) = (u.records, u.before);
        let rate = format!("{:.1}", u.per_hour_before);
        let Some(since) = &u.since else {
            return match self.0 {
                Lang::En => format!(
                    "{}, {denied} refused. Nothing is known from before: whether this is usual cannot be told.",
                    records(n)
                ),
                Lang::Ja => {
                    format!("{n} 件（拒否 {denied} 件）。それ以前の記録がないため、通常かどうかは判断できない。")
                }
            };
        };
        let none = if u.new.is_empty() { self.pick(" Nothing was new.", "新しいものはない。") } else { "" };
        match self.0 {
            Lang::En => format!(
                "{}, {denied} refused. Before: {before} since {since} ({rate} an hour), {denied_before} refused.{none}",
                records(n)
            ),
            Lang::Ja => format!(
                "{n} 件（拒否 {denied} 件）。それ以前は {since} から {before} 件（1 時間あたり {rate} 件、拒否 {denied_before} 件）。{none}"
            ),
        }
    }

    /// A moment in one line.
    pub fn moment(self, n: &Noted) -> String {
        if n.kind == NotedKind::Finding {
            // Titles name who did it by the whole ARN, which leaves no room for what was done.
            return if n.actor.is_empty() {
                n.what.clone()
            } else {
                n.what.replace(n.actor.as_str(), &short(&n.actor))
            };
        }
        let times = if n.count > 1 { format!(" ×{}", n.count) } else { String::new() };
        let target = match (n.targets, self.0) {
            (0, _) => String::new(),
            (1, _) => format!(" → {}", short(&n.target)),
            (many, Lang::En) => format!(" → {} and {} more", short(&n.target), many - 1),
            (many, Lang::Ja) => format!(" → {} ほか {} 件", short(&n.target), many - 1),
        };
        let error = match (n.error.is_empty(), n.failed) {
            (false, _) => format!(" ({})", n.error),
            (true, true) => format!(" ({})", self.pick("failed", "失敗")),
            (true, false) => String::new(),
        };
        format!("{}{times}{target}{error}", n.what)
    }

    /// What kind of moment.
    pub fn mark(self, n: &Noted) -> &'static str {
        match n.kind {
            NotedKind::Write => self.pick("change", "変更"),
            NotedKind::Denied => self.pick("refused", "拒否"),
            NotedKind::DoneTo => self.pick("to it", "対象"),
            NotedKind::Finding => self.pick("finding", "検出"),
        }
    }

    /// What was not kept, a sentence each.
    pub fn limits(self, d: &Dossier) -> Vec<String> {
        let l = &d.limits;
        let mut all = Vec::new();
        let mut put = |n: u64, en: &str, ja: &str| {
            if n > 0 {
                all.push(format!("{n} {}", self.0.pick(en, ja)));
            }
        };
        put(l.moments, "moments were not kept for the timeline", "件の出来事はタイムラインに残していない");
        put(l.targets, "records touched things that are not listed", "件のレコードの対象は一覧に含まれない");
        put(
            l.pairs,
            "records of other identities were not compared by address",
            "件のレコードはアドレスの照合に含まれない",
        );
        for (facet, n) in &l.values {
            all.push(match self.0 {
                Lang::En => format!("{n} records have further values of: {}", self.facet(*facet)),
                Lang::Ja => format!("{n} 件のレコードには一覧にない値がある: {}", self.facet(*facet)),
            });
        }
        if l.twice {
            let text = self.pick(
                "There were too many records to tell which were delivered twice: some may be counted twice",
                "レコードが多く、二重に配信されたものを区別しきれていない（重複して数えた可能性がある）",
            );
            all.push(text.to_owned());
        }
        all
    }
}

/// `1 record`, `2 records`.
fn records(n: u64) -> String {
    crate::detect::html::counted(usize::try_from(n).unwrap_or(usize::MAX), "record")
}
