//! The demo's ledger: accounts that can be looked at, paid from and closed.

use std::sync::{Arc, Mutex, PoisonError};

use rmcp::model::JsonObject;
use serde_json::{Value, json};

use crate::fixture::{Offer, PromptSpec, ResourceSpec, Run, ToolSpec};

#[derive(Debug, Default)]
struct Book {
    payments: Vec<(String, String)>,
    categories: u32,
    closed: Vec<String>,
}

/// What the ledger offers.
#[must_use]
pub fn offer() -> Offer {
    Offer {
        name: "Ledger".to_owned(),
        tools: tools(),
        resources: vec![ResourceSpec {
            uri: "ledger://accounts/giro/rules".to_owned(),
            name: "rules of the giro account".to_owned(),
            text: "Payments over 1,000.00 EUR need a second signature.".to_owned(),
        }],
        prompts: vec![PromptSpec {
            name: "monthly_review".to_owned(),
            description: "Asks for a review of last month.".to_owned(),
            text: "Go through last month's statement and name what is unusual.".to_owned(),
        }],
    }
}

fn tools() -> Vec<ToolSpec> {
    let book = Arc::new(Mutex::new(Book::default()));
    let change = |apply: fn(&mut Book, &JsonObject) -> Result<Value, String>| {
        let book = book.clone();
        Run::Answer(Arc::new(move |arguments: &JsonObject| {
            apply(&mut book.lock().unwrap_or_else(PoisonError::into_inner), arguments)
        }))
    };
    let account = json!({
        "type": "object",
        "properties": { "account": { "type": "string", "enum": ["giro", "savings"] } },
        "required": ["account"],
    });
    let category = json!({
        "type": "object",
        "properties": { "entry": { "type": "string" }, "category": { "type": "string" } },
        "required": ["entry", "category"],
    });
    let payment = json!({
        "type": "object",
        "properties": {
            "from": { "type": "string", "enum": ["giro", "savings"] },
            "to": { "type": "string", "description": "The payee" },
            "amount": { "type": "string", "pattern": "^[0-9]+\\.[0-9]{2}$" },
            "currency": { "type": "string", "enum": ["EUR"] },
            "reference": { "type": "string" },
        },
        "required": ["from", "to", "amount", "currency"],
    });
    vec![
        ToolSpec::new("list_accounts", "Lists the accounts and their balances.", json!({ "type": "object", "properties": {} }), change(list))
            .says("List accounts", json!({ "readOnlyHint": true, "openWorldHint": false })),
        ToolSpec::new("get_statement", "Shows the last entries of an account.", account.clone(), change(statement))
            .says("Get statement", json!({ "readOnlyHint": true, "openWorldHint": false })),
        ToolSpec::new("categorise", "Puts an entry into a category.", category, change(categorise))
            .says("Categorise", json!({ "readOnlyHint": false, "destructiveHint": false, "idempotentHint": true, "openWorldHint": false })),
        ToolSpec::new("send_payment", "Sends money. It cannot be called back.", payment, change(pay))
            .says("Send payment", json!({ "readOnlyHint": false, "destructiveHint": true, "openWorldHint": true })),
        ToolSpec::new("close_account", "Closes an account and takes everybody's access to it.", account, change(close))
            .says("Close account", json!({ "readOnlyHint": false, "destructiveHint": true, "openWorldHint": false })),
    ]
}

fn text<'a>(arguments: &'a JsonObject, name: &str) -> Result<&'a str, String> {
    arguments.get(name).and_then(Value::as_str).ok_or_else(|| format!("\"{name}\" is missing"))
}

fn list(book: &mut Book, _arguments: &JsonObject) -> Result<Value, String> {
    let accounts = [("giro", "2310.40"), ("savings", "8000.00")];
    let accounts: Vec<Value> = accounts
        .into_iter()
        .filter(|(name, _)| !book.closed.iter().any(|gone| gone == name))
        .map(|(name, balance)| json!({ "account": name, "balance": balance, "currency": "EUR" }))
        .collect();
    Ok(json!({ "accounts": accounts }))
}

fn statement(book: &mut Book, arguments: &JsonObject) -> Result<Value, String> {
    let account = text(arguments, "account")?;
    let sent = book.payments.iter();
    let sent: Vec<Value> =
        sent.map(|(to, amount)| json!({ "to": to, "amount": format!("-{amount}") })).collect();
    Ok(json!({ "account": account, "entries": sent }))
}

fn categorise(book: &mut Book, arguments: &JsonObject) -> Result<Value, String> {
    let (entry, category) = (text(arguments, "entry")?, text(arguments, "category")?);
    book.categories += 1;
    Ok(json!({ "text": format!("{entry} is now under {category}.") }))
}

fn pay(book: &mut Book, arguments: &JsonObject) -> Result<Value, String> {
    let (to, amount) = (text(arguments, "to")?, text(arguments, "amount")?);
    book.payments.push((to.to_owned(), amount.to_owned()));
    let number = book.payments.len();
    Ok(json!({ "text": format!("Payment {number}: {amount} to {to}."), "payment": number }))
}

fn close(book: &mut Book, arguments: &JsonObject) -> Result<Value, String> {
    let account = text(arguments, "account")?.to_owned();
    book.closed.push(account.clone());
    Ok(json!({ "text": format!("The account {account} is closed.") }))
}
