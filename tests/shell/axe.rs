//! What axe-core finds on a page: the roles, names and contrasts that a screen reader and tired eyes live on.

use std::path::Path;

use crate::driver::Driver;

/// Runs it on what is shown now; what is serious or critical comes back in words.
const RUN: &str = "
    const done = arguments[arguments.length - 1];
    const heavy = (found) => found.violations.filter((one) => ['serious', 'critical'].includes(one.impact));
    const words = (one) => one.id + ': ' + one.nodes.slice(0, 4).map((node) => node.html.slice(0, 160) + ' — ' + (node.any[0] ?? node.all[0] ?? node.none[0])?.message).join(' | ');
    axe.run(document, { resultTypes: ['violations'] }).then(
        (found) => done(heavy(found).map(words)), (error) => done(['axe broke: ' + error]));
";

impl Driver {
    /// Nothing serious or critical is found on the page as it is now.
    pub async fn accessible(&self, what: &str) {
        assert_eq!(self.inaccessible().await, Vec::<String>::new(), "{what}");
    }

    /// What is serious or critical on the page as it is now, in words.
    pub async fn inaccessible(&self) -> Vec<String> {
        if self.script("return typeof window.axe").await.unwrap() != "object" {
            let file =
                Path::new(env!("CARGO_MANIFEST_DIR")).join("node/node_modules/axe-core/axe.min.js");
            let axe =
                std::fs::read_to_string(&file).expect("axe-core; `cargo xtask test` installs it");
            self.script(&axe).await.unwrap();
        }
        let found = self.long_script(RUN).await.unwrap();
        serde_json::from_value(found).unwrap()
    }
}
