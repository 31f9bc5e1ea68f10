//! `metrics` and `shield-metrics`: what Amazon CloudWatch measured of a resource (GetMetricStatistics).

use super::{Build, Made, asking, list};
use crate::filter::{Answer, Ask};
use crate::py::{Op, Py, date};
use crate::world::not_told;
use jiff::{SignedDuration, Timestamp};
use serde_json::{Value as Json, json};

/// A resource's namespace and dimensions, by the services' pages on their CloudWatch metrics; of values, the resource's fields in braces.
type Dimensions = &'static [(&'static str, &'static str)];
const MEASURED: [(&str, &str, Dimensions); 41] = [
    ("app-elb", "AWS/ApplicationELB", &[("LoadBalancer", "{LoadBalancerArn>loadbalancer/}")]),
    ("asg", "AWS/AutoScaling", &[("AutoScalingGroupName", "{AutoScalingGroupName}")]),
    ("cache-cluster", "AWS/ElastiCache", &[("CacheClusterId", "{CacheClusterId}")]),
    ("client-vpn-endpoint", "AWS/ClientVPN", &[("ClientVpnEndpointId", "{ClientVpnEndpointId}")]),
    ("cloudsearch", "AWS/CloudSearch", &[("DomainName", "{DomainName}")]),
    ("codebuild", "AWS/CodeBuild", &[("ProjectName", "{name}")]),
    ("distribution", "AWS/CloudFront", &[("DistributionId", "{Id}"), ("Region", "Global")]),
    ("dynamodb-table", "AWS/DynamoDB", &[("TableName", "{TableName}")]),
    ("ebs", "AWS/EBS", &[("VolumeId", "{VolumeId}")]),
    ("ec2", "AWS/EC2", &[("InstanceId", "{InstanceId}")]),
    ("ecr", "AWS/ECR", &[("RepositoryName", "{repositoryName}")]),
    ("ecs", "AWS/ECS", &[("ClusterName", "{clusterName}")]),
    ("ecs-service", "AWS/ECS", &[("ClusterName", "{clusterArn/}"), ("ServiceName", "{serviceArn/}")]),
    ("efs", "AWS/EFS", &[("FileSystemId", "{FileSystemId}")]),
    ("eks", "ContainerInsights", &[("ClusterName", "{name}")]),
    ("elasticache-group", "AWS/ElastiCache", &[("ReplicationGroupId", "{ReplicationGroupId}")]),
    ("elasticsearch", "AWS/ES", &[("ClientId", "{account}"), ("DomainName", "{DomainName}")]),
    ("elb", "AWS/ELB", &[("LoadBalancerName", "{LoadBalancerName}")]),
    ("emr", "AWS/ElasticMapReduce", &[("JobFlowId", "{Id}")]),
    ("event-rule", "AWS/Events", &[("RuleName", "{Name}")]),
    ("firehose", "AWS/Firehose", &[("DeliveryStreamName", "{DeliveryStreamName}")]),
    ("fsx", "AWS/FSx", &[("FileSystemId", "{FileSystemId}")]),
    ("kinesis", "AWS/Kinesis", &[("StreamName", "{StreamName}")]),
    ("lambda", "AWS/Lambda", &[("FunctionName", "{FunctionName}")]),
    ("log-group", "AWS/Logs", &[("LogGroupName", "{logGroupName}")]),
    ("message-broker", "AWS/AmazonMQ", &[("Broker", "{BrokerName}-1")]),
    ("nat-gateway", "AWS/NATGateway", &[("NatGatewayId", "{NatGatewayId}")]),
    ("rds", "AWS/RDS", &[("DBInstanceIdentifier", "{DBInstanceIdentifier}")]),
    ("rds-cluster", "AWS/RDS", &[("DBClusterIdentifier", "{DBClusterIdentifier}")]),
    ("rds-cluster-param-group", "AWS/RDS", &[("DBClusterParameterGroupName", "{DBClusterParameterGroupName}")]),
    ("rds-param-group", "AWS/RDS", &[("DBParameterGroupName", "{DBParameterGroupName}")]),
    ("redshift", "AWS/Redshift", &[("ClusterIdentifier", "{ClusterIdentifier}")]),
    ("rest-api", "AWS/ApiGateway", &[("ApiName", "{name}")]),
    ("s3", "AWS/S3", &[("BucketName", "{Name}")]),
    ("s3-directory", "AWS/S3", &[("BucketName", "{Name}")]),
    ("sns", "AWS/SNS", &[("TopicName", "{TopicArn:}")]),
    ("sqs", "AWS/SQS", &[("QueueName", "{QueueUrl/}")]),
    (
        "transit-attachment",
        "AWS/TransitGateway",
        &[("TransitGateway", "{TransitGatewayId}"), ("TransitGatewayAttachment", "{TransitGatewayAttachmentId}")],
    ),
    ("vpc", "AWS/EC2", &[("Per-VPC Metrics", "{VpcId}")]),
    (
        "vpc-endpoint",
        "AWS/PrivateLinkEndpoints",
        &[
            ("Endpoint Type", "{VpcEndpointType}"),
            ("Service Name", "{ServiceName}"),
            ("VPC Endpoint Id", "{VpcEndpointId}"),
            ("VPC Id", "{VpcId}"),
        ],
    ),
    ("workspaces", "AWS/WorkSpaces", &[("WorkspaceId", "{WorkspaceId}")]),
];

const STANDARD: [&str; 5] = ["Average", "Sum", "Maximum", "Minimum", "SampleCount"];

pub(super) fn make(b: &Build<'_, '_>) -> Option<Result<Made, String>> {
    matches!(b.name, "metrics" | "shield-metrics").then(|| metrics(b))
}

/// The window that ends now, rounded up as far as CloudWatch keeps points: seconds for three hours, minutes for fifteen days, five
/// minutes for 63 days, hours beyond (API reference, `GetMetricStatistics`).
fn window(now: Timestamp, days: f64, whole_days: bool) -> Result<(Timestamp, Timestamp), String> {
    const DAY: f64 = 86_400.0;
    let beyond = || "the time span is beyond any date".to_owned();
    let step: i64 = match days {
        d if d <= 0.125 => 1,
        d if d <= 15.0 => 60,
        d if d <= 63.0 => 300,
        _ => 3600,
    };
    let floor = |t: Timestamp, step: i64| Timestamp::from_second(t.as_second().div_euclid(step) * step).ok();
    let end = floor(now, step).and_then(|t| t.checked_add(SignedDuration::from_secs(step)).ok()).ok_or_else(beyond)?;
    let start = end.checked_sub(SignedDuration::from_secs((days * DAY) as i64)).map_err(|_| beyond())?;
    if whole_days {
        let day = |t| floor(t, 86_400).ok_or_else(beyond);
        return Ok((day(start)?, day(end)?));
    }
    Ok((start, end))
}

fn metrics(b: &Build<'_, '_>) -> Result<Made, String> {
    let known = MEASURED.iter().find(|(r, ..)| *r == b.resource());
    let shield = b.name == "shield-metrics";
    if b.resource() == "distribution" && !b.cx.place.is_nowhere() && b.cx.place.region != "us-east-1" {
        return Err("CloudFront's metrics are kept in us-east-1: run the policy there".to_owned());
    }
    let mut dimensions: Vec<Json> = match known {
        _ if shield => vec![json!({"Name": "ResourceArn", "Value": "{arn}"})],
        Some((_, _, own)) => own.iter().map(|(n, v)| json!({"Name": n, "Value": v})).collect(),
        None => return Err(format!("which dimensions CloudWatch has of `{}` is not known here", b.resource())),
    };
    let name = b.input("name")?.unwrap_or_default();
    let given = b.input("dimensions")?;
    // Without a storage type, the number of objects has no dimension of its own.
    if b.resource() == "s3" && name == "NumberOfObjects" && given.is_none() {
        dimensions.push(json!({"Name": "StorageType", "Value": "AllStorageTypes"}));
    }
    for (n, v) in given.iter().filter_map(Json::as_object).flatten() {
        dimensions.push(json!({"Name": n, "Value": v}));
    }
    let own_space = if shield { "AWS/DDoSProtection" } else { known.map(|(_, ns, _)| *ns).unwrap_or_default() };
    let namespace = b.input("namespace")?.filter(|_| !shield).unwrap_or_else(|| own_space.into());
    let days = b.data.get("days").and_then(Json::as_f64).unwrap_or(14.0);
    if !(0.0..=455.0).contains(&days) {
        return Err("`days` of `metrics` is at most 455".to_owned());
    }
    let align = b.text("period-start").is_some_and(|p| p == "start-of-day");
    let (start, end) = window(b.cx.now, days, align)?;
    let span = end.as_second() - start.as_second();
    let period = b.data.get("period").and_then(Json::as_f64).map_or(span, |p| p as i64);
    let statistic = b.text("statistics").unwrap_or_else(|| "Average".to_owned());
    let list_of = if STANDARD.contains(&statistic.as_str()) { "Statistics" } else { "ExtendedStatistics" };
    let input = json!({
        "Namespace": namespace, "MetricName": name, "Dimensions": dimensions, "Period": period,
        "StartTime": start.to_string(), "EndTime": end.to_string(), list_of: [statistic],
    });
    let question = json!([namespace, name, dimensions, b.data.get("period"), days, align, statistic]);
    let call = b.call("cloudwatch:GetMetricStatistics", &input).taking("Datapoints").asking(&question);

    let op = Op::of(b.text("op").as_deref().unwrap_or("less-than"), None)?;
    let want = b.data.get("value").cloned().unwrap_or(Json::Null);
    let missing = b.data.get("missing-value").cloned();
    let share = b.text("percent-attr");
    let factor = b.data.get("attr-multiplier").and_then(Json::as_f64).filter(|f| *f != 0.0).unwrap_or(1.0);
    let key = format!("{}.{}.{statistic}.{days}", plain(&namespace), plain(&name));
    let mut made = asking(call, move |ask: &Ask<'_>, told| {
        let mut points: Vec<Json> = list(&told).to_vec();
        points.sort_by_key(|p| p.get("Timestamp").and_then(date));
        if points.is_empty() {
            let Some(fill) = &missing else { return Ok(Answer::No) };
            points.push(json!({"Timestamp": start.to_string(), statistic.as_str(): fill}));
        }
        let whole = match &share {
            Some(attr) => {
                let whole = ask.res.get(attr)?.as_f64().ok_or_else(|| not_told(format!("`{attr}` is no number")))?;
                Some(whole * factor)
            }
            None => None,
        };
        for p in &points {
            let of = p.get("ExtendedStatistics").unwrap_or(p);
            let value = of.get(&statistic).and_then(Json::as_f64);
            let value = value.ok_or_else(|| not_told(format!("a data point has no `{statistic}`")))?;
            let value = whole.map_or(value, |w| value / w * 100.0);
            if !op.holds(&Py::Json(json!(value)), &Py::Json(want.clone())) {
                return Ok(Answer::No);
            }
        }
        Ok(Answer::Yes(vec![("c7n.metrics".to_owned(), json!({key.as_str(): points}))]))
    });
    if let (Some(roots), Some(attr)) = (&mut made.roots, b.text("percent-attr")) {
        roots.insert(attr);
    }
    Ok(made)
}

fn plain(v: &Json) -> String {
    v.as_str().map_or_else(|| v.to_string(), str::to_owned)
}
