//! The prepay ledger as arithmetic: lots, corrections, reversals and uses in, what is left of each
//! lot out. No database, no clock.
//!
//! Quantities are hours or money in units of 1/10000, moments are milliseconds since 1970. The sum
//! of what was added, less what expired and what was used, is the balance at any moment, and the
//! balance is what the open lots have left, less what is overdrawn.

use std::collections::{BTreeMap, HashMap};

/// A purchase; with a negative quantity a correction.
#[derive(Clone, Debug)]
pub struct Lot {
    pub id: i64,
    pub at: i64,
    pub quantity: i128,
    /// What is left at this moment expires; `None` = never.
    pub expires: Option<i64>,
    /// The lot that this one takes back; 0 = none.
    pub reverses: i64,
}

/// What was used at one time.
#[derive(Clone, Debug)]
pub struct Use {
    pub id: i64,
    pub at: i64,
    pub quantity: i128,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    Added,
    Expired,
    Used,
}

/// One line of the ledger. What expired of a lot that is taken back later is a negative line.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Entry {
    pub at: i64,
    pub kind: Kind,
    pub quantity: i128,
}

/// What one use or correction took from one lot.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Draw {
    pub at: i64,
    pub lot_id: i64,
    pub quantity: i128,
}

/// The state at one moment, and how it came about.
#[derive(Debug, Default)]
pub struct Ledger {
    /// In order of time.
    pub entries: Vec<Entry>,
    pub draws: Vec<Draw>,
    /// What the unexpired lots have left, the first to expire first.
    open: BTreeMap<(i64, i64), i128>,
    /// Under which key a lot is (or was) open.
    keys: HashMap<i64, (i64, i64)>,
    /// What expired, by lot.
    expired: HashMap<i64, i128>,
    overdrawn: i128,
}

/// What happens, in the order in which it counts when it happens at the same moment.
enum Event<'a> {
    Expiry((i64, i64)),
    Lot(&'a Lot),
    Correction(&'a Lot),
    Use(&'a Use),
}

impl Ledger {
    /// Everything up to and including the moment `until`.
    pub fn replay(lots: &[Lot], uses: &[Use], until: i64) -> Ledger {
        let mut events: Vec<((i64, u8, i64, i64), Event<'_>)> = Vec::new();
        for lot in lots {
            let expires = lot.expires.unwrap_or(i64::MAX);
            if lot.quantity < 0 {
                events.push(((lot.at, 2, 0, lot.id), Event::Correction(lot)));
                continue;
            }
            events.push(((lot.at, 1, expires, lot.id), Event::Lot(lot)));
            if lot.expires.is_some() && expires > lot.at {
                events.push(((expires, 0, 0, lot.id), Event::Expiry((expires, lot.id))));
            }
        }
        events.extend(uses.iter().map(|used| ((used.at, 3, 0, used.id), Event::Use(used))));
        events.retain(|(key, _)| key.0 <= until);
        events.sort_unstable_by_key(|(key, _)| *key);
        let mut ledger = Ledger::default();
        for ((at, ..), event) in events {
            match event {
                Event::Expiry(key) => ledger.expire(at, key),
                Event::Lot(lot) => ledger.add(lot),
                Event::Correction(lot) => ledger.correct(lot),
                Event::Use(used) => {
                    ledger.enter(at, Kind::Used, used.quantity);
                    ledger.draw(at, used.quantity);
                }
            }
        }
        ledger
    }

    /// The sum of the lines of one kind.
    pub fn sum(&self, kind: Kind) -> i128 {
        self.entries.iter().filter(|entry| entry.kind == kind).map(|entry| entry.quantity).sum()
    }

    /// What was added, less what expired and what was used; negative when overdrawn.
    pub fn balance(&self) -> i128 {
        self.sum(Kind::Added) - self.sum(Kind::Expired) - self.sum(Kind::Used)
    }

    /// What the open lots have left, less what is overdrawn: the balance by another way.
    #[cfg(test)]
    fn remaining(&self) -> i128 {
        self.open.values().sum::<i128>() - self.overdrawn
    }

    fn enter(&mut self, at: i64, kind: Kind, quantity: i128) {
        if quantity != 0 {
            self.entries.push(Entry { at, kind, quantity });
        }
    }

    /// A new lot pays what is overdrawn first.
    fn add(&mut self, lot: &Lot) {
        self.enter(lot.at, Kind::Added, lot.quantity);
        let key = (lot.expires.unwrap_or(i64::MAX), lot.id);
        self.open.insert(key, lot.quantity);
        self.keys.insert(lot.id, key);
        let overdrawn = std::mem::take(&mut self.overdrawn);
        self.overdrawn = overdrawn - self.take(lot.at, key, overdrawn);
        if lot.expires.is_some_and(|expires| expires <= lot.at) {
            self.expire(lot.at, key);
        }
    }

    fn expire(&mut self, at: i64, key: (i64, i64)) {
        let left = self.open.remove(&key).unwrap_or(0);
        self.enter(at, Kind::Expired, left);
        *self.expired.entry(key.1).or_default() += left;
    }

    /// A correction takes from the lots as a use does. One that takes a certain lot back takes
    /// from that one first, and what had expired of it counts as neither bought nor expired.
    fn correct(&mut self, lot: &Lot) {
        let mut owed = -lot.quantity;
        self.enter(lot.at, Kind::Added, lot.quantity);
        if let Some(key) = self.keys.get(&lot.reverses).copied() {
            owed -= self.take(lot.at, key, owed);
            let expired = self.expired.entry(lot.reverses).or_default();
            let returned = owed.min(*expired);
            *expired -= returned;
            owed -= returned;
            self.enter(lot.at, Kind::Expired, -returned);
        }
        self.draw(lot.at, owed);
    }

    /// Takes from the lots in the order in which they expire; the rest is overdrawn.
    fn draw(&mut self, at: i64, quantity: i128) {
        let mut owed = quantity;
        while owed > 0 {
            let first = self.open.iter().find(|(_, left)| **left > 0).map(|(key, _)| *key);
            let Some(key) = first else { break };
            owed -= self.take(at, key, owed);
        }
        self.overdrawn += owed;
    }

    /// Takes up to `wanted` from one lot and returns how much it had.
    fn take(&mut self, at: i64, key: (i64, i64), wanted: i128) -> i128 {
        let Some(left) = self.open.get_mut(&key) else { return 0 };
        let taken = wanted.min(*left);
        *left -= taken;
        if *left == 0 {
            // An empty lot has nothing that could expire.
            self.open.remove(&key);
        }
        if taken > 0 {
            self.draws.push(Draw { at, lot_id: key.1, quantity: taken });
        }
        taken
    }
}

#[cfg(test)]
mod tests;
