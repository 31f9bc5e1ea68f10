//! Declarative policies for Amazon EC2 (Organizations User Guide, `orgs_manage_policies_declarative_syntax`): which recorded
//! calls AWS would have refused under one, or done otherwise, and which resources of a snapshot it touches.
//!
//! A setting that a declarative policy holds can no longer be changed in an account, and what does not comply fails.

mod estate;
mod read;

pub use estate::{Effect, Touched, kinds, touched};

use super::{Call, Judged, Verdict, Why};
use serde_json::Value;
use smol_str::SmolStr;
use std::collections::BTreeMap;

/// A declarative policy: its settings by path below `ec2_attributes`, `serial_console_access.status`.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Declarative {
    settings: BTreeMap<SmolStr, SmolStr>,
    /// Criteria for images, in their order: who may provide them, where the criterion says nothing else.
    criteria: Vec<Criterion>,
    /// Owners of images that the user's snapshot knows, by id: account or alias.
    images: BTreeMap<SmolStr, Vec<SmolStr>>,
}

/// One of `image_criteria`.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
struct Criterion {
    providers: Vec<SmolStr>,
    /// Whether it asks for more than the provider.
    more: bool,
}

/// The calls that set what a policy holds, by the setting.
const HELD: [(&str, &[&str]); 7] = [
    ("vpc_block_public_access", &["ModifyVpcBlockPublicAccessOptions"]),
    ("serial_console_access", &["EnableSerialConsoleAccess", "DisableSerialConsoleAccess"]),
    ("image_block_public_access", &["EnableImageBlockPublicAccess", "DisableImageBlockPublicAccess"]),
    ("snapshot_block_public_access", &["EnableSnapshotBlockPublicAccess", "DisableSnapshotBlockPublicAccess"]),
    (
        "allowed_images_settings",
        &["EnableAllowedImagesSettings", "DisableAllowedImagesSettings", "ReplaceImageCriteriaInAllowedImagesSettings"],
    ),
    ("instance_metadata_defaults", &["ModifyInstanceMetadataDefaults"]),
    (
        "vpc_encryption_control",
        &["CreateVpcEncryptionControl", "ModifyVpcEncryptionControl", "DeleteVpcEncryptionControl"],
    ),
];

impl Declarative {
    /// Reads a document. Settings are given by `@@assign`, or plainly as in an effective policy.
    ///
    /// # Errors
    /// What AWS would not take, a sentence each: no JSON, an attribute or value that does not exist.
    pub fn parse(text: &str) -> Result<Self, Vec<String>> {
        read::read(text)
    }

    /// Tells who owns images, by id: accounts or aliases (`amazon`).
    pub fn know_images(&mut self, owners: impl IntoIterator<Item = (SmolStr, Vec<SmolStr>)>) {
        self.images.extend(owners);
    }

    fn is(&self, setting: &str, value: &str) -> bool {
        self.settings.get(setting).is_some_and(|v| v == value)
    }

    fn holds(&self, attribute: &str) -> bool {
        self.settings.keys().any(|k| k.split('.').next() == Some(attribute))
    }

    /// What becomes of a call.
    pub(super) fn judge(&self, call: &Call<'_>) -> Judged {
        let mut judged = Judged::allowed(call);
        let Some((service, name)) = call.operation.split_once(':') else { return judged };
        if service == "ec2-instance-connect" && name == "SendSerialConsoleSSHPublicKey" {
            if self.is("serial_console_access.status", "disabled") {
                judged.deny("serial_console_access.status");
            }
            return judged;
        }
        if service != "ec2" {
            return judged;
        }
        for (attribute, _) in HELD.iter().filter(|(a, calls)| calls.contains(&name) && self.holds(a)) {
            judged.deny(attribute);
        }
        match name {
            "CreateVpcBlockPublicAccessExclusion" | "ModifyVpcBlockPublicAccessExclusion" => {
                let exclusions = "vpc_block_public_access.internet_gateway_block.exclusions_allowed";
                if self.is(exclusions, "disabled") {
                    judged.deny(exclusions);
                }
            }
            "ModifyImageAttribute" if self.is("image_block_public_access.state", "block_new_sharing") => {
                self.shares(call, "imageId", "image_block_public_access.state", &mut judged);
            }
            "ModifySnapshotAttribute"
                if self.is("snapshot_block_public_access.state", "block_new_sharing")
                    || self.is("snapshot_block_public_access.state", "block_all_sharing") =>
            {
                self.shares(call, "snapshotId", "snapshot_block_public_access.state", &mut judged);
            }
            "ModifyInstanceMetadataOptions" => {
                let enforced = "instance_metadata_defaults.http_tokens_enforced";
                if self.is(enforced, "enabled") && call.parameters.of("httpTokens").any(|t| t == "optional") {
                    judged.deny(enforced);
                }
            }
            "RunInstances" => self.launch(call, &mut judged),
            "CreateFleet" | "RequestSpotInstances" | "RequestSpotFleet"
                if self.is("allowed_images_settings.state", "enabled") =>
            {
                judged.open("allowed_images_settings.state", "ec2 image owner");
            }
            _ => {}
        }
        judged
    }

    /// Whether an attribute's change gives everyone something.
    fn shares(&self, call: &Call<'_>, id: &str, setting: &str, judged: &mut Judged) {
        if !call.parameters.told {
            judged.open(setting, "requestParameters");
            return;
        }
        let to_all = call.record.0.get("requestParameters").is_some_and(|p| adds_everyone(p, false));
        if to_all {
            judged.deny(setting);
            judged.resource = call.parameters.of(id).next().map(SmolStr::new).unwrap_or_default();
        }
    }

    /// `RunInstances` under allowed images and metadata defaults (EC2 User Guide, `ec2-allowed-amis`,
    /// `configuring-IMDS-new-instances`).
    fn launch(&self, call: &Call<'_>, judged: &mut Judged) {
        let template = call.record.0.pointer("/requestParameters/launchTemplate").is_some_and(|t| !t.is_null());
        let enforced = "instance_metadata_defaults.http_tokens_enforced";
        let tokens: Vec<&str> = call.parameters.of("httpTokens").collect();
        if self.is(enforced, "enabled") {
            match tokens.as_slice() {
                [] if template => judged.open(enforced, "launch template"),
                // What neither the request nor the default says, the image may.
                [] if !self.is("instance_metadata_defaults.http_tokens", "required") => {
                    judged.open(enforced, "image's imds-support");
                }
                tokens if tokens.contains(&"optional") => judged.deny(enforced),
                _ => {}
            }
        }
        if self.is("allowed_images_settings.state", "enabled") {
            self.image(call, template, judged);
        }
        let sets =
            self.settings.iter().any(|(k, v)| k.starts_with("instance_metadata_defaults.") && v != "no_preference");
        if sets && tokens.is_empty() && !template && judged.verdict == Verdict::Allowed {
            judged.verdict = Verdict::Changed;
            judged.by = SmolStr::new_static("instance_metadata_defaults");
        }
    }

    /// Whether the image is allowed: every criterion that fits is enough.
    fn image(&self, call: &Call<'_>, template: bool, judged: &mut Judged) {
        let setting = "allowed_images_settings.state";
        let ids: Vec<&str> = call.parameters.of("imageId").filter(|i| i.starts_with("ami-")).collect();
        if ids.is_empty() && (template || !call.parameters.told) {
            judged.open(setting, "launch template");
        }
        for id in ids {
            let Some(owners) = self.images.get(id) else {
                judged.open(setting, "ec2 image owner");
                continue;
            };
            let fits = |c: &&Criterion| c.providers.is_empty() || c.providers.iter().any(|p| owners.contains(p));
            let mut fitting = self.criteria.iter().filter(fits).peekable();
            if fitting.peek().is_none() {
                judged.deny(setting);
            } else if fitting.all(|c| c.more) {
                judged.open(setting, "image's name, product code, dates or watermark");
            }
            judged.resource = SmolStr::new(id);
        }
    }
}

/// Whether `{add: … {group: all}}` stands somewhere, or the older `groups`/`operationType` form.
fn adds_everyone(value: &Value, inside: bool) -> bool {
    match value {
        Value::Object(members) => {
            let adds = members.get("operationType").and_then(Value::as_str) == Some("add");
            members.iter().any(|(name, inner)| match inner {
                Value::String(text) => inside && text == "all" && name.to_ascii_lowercase().contains("group"),
                _ => adds_everyone(inner, inside || adds || name == "add"),
            })
        }
        Value::Array(items) => items.iter().any(|item| adds_everyone(item, inside)),
        _ => false,
    }
}

impl Judged {
    fn deny(&mut self, setting: &str) {
        self.verdict = Verdict::Denied;
        self.by = SmolStr::new(setting);
        self.why.clear();
    }

    /// Unknown for want of `what`, unless denied already.
    fn open(&mut self, setting: &str, what: &str) {
        if self.verdict != Verdict::Denied {
            self.verdict = Verdict::Unknown;
            self.by = SmolStr::new(setting);
            self.why.insert(Why::Setting(SmolStr::new(what)));
        }
    }
}
