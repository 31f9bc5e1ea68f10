//! Reachability Analyzer's explanation codes (`vpc/latest/reachability/explanation-codes`).

use serde::Serialize;

macro_rules! codes {
    ($($name:ident $text:literal),* $(,)?) => {
        /// Why a component stops a packet, in AWS's own code.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize)]
        #[allow(missing_docs, reason = "the page of explanation codes tells each")]
        pub enum Code {
            $(#[serde(rename = $text)] $name),*
        }

        impl Code {
            /// The code as AWS writes it.
            pub fn text(self) -> &'static str {
                match self {
                    $(Self::$name => $text),*
                }
            }
        }
    };
}

codes! {
    BadState "BAD_STATE",
    BadStateAttachment "BAD_STATE_ATTACHMENT",
    BadStateRoute "BAD_STATE_ROUTE",
    BadStateVpn "BAD_STATE_VPN",
    ElbListenersMismatch "ELB_LISTENERS_MISMATCH",
    ElbV2ListenerHasNoTargetGroup "ELBV2_LISTENER_HAS_NO_TG",
    ElbV2ListenerRequiresTargetGroup "ELBV2_LISTENER_REQUIRES_TG_ACCEPT",
    ElbV2ListenersMismatch "ELBV2_LISTENERS_MISMATCH",
    InterfaceGroupsMismatch "ENI_SG_RULES_MISMATCH",
    SourceDestCheck "ENI_SOURCE_DEST_CHECK_RESTRICTION",
    FirewallRules "FIREWALL_RULES_RESTRICTION",
    SpoofedTraffic "GATEWAY_REJECTS_SPOOFED_TRAFFIC",
    IgwPrivateDestination "IGW_DESTINATION_ADDRESS_NOT_IN_RFC1918_EGRESS",
    IgwSharedDestination "IGW_DESTINATION_ADDRESS_NOT_IN_RFC6598_EGRESS",
    IgwNoPublicAddressIngress "IGW_PRIVATE_IP_ASSOCIATION_FOR_INGRESS",
    IgwNoPublicAddressEgress "IGW_PUBLIC_IP_ASSOCIATION_FOR_EGRESS",
    IgwPrivateSource "IGW_SOURCE_ADDRESS_NOT_IN_RFC1918_INGRESS",
    NatSourceReassign "NGW_SOURCE_ADDRESS_REASSIGN",
    NoPossibleDestination "NO_POSSIBLE_DESTINATION",
    NoRoute "NO_ROUTE_TO_DESTINATION",
    PeeringAddress "PCX_REQUIRES_ADDRESS_IN_VPC_CIDR",
    Protocol "PROTOCOL_RESTRICTION",
    GroupHasNoRules "SG_HAS_NO_RULES",
    GroupReferencesNotPreserved "SG_REFERENCES_NOT_PRESERVED",
    SubnetAcl "SUBNET_ACL_RESTRICTION",
    TransitNoAssociation "TGW_ATTACH_MISSING_TGW_RTB_ASSOCIATION",
    TransitBadVpn "TGW_BAD_STATE_VPN",
    TransitZone "TGW_ROUTE_AZ_RESTRICTION",
    TransitBadRoute "TGW_RTB_BAD_STATE_ROUTE",
    TransitNoRoute "TGW_RTB_NO_ROUTE_TO_TGW_ATTACHMENT",
    UnknownResource "UNKNOWN_RESOURCE",
    VpnGatewayEgress "VGW_PRIVATE_IP_ASSOCIATION_FOR_EGRESS",
    VpnGatewayIngress "VGW_PRIVATE_IP_ASSOCIATION_FOR_INGRESS",
    BlockPublicAccess "VPC_BLOCK_PUBLIC_ACCESS_ENABLED",
    EndpointProtocol "VPCE_GATEWAY_PROTOCOL_RESTRICTION",
    EndpointInitiates "VPCE_INTRA_VPC_TRAFFIC",
    DisconnectedVpcs "DISCONNECTED_VPCS",
    NoPath "NO_PATH",
    NoSourceOrDestination "NO_SOURCE_OR_DESTINATION",
    Unassociated "UNASSOCIATED_COMPONENT",
}
