//! Where the network of a question comes from: a snapshot, a folder of AWS's answers, the sample account or AWS.

use crate::cli::{AwsArgs, Cli};
use crate::commands::readers::of_field;
use crate::commands::{live, scan};
use crate::content::{Compiled, Content};
use crate::failure::Failure;
use crate::progress::Display;
use clap::Args;
use smol_str::SmolStr;
use std::fs::File;
use std::io::Read;
use std::path::{Path, PathBuf};
use yagura_inventory::{load, save};
use yagura_model::{Lang, Snapshot, Value};
use yagura_network::estate::{Estate, Home};
use yagura_network::read::{KINDS, OUTSIDE, OWNERS, Reader};
use yagura_rule::Check;

/// Arguments of every question about a network. Without one of the first two, AWS is asked.
#[derive(Debug, Args)]
pub struct Source {
    /// The built-in sample account: no account needed
    #[arg(long, conflicts_with_all = ["snapshot", "AwsArgs"])]
    pub demo: bool,
    /// A snapshot that --save wrote, or a folder (or file) of what `aws ec2 describe-…` printed as JSON
    #[arg(long, value_name = "PATH", conflicts_with = "AwsArgs")]
    pub snapshot: Option<PathBuf>,
    /// Keep what was read of AWS, for --snapshot
    #[arg(long, value_name = "FILE", conflicts_with_all = ["demo", "snapshot"])]
    pub save: Option<PathBuf>,
    #[command(flatten)]
    #[allow(missing_docs, reason = "clap groups carry their own text")]
    pub aws: AwsArgs,
}

/// The Japanese help of [`Source`]'s own arguments.
pub const SOURCE_JA: [(&str, &str); 3] = [
    ("demo", "組み込みのサンプルアカウントを使う（アカウント不要）"),
    (
        "snapshot",
        "--save で保存したスナップショット、または aws ec2 describe-… の JSON 出力を置いたフォルダー（ファイル）",
    ),
    ("save", "読み取った内容を保存する（--snapshot で使う）"),
];

impl Source {
    /// Reads the network.
    ///
    /// # Errors
    /// Says what cannot be read or understood.
    pub fn estate(&self, cli: &Cli, lang: Lang) -> Result<Estate, Failure> {
        match &self.snapshot {
            Some(path) => load_path(path),
            None => of_snapshot(&self.read(cli, lang)?),
        }
    }

    /// The sample account, or what is read of AWS.
    fn read(&self, cli: &Cli, lang: Lang) -> Result<Snapshot, Failure> {
        let compiled = Content::load(cli.content.as_deref())?.compile()?;
        if self.demo {
            return scan::demo(&compiled);
        }
        let checks = readers(&compiled);
        let snapshot = live::read(&self.aws, &compiled, &checks, &Display::new(false, lang), lang)?;
        if let Some(path) = &self.save {
            save(&snapshot, path)
                .map_err(|e| Failure::usage(e.to_string(), format!("スナップショットを書き込めない: {e}")))?;
        }
        Ok(snapshot)
    }
}

/// Checks that judge nothing and have everything read that a network is made of.
pub fn readers(compiled: &Compiled) -> Vec<Check> {
    let kinds = KINDS.iter().chain(OUTSIDE).chain(OWNERS);
    let fields = kinds.flat_map(|(kind, fields)| fields.iter().map(move |field| (*kind, *field)));
    fields.filter_map(|(kind, field)| of_field(compiled, kind, field)).collect()
}

/// The network of a folder of answers, one answer, or a snapshot.
///
/// # Errors
/// Says what cannot be read or understood.
pub fn load_path(path: &Path) -> Result<Estate, Failure> {
    if path.is_dir() {
        return load_folder(path);
    }
    if path.extension().is_some_and(|e| e.eq_ignore_ascii_case("json")) {
        let mut reader = Reader::new();
        load_answer(&mut reader, path, &Home::default())?;
        return Ok(reader.finish());
    }
    let snapshot =
        load(path).map_err(|e| Failure::blind(e.to_string(), format!("スナップショットを読み込めない: {e}")))?;
    of_snapshot(&snapshot)
}

fn of_snapshot(snapshot: &Snapshot) -> Result<Estate, Failure> {
    let mut reader = Reader::new();
    reader.snapshot(snapshot).map_err(|e| Failure::blind(e.to_string(), e.to_string()))?;
    Ok(reader.finish())
}

/// How large one file may be: the answers of a hundred thousand interfaces are a quarter of it.
const MAX_FILE: u64 = 1 << 30;
/// How deep folders may lie in each other.
const MAX_DEPTH: usize = 32;

/// The network that the `*.json` files below a folder tell of, each an answer of an AWS `Describe` call (or a document that
/// holds several). A folder named by an account or Region says where the answers below it were asked. Links to other
/// folders are not followed.
///
/// # Errors
/// Names the file that cannot be read, and the record of it.
pub fn load_folder(folder: &Path) -> Result<Estate, Failure> {
    let mut files = Vec::new();
    find(folder, &Home::default(), 0, &mut files)?;
    files.sort();
    let mut reader = Reader::new();
    for (path, home) in &files {
        load_answer(&mut reader, path, home)?;
    }
    let estate = reader.finish();
    if estate.vpcs.is_empty() && estate.subnets.is_empty() && estate.interfaces.is_empty() {
        let folder = folder.display();
        return Err(Failure::blind(
            format!("`{folder}` holds no VPC, subnet or network interface ({} JSON files)", files.len()),
            format!(
                "`{folder}` に VPC、サブネット、ネットワークインターフェイスがない（JSON ファイル {} 個）",
                files.len()
            ),
        )
        .hint(
            "put the outputs of `aws ec2 describe-vpcs`, `describe-subnets`, … there as *.json",
            "`aws ec2 describe-vpcs` や `describe-subnets` などの出力を *.json として置くこと",
        ));
    }
    Ok(estate)
}

/// Takes one file of answers.
fn load_answer(reader: &mut Reader, path: &Path, home: &Home) -> Result<(), Failure> {
    let bytes = bytes(path)?;
    let text = bytes.strip_prefix(b"\xef\xbb\xbf").unwrap_or(&bytes);
    if std::str::from_utf8(text).is_err() {
        let path = path.display();
        return Err(Failure::blind(format!("`{path}` is not UTF-8"), format!("`{path}` は UTF-8 ではない")));
    }
    let document: Option<Value> = serde_json::from_slice(text).map_err(|e| bad(path, &e.to_string()))?;
    drop(bytes);
    match document {
        Some(document) => reader.answer(&document, home).map_err(|e| bad(path, &e.to_string())),
        None => Ok(()),
    }
}

fn bytes(path: &Path) -> Result<Vec<u8>, Failure> {
    let mut bytes = Vec::new();
    let file = File::open(path).map_err(|e| unreadable(path, &e))?;
    file.take(MAX_FILE + 1).read_to_end(&mut bytes).map_err(|e| unreadable(path, &e))?;
    if bytes.len() as u64 > MAX_FILE {
        let (path, limit) = (path.display(), MAX_FILE >> 20);
        return Err(Failure::usage(
            format!("`{path}` is larger than {limit} MiB"),
            format!("`{path}` が {limit} MiB を超えている"),
        ));
    }
    Ok(bytes)
}

fn find(folder: &Path, home: &Home, depth: usize, files: &mut Vec<(PathBuf, Home)>) -> Result<(), Failure> {
    if depth > MAX_DEPTH {
        let folder = folder.display();
        return Err(Failure::usage(
            format!("`{folder}`: folders lie more than {MAX_DEPTH} deep"),
            format!("`{folder}`: フォルダーの階層が {MAX_DEPTH} を超えている"),
        ));
    }
    for entry in std::fs::read_dir(folder).map_err(|e| unreadable(folder, &e))? {
        let entry = entry.map_err(|e| unreadable(folder, &e))?;
        let path = entry.path();
        let name = entry.file_name();
        let name = name.to_string_lossy();
        if entry.file_type().map_err(|e| unreadable(&path, &e))?.is_dir() {
            find(&path, &within(home, &name), depth + 1, files)?;
        } else if path.extension().is_some_and(|e| e.eq_ignore_ascii_case("json")) && path.is_file() {
            files.push((path, home.clone()));
        }
    }
    Ok(())
}

/// The home of what lies in a folder of this name.
fn within(home: &Home, folder: &str) -> Home {
    if folder.len() == 12 && folder.bytes().all(|b| b.is_ascii_digit()) {
        return Home { account: folder.into(), ..home.clone() };
    }
    if is_region(folder) {
        return Home { region: SmolStr::from(folder), ..home.clone() };
    }
    home.clone()
}

/// Whether a name is of a Region's form: `us-east-1`, `us-gov-west-1`, `ap-southeast-5`.
fn is_region(name: &str) -> bool {
    let parts: Vec<&str> = name.split('-').collect();
    let letters = |p: &&str| !p.is_empty() && p.bytes().all(|b| b.is_ascii_lowercase());
    match parts.as_slice() {
        [area, middle @ .., number] if !middle.is_empty() => {
            let number = (1..=2).contains(&number.len()) && number.bytes().all(|b| b.is_ascii_digit());
            matches!(area.len(), 2..=4) && letters(area) && middle.iter().all(letters) && number
        }
        _ => false,
    }
}

fn bad(path: &Path, what: &str) -> Failure {
    let path = path.display();
    Failure::blind(format!("`{path}`: {what}"), format!("`{path}` を解釈できない: {what}"))
}

fn unreadable(path: &Path, error: &std::io::Error) -> Failure {
    let path = path.display();
    Failure::blind(format!("cannot read `{path}`: {error}"), format!("`{path}` を読み込めない: {error}"))
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::indexing_slicing, reason = "tests may stop")]

    use super::*;
    use yagura_model::Lang;

    fn folder(files: &[(&str, &[u8])]) -> tempfile::TempDir {
        let folder = tempfile::tempdir().unwrap();
        for (name, bytes) in files {
            let path = folder.path().join(name);
            std::fs::create_dir_all(path.parent().unwrap()).unwrap();
            std::fs::write(path, bytes).unwrap();
        }
        folder
    }

    #[test]
    fn folders_name_accounts_and_regions() {
        let folder = folder(&[
            ("accounts/111122223333/eu-west-1/Vpcs.json", br#"{"Vpcs": [{"VpcId": "vpc-1"}]}"#),
            ("us-gov-west-1/a.JSON", b"\xef\xbb\xbf{\"Vpcs\": [{\"VpcId\": \"vpc-2\"}]}"),
            ("notes.txt", b"{"),
            ("null.json", b"null"),
        ]);
        let estate = load_folder(folder.path()).unwrap();
        let homes: Vec<_> = estate.vpcs.iter().map(|v| (v.home.account.as_str(), v.home.region.as_str())).collect();
        assert_eq!(homes, [("111122223333", "eu-west-1"), ("", "us-gov-west-1")]);
    }

    #[test]
    fn a_bad_file_is_named() {
        let deep = [vec![b'['; 100_000], vec![b']'; 100_000]].concat();
        for (bytes, wanted) in [
            (&br#"{"Vpcs": [{"VpcId": "vp"#[..], "EOF while parsing"),
            (&deep[..], "recursion limit"),
            (&b"{\"Vpcs\": [{\"VpcId\": \"\xff\"}]}"[..], "not UTF-8"),
            (
                &br#"{"Vpcs": [{"VpcId": "vpc-1", "CidrBlock": 5}]}"#[..],
                "`Vpcs` `vpc-1`: `CidrBlock` is no CIDR block: `5`",
            ),
            (&br#"{"Buckets": []}"#[..], "holds no VPC"),
            (&b""[..], "EOF"),
        ] {
            let folder = folder(&[("bad.json", bytes)]);
            let text = load_folder(folder.path()).err().unwrap().render(Lang::En);
            assert!(text.contains(wanted), "{text}");
            assert!(text.contains("bad.json") || text.contains("holds no VPC"), "{text}");
        }
    }

    #[test]
    fn the_sample_account_has_a_network() {
        let compiled = Content::load(None).unwrap().compile().unwrap();
        for (kind, fields) in KINDS.iter().chain(OUTSIDE).chain(OWNERS) {
            for field in *fields {
                assert!(of_field(&compiled, kind, field).is_some(), "{kind} {field}");
            }
        }
        let estate = of_snapshot(&scan::demo(&compiled).unwrap()).unwrap();
        assert_eq!((estate.vpcs.len(), estate.subnets.len(), estate.interfaces.len()), (3, 7, 10));
        let balancer = &estate.load_balancers[0];
        assert_eq!(balancer.interfaces, ["eni-0a1alb-a", "eni-0a1alb-c"]);
        let listeners = balancer.listeners.as_deref().unwrap();
        let targets: Vec<usize> = listeners.iter().map(|l| l.targets.as_deref().unwrap().len()).collect();
        assert_eq!((listeners.len(), targets), (2, vec![0, 1]));
        assert_eq!(estate.owners.len(), 2);
        assert_eq!(estate.prefix_lists[0].cidrs.as_ref().unwrap().len(), 1);
        let unread: std::collections::BTreeSet<&str> = estate.gaps.iter().map(|g| g.call.as_str()).collect();
        assert!(unread.iter().all(|call| call.starts_with("directconnect:") || call.starts_with("ecs:")), "{unread:?}");
    }

    #[test]
    fn regions_are_told_by_their_form() {
        for region in ["us-east-1", "us-gov-west-1", "ap-southeast-5", "cn-north-1", "us-iso-east-1", "eusc-de-east-1"]
        {
            assert!(is_region(region), "{region}");
        }
        for other in ["vpc-1", "accounts", "us-east", "a-b-1", "bf-nat-gateway", "10-0-1"] {
            assert!(!is_region(other), "{other}");
        }
    }
}
