//! One file, one log source: how its records are told from others, its table as AWS documents it, its envelope.

include!(concat!(env!("OUT_DIR"), "/sources.rs"));
