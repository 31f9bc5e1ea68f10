//! Grants of KMS keys (AWS KMS Developer Guide, `grants`).

use crate::evaluate::Asked;
use crate::tri::Tri;
use smol_str::SmolStr;
use std::collections::BTreeMap;

/// A grant: one principal may use the key for some operations.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Grant {
    /// `GranteePrincipal`: an ARN or a service principal.
    pub grantee: SmolStr,
    /// `Operations`, such as `Decrypt`.
    pub operations: Vec<SmolStr>,
    /// `Constraints.EncryptionContextSubset`: pairs that the encryption context has to hold.
    pub context_subset: BTreeMap<SmolStr, SmolStr>,
    /// `Constraints.EncryptionContextEquals`: the whole encryption context.
    pub context_equals: Option<BTreeMap<SmolStr, SmolStr>>,
}

const CONTEXT: &str = "kms:encryptioncontext:";

/// Whether a grant lets the caller do this. A grant to a role holds for its sessions.
pub(crate) fn granted(asked: &Asked<'_>, grants: &[Grant]) -> Tri {
    let Some(operation) = asked.action.text().strip_prefix("kms:") else { return Tri::False };
    let fits = |grant: &Grant| {
        let own = grant.grantee == asked.caller.text;
        let by_role = || {
            let role = asked.caller.derived("aws:principalarn").and_then(|v| v.first());
            role.is_some_and(|role| same_principal(role, &grant.grantee))
        };
        (own || by_role())
            && grant.operations.iter().any(|o| o.eq_ignore_ascii_case(operation))
            && context_fits(asked, grant)
    };
    grants.iter().any(fits).into()
}

/// Whether an ARN made from a session names the same role as a grant does, whose ARN has the path.
fn same_principal(role: &str, grantee: &str) -> bool {
    let split = |arn: &str| {
        arn.split_once(":role/").map(|(head, path)| (head.to_owned(), path.rsplit('/').next().map(str::to_owned)))
    };
    role == grantee || split(role).is_some_and(|r| split(grantee).is_some_and(|g| g == r))
}

fn context_fits(asked: &Asked<'_>, grant: &Grant) -> bool {
    let value = |key: &str| asked.lookup(&format!("{CONTEXT}{}", key.to_ascii_lowercase()));
    let holds =
        |(key, wanted): (&SmolStr, &SmolStr)| value(key).is_some_and(|v| v.len() == 1 && v.first() == Some(wanted));
    let whole = || {
        let Some(equals) = &grant.context_equals else { return true };
        let given = asked.request.context.iter().filter(|(k, v)| k.starts_with(CONTEXT) && !v.is_empty()).count();
        given == equals.len() && equals.iter().all(holds)
    };
    grant.context_subset.iter().all(holds) && whole()
}
