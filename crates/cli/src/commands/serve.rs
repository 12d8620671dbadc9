use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use std::path::{Path, PathBuf};
use std::time::Duration;

use serde_json::json;
use tempfile::TempDir;
use tokio::runtime::Runtime;
use tokio::signal::unix::{SignalKind, signal};
use tokio::time::{Instant, interval_at};
use understory::{Error, Options, Registration, Secret, Server, ServerUrl, UNDO_KEPT, Understory};
use understory_server::{bind, router};

use super::Context;
use crate::error::{CommandError, CommandResult, io};
use crate::settings::{Settings, address};

const FIRST_HOUSEKEEPING: Duration = Duration::from_secs(60 * 60);
const EVERY_DAY: Duration = Duration::from_secs(24 * 60 * 60);

/// Serve a data directory over HTTP; an empty one is made ready first
#[derive(clap::Args)]
pub struct Args {
    /// Address to listen on, may be repeated [default: 127.0.0.1:3002]
    #[arg(long, value_name = "IP:PORT", value_parser = address)]
    listen: Vec<SocketAddr>,
    /// Keep the data in a temporary directory that goes at exit
    #[arg(long, conflicts_with = "data")]
    memory: bool,
    /// Origin that browsers may call from, may be repeated; `*` for all
    #[arg(long = "cors-origin", value_name = "ORIGIN")]
    cors_origins: Vec<String>,
    /// Bring database servers to the newest schema first, empty ones included
    #[arg(long)]
    migrate: bool,
    /// Proxies in front that are trusted to say how clients reached them
    #[arg(long, value_name = "N")]
    trusted_hops: Option<usize>,
}

pub fn run(args: &Args, context: &Context) -> CommandResult<()> {
    let settings = &context.settings;
    if args.memory || settings.memory {
        let directory = TempDir::with_prefix("understory-").map_err(io("a temporary directory"))?;
        return serve_in(args, context, directory.path(), false);
    }
    serve_in(args, context, &settings.data, true)
}

fn serve_in(args: &Args, context: &Context, data: &Path, synced: bool) -> CommandResult<()> {
    let runtime = Runtime::new().map_err(|error| CommandError::internal("no threads").because(&error))?;
    let outcome = runtime.block_on(serve(args, context, data, synced));
    // Whatever still writes finishes first: a temporary directory goes after this.
    drop(runtime);
    outcome
}

async fn serve(args: &Args, context: &Context, data: &Path, synced: bool) -> CommandResult<()> {
    let settings = &context.settings;
    // A key made before the server listens would be lost if it cannot.
    let options = Options { data: data.to_owned(), synced, make_admin_key: false, ..settings.options() };
    let options = Options { migrate_servers: args.migrate, ..options };
    let listen = if args.listen.is_empty() { &settings.listen } else { &args.listen };
    let mut options = options;
    options.people.registration = settings.registration.unwrap_or_else(|| registration(listen));
    let app = Understory::open(options).await?;
    let bound = bind(listen).await.map_err(|error| cannot_listen(&error))?;
    let addresses = bound.addresses().map_err(io("the listening sockets"))?;
    let note = Note::publish(&app, &addresses)?;
    let stop = stop_signal()?;
    let made = app.keys().admin_key_ensure(settings.admin_key.as_deref()).await.map_err(Error::from)?.shown;
    let owner_code = app.people().owner_code_ensure().await.map_err(Error::from)?;
    let made = Made { admin_key: made.as_ref(), owner_code: owner_code.as_ref() };
    greet(context, app.data(), &made, &addresses, synced)?;
    let housekeeping = tokio::spawn(keep_house(app.clone()));
    let ending = app.clone();
    let stop = async move {
        stop.await;
        ending.end_subscriptions();
    };
    let served = bound.serve(router(app.clone(), server_settings(args, settings)), stop).await;
    housekeeping.abort();
    app.leave().await;
    drop(note);
    served.map_err(|error| CommandError::internal("the server failed").because(&error))
}

/// What this start made, to be shown once.
struct Made<'a> {
    admin_key: Option<&'a Secret>,
    owner_code: Option<&'a Secret>,
}

/// Anybody may register while only this machine can reach the server.
fn registration(listen: &[SocketAddr]) -> Registration {
    if listen.iter().all(|address| address.ip().is_loopback()) { Registration::Open } else { Registration::Invitation }
}

/// Forgets once a day what can no longer be undone, not while the server is just starting.
async fn keep_house(app: Understory) {
    let mut days = interval_at(Instant::now() + FIRST_HOUSEKEEPING, EVERY_DAY);
    loop {
        days.tick().await;
        app.keep_house(UNDO_KEPT).await;
    }
}

fn server_settings(args: &Args, settings: &Settings) -> understory_server::Settings {
    let mut server = settings.server.clone();
    if !args.cors_origins.is_empty() {
        server.cors_origins.clone_from(&args.cors_origins);
    }
    server.trusted_hops = args.trusted_hops.unwrap_or(server.trusted_hops);
    server
}

/// What lets commands on this machine find the server: gone when the server is.
struct Note {
    data: PathBuf,
}

impl Note {
    fn publish(app: &Understory, addresses: &[SocketAddr]) -> CommandResult<Self> {
        let url = addresses.first().map(url).unwrap_or_default();
        let token = app.keys().session_key().reveal().to_owned();
        let server = Server { url, token, pid: std::process::id() };
        let data = app.data().to_owned();
        server.publish(&data).map_err(io(format!("{}/run", data.display())))?;
        Ok(Self { data })
    }
}

impl Drop for Note {
    fn drop(&mut self) {
        Server::withdraw(&self.data);
    }
}

/// The first lines: where the data is, database servers among it, the admin key, and what to open.
fn greet(context: &Context, data: &Path, made: &Made<'_>, addresses: &[SocketAddr], synced: bool) -> CommandResult<()> {
    let urls: Vec<String> = addresses.iter().map(url).collect();
    let data = std::path::absolute(data).unwrap_or_else(|_| data.to_owned());
    let databases = &context.settings.databases;
    let address = |url: &Option<ServerUrl>| url.as_ref().map(ToString::to_string);
    let (manage, runtime) = (address(&databases.manage), address(&databases.runtime));
    let said = json!({
        "data": data, "manageDatabase": manage, "runtimeDatabase": runtime,
        "adminKey": made.admin_key.map(Secret::reveal), "ownerCode": made.owner_code.map(Secret::reveal),
        "listening": urls, "pid": std::process::id(),
    });
    let beside = match (&manage, &runtime) {
        (Some(manage), Some(runtime)) => format!("\nmanage     {manage}\nruntime    {runtime}"),
        _ if synced => String::new(),
        _ => " (temporary: gone at exit)".to_owned(),
    };
    let key = match (made.admin_key, &context.settings.admin_key) {
        (Some(made), _) => format!("{}\n           made just now and shown only this once: keep it", made.reveal()),
        (None, Some(_)) => "given in the environment".to_owned(),
        (None, None) => "made at an earlier start".to_owned(),
    };
    let owner = made.owner_code.map_or_else(String::new, |code| {
        format!(
            "\nowner code {}\n           who registers with it owns the server; shown only this once",
            code.reveal()
        )
    });
    context.output.show(&said, || {
        let docs = urls.iter().map(|url| format!("{url}/docs")).collect::<Vec<_>>().join("\n           ");
        format!(
            "Understory {}\ndata       {}{beside}\nadmin key  {key}{owner}\nopen       {docs}",
            env!("CARGO_PKG_VERSION"),
            data.display()
        )
    })
}

/// How this machine reaches an address: one that stands for all is none to call.
fn url(address: &SocketAddr) -> String {
    let ip = match address.ip() {
        IpAddr::V4(ip) if ip.is_unspecified() => Ipv4Addr::LOCALHOST.into(),
        IpAddr::V6(ip) if ip.is_unspecified() => Ipv6Addr::LOCALHOST.into(),
        ip => ip,
    };
    format!("http://{}", SocketAddr::new(ip, address.port()))
}

fn cannot_listen(error: &std::io::Error) -> CommandError {
    let message = format!("cannot listen on {error}");
    CommandError::config(message).hint("--listen IP:PORT names another address; port 0 takes a free one")
}

/// Done at Ctrl-C or when the system asks to stop.
fn stop_signal() -> CommandResult<impl Future<Output = ()> + Send> {
    let on = |kind| signal(kind).map_err(io("signals"));
    let (mut interrupt, mut terminate) = (on(SignalKind::interrupt())?, on(SignalKind::terminate())?);
    Ok(async move {
        tokio::select! {
            _ = interrupt.recv() => {}
            _ = terminate.recv() => {}
        }
    })
}

#[cfg(test)]
mod tests {
    #[test]
    fn an_address_for_all_is_reached_at_home() {
        let url = |text: &str| super::url(&text.parse().unwrap());
        assert_eq!(url("0.0.0.0:80"), "http://127.0.0.1:80");
        assert_eq!(url("[::]:80"), "http://[::1]:80");
        assert_eq!(url("10.0.0.1:80"), "http://10.0.0.1:80");
    }
}
