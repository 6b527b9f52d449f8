//! Makes what cannot be seen visible: a text becomes pieces, and every character that could mislead a reader is a mark.
//! It must never drop or change a character: the pieces together say all that is there.

use unicode_normalization::char::is_combining_mark;

use crate::view::Piece;

mod alike;

/// The text in pieces. A line feed is a mark followed by the line feed itself, so that it shows and still breaks the line.
#[must_use]
pub fn pieces(text: &str) -> Vec<Piece> {
    let mut cut = Cutter::default();
    let odd = alike::odd(text);
    let mut odd = odd.iter().peekable();
    let last = text.char_indices().next_back().map_or(0, |(at, _)| at);
    let mut before = None;
    for (at, character) in text.char_indices() {
        let alike = odd.next_if(|(found, _)| *found == at);
        match character {
            '\n' => {
                cut.mark("↵".to_owned());
                cut.plain('\n');
            }
            '\t' => cut.mark("⇥".to_owned()),
            ' ' if at == 0 || at == last => cut.mark("U+0020".to_owned()),
            // Marks of our own that stand in a text would be taken for one.
            '↵' | '⇥' => cut.mark(code(character)),
            _ if hidden(character) || piled(before, character) => cut.mark(code(character)),
            _ => match alike {
                Some((_, like)) => {
                    cut.hinted(character, format!("{} looks like {like}", code(character)));
                }
                None => cut.plain(character),
            },
        }
        before = Some(character);
    }
    cut.done
}

/// The text with every such character told by its code, for where there are no pieces.
#[must_use]
pub fn visible(text: &str) -> String {
    let told = |piece: Piece| match (piece.mark, piece.hint) {
        (true, _) => format!("⟦{}⟧", piece.text),
        (false, Some(hint)) => format!("{}⟦{hint}⟧", piece.text),
        (false, None) => piece.text,
    };
    pieces(text).into_iter().map(told).collect()
}

fn code(character: char) -> String {
    format!("U+{:04X}", u32::from(character))
}

/// A combining mark is part of a letter; on another mark, on a sign or on nothing it covers its neighbours.
fn piled(before: Option<char>, character: char) -> bool {
    is_combining_mark(character) && !before.is_some_and(char::is_alphabetic)
}

#[derive(Default)]
struct Cutter {
    done: Vec<Piece>,
}

impl Cutter {
    fn plain(&mut self, character: char) {
        match self.done.last_mut() {
            Some(piece) if !piece.mark && piece.hint.is_none() => piece.text.push(character),
            _ => self.done.push(Piece { text: character.to_string(), mark: false, hint: None }),
        }
    }

    fn mark(&mut self, name: String) {
        self.done.push(Piece { text: name, mark: true, hint: None });
    }

    fn hinted(&mut self, character: char, hint: String) {
        self.done.push(Piece { text: character.to_string(), mark: false, hint: Some(hint) });
    }
}

/// Characters that have no shape of their own, reorder their neighbours, or look like an ordinary space.
fn hidden(character: char) -> bool {
    matches!(u32::from(character),
        0x00..=0x1f | 0x7f..=0xa0 | 0xad            // controls, no-break space, soft hyphen
        | 0x034f | 0x061c | 0x070f | 0x08e2 | 0x115f | 0x1160 | 0x17b4 | 0x17b5 | 0x180b..=0x180f
        | 0x0600..=0x0605 | 0x06dd | 0x0890 | 0x0891 | 0x110bd | 0x110cd
        | 0x1680 | 0x2000..=0x200f                  // spaces, zero width, direction marks
        | 0x2028..=0x202f | 0x205f..=0x206f         // separators, bidirectional controls, invisible operators
        | 0x2800 | 0x3000 | 0x3164 | 0xfe00..=0xfe0f | 0xfdd0..=0xfdef | 0xfeff | 0xffa0 | 0xfff0..=0xfffc
        | 0xe000..=0xf8ff                           // private use
        | 0x1_3430..=0x1_345f | 0x1_bca0..=0x1_bca3 | 0x1_d159 | 0x1_d173..=0x1_d17a
        | 0xe_0000..=0x10_ffff                      // tags, variation selectors, private planes
    ) || matches!(u32::from(character) & 0xffff, 0xfffe | 0xffff)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn flat(text: &str) -> String {
        pieces(text)
            .into_iter()
            .map(|piece| match (piece.mark, piece.hint) {
                (true, _) => format!("<{}>", piece.text),
                (false, Some(hint)) => format!("{}({hint})", piece.text),
                (false, None) => piece.text,
            })
            .collect()
    }

    #[test]
    fn what_cannot_be_seen_is_a_mark() {
        assert_eq!(flat("Bright\u{200b}fields"), "Bright<U+200B>fields");
        assert_eq!(flat("a\u{202e}gpj.exe"), "a<U+202E>gpj.exe");
        assert_eq!(flat("x\u{e0041}y"), "x<U+E0041>y");
        assert_eq!(flat("\u{1b}[2J"), "<U+001B>[2J");
        assert_eq!(flat("a\nb\tc"), "a<↵>\nb<⇥>c");
        assert_eq!(flat("pay "), "pay<U+0020>");
        assert_eq!(flat("Grüße, 東京"), "Grüße, 東京");
        assert_eq!(flat("a\u{301}\u{301}"), "a\u{301}<U+0301>");
        assert_eq!(flat("1\u{338}"), "1<U+0338>");
        assert_eq!(flat("a↵b"), "a<U+21B5>b");
    }

    #[test]
    fn what_looks_like_another_letter_says_so() {
        assert_eq!(flat("p\u{430}ypal"), "p\u{430}(U+0430 looks like a)ypal");
        assert_eq!(flat("привет, как дела"), "привет, как дела");
        assert_eq!(flat("Ελλάδα"), "Ελλάδα");
        assert!(flat("\u{0430}\u{0440}\u{0440}\u{04cf}\u{0435}").contains("looks like"));
        assert!(flat("https://a.example\u{2215}b").contains("U+2215 looks like /"));
        assert_eq!(flat("5 – 6 “x”"), "5 – 6 “x”");
    }

    #[test]
    fn nothing_is_dropped() {
        let text: String = (0..0x3100).filter_map(char::from_u32).collect();
        let kept: usize = pieces(&text)
            .iter()
            .map(|piece| {
                if piece.mark {
                    usize::from(piece.text != "↵")
                } else {
                    piece.text.chars().count()
                }
            })
            .sum();
        assert_eq!(kept, text.chars().count());
    }
}
