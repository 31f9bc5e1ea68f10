//! The layers of policies, and sets of them.

/// A layer that can block a request.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[repr(u8)]
pub enum Layer {
    /// Service control policies.
    Scp,
    /// Resource control policies.
    Rcp,
    /// The permissions boundary.
    Boundary,
    /// Session policies.
    Session,
    /// Identity-based policies.
    Identity,
    /// The resource-based policy: bucket, key, queue, trust policy…
    Resource,
    /// The policy of the VPC endpoint.
    VpcEndpoint,
    /// S3 Block Public Access.
    BlockPublicAccess,
}

impl Layer {
    /// All of them, in the order of output.
    pub const ALL: [Self; 8] = [
        Self::Scp,
        Self::Rcp,
        Self::Boundary,
        Self::Session,
        Self::Identity,
        Self::Resource,
        Self::VpcEndpoint,
        Self::BlockPublicAccess,
    ];

    /// The word for it in output.
    pub fn name(self) -> &'static str {
        match self {
            Self::Scp => "scp",
            Self::Rcp => "rcp",
            Self::Boundary => "boundary",
            Self::Session => "session",
            Self::Identity => "identity",
            Self::Resource => "resource",
            Self::VpcEndpoint => "vpc_endpoint",
            Self::BlockPublicAccess => "block_public_access",
        }
    }
}

/// A set of layers.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Hash)]
pub struct LayerSet(u8);

impl LayerSet {
    /// Adds a layer where `holds`; never takes one away.
    pub fn set(&mut self, layer: Layer, holds: bool) {
        self.0 |= u8::from(holds) << layer as u8;
    }

    /// Whether the layer is in the set.
    pub fn contains(self, layer: Layer) -> bool {
        self.0 >> layer as u8 & 1 == 1
    }

    /// Whether no layer is.
    pub fn is_empty(self) -> bool {
        self.0 == 0
    }

    /// The layers in the order of output.
    pub fn iter(self) -> impl Iterator<Item = Layer> {
        Layer::ALL.into_iter().filter(move |l| self.contains(*l))
    }
}
