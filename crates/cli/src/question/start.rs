//! A program that would be started, in a terminal: every part of it, in full.

use prokura_api::view::{LaunchView, StartView};

use super::{pieces, visible};

/// What is asked about a start.
pub fn text(view: &StartView) -> String {
    let mut out = format!(
        "\nThis program would run on your machine, with your rights ({}):\n{}",
        view.reason,
        launch(&view.launch)
    );
    if let Some(before) = &view.before {
        out.push_str(&format!("\nYou approved before:\n{}", launch(before)));
    }
    out
}

/// What would be started, in full.
pub fn launch(view: &LaunchView) -> String {
    let mut out = String::new();
    let mut row = |label: &str, text: String| out.push_str(&format!("  {label:<9} {text}\n"));
    row("Command", pieces(&view.line));
    row("Program", pieces(&view.program));
    if let Some(file) = &view.file {
        row("", format!("which is {}", pieces(file)));
    }
    for (index, argument) in view.arguments.iter().enumerate() {
        row(if index == 0 { "Words" } else { "" }, pieces(argument));
    }
    row("Folder", view.folder.as_deref().map_or("your home folder".to_owned(), pieces));
    for (index, variable) in view.environment.iter().enumerate() {
        let value = match &variable.value {
            Some(value) => pieces(value),
            None if variable.given => "(a secret in the vault)".to_owned(),
            None => "(a secret, not given yet)".to_owned(),
        };
        let label = if index == 0 { "Given" } else { "" };
        row(label, format!("{} = {value}", visible(&variable.name)));
    }
    match &view.confinement {
        None => row("Reaches", "everything you can reach".to_owned()),
        Some(limits) => {
            let network = if limits.network { "the network" } else { "no network" };
            row(
                "Reaches",
                format!("the system's folders and {network}, by {}", pieces(&limits.by)),
            );
            limits.read.iter().for_each(|path| row("", format!("reads {}", pieces(path))));
            limits.write.iter().for_each(|path| row("", format!("changes {}", pieces(path))));
        }
    }
    for danger in &view.dangers {
        row("Look", visible(danger));
    }
    out
}
