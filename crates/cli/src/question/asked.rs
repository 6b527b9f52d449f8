//! A server's question in a terminal: its words quoted, its form field by field, its page with the real host.

use std::fmt::Write as _;

use prokura_api::view::{ApprovalView, ElicitationView, FieldView, PageView};

use super::{ON, pieces, visible};

/// The question as text.
pub fn text(view: &ApprovalView, asked: &ElicitationView) -> String {
    let mut out = String::new();
    if view.state != "pending" {
        out.push_str("\nWhat was asked and answered is not kept.\n");
        return out;
    }
    let server = view.server.as_ref().map(|server| visible(&server.name)).unwrap_or_default();
    // Writing to a string does not fail.
    let _ = writeln!(out, "\n{server} says:\n{ON}{}", pieces(&asked.message));
    if let Some(page) = &asked.page {
        let _ = leads(page, &mut out);
    }
    if asked.fields.is_empty() {
        return out;
    }
    let _ = writeln!(out, "\nIt asks for ({}):", asked.fields.len());
    for one in &asked.fields {
        let _ = field(one, &mut out);
    }
    let _ = writeln!(
        out,
        "\nNothing goes to {server} before you fill it in. A form must never ask for a password or a key."
    );
    out
}

fn leads(page: &PageView, out: &mut String) -> std::fmt::Result {
    writeln!(out, "\nThe page:\n{ON}{}", pieces(&page.url))?;
    let warning = page.warning.as_deref().map(|text| format!(", {text}")).unwrap_or_default();
    writeln!(out, "      → leads to {}{warning}", pieces(&page.host))?;
    match &page.refused {
        Some(why) => writeln!(out, "Look      It is not opened: {why}."),
        None => writeln!(out, "Prokura has not opened it, and does not look at it."),
    }
}

fn field(field: &FieldView, out: &mut String) -> std::fmt::Result {
    let needed = if field.required { "needed" } else { "optional" };
    writeln!(out, "  {}  {}  ({needed})", field.input, visible(&field.name))?;
    writeln!(out, "{ON}{}", pieces(&field.label))?;
    if let Some(text) = &field.description {
        writeln!(out, "{ON}{}", pieces(text))?;
    }
    if let Some(rule) = &field.rule {
        writeln!(out, "      takes {}", visible(rule))?;
    }
    for (at, offer) in field.offers.iter().enumerate() {
        let sent = offer.sent.as_deref().map(|sent| format!("  = {}", pieces(sent)));
        writeln!(out, "      {}. {}{}", at + 1, pieces(&offer.label), sent.unwrap_or_default())?;
    }
    if !field.default.is_empty() {
        writeln!(out, "      at first: {}", visible(&field.default.join(", ")))?;
    }
    if field.secret {
        writeln!(
            out,
            "Look      This looks as if it asked for a password or a key. A form must never do that; do not type one."
        )?;
    }
    Ok(())
}
