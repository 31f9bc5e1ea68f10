//! AWS's partitions and Regions.

use crate::pattern::Glob;

/// A partition and its Regions.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Partition {
    /// The name that ARNs carry.
    pub name: &'static str,
    /// The end of its DNS names.
    pub dns_suffix: &'static str,
    regions: &'static str,
}

/// Every partition, the commercial one first.
pub const PARTITIONS: [Partition; 8] = [
    Partition {
        name: "aws",
        dns_suffix: "amazonaws.com",
        regions: "af-south-1 ap-east-1 ap-east-2 ap-northeast-1 ap-northeast-2 ap-northeast-3 ap-south-1 ap-south-2 \
            ap-southeast-1 ap-southeast-2 ap-southeast-3 ap-southeast-4 ap-southeast-5 ap-southeast-6 ap-southeast-7 \
            ca-central-1 ca-west-1 eu-central-1 eu-central-2 eu-north-1 eu-south-1 eu-south-2 eu-west-1 eu-west-2 \
            eu-west-3 il-central-1 me-central-1 me-south-1 me-west-1 mx-central-1 sa-east-1 sa-west-1 us-east-1 \
            us-east-2 us-west-1 us-west-2",
    },
    Partition { name: "aws-cn", dns_suffix: "amazonaws.com.cn", regions: "cn-north-1 cn-northwest-1" },
    Partition { name: "aws-us-gov", dns_suffix: "amazonaws.com", regions: "us-gov-east-1 us-gov-west-1" },
    Partition { name: "aws-eusc", dns_suffix: "amazonaws.eu", regions: "eusc-de-east-1" },
    Partition { name: "aws-iso", dns_suffix: "c2s.ic.gov", regions: "us-iso-east-1 us-iso-west-1" },
    Partition { name: "aws-iso-b", dns_suffix: "sc2s.sgov.gov", regions: "us-isob-east-1 us-isob-west-1" },
    Partition { name: "aws-iso-e", dns_suffix: "cloud.adc-e.uk", regions: "eu-isoe-west-1" },
    Partition { name: "aws-iso-f", dns_suffix: "csp.hci.ic.gov", regions: "us-isof-east-1 us-isof-south-1" },
];

impl Partition {
    /// Its Regions, sorted.
    pub fn regions(&self) -> impl Iterator<Item = &'static str> {
        self.regions.split_ascii_whitespace()
    }
}

/// Whether a Region of that name exists.
pub fn is_region(name: &str) -> bool {
    partition_of(name).is_some()
}

/// The partition that holds a Region.
pub fn partition_of(region: &str) -> Option<&'static Partition> {
    PARTITIONS.iter().find(|p| p.regions().any(|r| r == region))
}

/// Whether a pattern with wildcards fits a Region.
pub fn region_matches(pattern: &str) -> bool {
    let glob = Glob::new(pattern);
    PARTITIONS.iter().flat_map(Partition::regions).any(|region| glob.matches(region))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn regions_have_partitions() {
        assert_eq!(partition_of("ap-northeast-1").map(|p| p.name), Some("aws"));
        assert_eq!(partition_of("us-gov-west-1").map(|p| p.name), Some("aws-us-gov"));
        assert!(!is_region("us-east-9") && !is_region("") && !is_region("us-east-1 us-east-2"));
        assert!(region_matches("us-*") && region_matches("us-east-?") && !region_matches("mars-*"));
    }
}
