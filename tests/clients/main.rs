//! Published client programs against a running server, on both databases.
//!
//! The programs are used as their authors publish them; what each one sends and needs is written
//! in `docs/clients.md`. They need `curl`, `bash` and Python 3.10 or newer with its venv module,
//! and once the Python package index.

mod curl;
mod halopsa_pypi;
mod program;
mod python;
