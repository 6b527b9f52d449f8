//! Wrong passphrases, and the waits they cost. It must never let a restart or a clock that was set back shorten one.

use prokura_domain::Timestamp;

/// So many wrong passphrases cost no time: fingers slip.
const SLIPS: u32 = 2;
/// The first delay, and the longest one, in seconds.
const DELAYS: (i64, i64) = (5, 3600);

/// Wrong passphrases since the last right one.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(super) struct Tries {
    pub wrong: u32,
    /// When the last one came.
    pub at: i64,
}

impl Tries {
    pub fn read(text: &str) -> Option<Self> {
        let (wrong, at) = text.split_once(' ')?;
        Some(Self { wrong: wrong.parse().ok()?, at: at.parse().ok()? })
    }

    pub fn to_text(self) -> String {
        format!("{} {}", self.wrong, self.at)
    }

    /// What the next one has to wait after the last, in seconds.
    pub fn delay(self) -> i64 {
        let Some(more) = self.wrong.checked_sub(SLIPS + 1) else { return 0 };
        let (first, longest) = DELAYS;
        first.checked_shl(more.min(20)).unwrap_or(longest).min(longest)
    }

    /// How long it still has to wait. A clock that was set back does not shorten it, and does not make it endless.
    pub fn left(self, now: Timestamp) -> i64 {
        let gone = now.millis_since(Timestamp(self.at)).max(0);
        let left = self.delay() * 1000 - gone;
        (left.max(0) + 999) / 1000
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_delay_grows_to_an_hour_and_a_clock_that_was_set_back_shortens_nothing() {
        let delays: Vec<i64> = (0..16).map(|wrong| Tries { wrong, at: 0 }.delay()).collect();
        assert_eq!(
            delays,
            [0, 0, 0, 5, 10, 20, 40, 80, 160, 320, 640, 1280, 2560, 3600, 3600, 3600]
        );
        assert_eq!(Tries { wrong: u32::MAX, at: 0 }.delay(), 3600);
        let tries = Tries { wrong: 4, at: 1_000_000 };
        assert_eq!(tries.left(Timestamp(1_000_000)), 10);
        assert_eq!(tries.left(Timestamp(1_009_001)), 1);
        assert_eq!(tries.left(Timestamp(1_010_000)), 0);
        assert_eq!(tries.left(Timestamp(0)), 10);
        assert_eq!(Tries::read(&tries.to_text()), Some(tries));
    }
}
