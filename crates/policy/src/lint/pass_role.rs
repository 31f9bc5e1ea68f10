//! `iam:PassRole` and `iam:CreateServiceLinkedRole` for roles that are not meant (`id_roles_use_passrole`,
//! `id_roles_create-service-linked-role`).

use super::PolicyType;
use super::check::{Check, Report, checks};
use super::view::{Policy, Statement, has_wildcard, without_variables};
use crate::pattern::Glob;

checks! {
    SecurityWarning PASS_ROLE_WITH_NOT_RESOURCE
        "`iam:PassRole` is allowed for every role that `NotResource` does not name" => "name the roles in `Resource`";
        "`NotResource` に挙げたもの以外のすべてのロールに `iam:PassRole` が許可される" => "対象のロールを `Resource` で指定する";
    SecurityWarning PASS_ROLE_WITH_STAR_IN_ACTION_AND_NOT_RESOURCE
        "`{0}` covers `iam:PassRole`, for every role that `NotResource` does not name" => "name the roles in `Resource`";
        "`{0}` は `iam:PassRole` を含み、`NotResource` に挙げたもの以外のすべてのロールに許可される" => "対象のロールを `Resource` で指定する";
    SecurityWarning PASS_ROLE_WITH_NOT_ACTION_AND_NOT_RESOURCE
        "`NotAction` leaves `iam:PassRole` allowed, for every role that `NotResource` does not name" => "name the roles in `Resource`, or add `iam:PassRole` to `NotAction`";
        "`NotAction` により `iam:PassRole` が、`NotResource` に挙げたもの以外のすべてのロールに許可される" => "対象のロールを `Resource` で指定するか、`NotAction` に `iam:PassRole` を加える";
    SecurityWarning PASS_ROLE_WITH_STAR_IN_RESOURCE
        "`iam:PassRole` is allowed for every role that the wildcard covers" => "name the roles, or test `iam:PassedToService`";
        "ワイルドカードに一致するすべてのロールに `iam:PassRole` が許可される" => "ロールを指定するか、`iam:PassedToService` の条件を加える";
    SecurityWarning PASS_ROLE_WITH_STAR_IN_ACTION_AND_RESOURCE
        "`{0}` covers `iam:PassRole`, for every role that the wildcard covers" => "name the roles, or test `iam:PassedToService`";
        "`{0}` は `iam:PassRole` を含み、ワイルドカードに一致するすべてのロールに許可される" => "ロールを指定するか、`iam:PassedToService` の条件を加える";
    SecurityWarning PASS_ROLE_WITH_STAR_IN_RESOURCE_AND_NOT_ACTION
        "`NotAction` leaves `iam:PassRole` allowed, for every role that the wildcard covers" => "name the roles, or add `iam:PassRole` to `NotAction`";
        "`NotAction` により `iam:PassRole` が、ワイルドカードに一致するすべてのロールに許可される" => "ロールを指定するか、`NotAction` に `iam:PassRole` を加える";
    Warning CREATE_SLR_WITH_NOT_RESOURCE
        "service-linked roles of every service that `NotResource` does not name may be created" => "name the service-linked roles in `Resource`";
        "`NotResource` に挙げたもの以外のすべてのサービスのサービスリンクロールを作成できる" => "対象のサービスリンクロールを `Resource` で指定する";
    Warning CREATE_SLR_WITH_STAR_IN_ACTION_AND_NOT_RESOURCE
        "`{0}` covers `iam:CreateServiceLinkedRole`, for every service that `NotResource` does not name" => "name the service-linked roles in `Resource`";
        "`{0}` は `iam:CreateServiceLinkedRole` を含み、`NotResource` に挙げたもの以外のすべてのサービスが対象になる" => "対象のサービスリンクロールを `Resource` で指定する";
    Warning CREATE_SLR_WITH_NOT_ACTION_AND_NOT_RESOURCE
        "`NotAction` leaves `iam:CreateServiceLinkedRole` allowed, for every service that `NotResource` does not name" => "name the service-linked roles in `Resource`, or add the action to `NotAction`";
        "`NotAction` により `iam:CreateServiceLinkedRole` が、`NotResource` に挙げたもの以外のすべてのサービスに許可される" => "対象のサービスリンクロールを `Resource` で指定するか、`NotAction` にこのアクションを加える";
    Warning CREATE_SLR_WITH_STAR_IN_RESOURCE
        "service-linked roles of every service that the wildcard covers may be created" => "name the service-linked roles";
        "ワイルドカードに一致するすべてのサービスのサービスリンクロールを作成できる" => "対象のサービスリンクロールを指定する";
    Warning CREATE_SLR_WITH_STAR_IN_ACTION_AND_RESOURCE
        "`{0}` covers `iam:CreateServiceLinkedRole`, for every service that the wildcard covers" => "name the service-linked roles";
        "`{0}` は `iam:CreateServiceLinkedRole` を含み、ワイルドカードに一致するすべてのサービスが対象になる" => "対象のサービスリンクロールを指定する";
    Warning CREATE_SLR_WITH_STAR_IN_RESOURCE_AND_NOT_ACTION
        "`NotAction` leaves `iam:CreateServiceLinkedRole` allowed, for every service that the wildcard covers" => "name the service-linked roles, or add the action to `NotAction`";
        "`NotAction` により `iam:CreateServiceLinkedRole` が、ワイルドカードに一致するすべてのサービスに許可される" => "対象のサービスリンクロールを指定するか、`NotAction` にこのアクションを加える";
}

/// An action that is dangerous for roles that are not meant, and its checks.
struct Danger {
    action: &'static str,
    /// The condition key that confines it.
    confined_by: &'static str,
    /// What stands between `:role/` and the part of the name that must be fixed.
    folder: &'static str,
    /// Written in full, by a wildcard, by `NotAction`; each with `NotResource` and with a wildcard in `Resource`.
    checks: [[&'static Check; 2]; 3],
}

static DANGERS: [Danger; 2] = [
    Danger {
        action: "iam:PassRole",
        confined_by: "iam:PassedToService",
        folder: "",
        checks: [
            [&PASS_ROLE_WITH_NOT_RESOURCE, &PASS_ROLE_WITH_STAR_IN_RESOURCE],
            [&PASS_ROLE_WITH_STAR_IN_ACTION_AND_NOT_RESOURCE, &PASS_ROLE_WITH_STAR_IN_ACTION_AND_RESOURCE],
            [&PASS_ROLE_WITH_NOT_ACTION_AND_NOT_RESOURCE, &PASS_ROLE_WITH_STAR_IN_RESOURCE_AND_NOT_ACTION],
        ],
    },
    Danger {
        action: "iam:CreateServiceLinkedRole",
        confined_by: "iam:AWSServiceName",
        folder: "aws-service-role/",
        checks: [
            [&CREATE_SLR_WITH_NOT_RESOURCE, &CREATE_SLR_WITH_STAR_IN_RESOURCE],
            [&CREATE_SLR_WITH_STAR_IN_ACTION_AND_NOT_RESOURCE, &CREATE_SLR_WITH_STAR_IN_ACTION_AND_RESOURCE],
            [&CREATE_SLR_WITH_NOT_ACTION_AND_NOT_RESOURCE, &CREATE_SLR_WITH_STAR_IN_RESOURCE_AND_NOT_ACTION],
        ],
    },
];

pub(super) fn check(policy: &Policy<'_>, report: &mut Report) {
    if !matches!(policy.kind, PolicyType::Identity | PolicyType::Session) {
        return;
    }
    for statement in policy.statements.iter().filter(|s| s.allows()) {
        DANGERS.iter().for_each(|danger| danger.check(statement, report));
    }
}

impl Danger {
    fn check(&self, statement: &Statement<'_>, report: &mut Report) {
        let (Some(actions), Some(resources)) = (&statement.action, &statement.resource) else { return };
        let covering = actions.items.iter().filter(|i| Glob::ignoring_case(i.text).matches(self.action));
        let in_full = covering.clone().find(|i| i.text.eq_ignore_ascii_case(self.action));
        let (form, item) = match (in_full.or_else(|| covering.clone().next()), actions.is_negated()) {
            (Some(_), true) | (None, false) => return,
            (None, true) => (2, actions.items.first()),
            (Some(item), false) => (usize::from(in_full.is_none()), Some(item)),
        };
        let open = resources.items.iter().any(|item| self.is_open(item.text));
        let column = match resources.is_negated() {
            true => 0,
            false if open && !statement.tests_key(self.confined_by) => 1,
            false => return,
        };
        if let Some(check) = self.checks.get(form).and_then(|row| row.get(column)) {
            report.add(check, item.map_or(&actions.place, |i| &i.place), &[&item.map_or("", |i| i.text)]);
        }
    }

    /// Whether a resource covers roles whatever their name: `*`, `arn:aws:iam::*:role/*`. Many services name their
    /// roles by a prefix, which is narrow enough.
    fn is_open(&self, text: &str) -> bool {
        let text = without_variables(text);
        if !has_wildcard(&text) {
            return false;
        }
        let Some((head, name)) = text.split_once(":role/") else {
            return Glob::new(&text).intersects(&Glob::new(&format!("arn:*:iam::*:role/{}*", self.folder)));
        };
        let fixed = name.strip_prefix(self.folder).unwrap_or(name);
        let service_fixed =
            !self.folder.is_empty() && fixed.split_once('/').is_some_and(|(service, _)| !has_wildcard(service));
        let last = if self.folder.is_empty() { fixed.rsplit('/').next().unwrap_or_default() } else { fixed };
        Glob::new(&format!("{head}:")).intersects(&Glob::new("arn:*:iam::*:"))
            && !service_fixed
            && last.starts_with(['*', '?'])
    }
}
