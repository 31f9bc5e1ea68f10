//! The words of the output, in both languages.

use super::args::RehearseArgs;
use smol_str::SmolStr;
use yagura_model::Lang;
use yagura_policy::catalogue::Catalogue;
use yagura_policy::rehearse::{Untouched, Verdict, Why};

/// The guardrail's kind, for machines.
pub fn kind(args: &RehearseArgs) -> &'static str {
    match (args.scp.is_empty(), args.rcp.is_empty(), args.declarative.is_none()) {
        (false, ..) => "scp",
        (_, false, _) => "rcp",
        (.., false) => "declarative",
        _ if args.boundary => "boundary",
        _ => "policy",
    }
}

/// A verdict, for machines.
pub fn verdict_name(verdict: Verdict) -> &'static str {
    match verdict {
        Verdict::Allowed => "allowed",
        Verdict::Changed => "changed",
        Verdict::Unknown => "unknown",
        Verdict::Denied => "denied",
    }
}

/// A verdict, for a person.
pub fn verdict(verdict: Verdict, lang: Lang) -> &'static str {
    match verdict {
        Verdict::Allowed => lang.pick("allowed", "許可"),
        Verdict::Changed => lang.pick("changed", "変更"),
        Verdict::Unknown => lang.pick("unknown", "不明"),
        Verdict::Denied => lang.pick("denied", "拒否"),
    }
}

/// A condition key in AWS's case; the tag of one that names a tag stays as it is compared.
pub fn key(key: &SmolStr, catalogue: &Catalogue) -> String {
    let Some(known) = catalogue.condition_key(key) else { return key.to_string() };
    let head = known.name.split(['$', '<']).next().unwrap_or_default();
    match key.get(head.len()..) {
        Some(rest) if known.has_placeholder() => format!("{head}{rest}"),
        _ => known.name.to_string(),
    }
}

/// Why it is unknown, in half a sentence.
pub fn why(why: &Why, catalogue: &Catalogue, lang: Lang) -> String {
    let name = |key: &SmolStr| self::key(key, catalogue);
    match (why, lang) {
        (Why::Key(k), Lang::En) => format!("the record does not carry {}", name(k)),
        (Why::Key(k), Lang::Ja) => format!("レコードに {} がない", name(k)),
        (Why::Resource(pattern), Lang::En) => format!("the record names no resource ({pattern})"),
        (Why::Resource(pattern), Lang::Ja) => format!("レコードにリソースがない（{pattern}）"),
        (Why::Setting(what), Lang::En) => format!("not in the record or the snapshot: {what}"),
        (Why::Setting(what), Lang::Ja) => format!("レコードにもスナップショットにもない: {what}"),
        (Why::Action, lang) => {
            lang.pick("the operation's IAM action is not known", "対応する IAM アクションが不明").into()
        }
        (Why::OneOfActions, lang) => lang
            .pick("which of its actions it needed hangs on its items", "必要なアクションはリクエストの中身による")
            .into(),
        (Why::PassRole, lang) => lang
            .pick(
                "it names a role; no record tells whether iam:PassRole was asked",
                "ロールを指定しているが、iam:PassRole が評価されたかは記録されない",
            )
            .into(),
        (Why::Caller, lang) => {
            lang.pick("the record does not tell who called", "呼び出し元がレコードからわからない").into()
        }
        (Why::Account, lang) => lang
            .pick(
                "whether that account belongs to the organization is not known (--account)",
                "そのアカウントが組織に属するかがわからない（--account で指定）",
            )
            .into(),
        (Why::ManagedKey, lang) => lang
            .pick(
                "the key may be AWS managed, which RCPs do not touch",
                "RCP の対象外である AWS マネージドキーの可能性がある",
            )
            .into(),
    }
}

/// Why calls are not touched, for machines.
pub fn untouched_name(why: Untouched) -> &'static str {
    match why {
        Untouched::Management => "management_account",
        Untouched::ServiceLinked => "service_linked_role",
        Untouched::NotOfIam => "not_an_iam_principal",
        Untouched::OtherAccount => "other_account",
        Untouched::OtherPrincipal => "other_principal",
        Untouched::Root => "root",
        Untouched::WithoutRcps => "no_rcp_support",
        Untouched::NoPermission => "no_permission_needed",
    }
}

/// Why calls are not touched, for a person.
pub fn untouched(why: Untouched, lang: Lang) -> &'static str {
    match why {
        Untouched::Management => lang.pick("of the management account", "管理アカウント"),
        Untouched::ServiceLinked => lang.pick("by service-linked roles", "サービスにリンクされたロールによるもの"),
        Untouched::NotOfIam => lang.pick(
            "by AWS services and identities outside of IAM",
            "AWS のサービスと IAM 以外のアイデンティティによるもの",
        ),
        Untouched::OtherAccount => lang.pick("of accounts that were not named", "指定していないアカウント"),
        Untouched::OtherPrincipal => lang.pick("by other principals", "ほかのプリンシパルによるもの"),
        Untouched::Root => lang.pick("by the root user", "ルートユーザーによるもの"),
        Untouched::WithoutRcps => lang.pick("of services that RCPs do not touch", "RCP の対象外のサービス"),
        Untouched::NoPermission => lang.pick("that need no permission", "権限を必要としないもの"),
    }
}

/// What the answer leaves out, a sentence each.
pub fn limits(args: &RehearseArgs, lang: Lang) -> Vec<&'static str> {
    let mut all = vec![lang.pick(
        "Only calls that the trail records are here: data events (S3 objects, Lambda invocations, …) only where it does.",
        "証跡が記録した呼び出しだけを対象とする。データイベント（S3 オブジェクト、Lambda の呼び出しなど）は記録している場合に限る。",
    )];
    match kind(args) {
        "scp" if args.management.is_none() => all.push(lang.pick(
            "SCPs do not touch the management account; none was named (--management), so every account counts as a member.",
            "SCP は管理アカウントに適用されない。--management の指定がないため、すべてをメンバーアカウントとして扱った。",
        )),
        "rcp" => {
            all.push(lang.pick(
                "RCPs touch only services that support them, and neither service-linked roles nor AWS managed keys.",
                "RCP は対応するサービスだけに適用され、サービスにリンクされたロールと AWS マネージドキーには適用されない。",
            ));
            if args.management.is_none() {
                all.push(lang.pick(
                    "RCPs do not touch the management account's resources; none was named (--management).",
                    "RCP は管理アカウントのリソースに適用されないが、--management の指定がない。",
                ));
            }
        }
        "policy" => all.push(lang.pick(
            "A resource's own policy may still allow what the policy does not; groups' and other policies count as taken away.",
            "リソースベースのポリシーが許可する場合は考慮しない。グループなどほかのポリシーは外したものとして扱う。",
        )),
        "boundary" => all.push(lang.pick(
            "A resource's own policy that names the user or session itself is not limited by a boundary.",
            "ユーザーやセッション自体を指定したリソースベースのポリシーは、アクセス許可の境界に制限されない。",
        )),
        "declarative" => all.push(lang.pick(
            "What becomes of traffic (VPC Block Public Access) is not in CloudTrail; --snapshot tells the gateways.",
            "VPC ブロックパブリックアクセスによるトラフィックへの影響は CloudTrail に現れない。--snapshot でゲートウェイを示す。",
        )),
        _ => {}
    }
    all.push(lang.pick(
        "ARNs that a record does not spell out are made with the account whose log it is.",
        "レコードに書かれていない ARN は、ログのアカウントのものとして組み立てた。",
    ));
    all
}
