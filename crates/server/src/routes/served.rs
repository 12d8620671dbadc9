use axum::handler::Handler;
use axum::routing::{MethodFilter, MethodRouter, on};
use understory::{Permission, Verb};

use crate::Context;

/// What a request must be allowed to be served.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Needs {
    /// Whoever is known.
    Known,
    /// Running the server.
    Server,
    /// Something in the tenant of the path, beside its projects.
    Tenant(Permission),
    /// Something in the project of the path, whichever agents and refs it is about.
    Project(Permission),
    /// Something in the project of the path, at the ref that the request names, within the agent of the path.
    Rows(Permission),
    /// The same in the project that the simple API works on for whoever asks.
    Home(Permission),
    /// Something in that project, whichever agents and refs it is about.
    WholeHome(Permission),
}

impl Needs {
    /// As the API description says it.
    pub(crate) fn words(self) -> String {
        let (place, permission) = match self {
            Self::Known => return "known".into(),
            Self::Server => return "server".into(),
            Self::Tenant(permission) => ("tenant", permission),
            Self::Project(permission) => ("project", permission),
            Self::Rows(permission) => ("rows", permission),
            Self::Home(permission) | Self::WholeHome(permission) => ("home", permission),
        };
        format!("{place}:{}", permission.as_str())
    }
}

/// One operation: where it is served, what it needs, and who does it.
#[derive(Clone)]
pub(crate) struct Served {
    pub(crate) path: String,
    pub(crate) verb: Verb,
    pub(crate) needs: Needs,
    pub(crate) handler: MethodRouter<Context>,
}

/// The operations of a mount.
#[derive(Clone, Default)]
pub(crate) struct Routes(Vec<Served>);

/// Operations whose paths begin alike.
pub(crate) struct Under<'a> {
    base: &'a str,
    routes: &'a mut Routes,
}

impl Routes {
    pub(crate) fn add<H, T>(&mut self, verb: Verb, path: String, needs: Needs, handler: H)
    where
        H: Handler<T, Context>,
        T: 'static,
    {
        let filter = match verb {
            Verb::Get => MethodFilter::GET,
            Verb::Post => MethodFilter::POST,
            Verb::Put => MethodFilter::PUT,
            Verb::Patch => MethodFilter::PATCH,
            Verb::Delete => MethodFilter::DELETE,
        };
        self.0.push(Served { path, verb, needs, handler: on(filter, handler) });
    }

    pub(crate) fn under<'a>(&'a mut self, base: &'a str) -> Under<'a> {
        Under { base, routes: self }
    }

    pub(crate) fn iter(&self) -> impl Iterator<Item = &Served> {
        self.0.iter()
    }

    pub(crate) fn extend(&mut self, more: Self) {
        self.0.extend(more.0);
    }
}

macro_rules! verbs {
    ($($name:ident = $verb:ident),+) => { $(
        pub(crate) fn $name<H, T>(self, path: &str, needs: Needs, handler: H) -> Self
        where
            H: Handler<T, Context>,
            T: 'static,
        {
            let path = format!("{}{path}", self.base);
            self.routes.add(Verb::$verb, path, needs, handler);
            self
        }
    )+ };
}

impl Under<'_> {
    verbs!(get = Get, post = Post, put = Put, patch = Patch, delete = Delete);
}
