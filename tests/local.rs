//! The managed local emulator, with real processes: its life, and the gaps of the pinned version that payhook fills.
//!
//! Needs Python 3.10 or newer. The first run installs the emulator below the target directory; PAYHOOK_EMULATOR_PYTHON
//! may name a Python that already has it.

mod local {
    mod aws;
    mod support;

    mod executions;
    mod functions;
    mod gateway;
    mod life;
    mod pipes;
    mod read_back;
    mod restart;
}
