//! Rules on Rust as code: lengths, names, clocks, left-out tests, the Permit.
//! They must never be fooled by a comment or a string: the file is parsed.

use crate::tree::Source;
use syn::spanned::Spanned;
use syn::visit::{self, Visit};

/// What was found in one file.
#[derive(Debug, Default)]
pub struct Faults {
    pub long_functions: Vec<String>,
    pub poor_names: Vec<String>,
    pub ignored_tests: Vec<String>,
    pub clocks: Vec<String>,
}

impl Faults {
    /// Takes another file's faults in.
    pub fn add(&mut self, other: Self) {
        self.long_functions.extend(other.long_functions);
        self.poor_names.extend(other.poor_names);
        self.ignored_tests.extend(other.ignored_tests);
        self.clocks.extend(other.clocks);
    }
}

/// Looks through one file.
pub fn look(source: &Source) -> Faults {
    if !source.is(&["rs"]) {
        return Faults::default();
    }
    let file = parse(source);
    let timer = source
        .text
        .lines()
        .any(|line| line.starts_with("use tokio::time::") && line.contains("Instant"));
    let mut look = Look { path: &source.path, timer, of_trait: false, faults: Faults::default() };
    look.visit_file(&file);
    look.faults
}

fn parse(source: &Source) -> syn::File {
    syn::parse_file(&source.text).unwrap_or_else(|error| panic!("{}: {error}", source.path))
}

/// Words that say nothing about what a type is.
const EMPTY_WORDS: [&str; 8] =
    ["Manager", "Service", "Helper", "Helpers", "Util", "Utils", "Handler", "Processor"];

/// Where a clock may be read: the wiring, and what is no part of the product.
const CLOCKS: [&str; 5] = ["crates/host/", "src-tauri/", "crates/testkit/", "tests/", "xtask/"];

fn may_read_clock(path: &str) -> bool {
    let of_tests = ["/tests/", "/benches/"].iter().any(|place| path.contains(place));
    of_tests || CLOCKS.iter().any(|place| path.starts_with(place))
}

struct Look<'a> {
    path: &'a str,
    /// `Instant` is tokio's timer here: it measures waits, tells no time, and tests can stop it.
    timer: bool,
    /// Inside `impl Trait for …`, where the trait chose the names.
    of_trait: bool,
    faults: Faults,
}

impl Look<'_> {
    fn function(
        &mut self,
        signature: &syn::Signature,
        block: &syn::Block,
        attributes: &[syn::Attribute],
    ) {
        let (start, end) = (signature.span().start().line, block.span().end().line);
        let place = format!("{}:{start} {}", self.path, signature.ident);
        if end - start + 1 >= 60 {
            self.faults.long_functions.push(format!("{place}: {} lines", end - start + 1));
        }
        if !self.of_trait && signature.ident.to_string().starts_with("get_") {
            self.faults.poor_names.push(place.clone());
        }
        if attributes.iter().any(|attribute| attribute.path().is_ident("ignore")) {
            self.faults.ignored_tests.push(place);
        }
    }

    fn name(&mut self, ident: &syn::Ident) {
        let text = ident.to_string();
        if EMPTY_WORDS.iter().any(|word| text.ends_with(word)) {
            let line = ident.span().start().line;
            self.faults.poor_names.push(format!("{}:{line} {text}", self.path));
        }
    }
}

impl<'a> Visit<'a> for Look<'_> {
    fn visit_item_fn(&mut self, item: &'a syn::ItemFn) {
        self.function(&item.sig, &item.block, &item.attrs);
        visit::visit_item_fn(self, item);
    }

    fn visit_item_impl(&mut self, item: &'a syn::ItemImpl) {
        let outer = std::mem::replace(&mut self.of_trait, item.trait_.is_some());
        visit::visit_item_impl(self, item);
        self.of_trait = outer;
    }

    fn visit_impl_item_fn(&mut self, item: &'a syn::ImplItemFn) {
        self.function(&item.sig, &item.block, &item.attrs);
        visit::visit_impl_item_fn(self, item);
    }

    fn visit_trait_item_fn(&mut self, item: &'a syn::TraitItemFn) {
        if let Some(block) = &item.default {
            self.function(&item.sig, block, &item.attrs);
        }
        visit::visit_trait_item_fn(self, item);
    }

    fn visit_item_struct(&mut self, item: &'a syn::ItemStruct) {
        self.name(&item.ident);
        visit::visit_item_struct(self, item);
    }

    fn visit_item_enum(&mut self, item: &'a syn::ItemEnum) {
        self.name(&item.ident);
        visit::visit_item_enum(self, item);
    }

    fn visit_item_trait(&mut self, item: &'a syn::ItemTrait) {
        self.name(&item.ident);
        visit::visit_item_trait(self, item);
    }

    fn visit_item_type(&mut self, item: &'a syn::ItemType) {
        self.name(&item.ident);
        visit::visit_item_type(self, item);
    }

    fn visit_expr_path(&mut self, path: &'a syn::ExprPath) {
        let words: Vec<String> =
            path.path.segments.iter().map(|part| part.ident.to_string()).collect();
        if let [.., kind, call] = words.as_slice() {
            let clock = match (kind.as_str(), call.as_str()) {
                ("SystemTime", "now") | ("OffsetDateTime", "now_utc" | "now_local") => true,
                ("Instant", "now") => !self.timer,
                _ => false,
            };
            if clock && !may_read_clock(self.path) {
                let line = path.span().start().line;
                self.faults.clocks.push(format!("{}:{line} {kind}::{call}", self.path));
            }
        }
        visit::visit_expr_path(self, path);
    }
}

/// What would let somebody outside `policy` make a Permit, or spend one twice.
pub fn permit_doors(source: &Source) -> Vec<String> {
    let mut faults = Vec::new();
    let file = parse(source);
    let permit = file.items.iter().find_map(|item| match item {
        syn::Item::Struct(item) if item.ident == "Permit" => Some(item),
        _ => None,
    });
    let Some(permit) = permit else { return vec![format!("{} has no Permit", source.path)] };
    for field in &permit.fields {
        if !matches!(field.vis, syn::Visibility::Inherited) {
            faults.push("a field of Permit can be reached from outside".to_owned());
        }
    }
    for attribute in permit.attrs.iter().filter(|attribute| attribute.path().is_ident("derive")) {
        let _ = attribute.parse_nested_meta(|meta| {
            if ["Clone", "Copy", "Default", "Deserialize"]
                .iter()
                .any(|word| meta.path.is_ident(word))
            {
                faults.push("Permit can be made or copied by a derive".to_owned());
            }
            Ok(())
        });
    }
    for item in &file.items {
        if let syn::Item::Impl(item) = item
            && let Some((name, _)) = &item.trait_
            && matches!(&*item.self_ty, syn::Type::Path(path) if path.path.is_ident("Permit"))
            && name.segments.last().is_some_and(|part| part.ident != "Debug")
        {
            faults.push("Permit has a trait that hands it out".to_owned());
        }
    }
    faults
}
