//! Promises and invariants in the documents name what holds them, and that exists.
//! It must never be enough to name a file: a named test has to be in it.

use std::path::Path;

/// A numbered row, `| 3 | … | … |`.
#[derive(Debug)]
pub struct Row {
    pub number: u32,
    pub text: String,
}

/// The numbered rows under a heading.
pub fn rows(document: &str, heading: &str) -> Vec<Row> {
    document
        .lines()
        .skip_while(|line| line.trim() != heading)
        .skip(1)
        .take_while(|line| !line.starts_with("## "))
        .filter_map(|line| {
            let number = line.strip_prefix('|')?.split('|').next()?.trim().parse().ok()?;
            Some(Row { number, text: line.to_owned() })
        })
        .collect()
}

/// What is wrong with rows that should be 1 to `last`, each held by something that exists.
pub fn unheld(rows: &[Row], last: u32, top: &Path) -> Vec<String> {
    let mut faults = Vec::new();
    for number in 1..=last {
        let Some(row) = rows.iter().find(|row| row.number == number) else {
            faults.push(format!("number {number} has no row"));
            continue;
        };
        let holders = holders(&row.text);
        if holders.is_empty() {
            faults.push(format!("number {number} names no test and no lint"));
        }
        for holder in holders {
            if let Err(fault) = exists(holder, top) {
                faults.push(format!("number {number}: {fault}"));
            }
        }
    }
    faults
}

/// What stands in backticks and is a file, such as `tests/tidy/main.rs::a_name` or `clippy.toml`.
fn holders(text: &str) -> Vec<&str> {
    text.split('`')
        .skip(1)
        .step_by(2)
        .filter(|word| {
            let path = word.split("::").next().unwrap_or(word);
            [".rs", ".toml", ".mjs", ".ts", ".json"].iter().any(|ending| path.ends_with(ending))
        })
        .collect()
}

fn exists(holder: &str, top: &Path) -> Result<(), String> {
    let (path, name) =
        holder.split_once("::").map_or((holder, None), |(path, name)| (path, Some(name)));
    let text =
        std::fs::read_to_string(top.join(path)).map_err(|_| format!("{path} is not there"))?;
    match name {
        Some(name) if !text.contains(&format!("fn {name}(")) => {
            Err(format!("{path} has no test {name}"))
        }
        Some(_) | None => Ok(()),
    }
}

/// Shapes whose members the page tells otherwise than the generated types.
pub fn misshapen(page: &str, types: &str) -> Vec<String> {
    let mut faults = Vec::new();
    let mut seen = 0;
    for row in page.lines().filter(|line| line.starts_with("| `")) {
        let mut cells = row.split('|').skip(1).map(|cell| cell.trim().replace('`', ""));
        let (Some(name), Some(told)) = (cells.next(), cells.next()) else { continue };
        let Some((_, rest)) = types.split_once(&format!("export type {name} = {{")) else {
            continue;
        };
        let members = members(rest).join(", ");
        if members != told {
            faults.push(format!("{name} has {members}"));
        }
        seen += 1;
    }
    if seen < 10 {
        faults.push(format!("only {seen} shapes are told"));
    }
    faults
}

/// The members of a generated type, from behind its opening brace.
fn members(rest: &str) -> Vec<&str> {
    let mut found = Vec::new();
    let mut comment = false;
    for line in rest.lines() {
        comment |= line.starts_with("/**");
        if !comment && let Some((name, _)) = line.trim().split_once(": ") {
            found.push(name);
        }
        comment &= !line.ends_with("*/");
        if line.ends_with("};") {
            break;
        }
    }
    found
}
