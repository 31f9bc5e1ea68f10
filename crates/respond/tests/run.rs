//! Runs and their undo, with a fault at every single call.
#![allow(clippy::unwrap_used, clippy::indexing_slicing, clippy::panic, reason = "tests may stop")]

use serde_json::{Value as Json, json};
use smol_str::SmolStr;
use std::collections::BTreeMap;
use yagura_model::{Lang, Map, ResourceRef, Value};
use yagura_respond::journal::{Event, Journal, Journals};
use yagura_respond::plan::{Plan, PlannedCall, PlannedStep, Preview};
use yagura_respond::run::{Refusal, Reread, World, apply, undo};

/// What goes wrong, at the nth call that changes something.
#[derive(Debug, Clone, Copy, PartialEq)]
enum Fault {
    /// AWS says no; nothing changed.
    Denied,
    /// The answer is lost before the change was made.
    LostBefore,
    /// The answer is lost after the change was made.
    LostAfter,
}

/// An account of two switches and a thing that is made.
#[derive(Default)]
struct Fake {
    state: BTreeMap<String, Json>,
    calls: usize,
    fault: Option<(usize, Fault)>,
    /// Changed by somebody else before the nth reading.
    meddle: Option<usize>,
    readings: usize,
    /// What is done belongs to no check.
    unjudged: bool,
}

const SWITCHES: [&str; 2] = ["Log", "Lock"];

fn resource() -> ResourceRef {
    ResourceRef {
        arn: None,
        id: "thing".into(),
        kind: "x.thing".into(),
        account: "111122223333".into(),
        region: "us-east-1".into(),
    }
}

fn call(name: &str, key: &str, value: Json) -> PlannedCall {
    PlannedCall {
        call: name.into(),
        name: "made".into(),
        account: "111122223333".into(),
        region: "us-east-1".into(),
        with: json!({"Key": key, "Value": value}),
        gone: vec!["NotThere".into()],
    }
}

impl Fake {
    fn plan(&self) -> Plan {
        let mut steps: Vec<PlannedStep> = SWITCHES
            .iter()
            .map(|s| PlannedStep {
                call: call("x:Set", s, json!("on")),
                accept: Vec::new(),
                undo: vec![call("x:Set", s, self.state[*s].clone())],
            })
            .collect();
        // What is made is found again by looking, so that a lost answer does not lose it.
        let found = PlannedCall { name: "found".into(), ..call("x:Find", "Made", Json::Null) };
        let removed = PlannedCall {
            with: json!({"Key": "Made", "Id": {"$answer": "found.Ids.0"}}),
            ..call("x:Remove", "", Json::Null)
        };
        steps.push(PlannedStep {
            call: call("x:Make", "Made", json!("m-1")),
            accept: Vec::new(),
            undo: vec![found, removed],
        });
        Plan {
            rule: "x.good".into(),
            also: Vec::new(),
            maps: Vec::new(),
            remedy: "x.mend".into(),
            given: Map::new(),
            resource: resource(),
            steps,
            prior: self.fields(),
            says: Vec::new(),
        }
    }

    fn fields(&self) -> BTreeMap<SmolStr, Json> {
        ["Log", "Lock", "Made"]
            .iter()
            .map(|k| ((*k).into(), self.state.get(*k).cloned().unwrap_or(Json::Null)))
            .collect()
    }

    fn mended(&self) -> bool {
        SWITCHES.iter().all(|s| self.state[*s] == "on") && self.state.contains_key("Made")
    }
}

impl World for Fake {
    async fn again(&mut self, _: &Plan) -> Result<Reread, String> {
        self.readings += 1;
        if self.meddle == Some(self.readings) {
            self.state.insert("Log".to_owned(), json!("by hand"));
        }
        let plan = if self.mended() { Err("mended".to_owned()) } else { Ok(self.plan()) };
        // Without a check there is none that fails.
        let mended = self.unjudged || self.mended();
        Ok(Reread { plan, mended, judged: !self.unjudged, state: self.fields() })
    }

    async fn call(&mut self, call: &PlannedCall, input: &Map) -> Result<Json, Refusal> {
        let key = input.get("Key").and_then(Value::as_str).unwrap().to_owned();
        if call.call == "x:Find" {
            return Ok(match self.state.get(&key) {
                Some(id) => json!({"Ids": [id]}),
                None => json!({"Ids": ["none"]}),
            });
        }
        self.calls += 1;
        let fault = self.fault.filter(|(at, _)| *at == self.calls).map(|(_, f)| f);
        let refusal = |answered| Refusal { code: "Fault".to_owned(), message: "it failed".to_owned(), answered };
        match fault {
            Some(Fault::Denied) => return Err(refusal(true)),
            Some(Fault::LostBefore) => return Err(refusal(false)),
            _ => {}
        }
        match call.call.as_str() {
            "x:Remove" => {
                let id = input.get("Id").and_then(Value::as_str).unwrap();
                if self.state.get(&key).and_then(Json::as_str) != Some(id) {
                    return Err(Refusal { code: "NotThere".to_owned(), message: "gone".to_owned(), answered: true });
                }
                self.state.remove(&key);
            }
            _ => {
                self.state.insert(key, input.get("Value").unwrap().to_json());
            }
        }
        if fault == Some(Fault::LostAfter) { Err(refusal(false)) } else { Ok(json!({"Id": "m-1"})) }
    }
}

fn world() -> Fake {
    let state = [("Log", "off"), ("Lock", "half")].map(|(k, v)| (k.to_owned(), json!(v)));
    Fake { state: state.into(), ..Fake::default() }
}

fn begin(journals: &Journals, plan: &Plan) -> Journal {
    journals
        .begin(jiff::Timestamp::now(), "arn:aws:iam::111122223333:user/a", "abcdef0123", std::slice::from_ref(plan))
        .unwrap()
}

#[tokio::test(start_paused = true)]
async fn a_run_mends_and_its_undo_restores_every_field() {
    let folder = tempfile::tempdir().unwrap();
    let (journals, mut world) = (Journals::at(folder.path()), world());
    let before = world.state.clone();
    let plan = world.plan();
    let mut journal = begin(&journals, &plan);
    let done = apply(&mut world, &mut journal, Lang::En).await.unwrap();
    assert!(world.mended() && done.failed.is_empty() && done.done.len() == 1 && done.unseen.is_empty());
    let run = journal.run.clone();
    assert!(journals.open(&run).is_err(), "a run that is being worked on is locked");
    drop(journal);
    let mut journal = journals.open(&run).unwrap();
    let back = undo(&mut world, &mut journal, false, Lang::En).await.unwrap();
    assert_eq!((world.state.clone(), back.failed.len(), back.done.len()), (before, 0, 1));
    let again = undo(&mut world, &mut journal, false, Lang::En).await.unwrap();
    assert_eq!((again.done.len(), again.failed.len()), (0, 0), "what was taken back is left alone");
}

#[tokio::test(start_paused = true)]
async fn a_fault_at_any_call_stops_there_and_can_be_taken_back() {
    for fault in [Fault::Denied, Fault::LostBefore, Fault::LostAfter] {
        for at in 1..=3 {
            let folder = tempfile::tempdir().unwrap();
            let (journals, mut world) = (Journals::at(folder.path()), world());
            let before = world.state.clone();
            world.fault = Some((at, fault));
            let plan = world.plan();
            let mut journal = begin(&journals, &plan);
            let done = apply(&mut world, &mut journal, Lang::En).await.unwrap();
            assert_eq!((done.failed.len(), world.calls), (1, at), "{fault:?} at {at}: it stops there");
            world.fault = None;
            let back = undo(&mut world, &mut journal, false, Lang::En).await.unwrap();
            assert_eq!(world.state, before, "{fault:?} at {at}: {back:?}");
            assert_eq!(back.failed, [], "{fault:?} at {at}");
        }
    }
}

#[tokio::test(start_paused = true)]
async fn a_run_that_was_cut_off_is_taken_back_from_its_journal() {
    // Cut off after every line, and in the middle of every line.
    let folder = tempfile::tempdir().unwrap();
    let (journals, mut first) = (Journals::at(folder.path()), world());
    let plan = first.plan();
    let mut journal = begin(&journals, &plan);
    apply(&mut first, &mut journal, Lang::En).await.unwrap();
    let path = folder.path().join("runs").join(format!("{}.jsonl", journal.run));
    drop(journal);
    let whole = std::fs::read_to_string(&path).unwrap();
    let lines: Vec<&str> = whole.split_inclusive('\n').collect();
    for kept in 1..=lines.len() {
        for half in [false, true] {
            let mut world = world();
            let before = world.state.clone();
            let mut text: String = lines[..kept].concat();
            if half {
                text.push_str(&lines.get(kept).map_or("", |l| l)[..lines.get(kept).map_or(0, |l| l.len() / 2)]);
            }
            // A call that was begun may have been made.
            for line in &lines[..kept] {
                let entry: Json = serde_json::from_str(line).unwrap();
                if entry["event"] == "calling" {
                    let step = &plan.steps[usize::try_from(entry["step"].as_u64().unwrap()).unwrap()];
                    let key = step.call.with["Key"].as_str().unwrap().to_owned();
                    world.state.insert(key, step.call.with["Value"].clone());
                }
            }
            let run = format!("cut{kept}{half}");
            std::fs::write(folder.path().join("runs").join(format!("{run}.jsonl")), text).unwrap();
            let mut journal = journals.open(&run).unwrap();
            let back = undo(&mut world, &mut journal, true, Lang::En).await.unwrap();
            assert_eq!(world.state, before, "cut after {kept} lines: {back:?}");
            drop(journal);
            journals.open(&run).unwrap();
        }
    }
}

#[tokio::test(start_paused = true)]
async fn what_changed_meanwhile_is_not_overwritten() {
    let folder = tempfile::tempdir().unwrap();
    let (journals, mut world) = (Journals::at(folder.path()), world());
    let plan = world.plan();
    world.meddle = Some(1);
    let mut journal = begin(&journals, &plan);
    let done = apply(&mut world, &mut journal, Lang::En).await.unwrap();
    assert_eq!((done.done.len(), done.failed.len(), world.calls), (0, 1, 0), "changed since the preview");
    assert!(matches!(journal.entries.last().unwrap().event, Event::Ended { why: Some(_) }));

    let mut world = self::world();
    let plan = world.plan();
    let mut journal = begin(&journals, &plan);
    apply(&mut world, &mut journal, Lang::En).await.unwrap();
    world.state.insert("Lock".to_owned(), json!("by hand"));
    let back = undo(&mut world, &mut journal, false, Lang::En).await.unwrap();
    assert!(back.done.is_empty() && back.failed[0].why.contains("Lock"), "{back:?}");
    assert_eq!(world.state["Lock"], "by hand");
    let forced = undo(&mut world, &mut journal, true, Lang::En).await.unwrap();
    assert_eq!((forced.done.len(), &world.state["Lock"]), (1, &json!("half")));
}

#[tokio::test(start_paused = true)]
async fn without_a_check_a_concurrent_change_is_not_taken_for_mended() {
    // The second plan is of another resource: the first one of the run did not change that.
    let folder = tempfile::tempdir().unwrap();
    let journals = Journals::at(folder.path());
    let mut world = Fake { unjudged: true, meddle: Some(3), ..world() };
    let first = world.plan();
    let second = Plan { resource: ResourceRef { id: "other".into(), ..resource() }, ..first.clone() };
    let at = jiff::Timestamp::now();
    let mut journal = journals.begin(at, "arn:aws:iam::111122223333:user/a", "abcdef0123", &[first, second]).unwrap();
    let done = apply(&mut world, &mut journal, Lang::En).await.unwrap();
    assert_eq!((done.done.len(), done.failed.len()), (1, 1), "{done:?}");
    assert_eq!(done.failed[0].resource.id, "other");
}

#[tokio::test(start_paused = true)]
async fn another_order_of_a_list_is_no_change_since_the_run() {
    let folder = tempfile::tempdir().unwrap();
    let (journals, mut world) = (Journals::at(folder.path()), world());
    let plan = world.plan();
    let mut journal = begin(&journals, &plan);
    apply(&mut world, &mut journal, Lang::En).await.unwrap();
    // Just after the run AWS lists a field's items in one order, and later in another.
    world.state.insert("Log".to_owned(), json!(["x", "y"]));
    journal.write(Event::Read { plan: 0, mended: true, after: world.fields() }).unwrap();
    world.state.insert("Log".to_owned(), json!(["y", "x"]));
    let back = undo(&mut world, &mut journal, false, Lang::En).await.unwrap();
    assert_eq!((back.failed, &world.state["Log"]), (Vec::new(), &json!("off")));
}

#[test]
fn a_broken_journal_is_an_error_and_not_half_a_run() {
    let folder = tempfile::tempdir().unwrap();
    let journals = Journals::at(folder.path());
    std::fs::create_dir_all(folder.path().join("runs")).unwrap();
    for (name, text) in [("a", "not json\n{}\n"), ("b", "{\"event\":\"begun\"}\n{\"at\":1}\n\u{0}\n")] {
        std::fs::write(folder.path().join("runs").join(format!("{name}.jsonl")), text).unwrap();
        assert!(journals.open(name).is_err(), "{name}");
    }
    for name in ["", "../a", "a/b", "none"] {
        assert_eq!(journals.open(name).unwrap_err().kind(), std::io::ErrorKind::NotFound, "{name}");
    }
}

#[test]
fn the_hash_speaks_of_calls_and_state_and_not_of_texts() {
    let plan = world().plan();
    let hash = |plan: Plan| Preview { plans: vec![plan], not_mendable: Vec::new() }.hash();
    let first = hash(plan.clone());
    assert_eq!(first.len(), 64);
    assert_eq!(first, hash(Plan { says: vec!["x".to_owned()], ..plan.clone() }));
    let mut prior = plan.prior.clone();
    prior.insert("Log".into(), json!("else"));
    assert_ne!(first, hash(Plan { prior, ..plan.clone() }));
    let mut steps = plan.steps.clone();
    steps[0].call.region = "eu-west-1".into();
    assert_ne!(first, hash(Plan { steps, ..plan }));
}
