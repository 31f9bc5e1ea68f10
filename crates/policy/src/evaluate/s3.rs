//! What decides on a bucket besides policies: ACLs, Object Ownership, Block Public Access
//! (S3 User Guide, `acl-overview`, `about-object-ownership`, `access-control-block-public-access`).

use super::{Asked, Layers};
use crate::tri::Tri;
use smol_str::SmolStr;

/// The settings of one bucket, with those of its account taken in.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct S3Settings {
    /// Block Public Access: a switch is on where the bucket or its account has it on.
    pub public_access_block: PublicAccessBlock,
    /// The ACL of the bucket or object that the request names.
    pub acl: Vec<AclGrant>,
    /// Object Ownership.
    pub ownership: ObjectOwnership,
}

impl S3Settings {
    /// Whether the ACL opens the bucket to everyone, or to everyone with an AWS account.
    pub fn is_public_by_acl(&self) -> bool {
        let open = |grant: &AclGrant| !matches!(grant.grantee, AclGrantee::Account(_));
        self.ownership != ObjectOwnership::BucketOwnerEnforced
            && !self.public_access_block.ignore_public_acls
            && self.acl.iter().any(open)
    }
}

/// The four switches.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
#[expect(clippy::struct_excessive_bools, reason = "these are AWS's four switches")]
pub struct PublicAccessBlock {
    /// `BlockPublicAcls`: refuses new public ACLs.
    pub block_public_acls: bool,
    /// `IgnorePublicAcls`: public ACLs grant nothing.
    pub ignore_public_acls: bool,
    /// `BlockPublicPolicy`: refuses new public policies.
    pub block_public_policy: bool,
    /// `RestrictPublicBuckets`: a public policy serves only the account and AWS services.
    pub restrict_public_buckets: bool,
}

/// `ObjectOwnership`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum ObjectOwnership {
    /// ACLs are off; the default since April 2023.
    #[default]
    BucketOwnerEnforced,
    /// ACLs are on.
    BucketOwnerPreferred,
    /// ACLs are on.
    ObjectWriter,
}

/// One grant of an ACL.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AclGrant {
    /// To whom.
    pub grantee: AclGrantee,
    /// `READ`, `WRITE`, `READ_ACP`, `WRITE_ACP` or `FULL_CONTROL`.
    pub permission: SmolStr,
}

/// Who an ACL grants to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum AclGrantee {
    /// Everyone.
    AllUsers,
    /// Everyone with any AWS account.
    AuthenticatedUsers,
    /// A canonical user id: an account.
    Account(SmolStr),
}

/// Whether an ACL lets the caller do this. Grants to an account's canonical id need that account's number, which the id
/// does not tell; they are left out.
pub(super) fn granted_by_acl(asked: &Asked<'_>, layers: &Layers<'_>) -> Tri {
    let Some(settings) = layers.s3.filter(|s| s.ownership != ObjectOwnership::BucketOwnerEnforced) else {
        return Tri::False;
    };
    if settings.public_access_block.ignore_public_acls {
        return Tri::False;
    }
    let is_object = asked.resource.id().is_some_and(|id| id.contains('/'));
    let fits = |grant: &AclGrant| {
        let named = match grant.grantee {
            AclGrantee::AllUsers => true,
            AclGrantee::AuthenticatedUsers => asked.caller.is_aws(),
            AclGrantee::Account(_) => false,
        };
        named && permits(&grant.permission, is_object, asked.action.text())
    };
    settings.acl.iter().any(fits).into()
}

/// The mapping of ACL permissions to actions (`acl-overview`, "Mapping of ACL permissions and access policy permissions").
fn permits(permission: &str, is_object: bool, action: &str) -> bool {
    let read = if is_object {
        ["s3:getobject", "s3:getobjectversion", "s3:getobjecttorrent"]
    } else {
        ["s3:listbucket", "s3:listbucketversions", "s3:listbucketmultipartuploads"]
    };
    let write: &[&str] = if is_object { &[] } else { &["s3:putobject"] };
    let read_acp: &[&str] =
        if is_object { &["s3:getobjectacl", "s3:getobjectversionacl"] } else { &["s3:getbucketacl"] };
    let write_acp: &[&str] =
        if is_object { &["s3:putobjectacl", "s3:putobjectversionacl"] } else { &["s3:putbucketacl"] };
    match permission {
        "READ" => read.contains(&action),
        "WRITE" => write.contains(&action),
        "READ_ACP" => read_acp.contains(&action),
        "WRITE_ACP" => write_acp.contains(&action),
        "FULL_CONTROL" => ["READ", "WRITE", "READ_ACP", "WRITE_ACP"].iter().any(|p| permits(p, is_object, action)),
        _ => false,
    }
}

/// Whether Block Public Access keeps the caller out: the policy is public by S3's definition, and the caller is neither
/// of the owner's account nor an AWS service.
pub(super) fn public_access_is_restricted(asked: &Asked<'_>, layers: &Layers<'_>) -> bool {
    if layers.s3.is_none_or(|s| !s.public_access_block.restrict_public_buckets) {
        return false;
    }
    let outside = !asked.caller.is_aws() || !asked.is_same_account();
    let is_public = || layers.resource.is_some_and(|p| crate::public::is_public_to_s3(&p.policy));
    outside && asked.caller.kind != super::Kind::Service && is_public()
}
