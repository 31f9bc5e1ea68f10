//! How long the shipped checks take over a generated snapshot of 100,000 assets, and in how much memory.
//!
//! Run with `cargo bench -p yagura-inventory`. The assets are those of the checks' own fixtures, over and over, under
//! names of their own, spread over accounts and Regions.

#![allow(clippy::indexing_slicing, reason = "places are taken modulo the length")]

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::{Duration, Instant};
use yagura_aws::Facts;
use yagura_inventory::{Kinds, Resource};
use yagura_model::{Asset, Caller, ContentFile, Field, Gap, GapReason, Scope, Status, Value};
use yagura_rule::yaml::{Yaml, YamlKind, read};
use yagura_rule::{Check, CheckFile, Estate, LAMBDA_RUNTIMES, Schema, Tables, judge};

const ASSETS: usize = 100_000;
const ACCOUNTS: usize = 10;
const REGIONS: usize = 17;
const THREADS: usize = 2;
const ROUNDS: usize = 5;

fn main() {
    let content = Content::read();
    let (checks, schema) = content.checks();
    let mut estate = content.estate(&checks, &schema);
    println!("{} checks, {} assets, {} threads", checks.len(), estate.assets().len(), THREADS);
    let before = memory();
    let mut best = Duration::MAX;
    let mut told: BTreeMap<Status, usize> = BTreeMap::new();
    for _ in 0..ROUNDS {
        let start = Instant::now();
        let out = judge(&mut estate, &checks, THREADS);
        best = best.min(start.elapsed());
        told.clear();
        for j in &out {
            *told.entry(j.status).or_default() += 1;
        }
    }
    let verdicts: usize = told.values().sum();
    println!("{verdicts} verdicts {told:?}");
    println!(
        "best of {ROUNDS}: {best:?}, {:.0} ns a verdict (wanted: under 1 s)",
        best.as_nanos() as f64 / verdicts as f64
    );
    println!("resident before judging {} MB, peak {} MB (wanted: under 500 MB)", before.0 / 1024, memory().1 / 1024);
}

/// Resident memory now and at its peak, in kB.
fn memory() -> (u64, u64) {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let of = |key: &str| {
        let line = status.lines().find_map(|l| l.strip_prefix(key)).unwrap_or_default();
        line.trim().trim_end_matches(" kB").parse().unwrap_or(0)
    };
    (of("VmRSS:"), of("VmHWM:"))
}

struct Content {
    root: PathBuf,
    files: Vec<ContentFile>,
}

impl Content {
    fn read() -> Self {
        let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../content");
        let mut files = Vec::new();
        walk(&root, &root, &mut files);
        files.sort_by(|a, b| a.path.cmp(&b.path));
        Self { root, files }
    }

    fn below<'c>(&'c self, folder: &'c str) -> impl Iterator<Item = &'c ContentFile> {
        self.files.iter().filter(move |f| f.path.starts_with(folder))
    }

    fn checks(&self) -> (Vec<Check>, Schema) {
        let aws = self.root.join("aws");
        let permissions = self.below("permissions.yaml").next().map(|f| f.text.as_str()).unwrap_or_default();
        let facts = Facts::new(move |service| std::fs::read(aws.join(format!("{service}.json"))).ok(), permissions);
        let facts = facts.unwrap_or_else(|e| stop(&e));
        let resources: Vec<Resource> =
            self.below("resources/").map(|f| Resource::parse(f).unwrap_or_else(|e| stop(&e))).collect();
        let (kinds, errors) = Kinds::resolve(resources, &facts);
        if !errors.is_empty() {
            stop(&errors);
        }
        let schema = kinds.schema();
        let compile = |f| CheckFile::parse(f).and_then(|c| c.compile(&schema, None, &[])).unwrap_or_else(|e| stop(&e));
        (self.below("checks/").map(compile).collect(), schema)
    }

    /// Assets of every kind that the checks judge or join, in equal parts.
    fn estate(&self, checks: &[Check], schema: &Schema) -> Estate {
        let samples = self.samples(checks);
        let regions: Vec<_> = (0..REGIONS).map(|r| format!("region-{r}")).collect();
        let accounts: Vec<_> = (0..ACCOUNTS).map(|a| format!("{:012}", a + 1)).collect();
        let callers =
            accounts.iter().map(|a| Caller { account: a.into(), arn: "".into(), partition: "aws".into() }).collect();
        let scope = Scope { regions: regions.iter().map(Into::into).collect(), all_regions: true, ..Scope::default() };
        let tables = self
            .below(LAMBDA_RUNTIMES)
            .next()
            .map(|f| Tables::read(f).unwrap_or_else(|e| stop(&e)))
            .unwrap_or_default();
        let now = "2026-01-01T00:00:00Z".parse().unwrap_or_else(|e| stop(&e));
        let mut estate = Estate::new(now, callers, scope, Arc::new(tables));
        let many = samples.keys().filter(|k| !k.contains("account") && *k != "region").count();
        for (kind, rows) in &samples {
            let regional = schema.kind(kind).is_some_and(|k| k.regional);
            let count = match kind.as_str() {
                "account" => ACCOUNTS,
                "region" => ACCOUNTS * REGIONS,
                _ => (ASSETS - ACCOUNTS - ACCOUNTS * REGIONS) / many,
            };
            for (nth, row) in rows.iter().cycle().take(count).enumerate() {
                let account = &accounts[nth % ACCOUNTS];
                let region = if regional { regions[nth / ACCOUNTS % REGIONS].as_str() } else { "aws-global" };
                let mut asset = row.clone();
                (asset.id, asset.account, asset.region) =
                    (format!("{kind}-{nth}").into(), account.into(), region.into());
                for (kind, field) in [("ec2.vpc", "VpcId"), ("ec2.flow_log", "ResourceId")] {
                    if asset.kind == kind {
                        asset.set(field, Field::Known(Value::text(format!("vpc-{nth}"))));
                    }
                }
                estate.push(asset);
            }
            for account in &accounts {
                for region in regions.iter().map(String::as_str).chain(["aws-global"]) {
                    estate.set_listing((kind.into(), account.into(), region.into()), None);
                }
            }
        }
        estate
    }

    /// The assets that fixtures speak of, by kind.
    fn samples(&self, checks: &[Check]) -> BTreeMap<String, Vec<Asset>> {
        let mut out: BTreeMap<String, Vec<Asset>> = BTreeMap::new();
        for file in self.below("checks/") {
            let yaml = read(file).unwrap_or_else(|e| stop(&e));
            let Some(check) = checks.iter().find(|c| yaml.get("id").and_then(Yaml::text) == Some(c.id.as_str())) else {
                continue;
            };
            for (_, row) in yaml.get("tests").and_then(Yaml::entries).unwrap_or_default() {
                let this = row.get("this").map(|t| (check.each.to_string(), t));
                let joined = check.joins.iter().flat_map(|j| {
                    let items = row.get(&j.name).and_then(Yaml::items).unwrap_or_default();
                    items.iter().map(|i| (j.kind.to_string(), i))
                });
                for (kind, yaml) in this.into_iter().chain(joined) {
                    out.entry(kind.clone()).or_default().push(sample(&kind, yaml));
                }
            }
        }
        out
    }
}

fn sample(kind: &str, yaml: &Yaml) -> Asset {
    let mut asset = Asset {
        kind: kind.into(),
        arn: None,
        id: "".into(),
        account: "".into(),
        region: "".into(),
        fields: Vec::new(),
    };
    for (key, value) in yaml.entries().unwrap_or_default() {
        let field = match &value.kind {
            YamlKind::Text(t) if t == "unknown" => {
                Field::Unknown(Arc::new(Gap::new(GapReason::AccessDenied, "denied")))
            }
            YamlKind::Text(t) if t == "absent" => Field::Absent,
            _ => value.value().map_or(Field::Absent, Field::Known),
        };
        asset.set(key.name.clone(), field);
    }
    asset
}

fn walk(root: &Path, folder: &Path, out: &mut Vec<ContentFile>) {
    for entry in std::fs::read_dir(folder).into_iter().flatten().flatten() {
        let path = entry.path();
        if path.is_dir() {
            walk(root, &path, out);
        } else if path.extension().is_some_and(|e| e == "yaml") {
            let name = path.strip_prefix(root).unwrap_or(&path).to_string_lossy().into_owned();
            out.push(ContentFile {
                path: name,
                text: std::fs::read_to_string(&path).unwrap_or_default(),
                shipped: true,
            });
        }
    }
}

fn stop(error: &dyn std::fmt::Debug) -> ! {
    eprintln!("{error:?}");
    std::process::exit(1)
}
