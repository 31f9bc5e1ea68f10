//! Where the network of a question comes from: a folder of AWS's answers.

use crate::failure::Failure;
use smol_str::SmolStr;
use std::fs::File;
use std::io::Read;
use std::path::{Path, PathBuf};
use yagura_model::Value;
use yagura_network::estate::{Estate, Home};
use yagura_network::read::Reader;

/// The Japanese help of the arguments that every question about a network has.
pub const SOURCE_JA: [(&str, &str); 0] = [];

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
    let bytes = bytes.strip_prefix(b"\xef\xbb\xbf").unwrap_or(&bytes);
    if std::str::from_utf8(bytes).is_err() {
        let path = path.display();
        return Err(Failure::usage(format!("`{path}` is not UTF-8"), format!("`{path}` は UTF-8 ではない")));
    }
    let document: Option<Value> = serde_json::from_slice(bytes).map_err(|e| bad(path, &e.to_string()))?;
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
            matches!(area.len(), 2..=4) && letters(area) && middle.iter().all(|p| letters(p)) && number
        }
        _ => false,
    }
}

fn bad(path: &Path, what: &str) -> Failure {
    let path = path.display();
    Failure::usage(format!("`{path}`: {what}"), format!("`{path}` を解釈できない: {what}"))
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
