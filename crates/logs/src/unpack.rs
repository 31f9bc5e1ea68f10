//! Compressed or not, told by content: gzip (also of several members, also within gzip, as Firehose delivers CloudWatch Logs),
//! Zstandard, plain.

use std::io::{BufReader, Chain, Cursor, Read};

/// What a stream's first bytes say it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Packing {
    /// gzip (RFC 1952).
    Gzip,
    /// Zstandard (RFC 8878).
    Zstd,
    /// Apache Parquet: no stream at all.
    Parquet,
    /// None known.
    Plain,
}

impl Packing {
    /// Tells it from the first bytes.
    pub fn of(head: &[u8]) -> Self {
        match head {
            [0x1f, 0x8b, ..] => Self::Gzip,
            [0x28, 0xb5, 0x2f, 0xfd, ..] => Self::Zstd,
            [b'P', b'A', b'R', b'1', ..] => Self::Parquet,
            _ => Self::Plain,
        }
    }
}

const BUFFER: usize = 128 << 10;
/// A window of 128 MiB is the most that `zstd` itself opens without being told to.
const ZSTD_WINDOW_LOG: u32 = 27;
const LAYERS: usize = 3;

/// A stream without its compression, up to three layers of it.
///
/// # Errors
/// Where the first bytes cannot be read.
pub fn unpack<'r>(stream: impl Read + Send + 'r) -> std::io::Result<(Packing, Box<dyn Read + Send + 'r>)> {
    let (head, whole) = peek(Box::new(stream))?;
    let outer = Packing::of(&head);
    let mut inner: Box<dyn Read + Send + 'r> = whole;
    let mut packing = outer;
    for _ in 0..LAYERS {
        let opened: Box<dyn Read + Send + 'r> = match packing {
            Packing::Gzip => Box::new(flate2::bufread::MultiGzDecoder::new(BufReader::with_capacity(BUFFER, inner))),
            Packing::Zstd => {
                let mut decoder = zstd::stream::read::Decoder::new(inner)?;
                decoder.window_log_max(ZSTD_WINDOW_LOG)?;
                Box::new(decoder)
            }
            Packing::Parquet | Packing::Plain => return Ok((outer, inner)),
        };
        let (head, whole) = peek(opened)?;
        packing = Packing::of(&head);
        inner = whole;
    }
    Ok((outer, inner))
}

type Whole<'r> = Chain<Cursor<Vec<u8>>, Box<dyn Read + Send + 'r>>;

/// The first four bytes, and the stream with them again. A fault that comes later stays in the stream.
fn peek<'r>(mut stream: Box<dyn Read + Send + 'r>) -> std::io::Result<(Vec<u8>, Box<Whole<'r>>)> {
    let mut head = Vec::with_capacity(4);
    stream.by_ref().take(4).read_to_end(&mut head)?;
    Ok((head.clone(), Box::new(Cursor::new(head).chain(stream))))
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "tests may stop")]
    use super::*;
    use std::io::Write;

    fn gz(data: &[u8]) -> Vec<u8> {
        let mut e = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
        e.write_all(data).unwrap();
        e.finish().unwrap()
    }

    fn all(data: &[u8]) -> std::io::Result<Vec<u8>> {
        let mut out = Vec::new();
        unpack(data)?.1.read_to_end(&mut out)?;
        Ok(out)
    }

    #[test]
    fn every_packing_gives_the_same_bytes() {
        let data = b"{\"a\":1}\n".repeat(50_000);
        let members = [gz(&data[..100]), gz(&data[100..])].concat();
        let rows = [
            ("plain", data.clone()),
            ("gzip", gz(&data)),
            ("gzip of two members", members),
            ("gzip in gzip", gz(&gz(&data))),
            ("zstd", zstd::encode_all(&data[..], 3).unwrap()),
            ("zstd in gzip", gz(&zstd::encode_all(&data[..], 3).unwrap())),
        ];
        for (name, packed) in rows {
            assert_eq!(all(&packed).unwrap(), data, "{name}");
        }
    }

    #[test]
    fn a_cut_stream_is_an_error_after_what_it_held() {
        let packed = gz(&b"line\n".repeat(100_000));
        let mut stream = unpack(&packed[..packed.len() / 2]).unwrap().1;
        let mut out = Vec::new();
        assert!(stream.read_to_end(&mut out).is_err());
        assert!(out.starts_with(b"line\nline\n"));
        for cut in 0..packed.len().min(40) {
            let _ = all(&packed[..cut]);
        }
    }
}
