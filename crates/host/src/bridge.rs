//! The other end of the socket for Agents: what `prokura stdio` uses to join its own standard input and output to the
//! Host that runs, and what it understands of the Host's own words. It only carries bytes.

use std::path::Path;

use prokura_api::{Failure, FailureCode};
use tokio::io::AsyncWriteExt as _;
use tokio::net::UnixStream;

use crate::door::{Cut, Hello};
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

/// The Host's last words, where a line is no message but says that it cut the connection.
#[must_use]
pub fn cut(line: &[u8]) -> Option<String> {
    if !line.starts_with(br#"{"prokura":"#) {
        return None;
    }
    serde_json::from_slice::<Cut>(line).ok().map(|cut| cut.cut)
}

/// The code and message of the error in a response.
#[must_use]
pub fn said(response: &[u8]) -> (i64, String) {
    let said: Option<serde_json::Value> = serde_json::from_slice(response).ok();
    let error = said.as_ref().and_then(|said| said.get("error"));
    let code = error.and_then(|error| error.get("code")?.as_i64());
    let text = error.and_then(|error| error.get("message")?.as_str());
    let text = text.unwrap_or("Prokura does not let this program in.").to_owned();
    (code.unwrap_or_default(), text)
}
