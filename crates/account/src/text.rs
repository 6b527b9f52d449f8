//! Text from servers, made fit to be shown: printable, short, one line. It must never pass control characters on.

/// Of a longer text the rest is not looked at.
const READ: usize = 64 * 1024;

/// `text` with everything that is not plainly printable left out and what looks like a secret masked, at most `limit`
/// characters. Masked first and cut then: half a secret looks like none.
pub(crate) fn printable(text: &str, limit: usize) -> String {
    let kept: String = text
        .chars()
        .map(|c| if c.is_whitespace() { ' ' } else { c })
        .filter(|c| !c.is_control() && !is_invisible(*c))
        .take(READ)
        .collect();
    let masked = prokura_store::masked(kept.trim());
    let kept = masked.as_deref().unwrap_or(kept.trim());
    if kept.chars().count() > limit {
        kept.chars().take(limit.saturating_sub(1)).chain(['…']).collect()
    } else {
        kept.to_owned()
    }
}

/// Characters that hide or reorder their neighbours.
fn is_invisible(c: char) -> bool {
    matches!(
        u32::from(c),
        0x00AD | 0x034F | 0x061C | 0x115F..=0x1160 | 0x17B4..=0x17B5 | 0x180B..=0x180F
            | 0x200B..=0x200F | 0x2028..=0x202E | 0x2060..=0x206F | 0x3164 | 0xFE00..=0xFE0F
            | 0xFEFF | 0xFFA0 | 0xFFF0..=0xFFFB | 0xE0000..=0xE0FFF
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_a_server_says_is_shown_in_one_short_printable_line() {
        assert_eq!(printable(" a\r\nb\u{1b}[31m\u{202e}c\u{200b} ", 40), "a  b[31mc");
        assert_eq!(printable("abcdef", 4), "abc…");
        assert_eq!(printable("abcd", 4), "abcd");
    }

    /// U-05: a secret that the cut goes through leaves nothing of itself.
    #[test]
    fn a_secret_is_masked_before_the_text_is_cut() {
        let key = format!("ghp{}", "_abcdefghijklmnopqrstuvwxyz0123456789");
        let said = format!("{} the key {key} is no longer good", "x".repeat(20));
        for limit in 1..=said.len() {
            let shown = printable(&said, limit);
            assert!(!shown.contains("ghp"), "{limit}: {shown}");
        }
        // Also where characters that do not show stand in it.
        let split = said.replace("_abcdef", "_abc\u{200b}def");
        assert!(!printable(&split, 40).contains("ghp"));
    }
}
