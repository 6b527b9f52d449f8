//! The words about approvals.

use clap::{Args as ClapArgs, Subcommand, ValueEnum};

#[derive(Debug, Subcommand)]
pub enum Approvals {
    /// List what waits for you.
    List {
        /// Settled ones too.
        #[arg(long)]
        all: bool,
    },
    /// Show a question in full: who, as whom, what, why, every argument.
    Show { id: String },
    /// Show every question as it comes, and answer it here.
    Watch,
    /// How questions were answered in the last days.
    Told,
    /// What happens to new questions: off (they come to the front), wait or deny.
    DoNotDisturb { mode: String },
    /// Whether new questions come as notifications of the desktop too; they can open and deny, never allow.
    Notices { switch: Switch },
    /// The keys that pause all agents while the window runs, such as Ctrl+Alt+P; off is none.
    PauseKeys { keys: String },
    /// What a yes has to be given with: list.
    Levels,
    /// What a yes has to be given with: set. To ask for less than before, the passphrase is read from the terminal or
    /// standard input.
    Level {
        /// class:destructive, server:NAME, tool:SERVER/TOOL or grant:ID.
        scope: String,
        level: LevelWord,
    },
    /// Set or change the approval passphrase. It is read from the terminal, or from standard input: the old one first where
    /// there is one, then the new one, each on a line of its own.
    Passphrase,
    /// Answer a question. Where a yes needs the approval passphrase, it is read from the terminal or standard input.
    Answer {
        id: String,
        answer: AnswerWord,
        #[command(flatten)]
        more: Box<AnswerMore>,
    },
}

#[derive(Debug, ClapArgs)]
pub struct AnswerMore {
    /// Allow the same arguments again for this long, such as 15m or 8h.
    #[arg(long = "for", value_name = "TIME")]
    pub time: Option<String>,
    /// With --for: allow the same tool, with the argument at this JSON pointer held fixed; may be given several times.
    #[arg(long, value_name = "POINTER", requires = "time")]
    pub hold: Vec<String>,
    /// With --for: allow the same tool, with every argument held fixed that says whom or what it reaches.
    #[arg(long, requires = "time")]
    pub hold_targets: bool,
    /// With --for: allow the same tool with any arguments.
    #[arg(long, requires = "time", conflicts_with_all = ["hold", "hold_targets"])]
    pub hold_nothing: bool,
    /// With fill: what to put into a field; several times for a field that takes several values. An empty VALUE leaves
    /// the field out.
    #[arg(long, value_name = "NAME=VALUE")]
    pub field: Vec<String>,
    /// What the agent is told when you deny.
    #[arg(long)]
    pub note: Option<String>,
    /// When you deny: pause this agent too.
    #[arg(long, conflicts_with = "time")]
    pub pause: bool,
    /// For a sign-in: the number that the page shows, or the code that the agent shows. Asked for when left out.
    #[arg(long)]
    pub number: Option<String>,
    /// For a sign-in: the agent it comes in as.
    #[arg(long, conflicts_with = "new_agent")]
    pub agent: Option<String>,
    /// For a sign-in: the name of a new agent it comes in as, without grants.
    #[arg(long, value_name = "NAME")]
    pub new_agent: Option<String>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum AnswerWord {
    /// Yes; of a page that a server wants you to visit: its address is printed for you to open.
    Allow,
    /// No; a server that asks is told that you declined.
    Deny,
    /// Send what a server's form asks for: its defaults, and what --field says.
    Fill,
    /// Neither: a server that asks is told that you cancelled.
    Cancel,
}

/// What a yes has to be given with.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum LevelWord {
    /// A click, or a command.
    Click,
    /// The approval passphrase.
    Passphrase,
    /// The system's own dialog, each time.
    Presence,
}

impl LevelWord {
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Click => "click",
            Self::Passphrase => "passphrase",
            Self::Presence => "presence",
        }
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum Switch {
    On,
    Off,
}
