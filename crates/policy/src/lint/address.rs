//! IP addresses in conditions (`reference_policies_condition-keys`, `aws:SourceIp` and `aws:VpcSourceIp`).

use super::check::{Report, checks};
use super::view::{Policy, Test};
use crate::operator::Base;
use std::net::IpAddr;
use yagura_model::IpRange;

checks! {
    Error PRIVATE_IP_ADDRESS
        "`aws:SourceIp` is always a public address, so these private ones never match" => "use public ranges, or `aws:VpcSourceIp` for calls through a VPC endpoint";
        "`aws:SourceIp` は常にパブリックアドレスであり、ここにあるプライベートアドレスには一致しない" => "パブリックの範囲を使うか、VPC エンドポイント経由の呼び出しには `aws:VpcSourceIp` を使う";
    Error PRIVATE_NOT_IP_ADDRESS
        "`aws:SourceIp` is always a public address, so it is never one of these private ones" => "use public ranges, or `aws:VpcSourceIp` for calls through a VPC endpoint";
        "`aws:SourceIp` は常にパブリックアドレスであり、プライベートアドレスを除外しても意味がない" => "パブリックの範囲を使うか、VPC エンドポイント経由の呼び出しには `aws:VpcSourceIp` を使う";
    Suggestion PRIVATE_IP_ADDRESS_SUBSET
        "`aws:SourceIp` is never one of the private addresses among these" => "move them to `aws:VpcSourceIp`";
        "値の一部がプライベートアドレスであり、`aws:SourceIp` には一致しない" => "プライベートの範囲は `aws:VpcSourceIp` で指定する";
    Suggestion PRIVATE_NOT_IP_ADDRESS_SUBSET
        "the private addresses among these have no effect on `aws:SourceIp`" => "move them to `aws:VpcSourceIp`";
        "値の一部がプライベートアドレスであり、`aws:SourceIp` では効果がない" => "プライベートの範囲は `aws:VpcSourceIp` で指定する";
    Suggestion IMPROVE_IP_RANGE
        "the bits of `{0}` after the prefix do not count" => "write `{1}`";
        "`{0}` のプレフィックス長より後のビットは無視される" => "`{1}` と書く";
    SecurityWarning MISSING_PAIRED_CONDITION_KEYS
        "`{0}` alone also matches other networks that use the same private addresses" => "test {1} beside it";
        "`{0}` だけでは、同じプライベートアドレスを使う他のネットワークにも一致する" => "{1} も合わせて条件に加える";
}

/// Keys that mean little without others: any of these must stand beside them.
const PAIRS: [(&str, &[&str]); 2] = [
    ("aws:VpcSourceIp", &["aws:SourceVpc", "aws:SourceVpce", "aws:SourceVpcArn"]),
    ("aws:Ec2InstanceSourcePrivateIPv4", &["aws:Ec2InstanceSourceVpc"]),
];

pub(super) fn check(policy: &Policy<'_>, report: &mut Report) {
    for statement in &policy.statements {
        for test in &statement.tests {
            let base = test.operator.map(|o| o.base);
            let negated = base == Some(Base::NotIpAddress);
            if negated || base == Some(Base::IpAddress) {
                ranges(test, report);
                if test.is_key("aws:SourceIp") {
                    private(test, negated, report);
                }
            }
            let partners = PAIRS.iter().find(|(key, _)| test.is_key(key)).map(|(_, partners)| *partners);
            if let Some(partners) = partners.filter(|p| base != Some(Base::Null) && !statement.tests_any(p)) {
                let names = partners.iter().map(|p| format!("`{p}`")).collect::<Vec<_>>().join(" / ");
                report.add(&MISSING_PAIRED_CONDITION_KEYS, &test.place, &[&test.key, &names]);
            }
        }
    }
}

fn ranges(test: &Test<'_>, report: &mut Report) {
    for value in &test.values {
        let (Some(range), Some((address, _))) = (IpRange::parse(&value.text), value.text.split_once('/')) else {
            continue;
        };
        if address.parse::<IpAddr>().is_ok_and(|address| address != range.first()) {
            let better = format!("{}/{}", range.first(), range.prefix());
            report.add(&IMPROVE_IP_RANGE, &value.place, &[&value.text, &better]);
        }
    }
}

fn private(test: &Test<'_>, negated: bool, report: &mut Report) {
    let ranges: Vec<IpRange> = test.values.iter().filter_map(|v| IpRange::parse(&v.text)).collect();
    let private = ranges.iter().filter(|range| IpRange::is_internal(range)).count();
    let check = match (private == ranges.len(), negated) {
        _ if private == 0 => return,
        (true, false) => &PRIVATE_IP_ADDRESS,
        (true, true) => &PRIVATE_NOT_IP_ADDRESS,
        (false, false) => &PRIVATE_IP_ADDRESS_SUBSET,
        (false, true) => &PRIVATE_NOT_IP_ADDRESS_SUBSET,
    };
    report.add(check, &test.place, &[]);
}
