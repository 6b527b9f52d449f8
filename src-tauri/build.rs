//! Builds Tauri's context from the configuration at the top of the repository. Every command needs a permission: what no
//! capability file names, no window can call.

use std::process::ExitCode;

#[path = "src/commands/names.rs"]
mod names;

fn main() -> ExitCode {
    println!("cargo:rerun-if-changed=src-tauri/capabilities");
    println!("cargo:rerun-if-changed=src-tauri/src/commands/names.rs");
    println!("cargo:rerun-if-changed=ui/dist");
    let attributes = tauri_build::Attributes::new()
        .capabilities_path_pattern("./src-tauri/capabilities/**/*")
        .app_manifest(tauri_build::AppManifest::new().commands(names::NAMES));
    if let Err(error) = tauri_build::try_build(attributes) {
        println!("cargo:warning={error:#}");
        return ExitCode::FAILURE;
    }
    ExitCode::SUCCESS
}
