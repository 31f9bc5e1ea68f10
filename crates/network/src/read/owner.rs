//! What owns network interfaces under a name of its own: databases, functions, tasks, clusters.

use super::draft::{Draft, put};
use super::record::{ReadError, Record};
use crate::estate::Owner;
use smol_str::SmolStr;
use std::collections::BTreeMap;

/// Subnets of the groups that some owners name, by the kind of group and its name.
#[derive(Default)]
pub(super) struct SubnetGroups {
    groups: BTreeMap<(&'static str, SmolStr), Vec<SmolStr>>,
    /// By owner, its group.
    of: BTreeMap<SmolStr, (&'static str, SmolStr)>,
}

const REDSHIFT: &str = "redshift";
const ELASTICACHE: &str = "elasticache";

fn keep(draft: &mut Draft, owner: Owner) {
    put(&mut draft.owners, owner.id.clone(), owner, false);
}

fn kind(name: &'static str) -> SmolStr {
    SmolStr::new_static(name)
}

/// `DBInstances`.
pub(super) fn database(draft: &mut Draft, record: &Record<'_>) -> Result<(), ReadError> {
    let name = record.want("DBInstanceIdentifier")?;
    let id = record.text("DBInstanceArn")?.unwrap_or_else(|| name.clone());
    let subnets = match record.record("DBSubnetGroup")? {
        Some(group) => group.each("Subnets", "SubnetIdentifier")?,
        None => Vec::new(),
    };
    let endpoint = record.record("Endpoint")?;
    keep(
        draft,
        Owner {
            home: record.home_of_arn(&id),
            id,
            name,
            kind: kind("rds.db_instance"),
            interfaces: Vec::new(),
            subnets,
            groups: record.each("VpcSecurityGroups", "VpcSecurityGroupId")?,
            port: endpoint.map(|e| e.port("Port")).transpose()?.flatten(),
            public: record.flag("PubliclyAccessible")?,
        },
    );
    Ok(())
}

/// `Functions` that run in a VPC.
pub(super) fn function(draft: &mut Draft, record: &Record<'_>) -> Result<(), ReadError> {
    let Some(vpc) = record.record("VpcConfig")? else { return Ok(()) };
    let id = record.want("FunctionArn")?;
    let subnets = vpc.texts("SubnetIds")?;
    if !subnets.is_empty() {
        keep(
            draft,
            Owner {
                home: record.home_of_arn(&id),
                name: record.plain("FunctionName")?,
                kind: kind("lambda.function"),
                subnets,
                groups: vpc.texts("SecurityGroupIds")?,
                id,
                ..Owner::default()
            },
        );
    }
    Ok(())
}

/// `tasks` with an interface of their own (network mode `awsvpc`).
pub(super) fn task(draft: &mut Draft, record: &Record<'_>) -> Result<(), ReadError> {
    let id = record.want("taskArn")?;
    let mut interfaces = Vec::new();
    for attachment in record.records("attachments")? {
        for detail in attachment.records("details")? {
            if detail.text("name")?.as_deref() == Some("networkInterfaceId") {
                interfaces.extend(detail.text("value")?);
            }
        }
    }
    let name = record.text("group")?.unwrap_or_else(|| id.rsplit('/').next().unwrap_or(&id).into());
    let name = name.strip_prefix("service:").map_or_else(|| name.clone(), SmolStr::from);
    keep(
        draft,
        Owner { home: record.home_of_arn(&id), name, kind: kind("ecs.task"), interfaces, id, ..Owner::default() },
    );
    Ok(())
}

/// An EKS cluster: the interfaces of its control plane.
pub(super) fn cluster(draft: &mut Draft, record: &Record<'_>) -> Result<(), ReadError> {
    let Some(vpc) = record.record("resourcesVpcConfig")? else { return Ok(()) };
    let id = record.want("arn")?;
    let mut groups = vpc.texts("securityGroupIds")?;
    groups.extend(vpc.text("clusterSecurityGroupId")?.filter(|g| !groups.contains(g)));
    keep(
        draft,
        Owner {
            home: record.home_of_arn(&id),
            name: record.plain("name")?,
            kind: kind("eks.cluster"),
            interfaces: Vec::new(),
            subnets: vpc.texts("subnetIds")?,
            groups,
            port: Some(443),
            public: vpc.flag("endpointPublicAccess")?,
            id,
        },
    );
    Ok(())
}

/// `Clusters` of Amazon Redshift.
pub(super) fn warehouse(draft: &mut Draft, record: &Record<'_>) -> Result<(), ReadError> {
    let name = record.want("ClusterIdentifier")?;
    let id = record.text("ClusterNamespaceArn")?.unwrap_or_else(|| name.clone());
    let mut interfaces = Vec::new();
    let endpoint = record.record("Endpoint")?;
    for endpoint in endpoint.map(|e| e.records("VpcEndpoints")).transpose()?.unwrap_or_default() {
        interfaces.extend(endpoint.each("NetworkInterfaces", "NetworkInterfaceId")?);
    }
    if let Some(group) = record.text("ClusterSubnetGroupName")? {
        draft.subnet_groups.of.insert(id.clone(), (REDSHIFT, group));
    }
    keep(
        draft,
        Owner {
            home: record.home_of_arn(&id),
            name,
            kind: kind("redshift.cluster"),
            interfaces,
            subnets: Vec::new(),
            groups: record.each("VpcSecurityGroups", "VpcSecurityGroupId")?,
            port: endpoint.map(|e| e.port("Port")).transpose()?.flatten(),
            public: record.flag("PubliclyAccessible")?,
            id,
        },
    );
    Ok(())
}

/// `ClusterSubnetGroups`.
pub(super) fn warehouse_subnets(draft: &mut Draft, record: &Record<'_>) -> Result<(), ReadError> {
    let key = (REDSHIFT, record.want("ClusterSubnetGroupName")?);
    draft.subnet_groups.groups.insert(key, record.each("Subnets", "SubnetIdentifier")?);
    Ok(())
}

/// `CacheClusters`.
pub(super) fn cache(draft: &mut Draft, record: &Record<'_>) -> Result<(), ReadError> {
    let name = record.want("CacheClusterId")?;
    let id = record.text("ARN")?.unwrap_or_else(|| name.clone());
    let mut endpoints = record.record("ConfigurationEndpoint")?.into_iter().collect::<Vec<_>>();
    for node in record.records("CacheNodes")? {
        endpoints.extend(node.record("Endpoint")?);
    }
    let ports = endpoints.iter().map(|e| e.port("Port")).collect::<Result<Vec<_>, _>>()?;
    if let Some(group) = record.text("CacheSubnetGroupName")? {
        draft.subnet_groups.of.insert(id.clone(), (ELASTICACHE, group));
    }
    keep(
        draft,
        Owner {
            home: record.home_of_arn(&id),
            name,
            kind: kind("elasticache.cluster"),
            groups: record.each("SecurityGroups", "SecurityGroupId")?,
            port: ports.into_iter().flatten().next(),
            id,
            ..Owner::default()
        },
    );
    Ok(())
}

/// `CacheSubnetGroups`.
pub(super) fn cache_subnets(draft: &mut Draft, record: &Record<'_>) -> Result<(), ReadError> {
    let key = (ELASTICACHE, record.want("CacheSubnetGroupName")?);
    draft.subnet_groups.groups.insert(key, record.each("Subnets", "SubnetIdentifier")?);
    Ok(())
}

/// `DomainStatusList`: OpenSearch domains that stand in a VPC.
pub(super) fn domain(draft: &mut Draft, record: &Record<'_>) -> Result<(), ReadError> {
    let Some(vpc) = record.record("VPCOptions")? else { return Ok(()) };
    let id = record.want("ARN")?;
    keep(
        draft,
        Owner {
            home: record.home_of_arn(&id),
            name: record.plain("DomainName")?,
            kind: kind("opensearch.domain"),
            subnets: vpc.texts("SubnetIds")?,
            groups: vpc.texts("SecurityGroupIds")?,
            port: Some(443),
            id,
            ..Owner::default()
        },
    );
    Ok(())
}

/// Gives owners the subnets of the groups that they name.
pub(super) fn resolve(draft: &mut Draft) {
    let told = std::mem::take(&mut draft.subnet_groups);
    for owner in draft.owners.values_mut().filter(|o| o.subnets.is_empty()) {
        let subnets = told.of.get(&owner.id).and_then(|group| told.groups.get(group));
        owner.subnets = subnets.cloned().unwrap_or_default();
    }
}
