//! The commands, one file each.

mod backup;
mod blame;
mod branch;
mod bundle;
mod cherry_pick;
mod copy;
mod demo;
mod diff;
mod doctor;
mod each;
mod export;
mod gc;
mod get;
mod history;
mod import;
mod key;
mod log;
mod merge;
mod migrate;
mod model;
mod openapi;
mod operations;
mod restore;
mod revert;
mod serve;
mod set;
mod show;
mod sql;
mod stats;
mod tag;
mod undo;

use clap::Subcommand;
use understory::model::{Model, ModelFiles};

use crate::connect::{Api, Missing};
use crate::error::{CommandError, CommandResult};
use crate::output::Output;
use crate::settings::Settings;

/// All commands, in the order in which help lists them.
#[derive(Subcommand)]
pub enum Command {
    Serve(serve::Args),
    Demo(demo::Args),
    Log(log::Args),
    Show(show::Args),
    Diff(diff::Args),
    History(history::Args),
    Blame(blame::Args),
    Branch(branch::Args),
    Tag(tag::Args),
    Merge(merge::Args),
    Revert(revert::Args),
    CherryPick(cherry_pick::Args),
    #[command(visible_alias = "ops")]
    Operations(operations::Args),
    Undo(undo::Args),
    Get(get::Args),
    Set(set::Args),
    Sql(sql::Args),
    Export(export::Args),
    Import(import::Args),
    Bundle(bundle::Args),
    Key(key::Args),
    Backup(backup::Args),
    Restore(restore::Args),
    Copy(copy::Args),
    Migrate(migrate::Args),
    Gc(gc::Args),
    Stats(stats::Args),
    Doctor(doctor::Args),
    Model(model::Args),
    Openapi(openapi::Args),
}

/// What every command works with.
pub struct Context {
    /// What is set.
    pub settings: Settings,
    /// Where results go.
    pub output: Output,
}

impl Context {
    /// The API over data that is there.
    pub fn api(&self) -> CommandResult<Api> {
        Api::reach(&self.settings, Missing::Refuse)
    }

    /// The API over data that is there, on database servers brought to the newest schema, empty ones included.
    pub fn api_migrating(&self) -> CommandResult<Api> {
        Api::reach(&self.settings.migrating(), Missing::Refuse)
    }

    /// The API over data that is made if it is not there.
    pub fn api_or_new(&self) -> CommandResult<Api> {
        Api::reach(&self.settings, Missing::Make)
    }

    /// The model that the settings name.
    pub fn model(&self) -> CommandResult<Model> {
        let mut files = ModelFiles::built_in();
        if let Some(dir) = &self.settings.model {
            files = files.with_dir(dir).map_err(|error| CommandError::config(error.to_string()))?;
        }
        Model::load(&files).map_err(|error| CommandError::config(error.to_string()))
    }
}

impl Command {
    /// Does it.
    pub fn run(&self, context: &Context) -> CommandResult<()> {
        match self {
            Self::Serve(args) => serve::run(args, context),
            Self::Demo(args) => demo::run(args, context),
            Self::Log(args) => log::run(args, context),
            Self::Show(args) => show::run(args, context),
            Self::Diff(args) => diff::run(args, context),
            Self::History(args) => history::run(args, context),
            Self::Blame(args) => blame::run(args, context),
            Self::Branch(args) => branch::run(args, context),
            Self::Tag(args) => tag::run(args, context),
            Self::Merge(args) => merge::run(args, context),
            Self::Revert(args) => revert::run(args, context),
            Self::CherryPick(args) => cherry_pick::run(args, context),
            Self::Operations(args) => operations::run(args, context),
            Self::Undo(args) => undo::run(args, context),
            Self::Get(args) => get::run(args, context),
            Self::Set(args) => set::run(args, context),
            Self::Sql(args) => sql::run(args, context),
            Self::Export(args) => export::run(args, context),
            Self::Import(args) => import::run(args, context),
            Self::Bundle(args) => bundle::run(args, context),
            Self::Key(args) => key::run(args, context),
            Self::Backup(args) => backup::run(args, context),
            Self::Restore(args) => restore::run(args, context),
            Self::Copy(args) => copy::run(args, context),
            Self::Migrate(args) => migrate::run(args, context),
            Self::Gc(args) => gc::run(args, context),
            Self::Stats(args) => stats::run(args, context),
            Self::Doctor(args) => doctor::run(args, context),
            Self::Model(args) => model::run(args, context),
            Self::Openapi(args) => openapi::run(args, context),
        }
    }
}
