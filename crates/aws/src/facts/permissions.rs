//! IAM action names from API operation names.

use super::FactsError;
use smol_str::SmolStr;
use std::collections::HashMap;

/// The rules of `content/permissions.yaml`: lines `service:Operation: prefix:Action`, `service:*: prefix:*` and
/// `service:*: prefix:Action`.
#[derive(Debug, Default)]
pub(super) struct Permissions {
    actions: HashMap<String, SmolStr>,
    defaults: HashMap<String, SmolStr>,
    prefixes: HashMap<String, String>,
}

impl Permissions {
    pub(super) fn parse(text: &str) -> Result<Self, FactsError> {
        let mut out = Self::default();
        for (number, line) in text.lines().enumerate() {
            let line = line.split_once(" #").map_or(line, |(rule, _)| rule).trim_end();
            if line.trim_start().is_empty() || line.trim_start().starts_with('#') {
                continue;
            }
            let fail = |message: &str| FactsError::File {
                file: format!("permissions.yaml:{}", number + 1),
                message: message.to_owned(),
            };
            let (call, action) =
                line.split_once(": ").ok_or_else(|| fail("expected `service:Operation: prefix:Action`"))?;
            let action = action.trim();
            let (Some((service, operation)), Some((prefix, name))) = (call.split_once(':'), action.split_once(':'))
            else {
                return Err(fail("expected `service:Operation: prefix:Action`"));
            };
            let known = match (operation, name) {
                ("*", "*") => out.prefixes.insert(service.to_owned(), prefix.to_owned()).is_some(),
                ("*", _) => out.defaults.insert(service.to_owned(), SmolStr::new(action)).is_some(),
                _ => out.actions.insert(call.to_owned(), SmolStr::new(action)).is_some(),
            };
            if known {
                return Err(fail(&format!("`{call}` is there twice")));
            }
        }
        Ok(out)
    }

    /// The action of a call: an exception, or the service's IAM prefix (its signing name by default) and the operation.
    pub(super) fn of(&self, service: &str, signing_name: &str, operation: &str) -> SmolStr {
        if let Some(action) = self.actions.get(&format!("{service}:{operation}")) {
            return action.clone();
        }
        if let Some(action) = self.defaults.get(service) {
            return action.clone();
        }
        let prefix = self.prefixes.get(service).map_or(signing_name, String::as_str);
        SmolStr::from(format!("{prefix}:{operation}"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn exceptions_win_over_prefixes_and_prefixes_over_signing_names() -> Result<(), FactsError> {
        let p = Permissions::parse(
            "# a comment\n\nopensearch:*: es:*  # the old name\ns3:GetBucketEncryption: s3:GetEncryptionConfiguration\napigateway:*: apigateway:GET\n",
        )?;
        assert_eq!(p.of("s3", "s3", "GetBucketEncryption"), "s3:GetEncryptionConfiguration");
        assert_eq!(p.of("s3", "s3", "GetBucketTagging"), "s3:GetBucketTagging");
        assert_eq!(p.of("opensearch", "opensearch", "ListDomainNames"), "es:ListDomainNames");
        assert_eq!(p.of("apigateway", "apigateway", "GetRestApis"), "apigateway:GET");
        Ok(())
    }

    #[test]
    fn a_broken_line_is_named() {
        for (text, line) in [("a", 1), ("\nx:y: z", 2), ("a:B: a:C\na:B: a:D", 2)] {
            let error = Permissions::parse(text).err().map(|e| e.to_string()).unwrap_or_default();
            assert!(error.starts_with(&format!("permissions.yaml:{line}")), "{error}");
        }
    }
}
