//! Makes what cannot be seen visible: a text becomes pieces, and every character that could mislead a reader is a mark.
//! It must never drop or change a character: the pieces together say all that is there.

use crate::view::Piece;

/// The text in pieces. A line feed is a mark followed by the line feed itself, so that it shows and still breaks the line.
#[must_use]
pub fn pieces(text: &str) -> Vec<Piece> {
    let mut cut = Cutter::default();
    let last = text.chars().count().saturating_sub(1);
    for (index, character) in text.chars().enumerate() {
        match character {
            '\n' => {
                cut.mark("↵".to_owned());
                cut.plain('\n');
            }
            '\t' => cut.mark("⇥".to_owned()),
            ' ' if index == 0 || index == last => cut.mark("U+0020".to_owned()),
            _ if hidden(character) => cut.mark(format!("U+{:04X}", u32::from(character))),
            _ => cut.plain(character),
        }
    }
    cut.done
}

#[derive(Default)]
struct Cutter {
    done: Vec<Piece>,
}

impl Cutter {
    fn plain(&mut self, character: char) {
        match self.done.last_mut() {
            Some(piece) if !piece.mark => piece.text.push(character),
            _ => self.done.push(Piece { text: character.to_string(), mark: false }),
        }
    }

    fn mark(&mut self, name: String) {
        self.done.push(Piece { text: name, mark: true });
    }
}

/// Characters that have no shape of their own, reorder their neighbours, or look like an ordinary space.
fn hidden(character: char) -> bool {
    matches!(u32::from(character),
        0x00..=0x1f | 0x7f..=0xa0 | 0xad            // controls, no-break space, soft hyphen
        | 0x034f | 0x061c | 0x115f | 0x1160 | 0x17b4 | 0x17b5 | 0x180b..=0x180f
        | 0x1680 | 0x2000..=0x200f                  // spaces, zero width, direction marks
        | 0x2028..=0x202f | 0x205f..=0x206f         // separators, bidirectional controls, invisible operators
        | 0x3000 | 0x3164 | 0xfe00..=0xfe0f | 0xfeff | 0xffa0 | 0xfff0..=0xfffb
        | 0xe000..=0xf8ff                           // private use
        | 0x1_bca0..=0x1_bca3 | 0x1_d173..=0x1_d17a
        | 0xe_0000..=0x10_ffff                      // tags, variation selectors, private planes
    ) || matches!(u32::from(character) & 0xffff, 0xfffe | 0xffff)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn flat(text: &str) -> String {
        pieces(text)
            .into_iter()
            .map(|piece| if piece.mark { format!("<{}>", piece.text) } else { piece.text })
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
