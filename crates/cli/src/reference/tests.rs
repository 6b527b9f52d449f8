//! `docs/commands.md` is written from the definitions, and compared with them ever after.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)]

use std::fmt::Write as _;
use std::path::Path;

use clap::{Arg, ArgAction, Command, CommandFactory as _};

use crate::args::Args;

const HEAD: &str = "# Commands\n\nWritten from the program's own definitions by `cargo xtask reference`; the words of `prokura --help`, all on one \
                    page. What the commands do is told in [The command line](cli.md).\n";

/// The whole page.
fn page() -> String {
    let mut root = Args::command().disable_help_subcommand(true);
    root.build();
    let mut text = HEAD.to_owned();
    let everywhere: Vec<&Arg> = root.get_arguments().filter(|arg| shown(arg)).collect();
    text.push_str("\n## Everywhere\n\nThese words are understood by every command.\n\n");
    rows(&mut text, &everywhere);
    for command in root.get_subcommands() {
        section(&mut text, command, "prokura", 2);
    }
    text
}

fn section(text: &mut String, command: &Command, before: &str, depth: usize) {
    let name = format!("{before} {}", command.get_name());
    let about = command.get_about().map(ToString::to_string).unwrap_or_default();
    write!(text, "\n{} {name}\n\n{}\n", "#".repeat(depth), sentence(&about)).unwrap();
    if command.has_subcommands() {
        for one in command.get_subcommands() {
            section(text, one, &name, depth + 1);
        }
        return;
    }
    let usage = command.clone().render_usage().to_string();
    let usage = usage.strip_prefix("Usage: ").unwrap_or(&usage);
    write!(text, "\n```\n{usage}\n```\n").unwrap();
    let own: Vec<&Arg> =
        command.get_arguments().filter(|arg| shown(arg) && !arg.is_global_set()).collect();
    if !own.is_empty() {
        text.push('\n');
        rows(text, &own);
    }
}

fn shown(arg: &Arg) -> bool {
    let silent = arg.get_help().is_none() && arg.is_positional();
    !silent && !arg.is_hide_set() && !["help", "version"].contains(&arg.get_id().as_str())
}

fn rows(text: &mut String, args: &[&Arg]) {
    text.push_str("| word | meaning |\n|---|---|\n");
    for arg in args {
        let help = arg.get_help().map(ToString::to_string).unwrap_or_default();
        let mut meaning = sentence(&help);
        let values: Vec<String> = arg
            .get_possible_values()
            .iter()
            .map(|value| format!("`{}`", value.get_name()))
            .collect();
        if takes_value(arg) && !values.is_empty() {
            write!(meaning, " One of {}.", values.join(", ")).unwrap();
        }
        let defaults: Vec<String> =
            arg.get_default_values().iter().map(|value| format!("`{}`", value.display())).collect();
        if takes_value(arg) && !defaults.is_empty() {
            write!(meaning, " Without it: {}.", defaults.join(", ")).unwrap();
        }
        if let Some(variable) = arg.get_env() {
            write!(meaning, " Also from `{}`.", variable.display()).unwrap();
        }
        writeln!(
            text,
            "| `{}` | {} |",
            word(arg).replace('|', "\\|"),
            meaning.trim().replace('|', "\\|")
        )
        .unwrap();
    }
}

fn takes_value(arg: &Arg) -> bool {
    matches!(arg.get_action(), ArgAction::Set | ArgAction::Append)
}

fn word(arg: &Arg) -> String {
    let names: Vec<&str> =
        arg.get_value_names().unwrap_or_default().iter().map(AsRef::as_ref).collect();
    let value = names.iter().map(|name| format!("<{name}>")).collect::<Vec<_>>().join(" ");
    let many = matches!(arg.get_action(), ArgAction::Append)
        || arg.get_num_args().is_some_and(|number| number.max_values() > names.len().max(1));
    let dots = if many { "…" } else { "" };
    match arg.get_long() {
        Some(long) if takes_value(arg) => format!("--{long} {value}{dots}"),
        Some(long) => format!("--{long}"),
        None => format!("{value}{dots}"),
    }
}

/// clap takes the full stop away; here sentences follow each other.
fn sentence(text: &str) -> String {
    let text = text.trim();
    if text.is_empty() || text.ends_with(['.', '?', '!']) {
        text.to_owned()
    } else {
        format!("{text}.")
    }
}

#[test]
fn the_page_of_commands_says_what_the_program_understands() {
    let file = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../docs/commands.md");
    let wanted = page();
    if std::env::var_os("PROKURA_WRITE_REFERENCE").is_some() {
        std::fs::write(&file, &wanted).unwrap();
    }
    let found = std::fs::read_to_string(&file).unwrap_or_default();
    let differs = wanted.lines().zip(found.lines()).find(|(one, other)| one != other);
    assert!(
        found == wanted,
        "docs/commands.md is stale: run `cargo xtask reference`. First difference: {differs:?}"
    );
}

#[test]
fn every_command_and_word_says_what_it_means() {
    fn look(command: &Command, before: &str, faults: &mut Vec<String>) {
        let name = format!("{before} {}", command.get_name());
        if command.get_about().is_none() {
            faults.push(name.clone());
        }
        command.get_subcommands().for_each(|one| look(one, name.trim(), faults));
    }
    let mut faults = Vec::new();
    let mut root = Args::command().disable_help_subcommand(true);
    root.build();
    look(&root, "", &mut faults);
    assert!(faults.is_empty(), "without a word about them: {faults:?}");
}

#[test]
fn a_manual_page_is_written_for_every_command() {
    let folder = std::env::temp_dir().join(format!("prokura-manual-{}", std::process::id()));
    super::manual(&folder).unwrap();
    let page = std::fs::read_to_string(folder.join("prokura-servers-sign-in.1")).unwrap();
    assert!(page.contains("prokura\\-servers\\-sign\\-in"), "{page}");
    assert!(folder.join("prokura.1").is_file());
    std::fs::remove_dir_all(folder).unwrap();
}
