//! Small rows that every Call asks for. It must never outlive a write: whoever writes empties it first.

use std::any::Any;
use std::collections::HashMap;

/// More than this is not kept; a Host with so many Servers and Agents asks the database.
const MOST: usize = 1024;

#[derive(Default)]
pub(super) struct Kept(HashMap<(&'static str, String), Box<dyn Any + Send>>);

impl Kept {
    pub fn get<T: Clone + 'static>(&self, what: &'static str, of: &str) -> Option<T> {
        self.0.get(&(what, of.to_owned()))?.downcast_ref().cloned()
    }

    pub fn put<T: Send + 'static>(&mut self, what: &'static str, of: &str, value: T) {
        if self.0.len() < MOST {
            self.0.insert((what, of.to_owned()), Box::new(value));
        }
    }

    pub fn forget(&mut self) {
        self.0.clear();
    }
}
