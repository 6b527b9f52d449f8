//! One misbehaviour: its cause, where it strikes, and what the person is told.

use std::collections::HashMap;
use std::pin::Pin;

use prokura_account::SignIn;

use crate::stage::Stage;

pub type Answer = HashMap<String, String>;
pub type Played<'a> = Pin<Box<dyn Future<Output = String> + 'a>>;
type Prepare = Box<dyn Fn(&Stage) + Send + Sync>;
type Alter = Box<dyn Fn(&Stage, &SignIn, &mut Answer) + Send + Sync>;
type Play = Box<dyn for<'a> Fn(&'a Stage) -> Played<'a> + Send + Sync>;

/// What the person does while something misbehaves.
pub enum Act {
    /// Signs in for the first time.
    SignIn(Prepare),
    /// Signs in at a Server that was added just now, where nothing is registered yet.
    Fresh(Prepare),
    /// Signs in, and the browser brings back something else.
    Browser(Alter),
    /// Uses the Account when its token has expired.
    Refresh(Prepare),
    /// Signs out.
    SignOut(Prepare),
    /// Something of its own.
    Play(Play),
}

/// What is rightly gone afterwards.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Gone {
    /// Nothing.
    Nothing,
    /// The person has to sign in again, and can.
    SignIn,
    /// The registration was given up, and the next sign-in makes another.
    Registration,
}

/// One line of the table.
pub struct Row {
    /// The cause; the same cause elsewhere is the same.
    pub cause: &'static str,
    /// Where it strikes.
    pub leg: &'static str,
    /// What asks for it: ids of requirements, or documents.
    pub rule: &'static str,
    /// What the person is told; `{base}` is the authorization server, `{else}` another place.
    pub told: String,
    pub gone: Gone,
    pub act: Act,
}

impl Row {
    pub fn new(
        (cause, leg): (&'static str, &'static str),
        rule: &'static str,
        told: &str,
        act: Act,
    ) -> Self {
        Self { cause, leg, rule, told: told.to_owned(), gone: Gone::Nothing, act }
    }

    pub fn losing(mut self, gone: Gone) -> Self {
        self.gone = gone;
        self
    }
}

pub fn sign_in(prepare: impl Fn(&Stage) + Send + Sync + 'static) -> Act {
    Act::SignIn(Box::new(prepare))
}

pub fn fresh(prepare: impl Fn(&Stage) + Send + Sync + 'static) -> Act {
    Act::Fresh(Box::new(prepare))
}

pub fn browser(alter: impl Fn(&Stage, &SignIn, &mut Answer) + Send + Sync + 'static) -> Act {
    Act::Browser(Box::new(alter))
}

pub fn refresh(prepare: impl Fn(&Stage) + Send + Sync + 'static) -> Act {
    Act::Refresh(Box::new(prepare))
}

pub fn sign_out(prepare: impl Fn(&Stage) + Send + Sync + 'static) -> Act {
    Act::SignOut(Box::new(prepare))
}

pub fn play(play: impl for<'a> Fn(&'a Stage) -> Played<'a> + Send + Sync + 'static) -> Act {
    Act::Play(Box::new(play))
}
