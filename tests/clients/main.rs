//! Published client programs against a running server, on both databases.
//!
//! The programs are used as their authors publish them; what each one sends and needs is written
//! in `docs/clients.md`. They need `curl`, `bash`, Python 3.10 or newer with its venv module and
//! Node.js 18 or newer with npm, and once the Python package index and the npm registry.

#[cfg(test)]
mod console;
mod curl;
mod halopsa_pypi;
mod n8n;
mod program;
mod python;
mod schemathesis;
#[cfg(test)]
mod sign_in_page;
