//! Why a program's settings cannot be read or changed, each with what to do next. It never quotes a value of the file.

use std::path::PathBuf;

/// Why a program's settings cannot be read or changed. Nothing was written when one of these comes.
#[derive(Debug, thiserror::Error)]
pub enum WiringError {
    /// There is no such program in the list.
    #[error("there is no program \"{0}\" in the list; `prokura wire list` shows all")]
    Unknown(String),
    /// The program takes no entry of this kind.
    #[error("{program} cannot be connected {way}; choose another way")]
    NoSuchWay {
        /// The program's name.
        program: String,
        /// The way that was asked for.
        way: &'static str,
    },
    /// The file is not what it should be.
    #[error("{} cannot be understood ({reason}); mend it by hand, nothing was changed", .file.display())]
    Unreadable {
        /// The file.
        file: PathBuf,
        /// What is wrong and where, without any of its values.
        reason: String,
    },
    /// The file is not the one that was shown.
    #[error("{} was changed meanwhile; look at the difference again", .0.display())]
    Changed(PathBuf),
    /// There is no such server in the file.
    #[error("{} has no server \"{name}\"", .file.display())]
    NoEntry {
        /// The file.
        file: PathBuf,
        /// The name that was asked for.
        name: String,
    },
    /// The result would not say exactly what was asked for.
    #[error("{} is written in a way that cannot be changed safely; add the entry by hand, nothing was changed", .0.display())]
    Unsafe(PathBuf),
    /// The file cannot be read or written.
    #[error("{} cannot be {what}: {source}", .file.display())]
    File {
        /// The file.
        file: PathBuf,
        /// What was tried.
        what: &'static str,
        /// The system's reason.
        #[source]
        source: std::io::Error,
    },
}
