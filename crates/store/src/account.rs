//! The tables of Accounts and of the Account that each Agent uses at each Server.

use prokura_domain::account::Account;
use prokura_domain::id::{AccountId, AgentId, ServerId};
use rusqlite::{OptionalExtension as _, Row, Transaction, params};

use crate::error::StoreError;
use crate::row::{
    count, from_count, from_word, json, moment, moment_or_none, to_json, to_word, word,
};
use crate::store::{Safety, Store, name_taken};

pub(crate) const SCHEMA: &str = "
CREATE TABLE account(
    id TEXT PRIMARY KEY,
    server TEXT NOT NULL REFERENCES server(id) ON DELETE CASCADE,
    name TEXT NOT NULL,
    kind TEXT NOT NULL,
    state TEXT NOT NULL,
    issuer TEXT,
    resource TEXT,
    subject TEXT,
    tenant TEXT,
    scopes TEXT NOT NULL,
    generation INTEGER NOT NULL,
    expires_at INTEGER,
    added_at INTEGER NOT NULL,
    UNIQUE(server, name)
) STRICT;
CREATE TABLE active_account(
    agent TEXT NOT NULL,
    server TEXT NOT NULL REFERENCES server(id) ON DELETE CASCADE,
    account TEXT NOT NULL REFERENCES account(id) ON DELETE CASCADE,
    PRIMARY KEY(agent, server)
) STRICT, WITHOUT ROWID;
CREATE INDEX active_account_account ON active_account(account);
";

impl Store {
    /// The Accounts at a Server, by name.
    ///
    /// # Errors
    /// [`StoreError`] when the database cannot be read.
    pub fn accounts(&self, server: &ServerId) -> Result<Vec<Account>, StoreError> {
        self.read(|db| {
            db.prepare_cached("SELECT * FROM account WHERE server = ? ORDER BY name")?
                .query_map([server.as_str()], account)?
                .collect()
        })
    }

    /// One Account.
    ///
    /// # Errors
    /// [`StoreError`] when the database cannot be read.
    pub fn account(&self, id: &AccountId) -> Result<Option<Account>, StoreError> {
        self.known("account", id.as_str(), |db| {
            db.prepare_cached("SELECT * FROM account WHERE id = ?")?
                .query_row([id.as_str()], account)
                .optional()
        })
    }

    /// The Account of a Server with this name, else with this id.
    ///
    /// # Errors
    /// [`StoreError`] when the database cannot be read.
    pub fn find_account(
        &self,
        server: &ServerId,
        name_or_id: &str,
    ) -> Result<Option<Account>, StoreError> {
        self.read(|db| {
            db.prepare_cached(
                "SELECT * FROM account WHERE server = ?1 AND (name = ?2 OR id = ?2)
                 ORDER BY name = ?2 DESC LIMIT 1",
            )?
            .query_row([server.as_str(), name_or_id], account)
            .optional()
        })
    }

    /// Adds or changes an Account.
    ///
    /// # Errors
    /// [`StoreError::NameTaken`] when another Account of its Server has the name, [`StoreError::NoSuch`] without a Server.
    pub fn put_account(&self, account: &Account) -> Result<(), StoreError> {
        self.write(Safety::Synced, |db| put(db, account))
    }

    /// Removes an Account and everything sealed for it.
    ///
    /// # Errors
    /// [`StoreError`] when the database cannot be written.
    pub fn remove_account(&self, id: &AccountId) -> Result<(), StoreError> {
        self.write(Safety::Synced, |db| {
            db.execute("DELETE FROM secret WHERE row = ?", [id.as_str()])?;
            db.execute("DELETE FROM account WHERE id = ?", [id.as_str()])?;
            Ok(())
        })
    }

    /// The Account that `agent` uses at `server`: the chosen one, else the only one, else none.
    ///
    /// # Errors
    /// [`StoreError`] when the database cannot be read.
    pub fn active_account(
        &self,
        agent: &AgentId,
        server: &ServerId,
    ) -> Result<Option<AccountId>, StoreError> {
        let of = format!("{agent} {server}");
        self.known("active account", &of, |db| {
            let chosen: Option<String> = db
                .prepare_cached(
                    "SELECT account FROM active_account WHERE agent = ? AND server = ?",
                )?
                .query_row([agent.as_str(), server.as_str()], |row| row.get(0))
                .optional()?;
            if let Some(chosen) = chosen {
                return Ok(Some(AccountId::from_text(&chosen)));
            }
            let some: Vec<String> = db
                .prepare_cached("SELECT id FROM account WHERE server = ? LIMIT 2")?
                .query_map([server.as_str()], |row| row.get(0))?
                .collect::<rusqlite::Result<_>>()?;
            match some.as_slice() {
                [only] => Ok(Some(AccountId::from_text(only))),
                _ => Ok(None),
            }
        })
    }

    /// Makes `account` the one that `agent` uses at `server`.
    ///
    /// # Errors
    /// [`StoreError::NoSuch`] when the Account is not one of that Server.
    pub fn choose_account(
        &self,
        agent: &AgentId,
        server: &ServerId,
        account: &AccountId,
    ) -> Result<(), StoreError> {
        self.write(Safety::Synced, |db| {
            let chosen = db.execute(
                "INSERT INTO active_account(agent, server, account)
                 SELECT ?1, server, id FROM account WHERE id = ?3 AND server = ?2
                 ON CONFLICT(agent, server) DO UPDATE SET account = excluded.account",
                [agent.as_str(), server.as_str(), account.as_str()],
            )?;
            if chosen == 1 {
                Ok(())
            } else {
                Err(StoreError::NoSuch(format!("the account {account} at the server {server}")))
            }
        })
    }
}

/// Adds or changes an Account within a transaction.
pub(crate) fn put(db: &Transaction<'_>, account: &Account) -> Result<(), StoreError> {
    db.prepare_cached(
        "INSERT INTO account(id, server, name, kind, state, issuer, resource, subject, tenant, scopes, generation,
         expires_at, added_at) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)
         ON CONFLICT(id) DO UPDATE SET name = excluded.name, kind = excluded.kind, state = excluded.state,
         issuer = excluded.issuer, resource = excluded.resource, subject = excluded.subject,
         tenant = excluded.tenant, scopes = excluded.scopes, generation = excluded.generation,
         expires_at = excluded.expires_at",
    )?
    .execute(params![
        account.id.as_str(),
        account.server.as_str(),
        account.name,
        to_word(&account.kind)?,
        to_word(&account.state)?,
        account.issuer,
        account.resource,
        account.subject,
        account.tenant,
        to_json(&account.scopes)?,
        from_count(account.generation)?,
        account.expires_at.map(|at| at.0),
        account.added_at.0,
    ])
    .map_err(|fault| name_taken(fault, &account.name))?;
    Ok(())
}

fn account(row: &Row<'_>) -> rusqlite::Result<Account> {
    Ok(Account {
        id: word(row, "id", |id| Some(AccountId::from_text(id)))?,
        server: word(row, "server", |id| Some(ServerId::from_text(id)))?,
        name: row.get("name")?,
        kind: word(row, "kind", from_word)?,
        state: word(row, "state", from_word)?,
        issuer: row.get("issuer")?,
        resource: row.get("resource")?,
        subject: row.get("subject")?,
        tenant: row.get("tenant")?,
        scopes: json(row, "scopes")?,
        generation: count(row, "generation")?,
        expires_at: moment_or_none(row, "expires_at")?,
        added_at: moment(row, "added_at")?,
    })
}
