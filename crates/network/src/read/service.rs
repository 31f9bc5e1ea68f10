//! Protocols and ports of rules.

use super::record::{ReadError, Record};
use crate::estate::{Protocol, Service};
use smol_str::format_smolstr;

const ALL: (u16, u16) = (0, u16::MAX);
const ICMP: u8 = 1;
const TCP: u8 = 6;
const UDP: u8 = 17;
const ICMPV6: u8 = 58;

/// The protocol of a member: `-1` and `all` stand for every one, names for those that EC2 names.
pub(super) fn protocol(record: &Record<'_>, member: &str) -> Result<Protocol, ReadError> {
    let text = record.want(member)?;
    Ok(match text.to_ascii_lowercase().as_str() {
        "-1" | "all" | "any" => Protocol::Any,
        "tcp" => Protocol::Number(TCP),
        "udp" => Protocol::Number(UDP),
        "icmp" => Protocol::Number(ICMP),
        "icmpv6" | "icmp6" => Protocol::Number(ICMPV6),
        number => match number.parse() {
            Ok(number) => Protocol::Number(number),
            Err(_) => return Err(record.error(member, format_smolstr!("is no protocol: `{text}`"))),
        },
    })
}

/// Of a security group's permission: `FromPort` and `ToPort` are ports for TCP and UDP, the type and code of ICMP; -1 is
/// every one ([IpPermission](https://docs.aws.amazon.com/AWSEC2/latest/APIReference/API_IpPermission.html)). Other
/// protocols have none.
pub(super) fn of_group(record: &Record<'_>) -> Result<Service, ReadError> {
    let protocol = protocol(record, "IpProtocol")?;
    let (from, to) = (record.number("FromPort")?.unwrap_or(-1), record.number("ToPort")?.unwrap_or(-1));
    let ports = match protocol {
        Protocol::Number(TCP | UDP) => ports(record, "FromPort", from, to)?,
        Protocol::Number(ICMP | ICMPV6) => icmp(record, "FromPort", from, to)?,
        _ => ALL,
    };
    Ok(Service { protocol, ports })
}

/// Of an entry of a network ACL: `PortRange` for TCP and UDP, `IcmpTypeCode` for ICMP
/// ([NetworkAclEntry](https://docs.aws.amazon.com/AWSEC2/latest/APIReference/API_NetworkAclEntry.html)).
pub(super) fn of_acl(record: &Record<'_>) -> Result<Service, ReadError> {
    let protocol = protocol(record, "Protocol")?;
    let ports = match protocol {
        Protocol::Number(TCP | UDP) => match record.record("PortRange")? {
            Some(range) => {
                let (from, to) = (range.number("From")?.unwrap_or(-1), range.number("To")?.unwrap_or(-1));
                ports(record, "PortRange", from, to)?
            }
            None => ALL,
        },
        Protocol::Number(ICMP | ICMPV6) => match record.record("IcmpTypeCode")? {
            Some(icmp_type) => {
                let (kind, code) = (icmp_type.number("Type")?.unwrap_or(-1), icmp_type.number("Code")?.unwrap_or(-1));
                icmp(record, "IcmpTypeCode", kind, code)?
            }
            None => ALL,
        },
        _ => ALL,
    };
    Ok(Service { protocol, ports })
}

fn ports(record: &Record<'_>, member: &str, from: i64, to: i64) -> Result<(u16, u16), ReadError> {
    if from == -1 && to == -1 {
        return Ok(ALL);
    }
    match (u16::try_from(from), u16::try_from(to)) {
        (Ok(first), Ok(last)) if first <= last => Ok((first, last)),
        _ => Err(record.error(member, format_smolstr!("is no range of ports: {from} to {to}"))),
    }
}

fn icmp(record: &Record<'_>, member: &str, kind: i64, code: i64) -> Result<(u16, u16), ReadError> {
    if kind == -1 {
        return Ok(ALL);
    }
    let bad = || record.error(member, format_smolstr!("is no ICMP type and code: {kind} and {code}"));
    let high = u16::from(u8::try_from(kind).map_err(|_| bad())?) << 8;
    if code == -1 {
        return Ok((high, high | 0xff));
    }
    let exact = high | u16::from(u8::try_from(code).map_err(|_| bad())?);
    Ok((exact, exact))
}
