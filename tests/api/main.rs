//! The API over HTTP, on both databases.

#![cfg(test)]

mod clients;
mod coercions;
mod deletes;
mod envelopes;
mod errors;
mod lists;
mod names;
mod odd;
mod paging;
mod paths;
mod people;
mod prepay;
mod restore;
mod searches;
mod sites;
mod smoke;
mod tokens;
mod writes;
mod custom_fields;
mod views;
