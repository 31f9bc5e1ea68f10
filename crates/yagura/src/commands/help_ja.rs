//! The help texts in Japanese.

use clap::Command;

/// The command line with Japanese help.
pub fn translate(command: Command) -> Command {
    command
}
