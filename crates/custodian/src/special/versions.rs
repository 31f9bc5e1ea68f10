//! `upgrade-available`: whether the service offers a newer version of the resource's engine.

use super::{Build, Made, agree, asking, kind, list, setting, text, tri};
use crate::filter::{Answer, Ask, Read};
use crate::py::{Component, Op, Py, version};
use serde_json::{Value as Json, json};

pub(super) fn make(b: &Build<'_, '_>) -> Option<Result<Made, String>> {
    if b.name != "upgrade-available" {
        return None;
    }
    Some(match b.resource() {
        "rds" => Ok(rds(b)),
        "cache-cluster" => cache(b),
        "eks" => eks(b),
        "elasticsearch" => search(b),
        "kafka" => Ok(kafka(b)),
        other => Err(format!("upgrades of `{other}` are not looked up")),
    })
}

fn major(b: &Build<'_, '_>) -> bool {
    b.flag("major").unwrap_or(false)
}

fn newer(a: &str, than: &str) -> bool {
    let of = |t: &str| Py::Version(version(&Json::from(t)));
    Op::of("gt", None).is_ok_and(|op| op.holds(&of(a), &of(than)))
}

/// A component of a version as a number.
fn part(of: &str, at: usize) -> Option<u64> {
    match version(&Json::from(of)).get(at) {
        Some(Component::Number(n)) => Some(*n),
        _ => None,
    }
}

fn told(wanted: bool, targets: Vec<String>, note: &str) -> Answer {
    match (wanted, targets.is_empty()) {
        (true, false) => Answer::Yes(vec![(note.to_owned(), targets.into())]),
        (wanted, none) => agree(wanted, !none),
    }
}

/// A question to what the Region offers.
fn offered(name: &'static str, test: impl Fn(&Ask<'_>, &Json) -> Answer + 'static) -> Made {
    let made = Made::on(&[], move |ask: &Ask<'_>| tri(|| Ok(test(ask, &setting(ask, "region", name)?))));
    made.reading([kind("region"), Read::Field("region".into(), name.into())])
}

fn rds(b: &Build<'_, '_>) -> Made {
    let with = json!({"Engine": "{Engine}", "EngineVersion": "{EngineVersion}"});
    let call = b.call("rds:DescribeDBEngineVersions", &with).taking("DBEngineVersions");
    let (wanted, major) = (b.flag("value").unwrap_or(true), major(b));
    asking(call, move |_, told| {
        let mut best = String::from("0.0.0");
        for v in list(&told) {
            for t in list(v.get("ValidUpgradeTarget").unwrap_or(&Json::Null)) {
                let to = text(t, "EngineVersion");
                if (major || t.get("IsMajorVersionUpgrade") != Some(&Json::Bool(true))) && newer(to, &best) {
                    best = to.to_owned();
                }
            }
        }
        Ok(match best.as_str() {
            "0.0.0" => (!wanted).into(),
            // Where one is offered, it is chosen whatever is wanted.
            _ => Answer::Yes(vec![("c7n-rds-engine-upgrade".to_owned(), best.into())]),
        })
    })
}

fn cache(b: &Build<'_, '_>) -> Result<Made, String> {
    let (wanted, major) = (b.flag("value").unwrap_or(true), major(b));
    Ok(offered("ElastiCacheUpdates", move |ask, updates| {
        let (engine, now) = (ask.res.text("Engine").to_lowercase(), ask.res.text("EngineVersion"));
        let hit = list(updates).iter().filter(|u| text(u, "Engine").to_lowercase() == engine).any(|u| {
            let said = text(u, "EngineVersion").replace("and onwards", "");
            let Some((_, to)) = said.trim().rsplit_once('-') else { return false };
            if to.is_empty() || newer(now, to) || (to == now && !wanted) {
                return false;
            }
            to == now || part(to, 0) == part(now, 0) || major
        });
        hit.into()
    }))
}

fn eks(b: &Build<'_, '_>) -> Result<Made, String> {
    let (wanted, major) = (b.flag("value").unwrap_or(true), major(b));
    let made = offered("EksVersions", move |ask, versions| {
        let now = ask.res.text("version");
        if now.is_empty() {
            return ask.res.gap("version").map_or(Answer::No, Answer::Unknown);
        }
        let mut all: Vec<&str> = list(versions).iter().map(|v| text(v, "clusterVersion")).collect();
        all.sort_unstable();
        let at = all.iter().position(|v| *v == now).map_or(all.len(), |p| p + 1);
        let later = all.get(at..).unwrap_or_default().iter();
        let fits = |v: &&&str| (major || part(v, 0) <= part(now, 0)) && part(v, 1) > part(now, 1);
        told(wanted, later.filter(fits).map(|v| (*v).to_owned()).collect(), "c7n:AvailableUpgrades")
    });
    Ok(made.reading([super::own("version")]))
}

/// Engine and version of `OpenSearch_1.3` and of a bare `7.10`.
fn engine(of: &str) -> (String, &str) {
    let (engine, version) = of.split_once('_').unwrap_or(("Elasticsearch", of));
    (engine.to_lowercase(), version)
}

fn search(b: &Build<'_, '_>) -> Result<Made, String> {
    let (wanted, major) = (b.flag("value").unwrap_or(true), major(b));
    let made = offered("OpenSearchVersions", move |ask, maps| {
        if let Some(gap) = ask.res.gap("EngineVersion") {
            return Answer::Unknown(gap);
        }
        let (own, now) = engine(ask.res.text("EngineVersion"));
        let mut targets = Vec::new();
        for map in list(maps) {
            let (from, source) = engine(text(map, "SourceVersion"));
            if from != own || part(source, 0) != part(now, 0) || part(source, 1) != part(now, 1) {
                continue;
            }
            for t in list(map.get("TargetVersions").unwrap_or(&Json::Null)).iter().filter_map(Json::as_str) {
                let (to, number) = engine(t);
                if major || to == own && part(number, 0) <= part(source, 0) {
                    targets.push(t.to_owned());
                }
            }
        }
        told(wanted, targets, "c7n:AvailableUpgrades")
    });
    Ok(made.reading([super::own("EngineVersion")]))
}

fn kafka(b: &Build<'_, '_>) -> Made {
    let call = b.call("kafka:GetCompatibleKafkaVersions", &json!({"ClusterArn": "{ClusterArn}"}));
    let (wanted, major) = (b.flag("value").unwrap_or(true), major(b));
    asking(call.taking("CompatibleKafkaVersions"), move |ask, maps| {
        let now = ask.res.json.pointer("/Provisioned/CurrentBrokerSoftwareInfo/KafkaVersion");
        let now = now.and_then(Json::as_str).unwrap_or_default();
        let map = list(&maps).iter().find(|m| text(m, "SourceVersion") == now);
        let targets = list(map.and_then(|m| m.get("TargetVersions")).unwrap_or(&Json::Null));
        let fits = |t: &&str| newer(t, now) && (major || part(t, 0) <= part(now, 0));
        let later: Vec<String> = targets.iter().filter_map(Json::as_str).filter(fits).map(str::to_owned).collect();
        Ok(told(wanted, later, "c7n:kafka-upgrade-versions"))
    })
}
