//! The store on a PostgreSQL server.

use super::cell::{Cell, Db, Done, Row};
use super::tls::Tls;
use crate::error::StoreError;
use futures_util::future::try_join_all;
use std::error::Error as _;
use std::time::Duration;
use tokio::runtime::Runtime;
use tokio_postgres::config::{Host, SslMode};
use tokio_postgres::types::{IsNull, ToSql, Type, private::BytesMut, to_sql_checked};
use tokio_postgres::{Client, Config, Error};

/// How long a writer waits for another.
const PATIENCE: Duration = Duration::from_secs(30);
/// How many statements are under way at once.
const PIPELINE: usize = 256;
/// The key of the lock that writers hold: the letters `yagura`. PostgreSQL, "Advisory Locks".
const LOCK: &str = "SELECT pg_advisory_xact_lock(133519110337121)";

pub(crate) struct Postgres {
    runtime: Runtime,
    client: Client,
}

impl Postgres {
    /// Connects. Must not be called on a thread of an asynchronous runtime.
    pub(crate) fn open(url: &str) -> Done<Self> {
        let (url, roots) = super::tls::without_roots(url)?;
        let mut config: Config = url.parse().map_err(|e: Error| StoreError::Refused(said(&e)))?;
        // A password crosses no network in clear: away from this machine, TLS is wanted unless the URL says otherwise.
        let told = url.contains("sslmode=");
        let here = |h: &Host| match h {
            Host::Tcp(name) => name == "localhost" || name.parse().is_ok_and(|ip: std::net::IpAddr| ip.is_loopback()),
            #[cfg(unix)]
            Host::Unix(_) => true,
        };
        if !told {
            config.ssl_mode(if config.get_hosts().iter().all(here) { SslMode::Disable } else { SslMode::Require });
        }
        if config.get_connect_timeout().is_none() {
            config.connect_timeout(Duration::from_secs(10));
        }
        if config.get_application_name().is_none() {
            config.application_name("yagura");
        }
        config.tcp_user_timeout(PATIENCE);
        let tls = Tls::new(roots.as_deref())?;
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_all()
            .build()
            .map_err(|e| StoreError::Database(e.to_string()))?;
        let client = runtime.block_on(async {
            let (client, connection) = config.connect(tls).await.map_err(|e| failure(&e))?;
            // Its end shows at the next statement.
            tokio::spawn(async move { drop(connection.await) });
            Ok::<_, StoreError>(client)
        })?;
        Ok(Self { runtime, client })
    }
}

impl Db for Postgres {
    fn begin(&mut self) -> Done<()> {
        let wait = PATIENCE.as_millis();
        self.batch(&format!("BEGIN; SET LOCAL lock_timeout = {wait}; {LOCK}; SET LOCAL lock_timeout = 0"))
    }

    fn commit(&mut self) -> Done<()> {
        self.batch("COMMIT")
    }

    fn rollback(&mut self) {
        let _ = self.batch("ROLLBACK");
    }

    fn batch(&mut self, sql: &str) -> Done<()> {
        self.runtime.block_on(self.client.batch_execute(sql)).map_err(|e| failure(&e))
    }

    fn execute_each(&mut self, sql: &str, rows: &[Row]) -> Done<()> {
        if rows.is_empty() {
            return Ok(());
        }
        let client = &self.client;
        let work = async {
            let statement = client.prepare(sql).await?;
            for part in rows.chunks(PIPELINE) {
                let one = |row: &Row| {
                    let row = row.clone();
                    let statement = &statement;
                    async move { client.execute(statement, &parameters(&row)).await }
                };
                try_join_all(part.iter().map(one)).await?;
            }
            Ok(())
        };
        self.runtime.block_on(work).map_err(|e: Error| failure(&e))
    }

    fn query(&mut self, sql: &str, given: &[Cell]) -> Done<Vec<Row>> {
        let rows = self.runtime.block_on(self.client.query(sql, &parameters(given))).map_err(|e| failure(&e))?;
        rows.iter()
            .map(|row| (0..row.len()).map(|i| cell(row, i)).collect::<Result<_, _>>())
            .collect::<Result<_, _>>()
            .map_err(|e| failure(&e))
    }

    fn has_table(&mut self, name: &str) -> Done<bool> {
        let sql = "SELECT tablename FROM pg_catalog.pg_tables WHERE tablename = $1 AND schemaname = ANY (current_schemas(false))";
        Ok(!self.query(sql, &[name.into()])?.is_empty())
    }
}

fn parameters(cells: &[Cell]) -> Vec<&(dyn ToSql + Sync)> {
    cells.iter().map(|c| c as &(dyn ToSql + Sync)).collect()
}

impl ToSql for Cell {
    fn to_sql(&self, ty: &Type, out: &mut BytesMut) -> Result<IsNull, Box<dyn std::error::Error + Sync + Send>> {
        match self {
            Self::Null => Ok(IsNull::Yes),
            Self::Int(i) => i.to_sql(ty, out),
            Self::Text(t) => t.to_sql(ty, out),
            Self::Bytes(b) => b.to_sql(ty, out),
        }
    }

    fn accepts(ty: &Type) -> bool {
        [Type::INT8, Type::TEXT, Type::BYTEA, Type::NAME].contains(ty)
    }

    to_sql_checked!();
}

fn cell(row: &tokio_postgres::Row, place: usize) -> Result<Cell, Error> {
    let ty = row.columns().get(place).map(|c| c.type_().clone());
    Ok(match ty {
        Some(Type::INT8) => row.try_get::<_, Option<i64>>(place)?.into(),
        Some(Type::INT4) => row.try_get::<_, Option<i32>>(place)?.map(i64::from).into(),
        Some(Type::BYTEA) => row.try_get::<_, Option<Vec<u8>>>(place)?.into(),
        _ => row.try_get::<_, Option<String>>(place)?.into(),
    })
}

/// What the server says, without the wrapping.
fn said(e: &Error) -> String {
    e.as_db_error().map_or_else(
        || e.source().map_or_else(|| e.to_string(), |cause| format!("{e}: {cause}")),
        |db| db.message().to_owned(),
    )
}

/// PostgreSQL's error codes ("Appendix A. PostgreSQL Error Codes") as what a caller can act on.
fn failure(e: &Error) -> StoreError {
    let text = said(e);
    let Some(code) = e.code() else {
        // A certificate that is not trusted stays so, however long one waits.
        let untrusted = e.to_string().starts_with("error performing TLS handshake");
        return if untrusted { StoreError::Refused(text) } else { StoreError::Unreachable(text) };
    };
    match code.code() {
        "55P03" => StoreError::Busy { seconds: PATIENCE.as_secs() },
        "53100" | "25006" => StoreError::NotWritable(text),
        "57P01" | "57P02" | "57P03" | "57P05" | "53300" => StoreError::Unreachable(text),
        "3D000" | "42501" => StoreError::Refused(text),
        other if other.starts_with("08") => StoreError::Unreachable(text),
        other if other.starts_with("28") => StoreError::Refused(text),
        other => StoreError::Database(format!("{text} ({other})")),
    }
}
