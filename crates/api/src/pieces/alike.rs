//! Letters that look like others: where a word mixes scripts, or could be read as a plain one, its strange letters are
//! named (Unicode UTS #39). Ordinary words of any one script are left alone.

use unicode_security::confusable_detection::skeleton;

/// Signs that say where a name ends; what looks like one is always named.
const SIGNS: [char; 9] = ['/', '\\', '.', ':', '@', '?', '#', '%', '&'];

/// The byte offsets of misleading characters, with what each looks like.
pub(super) fn odd(text: &str) -> Vec<(usize, char)> {
    let mut found = Vec::new();
    let mut word: Vec<(usize, char)> = Vec::new();
    let foreign = text.chars().filter(|one| !one.is_ascii() && one.is_alphabetic());
    // A text that has letters of its own script which look like no other is written in it.
    let written = foreign.clone().any(|letter| plain(letter).is_none());
    for (at, character) in text.char_indices() {
        if character.is_alphanumeric() {
            word.push((at, character));
            continue;
        }
        judge(&word, written, &mut found);
        word.clear();
        if let Some(like) = plain(character).filter(|like| SIGNS.contains(like)) {
            found.push((at, like));
        }
    }
    judge(&word, written, &mut found);
    found
}

/// A word of letters is misleading where some of them are plain ones and others only look so, or where all look so and
/// nothing around it says that it is another script.
fn judge(word: &[(usize, char)], written: bool, found: &mut Vec<(usize, char)>) {
    let strange = || word.iter().filter(|(_, letter)| !letter.is_ascii());
    if strange().next().is_none() {
        return;
    }
    let mixed = word.iter().any(|(_, letter)| letter.is_ascii_alphabetic());
    let readable = strange().all(|(_, letter)| plain(*letter).is_some());
    if mixed || (readable && !written) {
        found.extend(strange().filter_map(|(at, letter)| Some((*at, plain(*letter)?))));
    }
}

/// The plain character that this one looks like.
fn plain(character: char) -> Option<char> {
    if character.is_ascii() {
        return None;
    }
    let mut buffer = [0u8; 4];
    let mut alike = skeleton(character.encode_utf8(&mut buffer));
    let first = alike.next()?;
    (alike.next().is_none() && first.is_ascii() && !first.is_ascii_whitespace()).then_some(first)
}
