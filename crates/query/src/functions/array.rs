//! "Array functions" and "Map functions" of the Trino documentation, where the engine's differ or are missing.

use super::args::{Args, Kind};
use super::{Def, Given, cast, int, net};
use crate::sql::types::map_of;
use datafusion::arrow::array::{
    Array, ArrayRef, AsArray, DynComparator, Int64Array, ListArray, UInt64Array, make_comparator,
};
use datafusion::arrow::buffer::{NullBuffer, OffsetBuffer};
use datafusion::arrow::compute::{SortOptions, take};
use datafusion::arrow::datatypes::{DataType, Field};
use datafusion::common::{Result, exec_err, plan_err};
use std::cmp::Ordering;
use std::sync::Arc;

const fn def(
    name: &'static str,
    takes: &'static [Kind],
    count: (usize, usize),
    gives: fn(&Given<'_>) -> Result<DataType>,
    run: fn(&Args) -> Result<ArrayRef>,
) -> Def {
    Def { name, takes, count, gives, json: false, fails: true, run }
}

fn ints(_: &Given<'_>) -> Result<DataType> {
    Ok(DataType::List(Arc::new(Field::new_list_field(DataType::Int64, true))))
}

fn element(list: Option<&DataType>) -> Result<DataType> {
    match list {
        Some(DataType::List(of) | DataType::LargeList(of) | DataType::FixedSizeList(of, _)) => {
            Ok(of.data_type().clone())
        }
        Some(other) => plan_err!("an array is wanted, not {other}"),
        None => plan_err!("an array is wanted"),
    }
}

fn inside(given: &Given<'_>) -> Result<DataType> {
    match given.types.first() {
        Some(DataType::Map(entries, _)) => match entries.data_type() {
            DataType::Struct(fields) => Ok(fields.get(1).map_or(DataType::Null, |f| f.data_type().clone())),
            other => plan_err!("a map is wanted, not {other}"),
        },
        other => element(other),
    }
}

fn same(given: &Given<'_>) -> Result<DataType> {
    let of = element(given.types.first())?;
    Ok(DataType::List(Arc::new(Field::new_list_field(of, true))))
}

pub(super) const DEFS: &[Def] = &[
    def("contains", &[Kind::Any, Kind::Any], (2, 2), |_| Ok(DataType::Boolean), contains),
    def("cardinality", &[Kind::Any], (1, 1), int, cardinality),
    def("element_at", &[Kind::Any, Kind::Any], (2, 2), inside, element_at),
    def("array_position", &[Kind::Any, Kind::Any], (2, 2), int, array_position),
    def("slice", &[Kind::Any, Kind::Int, Kind::Int], (3, 3), same, slice),
    def("sequence", &[Kind::Int, Kind::Int, Kind::Int], (2, 3), ints, sequence),
    def("ordinals", &[Kind::Any], (1, usize::MAX), ints, ordinals),
    def(
        "map_of_pairs",
        &[Kind::Any, Kind::Any],
        (2, 2),
        |g| Ok(map_of(element(g.types.first())?, element(g.types.get(1))?)),
        map_of_pairs,
    ),
    def("histogram_of", &[Kind::Any], (1, 1), |g| Ok(map_of(element(g.types.first())?, DataType::Int64)), histogram_of),
];

/// An array argument in the one layout that the functions below read.
fn list(args: &Args, place: usize) -> Result<ListArray> {
    let array = args.whole(place)?;
    let of = element(Some(array.data_type()))?;
    let wanted = DataType::List(Arc::new(Field::new_list_field(of, true)));
    let array = if matches!(array.data_type(), DataType::List(_)) {
        array
    } else {
        datafusion::arrow::compute::cast(&array, &wanted)?
    };
    Ok(array.as_list::<i32>().clone())
}

/// Where a row's elements lie.
fn span(offsets: &OffsetBuffer<i32>, row: usize) -> std::ops::Range<usize> {
    let at = |i: usize| offsets.get(i).and_then(|o| usize::try_from(*o).ok()).unwrap_or(0);
    at(row)..at(row + 1)
}

/// Compares elements with one value per row.
fn comparator(values: &ArrayRef, wanted: &ArrayRef) -> Result<DynComparator> {
    let wanted = datafusion::arrow::compute::cast(wanted, values.data_type())?;
    Ok(make_comparator(values.as_ref(), wanted.as_ref(), SortOptions::default())?)
}

/// Whether an array holds a value: null where it does not but holds a null. Or whether a network holds an address.
fn contains(args: &Args) -> Result<ArrayRef> {
    if args.whole(0)?.data_type() == &DataType::Utf8 {
        return net::contains(args);
    }
    let (lists, wanted) = (list(args, 0)?, args.whole(1)?);
    let (values, offsets) = (Arc::clone(lists.values()), lists.offsets().clone());
    let compare = comparator(&values, &wanted)?;
    args.bools(|i| {
        if lists.is_null(i) || wanted.is_null(i) {
            return Ok(None);
        }
        let mut span = span(&offsets, i);
        if span.clone().any(|at| values.is_valid(at) && compare(at, i) == Ordering::Equal) {
            return Ok(Some(true));
        }
        Ok(if span.any(|at| values.is_null(at)) { None } else { Some(false) })
    })
}

fn cardinality(args: &Args) -> Result<ArrayRef> {
    let array = args.whole(0)?;
    let (offsets, nulls) = match array.data_type() {
        DataType::Map(..) => (array.as_map().offsets().clone(), array.nulls().cloned()),
        _ => {
            let lists = list(args, 0)?;
            (lists.offsets().clone(), lists.nulls().cloned())
        }
    };
    args.ints(|i| {
        let null = nulls.as_ref().is_some_and(|n| n.is_null(i));
        Ok(if null { None } else { i64::try_from(span(&offsets, i).len()).ok() })
    })
}

fn element_at(args: &Args) -> Result<ArrayRef> {
    let array = args.whole(0)?;
    if let DataType::Map(..) = array.data_type() {
        let (map, wanted) = (array.as_map(), args.whole(1)?);
        let compare = comparator(map.keys(), &wanted)?;
        let found = (0..args.rows).map(|i| {
            if map.is_null(i) || wanted.is_null(i) {
                return None;
            }
            span(map.offsets(), i).find(|at| compare(*at, i) == Ordering::Equal).map(|at| at as u64)
        });
        return Ok(take(map.values(), &found.collect::<UInt64Array>(), None)?);
    }
    let (lists, place) = (list(args, 0)?, args.int(1)?);
    let mut found: Vec<Option<u64>> = Vec::with_capacity(args.rows);
    for i in 0..args.rows {
        let (Some(place), false) = (place.get(i), lists.is_null(i)) else {
            found.push(None);
            continue;
        };
        let span = span(lists.offsets(), i);
        let back = usize::try_from(place.unsigned_abs()).unwrap_or(usize::MAX);
        found.push(match place {
            0 if args.lenient => None,
            0 => return exec_err!("arrays begin at 1"),
            p if p > 0 => (back <= span.len()).then(|| (span.start + back - 1) as u64),
            _ => (back <= span.len()).then(|| (span.end - back) as u64),
        });
    }
    Ok(take(lists.values(), &UInt64Array::from(found), None)?)
}

/// The place of the first such element, from 1; 0 where there is none.
fn array_position(args: &Args) -> Result<ArrayRef> {
    let (lists, wanted) = (list(args, 0)?, args.whole(1)?);
    let values = Arc::clone(lists.values());
    let compare = comparator(&values, &wanted)?;
    args.ints(|i| {
        if lists.is_null(i) || wanted.is_null(i) {
            return Ok(None);
        }
        let place = span(lists.offsets(), i).position(|at| values.is_valid(at) && compare(at, i) == Ordering::Equal);
        Ok(i64::try_from(place.map_or(0, |p| p + 1)).ok())
    })
}

/// So many elements from a place on; a negative place counts from the end.
fn slice(args: &Args) -> Result<ArrayRef> {
    let (lists, start, length) = (list(args, 0)?, args.int(1)?, args.int(2)?);
    let (mut indices, mut lengths, mut present): (Vec<u64>, Vec<usize>, Vec<bool>) = Default::default();
    for i in 0..args.rows {
        let (Some(start), Some(length), false) = (start.get(i), length.get(i), lists.is_null(i)) else {
            lengths.push(0);
            present.push(false);
            continue;
        };
        if start == 0 || length < 0 {
            return exec_err!("slice: arrays begin at 1, and the length must not be negative");
        }
        let span = span(lists.offsets(), i);
        let away = usize::try_from(start.unsigned_abs()).unwrap_or(usize::MAX);
        let first = if start > 0 {
            Some(span.start.saturating_add(away - 1))
        } else {
            span.end.checked_sub(away).filter(|f| *f >= span.start)
        };
        let first = first.unwrap_or(span.end).min(span.end);
        let last = first.saturating_add(usize::try_from(length).unwrap_or(usize::MAX)).min(span.end);
        indices.extend((first..last).map(|at| at as u64));
        lengths.push(last - first);
        present.push(true);
    }
    let values = take(lists.values(), &UInt64Array::from(indices), None)?;
    let field = Arc::new(Field::new_list_field(values.data_type().clone(), true));
    Ok(Arc::new(ListArray::try_new(
        field,
        OffsetBuffer::from_lengths(lengths),
        values,
        Some(NullBuffer::from(present)),
    )?))
}

/// More elements than this in one array are a mistake.
const LONGEST: i64 = 1_000_000;

fn sequence(args: &Args) -> Result<ArrayRef> {
    let (from, to) = (args.int(0)?, args.int(1)?);
    let step = if args.len() > 2 { Some(args.int(2)?) } else { None };
    let (mut values, mut lengths, mut present): (Vec<i64>, Vec<usize>, Vec<bool>) = Default::default();
    for i in 0..args.rows {
        let before = values.len();
        let known = match (from.get(i), to.get(i)) {
            (Some(from), Some(to)) => {
                let step = step.as_ref().map_or(Some(if from <= to { 1 } else { -1 }), |s| s.get(i)).unwrap_or(0);
                if step == 0 || (step > 0) != (from <= to) && from != to {
                    return exec_err!("sequence: a step of {step} does not lead from {from} to {to}");
                }
                if to.saturating_sub(from).saturating_abs() / step.saturating_abs() >= LONGEST {
                    return exec_err!("sequence: more than {LONGEST} elements");
                }
                let mut at = from;
                while if step > 0 { at <= to } else { at >= to } {
                    values.push(at);
                    at = at.saturating_add(step);
                }
                true
            }
            _ => false,
        };
        lengths.push(values.len() - before);
        present.push(known);
    }
    numbers(values, lengths, present)
}

fn numbers(values: Vec<i64>, lengths: Vec<usize>, present: Vec<bool>) -> Result<ArrayRef> {
    let field = Arc::new(Field::new_list_field(DataType::Int64, true));
    let values = Arc::new(Int64Array::from(values));
    Ok(Arc::new(ListArray::try_new(
        field,
        OffsetBuffer::from_lengths(lengths),
        values,
        Some(NullBuffer::from(present)),
    )?))
}

fn ordinals(args: &Args) -> Result<ArrayRef> {
    let mut longest = vec![0_usize; args.rows];
    for place in 0..args.len() {
        let array = args.whole(place)?;
        for (i, most) in longest.iter_mut().enumerate() {
            let length = match array.data_type() {
                _ if array.is_null(i) => 0,
                DataType::Map(..) => span(array.as_map().offsets(), i).len(),
                _ => span(list(args, place)?.offsets(), i).len(),
            };
            *most = length.max(*most);
        }
    }
    let values = longest.iter().flat_map(|n| 1..=i64::try_from(*n).unwrap_or(0)).collect();
    let present = vec![true; args.rows];
    numbers(values, longest, present)
}

/// The places of the first of each different value of a row, with how often it comes.
fn distinct(values: &ArrayRef, span: std::ops::Range<usize>) -> Result<Vec<(usize, i64)>> {
    let compare = make_comparator(values.as_ref(), values.as_ref(), SortOptions::default())?;
    let mut order: Vec<usize> = span.collect();
    order.sort_by(|a, b| compare(*a, *b).then(a.cmp(b)));
    let mut out: Vec<(usize, i64)> = Vec::new();
    for at in order {
        match out.last_mut() {
            Some((first, count)) if compare(*first, at) == Ordering::Equal => *count += 1,
            _ => out.push((at, 1)),
        }
    }
    Ok(out)
}

/// Keys and values into a map; of a key that comes twice, the first.
fn map_of_pairs(args: &Args) -> Result<ArrayRef> {
    let (keys, values) = (list(args, 0)?, list(args, 1)?);
    let (mut from, mut to, mut lengths, mut present): (Vec<u64>, Vec<u64>, Vec<usize>, Vec<bool>) = Default::default();
    for i in 0..args.rows {
        let known = keys.is_valid(i) && values.is_valid(i);
        present.push(known);
        if !known {
            lengths.push(0);
            continue;
        }
        let (key_span, value_span) = (span(keys.offsets(), i), span(values.offsets(), i));
        let found = distinct(keys.values(), key_span.clone())?;
        lengths.push(found.len());
        for (at, _) in found {
            from.push(at as u64);
            to.push((value_span.start + at - key_span.start) as u64);
        }
    }
    let keys = take(keys.values(), &UInt64Array::from(from), None)?;
    let values = take(values.values(), &UInt64Array::from(to), None)?;
    cast::map(keys, values, lengths, NullBuffer::from(present))
}

fn histogram_of(args: &Args) -> Result<ArrayRef> {
    let lists = list(args, 0)?;
    let (mut from, mut counts, mut lengths, mut present): (Vec<u64>, Vec<i64>, Vec<usize>, Vec<bool>) =
        Default::default();
    for i in 0..args.rows {
        present.push(lists.is_valid(i));
        let found = if lists.is_valid(i) { distinct(lists.values(), span(lists.offsets(), i))? } else { Vec::new() };
        lengths.push(found.len());
        for (at, count) in found {
            from.push(at as u64);
            counts.push(count);
        }
    }
    let keys = take(lists.values(), &UInt64Array::from(from), None)?;
    cast::map(keys, Arc::new(Int64Array::from(counts)), lengths, NullBuffer::from(present))
}
