//! Where networks are, by a table that the user gives.

use super::travel::Place;
use smol_str::SmolStr;
use std::collections::HashMap;
use std::io::BufRead;
use std::net::IpAddr;

/// A table of locations, compact and immutable: eight bytes a stretch of IPv4 addresses, twenty one of IPv6, and a place once
/// however many networks are there. The smallest network that holds an address counts.
#[derive(Debug, Clone, Default)]
pub struct Places {
    v4: Stretches<u32>,
    v6: Stretches<u128>,
    spots: Vec<Spot>,
}

/// A place and what it is called.
#[derive(Debug, Clone, PartialEq)]
pub struct Spot {
    /// Where.
    pub place: Place,
    /// Its name; empty where the table gives none.
    pub label: SmolStr,
}

/// What became of a table's lines.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Reading {
    /// Networks taken.
    pub networks: usize,
    /// Networks that the table itself gives no coordinates for.
    pub nowhere: usize,
    /// Lines that could not be read.
    pub bad: usize,
    /// The first of them: line, and what is wrong.
    pub examples: Vec<(usize, &'static str)>,
}

/// How many bad lines are named.
const EXAMPLES: usize = 20;
/// The number of no spot.
const NOWHERE: u32 = u32::MAX;

/// Which columns hold what.
#[derive(Debug, Clone, Copy)]
struct Columns {
    network: usize,
    latitude: usize,
    longitude: usize,
    label: Option<usize>,
}

impl Default for Columns {
    fn default() -> Self {
        Self { network: 0, latitude: 1, longitude: 2, label: Some(3) }
    }
}

/// Reads tables, one after the other.
#[derive(Debug, Default)]
pub struct Reader {
    v4: Vec<(u32, u32, u32)>,
    v6: Vec<(u128, u128, u32)>,
    spots: Vec<Spot>,
    known: HashMap<(u64, u64, SmolStr), u32>,
}

impl Reader {
    /// Reads a table: one network a line, `CIDR,latitude,longitude[,label]`, IPv4 and IPv6 as they come; or any columns under a header
    /// that names `network` (or `cidr`), `latitude` and `longitude`, as the files of GeoLite2 do, and perhaps `label` (or `city`). Empty
    /// lines and lines that begin with `#` are comments. Of the same network the later line counts.
    ///
    /// # Errors
    /// The stream cannot be read.
    pub fn add(&mut self, mut text: impl BufRead) -> std::io::Result<Reading> {
        let mut reading = Reading::default();
        let mut columns = None;
        let mut bytes = Vec::new();
        let mut at = 0;
        loop {
            bytes.clear();
            if text.read_until(b'\n', &mut bytes)? == 0 {
                return Ok(reading);
            }
            at += 1;
            let line = String::from_utf8_lossy(bytes.strip_prefix(b"\xef\xbb\xbf").unwrap_or(&bytes));
            let line = line.trim();
            if line.is_empty() || line.starts_with('#') {
                continue;
            }
            let fields = fields_of(line);
            if columns.is_none() {
                let named = header(&fields);
                columns = Some(named.unwrap_or_default());
                if named.is_some() {
                    continue;
                }
            }
            match self.line(&fields, columns.unwrap_or_default()) {
                Ok(placed) => {
                    reading.networks += 1;
                    reading.nowhere += usize::from(!placed);
                }
                Err(why) => {
                    reading.bad += 1;
                    if reading.examples.len() < EXAMPLES {
                        reading.examples.push((at, why));
                    }
                }
            }
        }
    }

    /// Takes a network; answers whether the line says where it is.
    fn line(&mut self, fields: &[String], columns: Columns) -> Result<bool, &'static str> {
        let field = |n: usize| fields.get(n).map_or("", String::as_str);
        let span = span(field(columns.network)).ok_or("no network such as 192.0.2.0/24 or 2001:db8::/32")?;
        let number = match (field(columns.latitude), field(columns.longitude)) {
            // A network without coordinates hides what a larger one around it says: the table knows that it is elsewhere.
            ("", "") => NOWHERE,
            (latitude, longitude) => {
                let place =
                    place(latitude, longitude).ok_or("no latitude from -90 to 90 and longitude from -180 to 180")?;
                self.spot(place, columns.label.map_or("", field))
            }
        };
        match span {
            Span::V4(from, to) => self.v4.push((from, to, number)),
            Span::V6(from, to) => self.v6.push((from, to, number)),
        }
        Ok(number != NOWHERE)
    }

    fn spot(&mut self, place: Place, label: &str) -> u32 {
        let key = (place.latitude.to_bits(), place.longitude.to_bits(), SmolStr::new(label));
        let next = u32::try_from(self.spots.len()).unwrap_or(NOWHERE);
        *self.known.entry(key).or_insert_with(|| {
            self.spots.push(Spot { place, label: label.into() });
            next
        })
    }

    /// The table of everything read.
    pub fn finish(self) -> Places {
        Places { v4: Stretches::new(self.v4), v6: Stretches::new(self.v6), spots: self.spots }
    }
}

impl Places {
    /// Reads one table, as [`Reader::add`] does.
    ///
    /// # Errors
    /// The stream cannot be read.
    pub fn read(text: impl BufRead) -> std::io::Result<(Self, Reading)> {
        let mut reader = Reader::default();
        let reading = reader.add(text)?;
        Ok((reader.finish(), reading))
    }

    /// Where an address is. IPv4 within IPv6 (`::ffff:192.0.2.1`) is IPv4.
    pub fn of(&self, address: IpAddr) -> Option<&Spot> {
        let number = match address.to_canonical() {
            IpAddr::V4(v4) => self.v4.find(v4.to_bits()),
            IpAddr::V6(v6) => self.v6.find(v6.to_bits()),
        };
        self.spots.get(number? as usize)
    }

    /// How many stretches of addresses are told apart.
    pub fn len(&self) -> usize {
        self.v4.starts.len() + self.v6.starts.len()
    }

    /// Whether there is none.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }
}

/// The fields between commas; one in quotes may hold commas.
fn fields_of(line: &str) -> Vec<String> {
    let mut all = vec![String::new()];
    let mut quoted = false;
    for c in line.chars() {
        match (c, all.last_mut()) {
            ('"', _) => quoted = !quoted,
            (',', _) if !quoted => all.push(String::new()),
            (c, Some(field)) => field.push(c),
            (_, None) => {}
        }
    }
    all.iter().map(|f| f.trim().to_owned()).collect()
}

fn header(fields: &[String]) -> Option<Columns> {
    let find = |names: &[&str]| fields.iter().position(|f| names.iter().any(|n| f.eq_ignore_ascii_case(n)));
    Some(Columns {
        network: find(&["network", "cidr", "prefix", "ip"])?,
        latitude: find(&["latitude", "lat"])?,
        longitude: find(&["longitude", "lon", "lng"])?,
        label: find(&["label", "city", "city_name", "name"]),
    })
}

fn place(latitude: &str, longitude: &str) -> Option<Place> {
    let (latitude, longitude) = (latitude.parse::<f64>().ok()?, longitude.parse::<f64>().ok()?);
    let on_earth = latitude.abs() <= 90.0 && longitude.abs() <= 180.0;
    on_earth.then_some(Place { latitude, longitude })
}

/// A network: its first and last address.
enum Span {
    V4(u32, u32),
    V6(u128, u128),
}

fn span(network: &str) -> Option<Span> {
    let (address, length) = network.split_once('/').map_or((network, None), |(a, l)| (a, Some(l)));
    let address: IpAddr = address.parse().ok()?;
    let bits: u32 = if address.is_ipv4() { 32 } else { 128 };
    let length = match length {
        None => bits,
        Some(l) => l.parse().ok().filter(|l| *l <= bits)?,
    };
    Some(match address {
        IpAddr::V4(v4) => {
            let host = u32::MAX.checked_shr(length).unwrap_or(0);
            Span::V4(v4.to_bits() & !host, v4.to_bits() | host)
        }
        IpAddr::V6(v6) => {
            let host = u128::MAX.checked_shr(length).unwrap_or(0);
            Span::V6(v6.to_bits() & !host, v6.to_bits() | host)
        }
    })
}

/// From each of these addresses on, the spot of the number at the same place.
#[derive(Debug, Clone, Default)]
struct Stretches<N> {
    starts: Vec<N>,
    spots: Vec<u32>,
}

trait Next: Copy + Ord {
    fn next(self) -> Option<Self>;
}

impl Next for u32 {
    fn next(self) -> Option<Self> {
        self.checked_add(1)
    }
}

impl Next for u128 {
    fn next(self) -> Option<Self> {
        self.checked_add(1)
    }
}

impl<N: Next> Stretches<N> {
    /// Cuts nested networks so that each stretch has the spot of the smallest.
    fn new(mut rows: Vec<(N, N, u32)>) -> Self {
        // Outer before inner; of the same network the later line is the inner one.
        rows.sort_by(|a, b| a.0.cmp(&b.0).then(b.1.cmp(&a.1)));
        let mut all = Self { starts: Vec::new(), spots: Vec::new() };
        let mut open: Vec<(N, u32)> = Vec::new();
        for (from, to, spot) in rows {
            all.close(&mut open, Some(from));
            all.set(from, spot);
            open.push((to, spot));
        }
        all.close(&mut open, None);
        all.starts.shrink_to_fit();
        all.spots.shrink_to_fit();
        all
    }

    /// Ends the networks that end before an address.
    fn close(&mut self, open: &mut Vec<(N, u32)>, before: Option<N>) {
        while let Some((end, _)) = open.pop_if(|(end, _)| before.is_none_or(|b| *end < b)) {
            if let Some(next) = end.next() {
                self.set(next, open.last().map_or(NOWHERE, |o| o.1));
            }
        }
    }

    fn set(&mut self, from: N, spot: u32) {
        match (self.starts.last(), self.spots.last_mut()) {
            (Some(start), Some(last)) if *start == from => *last = spot,
            (_, Some(last)) if *last == spot => {}
            _ => {
                self.starts.push(from);
                self.spots.push(spot);
            }
        }
    }

    fn find(&self, number: N) -> Option<u32> {
        let at = self.starts.partition_point(|s| *s <= number).checked_sub(1)?;
        self.spots.get(at).copied().filter(|spot| *spot != NOWHERE)
    }
}
