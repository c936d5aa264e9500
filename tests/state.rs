//! State and its journal: the same behaviour of every backend, damage that never passes for a state, one writer.

mod state {
    mod conformance;
    mod damage;
    mod disk;
    mod real;
}
