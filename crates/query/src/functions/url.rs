//! "URL functions" of the Trino documentation, on RFC 3986's parts. What has no such part gives null.

use super::args::{Args, Kind};
use super::{Def, Given, int, text};
use datafusion::arrow::array::ArrayRef;
use datafusion::arrow::datatypes::DataType;
use datafusion::common::Result;

const fn def(
    name: &'static str,
    takes: &'static [Kind],
    gives: fn(&Given<'_>) -> Result<DataType>,
    run: fn(&Args) -> Result<ArrayRef>,
) -> Def {
    Def { name, takes, count: (takes.len(), takes.len()), gives, json: false, fails: false, run }
}

pub(super) const DEFS: &[Def] = &[
    def("url_extract_protocol", &[Kind::Text], text, |a| part(a, |u| u.scheme)),
    def("url_extract_host", &[Kind::Text], text, |a| part(a, |u| Some(u.host_port()?.0))),
    def("url_extract_port", &[Kind::Text], int, port),
    def("url_extract_path", &[Kind::Text], text, |a| part(a, |u| Some(u.path))),
    def("url_extract_query", &[Kind::Text], text, |a| part(a, |u| u.query)),
    def("url_extract_fragment", &[Kind::Text], text, |a| part(a, |u| u.fragment)),
    def("url_extract_parameter", &[Kind::Text, Kind::Text], text, parameter),
    def("url_decode", &[Kind::Text], text, decoded),
    def("url_encode", &[Kind::Text], text, encoded),
];

struct Url<'u> {
    scheme: Option<&'u str>,
    authority: Option<&'u str>,
    path: &'u str,
    query: Option<&'u str>,
    fragment: Option<&'u str>,
}

impl<'u> Url<'u> {
    fn parse(text: &'u str) -> Self {
        let (rest, fragment) = text.split_once('#').map_or((text, None), |(r, f)| (r, Some(f)));
        let (rest, query) = rest.split_once('?').map_or((rest, None), |(r, q)| (r, Some(q)));
        let scheme = rest.split_once(':').filter(|(s, _)| {
            s.starts_with(|c: char| c.is_ascii_alphabetic())
                && s.chars().all(|c| c.is_ascii_alphanumeric() || matches!(c, '+' | '-' | '.'))
        });
        let (scheme, rest) = scheme.map_or((None, rest), |(s, r)| (Some(s), r));
        let (authority, path) = match rest.strip_prefix("//") {
            Some(after) => {
                let end = after.find('/').unwrap_or(after.len());
                let (authority, path) = after.split_at(end);
                (Some(authority), path)
            }
            None => (None, rest),
        };
        Self { scheme, authority, path, query, fragment }
    }

    fn host_port(&self) -> Option<(&'u str, Option<&'u str>)> {
        let authority = self.authority?;
        let place = authority.rsplit_once('@').map_or(authority, |(_, place)| place);
        let (host, port) = match place.rfind(']') {
            Some(end) => (place.get(..=end)?, place.get(end + 1..)?.strip_prefix(':')),
            None => place.split_once(':').map_or((place, None), |(h, p)| (h, Some(p))),
        };
        (!host.is_empty()).then_some((host, port))
    }
}

fn part(args: &Args, of: for<'u> fn(&Url<'u>) -> Option<&'u str>) -> Result<ArrayRef> {
    let urls = args.text(0)?;
    args.texts(|i| Ok(urls.get(i).and_then(|u| of(&Url::parse(u)))))
}

fn port(args: &Args) -> Result<ArrayRef> {
    let urls = args.text(0)?;
    args.ints(|i| Ok(urls.get(i).and_then(|u| Url::parse(u).host_port()?.1?.parse().ok())))
}

fn parameter(args: &Args) -> Result<ArrayRef> {
    let (urls, names) = (args.text(0)?, args.text(1)?);
    args.texts(|i| {
        let (Some(url), Some(name)) = (urls.get(i), names.get(i)) else { return Ok(None) };
        let Some(query) = Url::parse(url).query else { return Ok(None) };
        let found = query.split('&').map(|p| p.split_once('=').unwrap_or((p, ""))).find(|(n, _)| decode(n) == name);
        Ok(found.map(|(_, value)| decode(value)))
    })
}

fn decoded(args: &Args) -> Result<ArrayRef> {
    let from = args.text(0)?;
    args.texts(|i| Ok(from.get(i).map(decode)))
}

/// `%41` and `+` back into what they stand for; what is no such mark stays.
fn decode(text: &str) -> String {
    let bytes = text.as_bytes();
    let hex = |at: usize| bytes.get(at).and_then(|b| char::from(*b).to_digit(16)).and_then(|d| u8::try_from(d).ok());
    let mut out = Vec::with_capacity(bytes.len());
    let mut at = 0;
    while let Some(byte) = bytes.get(at) {
        match (byte, hex(at + 1), hex(at + 2)) {
            (b'%', Some(high), Some(low)) => {
                out.push(high << 4 | low);
                at += 2;
            }
            (b'+', ..) => out.push(b' '),
            _ => out.push(*byte),
        }
        at += 1;
    }
    String::from_utf8_lossy(&out).into_owned()
}

fn encoded(args: &Args) -> Result<ArrayRef> {
    let from = args.text(0)?;
    args.texts(|i| {
        Ok(from.get(i).map(|text| {
            text.bytes()
                .map(|b| match b {
                    b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' | b'.' | b'-' | b'*' | b'_' => char::from(b).to_string(),
                    b' ' => "+".to_owned(),
                    b => format!("%{b:02X}"),
                })
                .collect::<String>()
        }))
    })
}
