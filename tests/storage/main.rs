//! The storage crate, on both databases.

#[cfg(test)]
mod archive;
#[cfg(test)]
mod auth;
#[cfg(test)]
mod executor;
#[cfg(test)]
mod feed;
#[cfg(test)]
mod fresh;
#[cfg(test)]
mod history;
#[cfg(test)]
mod index;
#[cfg(test)]
mod records;
#[cfg(test)]
mod settled;
#[cfg(test)]
mod told;
#[cfg(test)]
mod wall;
