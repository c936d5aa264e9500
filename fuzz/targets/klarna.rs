#![no_main]
payhook_fuzz::target!();
