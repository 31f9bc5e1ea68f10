//! The chain: whether each digest is the one that the next newer one was made after.

use super::digest::{Digest, Previous};
use super::key::DigestKey;
use super::why::Why;
use jiff::Timestamp;
use smol_str::SmolStr;

/// A digest of a chain.
pub(super) struct Link {
    pub bucket: Option<SmolStr>,
    pub key: String,
    pub end: Timestamp,
    /// What it says, or why it is not to be trusted by itself.
    pub read: Result<Digest, Why>,
}

/// What the walk found.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Walked {
    /// Of each link, why it is not to be trusted; `None` is trusted.
    pub faults: Vec<Option<Why>>,
    /// Digests that a trusted one names and that are not among the links: bucket, key, and the key of who names it.
    pub absent: Vec<(SmolStr, String, String)>,
}

/// Walks from the newest digest to the oldest. `links` are sorted, oldest first.
///
/// Where a digest is missing or not to be trusted, or starts a chain, the walk goes on with the next older one that is there, as that
/// of the AWS CLI does. Here a digest must also have the hash and the signature that the next newer one recorded, and those that the
/// walk leaves out are told.
///
/// With `in_order` unset (digests of late log files, which come whenever they come) none is left out.
pub(super) fn walk(links: &[Link], in_order: bool) -> Walked {
    let mut out = Walked { faults: links.iter().map(|l| l.read.as_ref().err().cloned()).collect(), absent: vec![] };
    let mut reached = vec![false; links.len()];
    let mut next = links.len().checked_sub(1);
    while let Some(at) = next {
        let Some(link) = links.get(at) else { break };
        if reached.get(at) == Some(&true) {
            break;
        }
        if let Some(mark) = reached.get_mut(at) {
            *mark = true;
        }
        let older = at.checked_sub(1);
        // One that is no digest of this chain is no guide to the others.
        let trusted = matches!(out.faults.get(at), Some(None));
        next = match link.read.as_ref().ok().filter(|_| trusted).and_then(|d| d.previous.as_ref()) {
            None => older,
            Some(previous) => follow(links, at, previous, &mut out),
        };
    }
    for ((fault, reached), link) in out.faults.iter_mut().zip(reached).zip(links) {
        if in_order && !reached && link.read.is_ok() {
            *fault = Some(Why::NotReached);
        }
    }
    out
}

/// The link that `previous` names, or where else to go on; notes where it is not there or is another one.
fn follow(links: &[Link], at: usize, previous: &Previous, out: &mut Walked) -> Option<usize> {
    let (link, older) = (links.get(at)?, links.get(..at)?);
    let same = |l: &Link| l.key == previous.key && l.bucket.as_ref().is_none_or(|b| *b == previous.bucket);
    let Some(to) = older.iter().rposition(same) else {
        out.absent.push((previous.bucket.clone(), previous.key.clone(), link.key.clone()));
        // Not with what is as new as the absent one: that was left out.
        let end = DigestKey::parse(&previous.key).map_or(link.end, |k| k.end);
        return older.iter().rposition(|l| l.end < end);
    };
    if let Some(Link { read: Ok(digest), .. }) = links.get(to)
        && (Some(digest.hash) != previous.hash || Some(&digest.signature) != previous.signature.as_ref())
        && let Some(fault) = out.faults.get_mut(to)
    {
        *fault = Some(Why::NotChained(link.key.clone()));
    }
    Some(to)
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::indexing_slicing, reason = "tests may stop")]

    use super::*;

    fn key(hour: i64) -> String {
        let like = DigestKey {
            root: "AWSLogs/111122223333".into(),
            account: "111122223333".into(),
            region: "us-east-1".into(),
            trail: "t".into(),
            home_region: "us-east-1".into(),
            backfill: false,
            end: Timestamp::UNIX_EPOCH,
        };
        like.at(time(hour))
    }

    fn time(hour: i64) -> Timestamp {
        Timestamp::from_second(1_700_000_000 / 3600 * 3600 + hour * 3600).unwrap()
    }

    fn link(hour: i64, previous: Option<i64>) -> Link {
        let hash = |h: i64| [u8::try_from(h).unwrap(); 32];
        let previous = previous.map(|p| Previous {
            bucket: "b".into(),
            key: key(p),
            hash: Some(hash(p)),
            signature: Some(format!("s{p}")),
        });
        let digest = Digest {
            start: time(hour - 1),
            end: time(hour),
            previous,
            logs: vec![],
            hash: hash(hour),
            signature: format!("s{hour}"),
        };
        Link { bucket: Some("b".into()), key: key(hour), end: time(hour), read: Ok(digest) }
    }

    fn bad(hour: i64) -> Link {
        Link { read: Err(Why::Signature), ..link(hour, None) }
    }

    #[test]
    fn walks_go_on_where_a_link_is_lost() {
        let absent = |hour: i64, by: i64| ("b".into(), key(hour), key(by));
        let left_out = Some(Why::NotReached);
        for (name, links, faults, lost) in [
            ("whole", vec![link(1, None), link(2, Some(1)), link(3, Some(2))], vec![None, None, None], vec![]),
            ("cut", vec![link(1, None), link(2, None), link(3, Some(2))], vec![None, None, None], vec![]),
            ("bad", vec![link(1, None), bad(2), link(3, Some(2))], vec![None, Some(Why::Signature), None], vec![]),
            ("deleted", vec![link(1, None), link(3, Some(2))], vec![None, None], vec![absent(2, 3)]),
            ("oldest deleted", vec![link(2, Some(1)), link(3, Some(2))], vec![None, None], vec![absent(1, 2)]),
            ("newest bad", vec![link(1, None), bad(2)], vec![None, Some(Why::Signature)], vec![]),
            (
                "left out",
                vec![link(1, None), link(2, Some(1)), link(3, Some(1))],
                vec![None, left_out.clone(), None],
                vec![],
            ),
            (
                "left out beside a deleted one",
                vec![link(1, None), link(3, None), link(4, Some(2))],
                vec![None, left_out, None],
                vec![absent(2, 4)],
            ),
            ("forwards", vec![link(1, Some(2)), link(2, Some(1))], vec![None, None], vec![absent(2, 1)]),
            ("itself", vec![link(1, Some(1))], vec![None], vec![absent(1, 1)]),
            ("none", vec![], vec![], vec![]),
        ] {
            assert_eq!(walk(&links, true), Walked { faults, absent: lost }, "{name}");
        }
    }

    #[test]
    fn a_link_must_be_the_one_that_was_recorded() {
        for change in [(|d: &mut Digest| d.hash = [9; 32]) as fn(&mut Digest), |d| d.signature.push('0')] {
            let mut links = vec![link(1, None), link(2, Some(1)), link(3, Some(2))];
            change(links[1].read.as_mut().unwrap());
            assert_eq!(walk(&links, true).faults, [None, Some(Why::NotChained(key(3))), None]);
        }
    }

    #[test]
    fn late_digests_have_no_order() {
        let links = [link(1, None), link(2, None), link(3, Some(1))];
        assert_eq!(walk(&links, false).faults, [None, None, None]);
    }
}
