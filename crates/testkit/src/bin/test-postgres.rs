//! One PostgreSQL for a whole test run: `test-postgres start DIR` prints its URL, for
//! `AUREOLE_TEST_POSTGRES`; `test-postgres stop DIR` ends it and removes the folder.

use std::path::Path;
use std::process::ExitCode;

use aureole_testkit::postgres::Cluster;

fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let arguments: Vec<&str> = arguments.iter().map(String::as_str).collect();
    let result = match arguments[..] {
        ["start", folder] => Cluster::start(Path::new(folder)).map(|it| println!("{}", it.url())),
        ["stop", folder] => Cluster::stop(Path::new(folder)),
        _ => Err("test-postgres start DIR | test-postgres stop DIR".to_owned()),
    };
    match result {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("{error}");
            ExitCode::FAILURE
        }
    }
}
