//! Providers, payment event and store.
