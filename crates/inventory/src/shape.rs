//! Answers → assets: CSV, expansion, ids, ARNs.

use crate::resource::{Expand, Input, List, Resource};
use base64::Engine as _;
use smol_str::SmolStr;
use std::borrow::Cow;
use yagura_model::{Asset, Caller, Field, Map, Value};

/// Where a call is made.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Place<'p> {
    pub caller: &'p Caller,
    pub region: &'p str,
}

impl Place<'_> {
    /// Fills `{account}`, `{region}`, `{partition}` and, from the fields, `{Name}`; `{Name/}` and `{Name:}` are what follows
    /// the last `/` or `:` of the field, `{Name>mark}` what follows the first `mark`. `None` where a name has no value.
    pub(crate) fn fill(&self, template: &str, fields: &Map) -> Option<SmolStr> {
        let mut out = String::with_capacity(template.len() + 24);
        let mut rest = template;
        while let Some((before, after)) = rest.split_once('{') {
            out.push_str(before);
            let (name, tail) = after.split_once('}')?;
            match name {
                "account" if self.caller.account.is_empty() => return None,
                "account" => out.push_str(&self.caller.account),
                "partition" => out.push_str(&self.caller.partition),
                "region" if fields.get("region").is_none() => out.push_str(self.region),
                _ => {
                    if let Some((path, mark)) = name.split_once('>') {
                        let value = fields.path(path)?;
                        out.push_str(value.as_str()?.split_once(mark)?.1);
                        rest = tail;
                        continue;
                    }
                    let (path, cut) = match name.strip_suffix(['/', ':']) {
                        Some(path) => (path, name.chars().last()),
                        None => (name, None),
                    };
                    match (fields.path(path)?.as_ref(), cut) {
                        (Value::String(s), Some(cut)) => out.push_str(s.rsplit(cut).next().unwrap_or(s)),
                        (Value::String(s), None) => out.push_str(s),
                        (other, _) => out.push_str(&other.to_string()),
                    }
                }
            }
            rest = tail;
        }
        out.push_str(rest);
        Some(out.into())
    }

    /// A constant input, with places filled in.
    pub(crate) fn constant(&self, v: &Value) -> Value {
        self.filled(v, &Map::new()).unwrap_or_else(|| v.clone())
    }

    /// An input with places and these fields filled in. `None` where a name has no value.
    fn filled(&self, v: &Value, fields: &Map) -> Option<Value> {
        match v {
            Value::String(s) if s.contains('{') => self.fill(s, fields).map(Value::String),
            Value::List(items) => items.iter().map(|i| self.filled(i, fields)).collect::<Option<_>>().map(Value::List),
            Value::Map(members) => {
                let filled = members.iter().map(|(name, v)| Some((name.clone(), self.filled(v, fields)?)));
                filled.collect::<Option<_>>().map(Value::Map)
            }
            other => Some(other.clone()),
        }
    }
}

/// The items of one page. An `Err` says how an item, or the whole page, is not of the expected form.
pub(crate) fn items(spec: &List, page: Value) -> Vec<Result<Map, String>> {
    let kept: Vec<(SmolStr, Value)> =
        spec.keep.iter().filter_map(|name| Some((name.clone(), page.as_map()?.get(name)?.clone()))).collect();
    let Some(found) = take(page, spec.each.as_deref()) else { return Vec::new() };
    if let Some(columns) = &spec.csv {
        let rows = found.as_str().ok_or_else(|| "the answer has no text".to_owned()).and_then(|t| rows(columns, t));
        return match rows {
            Ok(rows) => rows.into_iter().map(Ok).collect(),
            Err(message) => vec![Err(message)],
        };
    }
    let list = match found {
        Value::List(l) => l,
        one => vec![one],
    };
    let item = |v: Value| match (&spec.item, v) {
        (Some(name), v) => Ok([(name.clone(), v)].into_iter().collect()),
        (None, Value::Map(m)) => Ok(m),
        (None, _) => Err("a listed item is no structure".to_owned()),
    };
    let keep = |mut item: Map| {
        kept.iter().for_each(|(name, value)| item.insert(name.clone(), value.clone()));
        item
    };
    list.into_iter().map(|v| item(v).map(keep)).collect()
}

fn rows(columns: &[SmolStr], base64_text: &str) -> Result<Vec<Map>, String> {
    let bytes =
        base64::engine::general_purpose::STANDARD.decode(base64_text.trim()).map_err(|_| "the report is not base64")?;
    let mut reader = csv::ReaderBuilder::new().flexible(true).from_reader(bytes.as_slice());
    let header = reader.headers().map_err(|_| "the report has no header")?.clone();
    if let Some(lacking) = columns.first().filter(|c| !header.iter().any(|h| h == c.as_str())) {
        return Err(format!("the report has no column `{lacking}`"));
    }
    let mut out = Vec::new();
    for record in reader.records() {
        let record = record.map_err(|e| format!("a row of the report cannot be read: {e}"))?;
        if record.len() != header.len() {
            return Err(format!("a row of the report has {} columns, its header {}", record.len(), header.len()));
        }
        out.push(header.iter().zip(record.iter()).map(|(h, v)| (h.into(), Value::text(v))).collect());
    }
    Ok(out)
}

/// The assets of an item: one, or one per slot.
///
/// # Errors
/// Says that the item has no id: it must not vanish from a listing that is called whole.
pub(crate) fn assets(
    resource: &Resource,
    place: Place<'_>,
    item: Map,
    scope: &[SmolStr],
) -> Result<Vec<Asset>, String> {
    let items = match &resource.expand {
        None => vec![item],
        Some(expand) => expanded(expand, &item),
    };
    let mut out = Vec::with_capacity(items.len());
    for item in items {
        out.extend(asset(resource, place, item, scope)?);
    }
    Ok(out)
}

fn expanded(expand: &Expand, item: &Map) -> Vec<Map> {
    let mut out = Vec::new();
    for slot in &expand.slots {
        let mut one = item.clone();
        one.insert("slot", Value::String(slot.clone()));
        for (name, from) in &expand.fields {
            if let Some(v) = item.get(&from.replace("{slot}", slot)) {
                one.insert(name.clone(), v.clone());
            }
        }
        if !expand.unless.iter().any(|(name, v)| one.get(name) == Some(v)) {
            out.push(one);
        }
    }
    out
}

/// `None` where the item lies in a Region outside the scope, or belongs to another account.
pub(crate) fn asset(
    resource: &Resource,
    place: Place<'_>,
    item: Map,
    scope: &[SmolStr],
) -> Result<Option<Asset>, String> {
    let told = resource.region.as_ref().and_then(|path| item.path(path)).and_then(|v| v.as_str().map(SmolStr::from));
    if !resource.regional && told.as_ref().is_some_and(|r| !scope.contains(r)) {
        return Ok(None);
    }
    let account = &place.caller.account;
    let by = |path: &Option<SmolStr>| item.path(path.as_ref()?).and_then(|v| v.as_str().map(SmolStr::from));
    let another = |owner: &SmolStr| owner != account && !account.is_empty();
    let left_out = by(&resource.owner).is_some_and(|o| another(&o));
    if left_out || (resource.shared_by.is_some() && !by(&resource.shared_by).is_some_and(|o| another(&o))) {
        return Ok(None);
    }
    // An account whose number is hidden is judged all the same: it must not vanish from the result.
    let nameless = || resource.list.is_none().then(|| SmolStr::new_static("unknown"));
    let id = named(&resource.name, place, &item).or_else(nameless);
    let Some(id) = id else { return Err(format!("a listed item has no `{}`", resource.name)) };
    let mut item = item;
    for path in &resource.omit {
        omit(&mut item, path);
    }
    let region = told.unwrap_or_else(|| {
        if resource.regional {
            place.region.into()
        } else {
            smol_str::format_smolstr!("{}-global", place.caller.partition)
        }
    });
    let arn_place = Place { region: &region, ..place };
    Ok(Some(Asset {
        kind: resource.id.clone(),
        arn: resource.arn.as_ref().and_then(|t| named(t, arn_place, &item)),
        id,
        account: place.caller.account.clone(),
        region,
        fields: item.into_iter().map(|(k, v)| (k, Field::Known(v))).collect(),
    }))
}

/// What an answer gave for a field, without what the kind throws away below it.
pub(crate) fn without_omitted(resource: &Resource, name: &str, field: Field) -> Field {
    let mut below = resource.omit.iter().filter_map(|path| path.strip_prefix(name)?.strip_prefix('.')).peekable();
    let Field::Known(mut value) = field else { return field };
    if below.peek().is_some() {
        let items = if let Value::List(items) = &mut value { items.iter_mut().collect() } else { vec![&mut value] };
        let mut maps: Vec<&mut Map> =
            items.into_iter().filter_map(|i| if let Value::Map(map) = i { Some(map) } else { None }).collect();
        for path in below {
            maps.iter_mut().for_each(|map| omit(map, path));
        }
    }
    Field::Known(value)
}

/// Takes out what stands at a dotted path, in each item of a list on the way.
pub(crate) fn omit(item: &mut Map, path: &str) {
    let Some((top, rest)) = path.split_once('.') else {
        item.remove(path);
        return;
    };
    if let Some(mut value) = item.remove(top) {
        match &mut value {
            Value::Map(map) => omit(map, rest),
            Value::List(items) => items.iter_mut().for_each(|i| {
                if let Value::Map(map) = i {
                    omit(map, rest);
                }
            }),
            _ => {}
        }
        item.insert(top, value);
    }
}

/// A field path, or a template with braces.
fn named(name: &str, place: Place<'_>, item: &Map) -> Option<SmolStr> {
    if name.contains('{') {
        return place.fill(name, item);
    }
    match item.path(name)?.into_owned() {
        Value::String(s) => Some(s),
        other => Some(other.to_string().into()),
    }
}

/// The input of a follow-up call about these assets. `None` where a field that it wants is not known.
pub(crate) fn input(with: &[(SmolStr, Input)], place: Place<'_>, assets: &[&Asset]) -> Option<Map> {
    let field = |a: &Asset, path: &str| a.path(path).ok().flatten().map(Cow::into_owned);
    let mut out = Map::new();
    for (name, from) in with {
        let value = match from {
            Input::Path(p) => field(assets.first()?, p)?,
            Input::Paths(p) => Value::List(assets.iter().map(|a| field(a, p)).collect::<Option<_>>()?),
            // The asset's own ARN, made of what its listing told.
            Input::Constant(Value::String(t)) if t == "{arn}" => Value::String(assets.first()?.arn.clone()?),
            Input::Constant(v) if has_braces(v) => {
                let fields = assets.first().map(|a| told(a)).unwrap_or_default();
                place.filled(v, &fields)?
            }
            Input::Constant(v) => v.clone(),
        };
        out.insert(name.clone(), value);
    }
    Some(out)
}

/// Whether names in braces stand in a constant, at any depth.
fn has_braces(v: &Value) -> bool {
    match v {
        Value::String(s) => s.contains('{'),
        Value::List(items) => items.iter().any(has_braces),
        Value::Map(members) => members.iter().any(|(_, v)| has_braces(v)),
        _ => false,
    }
}

/// What is known of an asset, by name.
fn known(asset: &Asset) -> Map {
    let known = asset.fields.iter().filter_map(|(name, field)| match field {
        Field::Known(value) => Some((name.clone(), value.clone())),
        _ => None,
    });
    known.collect()
}

/// The same, and the ARN, which may be made of what its listing told.
fn told(asset: &Asset) -> Map {
    let arn = asset.arn.iter().map(|arn| (SmolStr::new_static("arn"), Value::String(arn.clone())));
    known(asset).into_iter().filter(|(name, _)| name != "arn").chain(arn).collect()
}

/// The input of a listing that is made for this asset, and the fields that its items keep. `None` where a field that it
/// wants is not known.
pub(crate) fn input_over(spec: &List, with: &Map, place: Place<'_>, asset: &Asset) -> Option<(Map, Map)> {
    let fields = known(asset);
    let input = with.iter().map(|(name, value)| Some((name.clone(), place.filled(value, &fields)?)));
    let kept = spec.keep.iter().map(|name| Some((name.clone(), fields.get(name)?.clone())));
    Some((input.collect::<Option<_>>()?, kept.collect::<Option<_>>()?))
}

/// The value at a path of an answer; the whole answer without one.
pub(crate) fn take(answer: Value, path: Option<&str>) -> Option<Value> {
    match path {
        None => Some(answer),
        Some(p) => answer.path(p).map(Cow::into_owned),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use yagura_model::ContentFile;

    fn resource(text: &str) -> Resource {
        Resource::parse(&ContentFile { path: "resources/x/y.yaml".into(), text: text.into(), shipped: false }).unwrap()
    }

    fn caller() -> Caller {
        Caller { account: "111122223333".into(), arn: SmolStr::default(), partition: "aws-cn".into() }
    }

    const REPORT: &str = "
kind: resource
id: x.y
scope: account
list: {call: iam:GetCredentialReport, each: Content, decode: csv, columns: [user, arn]}
expand: {slot: ['1', '2'], fields: {active: 'key_{slot}_active'}, unless: {active: N/A}}
name: '{arn}#{slot}'
arn: arn
";

    fn csv(text: &str) -> Result<Vec<Map>, String> {
        // One bad row spoils the report.
        let spec = resource(REPORT).list.unwrap();
        let content = base64::engine::general_purpose::STANDARD.encode(text);
        items(&spec, Value::Map([("Content".into(), Value::text(content))].into_iter().collect())).into_iter().collect()
    }

    #[test]
    fn a_report_becomes_one_asset_per_slot_in_use() {
        let rows = csv("user,arn,key_1_active,key_2_active\n\"a,b\",arn:x,true,N/A\nc,arn:y,false,true\n").unwrap();
        let r = resource(REPORT);
        let (caller, place) = (caller(), "cn-north-1");
        let place = Place { caller: &caller, region: place };
        let ids: Vec<_> =
            rows.into_iter().flat_map(|row| assets(&r, place, row, &[]).unwrap()).map(|a| (a.id, a.region)).collect();
        let global = SmolStr::from("aws-cn-global");
        assert_eq!(ids, ["arn:x#1", "arn:y#1", "arn:y#2"].map(|id| (SmolStr::from(id), global.clone())));
    }

    #[test]
    fn a_damaged_report_is_an_error_and_not_fewer_rows() {
        for (text, why) in [
            ("", "no column `user`"),
            ("name,arn\na,b\n", "no column `user`"),
            ("user,arn\na\n", "has 1 columns, its header 2"),
            ("user,arn\na,b,c\n", "has 3 columns, its header 2"),
        ] {
            let e = csv(text).unwrap_err();
            assert!(e.contains(why), "{text:?}: {e}");
        }
        let spec = resource(REPORT).list.unwrap();
        for content in ["%%%", "//79/Pv6"] {
            let answer = Value::Map([("Content".into(), Value::text(content))].into_iter().collect());
            assert!(items(&spec, answer).iter().any(Result::is_err), "{content}");
        }
    }

    #[test]
    fn items_of_others_and_of_other_regions_are_left_out() {
        let r = resource(
            "kind: resource\nid: x.y\nlist: self\nname: Id\narn: 'arn:{partition}:x:{region}:{account}:y/{Id}'\nowner: OwnerId\n",
        );
        let caller = caller();
        let place = Place { caller: &caller, region: "cn-north-1" };
        let item = |owner: &str| {
            [("Id".into(), Value::text("i")), ("OwnerId".into(), Value::text(owner))].into_iter().collect::<Map>()
        };
        assert!(assets(&r, place, item("999999999999"), &[]).unwrap().is_empty());
        let own = assets(&r, place, item("111122223333"), &[]).unwrap();
        assert_eq!(own[0].arn.as_deref(), Some("arn:aws-cn:x:cn-north-1:111122223333:y/i"));
        let global = resource("kind: resource\nid: x.y\nscope: account\nlist: self\nname: Id\nregion: R\n");
        let item = |region: &str| {
            [("Id".into(), Value::text("i")), ("R".into(), Value::text(region))].into_iter().collect::<Map>()
        };
        let scope = ["cn-north-1".into()];
        assert_eq!(assets(&global, place, item("cn-north-1"), &scope).unwrap().len(), 1);
        assert!(assets(&global, place, item("cn-northwest-1"), &scope).unwrap().is_empty());
    }

    #[test]
    fn what_others_share_may_be_a_kind_of_its_own() {
        let r = resource("kind: resource\nid: x.y\nlist: self\nname: Id\nshared_by: OwnerId\n");
        let caller = caller();
        let place = Place { caller: &caller, region: "cn-north-1" };
        for (owner, kept) in [(Some("999999999999"), 1), (Some("111122223333"), 0), (None, 0)] {
            let owner = owner.map(|o| ("OwnerId".into(), Value::text(o)));
            let item = [("Id".into(), Value::text("i"))].into_iter().chain(owner).collect();
            assert_eq!(assets(&r, place, item, &[]).unwrap().len(), kept);
        }
    }

    #[test]
    fn a_name_can_be_the_last_part_of_a_field() {
        let r = resource(
            "kind: resource\nid: x.y\nlist: {call: x:L, each: U, as: U}\nname: '{U/}'\narn: 'a:{account}:{U:}'\n",
        );
        let caller = caller();
        let place = Place { caller: &caller, region: "cn-north-1" };
        let item = [("U".into(), Value::text("https://x.example:1/2/jobs.fifo"))].into_iter().collect();
        let made = assets(&r, place, item, &[]).unwrap();
        assert_eq!((made[0].id.as_str(), made[0].arn.as_deref()), ("jobs.fifo", Some("a:111122223333:1/2/jobs.fifo")));
    }

    #[test]
    fn secrets_below_a_field_are_thrown_away() {
        let r = resource("kind: resource\nid: x.y\nlist: self\nname: Id\nomit: [Key, Options.Tunnels.Key]\n");
        let caller = caller();
        let place = Place { caller: &caller, region: "cn-north-1" };
        let text = r#"{"Id":"a","Key":"k","Options":{"Static":true,"Tunnels":[{"Key":"k","Up":true},{"Key":"l"}]}}"#;
        let Value::Map(item) = serde_json::from_str(text).unwrap() else { panic!() };
        let made = assets(&r, place, item, &[]).unwrap();
        assert_eq!(made[0].field("Key"), &Field::Absent);
        let options = made[0].path("Options").unwrap().unwrap().to_string();
        assert_eq!(options, r#"{"Static":true,"Tunnels":[{"Up":true},{}]}"#);
        let late = r#"[{"Tunnels":[{"Key":"k","Up":true}]},{"Tunnels":{"Key":"k"}},7]"#;
        let field = Field::Known(serde_json::from_str(late).unwrap());
        let Field::Known(left) = without_omitted(&r, "Options", field) else { panic!() };
        assert_eq!(left.to_string(), r#"[{"Tunnels":[{"Up":true}]},{"Tunnels":{}},7]"#);
        let other = Field::Known(serde_json::from_str(r#"{"Key":"k"}"#).unwrap());
        assert_eq!(without_omitted(&r, "Optional", other.clone()), other);
    }

    #[test]
    fn a_listing_over_assets_names_them_and_keeps_their_fields() {
        let r = resource(
            "kind: resource\nid: x.y\nname: T\nlist: {over: x.z, keep: [Arn], call: x:L, with: {of: '{Arn}', n: 5}, each: Ts, as: T}\n",
        );
        let spec = r.list.unwrap();
        let fields = vec![("Arn".into(), Field::Known(Value::text("arn:z")))];
        let (account, region) = ("111122223333".into(), "cn-north-1".into());
        let parent = Asset { kind: "x.z".into(), arn: None, id: "z".into(), account, region, fields };
        let caller = caller();
        let place = Place { caller: &caller, region: "cn-north-1" };
        let (input, kept) = input_over(&spec, &spec.with, place, &parent).unwrap();
        assert_eq!(Value::Map(input).to_string(), r#"{"n":5,"of":"arn:z"}"#);
        assert_eq!(Value::Map(kept).to_string(), r#"{"Arn":"arn:z"}"#);
        let page: Value = serde_json::from_str(r#"{"Arn":"arn:z","Ts":["a","b"]}"#).unwrap();
        let found: Vec<String> = items(&spec, page).into_iter().map(|i| Value::Map(i.unwrap()).to_string()).collect();
        assert_eq!(found, [r#"{"Arn":"arn:z","T":"a"}"#, r#"{"Arn":"arn:z","T":"b"}"#]);
        let nameless = Asset { fields: Vec::new(), ..parent };
        assert!(input_over(&spec, &spec.with, place, &nameless).is_none());
    }

    #[test]
    fn an_item_without_an_id_is_complained_of() {
        let r = resource("kind: resource\nid: x.y\nlist: {call: x:L, each: Items}\nname: Id\n");
        let caller = caller();
        let place = Place { caller: &caller, region: "cn-north-1" };
        let page: Value = serde_json::from_str(r#"{"Items":[{"Id":"a"},{"Name":"b"},"c"]}"#).unwrap();
        let found = items(r.list.as_ref().unwrap(), page);
        assert_eq!(found.iter().filter(|i| i.is_err()).count(), 1);
        let made: Vec<_> = found.into_iter().flatten().map(|i| assets(&r, place, i, &[])).collect();
        assert_eq!(made[0].as_ref().unwrap()[0].id, "a");
        assert!(made[1].as_ref().unwrap_err().contains("no `Id`"));
    }
}
