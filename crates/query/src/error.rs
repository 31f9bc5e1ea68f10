//! What can go wrong, said so that the asker can mend it.

/// Why a statement has no answer.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// Nothing was asked.
    #[error("there is no statement")]
    Empty,
    /// The text is not SQL.
    #[error("{0}")]
    Syntax(String),
    /// The statement would change something. Holds its verb.
    #[error("`{0}` is refused: only SELECT, WITH, SHOW, DESCRIBE and EXPLAIN are allowed here")]
    NotReading(String),
    /// A function has other arguments.
    #[error("{function} takes {wanted} argument(s), not {found}")]
    Arguments {
        /// The function.
        function: String,
        /// How many it takes.
        wanted: String,
        /// How many there are.
        found: usize,
    },
    /// There is no such table.
    #[error("there is no table `{name}`{}", hint(nearest.as_deref()))]
    Table {
        /// As it was asked for.
        name: String,
        /// The nearest there is.
        nearest: Option<String>,
    },
    /// There is no such column.
    #[error("there is no column `{name}`{}", hint(nearest.as_deref()))]
    Column {
        /// As it was asked for.
        name: String,
        /// The nearest there is.
        nearest: Option<String>,
    },
    /// There is no such function.
    #[error("there is no function `{name}`{}", hint(nearest.as_deref()))]
    Function {
        /// As it was asked for.
        name: String,
        /// The nearest there is.
        nearest: Option<String>,
    },
    /// The query needs more memory than it may take, and the disk cannot help. Holds the limit in bytes.
    #[error("the query needs more than the {} MB that it may take: narrow it, or raise --memory", .0 >> 20)]
    Memory(usize),
    /// A file of the lake went away between the manifest's reading and its own: it was merged with others, or it expired. The
    /// manifest of now names what took its place.
    #[error("`{0}` left the lake while the query ran")]
    Gone(String),
    /// A file of the lake could not be read.
    #[error("{0}")]
    Store(String),
    /// A table was asked of which no logs are at hand. Holds its name.
    #[error("there are no logs here that `{0}` could be read from")]
    Absent(String),
    /// Anything else that the engine says.
    #[error("{0}")]
    Engine(String),
}

fn hint(nearest: Option<&str>) -> String {
    nearest.map(|n| format!("; did you mean `{n}`?")).unwrap_or_default()
}
