//! The help texts in Japanese. A test sees to it that none is missing.

use super::{
    custodian, detect, events, findings, fix, frameworks, history, iam, investigate, logs, net, notify, query,
    rehearse, seal, setup, store, trail, watch,
};
use clap::{Arg, ArgAction, Command};

const TEMPLATE: &str = "{before-help}{about-with-newline}\n使い方: {usage}\n\n{all-args}{after-help}";

/// The command line with Japanese help, all the way down.
pub fn translate(command: Command) -> Command {
    let path = command.get_name().to_owned();
    level(command, &path)
}

fn level(mut command: Command, path: &str) -> Command {
    command = command
        .help_template(TEMPLATE)
        .subcommand_help_heading("コマンド")
        .disable_help_flag(true)
        .disable_help_subcommand(true)
        .arg(
            Arg::new("help")
                .short('h')
                .long("help")
                .action(ArgAction::Help)
                .help("ヘルプを表示する")
                .help_heading("オプション")
                .display_order(999),
        );
    if path == "yagura" {
        command = command.disable_version_flag(true).arg(
            Arg::new("version")
                .short('V')
                .long("version")
                .action(ArgAction::Version)
                .help("バージョンを表示する")
                .help_heading("オプション")
                .display_order(1000),
        );
    }
    if let Some(about) = about(path) {
        command = command.about(about).long_about(None::<&str>);
    }
    if let Some(examples) = examples(path) {
        command = command.after_help(examples);
    }
    let mut place = 0;
    command = command.mut_args(|a| {
        let text = argument(path, a.get_id().as_str());
        let a = if a.is_positional() {
            // Under a heading of its own, clap would sort them by name.
            place += 1;
            a.help_heading("引数").display_order(place)
        } else {
            a.help_heading("オプション")
        };
        match text {
            Some(t) => a.help(t).long_help(None::<&str>),
            None => a,
        }
    });
    command.mut_subcommands(|s| {
        let path = format!("{path} {}", s.get_name());
        level(s, &path)
    })
}

/// The help of a subcommand that holds its own.
fn own(path: &str) -> Option<&'static HelpJa> {
    if path == "yagura query" {
        return Some(&query::HELP_JA);
    }
    if path == "yagura detect" {
        return Some(detect::HELP_JA);
    }
    if path == "yagura rehearse" {
        return Some(&rehearse::HELP_JA);
    }
    if path == "yagura watch" {
        return Some(watch::HELP_JA);
    }
    if path == "yagura investigate" {
        return Some(&investigate::HELP_JA);
    }
    if let Some(own) = path.strip_prefix("yagura detect ").and_then(detect::help_ja) {
        return Some(own);
    }
    if let Some(own) = path.strip_prefix("yagura ").and_then(fix::help_ja) {
        return Some(own);
    }
    if path == "yagura history" {
        return Some(&history::HELP_JA);
    }
    if let Some(own) = path.strip_prefix("yagura findings ").and_then(findings::help_ja) {
        return Some(own);
    }
    if let Some(own) = path.strip_prefix("yagura seal ").and_then(seal::help_ja) {
        return Some(own);
    }
    if let Some(own) = path.strip_prefix("yagura setup ").and_then(setup::help_ja) {
        return Some(own);
    }
    if let Some(own) = path.strip_prefix("yagura notify ").and_then(notify::help_ja) {
        return Some(own);
    }
    let of_iam = path.strip_prefix("yagura iam ").and_then(iam::help_ja);
    let of_net = || path.strip_prefix("yagura net ").and_then(net::help_ja);
    let of_logs = || path.strip_prefix("yagura logs ").and_then(logs::help_ja);
    let of_trail = || path.strip_prefix("yagura trail ").and_then(trail::help_ja);
    let of_events = || path.strip_prefix("yagura events ").and_then(events::help_ja);
    let of_frameworks = || path.strip_prefix("yagura frameworks ").and_then(frameworks::help_ja);
    let of_custodian = || path.strip_prefix("yagura custodian ").and_then(custodian::help_ja);
    of_iam
        .or_else(of_custodian)
        .or_else(of_frameworks)
        .or_else(of_net)
        .or_else(of_logs)
        .or_else(of_trail)
        .or_else(of_events)
}

fn about(path: &str) -> Option<&'static str> {
    if let Some(own) = own(path) {
        return Some(own.about);
    }
    Some(match path {
        "yagura" => "自分で動かす AWS セキュリティスイート",
        "yagura scan" => "AWS アカウント、保存済みスナップショット、またはサンプル環境を判定する",
        "yagura checks" => "チェックの一覧、説明、テスト、作成",
        "yagura checks list" => "チェックを 1 行ずつ一覧する",
        "yagura checks show" => "チェックの内容、理由、読み取る項目、必要な権限を表示する",
        "yagura checks test" => "チェックのファイルに含まれるテストを実行する",
        "yagura checks new" => "--content のフォルダーに自作チェックのひな形を作る",
        "yagura frameworks" => "フレームワーク（基準）の要件と、それを確認するチェック",
        "yagura seal" => "ストアとレイクを保存時に暗号化する",
        "yagura setup" => "Yagura が組織を読み取るために必要なものを出力する",
        "yagura permissions" => "選択したチェックに必要な最小権限の IAM ポリシーを出力する",
        "yagura iam" => "IAM で誰が何をできるか、その理由、変更で何が許可されるかを調べる",
        "yagura net" => "VPC のネットワークで何が何に到達できるか、できない理由は何かを調べる",
        "yagura events" => "イベントを EventBridge のイベントパターンと照合する",
        "yagura logs" => "ログを 1 度だけデコードしてレイクに保存し、管理する",
        "yagura trail" => "CloudTrail のログファイルが配信されたままであることを証明する",
        "yagura findings" => "検出結果の経過: 新規、解決済み、抑制中、担当者",
        "yagura notify" => "新しいものを人とシステムに知らせる: チャット、メール、チケット、ページャー、AWS",
        "yagura custodian" => "Cloud Custodian のポリシーをそのまま実行する（変更は --apply だけ）",
        "yagura content" => "コンテンツフォルダーを検査する",
        "yagura content lint" => "すべて読み込み、式の型を検査し、テストを実行する",
        "yagura content schema" => "コンテンツファイルの JSON Schema を出力する（エディター用）",
        "yagura content site" => "チェックごとのページと索引を両言語で書き出す（参照・公開用）",
        "yagura completions" => "シェル補完のスクリプトを出力する",
        "yagura man" => "マニュアルページを出力する。または全コマンド分をフォルダーに書き出す",
        _ => return None,
    })
}

fn argument(path: &str, id: &str) -> Option<&'static str> {
    if let Some((_, text)) = own(path).and_then(|h| h.arguments.iter().find(|(name, _)| *name == id)) {
        return Some(text);
    }
    if path == "yagura investigate"
        && let Some((_, text)) = detect::HELP_JA.arguments.iter().find(|(name, _)| *name == id)
    {
        return Some(text);
    }
    if path.starts_with("yagura net ")
        && let Some((_, text)) = net::path::QUESTION_JA.iter().find(|(name, _)| *name == id)
    {
        return Some(text);
    }
    let of_source: &[(&str, &str)] = match path {
        _ if path.starts_with("yagura iam ") => &iam::source::SOURCE_JA,
        _ if path.starts_with("yagura net ") => &net::source::SOURCE_JA,
        "yagura query" | "yagura investigate" | "yagura rehearse" | "yagura history" => &store::STORE_JA,
        "yagura scan" => &findings::recording::LIFE_JA,
        _ if path.starts_with("yagura findings") => std::slice::from_ref(&findings::open::STORE_JA),
        _ if path.starts_with("yagura trail ")
            || path.starts_with("yagura detect")
            || path.starts_with("yagura logs ") =>
        {
            &store::STORE_JA
        }
        _ => &[],
    };
    if let Some((_, text)) = of_source.iter().find(|(name, _)| *name == id) {
        return Some(text);
    }
    Some(match (path, id) {
        (_, "lang") => "表示言語: en または ja [デフォルト: LC_ALL、LC_MESSAGES、LANG による]",
        (_, "config") => "設定ファイル [デフォルト: カレントフォルダーに yagura.toml があればそれ]",
        (_, "content") => {
            "自作のチェック、リソースタイプ、フレームワークを置いたフォルダー（組み込みのものと同じ形式）"
        }
        (_, "demo") => "組み込みのサンプル環境を判定する（アカウントもネットワークも不要）",
        (_, "snapshot") => "--save で保存したスナップショットを判定する（認証情報は不要）",
        (_, "iac") => {
            "CloudFormation (SAM) テンプレート、Terraform の構成・プラン・ステートを判定する（ファイルまたはフォルダー）"
        }
        (_, "parameter") => "CloudFormation のパラメータの値。AWS::Region、AWS::AccountId、AWS::StackName も指定できる",
        (_, "var") => "Terraform の変数の値",
        ("yagura scan", "diff") => "判定の代わりに、実環境のスナップショットとテンプレートの相違（ドリフト）を表示する",
        (_, "var_file") => "Terraform の変数の値を書いたファイル",
        (_, "save") => "読み取った内容をファイルに保存する",
        (_, "profile") => "~/.aws/config のプロファイル",
        (_, "region") => "読み取るリージョン [デフォルト: 設定されているリージョン]",
        (_, "all_regions") => "アカウントで有効なすべてのリージョン",
        (_, "role_arn") => "引き受けるロール。1 つがスキャン対象の 1 アカウントになる",
        ("yagura checks test", "watch") => "--content のファイル、または指定したファイルが変わるたびに再実行する",
        ("yagura content schema", "kind") => "ファイルの種類",
        ("yagura content site", "dir") => "書き出すフォルダー",
        (_, "org") => {
            "組織の有効なアカウントすべてを、各アカウントの同名のロールで読み取る。管理アカウントか委任管理者で実行する"
        }
        (_, "org_role") => "各アカウントのロール名",
        (_, "ou") => "この組織単位（ou-... か r-...）以下のアカウントだけ",
        (_, "account") => "組織のうち、このアカウントだけ",
        (_, "account_tag") => "このタグを持つアカウントだけ。値は省略できる",
        (_, "external_id") => "ロールの信頼ポリシーが求める外部 ID",
        (_, "endpoint_url") => "全サービスで使うエンドポイント",
        (_, "concurrency") => "同時に送るリクエスト数の上限",
        (_, "timeout") => "1 回の呼び出しを待つ秒数。試行回数は AWS_MAX_ATTEMPTS で決まる",
        (_, "service") => "このサービスのチェックだけ（s3、ec2 など）",
        (_, "check") => "このチェックだけ",
        (_, "framework") => "このフレームワークに対応するチェックだけ（aws-26、fsbp など）",
        (_, "severity") => "この重要度以上のチェックだけ",
        ("yagura permissions", "resource_tag") => {
            "`scan --resource-tag` に必要な権限を対象にする（タグの読み取りを含む）"
        }
        (_, "resource_tag") => {
            "このタグを持つリソースだけ（値は省略可）。タグを付けられないもの（アカウント、リージョン、認証情報）は除く"
        }
        (_, "format") => "出力形式 [デフォルト: --output の拡張子による。なければ table]",
        (_, "output") => "出力先 [デフォルト: 標準出力]",
        (_, "fail_on") => "この重要度以上の不合格があれば終了コード 1 で終わる",
        (_, "quiet") => "進捗を表示しない",
        (_, "shell") => "シェル",
        (_, "json") => "JSON で出力する",
        ("yagura checks new", "id") => "チェックの ID（サービス.あるべき状態）",
        (_, "id") => "チェックの ID",
        (_, "ids") => "チェックの ID またはファイル [デフォルト: すべて]",
        (_, "each") => "判定するリソースタイプ",
        (_, "network") => "ネットワークへの質問（yagura net）に必要な権限も加える",
        ("yagura permissions", "trail") => {
            "yagura trail verify に必要な権限も加える。バケットを自分のキーで暗号化している場合は、そのキーの kms:Decrypt も別に必要"
        }
        (_, "verify") => "実際に呼び出して、不足している権限を示す",
        ("yagura man", "dir") => "コマンドごとのページをこのフォルダーに書き出す",
        (_, "dir") => "フォルダー [デフォルト: --content のフォルダーと組み込みコンテンツ]",
        _ => return None,
    })
}

fn examples(path: &str) -> Option<&'static str> {
    if let Some(own) = own(path) {
        return Some(own.examples).filter(|e| !e.is_empty());
    }
    Some(match path {
        "yagura" => {
            "例:
  yagura scan --demo                                  サンプル環境を判定する（アカウント不要）
  yagura scan --profile prod --all-regions            AWS アカウントを判定する
  yagura scan --format html --output report.html      結果を 1 枚の HTML にする
  yagura scan --save today.ysnap                      読み取った内容を保存する（--snapshot で再判定）
  yagura permissions                                  スキャンに必要な IAM ポリシー
  yagura checks show s3.bucket_blocks_public_access   チェックの内容と理由

終了コード: 0 完了、1 --fail-on 以上の不合格あり、2 引数または設定の誤り、3 何も読み取れなかった"
        }
        "yagura scan" => {
            "例:
  yagura scan --demo
  yagura scan --profile audit --region ap-northeast-1,us-east-1
  yagura scan --role-arn arn:aws:iam::111122223333:role/audit --external-id xyz --all-regions
  yagura scan --org --all-regions                     組織の全アカウント（ロールは yagura setup org が出力する）
  yagura scan --fail-on high --format sarif --output yagura.sarif
  yagura scan --save before.ysnap && yagura scan --snapshot before.ysnap --lang ja
  yagura scan --store                                 記録する（`yagura findings list` で一覧）
  yagura scan --only-new --fail-on high               前回の記録以降に増えたものだけ
  yagura scan --baseline known.json --fail-on high    ストアを使わずに同じことをする（--write-baseline known.json）
  yagura scan --iac template.yaml infra/ --fail-on high --format sarif --output yagura.sarif
  yagura scan --iac plan.json                         （terraform show -json plan.out > plan.json）"
        }
        "yagura permissions" => {
            "例:
  yagura permissions > yagura-read.json
  yagura permissions --service s3,iam
  yagura permissions --network
  yagura permissions --trail
  yagura permissions --verify --profile audit"
        }
        _ => return None,
    })
}

/// The Japanese help of one subcommand.
pub struct HelpJa {
    /// What it does.
    pub about: &'static str,
    /// Its arguments by clap's id.
    pub arguments: &'static [(&'static str, &'static str)],
    /// The examples after the help; empty where it has none.
    pub examples: &'static str,
}

#[cfg(test)]
mod tests {
    use super::*;
    use clap::CommandFactory;

    fn walk(command: &Command, path: &str, seen: &mut usize) {
        assert!(about(path).is_some(), "`{path}` has no Japanese description");
        for a in command.get_arguments().filter(|a| !["help", "version"].contains(&a.get_id().as_str())) {
            assert!(argument(path, a.get_id().as_str()).is_some(), "`{path}`: `{}` has no Japanese help", a.get_id());
            *seen += 1;
        }
        assert_eq!(command.get_after_help().is_some(), examples(path).is_some(), "`{path}` examples");
        for s in command.get_subcommands() {
            walk(s, &format!("{path} {}", s.get_name()), seen);
        }
    }

    #[test]
    fn every_help_text_is_there_in_japanese() {
        let mut seen = 0;
        walk(&crate::cli::Cli::command(), "yagura", &mut seen);
        assert!(seen > 30);
        translate(crate::cli::Cli::command()).debug_assert();
    }
}
