//! Reads samples.

use std::io::Read;
use std::path::PathBuf;

/// The folder of samples that stay outside the repository.
pub fn shared() -> PathBuf {
    PathBuf::from(std::env::var_os("YAGURA_SHARED").unwrap()).join("data")
}

/// A file's text, unpacked where its name says so.
pub fn text(path: &std::path::Path) -> String {
    let bytes = std::fs::read(path).unwrap();
    let mut text = String::new();
    if path.extension().is_some_and(|e| e == "gz") {
        flate2::read::MultiGzDecoder::new(&bytes[..]).read_to_string(&mut text).unwrap();
    } else {
        text = String::from_utf8(bytes).unwrap();
    }
    text
}
