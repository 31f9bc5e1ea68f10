//! AWS's partitions: separate sets of Regions with their own accounts, ARNs and DNS names.

use std::fmt;

/// A partition of AWS.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Partition {
    /// The commercial Regions.
    Aws,
    /// China, run by Sinnet and NWCD.
    AwsCn,
    /// AWS GovCloud (US).
    AwsUsGov,
    /// The AWS European Sovereign Cloud.
    AwsEusc,
}

impl Partition {
    /// The partition that a Region's name belongs to; an unknown name counts as commercial.
    pub fn of_region(region: &str) -> Self {
        match region.split_once('-').map(|(head, _)| head) {
            Some("cn") => Self::AwsCn,
            Some("eusc") => Self::AwsEusc,
            _ if region.starts_with("us-gov-") => Self::AwsUsGov,
            _ => Self::Aws,
        }
    }

    /// The name that ARNs carry.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Aws => "aws",
            Self::AwsCn => "aws-cn",
            Self::AwsUsGov => "aws-us-gov",
            Self::AwsEusc => "aws-eusc",
        }
    }

    /// The pseudo-Region of what is global in the partition.
    pub const fn global_region(self) -> &'static str {
        match self {
            Self::Aws => "aws-global",
            Self::AwsCn => "aws-cn-global",
            Self::AwsUsGov => "aws-us-gov-global",
            Self::AwsEusc => "aws-eusc-global",
        }
    }

    /// The Region that is always enabled: where a call that names no Region goes.
    pub const fn home_region(self) -> &'static str {
        match self {
            Self::Aws => "us-east-1",
            Self::AwsCn => "cn-north-1",
            Self::AwsUsGov => "us-gov-west-1",
            Self::AwsEusc => "eusc-de-east-1",
        }
    }

    /// A Region that calls can name: a global pseudo-Region stands for its partition's home Region, every other for itself.
    pub fn real_region(region: &str) -> &str {
        match region.strip_suffix("-global") {
            Some("aws-cn") => Self::AwsCn.home_region(),
            Some("aws-us-gov") => Self::AwsUsGov.home_region(),
            Some("aws-eusc") => Self::AwsEusc.home_region(),
            Some(_) => Self::Aws.home_region(),
            None => region,
        }
    }
}

impl fmt::Display for Partition {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

#[cfg(test)]
mod tests {
    use super::Partition;

    #[test]
    fn a_region_tells_its_partition() {
        for (region, partition) in [
            ("us-east-1", Partition::Aws),
            ("ap-northeast-1", Partition::Aws),
            ("cn-northwest-1", Partition::AwsCn),
            ("us-gov-east-1", Partition::AwsUsGov),
            ("eusc-de-east-1", Partition::AwsEusc),
            ("ca-west-1", Partition::Aws),
        ] {
            assert_eq!(Partition::of_region(region), partition, "{region}");
            assert_eq!(Partition::of_region(partition.home_region()), partition);
        }
    }
}
