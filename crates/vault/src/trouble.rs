//! What keeps a Vault from opening, so that everybody who tells of it says the same and the right thing to do.

/// What keeps a Vault from opening.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Trouble {
    /// There is no keyring, or it cannot be used.
    NoKeyring,
    /// The keyring is locked.
    Locked,
    /// The person dismissed the keyring's prompt.
    Dismissed,
    /// The keyring does not answer, or waits for the person.
    Silent,
    /// The keyring does not hold the key of this data folder.
    Missing,
    /// The keyring holds another key than that of this data folder.
    Replaced,
    /// What the keyring holds is no key.
    Damaged,
}

impl Trouble {
    /// All of them.
    pub const ALL: [Self; 7] = [
        Self::NoKeyring,
        Self::Locked,
        Self::Dismissed,
        Self::Silent,
        Self::Missing,
        Self::Replaced,
        Self::Damaged,
    ];

    /// What the person can do, and what happens by itself.
    #[must_use]
    pub fn advice(self) -> &'static str {
        match self {
            Self::NoKeyring => {
                "Start the keyring of your desktop (gnome-keyring, KWallet); Prokura tries again by itself. Where there is \
                 none, start Prokura with --vault-key-file or --vault-passphrase-file on a new data folder."
            }
            Self::Locked | Self::Dismissed => {
                "Unlock the keyring of your desktop; Prokura tries again by itself. Nothing is lost meanwhile."
            }
            Self::Silent => {
                "Answer the keyring's prompt, which may be behind another window, or start the keyring again. Prokura tries \
                 again by itself."
            }
            Self::Missing => {
                "If this folder came from another machine or a backup, bring the keyring of that machine too. Otherwise what \
                 was sealed cannot be opened any more: remove vault.json from the data folder, start Prokura again and sign \
                 in anew. Servers, grants and records stay."
            }
            Self::Replaced => {
                "Restore the keyring that belongs to this data folder. Prokura writes nothing with the other key."
            }
            Self::Damaged => "Restore the keyring from a backup; its entry is named above.",
        }
    }
}
