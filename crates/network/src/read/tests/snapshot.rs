//! A snapshot's assets, listings and gaps.

use super::*;
use yagura_model::{Asset, Caller, Field, Listing, Scope, Snapshot};

fn asset(kind: &str, id: &str, fields: serde_json::Value, unknown: &[&str]) -> Asset {
    let Value::Map(known) = value(fields) else { panic!() };
    let mut asset = Asset {
        kind: kind.into(),
        arn: None,
        id: id.into(),
        account: home().account,
        region: home().region,
        fields: known.into_iter().map(|(name, value)| (name, Field::Known(value))).collect(),
    };
    for field in unknown {
        asset.set(*field, Field::Unknown(Arc::new(Gap::new(GapReason::AccessDenied, "denied"))));
    }
    asset
}

fn snapshot(assets: Vec<Asset>, listed: &[(&str, Option<GapReason>)]) -> Snapshot {
    let listing = |(kind, gap): &(&str, Option<GapReason>)| Listing {
        kind: (*kind).into(),
        account: home().account,
        region: home().region,
        gap: gap.map(|reason| Arc::new(Gap::new(reason, "why"))),
    };
    Snapshot {
        taken_at: "2026-01-01T00:00:00Z".parse().unwrap(),
        tool: String::new(),
        callers: vec![Caller { account: home().account, arn: "a".into(), partition: "aws".into() }],
        scope: Scope { regions: vec![home().region], ..Scope::default() },
        listings: listed.iter().map(listing).collect(),
        assets,
        requests: 0,
    }
}

#[test]
fn gaps_of_a_snapshot_are_gaps_of_the_network() {
    let table = json!({"TransitGatewayRouteTableId": "tgw-rtb-1", "TransitGatewayId": "tgw-1"});
    let subnet = json!({"SubnetId": "subnet-1", "VpcId": "vpc-1", "CidrBlock": "10.0.0.0/24"});
    let taken = snapshot(
        vec![
            asset("ec2.subnet", "subnet-1", subnet, &[]),
            asset("ec2.transit_gateway_route_table", "tgw-rtb-1", table, &["Routes"]),
        ],
        &[
            ("ec2.subnet", None),
            ("ec2.transit_gateway_route_table", None),
            ("ec2.route_table", Some(GapReason::RegionDisabled)),
        ],
    );
    let mut reader = Reader::new();
    reader.snapshot(&taken).unwrap();
    let estate = reader.finish();
    assert_eq!((estate.subnets.len(), estate.subnets[0].home.clone()), (1, home()));
    assert!(estate.transit_route_tables[0].routes.is_none());
    let reason = |call: &str| estate.gaps.iter().filter(|g| g.call == call).map(|g| g.gap.reason).collect::<Vec<_>>();
    assert_eq!(reason("DescribeSubnets"), []);
    assert_eq!(reason("DescribeRouteTables"), [GapReason::RegionDisabled]);
    assert_eq!(reason("SearchTransitGatewayRoutes"), [GapReason::AccessDenied]);
    assert_eq!(reason("GetTransitGatewayRouteTablePropagations"), []);
    assert_eq!(reason("DescribeVpcs"), [GapReason::NotRequested]);
}

#[test]
fn a_malformed_asset_is_named() {
    let taken = snapshot(vec![asset("ec2.vpc", "vpc-1", json!({"VpcId": "vpc-1", "CidrBlock": []}), &[])], &[]);
    let why = Reader::new().snapshot(&taken).unwrap_err().to_string();
    assert_eq!(why, "`ec2.vpc` `vpc-1`: `CidrBlock` is a list where a text is due");
}
