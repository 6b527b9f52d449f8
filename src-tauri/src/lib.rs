//! The Shell: the windows, the tray and the commands around one Host. It shows and passes on; it must never decide, keep
//! state of its own, or be known by anything below it.

mod commands;
mod keys;
mod links;
mod prompter;
mod running;
mod tray;
mod windows;

use std::path::PathBuf;
use std::sync::Arc;

use prokura_domain::Change;
use prokura_host::{Host, Options, VaultChoice};
use tauri::{AppHandle, Builder, Emitter as _, Manager as _, RunEvent, Runtime};
use tokio::sync::broadcast::Receiver;
use tokio::sync::broadcast::error::RecvError;

use crate::prompter::WindowPrompter;

pub use commands::NAMES;
pub use running::Running;
pub use windows::{APPROVAL, MAIN};

/// The parts of the program that do not depend on how windows are drawn: state, commands, what closing a window means.
pub fn wire<R: Runtime>(builder: Builder<R>, running: Running) -> Builder<R> {
    let builder = builder.manage(running).manage(keys::PauseKeys::default());
    commands::register(builder.manage(links::Links::default())).on_window_event(windows::on_event)
}

/// Runs the program until the person quits.
///
/// # Errors
/// When no window can be made at all.
pub fn run(data: PathBuf, vault: VaultChoice, link: Option<String>) -> anyhow::Result<()> {
    let (running, started) = Running::starting();
    let builder = Builder::default().plugin(tauri_plugin_single_instance::init(|app, words, _| {
        windows::show_main(app);
        links::follow(app, &words);
    }));
    let app = wire(builder, running)
        .setup(move |app| {
            let handle = app.handle().clone();
            windows::open_main(&handle)?;
            tray::build(&handle);
            links::follow(&handle, link.as_slice());
            let prompter = WindowPrompter::new(handle.clone());
            tauri::async_runtime::spawn(async move {
                let options = Options {
                    data,
                    port: None,
                    vault,
                    prompter: Arc::new(prompter.clone()),
                    client_document: None,
                    new_port: false,
                };
                let host = Host::start(options).await;
                if let Ok(host) = &host {
                    tauri::async_runtime::spawn(pass_on(handle.clone(), host.changes()));
                    prompter.recall(&host.api()).await;
                }
                started.send(host);
                keys::follow(&handle).await;
            });
            tauri::async_runtime::spawn(quit_on_signal(app.handle().clone()));
            Ok(())
        })
        .build(tauri::generate_context!())?;
    app.run(|app, event| {
        if matches!(event, RunEvent::Exit) {
            tauri::async_runtime::block_on(app.state::<Running>().stop());
        }
        // There links do not come as words of a command.
        #[cfg(target_os = "macos")]
        if let RunEvent::Opened { urls } = &event {
            links::follow(app, &urls.iter().map(ToString::to_string).collect::<Vec<_>>());
        }
    });
    Ok(())
}

/// Tells all windows what changed, so that they ask again.
async fn pass_on<R: Runtime>(app: AppHandle<R>, mut changes: Receiver<Change>) {
    loop {
        let told = match changes.recv().await {
            Ok(change) => vec![change],
            Err(RecvError::Lagged(_)) => EVERYTHING.to_vec(),
            Err(RecvError::Closed) => return,
        };
        for change in told {
            if let Err(error) = app.emit("changed", change) {
                tracing::warn!(%error, "the windows were not told of a change");
            }
            if matches!(change, Change::State) {
                tray::refresh(&app).await;
                keys::follow(&app).await;
            }
        }
    }
}

const EVERYTHING: [Change; 9] = [
    Change::Servers,
    Change::Accounts,
    Change::Tools,
    Change::Agents,
    Change::Grants,
    Change::Guardrails,
    Change::Approvals,
    Change::Audit,
    Change::State,
];

/// A session that ends, or a terminal that is closed, stops the Host in good order.
#[cfg(unix)]
async fn quit_on_signal<R: Runtime>(app: AppHandle<R>) {
    use tokio::signal::unix::{SignalKind, signal};
    let (Ok(mut end), Ok(mut interrupt)) =
        (signal(SignalKind::terminate()), signal(SignalKind::interrupt()))
    else {
        return;
    };
    tokio::select! { _ = end.recv() => {} _ = interrupt.recv() => {} }
    app.exit(0);
}

#[cfg(not(unix))]
async fn quit_on_signal<R: Runtime>(app: AppHandle<R>) {
    if tokio::signal::ctrl_c().await.is_ok() {
        app.exit(0);
    }
}
