//! How a kind's properties in templates become the fields that AWS answers: the `iac` key of a resource file.
//!
//! Properties that are named like a field need no line: `VpcId`, `vpcId` and `vpc_id` are one name. A rule's key is a
//! property, or a path below one; its value says where it goes:
//! ```yaml
//! iac:
//!   cloudformation:
//!     BucketName: Name                                   # a field, or a path below one
//!     ManagedPolicyArns: "AttachedManagedPolicies[].PolicyArn"   # an item for each
//!     SecurityGroupIngress: {to: IpPermissions, each: {CidrIp: "IpRanges[].CidrIp"}}
//!     EnableLogging: {to: State, values: {true: ACTIVE}}
//!     Password: ignored
//!   terraform: {…}
//!   attach:                                              # resources that only add to another one
//!     AWS::S3::BucketPolicy: {to: Bucket, map: {PolicyDocument: Policy}}
//!   defaults: {MultiAZ: false}                           # what AWS answers where the template is silent
//!   absent: [Policy]                                     # what AWS leaves out there
//!   ref: arn                                             # what Ref and `.id` give, where it is not the id
//!   arn: "arn:{partition}:iam::{account}:role/{name}"    # where the kind's own ARN is a field of the answer
//!   others: true                                         # AWS makes some that no template names
//!   declared: false                                      # a template never declares this kind, but another of its type
//! ```

use smol_str::SmolStr;
use yagura_model::{Map, Value};
use yagura_rule::yaml::{Reader, Yaml};

/// The `iac` key of a resource file.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Spec {
    /// Rules for CloudFormation's properties.
    pub cloudformation: Vec<Rule>,
    /// Rules for Terraform's arguments.
    pub terraform: Vec<Rule>,
    /// Resource types that only add to one of this kind.
    pub attach: Vec<Attach>,
    /// Further types that declare this kind.
    pub also: Vec<SmolStr>,
    /// What AWS answers where the template says nothing.
    pub defaults: Map,
    /// Fields that AWS leaves out where the template says nothing.
    pub absent: Vec<SmolStr>,
    /// Whether a reference gives the ARN.
    pub ref_arn: bool,
    /// The ARN, with `{name}` for the resource's name.
    pub arn: Option<SmolStr>,
    /// The property that names it, where no rule tells.
    pub named_by: Vec<SmolStr>,
    /// Whether AWS makes resources of this kind by itself, so that a template never shows all of them.
    pub others: bool,
    /// Whether no template declares this kind, though another kind of its type is declared.
    pub undeclared: bool,
}

/// Where a property goes.
#[derive(Debug, Clone, PartialEq)]
pub struct Rule {
    /// The property, or a path below one; `.` is the whole body.
    pub from: SmolStr,
    /// The field, or a path below one; `[]` adds an item. `None`: on purpose nowhere.
    pub to: Option<SmolStr>,
    /// Rules for the members of the value, or of each of its items.
    pub each: Vec<Rule>,
    /// Words that AWS answers otherwise.
    pub values: Vec<(SmolStr, Value)>,
    /// Members that are set besides, wherever the property is given.
    pub set: Map,
}

/// A resource type that adds to a resource of this kind.
#[derive(Debug, Clone, PartialEq)]
pub struct Attach {
    /// `AWS::S3::BucketPolicy`.
    pub of: SmolStr,
    /// The property that refers to the resource.
    pub to: SmolStr,
    /// What it adds.
    pub map: Vec<Rule>,
}

/// Reads the `iac` key.
pub(crate) fn read(r: &mut Reader<'_>, at: &Yaml) -> Spec {
    r.only(at, &["cloudformation", "terraform", "attach", "also", "defaults", "absent", "ref", "arn", "name", "others", "declared"]);
    let ref_arn = match r.text(at, "ref").as_deref() {
        None | Some("id") => false,
        Some("arn") => true,
        Some(other) => {
            r.complain(at, format!("`ref` is `arn` or `id`, found `{other}`"));
            false
        }
    };
    let mut attach = Vec::new();
    for (key, value) in at.get("attach").and_then(Yaml::entries).unwrap_or_default() {
        r.only(value, &["to", "map"]);
        attach.push(Attach { of: key.name.clone(), to: r.want_text(value, "to"), map: rules(r, value.get("map")) });
    }
    Spec {
        cloudformation: rules(r, at.get("cloudformation")),
        terraform: rules(r, at.get("terraform")),
        attach,
        also: r.texts(at, "also"),
        defaults: at.get("defaults").and_then(Yaml::value).and_then(|v| v.as_map().cloned()).unwrap_or_default(),
        absent: r.texts(at, "absent"),
        ref_arn,
        arn: r.text(at, "arn"),
        named_by: r.texts(at, "name"),
        others: at.get("others").and_then(Yaml::value) == Some(Value::Bool(true)),
        undeclared: at.get("declared").and_then(Yaml::value) == Some(Value::Bool(false)),
    }
}

fn rules(r: &mut Reader<'_>, at: Option<&Yaml>) -> Vec<Rule> {
    let mut out = Vec::new();
    for (key, value) in at.and_then(Yaml::entries).unwrap_or_default() {
        for one in value.items().unwrap_or(std::slice::from_ref(value)) {
            out.push(rule(r, key.name.clone(), one));
        }
    }
    out
}

fn rule(r: &mut Reader<'_>, from: SmolStr, at: &Yaml) -> Rule {
    let mut rule = Rule { from, to: None, each: Vec::new(), values: Vec::new(), set: Map::new() };
    if let Some(text) = at.text() {
        rule.to = (text != "ignored").then(|| text.into());
        return rule;
    }
    r.only(at, &["to", "each", "values", "set"]);
    rule.to = Some(r.want_text(at, "to"));
    rule.each = rules(r, at.get("each"));
    let pairs = at.get("values").and_then(Yaml::entries).unwrap_or_default();
    rule.values = pairs.iter().filter_map(|(k, v)| Some((k.name.clone(), v.value()?))).collect();
    rule.set = at.get("set").and_then(Yaml::value).and_then(|v| v.as_map().cloned()).unwrap_or_default();
    rule
}
