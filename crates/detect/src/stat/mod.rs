//! Statistics: what tells machines from people, and noise from signal.

/// The methods that detections may name.
pub const METHODS: [&str; 1] = ["dns_tunnel"];
/// Sign
#[derive(Debug, Clone)]
pub struct Sign {
    /** m */
    pub method: &'static str,
    /** t */
    pub time: i64,
    /** h */
    pub host: smol_str::SmolStr,
    /** p */
    pub peer: Option<smol_str::SmolStr>,
    /** c */
    pub count: u64,
    /** s */
    pub score: f64,
    /** f */
    pub facts: Vec<(&'static str, smol_str::SmolStr)>,
    /** e */
    pub events: Vec<u128>,
}
/// Statistics
#[derive(Debug, Clone, Default, PartialEq, serde::Serialize, serde::Deserialize)]
pub struct Statistics;
impl Statistics {
    /// o
    pub fn observe(&mut self, _: i64, _: u128, _: &crate::observe::Measured, _: &mut Vec<Sign>) {}
    /// n
    pub fn name_of(&self, id: u128) -> smol_str::SmolStr {
        format!("{id:032x}").into()
    }
}
