//! Threat detection on log records: rules, statistics, learned habits and attack sequences.

pub mod intel;
pub mod pattern;
pub mod sigma;
pub mod stat;
