//! VPC endpoints and endpoint services.

use super::draft::{Draft, put};
use super::record::{ReadError, Record};
use super::vpc::owned;
use crate::estate::{Endpoint, EndpointService};
use smol_str::SmolStr;
use yagura_model::Value;

/// `VpcEndpoints`.
pub(super) fn endpoint(draft: &mut Draft, record: &Record<'_>) -> Result<(), ReadError> {
    let endpoint = Endpoint {
        id: record.want("VpcEndpointId")?,
        home: record.home("OwnerId")?,
        vpc: record.plain("VpcId")?,
        kind: record.text("VpcEndpointType")?.unwrap_or(SmolStr::new_static("Gateway")),
        service: record.plain("ServiceName")?,
        state: record.plain("State")?.to_ascii_lowercase().into(),
        subnets: record.texts("SubnetIds")?,
        interfaces: record.texts("NetworkInterfaceIds")?,
        groups: record.each("Groups", "GroupId")?,
        policy: match record.get("PolicyDocument") {
            Some(Value::Map(_)) => record.get("PolicyDocument").map(|p| p.to_string().into()),
            _ => record.text("PolicyDocument")?,
        },
    };
    put(&mut draft.endpoints, endpoint.id.clone(), endpoint, owned(record)?);
    Ok(())
}

/// `ServiceConfigurations`.
pub(super) fn endpoint_service(draft: &mut Draft, record: &Record<'_>) -> Result<(), ReadError> {
    let mut load_balancers = record.texts("NetworkLoadBalancerArns")?;
    load_balancers.extend(record.texts("GatewayLoadBalancerArns")?);
    let service = EndpointService {
        name: record.plain("ServiceName")?,
        id: record.want("ServiceId")?,
        home: record.asked.clone(),
        load_balancers,
    };
    put(&mut draft.endpoint_services, service.id.clone(), service, false);
    Ok(())
}
