//! `yagura contain`: cut a resource off in an incident, by a plan like any other.

use super::args::ContainArgs;
use super::remedies::{Parsed, Remedies};
use super::used::Asked;
use super::world::Live;
use super::{allowed, carry_out, in_order, say};
use crate::cli::Cli;
use crate::commands::frameworks::TextOrJson;
use crate::commands::live;
use crate::commands::prepare::{Prepared, prepare_only};
use crate::failure::{Failure, exit};
use smol_str::SmolStr;
use std::io::Write;
use yagura_inventory::{collect, collect_one};
use yagura_model::{Asset, Lang, Map, ResourceRef};
use yagura_respond::{NotMendable, Preview};

/// Runs `yagura contain`.
pub fn run(cli: &Cli, args: &ContainArgs, lang: Lang) -> Result<u8, Failure> {
    let Prepared { compiled, .. } = prepare_only(cli, Vec::new(), lang)?;
    let remedies = Parsed::read(cli)?.hold(&[], &compiled, &Map::new(), lang);
    let (Some(action), Some(wanted)) = (&args.action, &args.resource) else {
        return list(&remedies, args.format, lang);
    };
    let there = || remedies.containments.keys().map(SmolStr::as_str);
    let Some((_, check)) = remedies.containments.get(action) else {
        return Err(Failure::unknown(("containment", "封じ込めの操作"), action, there())
            .hint_if_none("see `yagura contain`", "`yagura contain` で一覧を確認すること"));
    };
    let Some(ready) = remedies.ready.get(action).and_then(|r| r.first()) else {
        return Err(Failure::unknown(("containment", "封じ込めの操作"), action, there()));
    };
    live::runtime()?.block_on(async {
        let access = live::Access::open(&args.aws, &compiled, lang).await?;
        let only = std::slice::from_ref(check);
        let mut listed = access.estate(&compiled, only);
        collect(&mut listed, &access.targets, only, &compiled.kinds, &|_| {}).await;
        let resource = find(listed.assets(), wanted, lang)?;
        let readers = ready.readers(None);
        let mut estate = access.estate(&compiled, &readers);
        collect_one(&mut estate, &access.targets, &readers, &compiled.kinds, &resource).await;
        let mut estate = in_order(estate, &compiled);
        estate.prepare(readers.iter().flat_map(|c| &c.joins));
        let at =
            estate.assets().iter().position(|a| ResourceRef::of(a) == resource).and_then(|at| u32::try_from(at).ok());
        let mut preview = Preview::default();
        match at.map_or_else(|| Err("-".to_owned()), |at| ready.plan(&estate, at, lang)) {
            Ok(plan) => preview.add(plan),
            Err(why) => {
                let (rule, resource) = (action.clone(), Some(resource));
                preview.not_mendable.push(NotMendable { rule, maps: Vec::new(), resource, why });
            }
        }
        let Some(asked) = &args.apply else {
            say::preview(&preview, &Asked::NotOffered, (args.format, 1), true, lang)?;
            return Ok(exit::DONE);
        };
        allowed(&preview, asked, 1)?;
        let world = Live { access: &access, compiled: &compiled, checks: &[], remedies: &remedies, lang };
        carry_out(world, &preview, args.state.as_ref(), args.format).await
    })
}

/// The one resource of this name.
fn find(assets: &[Asset], wanted: &str, lang: Lang) -> Result<ResourceRef, Failure> {
    let found: Vec<ResourceRef> =
        assets.iter().filter(|a| a.id == wanted || a.arn.as_deref() == Some(wanted)).map(ResourceRef::of).collect();
    match found.as_slice() {
        [one] => Ok(one.clone()),
        [] => Err(Failure::unknown(("resource", "リソース"), wanted, assets.iter().map(|a| a.id.as_str()))
            .hint_if_none("look in its Region: --region", "リソースのリージョンを --region で指定すること")),
        many => {
            let names = many.iter().map(ResourceRef::name).collect::<Vec<_>>().join(", ");
            let said = lang.pick(
                "more than one resource has this name; give its ARN",
                "同じ名前のリソースが複数ある。ARN で指定すること",
            );
            Err(Failure::usage(format!("{said}: {names}"), format!("{said}: {names}")))
        }
    }
}

fn list(remedies: &Remedies, format: TextOrJson, lang: Lang) -> Result<u8, Failure> {
    let mut out = std::io::stdout().lock();
    if format == TextOrJson::Json {
        let row = |(id, (r, c)): (&SmolStr, &(yagura_respond::Remedy, yagura_rule::Check))| serde_json::json!({"action": id, "of": c.each, "does": r.does.pick(lang)});
        let rows: Vec<_> = remedies.containments.iter().map(row).collect();
        serde_json::to_writer_pretty(&mut out, &rows).map_err(std::io::Error::from)?;
        writeln!(out)?;
        return Ok(exit::DONE);
    }
    for (id, (remedy, check)) in &remedies.containments {
        writeln!(out, "{id}  ({})\n   {}", check.each, remedy.does.pick(lang))?;
    }
    Ok(exit::DONE)
}
