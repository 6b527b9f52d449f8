//! Signing in from a terminal: in the browser, by a code, by pasting, or as a program. It must never print a token.

use std::io::{BufRead as _, IsTerminal as _, Write as _};
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use prokura_api::{AccountWish, ClientWish, Failure, MachineWish, Request, SignInChoice};
use prokura_host::control::Client;
use serde_json::{Value, json};

use crate::args;
use crate::ask::{ask, bad, from_stdin, internal};
use crate::show;

/// Where to sign in, and how to tell of it.
pub struct Place {
    pub server: String,
    pub account: Option<String>,
    pub print_url: bool,
    pub json: bool,
}

pub async fn run(
    data: &Path,
    place: Place,
    words: args::Choice,
    machine: args::Machine,
) -> Result<ExitCode, Failure> {
    if let Some(machine) = machine_wish(machine)? {
        let (server, account) = (place.server, place.account);
        let wish = Request::SignInMachine { server, account, machine, scopes: None };
        show::print(&ask(data, &wish).await?, place.json);
        return Ok(ExitCode::SUCCESS);
    }
    let mut choice = SignInChoice {
        another: words.another,
        scopes: None,
        issuer: words.issuer,
        device: words.device,
    };
    let is_for_people = !place.json && !place.print_url;
    let unsure = is_for_people && !words.device && !words.paste && is_far_from_browsers();
    if words.plan || unsure || !words.without.is_empty() {
        let plan = ask(data, &plan_wish(&place, &choice)).await?;
        if words.plan {
            show::print(&plan, place.json);
            return Ok(ExitCode::SUCCESS);
        }
        choice.scopes = without(&plan, &words.without)?;
        // No browser can be opened here: a code is the better way where there is one.
        choice.device |= unsure && plan.get("device") == Some(&Value::Bool(true));
    }
    browse(data, place, choice, words.paste).await
}

fn plan_wish(place: &Place, choice: &SignInChoice) -> Request {
    Request::Account(AccountWish::Plan {
        server: place.server.clone(),
        account: place.account.clone(),
        choice: choice.clone(),
    })
}

/// The planned scopes without those that are left out; `None` where all stay.
fn without(plan: &Value, left: &[String]) -> Result<Option<Vec<String>>, Failure> {
    if left.is_empty() {
        return Ok(None);
    }
    let planned: Vec<String> = plan
        .get("scopes")
        .and_then(Value::as_array)
        .into_iter()
        .flatten()
        .filter_map(|scope| scope.get("name").and_then(Value::as_str).map(str::to_owned))
        .collect();
    if let Some(unknown) = left.iter().find(|scope| !planned.contains(scope)) {
        return Err(bad(
            format!("\"{unknown}\" is not asked for."),
            "See what is asked for with `prokura servers sign-in NAME --plan`.",
        ));
    }
    Ok(Some(planned.into_iter().filter(|scope| !left.contains(scope)).collect()))
}

async fn browse(
    data: &Path,
    place: Place,
    choice: SignInChoice,
    paste: bool,
) -> Result<ExitCode, Failure> {
    let mut client = Client::connect(data).await?;
    let Place { server, account, print_url, json } = place;
    let started = client.ask(&Request::SignIn { server, account, choice }).await?;
    follow(client, &started, (print_url, json), paste).await
}

/// Signs in again for what a question asks for.
pub async fn give(data: &Path, approval: String, json: bool) -> Result<ExitCode, Failure> {
    let mut client = Client::connect(data).await?;
    let wish = Request::Account(AccountWish::Give { approval });
    let started = client.ask(&wish).await?;
    follow(client, &started, (false, json), false).await
}

/// Tells of a sign-in that was started, and waits until it is over.
async fn follow(
    mut client: Client,
    started: &Value,
    (print_url, json): (bool, bool),
    paste: bool,
) -> Result<ExitCode, Failure> {
    let text = |name: &str| text_of(started, name);
    let (url, device) = (text("url"), started.get("device").filter(|device| !device.is_null()));
    if json {
        let said = json!({
            "url": url,
            "issuer": text("issuer"),
            "resource": text("resource"),
            "device": device,
        });
        println!("{said}");
    } else if print_url {
        println!("{url}");
    } else if let Some(device) = device {
        println!(
            "Open {} in a browser on any device and enter this code:\n\n  {}\n\nIt holds until {}. Waiting …",
            text_of(device, "page"),
            text_of(device, "code"),
            text_of(device, "expires_at")
        );
    } else {
        println!("Open this page in your browser to sign in:\n\n  {url}\n");
    }
    let sign_in = text("sign_in");
    if paste {
        bring(&mut client, &sign_in, json).await?;
    } else if !json && !print_url && device.is_none() {
        println!("Waiting … (where the browser runs on another machine, start again with --paste)");
    }
    let account = client.ask(&Request::SignInWait { sign_in }).await?;
    if !json && !print_url {
        println!("Signed in as {}.", text_of(&account, "name"));
    }
    Ok(ExitCode::SUCCESS)
}

/// Reads the address that the browser ended at, until it is the right one.
async fn bring(client: &mut Client, sign_in: &str, json: bool) -> Result<(), Failure> {
    loop {
        if !json {
            println!(
                "Afterwards the browser shows a page that it cannot open. Copy its address and paste it here:"
            );
            print!("> ");
            std::io::stdout().flush().map_err(internal)?;
        }
        let mut line = String::new();
        if std::io::stdin().lock().read_line(&mut line).map_err(internal)? == 0 {
            client.ask(&Request::SignInCancel { sign_in: sign_in.to_owned() }).await?;
            return Err(bad("Nothing was pasted.".to_owned(), "Start the sign-in again."));
        }
        let wish = AccountWish::Paste { sign_in: sign_in.to_owned(), address: line };
        match client.ask(&Request::Account(wish)).await {
            Ok(_) => return Ok(()),
            Err(failure) if !json && std::io::stdin().is_terminal() => {
                println!("{} {}", failure.message, failure.hint);
            }
            Err(failure) => return Err(failure),
        }
    }
}

fn text_of(value: &Value, name: &str) -> String {
    show::escaped(value.get(name).and_then(Value::as_str).unwrap_or_default())
}

/// Whether no browser can be opened here: at the other end of SSH, or on a machine without a screen.
fn is_far_from_browsers() -> bool {
    let is_set = |name: &str| std::env::var_os(name).is_some_and(|value| !value.is_empty());
    let has_screen = is_set("DISPLAY") || is_set("WAYLAND_DISPLAY");
    is_set("SSH_CONNECTION") || (cfg!(target_os = "linux") && !has_screen)
}

pub fn client_wish(words: args::Client) -> Result<ClientWish, Failure> {
    Ok(match words {
        args::Client { secret_stdin: true, .. } => ClientWish::Secret(from_stdin()?),
        args::Client { key_file: Some(path), algorithm, key_id, .. } => {
            let read = std::fs::read_to_string(&path);
            let pem = read.map_err(|error| {
                bad(format!("{}: {error}.", path.display()), "Give a PEM file that you can read.")
            })?;
            ClientWish::Key { pem, algorithm, kid: key_id }
        }
        args::Client { new_key: true, .. } => ClientWish::NewKey,
        args::Client { .. } => ClientWish::Nothing,
    })
}

fn machine_wish(words: args::Machine) -> Result<Option<MachineWish>, Failure> {
    // The Host reads the file again later, from wherever it runs.
    let whole = |path: PathBuf| {
        let path = std::path::absolute(&path).unwrap_or(path);
        path.to_string_lossy().into_owned()
    };
    Ok(match words {
        args::Machine { client: true, .. } => Some(MachineWish::Client),
        args::Machine { workload: Some(path), .. } => {
            Some(MachineWish::Workload { token_file: whole(path) })
        }
        args::Machine {
            enterprise: Some(issuer),
            idp_client: Some(client_id),
            id_token_file: Some(path),
            idp_secret_stdin,
            ..
        } => Some(MachineWish::Enterprise {
            issuer,
            client_id,
            client_secret: if idp_secret_stdin { Some(from_stdin()?) } else { None },
            id_token_file: whole(path),
        }),
        args::Machine { .. } => None,
    })
}
