//! The API over HTTP, on both databases.

#![cfg(test)]

mod clients;
mod deletes;
mod names;
mod people;
mod restore;
mod sites;
mod coercions;
mod envelopes;
mod errors;
mod lists;
mod paths;
mod smoke;
mod tokens;
mod writes;
