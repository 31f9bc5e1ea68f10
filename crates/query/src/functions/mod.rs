//! The functions of Athena engine version 3 (Trino's) that the engine lacks or understands otherwise.
//!
//! A function is one row of a table ([`Def`]): its name, what it takes, what it gives, and the code over a batch. Those
//! that may fail have a twin `try_…` that gives null instead, which `try(…)` uses.

mod args;
mod array;
mod cast;
mod civil;
mod json;
mod math;
mod net;
mod path;
mod pattern;
mod text;
mod time;
mod url;

use args::{Args, Kind};
use datafusion::arrow::array::ArrayRef;
use datafusion::arrow::datatypes::{DataType, Field, FieldRef};
use datafusion::common::{Result, ScalarValue, exec_err, plan_err};
use datafusion::logical_expr::{
    ColumnarValue, Expr, ReturnFieldArgs, ScalarFunctionArgs, ScalarUDF, ScalarUDFImpl, Signature, Volatility,
};
use std::hash::{Hash, Hasher};
use std::sync::Arc;

pub(crate) use civil::zone;

/// A function.
pub(crate) struct Def {
    /// Its name.
    pub name: &'static str,
    /// What its arguments are; the last repeats where there may be more.
    pub takes: &'static [Kind],
    /// The fewest and the most arguments.
    pub count: (usize, usize),
    /// The type of its value.
    pub gives: fn(&Given<'_>) -> Result<DataType>,
    /// Whether its value is JSON.
    pub json: bool,
    /// Whether a value may make it fail.
    pub fails: bool,
    /// Its code.
    pub run: fn(&Args) -> Result<datafusion::arrow::array::ArrayRef>,
}

/// A function that may leave out its last arguments down to `least`, and that may fail on a row.
const fn def(
    name: &'static str,
    takes: &'static [args::Kind],
    least: usize,
    gives: fn(&Given<'_>) -> Result<DataType>,
    run: fn(&args::Args) -> Result<ArrayRef>,
) -> Def {
    Def { name, takes, count: (least, takes.len()), gives, json: false, fails: true, run }
}

/// It gives text.
fn text(_: &Given<'_>) -> Result<DataType> {
    Ok(DataType::Utf8)
}

/// It gives a whole number.
fn int(_: &Given<'_>) -> Result<DataType> {
    Ok(DataType::Int64)
}

/// It gives true or false.
fn truth(_: &Given<'_>) -> Result<DataType> {
    Ok(DataType::Boolean)
}

/// What is known of the arguments while planning.
pub(crate) struct Given<'a> {
    /// Their types, after coercion.
    pub types: Vec<DataType>,
    /// Those that are constants.
    pub constants: &'a [Option<&'a ScalarValue>],
}

const TABLES: [&[Def]; 9] =
    [array::DEFS, cast::DEFS, json::DEFS, math::DEFS, net::DEFS, pattern::DEFS, text::DEFS, time::DEFS, url::DEFS];

fn defs() -> impl Iterator<Item = &'static Def> {
    TABLES.into_iter().flatten()
}

/// All functions, with their lenient twins.
pub(crate) fn all() -> Vec<Arc<ScalarUDF>> {
    let made = |def, lenient| Arc::new(ScalarUDF::new_from_impl(Function::new(def, lenient)));
    defs().flat_map(|d| std::iter::once(made(d, false)).chain(d.fails.then(|| made(d, true)))).collect()
}

/// The names of the functions, without the twins and the inner ones.
pub(crate) fn names() -> impl Iterator<Item = &'static str> {
    const INNER: [&str; 6] = ["map_of_pairs", "histogram_of", "ordinals", "divide", "modulo", "typed_like"];
    defs().map(|d| d.name).filter(|n| !INNER.contains(n))
}

/// Whether a function has a lenient twin.
pub(crate) fn may_fail(name: &str) -> bool {
    defs().any(|d| d.fails && d.name == name)
}

/// `1, 2, …` for as many as the longest of the arrays has.
pub(crate) fn ordinals(arrays: Vec<Expr>) -> Result<Expr> {
    match defs().find(|d| d.name == "ordinals") {
        Some(def) => Ok(ScalarUDF::new_from_impl(Function::new(def, false)).call(arrays)),
        None => plan_err!("WITH ORDINALITY is not available"),
    }
}

struct Function {
    def: &'static Def,
    lenient: bool,
    name: String,
    signature: Signature,
}

impl Function {
    fn new(def: &'static Def, lenient: bool) -> Self {
        let name = if lenient { format!("try_{}", def.name) } else { def.name.to_owned() };
        Self { def, lenient, name, signature: Signature::user_defined(Volatility::Immutable) }
    }
}

impl std::fmt::Debug for Function {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&self.name)
    }
}

impl PartialEq for Function {
    fn eq(&self, other: &Self) -> bool {
        self.name == other.name
    }
}

impl Eq for Function {}

impl Hash for Function {
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.name.hash(state);
    }
}

impl ScalarUDFImpl for Function {
    fn name(&self) -> &str {
        &self.name
    }

    fn signature(&self) -> &Signature {
        &self.signature
    }

    fn return_type(&self, types: &[DataType]) -> Result<DataType> {
        (self.def.gives)(&Given { types: types.to_vec(), constants: &[] })
    }

    fn coerce_types(&self, types: &[DataType]) -> Result<Vec<DataType>> {
        let (least, most) = self.def.count;
        if types.len() < least || types.len() > most {
            let wanted = match (least, most) {
                (l, m) if l == m => l.to_string(),
                (l, usize::MAX) => format!("{l} or more"),
                (l, m) => format!("{l} to {m}"),
            };
            return plan_err!("{} takes {wanted} argument(s), not {}", self.def.name, types.len());
        }
        let kinds = self.def.takes;
        let kind = |i: usize| kinds.get(i).or_else(|| kinds.last()).copied().unwrap_or(Kind::Any);
        types.iter().enumerate().map(|(i, t)| kind(i).coerce(t, self.def.name, i + 1)).collect()
    }

    fn return_field_from_args(&self, args: ReturnFieldArgs<'_>) -> Result<FieldRef> {
        let types = args.arg_fields.iter().map(|f| f.data_type().clone()).collect();
        let given = Given { types, constants: args.scalar_arguments };
        let field = Field::new(&self.name, (self.def.gives)(&given)?, true);
        let json = self.def.json || cast::gives_json(self.def.name, &given);
        Ok(Arc::new(if json { args::mark_json(field) } else { field }))
    }

    fn invoke_with_args(&self, args: ScalarFunctionArgs) -> Result<ColumnarValue> {
        let all_scalar = args.args.iter().all(|a| matches!(a, ColumnarValue::Scalar(_)));
        let rows = if all_scalar { 1 } else { args.number_rows };
        let args = Args::new(args, rows, self.lenient, self.def.name)?;
        let out = (self.def.run)(&args)?;
        if out.len() != rows {
            return exec_err!("{} gave {} rows for {rows}", self.def.name, out.len());
        }
        if all_scalar {
            Ok(ColumnarValue::Scalar(ScalarValue::try_from_array(&out, 0)?))
        } else {
            Ok(ColumnarValue::Array(out))
        }
    }

    fn simplify(
        &self,
        args: Vec<Expr>,
        info: &datafusion::logical_expr::simplify::SimplifyContext,
    ) -> Result<datafusion::logical_expr::simplify::ExprSimplifyResult> {
        cast::simplify(self.def.name, self.lenient, args, info)
    }
}
