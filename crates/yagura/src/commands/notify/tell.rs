//! What detection found, as changes to be told.

use jiff::Timestamp;
use serde_json::Value as Json;
use yagura_detect::tell::Told;
use yagura_model::Lang;
use yagura_notify::{Change, Notice, Words};
use yagura_report::{DetectFormat, Style, told_identity, write_findings};

/// A finding of detection. An incident that became graver is told again; its other growth is not.
pub fn notice(told: &Told, other: Option<&Told>, lang: Lang) -> Notice {
    let change = if told.sequence.is_empty() { Change::Signal } else { Change::Incident };
    let subject = told_identity(told);
    let (here, there) = (words(told), other.map_or_else(|| words(told), words));
    let (en, ja) = match lang {
        Lang::En => (here, there),
        Lang::Ja => (there, here),
    };
    let at = told.last.parse().unwrap_or_else(|_| Timestamp::now());
    let touched = told.resources.first().map_or(told.about.target.as_str(), |r| r.as_str());
    let resource = if touched.is_empty() { told.about.actor.as_str() } else { touched };
    let mut detail = serde_json::to_value(told).unwrap_or_default();
    if let Some(map) = detail.as_object_mut() {
        map.insert("id".to_owned(), Json::from(subject.as_str()));
    }
    Notice {
        id: Notice::identity(&[&subject, change.name(), told.severity.name()]),
        subject,
        change,
        severity: told.severity,
        at,
        account: told.about.account.to_string(),
        region: told.about.region.to_string(),
        resource: resource.to_owned(),
        rule: told.sequence.first().unwrap_or(&told.rule).to_string(),
        en,
        ja,
        detail,
        asff: one(told, lang, DetectFormat::Asff),
        ocsf: one(told, lang, DetectFormat::Ocsf),
    }
}

fn words(told: &Told) -> Words {
    Words { title: told.title.clone(), why: told.why.clone(), fix: told.look.join("\n") }
}

/// A finding in a format that is a list of them.
fn one(told: &Told, lang: Lang, format: DetectFormat) -> Option<Json> {
    let mut out = Vec::new();
    write_findings(std::slice::from_ref(told), format, &Style::default(), lang, &mut out).ok()?;
    match serde_json::from_slice(&out).ok()? {
        Json::Array(mut all) => all.pop(),
        _ => None,
    }
}
