//! Backups: everything that is remembered, with its key, in one file that a passphrase opens.

use std::path::{Path, PathBuf};

use prokura_domain::level::Passphrase;

use crate::Api;
use crate::audit::SavedView;
use crate::failure::{Failure, FailureCode};

/// A backup is attacked where nobody limits the tries, so its passphrase is longer than the one of approvals.
const SHORTEST: usize = 12;

impl Api {
    /// Writes a backup, into the exports of the data folder where no file is named. That it was made is recorded first, and so
    /// in the backup too.
    ///
    /// # Errors
    /// [`Failure`] when the passphrase is too short, the vault is locked, or the file is there already.
    pub async fn back_up(
        &self,
        passphrase: String,
        to: Option<String>,
    ) -> Result<SavedView, Failure> {
        let passphrase = Passphrase::new(passphrase);
        if passphrase.expose().chars().count() < SHORTEST {
            return Err(Failure::new(
                FailureCode::BadRequest,
                format!("The passphrase has fewer than {SHORTEST} characters."),
                "Take several words: whoever has the file can try as often as they like.",
            ));
        }
        let path = match to {
            Some(to) if Path::new(&to).is_absolute() => PathBuf::from(to),
            Some(to) => {
                return Err(Failure::new(
                    FailureCode::BadRequest,
                    format!("{to} is no full path."),
                    "Name the file from the root of the disk on.",
                ));
            }
            None => {
                let path = self.export_path("backup");
                let name = path.file_name().unwrap_or_default().to_string_lossy();
                path.with_file_name(name.replacen("audit-", "prokura-", 1))
            }
        };
        let records = self.note_export("backup").await?;
        let around = std::sync::Arc::clone(&self.0.surroundings);
        let place = path.clone();
        let done = tokio::task::spawn_blocking(move || around.back_up(&passphrase, &place)).await;
        done.map_err(|error| Failure::from(std::io::Error::other(error)))??;
        Ok(SavedView { path: path.display().to_string(), records })
    }
}
