//! A question in a terminal: everything the window shows. Every character that could mislead stands in ⟦ ⟧ by its code,
//! and those two signs themselves too, so that nothing a stranger wrote can pass for one of ours or move the cursor.
//! Long lines are folded here and not by the terminal, so that no text can begin a line of its own.

use std::fmt::Write as _;

use prokura_api::view::{ApprovalView, ArgumentView, Piece, PlaceView};

mod asked;
mod fold;
mod start;

pub use start::launch;

/// What lines of a value that goes on are led by.
const ON: &str = "      │ ";

/// The question as text.
pub fn text(view: &ApprovalView) -> String {
    let mut out = String::new();
    // Writing to a string does not fail.
    let _ = head(view, &mut out);
    let _ = body(view, &mut out);
    fold::folded(&out)
}

fn head(view: &ApprovalView, out: &mut String) -> std::fmt::Result {
    let class = view.class.as_deref().unwrap_or("unclassified");
    writeln!(out, "Question  {}  ({}, until {})", view.id, view.state, view.expires_at)?;
    if view.start.is_none() {
        writeln!(out, "Who       {}", visible(&view.agent.name))?;
    }
    if let Some(claim) = &view.agent_claim {
        writeln!(out, "          says it is \"{}\"", visible(claim))?;
    }
    if let Some(server) = &view.server {
        let account = view.account.as_ref().map(|account| visible(&account.name));
        let (account, host) = (account.unwrap_or_default(), visible(&view.server_host));
        match view.start {
            Some(_) => writeln!(out, "Server    {}", visible(&server.name))?,
            None => writeln!(out, "As whom   {account} at {} ({host})", visible(&server.name))?,
        }
    }
    let what = if view.target_kind == "tool" { class } else { view.target_kind.as_str() };
    match &view.elicitation {
        Some(_) => writeln!(out, "During    {}", pieces(&view.target))?,
        None => writeln!(out, "What      {} ({what})", pieces(&view.target))?,
    }
    for (index, why) in view.why.iter().enumerate() {
        let label = if index == 0 { "Why" } else { "" };
        writeln!(out, "{label:<9} {}", visible(&why.text))?;
    }
    if view.state == "pending" {
        level(view, out)?;
    }
    if view.floods {
        writeln!(
            out,
            "Look      This agent asks so often that more of its questions are refused for now."
        )?;
    }
    Ok(())
}

fn body(view: &ApprovalView, out: &mut String) -> std::fmt::Result {
    if let Some(caller) = &view.pairing {
        writeln!(out, "\nA program wants to come in as this agent ({}):", caller.reason)?;
        if let Some(file) = &caller.executable {
            writeln!(out, "  {}  {}", pieces(&file.path), file.digest)?;
        }
        if let Some(file) = &caller.script {
            writeln!(out, "  {}  {}", pieces(&file.path), file.digest)?;
        }
        return Ok(());
    }
    if let Some(asked) = &view.elicitation {
        out.push_str(&asked::text(view, asked));
        return Ok(());
    }
    if let Some(view) = &view.start {
        out.push_str(&start::text(view));
        return Ok(());
    }
    if let Some(scopes) = &view.scopes {
        writeln!(out, "\nThe server wants more than this account has. Besides:")?;
        for scope in scopes.iter().filter(|scope| !scope.had) {
            writeln!(out, "  + {}  ({})", visible(&scope.name), scope.allows)?;
        }
        let had: Vec<String> =
            scopes.iter().filter(|scope| scope.had).map(|scope| visible(&scope.name)).collect();
        writeln!(
            out,
            "It has: {}",
            if had.is_empty() { "nothing".to_owned() } else { had.join(" ") }
        )?;
        return writeln!(out, "Allowing signs in again; every grant stays as narrow as it is.");
    }
    if view.raw.is_empty() {
        return writeln!(out, "\nWhat was asked about is not kept after the answer.");
    }
    writeln!(out, "\nEvery parameter ({}):", view.arguments.len())?;
    for argument in &view.arguments {
        row(argument, out)?;
    }
    changes(view, out)?;
    writeln!(out, "\nAs the server will see it:\n{ON}{}", pieces(&view.raw))?;
    if let Some(rule) = &view.suggestion {
        let text = pieces(&rule.text);
        writeln!(out, "\nYou allowed this {} times with {text}.", rule.times)?;
    }
    let targets: Vec<_> = view.holds.iter().filter(|hold| hold.target.is_some()).collect();
    if view.can_remember && !targets.is_empty() {
        writeln!(out, "\nHeld fixed with --hold-targets:")?;
        for hold in targets {
            let why = hold.target.as_deref().unwrap_or_default();
            let unable = if hold.holdable { "" } else { ": too long to be held" };
            writeln!(out, "  {}  ({why}{unable})", pieces(&hold.text))?;
        }
    }
    Ok(())
}

/// What a yes takes.
fn level(view: &ApprovalView, out: &mut String) -> std::fmt::Result {
    match view.level.as_str() {
        "passphrase" => writeln!(out, "To allow  the approval passphrase")?,
        "presence" => writeln!(out, "To allow  the system asks whether you are there, each time")?,
        _ => {}
    }
    match &view.in_the_way {
        Some(why) => writeln!(out, "Look      Nobody can say yes here: {}", visible(why)),
        None => Ok(()),
    }
}

/// What kind of value it is stands before the name, where no text can put it.
fn row(argument: &ArgumentView, out: &mut String) -> std::fmt::Result {
    writeln!(out, "  {}  {}", argument.kind, pieces(&argument.pointer))?;
    writeln!(out, "{ON}{}", pieces(&argument.value))?;
    if let Some(unit) = &argument.unit {
        writeln!(out, "      → in “{}”, says the server", pieces(unit))?;
    }
    argument.places.iter().try_for_each(|place| leads(place, out))
}

fn leads(place: &PlaceView, out: &mut String) -> std::fmt::Result {
    let what = if place.kind == "email" { "mail to" } else { "leads to" };
    let warning = place.warning.as_deref().map(|text| format!(", {text}")).unwrap_or_default();
    writeln!(out, "      → {what} {}{warning}", pieces(&place.host))
}

fn changes(view: &ApprovalView, out: &mut String) -> std::fmt::Result {
    let Some(changes) = &view.changes else {
        return writeln!(out, "\nThe first call of this kind since Prokura was started.");
    };
    if changes.is_empty() {
        return writeln!(out, "\nThe same arguments as last time.");
    }
    writeln!(out, "\nDifferent from last time:")?;
    for change in changes {
        let side = |side: &Option<Vec<Piece>>| match side {
            Some(value) => pieces(value),
            None => "(not there)".to_owned(),
        };
        writeln!(out, "  {}", pieces(&change.pointer))?;
        writeln!(out, "    - {}\n    + {}", side(&change.before), side(&change.now))?;
    }
    Ok(())
}

/// A text of many lines, each as it is, without anything that could move the cursor.
pub fn lines(all: &[Piece]) -> String {
    let line_end = |piece: &&Piece| !(piece.mark && piece.text == "↵");
    let mut out = String::new();
    for piece in all.iter().filter(line_end) {
        match piece.mark {
            true => out.push_str(&format!("⟦{}⟧", said(&piece.text))),
            false => {
                let parts = piece.text.split('\n').map(said);
                out.push_str(&parts.collect::<Vec<_>>().join("\n"));
            }
        }
    }
    out
}

/// Pieces in one text: marks in ⟦ ⟧.
pub fn pieces(all: &[Piece]) -> String {
    let mut out = String::new();
    for piece in all {
        if piece.mark {
            out.push_str(&format!("⟦{}⟧", said(&piece.text)));
            continue;
        }
        out.push_str(&said(&piece.text));
        if let Some(hint) = &piece.hint {
            out.push_str(&format!("⟦{}⟧", said(hint)));
        }
    }
    out
}

/// A name or a sentence, which may hold what a stranger said.
pub fn visible(text: &str) -> String {
    pieces(&prokura_api::pieces::pieces(text))
}

/// A stranger's text without anything that could move the cursor or pass for a mark.
fn said(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for character in text.chars() {
        match character {
            '\n' => {
                out.push('\n');
                out.push_str(ON);
            }
            '⟦' | '⟧' => out.push_str(&format!("⟦U+{:04X}⟧", u32::from(character))),
            _ if character.is_control() => {
                out.push_str(&format!("⟦U+{:04X}⟧", u32::from(character)))
            }
            _ => out.push(character),
        }
    }
    out
}
