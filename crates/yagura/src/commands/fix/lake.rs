//! Who used what plans change, and what would have stopped, by the records of a lake.

use super::args::FixArgs;
use crate::commands::detect::{Named, time};
use crate::commands::iam::catalogue;
use crate::commands::live::Access;
use crate::commands::logs::lake::runtime;
use crate::commands::readers::of_field;
use crate::commands::store::StoreArgs;
use crate::content::{Compiled, renamed_actions};
use crate::failure::Failure;
use jiff::Timestamp;
use yagura_inventory::collect;
use yagura_logs::decode::{Sink, decode};
use yagura_logs::envelope::{Envelope, Outcome};
use yagura_logs::record::Record;
use yagura_model::{Lang, Snapshot};
use yagura_network::estate::Estate;
use yagura_network::read::Reader;
use yagura_policy::rehearse::{Scope, Stage};
use yagura_respond::Preview;
use yagura_respond::blast::{Flow, Radius, Use};

/// How many things that cannot be read are named.
const NAMED: usize = 20;

/// What the lake told.
pub struct Told {
    /// The time from which on it was asked; none: all that there is.
    pub since: Option<Timestamp>,
    /// Records of CloudTrail in that time.
    pub records: u64,
    /// Accepted flows in that time.
    pub flows: u64,
    /// What each plan's resource was used for, in their order.
    pub uses: Vec<Use>,
    /// What could not be read, the first of them, and how much there was.
    pub unread: Vec<String>,
    /// How many parts could not be read.
    pub lost: u64,
}

/// Whether a lake is asked.
pub fn is_asked(args: &FixArgs) -> bool {
    args.demo || args.lake.is_some()
}

/// Whether interfaces have to be read for what closing ports would cut.
pub fn wants_network(args: &FixArgs, preview: &Preview) -> bool {
    let closes = |c: &str| c == "ec2:RevokeSecurityGroupIngress";
    is_asked(args) && preview.plans.iter().flat_map(|p| &p.steps).any(|s| closes(&s.call.call))
}

/// Interfaces and security groups of a live account.
pub async fn network(access: &Access, compiled: &Compiled) -> Option<Estate> {
    let wanted = [("ec2.network_interface", "Groups"), ("ec2.security_group", "IpPermissions")];
    let readers: Vec<_> = wanted.iter().filter_map(|(kind, field)| of_field(compiled, kind, field)).collect();
    let mut estate = access.estate(compiled, &readers);
    collect(&mut estate, &access.targets, &readers, &compiled.kinds, &|_| {}).await;
    of_snapshot(&estate.into_snapshot(String::new(), 0))
}

/// The network of a snapshot; none where it is not of AWS's form.
pub fn of_snapshot(snapshot: &Snapshot) -> Option<Estate> {
    let mut reader = Reader::new();
    reader.snapshot(snapshot).ok()?;
    Some(reader.finish())
}

/// Asks the lake.
///
/// # Errors
/// It cannot be opened, or holds nothing of the time.
pub fn ask(args: &FixArgs, preview: &Preview, network: Option<&Estate>, lang: Lang) -> Result<Told, Failure> {
    let catalogue = catalogue()?;
    let names = renamed_actions();
    let stage = Stage::new(&catalogue, names.iter().map(|(from, to)| (from.as_str(), to.as_str())), Scope::default());
    let radius = Radius::new(&preview.plans, stage, network);
    // The sample's logs have their own time.
    let sample = args.demo && args.lake.is_none();
    let since = if sample { i64::MIN } else { time(Some(&args.since), i64::MIN)? };
    let runtime = runtime()?;
    let store = StoreArgs {
        profile: args.aws.profile.clone(),
        region: args.aws.region.first().cloned(),
        endpoint_url: args.aws.endpoint_url.clone(),
        ..StoreArgs::default()
    };
    let named = Named { sources: &[], demo: sample, lake: args.lake.as_deref(), store: &store };
    let inputs = named.inputs(since, (since, i64::MAX), false, &runtime, lang)?;
    let told = Told {
        since: Timestamp::from_millisecond(since).ok().filter(|_| since > i64::MIN),
        records: 0,
        flows: 0,
        uses: radius.begin(),
        unread: Vec::new(),
        lost: 0,
    };
    let mut looking = Looking { radius: &radius, since, told, name: String::new() };
    for input in &inputs {
        looking.name.clone_from(&input.name);
        match input.open(runtime.handle()) {
            Ok(stream) => {
                decode(stream, &input.place, &mut looking);
            }
            Err(e) => looking.aside(e.to_string(), &[]),
        }
    }
    Ok(looking.told)
}

struct Looking<'l> {
    radius: &'l Radius<'l>,
    since: i64,
    told: Told,
    name: String,
}

impl Sink for Looking<'_> {
    fn record(&mut self, text: &str, record: Record<'_>, envelope: Envelope<'_>) {
        if envelope.time.is_none_or(|t| t < self.since) && self.since > i64::MIN {
            return;
        }
        match record.table.name() {
            "cloudtrail_logs" => {
                self.told.records += 1;
                match serde_json::from_str(text) {
                    Ok(value) => self.radius.call(&value, envelope.time, &mut self.told.uses),
                    Err(e) => self.aside(e.to_string(), &[]),
                }
            }
            "vpc_flow_logs" if self.radius.wants_flows() && envelope.outcome == Some(Outcome::Success) => {
                self.told.flows += 1;
                let text = |column: &str| record.text(column).map(std::borrow::Cow::into_owned).unwrap_or_default();
                let (interface, from, to) = (text("interface_id"), text("srcaddr"), text("dstaddr"));
                let number = |column: &str| text(column).parse().unwrap_or(0);
                let protocol = u8::try_from(number("protocol")).unwrap_or(0);
                let flow = Flow {
                    interface: &interface,
                    from: &from,
                    to: &to,
                    from_port: number("srcport"),
                    port: number("dstport"),
                    protocol,
                };
                self.radius.flow(&flow, &mut self.told.uses);
            }
            _ => {}
        }
    }

    fn aside(&mut self, why: String, _: &[u8]) {
        self.told.lost += 1;
        if self.told.unread.len() < NAMED {
            self.told.unread.push(format!("{}: {why}", self.name));
        }
    }
}
