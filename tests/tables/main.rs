//! Tables against each other: the catalogue, the published names, both databases and the routes.

#![cfg(test)]

mod catalogue;
mod compatibility;
mod database;
mod history;
mod isolation;
mod limited;
mod methods;
mod routes;
mod security;
mod spec;
mod tenancy;
