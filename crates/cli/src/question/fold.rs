//! Folds lines that are longer than a terminal is wide. A terminal would go on at its left edge, where a text could then
//! pass for a line of ours; here every line that goes on is led by a sign. It must never drop a character.

/// What lines that were folded go on with.
const MORE: &str = "      ┊ ";
/// How wide a terminal is taken to be.
const WIDTH: usize = 78;
/// From here on a line rather ends after a word than in one.
const SOON: usize = 58;

/// The same text in lines that fit.
pub(super) fn folded(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for line in text.split_inclusive('\n') {
        fold(line, &mut out);
    }
    out
}

fn fold(line: &str, out: &mut String) {
    let mut rest = line;
    let mut room = WIDTH;
    while let Some((now, more)) = part(rest, room) {
        out.push_str(now);
        out.push('\n');
        out.push_str(MORE);
        rest = more;
        room = WIDTH - MORE.len();
    }
    out.push_str(rest);
}

/// What fits and what does not; `None` where all fits. Marks stay whole.
fn part(line: &str, room: usize) -> Option<(&str, &str)> {
    let mut used = 0;
    let mut word = 0;
    let mut mark = 0;
    for (at, character) in line.trim_end_matches('\n').char_indices() {
        // Other letters than plain ones are taken to be wide.
        used += if character.is_ascii() { 1 } else { 2 };
        if character == '⟦' {
            mark = at;
        }
        if used > room {
            let end = [word, mark, at].into_iter().find(|end| *end > 0)?;
            return line.split_at_checked(end);
        }
        if character == '⟧' {
            mark = 0;
        }
        if character == ' ' && used > SOON && mark == 0 {
            word = at + 1;
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_line_is_longer_than_a_terminal_and_nothing_is_lost() {
        let words = "word ".repeat(50);
        let letters = "w".repeat(300);
        let marks = "⟦U+200B⟧".repeat(40);
        let wide = "東京".repeat(60);
        for text in [&words, &letters, &marks, &wide, "short", "", "two\nlines\n"] {
            let folded = folded(text);
            assert_eq!(folded.replace(&format!("\n{MORE}"), ""), text, "{text}");
            let width = |one: char| if one.is_ascii() { 1 } else { 2 };
            let wide = |line: &str| line.chars().map(width).sum::<usize>();
            assert!(folded.lines().all(|line| wide(line) <= WIDTH), "{folded}");
            assert!(folded.matches('⟦').count() == text.matches('⟦').count(), "{folded}");
            assert!(
                folded.lines().all(|line| !line.contains('⟦') || line.ends_with('⟧')),
                "{folded}"
            );
        }
    }
}
