//! Plans name Yagura's tables; whoever plans further looks them up in the lake that it was told of.

use ballista_core::serde::BallistaLogicalExtensionCodec;
use datafusion::arrow::datatypes::SchemaRef;
use datafusion::catalog::TableProvider;
use datafusion::common::{Result, TableReference, plan_err};
use datafusion::datasource::file_format::FileFormatFactory;
use datafusion::execution::TaskContext;
use datafusion::logical_expr::{Extension, LogicalPlan};
use datafusion_proto::logical_plan::LogicalExtensionCodec;
use std::collections::HashMap;
use std::sync::Arc;
use yagura_query::{LogTable, cluster};

/// What a log table is written as.
const MARK: &[u8] = b"yagura";

/// Tables by their names; everything else as Ballista writes it.
#[derive(Debug)]
pub struct ByName {
    tables: HashMap<String, Arc<dyn TableProvider>>,
    rest: BallistaLogicalExtensionCodec,
}

impl ByName {
    pub fn of(tables: &[LogTable]) -> Result<Self> {
        Ok(Self {
            tables: cluster::providers(tables)?.into_iter().collect(),
            rest: BallistaLogicalExtensionCodec::default(),
        })
    }
}

impl LogicalExtensionCodec for ByName {
    fn try_decode(&self, buf: &[u8], inputs: &[LogicalPlan], ctx: &TaskContext) -> Result<Extension> {
        self.rest.try_decode(buf, inputs, ctx)
    }

    fn try_encode(&self, node: &Extension, buf: &mut Vec<u8>) -> Result<()> {
        self.rest.try_encode(node, buf)
    }

    fn try_decode_table_provider(
        &self,
        buf: &[u8],
        table: &TableReference,
        schema: SchemaRef,
        ctx: &TaskContext,
    ) -> Result<Arc<dyn TableProvider>> {
        if buf != MARK {
            return self.rest.try_decode_table_provider(buf, table, schema, ctx);
        }
        match self.tables.get(table.table()) {
            Some(provider) => Ok(Arc::clone(provider)),
            None => plan_err!("this lake has no table `{}`", table.table()),
        }
    }

    fn try_encode_table_provider(
        &self,
        table: &TableReference,
        provider: Arc<dyn TableProvider>,
        buf: &mut Vec<u8>,
    ) -> Result<()> {
        if self.tables.contains_key(table.table()) {
            buf.extend_from_slice(MARK);
            return Ok(());
        }
        self.rest.try_encode_table_provider(table, provider, buf)
    }

    fn try_decode_file_format(&self, buf: &[u8], ctx: &TaskContext) -> Result<Arc<dyn FileFormatFactory>> {
        self.rest.try_decode_file_format(buf, ctx)
    }

    fn try_encode_file_format(&self, buf: &mut Vec<u8>, node: Arc<dyn FileFormatFactory>) -> Result<()> {
        self.rest.try_encode_file_format(buf, node)
    }
}
