//! The bill of materials: CycloneDX 1.6, in JSON. What it lists is what `parts` found.

use std::path::Path;

use anyhow::Result;
use serde_json::{Value, json};

use super::Bench;
use super::parts::{Part, Parts};

pub fn write(bench: &Bench, parts: &Parts, file: &Path) -> Result<()> {
    Ok(std::fs::write(file, serde_json::to_vec_pretty(&document(bench, parts))?)?)
}

fn document(bench: &Bench, parts: &Parts) -> Value {
    let own = format!("pkg:generic/prokura@{}", bench.version);
    let mut needs = vec![json!({ "ref": own, "dependsOn": parts.direct })];
    needs
        .extend(parts.all.values().map(|part| json!({ "ref": part.url, "dependsOn": part.needs })));
    json!({
        "$schema": "http://cyclonedx.org/schema/bom-1.6.schema.json",
        "bomFormat": "CycloneDX",
        "specVersion": "1.6",
        "version": 1,
        "metadata": {
            "timestamp": bench.written,
            "component": {
                "type": "application", "bom-ref": own, "name": "prokura", "version": bench.version, "purl": own,
                "licenses": [{ "expression": "Apache-2.0 OR MIT" }],
            },
        },
        "components": parts.all.values().map(component).collect::<Vec<_>>(),
        "dependencies": needs,
    })
}

fn component(part: &Part) -> Value {
    let mut component = json!({
        "type": "library", "bom-ref": part.url, "name": part.name, "version": part.version, "purl": part.url,
        "scope": "required",
    });
    if let Some(members) = component.as_object_mut() {
        if let Some(licence) = &part.licence {
            members.insert("licenses".to_owned(), json!([{ "expression": licence }]));
        }
        if let Some((how, digits)) = &part.hash {
            members.insert("hashes".to_owned(), json!([{ "alg": how, "content": digits }]));
        }
    }
    component
}
