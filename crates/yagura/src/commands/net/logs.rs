//! VPC flow logs as evidence: files and folders of them, plain or gzip.

use crate::failure::Failure;
use std::fs::File;
use std::io::{BufRead, BufReader, Read};
use std::path::{Path, PathBuf};
use yagura_network::question::flow_log::Collector;

/// The longest line that is a record.
const MAX_LINE: u64 = 1 << 16;
/// How deep folders may lie in each other.
const MAX_DEPTH: usize = 32;

/// Gives every record of a file, or of the files below a folder, to the collector.
///
/// # Errors
/// Names the file that cannot be read.
pub fn collect(path: &Path, collector: &mut Collector) -> Result<(), Failure> {
    let mut files = Vec::new();
    find(path, 0, &mut files)?;
    files.sort();
    for file in files {
        read(&file, collector).map_err(|e| unreadable(&file, &e))?;
    }
    Ok(())
}

fn find(path: &Path, depth: usize, files: &mut Vec<PathBuf>) -> Result<(), Failure> {
    if !path.is_dir() {
        files.push(path.to_owned());
        return Ok(());
    }
    if depth > MAX_DEPTH {
        return Ok(());
    }
    for entry in std::fs::read_dir(path).map_err(|e| unreadable(path, &e))? {
        let entry = entry.map_err(|e| unreadable(path, &e))?.path();
        let named = |ending| entry.extension().is_some_and(|e| e.eq_ignore_ascii_case(ending));
        if entry.is_dir() || named("log") || named("gz") || named("txt") {
            find(&entry, depth + 1, files)?;
        }
    }
    Ok(())
}

fn read(path: &Path, collector: &mut Collector) -> std::io::Result<()> {
    let file = File::open(path)?;
    let gzip = path.extension().is_some_and(|e| e.eq_ignore_ascii_case("gz"));
    let source: Box<dyn Read> = if gzip { Box::new(flate2::read::MultiGzDecoder::new(file)) } else { Box::new(file) };
    let mut lines = BufReader::with_capacity(1 << 16, source);
    collector.start();
    let mut line = Vec::new();
    loop {
        line.clear();
        if (&mut lines).take(MAX_LINE).read_until(b'\n', &mut line)? == 0 {
            return Ok(());
        }
        collector.line(&String::from_utf8_lossy(&line));
    }
}

fn unreadable(path: &Path, error: &std::io::Error) -> Failure {
    let path = path.display();
    Failure::blind(format!("cannot read `{path}`: {error}"), format!("`{path}` を読み込めない: {error}"))
}
