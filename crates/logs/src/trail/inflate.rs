//! Gzip, unpacked as it comes, in constant memory.

use flate2::{Decompress, FlushDecompress, Status};

/// How much is unpacked at a time.
const STEP: usize = 64 << 10;

/// What is wrong with a compressed file.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Fault {
    /// It is no gzip stream, or a broken one.
    Broken,
    /// It ends before its end.
    Truncated,
    /// Something follows the end. The AWS CLI refuses such files too: what follows would be in no hash.
    Trailing,
    /// It unpacks to more than the limit.
    TooLarge,
}

/// One gzip stream.
pub(super) struct Inflate {
    state: Decompress,
    buffer: Vec<u8>,
    limit: u64,
    ended: bool,
}

impl Inflate {
    /// Unpacks up to `limit` bytes.
    pub fn new(limit: u64) -> Self {
        Self { state: Decompress::new_gzip(15), buffer: vec![0; STEP], limit, ended: false }
    }

    /// Takes the next bytes and hands on what they unpack to.
    pub fn push(&mut self, mut input: &[u8], out: &mut dyn FnMut(&[u8])) -> Result<(), Fault> {
        loop {
            if self.ended {
                return if input.is_empty() { Ok(()) } else { Err(Fault::Trailing) };
            }
            let (read, written) = (self.state.total_in(), self.state.total_out());
            let status =
                self.state.decompress(input, &mut self.buffer, FlushDecompress::None).map_err(|_| Fault::Broken)?;
            let read = usize::try_from(self.state.total_in() - read).unwrap_or(usize::MAX);
            let written = usize::try_from(self.state.total_out() - written).unwrap_or(usize::MAX);
            if self.state.total_out() > self.limit {
                return Err(Fault::TooLarge);
            }
            out(self.buffer.get(..written).unwrap_or_default());
            input = input.get(read..).unwrap_or_default();
            self.ended = status == Status::StreamEnd;
            // A full buffer may hold back more; without input and without output there is nothing to wait for.
            if !self.ended && written < self.buffer.len() && (input.is_empty() || read == 0 && written == 0) {
                return if input.is_empty() { Ok(()) } else { Err(Fault::Broken) };
            }
        }
    }

    /// Says whether the stream was whole.
    pub fn finish(self) -> Result<(), Fault> {
        if self.ended {
            Ok(())
        } else if self.state.total_in() == 0 {
            Err(Fault::Broken)
        } else {
            Err(Fault::Truncated)
        }
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::indexing_slicing, reason = "tests may stop")]

    use super::*;
    use flate2::Compression;
    use flate2::write::GzEncoder;
    use std::io::Write;

    fn gz(data: &[u8]) -> Vec<u8> {
        let mut out = GzEncoder::new(Vec::new(), Compression::default());
        out.write_all(data).unwrap();
        out.finish().unwrap()
    }

    fn unpack(packed: &[u8], step: usize, limit: u64) -> Result<Vec<u8>, Fault> {
        let mut out = Vec::new();
        let mut inflate = Inflate::new(limit);
        for part in packed.chunks(step) {
            inflate.push(part, &mut |b| out.extend_from_slice(b))?;
        }
        inflate.finish()?;
        Ok(out)
    }

    #[test]
    fn streams_come_out_whole_whatever_the_parts() {
        let data: Vec<u8> = (0..300_000u32).flat_map(|n| (n.wrapping_mul(2_654_435_761) >> 7).to_le_bytes()).collect();
        for (name, data) in [("noise", data), ("nothing", vec![]), ("zeros", vec![0; 5 << 20]), ("one", vec![7])] {
            let packed = gz(&data);
            for step in [1, 7, 4096, usize::MAX] {
                if step > 1 || packed.len() < 100_000 {
                    assert!(unpack(&packed, step, u64::MAX).unwrap() == data, "{name} {step}");
                }
            }
        }
    }

    #[test]
    fn faults_are_told_apart() {
        let good = gz(&[9; 1000]);
        for (name, packed, fault) in [
            ("no gzip", b"not gzip".to_vec(), Fault::Broken),
            ("empty", vec![], Fault::Broken),
            ("cut", good[..good.len() - 1].to_vec(), Fault::Truncated),
            ("head only", good[..12].to_vec(), Fault::Truncated),
            ("checksum", [&good[..good.len() - 8], &[0; 8]].concat(), Fault::Broken),
            ("two members", [good.clone(), good.clone()].concat(), Fault::Trailing),
            ("tail", [&good[..], b"x"].concat(), Fault::Trailing),
            ("bomb", gz(&vec![0; 1 << 20]), Fault::TooLarge),
        ] {
            for step in [1, 5, usize::MAX] {
                assert_eq!(unpack(&packed, step, 1 << 19), Err(fault), "{name} {step}");
            }
        }
    }
}
