//! A kind of resource: one file that says how to list and describe it.

use crate::iac::spec::{self, Spec};
use smol_str::SmolStr;
use yagura_model::{ContentFile, Map, Value};
use yagura_rule::ContentError;
use yagura_rule::yaml::{Reader, Yaml, YamlKind, read};

/// A resource file, well-formed; its calls are not looked at yet.
#[derive(Debug, Clone)]
pub struct Resource {
    /// The file.
    pub file: ContentFile,
    /// `s3.bucket`.
    pub id: SmolStr,
    /// Its name in CloudFormation (`AWS::S3::Bucket`), where it has one.
    pub cloudformation: Option<SmolStr>,
    /// Its name in Terraform's AWS provider (`aws_s3_bucket`), where it has one.
    pub terraform: Option<SmolStr>,
    /// Its name in Cloud Custodian (`s3`), where it has one.
    pub custodian: Option<SmolStr>,
    /// Whether it is listed once per Region (else once per account).
    pub regional: bool,
    /// The Region whose endpoint is asked, for a kind per account that AWS keeps in one place (`us-west-2`); elsewhere than in
    /// the partition `aws`, the session's own.
    pub home: Option<SmolStr>,
    /// How it is listed; `None`: exactly one per account or Region.
    pub list: Option<List>,
    /// One asset per entry out of each item.
    pub expand: Option<Expand>,
    /// The id: a field path, or a template with braces.
    pub name: SmolStr,
    /// The ARN: a field path, or a template with braces.
    pub arn: Option<SmolStr>,
    /// The field that tells the resource's own Region.
    pub region: Option<SmolStr>,
    /// The field that is equal where the same resource is listed from several Regions.
    pub unique: Option<SmolStr>,
    /// The field that names the owning account: what another account owns and shares is left to that account's scan.
    pub owner: Option<SmolStr>,
    /// The other way round: the field that names the owning account, of which only another account's are kept.
    pub shared_by: Option<SmolStr>,
    /// Fields, or paths below them, that are thrown away as soon as they are read, because they may hold secrets.
    pub omit: Vec<SmolStr>,
    /// The field with the tags.
    pub tags: Option<SmolStr>,
    /// The field with the resource's own (resource-based) policy, as JSON text.
    pub policy: Option<SmolStr>,
    /// The call whose members become fields.
    pub describe: Option<Describe>,
    /// Fields with a call of their own.
    pub fields: Vec<FieldCall>,
    /// How templates declare it.
    pub iac: Spec,
}

/// How assets are listed.
#[derive(Debug, Clone, PartialEq)]
pub struct List {
    /// `s3:ListBuckets`.
    pub call: SmolStr,
    /// Its input; texts may hold `{account}`, `{region}`, `{partition}`.
    pub with: Map,
    /// The kind for each of whose assets the call is made; `with` may then hold the asset's fields (`{LoadBalancerArn}`).
    pub over: Option<SmolStr>,
    /// Fields of that asset which each item keeps.
    pub keep: Vec<SmolStr>,
    /// Input lists that are joined where kinds share the call.
    pub union: Map,
    /// The path of the items in the output; without it the whole output is the one item.
    pub each: Option<SmolStr>,
    /// Items are bare values: the field that each becomes.
    pub item: Option<SmolStr>,
    /// A call to make before.
    pub first: Option<SmolStr>,
    /// Error codes that mean: not ready yet, ask again.
    pub not_ready: Vec<SmolStr>,
    /// The items are rows of a CSV text with these columns.
    pub csv: Option<Vec<SmolStr>>,
}

/// Several assets out of one item.
#[derive(Debug, Clone, PartialEq)]
pub struct Expand {
    /// The entries; each asset has its own as the field `slot`.
    pub slots: Vec<SmolStr>,
    /// New fields: name, and the item's field with `{slot}`.
    pub fields: Vec<(SmolStr, SmolStr)>,
    /// No asset where a field equals this.
    pub unless: Vec<(SmolStr, Value)>,
}

/// Where an input member of a follow-up call comes from.
#[derive(Debug, Clone, PartialEq)]
pub enum Input {
    /// A field path of the asset.
    Path(SmolStr),
    /// The same, for each asset of a batch, as a list.
    Paths(SmolStr),
    /// A constant; texts may hold `{account}`, `{region}`, `{partition}`, or be `{arn}`: the asset's ARN.
    Constant(Value),
}

/// One call per asset, or per batch of assets, whose members become fields.
#[derive(Debug, Clone, PartialEq)]
pub struct Describe {
    /// `kms:DescribeKey`.
    pub call: SmolStr,
    /// Its input.
    pub with: Vec<(SmolStr, Input)>,
    /// The path of the members in the output; the whole output without it.
    pub take: Option<SmolStr>,
    /// How many assets one call may name, and the field that tells answers apart.
    pub batch: Option<(usize, SmolStr)>,
}

/// A field with a call of its own.
#[derive(Debug, Clone, PartialEq)]
pub struct FieldCall {
    /// The field.
    pub name: SmolStr,
    /// `s3:GetPublicAccessBlock`.
    pub call: SmolStr,
    /// Its input.
    pub with: Vec<(SmolStr, Input)>,
    /// The path of the value in the output; the whole output without it.
    pub take: Option<SmolStr>,
    /// Errors that mean: not set. A code, or `Code: words of its message`.
    pub absent_on: Vec<SmolStr>,
    /// One call per account and Region: the path of ids in the output, and the asset's own id field. The value is whether it is among them.
    pub member: Option<(SmolStr, SmolStr)>,
}

const KEYS: [&str; 20] = [
    "kind",
    "id",
    "cloudformation",
    "terraform",
    "custodian",
    "scope",
    "home",
    "list",
    "expand",
    "name",
    "arn",
    "region",
    "unique",
    "owner",
    "shared_by",
    "omit",
    "tags",
    "policy",
    "describe",
    "iac",
];

impl Resource {
    /// Reads a resource file.
    ///
    /// # Errors
    /// Everything that is wrong with its form, each with line and column.
    pub fn parse(file: &ContentFile) -> Result<Self, Vec<ContentError>> {
        let yaml = read(file).map_err(|e| vec![e])?;
        let mut r = Reader::new(file);
        r.only(&yaml, &[&KEYS[..], &["fields"]].concat());
        let id = r.want_text(&yaml, "id");
        let wanted =
            file.path.strip_prefix("resources/").and_then(|p| p.strip_suffix(".yaml")).map(|p| p.replace('/', "."));
        if let Some(wanted) = wanted
            && wanted != id
        {
            r.complain(yaml.get("id").unwrap_or(&yaml), format!("the id must follow the path: `{wanted}`"));
        }
        if r.want_text(&yaml, "kind") != "resource" {
            r.complain(yaml.get("kind").unwrap_or(&yaml), "`kind` must be `resource`");
        }
        let regional = match r.text(&yaml, "scope").as_deref() {
            None | Some("region") => true,
            Some("account") => false,
            Some(other) => {
                r.complain(
                    yaml.get("scope").unwrap_or(&yaml),
                    format!("`scope` is `account` or `region`, found `{other}`"),
                );
                true
            }
        };
        if regional && let Some(at) = yaml.get("home") {
            r.complain(at, "`home` is for a kind with `scope: account`");
        }
        let resource = Self {
            file: file.clone(),
            cloudformation: r.text(&yaml, "cloudformation"),
            terraform: r.text(&yaml, "terraform"),
            custodian: r.text(&yaml, "custodian"),
            regional,
            home: r.text(&yaml, "home"),
            list: list(&mut r, &yaml),
            expand: yaml.get("expand").map(|y| expand(&mut r, y)),
            name: r.want_text(&yaml, "name"),
            arn: r.text(&yaml, "arn"),
            region: r.text(&yaml, "region"),
            unique: r.text(&yaml, "unique"),
            owner: r.text(&yaml, "owner"),
            shared_by: r.text(&yaml, "shared_by"),
            omit: r.texts(&yaml, "omit"),
            tags: r.text(&yaml, "tags"),
            policy: r.text(&yaml, "policy"),
            describe: yaml.get("describe").map(|y| describe(&mut r, y)),
            fields: fields(&mut r, &yaml),
            iac: yaml.get("iac").map(|y| spec::read(&mut r, y)).unwrap_or_default(),
            id,
        };
        r.finish(resource)
    }
}

fn list(r: &mut Reader<'_>, yaml: &Yaml) -> Option<List> {
    let Some(at) = yaml.get("list") else {
        r.complain(yaml, "`list` is missing: a call, or `self`");
        return None;
    };
    if at.text() == Some("self") {
        return None;
    }
    r.only(at, &["call", "with", "over", "keep", "union", "each", "as", "first", "not_ready", "decode", "columns"]);
    let map = |name: &str| at.get(name).and_then(Yaml::value).and_then(|v| v.as_map().cloned()).unwrap_or_default();
    let (with, union) = (map("with"), map("union"));
    let csv = match r.text(at, "decode").as_deref() {
        None => None,
        Some("csv") => Some(r.texts(at, "columns")),
        Some(other) => {
            r.complain(at, format!("`decode` is `csv`, found `{other}`"));
            None
        }
    };
    Some(List {
        call: r.want_text(at, "call"),
        with,
        over: r.text(at, "over"),
        keep: r.texts(at, "keep"),
        union,
        each: r.text(at, "each"),
        item: r.text(at, "as"),
        first: r.text(at, "first"),
        not_ready: r.texts(at, "not_ready"),
        csv,
    })
}

fn expand(r: &mut Reader<'_>, at: &Yaml) -> Expand {
    r.only(at, &["slot", "fields", "unless"]);
    let pairs = |name: &str| at.get(name).and_then(Yaml::entries).unwrap_or_default().iter();
    Expand {
        slots: r.texts(at, "slot"),
        fields: pairs("fields").filter_map(|(k, v)| Some((k.name.clone(), v.text()?.into()))).collect(),
        unless: pairs("unless").filter_map(|(k, v)| Some((k.name.clone(), v.value()?))).collect(),
    }
}

fn describe(r: &mut Reader<'_>, at: &Yaml) -> Describe {
    r.only(at, &["call", "with", "take", "batch", "match"]);
    let batch = at.get("batch").and_then(|b| match b.kind {
        YamlKind::Int(n) if n > 0 => Some((usize::try_from(n).unwrap_or(1), r.want_text(at, "match"))),
        _ => {
            r.complain(b, "`batch` wants a whole number above 0");
            None
        }
    });
    Describe { call: r.want_text(at, "call"), with: inputs(at), take: r.text(at, "take"), batch }
}

fn fields(r: &mut Reader<'_>, yaml: &Yaml) -> Vec<FieldCall> {
    let mut out = Vec::new();
    for (key, at) in yaml.get("fields").and_then(Yaml::entries).unwrap_or_default() {
        r.only(at, &["call", "with", "take", "absent_on", "member", "of"]);
        let member = at.get("member").is_some().then(|| (r.want_text(at, "member"), r.want_text(at, "of")));
        out.push(FieldCall {
            name: key.name.clone(),
            call: r.want_text(at, "call"),
            with: inputs(at),
            take: r.text(at, "take"),
            absent_on: r.texts(at, "absent_on"),
            member,
        });
    }
    out
}

fn inputs(at: &Yaml) -> Vec<(SmolStr, Input)> {
    let entries = at.get("with").and_then(Yaml::entries).unwrap_or_default();
    entries.iter().filter_map(|(k, v)| Some((k.name.clone(), input(v)?))).collect()
}

fn input(v: &Yaml) -> Option<Input> {
    if let Some(t) = v.text() {
        return Some(if t.contains('{') { Input::Constant(Value::text(t)) } else { Input::Path(t.into()) });
    }
    if let Some(literal) = v.get("literal") {
        return literal.value().map(Input::Constant);
    }
    match v.items() {
        Some([one]) if one.text().is_some() => one.text().map(|t| Input::Paths(t.into())),
        _ => v.value().map(Input::Constant),
    }
}
