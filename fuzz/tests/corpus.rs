//! The fuzz targets' corpus, and changes of it, through the same entry: a brief fuzz run without a fuzzer.

use std::path::PathBuf;
use std::sync::LazyLock;
use std::time::{Duration, Instant};

use payhook_fuzz::{run, samples, targets};
use payments::providers;
use proptest::prelude::*;

/// Bytes of a large body. Work that grows with their square would take minutes.
const LARGE: usize = 256 * 1024;
/// Reading all large bodies takes a small part of this even without optimisation.
const LONGEST: Duration = Duration::from_secs(20);

fn fuzz() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR"))
}

fn keys() -> Vec<&'static str> {
    providers::all()
        .iter()
        .map(|provider| provider.key())
        .collect()
}

/// Inputs by name.
type Inputs = Vec<(String, Vec<u8>)>;

/// The inputs kept for a provider, in order of their names.
fn corpus(key: &str) -> Inputs {
    let folder = fuzz().join("corpus").join(key);
    let files = std::fs::read_dir(folder).expect("a corpus of each provider");
    let mut inputs: Vec<_> = files
        .map(|file| {
            let path = file.expect("a file").path();
            let name = path
                .file_name()
                .expect("a name")
                .to_string_lossy()
                .into_owned();
            (name, std::fs::read(&path).expect("readable"))
        })
        .collect();
    inputs.sort();
    inputs
}

#[test]
fn the_corpus_keeps_every_sample_as_it_is_sent_today() {
    for key in keys() {
        let kept = corpus(key);
        for (event_type, text) in samples(key) {
            let letters = |c: char| if c.is_ascii_alphanumeric() { c } else { '-' };
            let name = event_type.chars().map(letters).collect::<String>();
            let name = format!("sample-{}", name.to_lowercase());
            if std::env::var("INSTA_UPDATE").is_ok_and(|update| update == "always") {
                let file = fuzz().join("corpus").join(key).join(&name);
                std::fs::write(file, &text).expect("written");
                continue;
            }
            let found = kept.iter().find(|(known, _)| *known == name);
            let same = found.is_some_and(|(_, known)| *known == text);
            assert!(
                same,
                "run this test with INSTA_UPDATE=always, and read what changed: {key}/{name}"
            );
        }
    }
}

#[test]
fn every_provider_and_every_reader_has_a_target_and_a_corpus() {
    let manifest = std::fs::read_to_string(fuzz().join("Cargo.toml")).expect("a manifest");
    let bins: Vec<_> = manifest
        .split("[[bin]]")
        .skip(1)
        .filter_map(|bin| bin.split("name = \"").nth(1)?.split('"').next())
        .collect();
    assert_eq!(bins, targets());
    let kept = targets()
        .into_iter()
        .filter(|target| corpus(target).is_empty());
    assert_eq!(kept.collect::<Vec<_>>(), Vec::<&str>::new());
}

#[test]
fn no_target_accepts_or_stumbles_over_what_is_kept_for_any_of_them() {
    for of in targets() {
        for (_, input) in corpus(of) {
            for target in targets() {
                run(target, &input);
            }
        }
    }
}

#[test]
fn a_large_body_of_the_same_again_is_read_in_bounded_time() {
    let many = |unit: &str| unit.repeat((LARGE) / unit.len());
    let bodies = [
        many("["),
        many("{\"id\":"),
        format!("{{{}\"id\":1}}", many("\"id\":\"x\",")),
        format!("{{\"events\":[{}{{}}]}}", many("{},")),
        format!("{{\"notificationItems\":[{}{{}}]}}", many("{},")),
        format!("{{\"resource\":{{\"links\":[{}{{}}]}}}}", many("{},")),
        many("bt_signature=a|b&"),
        many("id=tr_1&"),
        many("\\u0000"),
    ];
    for key in keys() {
        let started = Instant::now();
        for body in &bodies {
            run(key, format!("\n\n{body}").as_bytes());
        }
        for header in [
            "Stripe-Signature: t=1",
            "Event-Signature: 1/SHA256/00",
            "x-signature: ts=1",
            "Paddle-Signature: ts=1",
        ] {
            for more in [",v1=00", ",1/SHA256/00", ";h1=00"] {
                run(key, format!("\n{header}{}\n\n{{}}", many(more)).as_bytes());
            }
        }
        assert!(
            started.elapsed() < LONGEST,
            "{key}: {:?}",
            started.elapsed()
        );
    }
}

/// One change of an input: what a fuzzer does to find its way.
#[derive(Clone, Debug)]
enum Change {
    Flip(prop::sample::Index, u8),
    Cut(prop::sample::Index, usize),
    Insert(prop::sample::Index, Vec<u8>),
    Repeat(prop::sample::Index, usize),
}

fn change() -> impl Strategy<Value = Change> {
    let at = || any::<prop::sample::Index>();
    let words = prop::sample::select(vec![
        "\"",
        "{",
        "}",
        "[",
        "null",
        "-1",
        "1e999",
        "9223372036854775808",
        "é",
        "\u{0}",
        "=",
        ",",
        ";",
        "|",
        "/",
        "%",
        "&",
        "\n",
        ": ",
    ]);
    prop_oneof![
        (at(), 0u8..8).prop_map(|(at, bit)| Change::Flip(at, bit)),
        (at(), 1usize..40).prop_map(|(at, length)| Change::Cut(at, length)),
        (at(), words).prop_map(|(at, word)| Change::Insert(at, word.as_bytes().to_vec())),
        (at(), prop::collection::vec(any::<u8>(), 1..9))
            .prop_map(|(at, bytes)| Change::Insert(at, bytes)),
        (at(), 1usize..60).prop_map(|(at, length)| Change::Repeat(at, length)),
    ]
}

fn changed(mut input: Vec<u8>, changes: Vec<Change>) -> Vec<u8> {
    for change in changes {
        let length = input.len().max(1);
        match change {
            Change::Flip(at, bit) => {
                if let Some(byte) = input.get_mut(at.index(length)) {
                    *byte ^= 1 << bit;
                }
            }
            Change::Cut(at, count) => {
                let start = at.index(length).min(input.len());
                let end = (start + count).min(input.len());
                input.drain(start..end);
            }
            Change::Insert(at, bytes) => {
                let at = at.index(length).min(input.len());
                input.splice(at..at, bytes);
            }
            Change::Repeat(at, count) => {
                let start = at.index(length).min(input.len());
                let end = (start + count).min(input.len());
                let again = input[start..end].to_vec();
                input.splice(end..end, again);
            }
        }
    }
    input
}

/// The whole corpus, read once.
static KEPT: LazyLock<Vec<(&str, Inputs)>> = LazyLock::new(|| {
    targets()
        .into_iter()
        .map(|target| (target, corpus(target)))
        .collect()
});

proptest! {
    #![proptest_config(ProptestConfig::with_cases(96))]

    #[test]
    fn no_change_of_a_kept_input_is_accepted_or_makes_its_target_stumble(
        which in any::<prop::sample::Index>(), changes in prop::collection::vec(change(), 1..6)
    ) {
        for (target, inputs) in KEPT.iter() {
            let (_, input) = inputs[which.index(inputs.len())].clone();
            run(target, &changed(input, changes.clone()));
        }
    }
}
