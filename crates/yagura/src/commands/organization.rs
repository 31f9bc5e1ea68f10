//! The accounts of an organization, and the role that reads each.
//!
//! `organizations:ListAccounts` answers the management account and delegated administrators (AWS Organizations API reference,
//! ListAccounts). The caller's own account is read with the caller's own credentials: a management account has no role of a
//! service-managed StackSet.

use super::live;
use crate::cli::AwsArgs;
use crate::content::Compiled;
use crate::failure::Failure;
use smol_str::SmolStr;
use std::collections::BTreeSet;
use std::io::Write;
use yagura_aws::{Role, Session};
use yagura_inventory::Target;
use yagura_model::{Caller, Lang, Map, Value};

/// How deep organizational units nest: a root and five levels (AWS Organizations user guide, "Quotas").
const DEEPEST: usize = 6;

/// Sessions for every account that the arguments choose. An account whose role cannot be assumed is Unknown and stops nothing else.
///
/// # Errors
/// The accounts cannot be listed, or the choice leaves none.
pub async fn targets(base: &Session, args: &AwsArgs, compiled: &Compiled, lang: Lang) -> Result<Vec<Target>, Failure> {
    let own = live::own_account(base).await?;
    let ask = Ask { base, compiled };
    let accounts = ask.rows("organizations:ListAccounts", Map::new(), "Accounts").await.map_err(|e| {
        Failure::blind(
            format!("the organization's accounts cannot be listed (organizations:ListAccounts): {e}"),
            format!("組織のアカウントを一覧できない (organizations:ListAccounts): {e}"),
        )
        .hint(
            "run it as the management account or a delegated administrator, or name the roles with --role-arn",
            "管理アカウントか委任管理者で実行するか、--role-arn でロールを指定すること",
        )
    })?;
    let text =
        |row: &Value, name: &str| row.as_map().and_then(|m| m.get(name)).and_then(Value::as_str).map(SmolStr::from);
    let mut listed: Vec<(SmolStr, bool)> = accounts
        .iter()
        .filter_map(|a| {
            // `State` took the place of `Status` (API reference, Account).
            let state = text(a, "State").or_else(|| text(a, "Status")).unwrap_or_default();
            Some((text(a, "Id")?, state == "ACTIVE"))
        })
        .collect();
    listed.sort();
    if let Some(unknown) = args.account.iter().find(|a| !listed.iter().any(|(id, _)| id == *a)) {
        return Err(Failure::unknown(
            ("account of the organization", "組織のアカウント"),
            unknown,
            listed.iter().map(|(id, _)| id.as_str()),
        ));
    }
    let suspended: Vec<&str> = listed.iter().filter(|(_, active)| !active).map(|(id, _)| id.as_str()).collect();
    if !suspended.is_empty() {
        let said = lang.pick("not read, because they are not active", "有効でないため読み取らない");
        let _ = writeln!(std::io::stderr(), "{said}: {}", suspended.join(", "));
    }
    let below = ask.below(&args.ou).await?;
    let mut wanted: Vec<SmolStr> = Vec::new();
    for (id, active) in &listed {
        let named = args.account.is_empty() || args.account.iter().any(|a| a == id);
        let inside = below.as_ref().is_none_or(|b| b.contains(id));
        if *active && named && inside && ask.is_tagged(id, &args.account_tag).await? {
            wanted.push(id.clone());
        }
    }
    if wanted.is_empty() {
        return Err(Failure::usage(
            "no account of the organization fits the selection",
            "条件に合う組織のアカウントがない",
        ));
    }
    let partition = own.caller.partition.clone();
    let role = |account: &SmolStr| {
        let arn = format!("arn:{partition}:iam::{account}:role/{}", args.org_role);
        let caller = Caller { account: account.clone(), arn: arn.as_str().into(), partition: partition.clone() };
        (caller, Role { external_id: args.external_id.clone(), ..Role::new(&arn) })
    };
    let roles = wanted.iter().filter(|a| **a != own.caller.account).map(role).collect();
    let mut out: Vec<Target> = Vec::new();
    if wanted.contains(&own.caller.account) {
        out.push(own);
    }
    out.extend(live::assume_all(base, roles, args.concurrency).await);
    Ok(out)
}

struct Ask<'a> {
    base: &'a Session,
    compiled: &'a Compiled,
}

impl Ask<'_> {
    /// All rows of a listing of AWS Organizations.
    async fn rows(&self, call: &str, input: Map, each: &str) -> Result<Vec<Value>, String> {
        let operation = self.compiled.facts.read_operation(call).map_err(|e| e.to_string())?;
        let mut out = Vec::new();
        let mut take = |page: Value| {
            if let Some(rows) = page.as_map().and_then(|m| m.get(each)).and_then(Value::as_list) {
                out.extend(rows.iter().cloned());
            }
        };
        self.base.call(&operation, self.base.default_region(), &input, &mut take).await.map_err(|e| e.to_string())?;
        Ok(out)
    }

    /// The accounts in these organizational units and in those below them; `None` where none is named.
    async fn below(&self, units: &[String]) -> Result<Option<BTreeSet<SmolStr>>, Failure> {
        if units.is_empty() {
            return Ok(None);
        }
        let failed = |e: String| {
            let failure = Failure::usage(
                format!("the accounts of an organizational unit cannot be listed: {e}"),
                format!("組織単位 (OU) のアカウントを一覧できない: {e}"),
            );
            failure.hint("an id looks like ou-ab12-cdef3456 or r-ab12", "ID は ou-ab12-cdef3456 や r-ab12 の形")
        };
        let mut accounts = BTreeSet::new();
        let mut open: Vec<(SmolStr, usize)> = units.iter().map(|u| (u.as_str().into(), 0)).collect();
        while let Some((unit, depth)) = open.pop() {
            let parent = || {
                let mut input = Map::new();
                input.insert("ParentId", Value::text(unit.as_str()));
                input
            };
            let id = |row: &Value| row.as_map().and_then(|m| m.get("Id")).and_then(Value::as_str).map(SmolStr::from);
            let found = self.rows("organizations:ListAccountsForParent", parent(), "Accounts").await.map_err(failed)?;
            accounts.extend(found.iter().filter_map(id));
            if depth < DEEPEST {
                let call = "organizations:ListOrganizationalUnitsForParent";
                let units = self.rows(call, parent(), "OrganizationalUnits").await.map_err(failed)?;
                open.extend(units.iter().filter_map(id).map(|u| (u, depth + 1)));
            }
        }
        Ok(Some(accounts))
    }

    /// Whether an account carries every tag asked for.
    async fn is_tagged(&self, account: &SmolStr, wanted: &[String]) -> Result<bool, Failure> {
        if wanted.is_empty() {
            return Ok(true);
        }
        let mut input = Map::new();
        input.insert("ResourceId", Value::text(account.as_str()));
        let tags = self.rows("organizations:ListTagsForResource", input, "Tags").await.map_err(|e| {
            Failure::blind(
                format!("the tags of account {account} cannot be read: {e}"),
                format!("アカウント {account} のタグを読み取れない: {e}"),
            )
        })?;
        let of =
            |tag: &Value, name: &str| tag.as_map().and_then(|m| m.get(name)).and_then(Value::as_str).map(str::to_owned);
        Ok(wanted.iter().all(|w| {
            let (key, value) = w.split_once('=').map_or((w.as_str(), None), |(k, v)| (k, Some(v)));
            tags.iter().any(|t| {
                of(t, "Key").as_deref() == Some(key) && value.is_none_or(|v| of(t, "Value").as_deref() == Some(v))
            })
        }))
    }
}
