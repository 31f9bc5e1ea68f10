//! Habits and travel.

use proptest::prelude::*;
use yagura_detect::stat::DAY;
use yagura_detect::stat::habit::{Dimension, HabitConfig, Habits, hash, hour};
use yagura_detect::stat::travel::{Place, Travel, TravelConfig};
use yagura_detect::{agent_of, network_of};

const START: i64 = 1_700_000_000_000;

#[test]
fn a_new_value_of_a_known_key() {
    let mut habits = Habits::new(HabitConfig::default());
    let (alice, bob) = (hash("alice"), hash("bob"));
    let api = |name: &str| hash(name);
    for at in 0..200 {
        let novelty =
            habits.observe(alice, Dimension::Api, api(["List", "Get"][at as usize % 2]), START + at * DAY / 20);
        assert_eq!((novelty.total, novelty.known), (at as u64, at > 1));
        assert_eq!(novelty.mature, at >= 140, "a week and a hundred events");
    }
    habits.observe(bob, Dimension::Api, api("Delete"), START);
    let now = START + 10 * DAY;
    let novelty = habits.observe(alice, Dimension::Api, api("Delete"), now);
    assert!(!novelty.known && novelty.mature);
    assert_eq!((novelty.seen, novelty.total, novelty.values, novelty.others, novelty.keys), (0, 200, 2, 1, 1));
    assert_eq!(novelty.since, Some(START));
    let again = habits.look(alice, Dimension::Api, api("Delete"), now + 1_000);
    assert_eq!((again.known, again.seen, again.last, again.others), (true, 1, Some(now), 1));
    assert!(!habits.look(alice, Dimension::Service, api("Delete"), now).known, "another dimension");
}

#[test]
fn values_are_forgotten_and_the_lightest_goes_first() {
    let config = HabitConfig { max_values: 8, max_keys: 16, ..HabitConfig::default() };
    let mut habits = Habits::new(config);
    for at in 0..50 {
        habits.observe(1, Dimension::Api, hash("often"), START + at);
    }
    for at in 0..40 {
        habits.observe(1, Dimension::Api, hash(&format!("once {at}")), START + DAY + at * 1_000);
    }
    let novelty = habits.look(1, Dimension::Api, hash("often"), START + 2 * DAY);
    assert_eq!((novelty.known, novelty.seen, novelty.values, novelty.overflow), (true, 50, 8, 33));
    assert!(habits.look(1, Dimension::Api, hash("once 39"), START + 2 * DAY).known);
    assert!(!habits.look(1, Dimension::Api, hash("once 0"), START + 2 * DAY).known);
    assert!(!habits.look(1, Dimension::Api, hash("often"), START + 92 * DAY).known);
    let back = habits.observe(1, Dimension::Api, hash("often"), START + 92 * DAY);
    assert!(!back.known);
    assert_eq!(habits.look(1, Dimension::Api, hash("often"), START + 92 * DAY).seen, 1);
    for key in 2..40 {
        habits.observe(key, Dimension::Api, hash("often"), START + 93 * DAY + key as i64 * 1_000);
    }
    assert!(habits.len() <= 16 && habits.evicted() > 0);
    let left = habits.look(99, Dimension::Api, hash("often"), START + 93 * DAY);
    assert_eq!((left.others as usize, left.keys), (habits.len(), habits.len()));
    habits.forget(START + 300 * DAY);
    assert!(habits.is_empty());
}

#[test]
fn a_later_version_is_refused() {
    let text = serde_json::to_string(&Habits::default()).unwrap().replace("\"version\":1", "\"version\":2");
    assert!(serde_json::from_str::<Habits>(&text).unwrap_err().to_string().contains("later"));
}

#[test]
fn what_values_stand_for() {
    let address = |a: &str| hash(&network_of(a).unwrap());
    assert_eq!(address("192.0.2.1"), address("192.0.99.1"));
    assert_ne!(address("192.0.2.1"), address("192.1.2.1"));
    assert_eq!(address("2001:db8:1::1"), address("2001:db8:2::1"));
    assert_ne!(address("2001:db8::1"), address("2001:db9::1"));
    let mut habits = Habits::default();
    // Each hour is another value, and none is nothing.
    for n in 0..24 {
        let time = START + n * 3_600_000;
        assert_ne!(hour(time), 0);
        assert!(!habits.observe(1, Dimension::Hour, hour(time), time).known, "{n}");
        assert!(habits.observe(1, Dimension::Hour, hour(time + 24 * 3_600_000), time).known, "{n}");
    }
    for (agent, family) in [
        ("aws-cli/2.15.0 Python/3.11 Linux/5", "aws-cli"),
        ("Boto3/1.26 md/Botocore#1.29", "Boto3"),
        ("[S3Console/0.4, aws-internal/3]", "S3Console"),
        ("Mozilla/5.0 (X11) Chrome/1", "Mozilla"),
        ("ec2.amazonaws.com", "ec2.amazonaws.com"),
        ("", ""),
    ] {
        assert_eq!(agent_of(agent), family);
    }
}

proptest! {
    /// Shards merged know what one that saw everything knows, whatever the order.
    #[test]
    fn merging_is_learning_together(
        events in proptest::collection::vec((0u64..5, 0usize..3, 0u64..9, 0i64..60 * DAY, 0usize..3), 1..300),
    ) {
        let dimensions = [Dimension::Api, Dimension::Hour, Dimension::Pair];
        let mut whole = Habits::default();
        let mut shards = [Habits::default(), Habits::default(), Habits::default()];
        for (key, dimension, value, time, shard) in &events {
            whole.observe(*key, dimensions[*dimension], value << 20, START + time);
            shards[*shard].observe(*key, dimensions[*dimension], value << 20, START + time);
        }
        let [a, b, c] = &shards;
        let mut forth = a.clone();
        forth.merge(b);
        forth.merge(c);
        let mut back = c.clone();
        back.merge(b);
        back.merge(a);
        let now = START + 61 * DAY;
        for key in 0..5 {
            for dimension in dimensions {
                for value in 0..9 {
                    let wanted = whole.look(key, dimension, value << 20, now);
                    prop_assert_eq!(wanted, forth.look(key, dimension, value << 20, now));
                    prop_assert_eq!(wanted, back.look(key, dimension, value << 20, now));
                }
            }
        }
        let text = serde_json::to_string(&whole).unwrap();
        let kept: Habits = serde_json::from_str(&text).unwrap();
        prop_assert_eq!(serde_json::to_string(&kept).unwrap(), text);
        prop_assert_eq!(kept.look(1, Dimension::Api, 1 << 20, now), whole.look(1, Dimension::Api, 1 << 20, now));
    }
}

#[test]
fn travel_between_known_cities() {
    let tokyo = Place { latitude: 35.6762, longitude: 139.6503 };
    let london = Place { latitude: 51.5074, longitude: -0.1278 };
    let hour = 3_600_000;
    let way = Travel::between(tokyo, 0, london, 2 * hour);
    assert!((way.distance - 9_560.0).abs() < 30.0, "{way:?}");
    assert!((way.speed - way.distance / 2.0).abs() < 1e-6);
    assert!(way.is_impossible(&TravelConfig::default()));
    assert!(!Travel::between(tokyo, 0, london, 14 * hour).is_impossible(&TravelConfig::default()));
    assert!(!Travel::between(tokyo, 5, tokyo, 5).is_impossible(&TravelConfig::default()));
    assert!(Travel::between(tokyo, 5, london, 5).is_impossible(&TravelConfig::default()));
    let osaka = Place { latitude: 34.6937, longitude: 135.5023 };
    assert!(!Travel::between(tokyo, 0, osaka, 60_000).is_impossible(&TravelConfig::default()), "tables err by so much");
    let ends = (Place { latitude: 0.0, longitude: 179.9 }, Place { latitude: 0.0, longitude: -179.9 });
    assert!(Travel::between(ends.0, 0, ends.1, hour).distance < 25.0, "over the date line");
}
