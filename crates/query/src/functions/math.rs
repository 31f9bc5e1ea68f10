//! Division that `try(…)` can make null, and types of approximate answers.

use super::args::{Args, Kind};
use super::{Def, Given};
use datafusion::arrow::array::ArrayRef;
use datafusion::arrow::datatypes::DataType;
use datafusion::common::{Result, exec_err};

/// Whole numbers stay whole, as in Trino.
fn common(given: &Given<'_>) -> Result<DataType> {
    let whole = given.types.iter().all(|t| t.is_integer() || t == &DataType::Null);
    Ok(if whole { DataType::Int64 } else { DataType::Float64 })
}

const fn def(name: &'static str, run: fn(&Args) -> Result<ArrayRef>) -> Def {
    Def { name, takes: &[Kind::Any, Kind::Any], count: (2, 2), gives: common, json: false, fails: true, run }
}

pub(super) const DEFS: &[Def] = &[
    def("divide", |a| run(a, i64::checked_div, |l, r| l / r)),
    Def {
        name: "typed_like",
        takes: &[Kind::Float, Kind::Any],
        count: (2, 2),
        gives: |given| Ok(given.types.get(1).cloned().unwrap_or(DataType::Float64)),
        json: false,
        fails: false,
        run: typed_like,
    },
    def("modulo", |a| run(a, i64::checked_rem, |l, r| l % r)),
];

/// The first argument in the type of the second, rounded where that is a whole number.
fn typed_like(args: &Args) -> Result<ArrayRef> {
    let values = args.float(0)?;
    let whole = args.gives.is_integer();
    let rounded = args.floats(|i| Ok(values.get(i).map(|v| if whole { v.round() } else { v })))?;
    Ok(datafusion::arrow::compute::cast(&rounded, &args.gives)?)
}

fn run(args: &Args, whole: fn(i64, i64) -> Option<i64>, real: fn(f64, f64) -> f64) -> Result<ArrayRef> {
    if args.gives == DataType::Int64 {
        let (left, right) = (args.int(0)?, args.int(1)?);
        return args.ints(|i| {
            let (Some(left), Some(right)) = (left.get(i), right.get(i)) else { return Ok(None) };
            match whole(left, right) {
                Some(value) => Ok(Some(value)),
                None => exec_err!("division by zero"),
            }
        });
    }
    let (left, right) = (args.float(0)?, args.float(1)?);
    args.floats(|i| Ok(left.get(i).zip(right.get(i)).map(|(l, r)| real(l, r))))
}
