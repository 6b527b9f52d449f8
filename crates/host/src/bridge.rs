//! The other end of the socket for Agents: what `prokura stdio` uses to join its own standard input and output to the
//! Host that runs. It only carries bytes.

use std::path::Path;

use prokura_api::{Failure, FailureCode};
use tokio::io::AsyncWriteExt as _;
use tokio::net::UnixStream;

use crate::door::Hello;
use crate::folder::agents_socket_of;

/// Joins the Host that runs on `data`, as `agent`, for all Servers or one.
///
/// # Errors
/// [`Failure`] that says how to start one.
pub async fn join(data: &Path, agent: &str, server: Option<&str>) -> Result<UnixStream, Failure> {
    let none = |_| {
        Failure::new(
            FailureCode::Unreachable,
            format!("No Prokura is running on {}.", data.display()),
            "Start the Prokura window, or run `prokura serve` in a terminal.",
        )
    };
    let folder = data.canonicalize().map_err(none)?;
    let mut stream = UnixStream::connect(agents_socket_of(&folder)).await.map_err(none)?;
    crate::control::same_owner(&stream, &folder)?;
    let hello = Hello { prokura: 1, agent: agent.to_owned(), server: server.map(str::to_owned) };
    let mut line = serde_json::to_vec(&hello).unwrap_or_default();
    line.push(b'\n');
    stream.write_all(&line).await.map_err(none)?;
    Ok(stream)
}
