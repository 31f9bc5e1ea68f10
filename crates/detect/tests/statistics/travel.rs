//! Where networks are, and who cannot have been there.

use std::net::IpAddr;
use yagura_detect::stat::places::Places;
use yagura_detect::stat::travel::{Place, Sighting, Travels};
use yagura_detect::stat::{DAY, HOUR, MINUTE};

const START: i64 = 1_700_000_000_000;

#[test]
fn the_smallest_network_counts() {
    let text = "# made by hand\n\nnetwork,geoname_id,latitude,longitude\n192.0.2.0/24,1,10.0,20.0\n192.0.2.128/25,2,30.0,40.0\n192.0.2.130/32,3,50,60\n\
                2001:db8::/32,4,-5.5,6\nnonsense,1,2,3\n192.0.2.0/40,1,2,3\n198.51.100.0/24,1,95.0,3\n0.0.0.0/8,9,1,1\n192.0.2.64/26,7,,\n255.255.255.255,1,7,8\n";
    let (places, reading) = Places::read(text.as_bytes()).unwrap();
    assert_eq!(reading.examples.iter().map(|e| e.0).collect::<Vec<_>>(), [8, 9, 10]);
    assert_eq!((reading.networks, reading.nowhere, reading.bad), (7, 1, 3));
    let latitude = |a: &str| places.of(a.parse::<IpAddr>().unwrap()).map(|s| s.place.latitude);
    for (address, wanted) in [
        ("192.0.2.0", Some(10.0)),
        ("192.0.2.63", Some(10.0)),
        ("192.0.2.64", None),
        ("192.0.2.127", None),
        ("192.0.2.128", Some(30.0)),
        ("192.0.2.129", Some(30.0)),
        ("192.0.2.130", Some(50.0)),
        ("192.0.2.131", Some(30.0)),
        ("192.0.2.255", Some(30.0)),
        ("::ffff:192.0.2.255", Some(30.0)),
        ("192.0.3.0", None),
        ("192.0.1.255", None),
        ("2001:db8::1", Some(-5.5)),
        ("2001:db9::", None),
        ("0.0.0.1", Some(1.0)),
        ("1.0.0.0", None),
        ("255.255.255.255", Some(7.0)),
        ("255.255.255.254", None),
        ("::1", None),
    ] {
        assert_eq!(latitude(address), wanted, "{address}");
    }
    let (plain, _) = Places::read("192.0.2.0/24,1.5,2.5,\"Here, there\"\n".as_bytes()).unwrap();
    let spot = plain.of("192.0.2.7".parse().unwrap()).unwrap();
    assert_eq!((spot.place, spot.label.as_str()), (Place { latitude: 1.5, longitude: 2.5 }, "Here, there"));
}

/// A table as large as the free ones are: read in one pass, and small afterwards.
#[test]
fn a_million_networks_are_few_bytes() {
    use std::fmt::Write;
    let mut text = String::new();
    for n in 0..1_000_000u32 {
        let [a, b, c, _] = (n << 8).to_be_bytes();
        writeln!(text, "{a}.{b}.{c}.0/24,{},{}", n % 90, n % 180).unwrap();
    }
    let (places, reading) = Places::read(text.as_bytes()).unwrap();
    assert_eq!((reading.networks, reading.bad, places.len()), (1_000_000, 0, 1_000_000 + 1));
    let spot = places.of("0.1.2.3".parse().unwrap()).unwrap();
    assert_eq!((spot.place.latitude, spot.place.longitude), (78.0, 78.0), "network 258");
}

const TOKYO: Place = Place { latitude: 35.68, longitude: 139.69 };
const OSAKA: Place = Place { latitude: 34.69, longitude: 135.5 };
const LONDON: Place = Place { latitude: 51.5, longitude: -0.12 };

/// Who was where at which time; the numbers of those at which something was found.
fn found(sightings: &[(&str, Place, i64)]) -> Vec<usize> {
    let mut travels = Travels::default();
    let mut found = Vec::new();
    for (n, (who, place, at)) in sightings.iter().enumerate() {
        let mut signs = Vec::new();
        travels.observe(START + at, n as u128, &Sighting::new(who, "192.0.2.1", *place, &"x".into()), &mut signs);
        found.extend(signs.iter().map(|_| n));
        // A restart changes nothing.
        travels = serde_json::from_str(&serde_json::to_string(&travels).unwrap()).unwrap();
    }
    found
}

#[test]
fn nobody_is_at_two_places() {
    assert_eq!(found(&[("a", TOKYO, 0), ("a", LONDON, 20 * MINUTE)]), [1]);
    assert_eq!(found(&[("a", TOKYO, 0), ("a", LONDON, 15 * HOUR)]), [] as [usize; 0], "a flight");
    assert_eq!(found(&[("a", TOKYO, 0), ("b", LONDON, MINUTE)]), [] as [usize; 0], "two people");
    assert_eq!(found(&[("a", TOKYO, 0), ("a", OSAKA, MINUTE)]), [] as [usize; 0], "tables err by so much");
    // The thief comes when the owner has slept long enough to have flown; the owner's return gives it away.
    assert_eq!(
        found(&[("a", TOKYO, 0), ("a", TOKYO, 3 * DAY), ("a", LONDON, 4 * DAY), ("a", TOKYO, 4 * DAY + MINUTE)]),
        [3]
    );
}

#[test]
fn a_vpn_that_flaps_is_found_once_and_then_known() {
    let mut sightings = Vec::new();
    for n in 0..200 {
        sightings.push(("a", if n % 2 == 0 { TOKYO } else { LONDON }, n * HOUR));
    }
    let found = found(&sightings);
    assert!(found.first() == Some(&1) && found.iter().all(|n| *n <= 25), "only on the first day: {found:?}");
}

#[test]
fn where_others_work_every_day_is_no_sign() {
    let mut sightings: Vec<(&str, Place, i64)> = ["b", "c", "d"].iter().map(|who| (*who, LONDON, 0)).collect();
    sightings.extend([("a", TOKYO, 2 * DAY - 2 * MINUTE), ("a", TOKYO, 2 * DAY), ("a", LONDON, 2 * DAY + MINUTE)]);
    assert_eq!(found(&sightings), [5], "Tokyo is new of it as well, and nobody else's");
    let calm: Vec<(&str, Place, i64)> = [("a", TOKYO, -2 * DAY)].into_iter().chain(sightings.iter().copied()).collect();
    assert_eq!(found(&calm), [] as [usize; 0]);
    // Three taken over on the same day are no regulars.
    let taken = [("b", TOKYO, 0), ("c", TOKYO, 0), ("d", TOKYO, 0), ("a", TOKYO, 0)];
    let away = ["b", "c", "d", "a"].map(|who| (who, LONDON, 2 * DAY));
    let home = ["b", "c", "d", "a"].map(|who| (who, TOKYO, 2 * DAY + MINUTE));
    assert_eq!(found(&[&taken[..], &away, &home].concat()), [8, 9, 10, 11]);
}

#[test]
fn who_roams_is_not_judged() {
    let mut sightings = Vec::new();
    for n in 0..40i64 {
        sightings.push(("ci", Place { latitude: 0.0, longitude: ((n % 8) * 45 - 170) as f64 }, n * MINUTE));
    }
    let found = found(&sightings);
    assert!(found.len() <= 7 && found.iter().all(|n| *n <= 7), "{found:?}");
}
