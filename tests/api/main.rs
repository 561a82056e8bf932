//! The API over HTTP, on both databases.

#![cfg(test)]

mod smoke;
