//! A path for Graphviz: a cluster each way, blockers as notes.

use super::{Drawing, Lane, kind_text};
use std::fmt::Write;
use yagura_model::Lang;

/// The drawing in the DOT language.
pub fn draw(drawing: &Drawing, lang: Lang) -> String {
    let title = format!("{}: {}", drawing.question, drawing.verdict_text(lang));
    let mut out = format!(
        "digraph path {{\n  rankdir=LR;\n  newrank=true;\n  labelloc=t;\n  label={};\n  \
         node [shape=box, style=rounded, fontname=\"sans-serif\"];\n  graph [fontname=\"sans-serif\"];\n",
        quoted(&title)
    );
    for ((name, lane), letter) in drawing.lanes(lang).into_iter().zip(['f', 'r']) {
        if !lane.hops.is_empty() {
            lane_of(&mut out, name, lane, letter, lang);
        }
    }
    for (at, call) in drawing.missing.iter().enumerate() {
        let text = format!("{}: {call}", lang.pick("not read", "未取得"));
        let _ = writeln!(out, "  m{at} [shape=note, style=dashed, label={}];", quoted(&text));
    }
    out.push_str("}\n");
    out
}

fn lane_of(out: &mut String, name: &str, lane: &Lane, letter: char, lang: Lang) {
    let _ = writeln!(out, "  subgraph cluster_{letter} {{\n    label={};", quoted(name));
    let stops: Vec<usize> = lane.blockers.iter().map(|mark| lane.at(mark)).collect();
    for (at, hop) in lane.hops.iter().enumerate() {
        let parts = [kind_text(hop.kind, lang), hop.shown(), &hop.label];
        let label: Vec<&str> = parts.into_iter().filter(|part| !part.is_empty()).collect();
        let style = if stops.contains(&at) { ", color=\"#c0392b\", penwidth=2" } else { "" };
        let _ = writeln!(out, "    {letter}{at} [label={}{style}];", quoted(&label.join("\n")));
    }
    for at in 1..lane.hops.len() {
        let style = if lane.stop().is_some_and(|stop| at > stop) { " [style=dashed]" } else { "" };
        let _ = writeln!(out, "    {letter}{} -> {letter}{at}{style};", at - 1);
    }
    out.push_str("  }\n");
    for (number, mark) in lane.blockers.iter().enumerate() {
        let text = format!("{}\n{}", mark.code, mark.text);
        let _ = writeln!(
            out,
            "  {letter}b{number} [shape=note, color=\"#c0392b\", label={}];\n  \
             {letter}{} -> {letter}b{number} [arrowhead=none, style=dotted, color=\"#c0392b\", constraint=false];",
            quoted(&text),
            lane.at(mark)
        );
    }
}

/// A text as a quoted DOT string; a line break becomes `\n`.
fn quoted(text: &str) -> String {
    let mut out = String::from("\"");
    for c in text.chars() {
        match c {
            '"' => out.push_str("\\\""),
            '\\' => out.push_str("\\\\"),
            '\n' => out.push_str("\\n"),
            c if c.is_control() => {}
            c => out.push(c),
        }
    }
    out.push('"');
    out
}
