# Builds the functions as AWS gets them, for arm64, and runs one of them as arm64 code. Sourced by .ci/run.
#
# The compiler is rustup's where rustup can add the target, else Debian's rustc-web with its arm64 library.

ARM64_TARGET=aarch64-unknown-linux-gnu
ARM64_DEBIAN_RUSTC=/usr/bin/rustc

arm64_as_root() {
    if [ "$(id -u)" -eq 0 ]; then "$@"; else sudo "$@"; fi
}

arm64_has_std() {
    local rustc=$1 libraries
    libraries=$("$rustc" --print target-libdir --target "$ARM64_TARGET" 2>/dev/null) || return 1
    compgen -G "$libraries/libstd-*.rlib" >/dev/null
}

# Installs what is missing: a cross linker, an emulator for arm64 code, and a standard library for the target.
arm64_install() {
    local packages=()
    command -v aarch64-linux-gnu-gcc >/dev/null || packages+=(gcc-aarch64-linux-gnu)
    [ -e /usr/aarch64-linux-gnu/lib/libc.so ] || packages+=(libc6-dev-arm64-cross)
    command -v qemu-aarch64-static >/dev/null || packages+=(qemu-user-static)
    arm64_has_std rustc || rustup target add "$ARM64_TARGET" || true
    if ! arm64_has_std rustc && ! arm64_has_std "$ARM64_DEBIAN_RUSTC"; then
        arm64_as_root dpkg --add-architecture arm64
        packages+=(rustc-web libstd-rust-web-dev:arm64)
    fi
    if [ "${#packages[@]}" -gt 0 ]; then
        arm64_as_root apt-get update -qq
        arm64_as_root env DEBIAN_FRONTEND=noninteractive apt-get install -qq --no-install-recommends "${packages[@]}"
    fi
}

# Runs the tests that need all of this. Only the functions are built by another compiler, so it is given to the test
# program and not to cargo, which would build payhook with it too.
arm64_test() {
    local host runner=env
    host=$(rustc -vV | sed -n 's/^host: //p')
    arm64_has_std rustc || runner="env RUSTC=$ARM64_DEBIAN_RUSTC"
    env "CARGO_TARGET_$(tr 'a-z-' 'A-Z_' <<<"$host")_RUNNER=$runner" \
        cargo test --workspace --test arm64 -- --ignored --nocapture
}
