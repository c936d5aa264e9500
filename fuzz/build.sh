# Builds the fuzz targets; sourced by fuzz/run and fuzz/keep.

FUZZ_BINARIES=target/debug

# The whole workspace decides on the features of dependencies, as for the tests, so these are compiled once for both:
# only payhook's own crates and the fuzzer come anew.
fuzz_build() {
    local target bins=()
    for target in $(ls fuzz/corpus); do bins+=(--bin "$target"); done
    RUSTC_WORKSPACE_WRAPPER=$PWD/fuzz/instrument \
        cargo build --locked --quiet --workspace --features payhook-fuzz/libfuzzer "${bins[@]}"
}
