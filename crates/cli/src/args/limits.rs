//! How much an agent may take.

use clap::Args as ClapArgs;
use prokura_api::request::LimitsWish;

#[derive(Debug, ClapArgs)]
pub struct Limits {
    pub name: String,
    /// Requests under way at once.
    #[arg(long, value_name = "N")]
    pub at_once: Option<u32>,
    /// Messages in a minute; 0 is without a limit.
    #[arg(long, value_name = "N")]
    pub per_minute: Option<u32>,
    /// The largest message it may send, in KiB.
    #[arg(long, value_name = "KIB")]
    pub message: Option<u32>,
    /// The largest answer it is given, in KiB.
    #[arg(long, value_name = "KIB")]
    pub answer: Option<u32>,
    /// Everything that is not named as it was at first.
    #[arg(long)]
    pub reset: bool,
}

impl Limits {
    /// Whether it changes anything.
    pub fn changes(&self) -> bool {
        let named = [self.at_once, self.per_minute, self.message, self.answer];
        self.reset || named.iter().any(Option::is_some)
    }

    pub fn wish(self) -> LimitsWish {
        LimitsWish {
            agent: self.name,
            under_way: self.at_once,
            per_minute: self.per_minute,
            message_kib: self.message,
            answer_kib: self.answer,
            reset: self.reset,
        }
    }
}
