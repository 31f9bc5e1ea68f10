//! All entries that patterns have for one field, compiled together: which of them a leaf satisfies is looked up by the leaf, not tried
//! entry by entry. Only ranges of numbers, blocks of addresses, texts behind a `*` and whole lists of `anything-but` are gone through,
//! where a leaf of their kind comes.

use super::value::{Block, Entry, Folded, Glob, Leaf, Range, address, number};
use std::collections::HashMap;
use std::net::IpAddr;

/// The place of a condition: one field's list of entries in some patterns.
pub(super) type Condition = u32;

/// Whole texts.
#[derive(Debug, Default)]
struct Texts {
    /// One bit for each length that occurs, those from 63 on together: most leaves need no hash.
    lengths: u64,
    texts: HashMap<Box<str>, Vec<Condition>>,
}

impl Texts {
    fn add(&mut self, text: &str, condition: Condition) {
        self.lengths |= 1 << text.len().min(63);
        self.texts.entry(text.into()).or_default().push(condition);
    }

    #[inline]
    fn get(&self, text: &str) -> &[Condition] {
        if self.lengths >> text.len().min(63) & 1 == 0 {
            return &[];
        }
        self.texts.get(text).map_or(&[], Vec::as_slice)
    }
}

#[derive(Debug, Default)]
pub(super) struct Field {
    any: Vec<Condition>,
    truths: [Vec<Condition>; 2],
    nulls: Vec<Condition>,
    texts: Texts,
    addresses: HashMap<IpAddr, Vec<Condition>>,
    blocks: Vec<(Block, Condition)>,
    equals: HashMap<u64, Vec<Condition>>,
    spelt: Texts,
    ranges: Vec<(Range, Condition)>,
    prefixes: Affixes<Condition>,
    suffixes: Affixes<Condition>,
    same: Texts,
    same_prefixes: Affixes<Condition>,
    same_suffixes: Affixes<Condition>,
    globs: Affixes<(Glob, Condition)>,
    /// Letters beyond ASCII without regard to case.
    odd: Vec<(Entry, Condition)>,
    except: Vec<(Refused, Condition)>,
    folds: bool,
}

impl Field {
    pub fn add(&mut self, entry: &Entry, condition: Condition) {
        let ascii = |f: &Folded| f.ascii.clone();
        match entry {
            Entry::Exists => self.any.push(condition),
            Entry::Absent => {}
            Entry::Bool(b) => {
                if let Some(list) = self.truths.get_mut(usize::from(*b)) {
                    list.push(condition);
                }
            }
            Entry::Null => self.nulls.push(condition),
            Entry::Text(t) => self.texts.add(t, condition),
            Entry::Address(a) => self.addresses.entry(*a).or_default().push(condition),
            Entry::Block(b) => self.blocks.push((*b, condition)),
            Entry::Equals(n) => self.equals.entry(n.to_bits()).or_default().push(condition),
            Entry::Spelt(t) => self.spelt.add(t, condition),
            Entry::Range(r) => self.ranges.push((*r, condition)),
            Entry::Prefix(t) => self.prefixes.add(t, condition),
            Entry::Suffix(t) => self.suffixes.add(t, condition),
            Entry::Wildcard(g) => self.globs.add(&g.head, (g.clone(), condition)),
            Entry::Except(those) => self.except.push((Refused::new(those), condition)),
            Entry::Same(f) | Entry::SamePrefix(f) | Entry::SameSuffix(f) => {
                let Some(text) = ascii(f) else { return self.odd.push((entry.clone(), condition)) };
                self.folds = true;
                match entry {
                    Entry::SamePrefix(_) => self.same_prefixes.add(&text, condition),
                    Entry::SameSuffix(_) => self.same_suffixes.add(&text, condition),
                    _ => self.same.add(&text, condition),
                }
            }
        }
    }

    /// Gives the conditions that the leaf satisfies; one may come more than once.
    pub fn find(&self, leaf: Leaf<'_>, lower: &mut String, give: &mut dyn FnMut(Condition)) {
        let mut all = |list: &[Condition]| list.iter().for_each(|c| give(*c));
        all(&self.any);
        match leaf {
            Leaf::Bool(b) => all(self.truths.get(usize::from(b)).map_or(&[], Vec::as_slice)),
            Leaf::Null => all(&self.nulls),
            Leaf::Number(spelling) => self.number(spelling, give),
            Leaf::Text(text) => self.text(text, lower, give),
        }
        for (refused, condition) in &self.except {
            if !refused.holds(leaf, lower) {
                give(*condition);
            }
        }
    }

    fn number(&self, spelling: &str, give: &mut dyn FnMut(Condition)) {
        self.spelt.get(spelling).iter().for_each(|c| give(*c));
        if self.equals.is_empty() && self.ranges.is_empty() {
            return;
        }
        let Some(n) = number(spelling) else { return };
        self.equals.get(&n.to_bits()).into_iter().flatten().for_each(|c| give(*c));
        self.ranges.iter().filter(|(r, _)| r.contains(n)).for_each(|(_, c)| give(*c));
    }

    fn text(&self, text: &str, lower: &mut String, give: &mut dyn FnMut(Condition)) {
        self.texts.get(text).iter().for_each(|c| give(*c));
        if !(self.addresses.is_empty() && self.blocks.is_empty())
            && let Some(a) = address(text)
        {
            self.addresses.get(&a).into_iter().flatten().for_each(|c| give(*c));
            self.blocks.iter().filter(|(b, _)| b.contains(a)).for_each(|(_, c)| give(*c));
        }
        self.prefixes.starts(text, |c| give(*c));
        self.suffixes.ends(text, |c| give(*c));
        self.globs.starts(text, |(glob, c)| {
            if glob.accepts(text) {
                give(*c);
            }
        });
        if self.folds {
            lower.clear();
            lower.push_str(text);
            lower.make_ascii_lowercase();
            self.same.get(lower).iter().for_each(|c| give(*c));
            self.same_prefixes.starts(lower, |c| give(*c));
            self.same_suffixes.ends(lower, |c| give(*c));
        }
        self.odd.iter().filter(|(e, _)| e.accepts(Leaf::Text(text))).for_each(|(_, c)| give(*c));
    }
}

/// What `anything-but` refuses: tried one by one where it is little, else compiled like a field of its own.
#[derive(Debug)]
enum Refused {
    Few(Vec<Entry>),
    Many(Box<Field>),
}

impl Refused {
    fn new(those: &[Entry]) -> Self {
        if those.len() <= 8 {
            return Self::Few(those.to_vec());
        }
        let mut field = Field::default();
        those.iter().for_each(|e| field.add(e, 0));
        Self::Many(Box::new(field))
    }

    fn holds(&self, leaf: Leaf<'_>, lower: &mut String) -> bool {
        match self {
            Self::Few(those) => those.iter().any(|e| e.accepts(leaf)),
            Self::Many(field) => {
                let mut hit = false;
                field.find(leaf, lower, &mut |_| hit = true);
                hit
            }
        }
    }
}

/// Texts that others start or end with: one lookup for each length that occurs.
#[derive(Debug)]
struct Affixes<T> {
    lengths: Vec<usize>,
    texts: HashMap<Box<str>, Vec<T>>,
}

impl<T> Default for Affixes<T> {
    fn default() -> Self {
        Self { lengths: Vec::new(), texts: HashMap::new() }
    }
}

impl<T> Affixes<T> {
    fn add(&mut self, text: &str, value: T) {
        if let Err(place) = self.lengths.binary_search(&text.len()) {
            self.lengths.insert(place, text.len());
        }
        self.texts.entry(text.into()).or_default().push(value);
    }

    fn starts(&self, text: &str, mut give: impl FnMut(&T)) {
        for length in &self.lengths {
            // Too short, or in the middle of a character: no text of that length is a beginning.
            if let Some(values) = text.get(..*length).and_then(|head| self.texts.get(head)) {
                values.iter().for_each(&mut give);
            }
        }
    }

    fn ends(&self, text: &str, mut give: impl FnMut(&T)) {
        for length in &self.lengths {
            let tail = text.len().checked_sub(*length).and_then(|from| text.get(from..));
            if let Some(values) = tail.and_then(|tail| self.texts.get(tail)) {
                values.iter().for_each(&mut give);
            }
        }
    }
}
