//! The document of a declarative policy.

use super::{Criterion, Declarative};
use serde_json::Value;
use smol_str::{SmolStr, format_smolstr};
use yagura_model::nearest;

const SWITCH: &[&str] = &["enabled", "disabled"];
const PREFERENCE: &[&str] = &["no_preference", "enabled", "disabled"];

/// Every setting below `ec2_attributes` that has words for values, with them.
const SETTINGS: [(&str, &[&str]); 13] = [
    ("vpc_block_public_access.internet_gateway_block.mode", &["off", "block_ingress", "block_bidirectional"]),
    ("vpc_block_public_access.internet_gateway_block.exclusions_allowed", SWITCH),
    ("serial_console_access.status", SWITCH),
    ("image_block_public_access.state", &["unblocked", "block_new_sharing"]),
    ("snapshot_block_public_access.state", &["unblocked", "block_new_sharing", "block_all_sharing"]),
    ("allowed_images_settings.state", &["enabled", "disabled", "audit_mode"]),
    ("instance_metadata_defaults.http_tokens", &["no_preference", "required", "optional"]),
    ("instance_metadata_defaults.http_put_response_hop_limit", &[]),
    ("instance_metadata_defaults.http_endpoint", PREFERENCE),
    ("instance_metadata_defaults.instance_metadata_tags", PREFERENCE),
    ("instance_metadata_defaults.http_tokens_enforced", PREFERENCE),
    ("vpc_encryption_control.mode", &["unmanaged", "attempt_monitor", "attempt_enforce"]),
    ("exception_message", &[]),
];

/// Members of one image criterion.
const CRITERION: [&str; 6] = [
    "allowed_image_providers",
    "image_names",
    "marketplace_product_codes",
    "creation_date_condition",
    "deprecation_time_condition",
    "image_watermarks",
];

/// The most criteria, and the most values of a list in one.
const MOST_CRITERIA: usize = 10;
const MOST_PROVIDERS: usize = 200;
const MOST_VALUES: usize = 50;

pub(super) fn read(text: &str) -> Result<Declarative, Vec<String>> {
    let whole: Value = serde_json::from_str(text).map_err(|e| vec![format!("not JSON: {e}")])?;
    let Some(attributes) = whole.get("ec2_attributes").and_then(Value::as_object) else {
        return Err(vec!["a declarative policy for Amazon EC2 begins with `ec2_attributes`".to_owned()]);
    };
    let mut reader = Reader::default();
    for (name, value) in attributes {
        reader.walk(name, value);
    }
    if reader.policy.settings.is_empty() && reader.problems.is_empty() {
        reader.problems.push("`ec2_attributes` sets nothing".to_owned());
    }
    if reader.problems.is_empty() { Ok(reader.policy) } else { Err(reader.problems) }
}

#[derive(Default)]
struct Reader {
    policy: Declarative,
    problems: Vec<String>,
}

/// What an attribute is set to: by `@@assign`, or plainly.
fn assigned(value: &Value) -> &Value {
    value.get("@@assign").unwrap_or(value)
}

fn texts(value: &Value) -> Vec<SmolStr> {
    let lists = [Some(assigned(value)), value.get("@@append")];
    let items = lists.into_iter().flatten().filter_map(Value::as_array).flatten();
    items.filter_map(Value::as_str).map(SmolStr::new).collect()
}

impl Reader {
    fn walk(&mut self, path: &str, value: &Value) {
        if path == "allowed_images_settings.image_criteria" {
            return self.criteria(value);
        }
        if path == "vpc_encryption_control.exclusions" {
            return;
        }
        if let Some((name, words)) = SETTINGS.iter().find(|(name, _)| *name == path) {
            return self.set(name, words, assigned(value));
        }
        let below = SETTINGS.iter().any(|(name, _)| name.strip_prefix(path).is_some_and(|rest| rest.starts_with('.')));
        match value.as_object() {
            Some(members) if below => {
                for (name, inner) in members.iter().filter(|(n, _)| !n.starts_with("@@")) {
                    self.walk(&format!("{path}.{name}"), inner);
                }
            }
            _ => {
                let near = nearest(path, SETTINGS.iter().map(|(name, _)| *name));
                let near = near.map(|n| format!("; did you mean `{n}`?")).unwrap_or_default();
                self.problems.push(format!("`ec2_attributes.{path}` is no attribute of declarative policies{near}"));
            }
        }
    }

    fn set(&mut self, name: &'static str, words: &[&str], value: &Value) {
        let text = match value {
            Value::String(text) => SmolStr::new(text),
            Value::Number(n) => format_smolstr!("{n}"),
            _ => return self.problems.push(format!("`ec2_attributes.{name}` takes a text, by `@@assign`")),
        };
        if !words.is_empty() && !words.contains(&text.as_str()) {
            return self.problems.push(format!("`ec2_attributes.{name}` is one of {}, not `{text}`", words.join(", ")));
        }
        if name.ends_with("hop_limit") && !text.parse::<i64>().is_ok_and(|n| (-1..=64).contains(&n)) {
            return self.problems.push(format!("`ec2_attributes.{name}` is a number from -1 to 64, not `{text}`"));
        }
        if name != "exception_message" {
            self.policy.settings.insert(SmolStr::new_static(name), text);
        }
    }

    fn criteria(&mut self, value: &Value) {
        let path = "ec2_attributes.allowed_images_settings.image_criteria";
        let Some(members) = value.as_object() else {
            return self.problems.push(format!("`{path}` holds `criteria_1` to `criteria_{MOST_CRITERIA}`"));
        };
        for (name, criterion) in members.iter().filter(|(n, _)| !n.starts_with("@@")) {
            let number = name.strip_prefix("criteria_").and_then(|n| n.parse::<usize>().ok());
            if !number.is_some_and(|n| (1..=MOST_CRITERIA).contains(&n)) {
                self.problems.push(format!("`{path}.{name}`: expected `criteria_1` to `criteria_{MOST_CRITERIA}`"));
                continue;
            }
            let mut read = Criterion::default();
            for (member, inner) in criterion.as_object().into_iter().flatten().filter(|(n, _)| !n.starts_with("@@")) {
                if !CRITERION.contains(&member.as_str()) {
                    self.problems.push(format!("`{path}.{name}.{member}` is none of {}", CRITERION.join(", ")));
                    continue;
                }
                let values = texts(inner);
                let most = if member == "allowed_image_providers" { MOST_PROVIDERS } else { MOST_VALUES };
                if values.len() > most {
                    self.problems
                        .push(format!("`{path}.{name}.{member}` has {} values; AWS takes {most}", values.len()));
                }
                if member == "allowed_image_providers" {
                    read.providers = values;
                } else {
                    read.more = true;
                }
            }
            self.policy.criteria.push(read);
        }
    }
}
