//! Reads of a policy's own: calls whose input the policy gives (a metric and its window, a query for findings).

use serde_json::Value as Json;
use smol_str::{SmolStr, format_smolstr};

/// One call about each resource of a kind. Its answer stands with the resource under `field`.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Call {
    /// Our kind.
    pub kind: SmolStr,
    /// The field that it becomes: the same for the same question, so that a saved snapshot answers it again.
    pub field: SmolStr,
    /// `cloudwatch:GetMetricStatistics`.
    pub call: SmolStr,
    /// Its input as JSON text; texts may hold the resource's fields in braces (`{InstanceId}`), `{arn}`, `{account}` and `{region}`.
    pub with: String,
    /// The path of the value in the output; the whole output without it.
    pub take: Option<SmolStr>,
    /// Error codes that mean that there is nothing.
    pub absent_on: Vec<SmolStr>,
}

impl Call {
    /// A call with this input.
    pub fn new(kind: &str, call: &str, with: &Json) -> Self {
        let with = with.to_string();
        let field = name(call, &with);
        Self { kind: kind.into(), field, call: call.into(), with, take: None, absent_on: Vec::new() }
    }

    /// The same with only one part of the answer.
    pub fn taking(self, path: &str) -> Self {
        Self { take: Some(path.into()), ..self }
    }

    /// The same; these errors mean that there is nothing.
    pub fn absent_on(self, codes: &[&str]) -> Self {
        Self { absent_on: codes.iter().map(|c| SmolStr::new(*c)).collect(), ..self }
    }

    /// The same under a name that follows from the question, where the input changes with the time.
    pub fn asking(self, question: &Json) -> Self {
        let field = name(&self.call, &question.to_string());
        Self { field, ..self }
    }
}

/// A name for a question: FNV-1a over its text, which is the same in every release.
fn name(call: &str, question: &str) -> SmolStr {
    let mut hash: u64 = 0xcbf2_9ce4_8422_2325;
    for byte in call.bytes().chain([0]).chain(question.bytes()) {
        hash = (hash ^ u64::from(byte)).wrapping_mul(0x0000_0100_0000_01b3);
    }
    format_smolstr!("Asked{hash:016x}")
}

/// Whether a field is the answer to a call of a policy's own: none of AWS's.
pub fn is_asked(field: &str) -> bool {
    field.strip_prefix("Asked").is_some_and(|hash| hash.len() == 16 && hash.bytes().all(|b| b.is_ascii_hexdigit()))
}
