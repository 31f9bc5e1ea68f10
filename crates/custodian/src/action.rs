//! Actions: held against what Cloud Custodian accepts, and told in words. None is ever carried out.

use crate::facts::{Part, Resource};
use crate::policy::{required, unknown};
use crate::schema::Checker;
use yagura_model::Lang;
use yagura_rule::nearest_hint;
use yagura_rule::yaml::{Yaml, YamlKind};

/// Checks one action of a policy.
pub fn check(c: &mut Checker<'_>, at: &Yaml, resource: &Resource<'_>, policy: &Yaml) {
    let name = match &at.kind {
        YamlKind::Text(name) => name.as_str(),
        YamlKind::Map(_) => match at.get("type").and_then(Yaml::text) {
            Some(name) => name,
            None => {
                c.complain(at, "an action wants a `type`");
                return;
            }
        },
        _ => {
            c.complain(at, "an action is a name or a mapping");
            return;
        }
    };
    let Some(schema) = resource.schema(Part::Action, name) else {
        if !resource.parts(Part::Action).any(|a| a == name) {
            c.complain(at.get("type").unwrap_or(at), unknown(Part::Action, name, resource));
        }
        return;
    };
    if at.entries().is_some() {
        c.check(at, schema);
        meaning(c, at, name, resource, policy);
    } else {
        required(c, at, schema, &["type"]);
    }
}

/// What the schema leaves to the program.
fn meaning(c: &mut Checker<'_>, at: &Yaml, name: &str, resource: &Resource<'_>, policy: &Yaml) {
    match name {
        "mark-for-op" => {
            let op = at.get("op").and_then(Yaml::text).unwrap_or_default();
            if !resource.parts(Part::Action).any(|a| a == op) {
                let hint = nearest_hint(op, resource.parts(Part::Action));
                c.complain(at.get("op").unwrap_or(at), format!("`op: {op}` is no action of `{}`{hint}", resource.name));
            }
            if let Some(tz) = at.get("tz")
                && let Err(why) = crate::hours::zone(tz.text().unwrap_or_default())
            {
                c.complain(tz, why);
            }
        }
        "tag" | "mark" if at.get("key").is_some() && at.get("tag").is_some() => {
            c.complain(at, format!("`{name}` takes `key` or `tag`, not both"));
        }
        "auto-tag-user" => {
            let mode = policy.get("mode").and_then(|m| m.get("type")).and_then(Yaml::text);
            if mode != Some("cloudtrail") {
                c.complain(at, "`auto-tag-user` is for a policy with `mode: {type: cloudtrail}`");
            }
        }
        "notify" => {
            let transport = at.get("transport");
            let named = transport.and_then(|t| t.get("attributes")).and_then(|a| a.get("mtype"));
            if let (Some("sns"), Some(named)) = (transport.and_then(|t| t.get("type")).and_then(Yaml::text), named) {
                c.complain(named, "the attribute `mtype` is Cloud Custodian's own");
            }
        }
        "modify-security-groups" => {
            let all = match at.get("remove") {
                Some(r) => {
                    r.text() == Some("all") || r.items().is_some_and(|l| l.iter().any(|i| i.text() == Some("all")))
                }
                None => false,
            };
            if all && at.get("isolation-group").is_none() {
                c.complain(at, "`remove: all` wants an `isolation-group`");
            }
        }
        _ => {}
    }
}

/// What an action would do to so many resources, in words.
pub fn told(name: &str, count: usize, lang: Lang) -> String {
    let verb = VERBS.iter().find(|(n, ..)| *n == name);
    match (verb, lang) {
        (Some((_, en, _)), Lang::En) => format!("{en} {count} resources"),
        (Some((_, _, ja)), Lang::Ja) => format!("{count} 件{ja}"),
        (None, Lang::En) => format!("run `{name}` on {count} resources"),
        (None, Lang::Ja) => format!("{count} 件に `{name}` を実行する"),
    }
}

/// The actions in most use, in words.
const VERBS: [(&str, &str, &str); 24] = [
    ("auto-tag-user", "tag with their creator", "に作成者のタグを付ける"),
    ("copy-related-tag", "copy tags of related resources to", "に関連リソースのタグを写す"),
    ("delete", "delete", "を削除する"),
    ("detach", "detach", "をデタッチする"),
    ("disable", "disable", "を無効にする"),
    ("enable", "enable", "を有効にする"),
    ("invoke-lambda", "call an AWS Lambda function with", "を渡して AWS Lambda 関数を呼び出す"),
    ("invoke-sfn", "start a state machine with", "を渡してステートマシンを開始する"),
    ("mark", "tag", "にタグを付ける"),
    ("mark-for-op", "tag for a later action", "に後日のアクションを示すタグを付ける"),
    ("modify-security-groups", "change the security groups of", "のセキュリティグループを変更する"),
    ("notify", "send a message about", "について通知する"),
    ("post-finding", "report to AWS Security Hub", "を AWS Security Hub に報告する"),
    ("post-item", "open an OpsItem about", "について OpsItem を作成する"),
    ("put-metric", "send a metric to Amazon CloudWatch about", "について Amazon CloudWatch にメトリクスを送る"),
    ("reboot", "reboot", "を再起動する"),
    ("remove-statements", "remove policy statements of", "のポリシーステートメントを取り除く"),
    ("remove-tag", "remove tags of", "のタグを取り除く"),
    ("set-encryption", "set the encryption of", "の暗号化を設定する"),
    ("start", "start", "を起動する"),
    ("stop", "stop", "を停止する"),
    ("tag", "tag", "にタグを付ける"),
    ("terminate", "terminate", "を終了する"),
    ("webhook", "call a webhook with", "を渡して Webhook を呼び出す"),
];
