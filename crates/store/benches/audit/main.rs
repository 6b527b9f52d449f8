//! What the audit log costs, against plain SQLite in the same run: pairs of intent and outcome with one writer and with
//! 64, and reading at a million records. `cargo xtask bench audit`; the last line is JSON. `fill FOLDER [COUNT]` leaves
//! a data folder with so many records instead, to look at in the window.
#![allow(clippy::unwrap_used, clippy::panic, clippy::print_stdout, clippy::indexing_slicing)]

mod million;
mod pairs;
mod raw;
mod stage;

use std::path::Path;

fn main() {
    let words: Vec<String> =
        std::env::args().skip(1).filter(|word| !word.starts_with("--")).collect();
    let number = |place: usize| words.get(place).and_then(|word| word.parse::<i64>().ok());
    match words.first().map(String::as_str) {
        Some("fill") => {
            let Some(folder) = words.get(1) else { panic!("audit fill FOLDER [COUNT]") };
            million::fill(
                Path::new(folder),
                number(2).unwrap_or(1_000_000),
                &stage::Vault::locked(),
            );
        }
        Some("pairs") => println!("{}", pairs::measure()),
        _ => {
            let pairs = pairs::measure();
            let reading = million::measure(number(0).unwrap_or(1_000_000));
            println!("{{{},{}}}", inner(&pairs), inner(&reading));
        }
    }
}

fn inner(object: &str) -> &str {
    object.trim_start_matches('{').trim_end_matches('}')
}
