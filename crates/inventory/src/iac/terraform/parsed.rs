//! The blocks of a folder's `.tf` and `.tf.json` files, by what they declare.

use super::super::document::{self, Broken};
use super::super::{Notes, shown, source};
use super::json;
use hcl_edit::expr::Expression;
use hcl_edit::structure::{Block, Body};
use hcl_edit::{Span, parser};
use smol_str::SmolStr;
use std::collections::HashMap;
use std::path::Path;
use std::sync::Arc;
use yagura_model::SourcePlace;

/// How long one `.tf` file may be, in bytes.
const MAX_LENGTH: usize = 8 << 20;

/// A block with the names of its labels.
#[derive(Debug, Clone)]
pub(super) struct Named {
    /// The type of a resource or data source; empty for other blocks.
    pub of: SmolStr,
    pub name: SmolStr,
    pub block: Block,
    pub place: SourcePlace,
    /// Where the lines of its file begin.
    pub lines: Arc<Vec<usize>>,
}

impl Named {
    /// The line of a byte of its file.
    pub(super) fn line(&self, at: Option<std::ops::Range<usize>>) -> u32 {
        at.map_or(0, |r| line_of(&self.lines, r.start))
    }
}

/// What a folder declares.
#[derive(Debug, Default)]
pub(super) struct Parsed {
    pub variables: HashMap<SmolStr, Named>,
    pub locals: HashMap<SmolStr, Expression>,
    pub resources: Vec<Arc<Named>>,
    pub data: Vec<Arc<Named>>,
    pub modules: Vec<Named>,
    pub outputs: HashMap<SmolStr, Expression>,
    pub providers: Vec<Named>,
}

impl Parsed {
    /// Reads a folder. A file that is broken is a note, the others are read.
    pub(super) fn read(folder: &Path, notes: &mut Notes) -> Self {
        let mut files: Vec<_> = match std::fs::read_dir(folder) {
            Ok(entries) => entries.flatten().map(|e| e.path()).filter(|p| is_configuration(p)).collect(),
            Err(e) => {
                notes.unread.push((SourcePlace { file: shown(folder), line: 1 }, format!("cannot be read: {e}")));
                Vec::new()
            }
        };
        files.sort();
        let mut out = Self::default();
        for file in files {
            let name = shown(&file);
            match source::text(&file).and_then(|text| blocks(&name, &text)) {
                Ok((blocks, lines)) => out.take(blocks, &name, &Arc::new(lines)),
                Err((line, message)) => notes.unread.push((SourcePlace { file: name, line }, message)),
            }
        }
        out
    }

    /// The values of a `.tfvars` file.
    pub(super) fn values(file: &Path) -> Result<Vec<(SmolStr, Expression)>, Broken> {
        let body = body(&source::text(file)?)?;
        Ok(body.into_attributes().map(|a| (a.key.as_str().into(), a.value)).collect())
    }

    fn take(&mut self, blocks: Vec<(Block, u32)>, file: &Arc<str>, lines: &Arc<Vec<usize>>) {
        for (block, line) in blocks {
            let labels: Vec<SmolStr> = block.labels.iter().map(|l| l.as_str().into()).collect();
            let kind = block.ident.as_str().to_owned();
            let named = |of: SmolStr, name: SmolStr, block: Block| Named {
                of,
                name,
                block,
                place: SourcePlace { file: file.clone(), line },
                lines: lines.clone(),
            };
            match (kind.as_str(), labels.as_slice()) {
                ("resource", [of, name]) => self.resources.push(Arc::new(named(of.clone(), name.clone(), block))),
                ("data", [of, name]) => self.data.push(Arc::new(named(of.clone(), name.clone(), block))),
                ("variable", [name]) => {
                    self.variables.insert(name.clone(), named(SmolStr::default(), name.clone(), block));
                }
                ("module", [name]) => self.modules.push(named(SmolStr::default(), name.clone(), block)),
                ("output", [name]) => {
                    if let Some(value) = block.body.get_attribute("value") {
                        self.outputs.insert(name.clone(), value.value.clone());
                    }
                }
                ("provider", [name]) => self.providers.push(named(SmolStr::default(), name.clone(), block)),
                ("locals", _) => {
                    let each = block.body.into_attributes().map(|a| (a.key.as_str().into(), a.value));
                    self.locals.extend(each);
                }
                _ => {}
            }
        }
    }
}

/// Whether a file is a part of a module: `.tf`, or `.tf.json`.
pub(super) fn is_configuration(file: &Path) -> bool {
    let name = file.to_string_lossy();
    name.ends_with(".tf") || name.ends_with(".tf.json")
}

/// The blocks of a file with their lines, and where its lines begin.
type Blocks = (Vec<(Block, u32)>, Vec<usize>);

fn blocks(name: &str, text: &str) -> Result<Blocks, Broken> {
    if name.ends_with(".json") {
        return Ok((json::blocks(&document::read(name, text)?)?, Vec::new()));
    }
    let lines = starts(text);
    let blocks = body(text)?.into_blocks().map(|b| {
        let line = b.span().map_or(1, |s| line_of(&lines, s.start));
        (b, line)
    });
    Ok((blocks.collect(), lines))
}

fn body(text: &str) -> Result<Body, Broken> {
    if text.len() > MAX_LENGTH {
        return Err((1, format!("is longer than {MAX_LENGTH} bytes")));
    }
    parser::parse_body(text.strip_prefix('\u{feff}').unwrap_or(text)).map_err(|e| {
        let line = u32::try_from(e.location().line()).unwrap_or(u32::MAX);
        (line, e.message().trim().to_owned())
    })
}

fn starts(text: &str) -> Vec<usize> {
    text.bytes().enumerate().filter(|(_, b)| *b == b'\n').map(|(at, _)| at + 1).collect()
}

fn line_of(starts: &[usize], at: usize) -> u32 {
    u32::try_from(starts.partition_point(|s| *s <= at) + 1).unwrap_or(u32::MAX)
}
