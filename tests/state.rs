//! State and its journal: the same behaviour of every backend, damage that never passes for a state, one writer.

mod state {
    mod conformance;
    mod damage;
    mod disk;
    mod model;
    mod real;
    mod s3;
    mod server;
}
