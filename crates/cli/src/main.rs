//! The program `aureole`: reads the command line and the settings, then runs one command.

mod admin;
mod archive;
mod args;
mod demo;
mod failure;
mod logging;
mod openapi;
mod output;
mod rotate;
mod serve;
mod settings;

use std::process::ExitCode;
use std::sync::Arc;

use aureole_server::vault::Vault;
use aureole_server::{App, Clock, Config};
use aureole_storage::{DatabaseUrl, Db};
use clap::error::ErrorKind;
use clap::{CommandFactory, Parser};

use args::{Args, Command};
use failure::Failure;
use settings::Settings;

#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

/// Threads for what takes long.
const BLOCKING_THREADS: usize = 12;
/// Tasks between two looks at what has come in.
const EVENT_INTERVAL: u32 = 16;

fn main() -> ExitCode {
    let result = match Args::try_parse() {
        Ok(args) => run(args),
        Err(error) => match wrong_usage(&error) {
            Some(failure) => Err(failure),
            // Usage, help and version, as clap prints them.
            None => error.exit(),
        },
    };
    match result {
        Ok(()) => ExitCode::SUCCESS,
        Err(failure) => {
            output::note(&format!("aureole: {failure}"));
            ExitCode::from(failure.exit_code())
        }
    }
}

/// What is wrong with the command line, in one line: its first paragraph as clap writes it. `None` for
/// help and version, and for a command that is not there at all, which has its help to tell.
fn wrong_usage(error: &clap::Error) -> Option<Failure> {
    if !error.use_stderr()
        || error.kind() == ErrorKind::DisplayHelpOnMissingArgumentOrSubcommand
        || error.kind() == ErrorKind::MissingSubcommand
    {
        return None;
    }
    let text = error.to_string();
    let lines = text.lines().map(str::trim).take_while(|line| !line.starts_with("Usage:"));
    let lines = lines.filter(|line| !line.starts_with("For more information"));
    let text = lines.collect::<Vec<_>>().join("\n");
    Some(Failure::Wrong(text.strip_prefix("error: ").unwrap_or(&text).to_owned()))
}

fn run(args: Args) -> Result<(), Failure> {
    if let Command::Completions { shell } = &args.command {
        let mut script = Vec::new();
        clap_complete::generate(*shell, &mut Args::command(), "aureole", &mut script);
        return output::print(&String::from_utf8_lossy(&script));
    }
    if let Command::GenerateKey = &args.command {
        return output::print(&format!("{}\n", aureole_server::vault::generate_key()));
    }
    let settings = settings::read(&args)?;
    if let Command::OpenApi(asked) = &args.command {
        return openapi::print(asked, &settings.config);
    }
    // Ends, and thereby writes the last lines, when this function does.
    let _log = logging::start(&settings.config)?;
    let cores = std::thread::available_parallelism().map_or(1, usize::from);
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .worker_threads(cores)
        // A request that has come in is seen after so many others at most, not after 61.
        .event_interval(EVENT_INTERVAL)
        // Slow statements and password hashes; each thread has a heap of its own.
        .max_blocking_threads(BLOCKING_THREADS)
        .enable_all()
        .build()
        .map_err(|error| Failure::Failed(format!("threads can't be started: {error}")))?;
    let result = runtime.block_on(command(args.command, settings));
    // What still runs was given up on.
    runtime.shutdown_background();
    result
}

async fn command(command: Command, settings: Settings) -> Result<(), Failure> {
    if let Command::Serve(serve) = &command {
        return serve::run(serve, settings).await;
    }
    match &command {
        Command::Restore { file } => return archive::restore(&settings.config, file).await,
        Command::Verify { file: Some(file) } => return archive::verify_file(file),
        _ => {}
    }
    // A password that is missing leaves no trace.
    let password = match &command {
        Command::Agent(args::Agent::Create(new)) if new.password_stdin => {
            Some(admin::read_password()?)
        }
        _ => None,
    };
    let app = open(settings.config).await?;
    let result = match command {
        Command::Application(command) => admin::application(&app, command).await,
        Command::Agent(args::Agent::Create(new)) => admin::create_agent(&app, new, password).await,
        Command::Tenant(command) => admin::tenant(&app, command).await,
        Command::Demo(args::Demo::Load(load)) => demo::load(&app, load).await,
        Command::Jobs(args::Jobs::Run) => run_jobs(&app).await,
        Command::RotateSigningKey => admin::rotate_signing_key(&app).await,
        // Opened, and so prepared.
        Command::RotateKey => rotate::run(&app).await,
        Command::Migrate => output::print("The database is up to date.\n"),
        Command::Backup { file } => archive::backup(&app, &file).await,
        Command::Verify { .. } => archive::verify_database(&app).await,
        Command::Serve(_)
        | Command::Restore { .. }
        | Command::OpenApi(_)
        | Command::GenerateKey
        | Command::Completions { .. } => Ok(()),
    };
    app.db.close().await;
    result
}

/// Does what a server does every minute.
async fn run_jobs(app: &Arc<App>) -> Result<(), Failure> {
    let bought = aureole_server::jobs::run_due(app).await.map_err(Failure::Failed)?;
    output::print(&format!("Everything that was due is done; {bought} prepay lots were bought.\n"))
}

/// Opens the database and prepares an empty or older one.
async fn open(config: Config) -> Result<Arc<App>, Failure> {
    // Wrong keys are told before the database is touched.
    Vault::new(&config.secret_key, &config.secret_key_file).map_err(Failure::Wrong)?;
    let url: DatabaseUrl = config.database.parse().map_err(Failure::Wrong)?;
    let failed = |error: String| Failure::Failed(format!("{url}: {error}"));
    let db = Db::open(&url, config.storage_options()).await;
    let db = db.map_err(|error| failed(error.to_string()))?;
    App::open(db, config, Clock::system()).await.map_err(failed)
}
