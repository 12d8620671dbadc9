//! The API as the contract describes it: every operation, called for success and for refusal.
#![allow(clippy::unwrap_used, clippy::expect_used)]

#[path = "contract/access.rs"]
mod access;
#[path = "contract/associations.rs"]
mod associations;
#[path = "contract/bad_input.rs"]
mod bad_input;
#[path = "contract/batch.rs"]
mod batch;
#[path = "contract/branches.rs"]
mod branches;
#[path = "contract/chat.rs"]
mod chat;
#[path = "contract/clashes.rs"]
mod clashes;
#[path = "contract/client.rs"]
mod client;
#[path = "contract/coverage.rs"]
mod coverage;
#[path = "contract/documents.rs"]
mod documents;
#[path = "contract/entities.rs"]
mod entities;
#[path = "contract/exceptions.rs"]
mod exceptions;
#[path = "contract/headers.rs"]
mod headers;
#[path = "contract/invalid.rs"]
mod invalid;
#[path = "contract/operations.rs"]
mod operations;
#[path = "contract/pages.rs"]
mod pages;
#[path = "contract/problem.rs"]
mod problem;
#[path = "contract/refusals.rs"]
mod refusals;
#[path = "contract/sample.rs"]
mod sample;
#[path = "contract/seed.rs"]
mod seed;
#[path = "contract/steps.rs"]
mod steps;
#[path = "contract/success.rs"]
mod success;
#[path = "contract/validators.rs"]
mod validators;
