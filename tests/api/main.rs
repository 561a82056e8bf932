//! The API over HTTP, on both databases.

#![cfg(test)]

mod attachments;
mod client_lists;
mod clients;
mod coercions;
mod collections;
mod compression;
mod connections;
mod cors;
mod counts;
mod crm_notes;
mod custom_fields;
mod deletes;
mod envelopes;
mod errors;
mod feed;
mod feed_stream;
mod index;
mod limits;
mod lists;
mod merges;
mod names;
mod odd;
mod openapi;
mod paging;
mod paths;
mod people;
mod popups;
mod prepay;
mod rate_limits;
mod recurring_items;
mod request_types;
mod restore;
mod searches;
mod secrets;
mod sign_in;
mod sites;
mod smoke;
mod start_up;
mod stock;
mod tenant_links;
mod tokens;
mod unreadable;
mod views;
mod writes;
