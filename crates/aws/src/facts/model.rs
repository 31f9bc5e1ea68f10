//! The form of a facts file; `scripts/aws-facts.py` documents and writes it.

use serde::Deserialize;
use serde_json::value::RawValue;
use std::collections::{BTreeMap, HashMap};

/// A facts file. Operations and shapes stay text until they are asked for.
#[derive(Deserialize)]
pub(super) struct ServiceModel {
    pub service: &'static str,
    pub id: &'static str,
    pub signing: &'static str,
    pub version: &'static str,
    pub protocol: ProtocolName,
    #[serde(default)]
    pub json: Option<&'static str>,
    #[serde(default)]
    pub target: Option<&'static str>,
    pub endpoints: HashMap<&'static str, EndpointModel>,
    #[serde(borrow)]
    pub operations: HashMap<&'static str, &'static RawValue>,
    #[serde(borrow)]
    pub shapes: HashMap<&'static str, &'static RawValue>,
}

#[derive(Deserialize, Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum ProtocolName {
    #[serde(rename = "json")]
    Json,
    #[serde(rename = "rest-json")]
    RestJson,
    #[serde(rename = "rest-xml")]
    RestXml,
    #[serde(rename = "query")]
    Query,
    #[serde(rename = "ec2")]
    Ec2,
    #[serde(rename = "cbor")]
    Cbor,
}

impl ProtocolName {
    pub fn is_xml(self) -> bool {
        matches!(self, Self::RestXml | Self::Query | Self::Ec2)
    }
}

/// Host patterns of one partition by variant (`""`, `fips`, `dual`, `fips+dual`).
#[derive(Deserialize, Default)]
pub(crate) struct EndpointModel {
    #[serde(rename = "")]
    pub plain: Option<&'static str>,
    pub fips: Option<&'static str>,
    pub dual: Option<&'static str>,
    #[serde(rename = "fips+dual")]
    pub fips_dual: Option<&'static str>,
    #[serde(default, rename = "except")]
    pub exceptions: HashMap<&'static str, HashMap<&'static str, Option<&'static str>>>,
}

#[derive(Deserialize)]
pub(super) struct OperationModel {
    #[serde(default)]
    pub http: Option<&'static str>,
    #[serde(default, rename = "in")]
    pub input: Option<&'static str>,
    #[serde(default, rename = "out")]
    pub output: Option<&'static str>,
    #[serde(default)]
    pub wrap: Option<&'static str>,
    #[serde(default)]
    pub host: Option<&'static str>,
    #[serde(default)]
    pub unwrapped: bool,
    #[serde(default)]
    pub checksum: bool,
    #[serde(default)]
    pub pages: Option<PagesModel>,
}

#[derive(Deserialize)]
pub(super) struct PagesModel {
    #[serde(rename = "in")]
    pub inputs: Vec<&'static str>,
    #[serde(rename = "out")]
    pub outputs: Vec<&'static str>,
    #[serde(default)]
    pub more: Option<&'static str>,
}

#[derive(Deserialize, Default)]
pub(super) struct ShapeModel {
    #[serde(default)]
    pub members: Option<BTreeMap<&'static str, Ref>>,
    #[serde(default)]
    pub required: Vec<&'static str>,
    #[serde(default)]
    pub payload: Option<&'static str>,
    #[serde(default)]
    pub list: Option<Ref>,
    #[serde(default)]
    pub map: Option<(Ref, Ref)>,
}

#[derive(Deserialize, Clone, Copy)]
#[serde(untagged)]
pub(super) enum Ref {
    Plain(&'static str),
    Full(FullRef),
}

/// A reference with what it says about the wire.
#[derive(Deserialize, Clone, Copy, Default)]
pub(super) struct FullRef {
    pub shape: &'static str,
    #[serde(default)]
    pub name: Option<&'static str>,
    #[serde(default, rename = "in")]
    pub location: Option<&'static str>,
    #[serde(default)]
    pub fmt: Option<&'static str>,
    #[serde(default)]
    pub query: Option<&'static str>,
    #[serde(default)]
    pub attr: bool,
    #[serde(default)]
    pub flat: bool,
}

impl Ref {
    pub fn full(self) -> FullRef {
        match self {
            Self::Plain(shape) => FullRef { shape, ..FullRef::default() },
            Self::Full(full) => full,
        }
    }
}
