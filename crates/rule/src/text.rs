//! The texts of a check, with the names of the resource filled in.

use crate::compile::hint;
use crate::schema::Kind;
use crate::yaml::{Reader, Yaml};
use std::sync::Arc;
use yagura_model::{Asset, Map, Value, filled};

/// Title, reason and advice in one language.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub(crate) struct Texts {
    pub title: Arc<str>,
    pub why: Arc<str>,
    pub fix: Arc<str>,
    lang: &'static str,
}

impl Texts {
    pub(crate) fn read(r: &mut Reader<'_>, yaml: &Yaml, lang: &'static str) -> Self {
        let Some(at) = yaml.get(lang) else {
            let name = if lang == "ja" { "Japanese" } else { "English" };
            r.complain(yaml, format!("the {name} text is missing: `{lang}: {{title: …, why: …, fix: …}}`"));
            return Self::default();
        };
        r.only(at, &["title", "why", "fix"]);
        let mut text = |name| Arc::from(r.want_text(at, name).trim());
        Self { title: text("title"), why: text("why"), fix: text("fix"), lang }
    }

    /// Complains of placeholders that name no field or setting.
    pub(crate) fn check(&self, r: &mut Reader<'_>, yaml: &Yaml, kind: &Kind, settings: &Map) {
        let Some(at) = yaml.get(self.lang) else { return };
        for (name, text) in [("title", &self.title), ("why", &self.why), ("fix", &self.fix)] {
            let place = at.get(name).unwrap_or(at);
            for hole in braces(text) {
                let wrong = match hole.split_once('.') {
                    Some(("this" | "settings", _)) if name == "title" => {
                        Some("a title is the same for every resource".to_owned())
                    }
                    Some(("this", path)) => kind.path(path).err(),
                    Some(("settings", setting)) => {
                        let near = || hint(setting, settings.iter().map(|(k, _)| k.as_str()));
                        settings.get(setting).is_none().then(|| format!("no setting `{setting}`{}", near()))
                    }
                    Some((first, _)) if is_word(hole) => {
                        let near = hint(first, ["this", "settings"]);
                        (!near.is_empty()).then(|| format!("`{first}` is not known here{near}"))
                    }
                    _ => None,
                };
                if let Some(wrong) = wrong {
                    r.complain(place, format!("`{{{hole}}}`: {wrong}"));
                }
            }
        }
    }

    /// Reason and advice with the settings filled in and the resource's names as written.
    pub(crate) fn with_settings(&self, settings: &Map) -> (Arc<str>, Arc<str>) {
        let filled = |text| fill(text, |name| of_settings(name, settings));
        (filled(&self.why), filled(&self.fix))
    }

    /// The advice for one resource.
    pub(crate) fn fix_for(&self, asset: Option<&Asset>, settings: &Map) -> Arc<str> {
        fill(&self.fix, |name| value_of(name, asset, settings))
    }

    /// The reason for one resource.
    pub(crate) fn why_for(&self, asset: Option<&Asset>, settings: &Map) -> Arc<str> {
        fill(&self.why, |name| value_of(name, asset, settings))
    }
}

/// The names within `{this.…}` and `{settings.…}`; other braces are plain text.
fn placeholders(text: &str) -> impl Iterator<Item = &str> {
    braces(text).filter(|n| is_placeholder(n))
}

/// What stands between the nearest braces.
fn braces(text: &str) -> impl Iterator<Item = &str> {
    text.split('{').skip(1).filter_map(|s| s.split_once('}')).map(|(name, _)| name)
}

fn is_word(name: &str) -> bool {
    name.chars().all(|c| c.is_alphanumeric() || "._".contains(c))
}

fn is_placeholder(name: &str) -> bool {
    name.starts_with("this.") || name.starts_with("settings.")
}

/// `text` with the placeholders that `value` knows filled in; others stay as written.
fn fill(text: &Arc<str>, value: impl Fn(&str) -> Option<String>) -> Arc<str> {
    if placeholders(text).next().is_none() {
        return text.clone();
    }
    filled(text, &|name| if is_placeholder(name) { value(name) } else { None }).into()
}

fn show(v: &Value) -> String {
    v.as_str().map_or_else(|| v.to_string(), str::to_owned)
}

fn of_settings(name: &str, settings: &Map) -> Option<String> {
    settings.get(name.strip_prefix("settings.")?).map(show)
}

/// What a reader sees for a placeholder; `…` where nothing is known.
fn value_of(name: &str, asset: Option<&Asset>, settings: &Map) -> Option<String> {
    let of_asset = || asset?.path(name.strip_prefix("this.")?).ok().flatten().map(|v| show(&v));
    Some(of_settings(name, settings).or_else(of_asset).unwrap_or_else(|| "…".to_owned()))
}
