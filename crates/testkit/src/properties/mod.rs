//! Laws of drafts, merges and stores, tried on random projects.
