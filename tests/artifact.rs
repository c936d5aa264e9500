//! Functions are built, zipped and, when they do not compile, explained: with the real cargo.

use std::fs;
use std::io::Read;
use std::path::Path;

use payhook::artifact::{Artifact, ArtifactError, FUNCTIONS, Progress, Request, Target, build};

const MANIFEST: &str =
    "[workspace]\nresolver = \"3\"\nmembers = [\"webhook-validator\", \"payment-processor\"]\n";
const MAIN: &str = "fn main() { println!(\"{}\", line!()) }\n";

/// A workspace with the two functions and nothing else.
fn workspace() -> tempfile::TempDir {
    let folder = tempfile::tempdir().unwrap();
    write(folder.path(), "Cargo.toml", MANIFEST);
    for name in FUNCTIONS {
        let manifest = format!("[package]\nname = \"{name}\"\nedition = \"2024\"\n");
        write(folder.path(), &format!("{name}/Cargo.toml"), &manifest);
        write(folder.path(), &format!("{name}/src/main.rs"), MAIN);
    }
    folder
}

fn write(folder: &Path, name: &str, text: &str) {
    let path = folder.join(name);
    fs::create_dir_all(path.parent().unwrap()).unwrap();
    fs::write(path, text).unwrap();
}

async fn for_host(folder: &Path) -> (Result<Vec<Artifact>, ArtifactError>, Vec<Progress>) {
    let request = Request {
        workspace: folder.into(),
        target: Target::Host,
        out: folder.join(".payhook/artifacts"),
    };
    let mut seen = Vec::new();
    let built = build(&request, &mut |progress| seen.push(progress)).await;
    (built, seen)
}

#[tokio::test]
async fn both_functions_are_built_and_zipped_and_a_second_build_gives_the_same_bytes() {
    let folder = workspace();
    let (first, progress) = for_host(folder.path()).await;
    let first = first.unwrap();
    assert!(
        progress.iter().any(
            |p| matches!(p, Progress::Compiling(name) if name.starts_with("webhook-validator"))
        )
    );
    assert_eq!(
        first.iter().map(|a| a.function).collect::<Vec<_>>(),
        FUNCTIONS
    );
    for artifact in &first {
        let file = fs::File::open(&artifact.zip).unwrap();
        let mut zip = zip::ZipArchive::new(file).unwrap();
        let mut code = Vec::new();
        zip.by_name("bootstrap")
            .unwrap()
            .read_to_end(&mut code)
            .unwrap();
        assert!(!code.is_empty());
        assert_eq!(artifact.size, fs::metadata(&artifact.zip).unwrap().len());
    }
    let (second, progress) = for_host(folder.path()).await;
    assert_eq!(second.unwrap(), first);
    assert!(!progress.iter().any(|p| matches!(p, Progress::Compiling(_))));
}

#[tokio::test]
async fn a_zip_that_was_lost_is_made_again_with_the_same_bytes() {
    let folder = workspace();
    let first = for_host(folder.path()).await.0.unwrap();
    let bytes = fs::read(&first[0].zip).unwrap();
    fs::remove_file(&first[0].zip).unwrap();
    assert_eq!(for_host(folder.path()).await.0.unwrap(), first);
    assert_eq!(fs::read(&first[0].zip).unwrap(), bytes);
}

#[tokio::test]
async fn a_change_of_one_function_changes_the_hash_of_that_function_alone() {
    let folder = workspace();
    let before = for_host(folder.path()).await.0.unwrap();
    write(
        folder.path(),
        "payment-processor/src/main.rs",
        &format!("\n{MAIN}"),
    );
    let after = for_host(folder.path()).await.0.unwrap();
    assert_eq!(after[0], before[0]);
    assert_ne!(after[1].code_sha256, before[1].code_sha256);
}

#[tokio::test]
async fn a_function_that_does_not_compile_is_named_with_what_cargo_says() {
    let folder = workspace();
    write(
        folder.path(),
        "payment-processor/src/main.rs",
        "fn main() { let total: u64 = \"ten\"; }\n",
    );
    let error = for_host(folder.path()).await.0.unwrap_err();
    let ArtifactError::Compile { failed, output } = &error else {
        panic!("{error}");
    };
    assert_eq!(failed, &["payment-processor"]);
    assert!(output.contains("mismatched types"), "{output}");
    assert!(
        output.contains("payment-processor/src/main.rs:1"),
        "{output}"
    );
    assert!(!folder.path().join(".payhook").exists());
}

#[tokio::test]
async fn a_folder_without_the_functions_is_explained() {
    let folder = workspace();
    write(
        folder.path(),
        "Cargo.toml",
        &MANIFEST.replace("\"webhook-validator\", ", ""),
    );
    let error = for_host(folder.path()).await.0.unwrap_err();
    let text = error.to_string();
    assert!(text.contains("webhook-validator"), "{text}");
}
