//! Filters of instances, volumes and snapshots.

use super::{Build, Made, all, kind, tri};
use crate::filter::{Answer, Ask};
use crate::py::{self, Op, Py};
use crate::value::ValueFilter;
use serde_json::Value as Json;

pub(super) fn make(b: &Build<'_, '_>) -> Option<Result<Made, String>> {
    Some(match (b.resource(), b.name) {
        ("ec2", "ebs") => volumes(b),
        ("ec2", "ephemeral") => Ok(ephemeral()),
        ("ec2", "instance-age") => instance_age(b),
        ("ebs", "instance") => instance(b),
        ("ebs-snapshot", "volume") => volume(b),
        ("ec2", "termination-protected") => attribute(b, "DisableApiTermination"),
        ("ec2", "stop-protected") => attribute(b, "DisableApiStop"),
        _ => return None,
    })
}

fn mappings(instance: &Json) -> &[Json] {
    instance.get("BlockDeviceMappings").and_then(Json::as_array).map(Vec::as_slice).unwrap_or_default()
}

fn attached_to(volume: &Json) -> Option<&str> {
    volume.pointer("/Attachments/0/InstanceId")?.as_str()
}

/// A value question to the volumes of an instance.
fn volumes(b: &Build<'_, '_>) -> Result<Made, String> {
    let of = b.kind("ebs")?;
    let value = b.value()?;
    let every = b.text("operator").as_deref() == Some("and");
    let skip = b.texts("skip-devices");
    let listed = of.clone();
    let made = Made::on(&["BlockDeviceMappings"], move |ask: &Ask<'_>| {
        tri(|| {
            let id = ask.res.text("InstanceId");
            let found = all(ask, &listed)?;
            let mine: Vec<_> = found.iter().filter(|v| attached_to(&v.json) == Some(id)).collect();
            if mine.is_empty() {
                return Ok(Answer::No);
            }
            let skipped = |v: &Json| {
                let attached = v.get("Attachments").and_then(Json::as_array).into_iter().flatten();
                attached.into_iter().any(|a| skip.iter().any(|s| a.get("Device").is_some_and(|d| d == s.as_str())))
            };
            let mut asked = mine.iter().filter(|v| !skipped(&v.json)).map(|v| value.matches(&v.json, ask.scene.now));
            Ok((if every { asked.all(|m| m) } else { asked.any(|m| m) }).into())
        })
    });
    Ok(made.reading([kind(&of)]))
}

/// Instances whose root device is no volume.
fn ephemeral() -> Made {
    Made::on(&["BlockDeviceMappings"], |ask: &Ask<'_>| {
        let root = mappings(&ask.res.json).iter().find(|m| {
            let name = m.get("DeviceName").and_then(Json::as_str);
            matches!(name, Some("/dev/sda1" | "/dev/xvda" | "xvda"))
        });
        root.is_none_or(|m| m.get("Ebs").is_none()).into()
    })
}

/// How long ago the first volume was attached; without volumes, the launch.
fn instance_age(b: &Build<'_, '_>) -> Result<Made, String> {
    let op = Op::of(b.text("op").as_deref().unwrap_or("greater-than"), None)?;
    let number = |key: &str| b.data.get(key).and_then(Json::as_f64).unwrap_or(0.0);
    let seconds = number("days") * 86_400.0 + number("hours") * 3600.0 + number("minutes") * 60.0;
    let span = jiff::SignedDuration::from_secs(seconds.clamp(-1e11, 1e11) as i64);
    Ok(Made::on(&["BlockDeviceMappings", "LaunchTime"], move |ask: &Ask<'_>| {
        let attached = mappings(&ask.res.json).iter().filter_map(|m| py::date(m.pointer("/Ebs/AttachTime")?)).min();
        let born = attached.or_else(|| py::date(ask.res.json.get("LaunchTime")?));
        match (born, ask.scene.now.checked_sub(span)) {
            (Some(born), Ok(limit)) => op.holds(&Py::Date(limit), &Py::Date(born)).into(),
            _ => Answer::Unknown(crate::world::not_told("the instance's launch was not told")),
        }
    }))
}

/// A value question to the instance that a volume is attached to.
fn instance(b: &Build<'_, '_>) -> Result<Made, String> {
    joined(b, "ec2", "Attachments", |json| attached_to(json).map(str::to_owned))
}

/// A value question to the volume that a snapshot was made of.
fn volume(b: &Build<'_, '_>) -> Result<Made, String> {
    joined(b, "ebs", "VolumeId", |json| json.get("VolumeId")?.as_str().map(str::to_owned))
}

fn joined(b: &Build<'_, '_>, other: &str, root: &str, id: fn(&Json) -> Option<String>) -> Result<Made, String> {
    let of = b.kind(other)?;
    let value: ValueFilter = b.value()?;
    let listed = of.clone();
    let made = Made::on(&[root], move |ask: &Ask<'_>| {
        tri(|| {
            let Some(id) = id(&ask.res.json) else { return Ok(Answer::No) };
            if let Some(r) = ask.scene.world.by_id(&listed, &id, ask.scene.place) {
                return match r.gap_in(&value.roots()) {
                    Some(gap) => Err(gap),
                    None => Ok(value.matches(&r.json, ask.scene.now).into()),
                };
            }
            all(ask, &listed).map(|_| Answer::No)
        })
    });
    Ok(made.reading([kind(&of)]))
}

/// A protection that has a call of its own.
fn attribute(b: &Build<'_, '_>, field: &'static str) -> Result<Made, String> {
    if !b.cx.kind.called.contains(field) {
        return Err(format!("`{field}` of an instance is not read"));
    }
    let made = Made::on(&[], move |ask: &Ask<'_>| match ask.res.field(field) {
        Ok(v) => (v == Json::Bool(true) || v.get("Value") == Some(&Json::Bool(true))).into(),
        Err(gap) => Answer::Unknown(gap),
    });
    Ok(made.reading([super::own(field)]))
}
