//! Filters of databases: the parameters that they run with, and maintenance that is due.

use super::{Build, Made, all, asking, kind, list, setting, text, tri};
use crate::call::Call;
use crate::filter::{Answer, Ask, Read};
use crate::value::ValueFilter;
use crate::world::not_told;
use serde_json::{Value as Json, json};

pub(super) fn make(b: &Build<'_, '_>) -> Option<Result<Made, String>> {
    Some(match (b.resource(), b.name) {
        ("rds" | "rds-cluster", "pending-maintenance") => Ok(maintenance()),
        ("rds", "db-parameter") => parameters_of_instance(b),
        ("rds-param-group" | "rds-cluster-param-group", "db-parameter") => parameters_of_group(b),
        ("redshift", "param") => warehouse(b),
        _ => return None,
    })
}

/// A value question to the parameters of a cluster's groups.
fn warehouse(b: &Build<'_, '_>) -> Result<Made, String> {
    const GROUPS: &str = "redshift.cluster_parameter_group";
    let value: ValueFilter = b.value()?;
    let typed = |p: &Json| {
        let text_of = text(p, "ParameterValue");
        let plain = text_of == "default" || !["boolean", "integer"].contains(&text(p, "DataType"));
        let value = if plain { None } else { serde_json::from_str(text_of).ok() };
        (text(p, "ParameterName").to_owned(), value.unwrap_or_else(|| Json::from(text_of)))
    };
    let made = Made::on(&["ClusterParameterGroups"], move |ask: &Ask<'_>| {
        tri(|| {
            let groups = all(ask, GROUPS)?;
            for g in list(ask.res.get("ClusterParameterGroups")?) {
                let name = text(g, "ParameterGroupName");
                let found = groups.iter().find(|p| p.text("ParameterGroupName") == name);
                let found = found.ok_or_else(|| not_told(format!("the parameter group `{name}` was not listed")))?;
                let told: serde_json::Map<_, _> = list(&found.called("Parameters")?).iter().map(typed).collect();
                if value.matches(&told.into(), ask.scene.now) {
                    return Ok(Answer::Yes(Vec::new()));
                }
            }
            Ok(Answer::No)
        })
    });
    Ok(made.reading([kind(GROUPS), Read::Field(GROUPS.into(), "Parameters".into())]))
}

fn maintenance() -> Made {
    let made = Made::on(&[], |ask: &Ask<'_>| {
        tri(|| {
            let told = setting(ask, "region", "PendingMaintenanceActions")?;
            let arn = ask.res.asset.arn.as_deref().unwrap_or_default();
            let mine = list(&told).iter().filter(|a| text(a, "ResourceIdentifier") == arn);
            let mine: Vec<Json> = mine.cloned().collect();
            Ok(if mine.is_empty() {
                Answer::No
            } else {
                Answer::Yes(vec![("c7n:PendingMaintenance".to_owned(), mine.into())])
            })
        })
    });
    made.reading([kind("region"), Read::Field("region".into(), "PendingMaintenanceActions".into())])
}

/// Parameters by name, in the type that the engine says.
fn parameters(told: &Json) -> Json {
    let typed = |p: &Json| {
        let value = p.get("ParameterValue")?.as_str()?;
        let digits = !value.is_empty() && value.bytes().all(|b| b.is_ascii_digit());
        let value = match text(p, "DataType") {
            "boolean" if digits => (value.bytes().any(|b| b != b'0')).into(),
            "boolean" if value == "TRUE" => true.into(),
            "boolean" if value == "FALSE" => false.into(),
            "integer" if digits => value.parse::<u64>().map_or_else(|_| Json::from(value), Json::from),
            "float" => json!(value.parse::<f64>().unwrap_or(0.0)),
            _ => value.into(),
        };
        Some((text(p, "ParameterName").to_owned(), value))
    };
    list(told).iter().filter_map(typed).collect::<serde_json::Map<_, _>>().into()
}

fn parameter_call(of: &str, cluster: bool) -> Call {
    let (call, name) = if cluster {
        ("rds:DescribeDBClusterParameters", "DBClusterParameterGroupName")
    } else {
        ("rds:DescribeDBParameters", "DBParameterGroupName")
    };
    Call::new(of, call, &json!({name: format!("{{{name}}}"), "MaxRecords": 100})).taking("Parameters")
}

/// A value question to parameters by name: a name may hold dots, and is then no path.
fn parameter_question(b: &Build<'_, '_>) -> Result<impl Fn(&Json, jiff::Timestamp) -> bool + use<>, String> {
    let value: ValueFilter = b.value()?;
    Ok(move |told: &Json, now| value.matches(&parameters(told), now))
}

fn parameters_of_instance(b: &Build<'_, '_>) -> Result<Made, String> {
    let (question, of) = (parameter_question(b)?, b.kind("rds-param-group")?);
    let (key, call, listed) = (b.text("key").unwrap_or_default(), parameter_call(&of, false), of.clone());
    let asked = call.clone();
    let made = Made::on(&["DBParameterGroups"], move |ask: &Ask<'_>| {
        tri(|| {
            let groups = all(ask, &listed)?;
            for g in list(ask.res.get("DBParameterGroups")?) {
                let name = text(g, "DBParameterGroupName");
                let found = groups.iter().find(|p| p.text("DBParameterGroupName") == name);
                let found = found.ok_or_else(|| not_told(format!("the parameter group `{name}` was not listed")))?;
                if question(&found.asked(&asked)?, ask.scene.now) {
                    return Ok(Answer::Yes(vec![("c7n:MatchedDBParameter".to_owned(), json!([key]))]));
                }
            }
            Ok(Answer::No)
        })
    });
    Ok(made.reading([kind(&of), Read::Asked(call)]))
}

fn parameters_of_group(b: &Build<'_, '_>) -> Result<Made, String> {
    let (question, key) = (parameter_question(b)?, b.text("key").unwrap_or_default());
    let call = parameter_call(&b.cx.kind.kind, b.resource() == "rds-cluster-param-group");
    Ok(asking(call, move |ask, told| {
        let noted = vec![("c7n:MatchedDBParameter".to_owned(), json!([key]))];
        Ok(if question(&told, ask.scene.now) { Answer::Yes(noted) } else { Answer::No })
    }))
}
