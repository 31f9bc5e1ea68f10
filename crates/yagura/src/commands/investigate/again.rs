//! The commands that an investigation proposes, made whole: with the sources, rules and lists of the one at hand, so that they can be pasted.

use crate::cli::Cli;
use crate::commands::detect::ReadArgs;
use std::path::Path;
use yagura_detect::investigate::quoted;

/// Adds what `yagura investigate` or `yagura query` needs to read the same logs.
pub fn with_sources(command: &mut String, cli: &Cli, read: &ReadArgs) {
    let mut words = Words(command);
    let query = words.0.starts_with("yagura query ");
    if read.demo {
        words.flag("--demo");
    }
    words.option("--lake", read.lake.as_deref());
    for source in &read.sources {
        match query {
            true => words.option("--logs", Some(source)),
            // What begins with a dash would be taken for an option.
            false if source.starts_with('-') && source.len() > 1 => words.word(&format!("./{source}")),
            false => words.word(source),
        }
    }
    if !query {
        words.option("--since", read.since.as_deref());
        words.option("--until", read.until.as_deref());
        read.rules.iter().for_each(|p| words.path("--rules", Some(p)));
        read.intel.iter().for_each(|l| words.option("--intel", Some(l)));
        read.allow.iter().for_each(|p| words.path("--allow", Some(p)));
        words.path("--suppress", read.suppress.as_deref());
        words.path("--content", cli.content.as_deref());
    }
    words.option("--profile", read.store.profile.as_deref());
    words.option("--region", read.store.region.as_deref());
    words.option("--role-arn", read.store.role_arn.as_deref());
    words.option("--external-id", read.store.external_id.as_deref());
    words.option("--endpoint-url", read.store.endpoint_url.as_deref());
}

/// A command that grows.
struct Words<'c>(&'c mut String);

impl Words<'_> {
    fn flag(&mut self, name: &str) {
        self.0.push(' ');
        self.0.push_str(name);
    }

    fn word(&mut self, text: &str) {
        self.flag(&quoted(text));
    }

    fn option(&mut self, name: &str, value: Option<&str>) {
        if let Some(value) = value {
            self.flag(name);
            self.word(value);
        }
    }

    fn path(&mut self, name: &str, value: Option<&Path>) {
        self.option(name, value.map(|p| p.to_string_lossy()).as_deref());
    }
}
