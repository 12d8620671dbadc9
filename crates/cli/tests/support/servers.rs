//! Database servers that a test starts, kills and starts again.

use std::fs::{self, File};
use std::io::Write as _;
use std::net::TcpListener;
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use tempfile::TempDir;
use understory::sql::postgres::{Pool, ServerUrl};

/// How long a server may take until it answers.
const START: Duration = Duration::from_secs(60);
const ALL_ENGINES: &str = "UNDERSTORY_TEST_ALL_ENGINES";

/// DoltGres and PostgreSQL, with a database on each.
pub struct Databases {
    pub doltgres: Server,
    pub postgres: Server,
    home: TempDir,
}

/// One server, on a port and in a directory of its own.
pub struct Server {
    program: PathBuf,
    arguments: Vec<String>,
    directory: PathBuf,
    /// Whom it runs as, if not as whoever runs the test.
    user: Option<String>,
    port: u16,
    child: Option<Child>,
}

impl Databases {
    /// Starts both, where their programs are named. Where they are not, says that `test` is skipped.
    pub fn start(test: &str) -> Option<Self> {
        let doltgres = PathBuf::from(variable(test, "UNDERSTORY_TEST_DOLTGRES_BIN")?);
        let postgres = PathBuf::from(variable(test, "UNDERSTORY_TEST_POSTGRES_BIN")?);
        let home = tempfile::tempdir().unwrap();
        fs::set_permissions(home.path(), fs::Permissions::from_mode(0o755)).unwrap();
        let databases = Self {
            doltgres: Server::doltgres(doltgres, &home.path().join("doltgres")),
            postgres: Server::postgres(&postgres, &home.path().join("postgres")),
            home,
        };
        databases.doltgres.run_sql("postgres", "create database understory");
        databases.postgres.run_sql("postgres", "create database understory");
        Some(databases)
    }

    /// What tells `understory` where they are.
    pub fn arguments(&self) -> [String; 4] {
        let (manage, runtime) = (self.doltgres.url("understory"), self.postgres.url("understory"));
        ["--manage-url".into(), manage, "--runtime-url".into(), runtime]
    }
}

impl Drop for Databases {
    fn drop(&mut self) {
        if std::thread::panicking() {
            eprintln!("what the servers held is kept in {}", self.home.path().display());
            self.home.disable_cleanup(true);
        }
    }
}

impl Server {
    fn doltgres(program: PathBuf, directory: &Path) -> Self {
        let port = free_port();
        fs::create_dir_all(directory.join(".dolt")).unwrap();
        fs::write(directory.join(".dolt/config_global.json"), r#"{"metrics.disabled":"true"}"#).unwrap();
        let config = format!("log_level: warning\ndata_dir: data\nlistener:\n  host: 127.0.0.1\n  port: {port}\n");
        fs::write(directory.join("config.yaml"), config).unwrap();
        let arguments = vec!["-config".into(), "config.yaml".into()];
        let mut server = Self { program, arguments, directory: directory.into(), user: None, port, child: None };
        server.start();
        server
    }

    fn postgres(programs: &Path, directory: &Path) -> Self {
        let user = std::env::var("UNDERSTORY_TEST_POSTGRES_USER").ok().filter(|user| !user.is_empty());
        fs::create_dir_all(directory).unwrap();
        fs::write(directory.join("password"), "password").unwrap();
        if let Some(user) = &user {
            let owned = Command::new("chown").args(["-R", user]).arg(directory).status().unwrap();
            assert!(owned.success(), "the directory is given to {user}");
        }
        let port = free_port();
        let mut server = Self {
            program: programs.join("initdb"),
            arguments: "-D data --username=postgres --pwfile=password --auth=scram-sha-256 --encoding=UTF8 --locale=C"
                .split(' ')
                .map(str::to_owned)
                .collect(),
            directory: directory.into(),
            user,
            port,
            child: None,
        };
        assert!(server.command().status().unwrap().success(), "initdb: see {}/log", directory.display());
        server.program = programs.join("postgres");
        server.arguments = format!("-D data -p {port} -c listen_addresses=127.0.0.1 -c max_connections=200")
            .split(' ')
            .map(str::to_owned)
            .chain(["-c".into(), "unix_socket_directories=".into()])
            .collect();
        server.start();
        server
    }

    /// The address of a database on it.
    pub fn url(&self, database: &str) -> String {
        format!("postgresql://postgres:password@127.0.0.1:{}/{database}?sslmode=disable", self.port)
    }

    /// Starts it, and waits until it answers. What a killed one left may be in its way at first.
    pub fn start(&mut self) {
        let until = Instant::now() + START;
        loop {
            if self.child.as_mut().is_none_or(|child| child.try_wait().unwrap().is_some()) {
                self.child = Some(self.command().spawn().unwrap());
            }
            if self.try_sql("postgres", "select 1").is_ok() {
                return;
            }
            let log = fs::read_to_string(self.directory.join("log")).unwrap_or_default();
            assert!(Instant::now() < until, "{} does not answer: {log}", self.program.display());
            std::thread::park_timeout(Duration::from_millis(20));
        }
    }

    /// `kill -9`.
    pub fn kill(&mut self) {
        let mut child = self.child.take().unwrap();
        child.kill().unwrap();
        child.wait().unwrap();
    }

    /// Runs statements, which must succeed.
    pub fn run_sql(&self, database: &str, sql: &str) -> Vec<Vec<Option<String>>> {
        self.try_sql(database, sql).unwrap_or_else(|error| panic!("{sql}: {error}"))
    }

    fn try_sql(&self, database: &str, sql: &str) -> Result<Vec<Vec<Option<String>>>, Box<dyn std::error::Error>> {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
        runtime.block_on(async {
            let pool = Pool::new(&ServerUrl::parse(&self.url(database))?, 1, false)?;
            Ok(pool.connection().await?.texts(sql).await?)
        })
    }

    fn command(&self) -> Command {
        let mut command = match &self.user {
            None => Command::new(&self.program),
            Some(user) => {
                let mut command = Command::new("setpriv");
                command.arg(format!("--reuid={user}")).arg(format!("--regid={}", group_of(user)));
                command.arg("--clear-groups").arg(&self.program);
                command
            }
        };
        let log = || File::options().create(true).append(true).open(self.directory.join("log")).unwrap();
        command.args(&self.arguments).current_dir(&self.directory).stdin(Stdio::null()).stdout(log()).stderr(log());
        command.env("DOLT_ROOT_PATH", &self.directory);
        for (name, value) in [("USER", "postgres"), ("PASSWORD", "password"), ("DB", "postgres")] {
            command.env(format!("DOLTGRES_{name}"), value);
        }
        command
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        if let Some(mut child) = self.child.take() {
            let _ = child.kill();
            let _ = child.wait();
        }
    }
}

fn variable(test: &str, name: &str) -> Option<String> {
    let value = std::env::var(name).ok().filter(|value| !value.is_empty());
    if value.is_none() {
        assert!(std::env::var_os(ALL_ENGINES).is_none(), "{test}: {name} is not set, but {ALL_ENGINES} is");
        let _ = writeln!(std::io::stderr(), "SKIPPED: {test}: {name} is not set");
    }
    value
}

fn group_of(user: &str) -> String {
    let output = Command::new("id").args(["-g", user]).output().unwrap();
    String::from_utf8(output.stdout).unwrap().trim().to_owned()
}

fn free_port() -> u16 {
    TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port()
}
