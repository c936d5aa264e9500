use super::{Cli, Exit, Ui};
use clap::{Args, CommandFactory};
use clap_complete::Shell;

/// Print a completion script for a shell.
///
/// For bash: `payhook completions bash > ~/.local/share/bash-completion/completions/payhook`.
#[derive(Debug, Args)]
pub struct Completions {
    /// Which shell.
    shell: Shell,
}

impl Completions {
    pub fn run(self, ui: &Ui) -> Exit {
        let mut script = Vec::new();
        clap_complete::generate(self.shell, &mut Cli::command(), "payhook", &mut script);
        match ui.is_json() {
            true => ui.json(&String::from_utf8_lossy(&script)),
            false => ui.raw(&script),
        }
        Exit::Done
    }
}
