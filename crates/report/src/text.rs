//! Every word that this crate says, in both languages.

use std::time::Duration;
use yagura_model::{GapReason, Lang, Severity, Status};

/// The catalogue in one language.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Text(pub Lang);

/// One method per text, and [`Text::all`] for the page.
macro_rules! words {
    ($($name:ident: $en:literal, $ja:literal;)*) => {
        impl Text {
            $(pub fn $name(self) -> &'static str {
                self.0.pick($en, $ja)
            })*

            /// Every text by its name, for the page.
            pub fn all(self) -> Vec<(&'static str, &'static str)> {
                vec![$((stringify!($name), self.$name())),*]
            }
        }
    };
}

words! {
    report_title: "AWS security report", "AWS セキュリティレポート";
    sample: "sample estate", "サンプル環境";
    sample_note: "This is the embedded sample estate, not a real account.", "組み込みのサンプル環境の結果であり、実在のアカウントのものではない。";
    accounts: "Accounts", "アカウント";
    account: "Account", "アカウント";
    regions: "Regions", "リージョン";
    region: "Region", "リージョン";
    all_regions: "all enabled Regions", "有効なすべてのリージョン";
    global: "global", "グローバル";
    caller: "Read as", "実行者";
    taken_at: "Taken at", "取得日時";
    duration: "Duration", "所要時間";
    requests: "API requests", "API リクエスト";
    version: "Version", "バージョン";
    severity: "Severity", "重要度";
    status: "Status", "判定";
    service: "Service", "サービス";
    framework: "Framework", "フレームワーク";
    check: "Check", "チェック";
    checks: "Checks", "チェック";
    resource: "Resource", "リソース";
    resources: "Resources", "リソース";
    kind: "Kind", "リソースタイプ";
    findings: "Findings", "検出結果";
    total: "Total", "合計";
    why: "Why it matters", "リスク";
    fix: "What to do", "対処";
    reason: "Why it could not be told", "判定できなかった理由";
    reason_na: "Why it does not apply", "対象外の理由";
    reason_lower: "What lowers its severity", "重要度を下げた根拠";
    evidence: "Evidence", "根拠";
    missing: "Missing permissions", "不足している権限";
    maps: "Requirements", "対応する要件";
    result: "Result", "結果";
    worst: "What should be true and is not, worst first", "満たされていない項目（重要度の高い順）";
    all_failed: "Failed checks", "不合格のチェック";
    failed_by_service: "Failed by service", "サービス別の不合格数";
    failed_by_severity: "Failed by severity", "重要度別の不合格数";
    nothing_failed: "No check failed.", "不合格のチェックはない。";
    nothing_new: "Nothing new.", "新しく伝えることはない。";
    nothing_judged: "No resource was judged.", "判定したリソースはない。";
    nothing_to_judge: "There is no resource of the kinds that the checks judge, or none that fits the filters.", "チェックの対象となる種類のリソースがないか、絞り込みの条件に合うリソースがない。";
    unseen: "What could not be seen", "確認できなかった範囲";
    all_seen: "Everything that the checks need was read.", "チェックに必要なデータはすべて取得できた。";
    no_reason: "no reason given", "理由の記録なし";
    search: "Search", "検索";
    search_hint: "Resource, check, ARN…", "リソース、チェック、ARN";
    filters: "Filters", "絞り込み";
    clear: "Clear filters", "絞り込みを解除";
    clear_facet: "Clear", "解除";
    close: "Close", "閉じる";
    details: "Details", "詳細";
    copy_arn: "Copy ARN", "ARN をコピー";
    copied: "Copied", "コピー済み";
    no_match: "No finding matches these filters.", "条件に一致する検出結果はない。";
    skip: "Skip to findings", "検出結果へ移動";
    shown_of: "{n} of {all} shown", "{all} 件中 {n} 件を表示";
    show_more: "Show all {n}", "全 {n} 件を表示";
    more_services: "+{n} more", "ほか {n} サービス";
    show_less: "Show fewer", "一部だけ表示";
    not_shown: "{n} more are not shown here; the full list is in the json and csv formats.", "ほか {n} 件は省略。全件は json 形式または csv 形式で確認できる。";
    not_shown_page: "{n} more failing findings are not printed; open this file in a browser to see them all.", "ほか {n} 件の不合格は印刷を省略。全件はこのファイルをブラウザーで開いて確認できる。";
    previous: "Previous finding", "前の検出結果";
    next: "Next finding", "次の検出結果";
    sort_by: "Sort by {name}", "{name}で並べ替え";
    script_needed: "Filters and the full list need JavaScript. The failing findings follow below.", "絞り込みと全件の一覧には JavaScript が必要。不合格の検出結果は以下のとおり。";
}

impl Text {
    /// A severity.
    pub fn severity_word(self, severity: Severity) -> &'static str {
        match severity {
            Severity::Critical => self.0.pick("Critical", "重大"),
            Severity::High => self.0.pick("High", "高"),
            Severity::Medium => self.0.pick("Medium", "中"),
            Severity::Low => self.0.pick("Low", "低"),
            Severity::Info => self.0.pick("Info", "情報"),
        }
    }

    /// A verdict.
    pub fn status_word(self, status: Status) -> &'static str {
        match status {
            Status::Fail => self.0.pick("Failed", "不合格"),
            Status::Unknown => self.0.pick("Unknown", "判定不能"),
            Status::Pass => self.0.pick("Passed", "合格"),
            Status::NotApplicable => self.0.pick("Not applicable", "対象外"),
        }
    }

    /// `12 failed`, `不合格 12`.
    pub fn count_status(self, status: Status, n: u64) -> String {
        let word = self.status_word(status).to_lowercase();
        match self.0 {
            Lang::En => format!("{} {word}", grouped(n)),
            Lang::Ja => format!("{word} {}", grouped(n)),
        }
    }

    /// `12 resources`, `12 件のリソース`.
    pub fn count_resources(self, n: usize) -> String {
        self.count(n, "resource", "件のリソース")
    }

    /// `12 checks`, `12 個のチェック`.
    pub fn count_checks(self, n: usize) -> String {
        self.count(n, "check", "個のチェック")
    }

    /// `12 requests`, `API リクエスト 12 回`.
    pub fn count_requests(self, n: u64) -> String {
        match self.0 {
            Lang::En => format!("{} API {}", grouped(n), if n == 1 { "request" } else { "requests" }),
            Lang::Ja => format!("API リクエスト {} 回", grouped(n)),
        }
    }

    /// `2 accounts`, `2 アカウント`; the only one by its id.
    pub fn count_accounts(self, ids: &[impl AsRef<str>]) -> String {
        match (ids, self.0) {
            ([only], Lang::En) => format!("account {}", only.as_ref()),
            ([only], Lang::Ja) => format!("アカウント {}", only.as_ref()),
            (many, Lang::En) => format!("{} accounts", grouped(many.len() as u64)),
            (many, Lang::Ja) => format!("{} アカウント", grouped(many.len() as u64)),
        }
    }

    /// `3 Regions`, `3 リージョン`; the only one by its name.
    pub fn count_regions(self, names: &[impl AsRef<str>]) -> String {
        match (names, self.0) {
            ([only], _) => only.as_ref().to_owned(),
            (many, Lang::En) => format!("{} Regions", grouped(many.len() as u64)),
            (many, Lang::Ja) => format!("{} リージョン", grouped(many.len() as u64)),
        }
    }

    fn count(self, n: usize, en: &str, ja: &str) -> String {
        let number = grouped(n as u64);
        match self.0 {
            Lang::En if n == 1 => format!("{number} {en}"),
            Lang::En => format!("{number} {en}s"),
            Lang::Ja => format!("{number} {ja}"),
        }
    }

    /// `+3 more`, `ほか 3 件`.
    pub fn more(self, n: usize) -> String {
        match self.0 {
            Lang::En => format!("+{} more", grouped(n as u64)),
            Lang::Ja => format!("ほか {} 件", grouped(n as u64)),
        }
    }

    /// How many more checks failed than are shown.
    pub fn more_checks(self, n: usize) -> String {
        match self.0 {
            Lang::En if n == 1 => "+1 more failed check".to_owned(),
            Lang::En => format!("+{n} more failed checks"),
            Lang::Ja => format!("ほか {n} 個のチェックが不合格"),
        }
    }

    /// Where the rest of a capped list is.
    pub fn where_the_rest_is(self) -> &'static str {
        self.0.pick(
            "`--format html --output report.html` shows all of them.",
            "全件は `--format html --output report.html` で確認できる。",
        )
    }

    /// How many verdicts of how many checks are unknown.
    pub fn not_judged(self, verdicts: usize, rules: usize) -> String {
        let (v, r) = (grouped(verdicts as u64), grouped(rules as u64));
        match self.0 {
            Lang::En => format!(
                "{v} {} of {r} {} could not be judged. {} neither as passed nor as failed.",
                if verdicts == 1 { "verdict" } else { "verdicts" },
                if rules == 1 { "check" } else { "checks" },
                if verdicts == 1 { "It counts" } else { "They count" },
            ),
            Lang::Ja => {
                format!("{r} 個のチェックで {v} 件を判定できなかった（合格にも不合格にも数えない）。")
            }
        }
    }

    /// What one cause blinds: so many checks, so many verdicts.
    pub fn blinds(self, rules: usize, verdicts: usize) -> String {
        match self.0 {
            Lang::En => format!(
                "{}, {} {}",
                self.count_checks(rules),
                grouped(verdicts as u64),
                if verdicts == 1 { "verdict" } else { "verdicts" }
            ),
            Lang::Ja => format!("{}で {} 件", self.count_checks(rules), grouped(verdicts as u64)),
        }
    }

    /// Why something could not be read, as a short heading.
    pub fn gap_reason(self, reason: GapReason) -> &'static str {
        match reason {
            GapReason::AccessDenied => self.0.pick("Permission missing", "権限不足"),
            GapReason::DeniedByOrganization => self.0.pick("Denied by the organization", "組織のポリシーによる拒否"),
            GapReason::RegionDisabled => self.0.pick("Region not enabled", "リージョンが無効"),
            GapReason::Throttled => self.0.pick("Throttled", "スロットリング"),
            GapReason::Credentials => self.0.pick("Credentials refused", "認証情報が無効"),
            GapReason::Unreachable => self.0.pick("Endpoint unreachable", "エンドポイントに接続できない"),
            GapReason::TimedOut => self.0.pick("Timed out", "タイムアウト"),
            GapReason::ServiceError => self.0.pick("AWS service error", "AWS 側のエラー"),
            GapReason::BadAnswer => self.0.pick("Answer not understood", "応答を解釈できない"),
            GapReason::Refused => self.0.pick("Request refused", "リクエストが拒否された"),
            GapReason::NotRequested => self.0.pick("Not asked for", "取得の対象外"),
            GapReason::NotTold => self.0.pick("AWS did not say", "AWS の応答に値がない"),
            GapReason::AfterDeployment => self.0.pick("Known after deployment", "デプロイするまで不明"),
            GapReason::NotDecided => self.0.pick("Not decided by the template", "テンプレートでは決まらない"),
        }
    }

    /// What a reader can do about a gap.
    pub fn gap_remedy(self, reason: GapReason) -> &'static str {
        match reason {
            GapReason::AccessDenied => self.0.pick(
                "Allow these actions for the caller and scan again; `yagura permissions` prints the exact policy.",
                "実行者にこれらのアクションを許可して再実行する。必要なポリシーは `yagura permissions` で出力できる。",
            ),
            GapReason::DeniedByOrganization => self.0.pick(
                "An SCP or RCP denies it: ask the organization's administrator to exempt the scanning role.",
                "SCP または RCP が拒否している。スキャン用のロールを除外するよう、組織の管理者に依頼する。",
            ),
            GapReason::RegionDisabled => self.0.pick(
                "Leave the Region out with --region, or enable it for the account.",
                "--region の指定からこのリージョンを外すか、アカウントでリージョンを有効にする。",
            ),
            GapReason::Throttled => self.0.pick(
                "Scan again at a quieter time, or fewer Regions at once.",
                "時間をおいて再実行するか、一度にスキャンするリージョンを減らす。",
            ),
            GapReason::Credentials => self.0.pick(
                "Sign in again (for example `aws sso login`) and scan again.",
                "`aws sso login` などでサインインし直してから再実行する。",
            ),
            GapReason::Unreachable => self.0.pick(
                "Check the network, the proxy and AWS_ENDPOINT_URL, then scan again.",
                "ネットワーク、プロキシ、AWS_ENDPOINT_URL を確認して再実行する。",
            ),
            GapReason::TimedOut | GapReason::ServiceError => self.0.pick(
                "Scan again; if it stays, look at the AWS Health Dashboard.",
                "再実行する。解消しない場合は、AWS Health Dashboard を確認する。",
            ),
            GapReason::BadAnswer => self.0.pick(
                "Scan again; if it stays, look for a proxy that alters answers, and report it.",
                "再実行する。解消しない場合は、応答を書き換えるプロキシがないか確認したうえで、不具合として報告する。",
            ),
            GapReason::Refused => self.0.pick(
                "Read AWS's error code and correct what it names.",
                "AWS のエラーコードを確認し、示された原因を取り除く。",
            ),
            GapReason::NotRequested => self.0.pick(
                "Widen the scope (--all-regions, fewer filters) and scan again.",
                "--all-regions の指定や絞り込みの解除で対象を広げて再実行する。",
            ),
            GapReason::NotTold => self.0.pick(
                "Judge it by hand, and see whether a newer Yagura knows it.",
                "手動で確認する。新しいバージョンの Yagura が対応していないかも調べる。",
            ),
            GapReason::AfterDeployment => self.0.pick(
                "Give the value (--parameter, --var), or read a plan (terraform show -json) instead.",
                "値を --parameter または --var で与えるか、プラン (terraform show -json) を読み込む。",
            ),
            GapReason::NotDecided => self.0.pick(
                "Scan the account once the template is deployed.",
                "テンプレートをデプロイした後、アカウントをスキャンして確認する。",
            ),
        }
    }

    /// `4.2 s`, `1 min 5 s`; `4.2 秒`, `1 分 5 秒`.
    pub fn duration_words(self, duration: Duration) -> String {
        let seconds = duration.as_secs_f64();
        if seconds < 60.0 {
            let digits = if seconds < 10.0 { 1 } else { 0 };
            return match self.0 {
                Lang::En => format!("{seconds:.digits$} s"),
                Lang::Ja => format!("{seconds:.digits$} 秒"),
            };
        }
        let (minutes, seconds) = (duration.as_secs() / 60, duration.as_secs() % 60);
        match self.0 {
            Lang::En => format!("{minutes} min {seconds} s"),
            Lang::Ja => format!("{minutes} 分 {seconds} 秒"),
        }
    }
}

/// A number with its thousands set apart by commas, as both languages write it.
pub(crate) fn grouped(n: u64) -> String {
    let digits = n.to_string();
    let mut out = String::with_capacity(digits.len() + digits.len() / 3);
    for (i, digit) in digits.chars().enumerate() {
        if i > 0 && (digits.len() - i).is_multiple_of(3) {
            out.push(',');
        }
        out.push(digit);
    }
    out
}

/// `text` with each `{name}` replaced by its value.
pub(crate) fn fill(text: &str, values: &[(&str, &str)]) -> String {
    values.iter().fold(text.to_owned(), |text, (name, value)| text.replace(&format!("{{{name}}}"), value))
}
