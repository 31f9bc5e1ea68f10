//! Calls one read operation and prints its pages as JSON lines:
//! `cargo run -p yagura-aws --example call -- us-east-1 ec2:DescribeVolumes '{"MaxResults": 5}'`.
//! Credentials, profile and endpoint come from the environment, as for the AWS CLI.

use std::sync::Arc;
use yagura_aws::{Facts, Options, Session};
use yagura_model::Map;

type Failure = Box<dyn std::error::Error>;

#[tokio::main]
async fn main() -> Result<(), Failure> {
    let mut words = std::env::args().skip(1);
    let region = words.next().ok_or("usage: call REGION SERVICE:OPERATION [INPUT]…")?;
    let content = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("../../content");
    let folder = content.join("aws");
    let exceptions = std::fs::read_to_string(content.join("permissions.yaml"))?;
    let facts = Facts::new(move |service| std::fs::read(folder.join(format!("{service}.json"))).ok(), &exceptions)?;
    let facts = Arc::new(facts);
    let session = Session::connect(Options::default(), facts.clone()).await?;
    let words: Vec<String> = words.collect();
    for pair in words.chunks(2) {
        let [call, rest @ ..] = pair else { continue };
        let operation = facts.read_operation(call)?;
        let input: Map = rest.first().map_or(Ok(Map::new()), |json| serde_json::from_str(json))?;
        let mut print = |page| println!("{page}");
        if let Err(error) = session.call(&operation, &region, &input, &mut print).await {
            println!("{}", serde_json::to_string(&error.gap(&operation, &region))?);
        }
    }
    eprintln!("{} requests", session.requests());
    Ok(())
}
