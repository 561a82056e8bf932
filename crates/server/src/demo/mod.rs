//! The demo data: clients with their sites, users, notes and tickets, made from a seed.
//!
//! Everything here is a pure function of `(seed, index, now)`: no I/O and no clock. The loader
//! decides how the records are written; this module only says what they are. Client number `i` of a
//! seed is the same record whatever was made before it and however many clients there are, so a
//! load may be cut into batches or spread over threads.
//!
//! Records carry the API's field names. They have no `id` of their own and no pointer to their owner
//! (`client_id`, `site_id`, `user_id`), because only the loader knows these. Pointers to the shared
//! records of [`Demo::reference`] are the 1-based ordinals within their [`Kind`]; [`REFERENCES`]
//! lists the fields that carry one, for a tenant whose ids do not start at 1.
//!
//! Nothing here can reach a real person: mail and web addresses are under `.example`, and telephone
//! numbers come from ranges that the regulators keep for fiction.

mod clients;
mod extras;
mod names;
mod people;
mod places;
mod record;
mod reference;
mod rng;
mod sites;
#[cfg(test)]
mod tests;
mod tickets;
mod words;

pub use reference::{Kind, REFERENCES, Reference};

use jiff::Timestamp;
use names::Names;
use record::Calendar;
use serde_json::{Map, Value};

/// One record, keyed by the API's field names.
pub type Record = Map<String, Value>;

/// A source of demo data for one seed.
#[derive(Debug, Clone)]
pub struct Demo {
    seed: u64,
    clients: u32,
    calendar: Calendar,
    names: Names,
}

impl Demo {
    /// Demo data of `seed`, with `clients` clients.
    ///
    /// Dates are counted from the UTC day of `now`, so that the data always looks recent: two loads
    /// of one seed on one day are equal to the last byte, on two days they differ in dates only.
    #[must_use]
    pub fn new(seed: u64, clients: u32, now: Timestamp) -> Demo {
        Demo { seed, clients, calendar: Calendar::new(now), names: Names::new(seed) }
    }

    /// How many clients were asked for: [`Demo::client`] is meant for `0..clients()`.
    #[must_use]
    pub fn clients(&self) -> u32 {
        self.clients
    }

    /// The shared records that the clients point at, each with its `id` (1, 2, … within its kind).
    /// A record comes after those that it points at itself. The same for every seed.
    #[must_use]
    pub fn reference(&self) -> Reference {
        reference::all()
    }

    /// Client number `index` (from 0) with all that belongs to it.
    ///
    /// Names are unique (case-blind, and with the accents taken off) over all 2^32 indexes of a seed.
    #[must_use]
    pub fn client(&self, index: u32) -> ClientBundle {
        clients::bundle(self, index)
    }
}

/// A client and all records that it owns, ready to be written in this order.
#[derive(Debug, Clone, PartialEq)]
pub struct ClientBundle {
    /// The client (`Area`).
    pub client: Record,
    /// 1 to 8 sites. The first is the main site (`isinvoicesite`).
    pub sites: Vec<Record>,
    /// 1 to 8 end users, each with the position of its site in `sites`. The first works at the main
    /// site and is its main contact.
    pub users: Vec<(usize, Record)>,
    /// CRM notes (`AreaNote`) on the client.
    pub notes: Vec<Record>,
    /// Popup notes (`AreaPopup`), each with the position of its site, or `None` for the client itself.
    pub popups: Vec<(Option<usize>, Record)>,
    /// Recurring items (`AreaItem`) of the client.
    pub items: Vec<Record>,
    /// Prepay lots (`PrepayHistory`) of the client, oldest first.
    pub lots: Vec<Record>,
    /// Links to Azure tenants (`AreaAzureTenant`) of the client.
    pub azure_links: Vec<Record>,
    /// Tickets, each with the position of its site and, for most, of the user who raised it.
    pub tickets: Vec<(usize, Option<usize>, Record)>,
}
