//! Words about grants, one or many at once.

use clap::{Args as ClapArgs, Subcommand, ValueEnum};

#[derive(Debug, Subcommand)]
pub enum Grants {
    /// Make a grant.
    Add(Box<GrantAdd>),
    /// List the grants in force.
    List {
        /// Expired and revoked ones too.
        #[arg(long)]
        all: bool,
        /// Only those that no call went through for 30 days or more.
        #[arg(long, conflicts_with = "all")]
        unused: bool,
    },
    /// Change the effect or the end of grants: all that are named, or none.
    Change {
        #[arg(required = true, value_name = "ID")]
        ids: Vec<String>,
        /// What happens to such a call from now on.
        #[arg(long, required_unless_present = "until")]
        effect: Option<EffectWord>,
        /// Until when: RFC 3339, a time from now such as 15m, 8h, 30d, or never.
        #[arg(long)]
        until: Option<String>,
    },
    /// Take grants back: all that are named, or none.
    Revoke {
        #[arg(required = true, value_name = "ID")]
        ids: Vec<String>,
    },
    /// Make the grants of a preset: read-only, ask-for-everything, reads-allowed-writes-ask. Shows them, and makes them only
    /// with --yes.
    Preset {
        preset: String,
        /// Who may.
        #[arg(long)]
        agent: String,
        /// Where.
        #[arg(long)]
        server: String,
        /// As whom; omitted: every account of that server.
        #[arg(long)]
        account: Option<String>,
        /// Until when: RFC 3339, or a time from now such as 15m, 8h, 30d.
        #[arg(long)]
        until: Option<String>,
        /// Make them.
        #[arg(long)]
        yes: bool,
    },
    /// Give an agent what another one has. Shows it, and does it only with --yes.
    Copy {
        /// Who has them.
        #[arg(long)]
        from: String,
        /// Who gets them.
        #[arg(long)]
        to: String,
        /// Only at this server.
        #[arg(long)]
        server: Option<String>,
        /// Do it.
        #[arg(long)]
        yes: bool,
    },
}

#[derive(Debug, ClapArgs)]
pub struct GrantAdd {
    /// Who may.
    #[arg(long)]
    pub agent: String,
    /// Where.
    #[arg(long)]
    pub server: String,
    /// As whom; omitted: every account of that server.
    #[arg(long)]
    pub account: Option<String>,
    /// A tool name, a glob (* and ?), or class:read, class:write, class:destructive, class:admin.
    #[arg(long)]
    pub tools: Option<String>,
    /// A glob over resource URIs.
    #[arg(long)]
    pub resources: Option<String>,
    /// A glob over prompt names.
    #[arg(long)]
    pub prompts: Option<String>,
    /// A glob over other methods.
    #[arg(long)]
    pub methods: Option<String>,
    /// What happens to such a call.
    #[arg(long)]
    pub effect: EffectWord,
    /// A condition on the arguments, such as "/amount <= 500"; may be given several times, and then all have to be true.
    /// OP is one of = != < <= > >= in glob under host len<= matches absent; VALUE is JSON, else a string.
    #[arg(long = "where", value_name = "POINTER OP VALUE")]
    pub conditions: Vec<String>,
    /// How much may go through it in any such period: N/PERIOD for calls, such as 20/1h, or "sum(/amount)<=500/1d" for
    /// amounts.
    #[arg(long, value_name = "N/PERIOD")]
    pub budget: Option<String>,
    /// Until when: RFC 3339, or a time from now such as 15m, 8h, 30d.
    #[arg(long)]
    pub until: Option<String>,
    /// A note.
    #[arg(long)]
    pub note: Option<String>,
    /// With --effect ask: what a yes has to be given with.
    #[arg(long, value_enum)]
    pub level: Option<super::LevelWord>,
}

#[derive(Debug, Clone, Copy, ValueEnum)]
pub enum EffectWord {
    Allow,
    Ask,
    Deny,
}

impl EffectWord {
    pub fn word(self) -> String {
        match self {
            Self::Allow => "allow",
            Self::Ask => "ask",
            Self::Deny => "deny",
        }
        .to_owned()
    }
}
