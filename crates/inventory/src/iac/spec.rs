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
//!     FromPort: {to: FromPort, unless: {IpProtocol: "-1"}}   # AWS leaves it out there
//!     MethodSettings: {to: methodSettings, key: [ResourcePath, HttpMethod]}   # a list that AWS answers as a map
//!     AuthToken: {to: AuthTokenEnabled, present: true}   # whatever its value
//!     Password: ignored
//!   terraform: {…}
//!   attach:                                              # resources that only add to another one
//!     AWS::S3::BucketPolicy: {to: Bucket, map: {PolicyDocument: Policy}}
//!     AWS::Lambda::Permission: {to: FunctionName, grants: Policy}   # one statement of the document in that field
//!   also: {AWS::DocDB::DBCluster: {Engine: docdb}}       # further types, and what is so of them
//!   defaults: {MultiAZ: false}                           # what AWS answers where the template is silent; a list of Key and
//!                                                        # Value gives the keys that the template's list lacks
//!   terraform_defaults: {PubliclyAccessible: false}      # what Terraform's provider sends there
//!   inherits: {SnapshotIdentifier: [StorageEncrypted]}   # with this property, no default holds for these fields
//!   own_arn: [Attributes.QueueArn]                       # where the ARN stands too
//!   absent: [Policy]                                     # what AWS leaves out there
//!   ref: arn                                             # what Ref and `.id` give, where it is not the id
//!   arn: "arn:{partition}:iam::{account}:role/{name}"    # where the kind's own ARN is a field of the answer
//!   others: true                                         # AWS makes some that no template names
//!   declared: false                                      # a template never declares this kind, but another of its type
//! ```

use super::fit::type_at;
use smol_str::SmolStr;
use std::collections::BTreeMap;
use yagura_model::{Map, Type, Value};
use yagura_rule::nearest_hint;
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
    /// Further types that declare this kind, and what is so of all of that type.
    pub also: Vec<(SmolStr, Map)>,
    /// What AWS answers where the template says nothing.
    pub defaults: Map,
    /// What Terraform's provider sends where the configuration says nothing, where that is not AWS's default.
    pub terraform_defaults: Map,
    /// Properties with which other fields are taken over from elsewhere: no default holds for them then.
    pub inherits: Vec<(SmolStr, Vec<SmolStr>)>,
    /// Paths besides the kind's own that hold the ARN.
    pub own_arn: Vec<SmolStr>,
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
    /// What the field is wherever the property is given, whatever it is.
    pub present: Option<Value>,
    /// Whether the property makes the field something that is not worked out here.
    pub unknown: bool,
    /// The member that leaves this one out where it has the value.
    pub unless: Vec<(SmolStr, Value)>,
    /// The members whose values, joined by `/`, are the key of each item, where the field is a map.
    pub key: Vec<SmolStr>,
}

/// A resource type that adds to a resource of this kind.
#[derive(Debug, Clone, PartialEq)]
pub struct Attach {
    /// `AWS::S3::BucketPolicy`.
    pub of: SmolStr,
    /// The property that refers to the resource.
    pub to: SmolStr,
    /// Only where a property has this value.
    pub when: Vec<(SmolStr, SmolStr)>,
    /// What it adds. `@arn` is the adding resource's own ARN.
    pub map: Vec<Rule>,
    /// The field with the policy of which it is one statement.
    pub grants: Option<SmolStr>,
}

/// Reads the `iac` key.
pub(crate) fn read(r: &mut Reader<'_>, at: &Yaml) -> Spec {
    let known = [
        "cloudformation",
        "terraform",
        "attach",
        "also",
        "defaults",
        "terraform_defaults",
        "inherits",
        "own_arn",
        "absent",
        "ref",
        "arn",
        "name",
        "others",
        "declared",
    ];
    r.only(at, &known);
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
        for one in value.items().unwrap_or(std::slice::from_ref(value)) {
            r.only(one, &["to", "when", "map", "grants"]);
            let when = one.get("when").and_then(Yaml::entries).unwrap_or_default();
            let when = when.iter().filter_map(|(k, v)| Some((k.name.clone(), v.text()?.into()))).collect();
            let map = rules(r, one.get("map"));
            let grants = r.text(one, "grants");
            attach.push(Attach { of: key.name.clone(), to: r.want_text(one, "to"), when, map, grants });
        }
    }
    let map = |name: &str| at.get(name).and_then(Yaml::value).and_then(|v| v.as_map().cloned()).unwrap_or_default();
    let also = at.get("also").and_then(Yaml::entries).unwrap_or_default();
    let constants = |y: &Yaml| y.value().and_then(|v| v.as_map().cloned()).unwrap_or_default();
    let also = also.iter().map(|(k, v)| (k.name.clone(), constants(v))).collect();
    let mut inherits = Vec::new();
    for (key, _) in at.get("inherits").and_then(Yaml::entries).unwrap_or_default() {
        let fields = at.get("inherits").map(|i| r.texts(i, &key.name)).unwrap_or_default();
        inherits.push((key.name.clone(), fields));
    }
    Spec {
        cloudformation: rules(r, at.get("cloudformation")),
        terraform: rules(r, at.get("terraform")),
        attach,
        also,
        defaults: map("defaults"),
        terraform_defaults: map("terraform_defaults"),
        inherits,
        own_arn: r.texts(at, "own_arn"),
        absent: r.texts(at, "absent"),
        ref_arn,
        arn: r.text(at, "arn"),
        named_by: r.texts(at, "name"),
        others: at.get("others").and_then(Yaml::value) == Some(Value::Bool(true)),
        undeclared: at.get("declared").and_then(Yaml::value) == Some(Value::Bool(false)),
    }
}

/// The first path that is no field of the kind, and what is wrong with it: what it sets would never be read.
pub(crate) fn misplaced(spec: &Spec, fields: &BTreeMap<SmolStr, Type>) -> Option<(SmolStr, String)> {
    let ruled = spec.cloudformation.iter().chain(&spec.terraform).chain(spec.attach.iter().flat_map(|a| &a.map));
    let constants = spec.also.iter().flat_map(|(_, m)| m.iter()).chain(spec.defaults.iter());
    let paths = ruled
        .filter_map(|rule| rule.to.as_ref())
        .chain(constants.chain(spec.terraform_defaults.iter()).map(|(path, _)| path))
        .chain(spec.attach.iter().filter_map(|a| a.grants.as_ref()))
        .chain(&spec.absent)
        .chain(&spec.own_arn)
        .chain(spec.inherits.iter().flat_map(|(_, fields)| fields));
    for path in paths {
        if type_at(fields, path).is_none() {
            let near = nearest_hint(path, fields.keys().map(SmolStr::as_str));
            return Some((path.clone(), format!("`{path}` is no field of this kind{near}")));
        }
    }
    None
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
    let mut rule = Rule {
        from,
        to: None,
        each: Vec::new(),
        values: Vec::new(),
        set: Map::new(),
        present: None,
        unknown: false,
        unless: Vec::new(),
        key: Vec::new(),
    };
    if let Some(text) = at.text() {
        rule.to = (text != "ignored").then(|| text.into());
        return rule;
    }
    r.only(at, &["to", "each", "values", "set", "present", "unknown", "unless", "key"]);
    rule.present = at.get("present").and_then(Yaml::value);
    rule.unknown = at.get("unknown").and_then(Yaml::value) == Some(Value::Bool(true));
    let unless = at.get("unless").and_then(Yaml::entries).unwrap_or_default();
    rule.unless = unless.iter().filter_map(|(k, v)| Some((k.name.clone(), v.value()?))).collect();
    rule.to = Some(r.want_text(at, "to"));
    rule.key = r.texts(at, "key");
    rule.each = rules(r, at.get("each"));
    let pairs = at.get("values").and_then(Yaml::entries).unwrap_or_default();
    rule.values = pairs.iter().filter_map(|(k, v)| Some((k.name.clone(), v.value()?))).collect();
    rule.set = at.get("set").and_then(Yaml::value).and_then(|v| v.as_map().cloned()).unwrap_or_default();
    rule
}
