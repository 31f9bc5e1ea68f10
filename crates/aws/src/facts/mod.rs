//! API facts: which operations there are, how they are called, and what they answer.

mod model;
mod operation;
mod permissions;
mod service;
mod shape;

pub(crate) use model::{EndpointModel, ProtocolName};
pub(crate) use operation::Pages;
pub use operation::{InputMember, ReadOperation, WriteOperation};
pub(crate) use service::Service;
pub(crate) use shape::{Body, Link, Location, Node, Scalar, Target};

use crate::facts::permissions::Permissions;
use std::collections::HashMap;
use std::fmt;
use std::sync::{Arc, RwLock};
use yagura_model::nearest;

/// Reads a service's facts file by service name; `None` where there is none.
type Load = Box<dyn Fn(&str) -> Option<Vec<u8>> + Send + Sync>;

/// API facts of all services. A service's file is read when one of its operations is first asked for;
/// of its shapes only those that a used operation reaches are built.
///
/// What was built lives until the process ends, so that schemas can refer to each other without
/// reference counts: at most once per service file and shape, for each `Facts` that is made. Make one.
pub struct Facts {
    load: Load,
    excerpt: Option<Load>,
    writes: Option<Load>,
    own: Option<Load>,
    permissions: Permissions,
    services: RwLock<HashMap<(Part, String), &'static Service>>,
}

/// How much of a service's facts.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
enum Part {
    /// The operations of the excerpt.
    Excerpt,
    /// All of it.
    Whole,
    /// The operations that change something.
    Writes,
    /// The operations that Yagura calls by itself.
    Own,
}

/// Why an operation's facts cannot be had.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum FactsError {
    /// Not of the form `service:Operation`.
    #[error("`{0}` is not a call: write `service:Operation`, such as `s3:GetBucketEncryption`")]
    Form(String),
    /// No facts file for the service.
    #[error("unknown service `{service}`{}", hint(.nearest))]
    Service {
        /// The service as written.
        service: String,
        /// The service that was probably meant.
        nearest: Option<String>,
    },
    /// The service has no such read operation.
    #[error("`{service}` has no read operation `{operation}`{}", hint(.nearest))]
    Operation {
        /// The service.
        service: String,
        /// The operation as written.
        operation: String,
        /// The operation that was probably meant.
        nearest: Option<String>,
    },
    /// No facts of an operation that changes something.
    #[error("there are no facts of a change `{call}`{}", hint(.nearest))]
    Write {
        /// The call as written.
        call: String,
        /// The call that was probably meant.
        nearest: Option<String>,
    },
    /// The operation changes something, or answers secrets: it can not be called at all.
    #[error("`{0}` is not an operation that only reads configuration")]
    NotARead(String),
    /// The facts file or the permissions file is not of the expected form.
    #[error("{file}: {message}")]
    File {
        /// Which file.
        file: String,
        /// What is wrong.
        message: String,
    },
}

fn hint(nearest: &Option<String>) -> String {
    nearest.as_ref().map(|n| format!(": did you mean `{n}`?")).unwrap_or_default()
}

impl Facts {
    /// Facts that are loaded by service name (`s3` → the bytes of `content/aws/s3.json`), with the text of
    /// `content/permissions.yaml` for the IAM actions whose names differ from the operation's.
    pub fn new(
        load: impl Fn(&str) -> Option<Vec<u8>> + Send + Sync + 'static,
        exceptions: &str,
    ) -> Result<Self, FactsError> {
        Ok(Self {
            load: Box::new(load),
            excerpt: None,
            writes: None,
            own: None,
            permissions: Permissions::parse(exceptions)?,
            services: RwLock::new(HashMap::new()),
        })
    }

    /// The same facts with a quicker source that holds only the operations in everyday use; what it does not hold is looked for in
    /// the whole file.
    #[must_use]
    pub fn with_excerpt(mut self, excerpt: impl Fn(&str) -> Option<Vec<u8>> + Send + Sync + 'static) -> Self {
        self.excerpt = Some(Box::new(excerpt));
        self
    }

    /// The same facts with those of operations that change something, by service name (`s3` → the bytes of
    /// `content/writes/s3.json`). Without them nothing can be changed at all.
    #[must_use]
    pub fn with_writes(mut self, writes: impl Fn(&str) -> Option<Vec<u8>> + Send + Sync + 'static) -> Self {
        self.writes = Some(Box::new(writes));
        self
    }

    /// The same facts with those of the few operations that Yagura calls by itself, by service name (`sns` → the bytes of
    /// `content/own/sns.json`).
    #[must_use]
    pub fn with_own(mut self, own: impl Fn(&str) -> Option<Vec<u8>> + Send + Sync + 'static) -> Self {
        self.own = Some(Box::new(own));
        self
    }

    /// The operation that changes something and that `call` names (`s3:PutPublicAccessBlock`): one that a remedy names.
    ///
    /// # Errors
    /// There are no such facts; the message names the nearest right spelling.
    pub fn write_operation(&self, call: &str) -> Result<WriteOperation, FactsError> {
        self.change(Part::Writes, call)
    }

    /// An operation that Yagura calls by itself: to tell people (`sns:Publish`) and for the secrets of that, to take messages from a queue,
    /// to make and open data keys. No remedy can name it.
    ///
    /// # Errors
    /// There are no such facts.
    pub fn own_operation(&self, call: &str) -> Result<WriteOperation, FactsError> {
        self.change(Part::Own, call)
    }

    fn change(&self, part: Part, call: &str) -> Result<WriteOperation, FactsError> {
        let (service, operation) = call.split_once(':').ok_or_else(|| FactsError::Form(call.to_owned()))?;
        let no_such = |nearest: Option<&str>| FactsError::Write {
            call: call.to_owned(),
            nearest: nearest.map(|n| format!("{service}:{n}")),
        };
        let writes = self.part(part, service)?.ok_or_else(|| no_such(None))?;
        let found = writes.operation(operation, &self.permissions)?;
        found.map(WriteOperation::new).ok_or_else(|| no_such(nearest(operation, writes.operation_names())))
    }

    /// The read operation that `call` names (`s3:GetBucketEncryption`; the service is botocore's name).
    /// The same operation is built once. The error names the nearest right spelling.
    pub fn read_operation(&self, call: &str) -> Result<Arc<ReadOperation>, FactsError> {
        let (service, operation) = call.split_once(':').ok_or_else(|| FactsError::Form(call.to_owned()))?;
        if let Some(excerpt) = self.part(Part::Excerpt, service)?
            && let Some(found) = excerpt.operation(operation, &self.permissions)?
        {
            return Ok(found);
        }
        let service = self.service(service)?;
        if let Some(found) = service.operation(operation, &self.permissions)? {
            return Ok(found);
        }
        if is_a_write(operation) {
            return Err(FactsError::NotARead(call.to_owned()));
        }
        Err(FactsError::Operation {
            service: service.name().to_owned(),
            operation: operation.to_owned(),
            nearest: nearest(operation, service.operation_names()).map(str::to_owned),
        })
    }

    /// Every read operation of a service, as `service:Operation`, sorted.
    pub fn read_calls(&self, service: &str) -> Result<Vec<String>, FactsError> {
        let service = self.service(service)?;
        let mut calls: Vec<_> = service.operation_names().map(|o| format!("{}:{o}", service.name())).collect();
        calls.sort();
        Ok(calls)
    }

    fn service(&self, name: &str) -> Result<&'static Service, FactsError> {
        self.part(Part::Whole, name)?.ok_or_else(|| FactsError::Service {
            service: name.to_owned(),
            nearest: nearest(name, ALL_SERVICES.iter().copied()).map(str::to_owned),
        })
    }

    /// A part of a service's facts, read once; `None` where there is no such file.
    fn part(&self, part: Part, name: &str) -> Result<Option<&'static Service>, FactsError> {
        let key = (part, name.to_owned());
        if let Some(found) = self.services.read().ok().and_then(|s| s.get(&key).copied()) {
            return Ok(Some(found));
        }
        let source = match part {
            Part::Excerpt => self.excerpt.as_ref(),
            Part::Whole => Some(&self.load),
            Part::Writes => self.writes.as_ref(),
            Part::Own => self.own.as_ref(),
        };
        let sound = name.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'-');
        let Some(bytes) = source.filter(|_| sound).and_then(|load| load(name)) else { return Ok(None) };
        let Ok(mut services) = self.services.write() else {
            return Err(FactsError::File { file: name.to_owned(), message: "facts are poisoned".to_owned() });
        };
        if let Some(found) = services.get(&key) {
            return Ok(Some(found));
        }
        let service = Service::parse(name, bytes)?;
        services.insert(key, service);
        Ok(Some(service))
    }
}

/// Verbs that operations with an effect begin with: only to word an error well.
fn is_a_write(operation: &str) -> bool {
    const READS: [&str; 6] = ["List", "Describe", "Get", "Search", "Lookup", "Head"];
    const WRITES: [&str; 18] = [
        "Create",
        "Delete",
        "Put",
        "Update",
        "Modify",
        "Set",
        "Add",
        "Remove",
        "Attach",
        "Detach",
        "Start",
        "Stop",
        "Enable",
        "Disable",
        "Run",
        "Terminate",
        "Tag",
        "Untag",
    ];
    !READS.iter().any(|r| operation.starts_with(r)) && WRITES.iter().any(|w| operation.starts_with(w))
        || matches!(operation, "GetSecretValue" | "GetParameter" | "GetParameters" | "GetSessionToken" | "GetObject")
}

/// The services that `content/aws` is generated for, for naming the nearest right spelling.
pub(crate) const ALL_SERVICES: &[&str] = &[
    "accessanalyzer",
    "account",
    "acm",
    "acm-pca",
    "amplify",
    "apigateway",
    "apigatewayv2",
    "appconfig",
    "appflow",
    "application-autoscaling",
    "apprunner",
    "appsync",
    "athena",
    "autoscaling",
    "backup",
    "batch",
    "bedrock",
    "bedrock-agent",
    "bedrock-agentcore-control",
    "budgets",
    "cloudformation",
    "cloudfront",
    "cloudhsmv2",
    "cloudtrail",
    "cloudwatch",
    "codeartifact",
    "codebuild",
    "codedeploy",
    "codeguru-reviewer",
    "codeguruprofiler",
    "codepipeline",
    "cognito-identity",
    "cognito-idp",
    "comprehend",
    "config",
    "connect",
    "controltower",
    "datasync",
    "dax",
    "detective",
    "directconnect",
    "dlm",
    "dms",
    "docdb",
    "ds",
    "dynamodb",
    "ec2",
    "ecr",
    "ecr-public",
    "ecs",
    "efs",
    "eks",
    "elasticache",
    "elasticbeanstalk",
    "elb",
    "elbv2",
    "emr",
    "emr-containers",
    "emr-serverless",
    "events",
    "firehose",
    "fms",
    "frauddetector",
    "fsx",
    "glacier",
    "globalaccelerator",
    "glue",
    "guardduty",
    "iam",
    "identitystore",
    "imagebuilder",
    "inspector2",
    "iot",
    "iotsitewise",
    "iottwinmaker",
    "iotwireless",
    "ivs",
    "kafka",
    "kafkaconnect",
    "kendra",
    "keyspaces",
    "kinesis",
    "kinesisanalyticsv2",
    "kms",
    "lakeformation",
    "lambda",
    "lightsail",
    "logs",
    "macie2",
    "memorydb",
    "mq",
    "mwaa",
    "neptune",
    "network-firewall",
    "opensearch",
    "opensearchserverless",
    "organizations",
    "qbusiness",
    "ram",
    "rbin",
    "rds",
    "redshift",
    "redshift-serverless",
    "rolesanywhere",
    "route53",
    "route53domains",
    "route53resolver",
    "s3",
    "s3control",
    "s3tables",
    "sagemaker",
    "secretsmanager",
    "securityhub",
    "securitylake",
    "service-quotas",
    "servicecatalog",
    "ses",
    "sesv2",
    "shield",
    "signer",
    "sns",
    "sqs",
    "ssm",
    "ssm-incidents",
    "sso-admin",
    "stepfunctions",
    "sts",
    "support",
    "timestream-influxdb",
    "timestream-write",
    "transfer",
    "trustedadvisor",
    "vpc-lattice",
    "waf",
    "waf-regional",
    "wafv2",
    "workspaces",
    "xray",
];

impl fmt::Debug for Facts {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Facts").finish_non_exhaustive()
    }
}
