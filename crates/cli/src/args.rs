//! The command line. Every option is also an `AUREOLE_…` variable: those of settings (`--listen`,
//! `--database`, `--strict`, `--log-format`) are read with the settings, the others here.

use std::path::PathBuf;

use aureole_server::auth::{Scopes, redirects};
use clap::builder::{BoolishValueParser, PossibleValuesParser};
use clap::{Parser, Subcommand, ValueEnum};
use clap_complete::Shell;

/// The demo clients that one load makes at most.
const MOST_CLIENTS: i64 = 10_000_000;

#[derive(Parser)]
#[command(
    name = "aureole",
    version,
    about = "Clients and sites for managed service providers, over an open API",
    max_term_width = 100
)]
pub struct Args {
    #[command(flatten)]
    pub global: Global,
    #[command(subcommand)]
    pub command: Command,
}

#[derive(clap::Args)]
pub struct Global {
    /// sqlite:PATH or postgres://USER:PASSWORD@HOST/NAME [env: AUREOLE_DATABASE]
    #[arg(long, global = true, value_name = "URL")]
    pub database: Option<String>,
    /// The file of settings; otherwise aureole.toml in the working directory, if there is one
    #[arg(long, global = true, value_name = "FILE", env = "AUREOLE_CONFIG")]
    pub config: Option<PathBuf>,
}

#[derive(Subcommand)]
pub enum Command {
    /// Answers requests until SIGTERM or SIGINT
    Serve(Serve),
    /// Makes, lists and revokes applications: who may ask for tokens
    #[command(subcommand)]
    Application(Application),
    /// Makes agents: the people who work with clients
    #[command(subcommand)]
    Agent(Agent),
    /// Makes, lists and suspends tenants: separate worlds in one database
    #[command(subcommand)]
    Tenant(Tenant),
    /// Demo data
    #[command(subcommand)]
    Demo(Demo),
    /// What the server does in the background
    #[command(subcommand)]
    Jobs(Jobs),
    /// Prints a new key for encrypting secrets in the database
    GenerateKey,
    /// Encrypts every secret again with the newest key, and makes that key first when the keys are in
    /// a file and the last rotation was complete
    RotateKey,
    /// Makes a new key that signs tokens and prints its id; it signs within five seconds, and the old
    /// one is served until its last token has ended
    RotateSigningKey,
    /// Prepares the database, which every other command does as well
    Migrate,
    /// Writes everything, history too, into one file; the server may go on meanwhile
    Backup {
        /// Must not be there yet
        file: PathBuf,
    },
    /// Fills a new database, of either kind, from a backup
    Restore {
        /// A backup, of this program or an older one
        file: PathBuf,
    },
    /// Checks that every record of the database, or a backup, is whole
    Verify {
        /// A backup; without it the database is checked
        file: Option<PathBuf>,
    },
    /// Prints the description of the API as an OpenAPI 3.1 document
    #[command(name = "openapi")]
    OpenApi(OpenApi),
    /// Prints a script that completes commands and options in a shell
    Completions {
        /// Which shell's
        shell: Shell,
    },
}

#[derive(clap::Args)]
pub struct OpenApi {
    /// How the document is written
    #[arg(long, value_enum, default_value = "json", env = "AUREOLE_FORMAT")]
    pub format: DocumentFormat,
}

#[derive(Clone, Copy, ValueEnum)]
pub enum DocumentFormat {
    Json,
    Yaml,
}

#[derive(clap::Args)]
pub struct Serve {
    /// Address and port; port 0 chooses a free one [env: AUREOLE_LISTEN]
    #[arg(long, value_name = "ADDRESS")]
    pub listen: Option<String>,
    /// Serves demo data, on loopback only; in a temporary database unless --database is given
    #[arg(long, env = "AUREOLE_DEMO", value_parser = BoolishValueParser::new())]
    pub demo: bool,
    /// Refuses unknown parameters and fields instead of ignoring them [env: AUREOLE_STRICT]
    #[arg(long)]
    pub strict: bool,
    /// How many requests each application may make, such as 300/5m [env: AUREOLE_RATE_LIMIT]
    #[arg(long, value_name = "NUMBER/WINDOW")]
    pub rate_limit: Option<String>,
    /// human or json [env: AUREOLE_LOG_FORMAT]
    #[arg(long, value_name = "FORMAT")]
    pub log_format: Option<String>,
}

#[derive(Subcommand)]
pub enum Application {
    /// Makes an application and prints its id and secret
    Create(NewApplication),
    /// Lists the applications of all tenants, or of one
    List {
        /// Those of this tenant alone
        #[arg(long, env = "AUREOLE_TENANT")]
        tenant: Option<String>,
    },
    /// Revokes an application: its tokens end within five seconds
    Revoke {
        /// Which one
        #[arg(long, value_name = "ID", env = "AUREOLE_CLIENT_ID")]
        client_id: String,
        /// Needed when several tenants have an application of this id
        #[arg(long, env = "AUREOLE_TENANT")]
        tenant: Option<String>,
    },
}

#[derive(clap::Args)]
pub struct NewApplication {
    /// For people
    #[arg(long, env = "AUREOLE_NAME", value_parser = name)]
    pub name: String,
    /// Whose records it works with
    #[arg(long, default_value = "default", env = "AUREOLE_TENANT")]
    pub tenant: String,
    /// Otherwise a random one
    #[arg(long, value_name = "ID", env = "AUREOLE_CLIENT_ID", value_parser = name)]
    pub client_id: Option<String>,
    /// Otherwise a random one, which is better. Other users of this machine can see arguments:
    /// prefer the variable
    #[arg(
        long,
        value_name = "SECRET",
        env = "AUREOLE_CLIENT_SECRET",
        hide_env_values = true,
        value_parser = clap::builder::NonEmptyStringValueParser::new()
    )]
    pub client_secret: Option<String>,
    /// What it may do, separated by spaces: all, read:customers, edit:customers …
    #[arg(long, default_value = "all", env = "AUREOLE_SCOPE", value_parser = scope)]
    pub scope: String,
    /// The id of the agent as whom it acts; otherwise the tenant's first agent
    #[arg(long, value_name = "ID", env = "AUREOLE_AGENT",
          value_parser = clap::value_parser!(i64).range(1..))]
    pub agent: Option<i64>,
    /// How it may ask for tokens; may be given several times
    #[arg(
        long,
        default_value = "client_credentials",
        env = "AUREOLE_GRANT",
        value_delimiter = ',',
        value_parser = PossibleValuesParser::new(
            ["client_credentials", "password", "authorization_code", "refresh_token"]
        )
    )]
    pub grant: Vec<String>,
    /// Where people may be sent after signing in; may be given several times
    #[arg(long, value_name = "URL", env = "AUREOLE_REDIRECT_URI", value_delimiter = ',',
          value_parser = redirect_uri)]
    pub redirect_uri: Vec<String>,
    /// Gets no secret: for programs that run in a browser or on people's own machines
    #[arg(long, env = "AUREOLE_PUBLIC", value_parser = BoolishValueParser::new())]
    pub public: bool,
}

#[derive(Subcommand)]
pub enum Agent {
    /// Makes an agent and prints its id
    Create(NewAgent),
}

#[derive(clap::Args)]
pub struct NewAgent {
    /// Unique in the tenant
    #[arg(long, env = "AUREOLE_NAME", value_parser = name)]
    pub name: String,
    /// What the agent signs in with
    #[arg(long, env = "AUREOLE_EMAIL", value_parser = email)]
    pub email: String,
    /// Whose records the agent works with
    #[arg(long, default_value = "default", env = "AUREOLE_TENANT")]
    pub tenant: String,
    /// Reads the password from the first line of the standard input; without it the agent can't
    /// sign in
    #[arg(long, env = "AUREOLE_PASSWORD_STDIN", value_parser = BoolishValueParser::new())]
    pub password_stdin: bool,
    /// What the agent may do
    #[arg(long, value_enum, default_value = "agent", env = "AUREOLE_ROLE")]
    pub role: AgentRole,
}

#[derive(Clone, Copy, ValueEnum)]
pub enum AgentRole {
    /// Everything
    Administrator,
    /// Client data, but not definitions, settings, applications and agents
    Agent,
}

#[derive(Subcommand)]
pub enum Tenant {
    /// Makes a tenant and prints its id
    Create {
        /// Unique, whatever the letter case
        #[arg(value_parser = name)]
        name: String,
    },
    /// Lists the tenants
    List,
    /// Suspends a tenant: nobody signs in, and its tokens end within five seconds
    Suspend {
        /// Which one
        name: String,
    },
}

#[derive(Subcommand)]
pub enum Jobs {
    /// Does everything that is due now, then ends: buys recurring prepay and top-ups
    Run,
}

#[derive(Subcommand)]
pub enum Demo {
    /// Makes clients with all that belongs to them; the same seed makes the same data
    Load(Load),
}

#[derive(clap::Args)]
pub struct Load {
    /// How many
    #[arg(long, value_name = "N", default_value = "200", env = "AUREOLE_CLIENTS",
          value_parser = clap::value_parser!(u32).range(1..=MOST_CLIENTS))]
    pub clients: u32,
    /// Another seed makes other data
    #[arg(long, value_name = "N", default_value = "1", env = "AUREOLE_SEED")]
    pub seed: u64,
    /// Whose records they become
    #[arg(long, default_value = "default", env = "AUREOLE_TENANT")]
    pub tenant: String,
}

fn name(text: &str) -> Result<String, String> {
    let text = text.trim();
    if text.is_empty() || text.contains(char::is_control) || text.chars().count() > 100 {
        return Err("1 to 100 characters are needed".to_owned());
    }
    Ok(text.to_owned())
}

fn scope(text: &str) -> Result<String, String> {
    match Scopes::parse(text) {
        Ok(_) => Ok(text.to_owned()),
        Err(unknown) => Err(format!("there is no scope named {unknown}")),
    }
}

fn email(text: &str) -> Result<String, String> {
    let text = text.trim();
    if !text.contains('@') || text.contains(char::is_whitespace) {
        return Err("this is not an e-mail address".to_owned());
    }
    Ok(text.to_owned())
}

fn redirect_uri(text: &str) -> Result<String, String> {
    redirects::check(text).map(|()| text.to_owned()).map_err(|why| format!("it {why}"))
}

#[cfg(test)]
mod tests {
    use clap::CommandFactory;

    use super::*;

    #[test]
    fn the_command_line_is_consistent() {
        Args::command().debug_assert();
    }

    #[test]
    fn every_option_is_explained_and_has_a_variable() {
        fn check(command: &clap::Command, settings: &[&str]) {
            for argument in command.get_arguments() {
                let (command, name) = (command.get_name(), argument.get_id());
                assert!(argument.get_help().is_some(), "{command} {name} is not explained");
            }
            for option in command.get_arguments().filter(|option| !option.is_positional()) {
                let name = option.get_id().as_str();
                let known = option.get_env().is_some() || settings.contains(&name);
                assert!(known || matches!(name, "help" | "version"), "{name}");
            }
            for inner in command.get_subcommands() {
                check(inner, settings);
            }
        }
        check(&Args::command(), &["database", "listen", "strict", "log_format", "rate_limit"]);
    }
}
