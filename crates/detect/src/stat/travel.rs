//! Whether one person can have been at two places.

use serde::{Deserialize, Serialize};
use std::collections::HashMap;
use std::net::IpAddr;

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

/// Where networks are, by a table that the user gives.
#[derive(Debug, Clone, Default)]
pub struct Places {
    /// From this address on, the place of this number; [`NOWHERE`] where the table says nothing. IPv4 as IPv6's `::ffff:0:0/96`.
    bounds: Vec<(u128, u32)>,
    places: Vec<Place>,
}

const NOWHERE: u32 = u32::MAX;

impl Places {
    /// Reads a table: one network a line, `CIDR,latitude,longitude`, or any columns under a header that names `network`
    /// (or `cidr`), `latitude` and `longitude` as GeoLite2's files do. The smallest network that holds an address
    /// counts. Gives the table and the numbers of lines that could not be read.
    pub fn read(text: &str) -> (Self, Vec<usize>) {
        let mut bad = Vec::new();
        let mut columns = [0, 1, 2];
        let mut rows: Vec<(u128, u128, u32)> = Vec::new();
        let mut table = Self::default();
        let mut known: HashMap<(u64, u64), u32> = HashMap::new();
        for (at, line) in text.lines().enumerate() {
            let fields: Vec<&str> = line.split(',').map(|f| f.trim().trim_matches('"')).collect();
            if line.trim().is_empty() || line.starts_with('#') {
                continue;
            }
            if at == 0
                && let Some(found) = header(&fields)
            {
                columns = found;
                continue;
            }
            let [network, latitude, longitude] = columns.map(|c| fields.get(c).copied().unwrap_or_default());
            match (span(network), place(latitude, longitude)) {
                (Some((from, to)), Some(place)) => {
                    let next = u32::try_from(table.places.len()).unwrap_or(NOWHERE);
                    let number =
                        *known.entry((place.latitude.to_bits(), place.longitude.to_bits())).or_insert_with(|| {
                            table.places.push(place);
                            next
                        });
                    rows.push((from, to, number));
                }
                _ => bad.push(at + 1),
            }
        }
        table.bounds = flat(rows);
        (table, bad)
    }

    /// Where an address is.
    pub fn of(&self, address: IpAddr) -> Option<Place> {
        let number = number(address);
        let at = self.bounds.partition_point(|b| b.0 <= number).checked_sub(1)?;
        self.bounds.get(at).and_then(|b| self.places.get(b.1 as usize)).copied()
    }
}

fn header(fields: &[&str]) -> Option<[usize; 3]> {
    let find = |names: &[&str]| fields.iter().position(|f| names.iter().any(|n| f.eq_ignore_ascii_case(n)));
    Some([
        find(&["network", "cidr", "prefix", "ip"])?,
        find(&["latitude", "lat"])?,
        find(&["longitude", "lon", "lng"])?,
    ])
}

fn place(latitude: &str, longitude: &str) -> Option<Place> {
    let (latitude, longitude) = (latitude.parse::<f64>().ok()?, longitude.parse::<f64>().ok()?);
    let on_earth = latitude.abs() <= 90.0 && longitude.abs() <= 180.0;
    on_earth.then_some(Place { latitude, longitude })
}

fn number(address: IpAddr) -> u128 {
    match address.to_canonical() {
        IpAddr::V4(v4) => v4.to_ipv6_mapped().to_bits(),
        IpAddr::V6(v6) => v6.to_bits(),
    }
}

fn span(network: &str) -> Option<(u128, u128)> {
    let (address, length) = network.split_once('/').unwrap_or((network, ""));
    let address: IpAddr = address.parse().ok()?;
    let bits = if address.is_ipv4() { 32 } else { 128 };
    let length: u32 = if length.is_empty() { bits } else { length.parse().ok().filter(|l| *l <= bits)? };
    let host = 1u128.checked_shl(bits - length).map_or(u128::MAX, |size| size - 1);
    let number = number(address);
    Some((number & !host, number | host))
}

/// Cuts nested networks so that each stretch has the place of the smallest.
fn flat(mut rows: Vec<(u128, u128, u32)>) -> Vec<(u128, u32)> {
    // Outer before inner; of the same network the later line is the inner one.
    rows.sort_by(|a, b| a.0.cmp(&b.0).then(b.1.cmp(&a.1)));
    let mut bounds: Vec<(u128, u32)> = Vec::new();
    let mut open: Vec<(u128, u32)> = Vec::new();
    let mut set = |from: u128, place: u32| match bounds.last_mut() {
        Some(last) if last.0 == from => last.1 = place,
        Some(last) if last.1 == place => {}
        _ => bounds.push((from, place)),
    };
    let close = |open: &mut Vec<(u128, u32)>, before: Option<u128>, set: &mut dyn FnMut(u128, u32)| {
        while let Some((end, _)) = open.last().copied().filter(|(end, _)| before.is_none_or(|b| *end < b)) {
            open.pop();
            if let Some(next) = end.checked_add(1) {
                set(next, open.last().map_or(NOWHERE, |o| o.1));
            }
        }
    };
    for (from, to, place) in rows {
        close(&mut open, Some(from), &mut set);
        set(from, place);
        open.push((to, place));
    }
    close(&mut open, None, &mut set);
    bounds
}
