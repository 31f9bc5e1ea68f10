//! Trust policies of roles (`id_roles_create_for-idp_oidc`, `id_roles_create_for-idp_saml`;
//! IAM Roles Anywhere User Guide, `trust-model`).

use super::PolicyType;
use super::check::{Report, checks};
use super::view::{Entry, Policy, Statement, has_wildcard};
use crate::pattern::Glob;

checks! {
    Error ROLE_TRUST_POLICY_SYNTAX_ERROR_NOTPRINCIPAL
        "a trust policy takes no `NotPrincipal`" => "name who may assume the role in `Principal`";
        "信頼ポリシーでは `NotPrincipal` を使えない" => "ロールを引き受けられる相手を `Principal` で指定する";
    Error ROLE_TRUST_POLICY_UNSUPPORTED_WILDCARD_IN_PRINCIPAL
        "a trust policy takes no `\"Principal\": \"*\"`" => "name the accounts, roles, services or providers that may assume the role";
        "信頼ポリシーでは `\"Principal\": \"*\"` を使えない" => "ロールを引き受けられるアカウント、ロール、サービス、プロバイダーを指定する";
    Error ROLE_TRUST_POLICY_SYNTAX_ERROR_RESOURCE
        "a trust policy applies to its own role and names no resource" => "remove `{0}`";
        "信頼ポリシーは付与されたロール自身に適用され、リソースを指定できない" => "`{0}` を削除する";
    Error INVALID_FEDERATED_PRINCIPAL_SYNTAX_IN_ROLE_TRUST_POLICY
        "`{0}` is neither a provider's domain nor its ARN" => "write `accounts.google.com` or `arn:aws:iam::ACCOUNT:saml-provider/NAME`";
        "`{0}` はプロバイダーのドメイン名でも ARN でもない" => "`accounts.google.com` または `arn:aws:iam::アカウント:saml-provider/名前` のように書く";
    Error MISMATCHED_ACTION_FOR_PRINCIPAL
        "{1} cannot call `{0}`" => "use `sts:AssumeRoleWithSAML` for SAML providers, `sts:AssumeRoleWithWebIdentity` for OIDC providers, `sts:AssumeRole` for others";
        "{1} は `{0}` を呼び出せない" => "SAML プロバイダーには `sts:AssumeRoleWithSAML`、OIDC プロバイダーには `sts:AssumeRoleWithWebIdentity`、それ以外には `sts:AssumeRole` を使う";
    Error MISSING_ACTION_FOR_ROLES_ANYWHERE_TRUST_POLICY
        "IAM Roles Anywhere cannot assume the role without {0}" => "allow it";
        "{0} がないと IAM Roles Anywhere はロールを引き受けられない" => "このアクションを許可する";
    SecurityWarning MISSING_CONDITION_KEY_FOR_OIDC_PRINCIPAL
        "no condition says which of the users of `{0}` may assume the role" => "test a key of the provider, as `{0}:aud`";
        "`{0}` のどのユーザーがロールを引き受けられるかの条件がない" => "`{0}:aud` など、プロバイダーのキーを条件に加える";
    SecurityWarning MISSING_GITHUB_REPO_CONDITION_KEY
        "workflows of any GitHub repository may assume the role" => "test `{0}` for your repository and branch";
        "GitHub のどのリポジトリのワークフローでもロールを引き受けられる" => "`{0}` で自分のリポジトリとブランチに限定する";
    Warning SPECIFIC_GITHUB_REPO_AND_BRANCH_RECOMMENDED
        "the wildcard in `{0}` may let other repositories or branches assume the role" => "name the repository and the branch";
        "`{0}` のワイルドカードにより、他のリポジトリやブランチもロールを引き受けられることがある" => "リポジトリとブランチを省略せずに指定する";
    Suggestion REDUNDANT_PRINCIPAL_IN_ROLE_TRUST_POLICY
        "sessions of `{1}` may assume the role already, `{0}` among them" => "remove the session";
        "`{1}` のセッションは既にロールを引き受けられ、`{0}` もそれに含まれる" => "セッションのプリンシパルを削除する";
}

const GITHUB: &str = "token.actions.githubusercontent.com";

pub(super) fn check(policy: &Policy<'_>, report: &mut Report) {
    if policy.kind != PolicyType::Trust {
        return;
    }
    for statement in &policy.statements {
        if let Some(resource) = &statement.resource {
            report.add(&ROLE_TRUST_POLICY_SYNTAX_ERROR_RESOURCE, &resource.place, &[&resource.name]);
        }
        let Some(principals) = &statement.principal else { continue };
        if principals.negated {
            report.add(&ROLE_TRUST_POLICY_SYNTAX_ERROR_NOTPRINCIPAL, &principals.place, &[]);
            continue;
        }
        if principals.is_star {
            report.add(&ROLE_TRUST_POLICY_UNSUPPORTED_WILDCARD_IN_PRINCIPAL, &principals.place, &[]);
        }
        for entry in principals.entries.iter().filter(|e| e.key == "Federated" && !has_wildcard(e.item.text)) {
            if Provider::of(entry).is_none() {
                let (text, place) = (entry.item.text, &entry.item.place);
                report.add(&INVALID_FEDERATED_PRINCIPAL_SYNTAX_IN_ROLE_TRUST_POLICY, place, &[&text]);
            }
        }
        if statement.allows() {
            mismatched(statement, &principals.entries, report);
            oidc(statement, &principals.entries, report);
        }
        redundant_sessions(&principals.entries, report);
    }
    roles_anywhere(policy, report);
}

/// What kind of identity provider a federated principal is.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Provider<'t> {
    Saml,
    /// With the issuer that its condition keys begin with.
    Oidc(&'t str),
}

impl<'t> Provider<'t> {
    fn of(entry: &Entry<'t>) -> Option<Self> {
        let text = entry.item.text;
        if let Some(rest) = text.strip_prefix("arn:") {
            let (head, name) = rest.split_once('/')?;
            let fields: Vec<&str> = head.split(':').collect();
            return match fields.as_slice() {
                [_, "iam", "", account, kind] if account.len() == 12 && !name.is_empty() => match *kind {
                    "saml-provider" => Some(Self::Saml),
                    "oidc-provider" => Some(Self::Oidc(name)),
                    _ => None,
                },
                _ => None,
            };
        }
        let label = |l: &str| !l.is_empty() && l.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-');
        let host = text.split(['/', ':']).next().unwrap_or_default();
        (host.contains('.') && host.split('.').all(label) && !text.contains(char::is_whitespace))
            .then_some(Self::Oidc(text))
    }
}

/// Whether a principal can call an action that assumes roles.
fn fits(action: &str, entry: &Entry<'_>) -> bool {
    let provider = if entry.key == "Federated" { Provider::of(entry) } else { None };
    if entry.item.text == "*" || (entry.key == "Federated" && provider.is_none()) {
        return true;
    }
    match action.to_ascii_lowercase().as_str() {
        "sts:assumerolewithsaml" => provider == Some(Provider::Saml),
        "sts:assumerolewithwebidentity" => matches!(provider, Some(Provider::Oidc(_))),
        "sts:assumerole" => provider.is_none(),
        _ => true,
    }
}

fn mismatched(statement: &Statement<'_>, entries: &[Entry<'_>], report: &mut Report) {
    const ASSUMING: [&str; 3] = ["sts:AssumeRole", "sts:AssumeRoleWithSAML", "sts:AssumeRoleWithWebIdentity"];
    let actions = statement.actions();
    let offered = |wanted: &str| actions.iter().any(|a| Glob::ignoring_case(a.text).matches(wanted));
    for item in actions.iter().filter(|a| ASSUMING.iter().any(|known| known.eq_ignore_ascii_case(a.text))) {
        let none_fits = !entries.iter().any(|entry| fits(item.text, entry));
        let stranded = |entry: &Entry<'_>| {
            let other = ASSUMING.iter().any(|other| offered(other) && fits(other, entry));
            !fits(item.text, entry) && (none_fits || !other)
        };
        let names: Vec<String> = entries.iter().filter(|e| stranded(e)).map(|e| format!("`{}`", e.item.text)).collect();
        if !names.is_empty() {
            report.add(&MISMATCHED_ACTION_FOR_PRINCIPAL, &item.place, &[&item.text, &names.join(", ")]);
        }
    }
}

fn oidc(statement: &Statement<'_>, entries: &[Entry<'_>], report: &mut Report) {
    for entry in entries.iter().filter(|e| e.key == "Federated") {
        let Some(Provider::Oidc(issuer)) = Provider::of(entry) else { continue };
        let host = issuer.split(['/', ':']).next().unwrap_or_default();
        let of_issuer = |key: &str| {
            let issuer = issuer.to_ascii_lowercase();
            key.to_ascii_lowercase().strip_prefix(&*issuer).is_some_and(|rest| rest.starts_with([':', '/']))
        };
        if !statement.tests.iter().any(|t| of_issuer(t.key)) {
            report.add(&MISSING_CONDITION_KEY_FOR_OIDC_PRINCIPAL, &entry.item.place, &[&issuer]);
        }
        if host.eq_ignore_ascii_case(GITHUB) {
            let is_sub = |key: &str| of_issuer(key) && key.to_ascii_lowercase().ends_with(":sub");
            if !statement.tests.iter().any(|t| is_sub(t.key)) {
                let key = format!("{issuer}:sub");
                report.add(&MISSING_GITHUB_REPO_CONDITION_KEY, &entry.item.place, &[&key]);
            }
            for test in statement.tests.iter().filter(|t| is_sub(t.key)) {
                for value in test.values.iter().filter(|v| has_wildcard(&v.text)) {
                    report.add(&SPECIFIC_GITHUB_REPO_AND_BRANCH_RECOMMENDED, &value.place, &[&value.text]);
                }
            }
        }
    }
}

/// A role and one of its sessions (`arn:aws:sts::111122223333:assumed-role/name/session`) side by side.
fn redundant_sessions(entries: &[Entry<'_>], report: &mut Report) {
    let aws = || entries.iter().filter(|e| e.key == "AWS");
    let role_of = |text: &str| -> Option<(String, String)> {
        let (head, name) = text.split_once(":role/")?;
        Some((head.rsplit(':').next()?.to_owned(), name.rsplit('/').next()?.to_owned()))
    };
    for session in aws() {
        let Some((head, tail)) = session.item.text.split_once(":assumed-role/") else { continue };
        let account = head.rsplit(':').next().unwrap_or_default();
        let name = tail.split('/').next().unwrap_or_default();
        let parent = aws().find(|e| role_of(e.item.text).is_some_and(|(a, n)| a == account && n == name));
        if let Some(parent) = parent {
            let args: [&dyn std::fmt::Display; 2] = [&session.item.text, &parent.item.text];
            report.add(&REDUNDANT_PRINCIPAL_IN_ROLE_TRUST_POLICY, &session.item.place, &args);
        }
    }
}

fn roles_anywhere(policy: &Policy<'_>, report: &mut Report) {
    const NEEDED: [&str; 3] = ["sts:AssumeRole", "sts:SetSourceIdentity", "sts:TagSession"];
    let trusts = |s: &&Statement<'_>| {
        let entries = s.principal.iter().filter(|p| !p.negated).flat_map(|p| &p.entries);
        s.allows() && entries.into_iter().any(|e| e.key == "Service" && e.item.text == "rolesanywhere.amazonaws.com")
    };
    let statements: Vec<&Statement<'_>> = policy.statements.iter().filter(trusts).collect();
    let allowed =
        |action: &str| statements.iter().flat_map(|s| s.actions()).any(|a| Glob::ignoring_case(a.text).matches(action));
    let missing: Vec<String> = NEEDED.iter().filter(|a| !allowed(a)).map(|a| format!("`{a}`")).collect();
    if let Some(statement) = statements.first().filter(|_| !missing.is_empty()) {
        let place = statement.action.as_ref().map_or(&statement.place, |list| &list.place);
        report.add(&MISSING_ACTION_FOR_ROLES_ANYWHERE_TRUST_POLICY, place, &[&missing.join(", ")]);
    }
}
