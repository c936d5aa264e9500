//! payhook.
