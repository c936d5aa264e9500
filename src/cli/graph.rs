use super::{Context, Exit};
use crate::stack::Stack;
use crate::view;
use clap::{Args, ValueEnum};

/// Print the resources of the stack and what depends on what; needs no credentials.
#[derive(Debug, Args)]
pub struct Graph {
    /// In which form.
    #[arg(long, value_enum, default_value_t = Form::Mermaid)]
    format: Form,
}

#[derive(Clone, Copy, Debug, ValueEnum)]
enum Form {
    /// For Markdown, GitHub shows it as a picture.
    Mermaid,
    /// For Graphviz.
    Dot,
    /// Every resource with its properties.
    Json,
}

impl Graph {
    pub fn run(self, context: &Context) -> anyhow::Result<Exit> {
        let graph = Stack::payment_webhooks(&context.config).graph;
        let text = match self.format {
            _ if context.ui.is_json() => view::graph_json(&graph),
            Form::Mermaid => view::mermaid(&graph),
            Form::Dot => view::dot(&graph),
            Form::Json => view::graph_json(&graph),
        };
        context.ui.raw(&text);
        Ok(Exit::Done)
    }
}
