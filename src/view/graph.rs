//! The graph as Mermaid, DOT and JSON.

use crate::graph::{Graph, LogicalName, Node};
use serde_json::json;

/// Mermaid: an arrow leads from what must be there first.
pub fn mermaid(graph: &Graph) -> String {
    let mut text = "flowchart LR\n".to_owned();
    for node in graph.nodes() {
        text.push_str(&format!(
            "  {}[\"{}\"]\n",
            id(&node.name),
            label(node, "<br>")
        ));
    }
    for (from, to) in edges(graph) {
        text.push_str(&format!("  {} --> {}\n", id(&from), id(&to)));
    }
    text
}

/// Graphviz: an arrow leads from what must be there first.
pub fn dot(graph: &Graph) -> String {
    let mut text = "digraph stack {\n  rankdir=LR;\n  node [shape=box];\n".to_owned();
    for node in graph.nodes() {
        text.push_str(&format!(
            "  \"{}\" [label=\"{}\"];\n",
            node.name,
            label(node, "\\n")
        ));
    }
    for (from, to) in edges(graph) {
        text.push_str(&format!("  \"{from}\" -> \"{to}\";\n"));
    }
    text.push_str("}\n");
    text
}

/// Every resource with its properties and what it waits for, as one JSON value.
pub fn graph_json(graph: &Graph) -> String {
    let nodes: Vec<_> = graph
        .nodes()
        .map(|node| {
            json!({
                "name": node.name,
                "kind": node.kind,
                "physical": node.physical,
                "dependencies": node.dependencies(),
                "properties": node.properties,
            })
        })
        .collect();
    format!("{}\n", json!({ "resources": nodes }))
}

fn edges(graph: &Graph) -> impl Iterator<Item = (LogicalName, LogicalName)> {
    graph.nodes().flat_map(|node| {
        let needed = node.dependencies().into_iter();
        needed.map(|needed| (needed, node.name.clone()))
    })
}

/// Mermaid takes no dashes followed by certain words in ids, such as `end`.
fn id(name: &LogicalName) -> String {
    format!(
        "r_{}",
        name.as_str()
            .replace(|c: char| !c.is_ascii_alphanumeric(), "_")
    )
}

fn label(node: &Node, line_break: &str) -> String {
    format!("{}{line_break}{}", node.kind, node.physical).replace('"', "'")
}
