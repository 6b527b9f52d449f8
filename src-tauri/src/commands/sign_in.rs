//! Signing in and out. The page of a sign-in opens in the person's browser, never in a window of this program.

use prokura_api::view::{AccountView, PlanView, ServerView, SignInView};
use prokura_api::{ClientWish, Failure, FailureCode, MachineWish, SignInChoice};
use url::Url;

use super::{Answer, Behind};

#[tauri::command]
pub(crate) async fn sign_in(
    host: Behind<'_>,
    server: String,
    account: Option<String>,
    choice: SignInChoice,
) -> Answer<SignInView> {
    host.api().await?.sign_in(server, account, choice).await
}

#[tauri::command]
pub(crate) async fn sign_in_plan(
    host: Behind<'_>,
    server: String,
    account: Option<String>,
    choice: SignInChoice,
) -> Answer<PlanView> {
    host.api().await?.sign_in_plan(server, account, choice).await
}

#[tauri::command]
pub(crate) async fn sign_in_paste(
    host: Behind<'_>,
    sign_in: String,
    address: String,
) -> Answer<()> {
    host.api().await?.sign_in_paste(sign_in, address).await
}

#[tauri::command]
pub(crate) async fn sign_in_machine(
    host: Behind<'_>,
    server: String,
    account: Option<String>,
    machine: MachineWish,
) -> Answer<AccountView> {
    host.api().await?.sign_in_machine(server, account, machine, None).await
}

#[tauri::command]
pub(crate) async fn account_rename(
    host: Behind<'_>,
    server: String,
    account: String,
    name: String,
) -> Answer<AccountView> {
    host.api().await?.account_rename(server, account, name).await
}

#[tauri::command]
pub(crate) async fn scopes_ask_again(
    host: Behind<'_>,
    server: String,
    account: String,
) -> Answer<AccountView> {
    host.api().await?.scopes_ask_again(server, account).await
}

#[tauri::command]
pub(crate) async fn account_use(
    host: Behind<'_>,
    server: String,
    account: String,
    agent: String,
) -> Answer<AccountView> {
    host.api().await?.account_use(server, account, agent).await
}

#[tauri::command]
pub(crate) async fn server_except(
    host: Behind<'_>,
    server: String,
    exception: String,
    holds: bool,
) -> Answer<ServerView> {
    host.api().await?.server_except(server, exception, holds).await
}

#[tauri::command]
pub(crate) async fn redirect(
    host: Behind<'_>,
    server: String,
    port: Option<u16>,
) -> Answer<String> {
    host.api().await?.redirect(server, port).await
}

#[tauri::command]
pub(crate) async fn open_page(url: String) -> Answer<()> {
    open::that_detached(web_page(&url)?.as_str()).map_err(|error| no_browser(&error))
}

#[tauri::command]
pub(crate) async fn sign_in_wait(host: Behind<'_>, sign_in: String) -> Answer<AccountView> {
    host.api().await?.sign_in_wait(sign_in).await
}

#[tauri::command]
pub(crate) async fn sign_in_cancel(host: Behind<'_>, sign_in: String) -> Answer<()> {
    host.api().await?.sign_in_cancel(sign_in).await
}

#[tauri::command]
pub(crate) async fn client_set(
    host: Behind<'_>,
    server: String,
    client_id: String,
    proof: ClientWish,
) -> Answer<Option<String>> {
    host.api().await?.client_set(server, client_id, proof).await
}

#[tauri::command]
pub(crate) async fn key_set(
    host: Behind<'_>,
    server: String,
    header: String,
    key: String,
) -> Answer<AccountView> {
    host.api().await?.key_set(server, header, key).await
}

#[tauri::command]
pub(crate) async fn sign_out(
    host: Behind<'_>,
    server: String,
    account: Option<String>,
) -> Answer<Vec<String>> {
    host.api().await?.sign_out(server, account).await
}

/// Only web pages: a file or a program must never be opened because a server named it.
fn web_page(url: &str) -> Answer<Url> {
    Url::parse(url).ok().filter(|page| matches!(page.scheme(), "http" | "https")).ok_or_else(|| {
        Failure::new(
            FailureCode::BadRequest,
            "This is not the address of a web page, so it was not opened.",
            "Sign in again; if it stays, the server's sign-in is broken.",
        )
    })
}

fn no_browser(error: &std::io::Error) -> Failure {
    Failure::new(
        FailureCode::Internal,
        format!("No browser could be opened: {error}."),
        "Set a default browser, or sign in with `prokura servers sign-in`, which prints the address.",
    )
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    #[test]
    fn only_web_pages_are_opened() {
        for page in ["https://login.example/authorize?x=1", "http://127.0.0.1:8080/a"] {
            assert_eq!(web_page(page).unwrap().as_str(), page);
        }
        for other in
            ["file:///etc/passwd", "javascript:alert(1)", "ssh://host", "--help", "/bin/sh", ""]
        {
            assert_eq!(web_page(other).unwrap_err().code, FailureCode::BadRequest, "{other}");
        }
    }
}
