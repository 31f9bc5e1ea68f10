//! ARNs in `Resource` and `NotResource` (`reference-arns`; the Service Authorization Reference's resource types).

use super::PolicyType;
use super::action::{WILDCARD_IN_SERVICE_NAME, is_service};
use super::check::{Place, Report, checks};
use super::condition::INVALID_SERVICE;
use super::view::{Item, Policy, has_wildcard, without_variables};
use crate::catalogue::{Catalogue, PARTITIONS, is_region, region_matches};
use crate::pattern::Glob;

checks! {
    Error INVALID_ARN_PREFIX
        "`{0}` is no ARN" => "begin it with `arn:`";
        "`{0}` は ARN ではない" => "`arn:` で始める";
    Error MISSING_ARN_FIELD
        "`{0}` has fewer than the {1} fields of an ARN" => "write `arn:partition:service:region:account:resource`";
        "`{0}` には ARN に必要な {1} 個のフィールドがない" => "`arn:partition:service:region:account:resource` の形で書く";
    Error INVALID_PARTITION
        "no partition `{0}`" => "use one of {1}";
        "パーティション `{0}` は存在しない" => "{1} のいずれかを使う";
    Error INVALID_ARN_SERVICE_CASE
        "`{0}` has capitals, which no service in an ARN has" => "write `{1}`";
        "ARN のサービス名 `{0}` に大文字が含まれている" => "`{1}` と書く";
    Error INVALID_ARN_REGION
        "no Region `{0}`" => "write a Region's code, as `ap-northeast-1`";
        "リージョン `{0}` は存在しない" => "`ap-northeast-1` のようなリージョンコードを書く";
    Error INVALID_ARN_ACCOUNT
        "`{0}` is no account id" => "write its 12 digits";
        "`{0}` はアカウント ID ではない" => "12 桁の数字で書く";
    Error INVALID_ARN_RESOURCE
        "`{0}` has not the form of any resource of `{1}`" => "compare the part after the account with the service's ARN formats, as {2}";
        "`{0}` は `{1}` のどのリソースの形式にも合わない" => "アカウントより後の部分をサービスの ARN 形式 ({2} など) に合わせる";
    Error ARN_REGION_NOT_ALLOWED
        "ARNs of this resource of `{0}` have no Region" => "leave the Region empty";
        "`{0}` のこのリソースの ARN にはリージョンを書かない" => "リージョンを空にする";
    Error ARN_ACCOUNT_NOT_ALLOWED
        "ARNs of this resource of `{0}` have no account" => "leave the account empty";
        "`{0}` のこのリソースの ARN にはアカウント ID を書かない" => "アカウント ID を空にする";
    Error MISSING_ARN_REGION
        "ARNs of this resource of `{0}` have a Region" => "add the Region, or `*`";
        "`{0}` のこのリソースの ARN にはリージョンが必要である" => "リージョンまたは `*` を加える";
    Error MISSING_ARN_ACCOUNT
        "ARNs of this resource of `{0}` have an account" => "add the account id, or `*`";
        "`{0}` のこのリソースの ARN にはアカウント ID が必要である" => "アカウント ID または `*` を加える";
}

/// Services whose tables name every form of their ARNs. For others, patterns and paths that AWS's own managed policies
/// use are missing there, and only a whole name in a wrong form is told.
const COMPLETE_FORMATS: [&str; 5] = ["dynamodb", "iam", "lambda", "rds", "sts"];
/// Services some of whose resources are AWS's own, with no account in their ARNs, as AWS's managed policies show:
/// `arn:aws:ssm:*::document/AWS-RunPatchBaseline`.
const OWNED_BY_AWS_TOO: [&str; 3] = ["apigateway", "resource-explorer-2", "ssm"];
/// Services whose ARNs AWS's managed policies write without a Region.
const GLOBAL_TOO: [&str; 2] = ["pricingplanmanager", "waf"];

pub(super) fn check(policy: &Policy<'_>, report: &mut Report) {
    if policy.kind == PolicyType::Trust {
        return;
    }
    let of_api_gateway = |policy: &Policy<'_>, item: &Item<'_>| {
        // Resource policies of Amazon API Gateway take a short form (`apigateway-resource-policies-examples`).
        policy.kind.is_of_a_resource() && item.text.starts_with("execute-api:/")
    };
    for item in policy.statements.iter().filter_map(|s| s.resource.as_ref()).flat_map(|list| &list.items) {
        if item.text != "*" && !of_api_gateway(policy, item) {
            arn(policy.catalogue, item, report);
        }
    }
}

fn arn(catalogue: &Catalogue, item: &Item<'_>, report: &mut Report) {
    let text = without_variables(item.text);
    if text.chars().all(|c| c == '*') {
        return;
    }
    let fields: Vec<&str> = text.splitn(6, ':').collect();
    if fields.first().is_some_and(|first| *first != "arn") {
        if !fields.first().is_some_and(|first| first.contains(['*', '?'])) {
            report.add(&INVALID_ARN_PREFIX, &item.place, &[&item.text]);
        }
        return;
    }
    let [_, partition, service, region, account, resource] = fields.as_slice() else {
        // A `*` at the end may stand for the fields that follow.
        if !text.ends_with('*') {
            report.add(&MISSING_ARN_FIELD, &item.place, &[&item.text, &6]);
        }
        return;
    };
    if !has_wildcard(partition) && !PARTITIONS.iter().any(|p| p.name == *partition) {
        let names = PARTITIONS.map(|p| format!("`{}`", p.name)).join(", ");
        report.add(&INVALID_PARTITION, &item.place, &[partition, &names]);
    }
    let region_exists =
        region.is_empty() || if has_wildcard(region) { region_matches(region) } else { is_region(region) };
    if !region_exists {
        report.add(&INVALID_ARN_REGION, &item.place, &[region]);
    }
    let account_exists = if has_wildcard(account) {
        account.bytes().all(|b| b.is_ascii_digit() || b == b'*' || b == b'?')
    } else {
        account.is_empty() || is_account(account)
    };
    if has_wildcard(service) {
        report.add(&WILDCARD_IN_SERVICE_NAME, &item.place, &[]);
    }
    let formats = if has_wildcard(service) { Vec::new() } else { formats(catalogue, service) };
    let owned_by_aws = formats.iter().any(|f| f.account == *account) || *account == "aws";
    if !account_exists && !owned_by_aws {
        report.add(&INVALID_ARN_ACCOUNT, &item.place, &[account]);
    }
    if has_wildcard(service) {
        return;
    }
    if formats.is_empty() {
        unknown_service(catalogue, service, &item.place, report);
        return;
    }
    if resource.is_empty() {
        return;
    }
    fits(&formats, &Written { service, region, account, resource }, item, report);
}

fn is_account(text: &str) -> bool {
    text.len() == 12 && text.bytes().all(|b| b.is_ascii_digit())
}

fn unknown_service(catalogue: &Catalogue, service: &str, place: &Place, report: &mut Report) {
    let lower = service.to_ascii_lowercase();
    if lower != service && (catalogue.service(&lower).is_some() || !formats(catalogue, &lower).is_empty()) {
        report.add(&INVALID_ARN_SERVICE_CASE, place, &[&service, &lower]);
    } else if !is_service(catalogue, service) {
        report.add(&INVALID_SERVICE, place, &[&service]);
    }
}

/// The ARN format of a resource type.
struct Format<'c> {
    arn: &'c str,
    region: &'c str,
    account: &'c str,
    resource: &'c str,
}

/// The parts of an ARN in a policy.
struct Written<'t> {
    service: &'t str,
    region: &'t str,
    account: &'t str,
    resource: &'t str,
}

/// The formats of every resource type whose ARNs name this service; it need not be the prefix of its actions.
fn formats<'c>(catalogue: &'c Catalogue, service: &str) -> Vec<Format<'c>> {
    let types = catalogue.services().iter().flat_map(|s| &s.resources).flat_map(|r| &r.arns);
    let read = |arn: &'c smol_str::SmolStr| {
        let mut fields = arn.splitn(6, ':').skip(2);
        let (name, region, account, resource) = (fields.next()?, fields.next()?, fields.next()?, fields.next()?);
        (name == service).then_some(Format { arn, region, account, resource })
    };
    types.filter_map(read).collect()
}

/// Compares the ARN with the formats that its last part fits.
fn fits(formats: &[Format<'_>], written: &Written<'_>, item: &Item<'_>, report: &mut Report) {
    let mine = Glob::new(written.resource);
    // A name that more parts may follow (`stack/name` for `stack/${StackName}/${Id}`) is taken for a beginning.
    let whole = [mine, Glob::new(&format!("{}/*", written.resource)), Glob::new(&format!("{}:*", written.resource))];
    let fits = |f: &&Format<'_>| {
        let format = Glob::new(&without_variables(f.resource));
        whole.iter().any(|mine| format.intersects(mine))
    };
    let fitting: Vec<&Format<'_>> = formats.iter().filter(fits).collect();
    if fitting.is_empty() {
        let sure = COMPLETE_FORMATS.contains(&written.service) || !has_wildcard(written.resource);
        if !sure || written.resource.starts_with('/') {
            return;
        }
        let example = formats.first().map_or("", |f| f.arn);
        report.add(&INVALID_ARN_RESOURCE, &item.place, &[&item.text, &written.service, &format_args!("`{example}`")]);
        return;
    }
    let (region, account) = (written.region, written.account);
    if !region.is_empty() && !has_wildcard(region) && fitting.iter().all(|f| f.region.is_empty()) {
        report.add(&ARN_REGION_NOT_ALLOWED, &item.place, &[&written.service]);
    }
    if !account.is_empty() && !has_wildcard(account) && fitting.iter().all(|f| f.account.is_empty()) {
        report.add(&ARN_ACCOUNT_NOT_ALLOWED, &item.place, &[&written.service]);
    }
    // The IAM User Guide itself writes `arn:aws:ec2::111122223333:instance/*` (`reference_policies_condition-keys`).
    let every_instance = written.service == "ec2" && written.resource.ends_with("/*");
    let may_lack_region = every_instance || GLOBAL_TOO.contains(&written.service);
    if region.is_empty() && !may_lack_region && fitting.iter().all(|f| !f.region.is_empty()) {
        report.add(&MISSING_ARN_REGION, &item.place, &[&written.service]);
    }
    let may_lack_account = OWNED_BY_AWS_TOO.contains(&written.service) || written.resource.starts_with(['*', ':']);
    if account.is_empty() && !may_lack_account && fitting.iter().all(|f| !f.account.is_empty()) {
        report.add(&MISSING_ARN_ACCOUNT, &item.place, &[&written.service]);
    }
}
