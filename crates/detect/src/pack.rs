//! Detections and sequences as content: read together, checked against each other, tried on their own fixtures.

use crate::attack::{self, Attack};
use crate::compile::Settings;
use crate::detection::{self, Detection};
use crate::engine::{Engine, State};
use crate::fixture::{Expect, Fixture};
use crate::intel::Lists;
use crate::observe::{Observer, Rules};
use crate::run::{Counts, Waiting};
use crate::sequence::{self, Sequence, Sequences};
use crate::stat::PLACED;
use crate::stat::places::Places;
use smol_str::SmolStr;
use std::collections::BTreeMap;
use std::sync::Arc;
use yagura_logs::envelope::Envelope;
use yagura_logs::record::Object;
use yagura_logs::table::Table;
use yagura_model::ContentFile;
use yagura_rule::{ContentError, nearest_hint};

/// Everything that detects.
#[derive(Debug, Default)]
pub struct Pack {
    /// Detections, indexed.
    pub rules: Rules,
    /// Sequences, indexed.
    pub sequences: Sequences,
    /// What is wrong with files that were left out.
    pub errors: Vec<ContentError>,
}

impl Pack {
    /// Reads all files below `detections/` and `sequences/`. A broken file is left out and complained of, and so is one that claims the
    /// id of another and a sequence that asks for a detection that does not exist.
    pub fn read<'f>(files: impl Iterator<Item = &'f ContentFile>, settings: &Settings) -> Self {
        Self::read_with(files, &[], settings)
    }

    /// As [`Pack::read`], with rules of others by path and text: Sigma's, and EventBridge patterns in files named `*.json`. A rule that
    /// cannot be honoured is complained of, and the rest runs.
    pub fn read_with<'f>(
        files: impl Iterator<Item = &'f ContentFile>,
        others: &[(String, String)],
        settings: &Settings,
    ) -> Self {
        let mut detections: BTreeMap<SmolStr, Detection> = BTreeMap::new();
        let mut sequences: BTreeMap<SmolStr, (Sequence, &ContentFile)> = BTreeMap::new();
        let mut errors = Vec::new();
        let whole =
            |file: &ContentFile, message: String| ContentError { file: file.path.clone(), line: 1, column: 1, message };
        let mut attack = Attack::default();
        for file in files {
            if file.path == attack::PATH {
                match Attack::parse(file) {
                    Ok(found) => attack = found,
                    Err(e) => errors.extend(e),
                }
            } else if file.path.starts_with("detections/") {
                match detection::parse(file, settings) {
                    Ok(d) if detections.contains_key(&d.id) => {
                        errors.push(whole(file, format!("`{}` stands in another file already", d.id)));
                    }
                    Ok(d) => {
                        detections.insert(d.id.clone(), d);
                    }
                    Err(e) => errors.extend(e),
                }
            } else if file.path.starts_with("sequences/") {
                match sequence::parse(file) {
                    Ok(s) if sequences.contains_key(&s.id) => {
                        errors.push(whole(file, format!("`{}` stands in another file already", s.id)));
                    }
                    Ok(s) => {
                        sequences.insert(s.id.clone(), (s, file));
                    }
                    Err(e) => errors.extend(e),
                }
            }
        }
        let mut sound = Vec::new();
        for (s, file) in sequences.into_values() {
            let asked = s.stages.iter().flat_map(|stage| &stage.any);
            let strange: Vec<String> = asked
                .filter(|rule| !detections.contains_key(*rule))
                .map(|rule| {
                    let near = nearest_hint(rule, detections.keys().map(SmolStr::as_str));
                    format!("there is no detection `{rule}`{near}")
                })
                .collect();
            if strange.is_empty() {
                sound.push(s);
            }
            errors.extend(strange.into_iter().map(|m| whole(file, m)));
        }
        let mut all: Vec<Detection> = detections.into_values().collect();
        let mut documents = Vec::new();
        for (path, text) in others {
            if let Some(name) = path.strip_suffix(".json") {
                let name = name.rsplit(['/', '\\']).next().unwrap_or(name);
                match crate::foreign::pattern(name, text) {
                    Ok(d) if all.iter().any(|other| other.id == d.id) => {
                        let message = format!("`{}` stands in another file already", d.id);
                        errors.push(ContentError { file: path.clone(), line: 1, column: 1, message });
                    }
                    Ok(d) => all.push(d),
                    Err(e) => {
                        errors.push(ContentError { file: path.clone(), line: 1, column: 1, message: e.to_string() })
                    }
                }
                continue;
            }
            match crate::sigma::load(text, path) {
                Ok(found) => documents.extend(found),
                Err(e) => errors.extend(e),
            }
        }
        let first = u32::try_from(all.len()).unwrap_or(u32::MAX);
        let (sigma, correlations, problems) = crate::foreign::sigma(documents, first);
        all.extend(sigma);
        errors.extend(problems);
        for d in all.iter().filter(|_| !attack.techniques.is_empty()) {
            let strange =
                d.maps.iter().filter_map(|m| m.strip_prefix("attack/")).find(|t| !attack.techniques.contains_key(*t));
            // Sigma's tags are others' words.
            if let (Some(technique), false) = (strange, d.id.starts_with("sigma.")) {
                let near = nearest_hint(technique, attack.techniques.keys().map(SmolStr::as_str));
                let file = format!("detections/{}.yaml", d.id.replacen('.', "/", 1));
                let message = format!("`{technique}` is not in {} (ATT&CK {}){near}", attack::PATH, attack.version);
                errors.push(ContentError { file, line: 1, column: 1, message });
            }
        }
        let mut rules = Rules::new(all);
        rules.attack = attack;
        rules.correlate(correlations);
        Self { rules, sequences: Sequences::new(sound), errors }
    }

    /// The detections that find nothing for want of a table of locations.
    pub fn off<'p>(&'p self, lists: &Lists) -> impl Iterator<Item = &'p SmolStr> {
        let wanting = lists.places().is_none();
        let asks = move |d: &&Detection| wanting && d.method.as_ref().is_some_and(|m| PLACED.contains(&m.as_str()));
        self.rules.detections.iter().filter(asks).map(|d| &d.id)
    }

    /// The fixtures of the wanted rules that do not come out as they say: rule, fixture, what came.
    pub fn broken_fixtures(&self, wanted: &dyn Fn(&SmolStr) -> bool) -> Vec<(SmolStr, SmolStr, String)> {
        let mut broken = Vec::new();
        for d in self.rules.detections.iter().filter(|d| wanted(&d.id)) {
            let only = Rules::new(vec![Detection { silent: false, ..d.clone() }]);
            let first = (d.index.sources.first().map(SmolStr::as_str), d.index.names.first().map(SmolStr::as_str));
            for f in &d.fixtures {
                let state = play(&only, &Sequences::default(), f, d.table, first);
                complain(&mut broken, &d.id, f, state.map(|s| s.signals.len()));
            }
        }
        for s in self.sequences.all.iter().filter(|s| wanted(&s.id)) {
            let asked: Vec<Detection> = self
                .rules
                .detections
                .iter()
                .filter(|d| s.stages.iter().any(|stage| stage.any.contains(&d.id)))
                .cloned()
                .collect();
            let rules = Rules::new(asked);
            let only = Sequences::new(vec![s.clone()]);
            let Some(table) = detection::log("cloudtrail") else { continue };
            for f in &s.fixtures {
                let state = play(&rules, &only, f, table, (None, None));
                complain(&mut broken, &s.id, f, state.map(|s| s.incidents.len()));
            }
        }
        broken
    }
}

fn complain(broken: &mut Vec<(SmolStr, SmolStr, String)>, id: &SmolStr, f: &Fixture, came: Result<usize, String>) {
    let wrong = match (&came, f.expect) {
        (Err(e), _) => Some(e.clone()),
        (Ok(0), Expect::Fire) => Some("it stayed quiet".to_owned()),
        (Ok(n), Expect::Quiet) if *n > 0 => Some(format!("it fired ({n})")),
        (Ok(n), Expect::Times(wanted)) if *n != wanted => Some(format!("it fired {n} times, not {wanted}")),
        _ => None,
    };
    broken.extend(wrong.map(|w| (id.clone(), f.name.clone(), w)));
}

/// Runs a fixture's records from nothing.
fn play(
    rules: &Rules,
    sequences: &Sequences,
    fixture: &Fixture,
    table: &'static Table,
    first: (Option<&str>, Option<&str>),
) -> Result<State, String> {
    let mut lists = Lists::of(
        fixture
            .lists
            .iter()
            .flat_map(|(category, entries)| entries.iter().map(move |e| (category.as_str(), e.as_str()))),
    )?;
    if !fixture.places.is_empty() {
        let (places, reading) = Places::read(fixture.places.join("\n").as_bytes()).map_err(|e| e.to_string())?;
        if let Some((line, why)) = reading.examples.first() {
            return Err(format!("line {line} of its places: {why}"));
        }
        lists = lists.with_places(places);
    }
    let mut observer = Observer::new(rules, Arc::new(lists));
    let mut waiting = Waiting::default();
    for (table, text) in fixture.records(table, first) {
        let object = Object::read(&text).map_err(|e| e.to_string())?;
        let record = object.into_record(table);
        let mut envelope = Envelope::default();
        (table.source.envelope)(&record, &mut envelope);
        match observer.look(&text, &record, &envelope) {
            Some(o) => waiting.push(vec![o]),
            None => return Err("a record of it has no time".to_owned()),
        }
    }
    let mut engine = Engine::new(rules, sequences, State::default());
    waiting.release(i64::MAX, &mut engine, &mut Counts::default());
    Ok(engine.state)
}
