//! Condition keys that only some services set (`introduction_attribute-based-access-control`;
//! `reference_policies_condition-keys`, `aws:VpceAccount`, `aws:VpceOrgID`, `aws:VpceOrgPaths`, `aws:SourceVpcArn`).

use super::check::{Report, checks};
use super::view::{Policy, Statement, Test};
use crate::catalogue::{Catalogue, Found};
use crate::operator::Base;
use std::collections::BTreeSet;

checks! {
    SecurityWarning DENY_WITH_UNSUPPORTED_TAG_CONDITION_KEY_FOR_SERVICE
        "actions of {1} do not carry `{0}`, so that nothing of theirs is denied" => "deny them in a statement without the key";
        "{1} のアクションは `{0}` を持たないため、この拒否は適用されない" => "これらのアクションは、このキーを使わないステートメントで拒否する";
    SecurityWarning DENY_NOTACTION_WITH_UNSUPPORTED_TAG_CONDITION_KEY_FOR_SERVICE
        "actions that do not carry `{0}` are not denied, and `NotAction` covers such actions" => "list the actions to deny in `Action`";
        "`{0}` を持たないアクションは拒否されないが、`NotAction` はそうしたアクションも含む" => "拒否するアクションを `Action` に列挙する";
    Suggestion ALLOW_WITH_UNSUPPORTED_TAG_CONDITION_KEY_FOR_SERVICE
        "actions of {1} do not carry `{0}`, so that nothing of theirs is allowed" => "allow them in a statement without the key";
        "{1} のアクションは `{0}` を持たないため、この許可は適用されない" => "これらのアクションは、このキーを使わないステートメントで許可する";
    Suggestion ALLOW_NOTACTION_WITH_UNSUPPORTED_TAG_CONDITION_KEY_FOR_SERVICE
        "actions that do not carry `{0}` are not allowed, though `NotAction` covers them" => "list the actions to allow in `Action`";
        "`{0}` を持たないアクションは、`NotAction` に含まれていても許可されない" => "許可するアクションを `Action` に列挙する";
    Warning USE_CONDITION_KEY_ONLY_WITH_SUPPORTED_SERVICES
        "`{0}` is set by some services only, and the statement covers others" => "name only actions of services that support it";
        "`{0}` は一部のサービスでのみ使えるキーだが、このステートメントは他のサービスも対象にしている" => "サポートされているサービスのアクションだけを指定する";
}

const EVERY_VPCE_KEY: &str = "apprunner discovery athena servicediscovery applicationinsights cloudformation \
    comprehendmedical compute-optimizer ecr ecs kinesisanalytics route53 datasync ebs scheduler firehose \
    medical-imaging healthlake omics iam iotfleetwise iotwireless kms lambda payment-cryptography polly acm-pca rbin \
    rekognition servicequotas s3 storagegateway ssm-contacts textract transcribe transfer";

/// Keys and the services that set them, beyond those of [`EVERY_VPCE_KEY`].
const SUPPORTED: [(&str, &str); 4] = [
    ("aws:SourceVpcArn", ""),
    ("aws:VpceAccount", "dynamodb gamelift shield"),
    (
        "aws:VpceOrgID",
        "b2bi cloudhsm cognito-identity dms ds-data dynamodb kinesis qbusiness gamelift identitystore iottwinmaker \
        cassandra network-firewall sms-voice pricing ses shield sqs workmail",
    ),
    ("aws:VpceOrgPaths", "dynamodb gamelift secretsmanager shield sts"),
];

pub(super) fn check(policy: &Policy<'_>, report: &mut Report) {
    for statement in &policy.statements {
        for test in statement.tests.iter().filter(|t| t.operator.is_some_and(|o| o.base != Base::Null)) {
            if test.key.to_ascii_lowercase().starts_with("aws:resourcetag/") {
                tags(policy.catalogue, statement, test, report);
            }
            if let Some((_, more)) = SUPPORTED.iter().find(|(key, _)| test.is_key(key)) {
                services(statement, test, more, report);
            }
        }
    }
}

/// Whether the services of the statement's actions set `aws:ResourceTag`.
fn tags(catalogue: &Catalogue, statement: &Statement<'_>, test: &Test<'_>, report: &mut Report) {
    let Some(list) = &statement.action else { return };
    // A negated or `IfExists` operator holds where the key is missing.
    let holds_without = test.operator.is_some_and(|o| o.if_exists || o.base.is_negated());
    if list.is_negated() {
        if statement.denies() && !holds_without {
            report.add(&DENY_NOTACTION_WITH_UNSUPPORTED_TAG_CONDITION_KEY_FOR_SERVICE, &test.place, &[&test.key]);
        } else if statement.allows() && !holds_without {
            report.add(&ALLOW_NOTACTION_WITH_UNSUPPORTED_TAG_CONDITION_KEY_FOR_SERVICE, &test.place, &[&test.key]);
        }
        return;
    }
    let supports = |f: &Found<'_>| f.service.keys_of(f.action).any(|key| key.covers(test.key));
    let mut services = BTreeSet::new();
    for item in &list.items {
        let covered = catalogue.matching(item.text);
        for of_service in covered.chunk_by(|a, b| a.service.prefix == b.service.prefix) {
            if !of_service.iter().any(supports) {
                services.extend(of_service.first().map(|f| format!("`{}`", f.service.prefix)));
            }
        }
    }
    if services.is_empty() || holds_without {
        return;
    }
    let names = services.into_iter().collect::<Vec<_>>().join(", ");
    if statement.denies() {
        report.add(&DENY_WITH_UNSUPPORTED_TAG_CONDITION_KEY_FOR_SERVICE, &test.place, &[&test.key, &names]);
    } else if statement.allows() {
        report.add(&ALLOW_WITH_UNSUPPORTED_TAG_CONDITION_KEY_FOR_SERVICE, &test.place, &[&test.key, &names]);
    }
}

fn services(statement: &Statement<'_>, test: &Test<'_>, more: &str, report: &mut Report) {
    let supported = |action: &str| {
        let prefix = action.split_once(':').map_or("*", |(prefix, _)| prefix).to_ascii_lowercase();
        EVERY_VPCE_KEY.split_ascii_whitespace().chain(more.split_ascii_whitespace()).any(|s| s == prefix)
    };
    let negated = statement.action.as_ref().is_some_and(super::view::List::is_negated);
    if negated || !statement.actions().iter().all(|item| supported(item.text)) {
        report.add(&USE_CONDITION_KEY_ONLY_WITH_SUPPORTED_SERVICES, &test.place, &[&test.key]);
    }
}
