//! Whether one person can have been at two places.

use super::bounded::Bounded;
use super::{DAY, EventId, Sign, fact};
use crate::hash::{Hash, hash};
use serde::{Deserialize, Serialize};
use smol_str::SmolStr;

/// A point on Earth, in degrees.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct Place {
    /// North of the equator.
    pub latitude: f64,
    /// East of Greenwich.
    pub longitude: f64,
}

/// A way from one place to another.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
pub struct Travel {
    /// Along the surface, in kilometres.
    pub distance: f64,
    /// In hours.
    pub time: f64,
    /// In kilometres an hour; without end where no time passed.
    pub speed: f64,
}

/// From when on a way is impossible.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct TravelConfig {
    /// Kilometres an hour: above what airliners reach with the wind behind them.
    pub speed: f64,
    /// Kilometres, at least: location tables err by hundreds, most of all for mobile networks and clouds.
    pub distance: f64,
}

impl Default for TravelConfig {
    fn default() -> Self {
        Self { speed: 1_100.0, distance: 800.0 }
    }
}

impl Travel {
    /// The way between two places at two times (milliseconds since 1970), in either order; by the haversine formula on
    /// a sphere of Earth's mean radius (R. W. Sinnott, "Virtues of the Haversine", 1984; IUGG's 6,371.0088 km), which
    /// is right to half a percent.
    pub fn between(from: Place, left: i64, to: Place, arrived: i64) -> Self {
        let (a, b) = (from.latitude.to_radians(), to.latitude.to_radians());
        let (north, east) = (b - a, (to.longitude - from.longitude).to_radians());
        let h = (north / 2.0).sin().powi(2) + a.cos() * b.cos() * (east / 2.0).sin().powi(2);
        let distance = 2.0 * 6_371.008_8 * h.clamp(0.0, 1.0).sqrt().asin();
        let time = arrived.abs_diff(left) as f64 / 3_600_000.0;
        let speed = if distance == 0.0 { 0.0 } else { distance / time };
        Self { distance, time, speed }
    }

    /// Whether nobody travels like that.
    pub fn is_impossible(&self, config: &TravelConfig) -> bool {
        self.distance >= config.distance && self.speed > config.speed
    }
}

/// An identity was at a place.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Sighting {
    /// Who: for an assumed role its session, for several people may be in one role.
    pub who: SmolStr,
    /// From which address.
    pub address: SmolStr,
    /// Ten thousandths of a degree north.
    pub latitude: i32,
    /// Ten thousandths of a degree east.
    pub longitude: i32,
    /// What the place is called; empty where the table does not say.
    pub label: SmolStr,
}

/// A degree in a sighting's unit, which is eleven metres: state holds no floating point number.
const DEGREE: f64 = 10_000.0;

impl Sighting {
    /// Of someone at a place.
    pub fn new(who: &str, address: &str, place: Place, label: &SmolStr) -> Self {
        let unit = |degrees: f64| (degrees * DEGREE).round() as i32;
        Self {
            who: who.into(),
            address: address.into(),
            latitude: unit(place.latitude),
            longitude: unit(place.longitude),
            label: label.clone(),
        }
    }

    fn place(&self) -> Place {
        place((self.latitude, self.longitude))
    }

    fn spot(&self) -> (i32, i32) {
        (self.latitude, self.longitude)
    }

    fn told(&self) -> String {
        let Place { latitude, longitude } = self.place();
        match self.label.as_str() {
            "" => format!("{latitude:.1},{longitude:.1} ({})", self.address),
            label => format!("{label} ({})", self.address),
        }
    }
}

fn place((latitude, longitude): (i32, i32)) -> Place {
    Place { latitude: f64::from(latitude) / DEGREE, longitude: f64::from(longitude) / DEGREE }
}

/// Identities whose places are remembered, and places whose visitors are.
const MOST: usize = 100_000;
/// Places of an identity; whoever has more of them roams (a pipeline on hired machines, a VPN of many exits), and is not judged.
const ROAMS: usize = 6;
/// Others who came to a place more than a day ago and make it an everyday one: an office, the exit of a VPN.
const REGULARS: usize = 3;
/// For how long a place is remembered that an identity does not come to, in milliseconds.
const REMEMBERED: i64 = 60 * DAY;

/// Finds `impossible_travel`: one identity at two places between which nobody travels in the time.
///
/// The test is [`Travel::is_impossible`]; MITRE ATT&CK names the sign for T1078.004 (Cloud Accounts). Of the ways that look so and are
/// none, those that Microsoft names for its own detector (Microsoft Defender for Cloud Apps, "Anomaly detection policies: impossible
/// travel") are left out: both ends must not be places that the identity has had for more than a day (who switches a VPN on and off
/// flaps between the same two), and a place to which enough others have come for longer than a day says nothing. Of two places
/// nearer than [`TravelConfig::distance`] only one is remembered.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
pub struct Travels {
    /// From when on a way is impossible.
    pub config: TravelConfigKept,
    seen: Bounded<SmolStr, Traveller>,
    visitors: Bounded<(i32, i32), Vec<(Hash, i64)>>,
}

/// A configuration in whole kilometres, as state holds it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct TravelConfigKept {
    /// See [`TravelConfig::speed`].
    pub speed: u32,
    /// See [`TravelConfig::distance`].
    pub distance: u32,
}

impl Default for TravelConfigKept {
    fn default() -> Self {
        let TravelConfig { speed, distance } = TravelConfig::default();
        Self { speed: speed as u32, distance: distance as u32 }
    }
}

#[derive(Debug, Clone, Default, Serialize, Deserialize)]
struct Traveller {
    last: Option<(i64, EventId, Sighting)>,
    places: Vec<Stay>,
}

#[derive(Debug, Clone, Serialize, Deserialize)]
struct Stay {
    spot: (i32, i32),
    first: i64,
    last: i64,
}

impl Travels {
    /// Takes a sighting; they come in the order of time.
    pub fn observe(&mut self, now: i64, id: EventId, at: &Sighting, out: &mut Vec<Sign>) {
        let config = TravelConfig { speed: f64::from(self.config.speed), distance: f64::from(self.config.distance) };
        let who = hash(&at.who);
        let visitors = self.visitors.entry(at.spot(), now, MOST, Vec::new);
        if !visitors.iter().any(|(other, _)| *other == who) && visitors.len() <= REGULARS {
            visitors.push((who, now));
        }
        let traveller = self.seen.entry(at.who.clone(), now, MOST, Traveller::default);
        traveller.places.retain(|s| now.saturating_sub(s.last) <= REMEMBERED);
        let near = |a: (i32, i32), b: (i32, i32)| Travel::between(place(a), 0, place(b), 0).distance < config.distance;
        let since = |places: &[Stay], spot| places.iter().find(|s| near(s.spot, spot)).map(|s| s.first);
        if let Some((left, event, from)) = &traveller.last {
            let way = Travel::between(from.place(), *left, at.place(), now);
            let roams = traveller.places.len() > ROAMS;
            let ends = [
                (from.spot(), since(&traveller.places, from.spot())),
                (at.spot(), since(&traveller.places, at.spot())),
            ];
            let strange = |(spot, first): &((i32, i32), Option<i64>)| {
                let news = first.is_none_or(|f| now.saturating_sub(f) < DAY);
                let regulars = self.visitors.get(spot).map_or(0, |v| {
                    v.iter().filter(|(other, first)| *other != who && now.saturating_sub(*first) > DAY).count()
                });
                news && regulars < REGULARS
            };
            if way.is_impossible(&config) && !roams && ends.iter().any(strange) {
                out.push(sign(now, id, at, (*left, *event, from), way));
            }
        }
        match traveller.places.iter_mut().find(|s| near(s.spot, at.spot())) {
            Some(stay) => stay.last = stay.last.max(now),
            None => {
                // Beyond this nothing is judged of it any more, and to remember the latest is enough to know so.
                if traveller.places.len() > ROAMS {
                    traveller.places.remove(0);
                }
                traveller.places.push(Stay { spot: at.spot(), first: now, last: now });
            }
        }
        traveller.last = Some((now, id, at.clone()));
    }
}

fn sign(now: i64, id: EventId, at: &Sighting, (left, event, from): (i64, EventId, &Sighting), way: Travel) -> Sign {
    let minutes = now.abs_diff(left) / 60_000;
    let mut facts = vec![
        fact("from", from.told()),
        fact("to", at.told()),
        fact("distance_km", way.distance.round()),
        fact("minutes", minutes),
    ];
    // At one and the same instant there is no speed.
    if way.speed.is_finite() {
        facts.push(fact("km_per_hour", way.speed.round()));
    }
    Sign {
        method: "impossible_travel",
        time: now,
        since: left,
        host: at.who.clone(),
        peer: None,
        count: 2,
        score: 0.8,
        facts,
        events: vec![event, id],
    }
}
