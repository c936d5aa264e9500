//! Wrong wiring does not compile.
//!
//! Each file of `tests/wiring` is given to the compiler with this build of the library. Its first line says what the
//! compiler must answer: the error code, and words of the message. `right.rs` shows that the harness itself compiles.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};

fn newest_library() -> PathBuf {
    let tests = std::env::current_exe().expect("a test knows its own path");
    let folder = tests.parent().expect("it lies in a folder").to_owned();
    let libraries = fs::read_dir(&folder)
        .expect("the folder can be read")
        .flatten()
        .map(|e| e.path());
    let libraries = libraries.filter(|path| {
        let name = path
            .file_name()
            .and_then(|n| n.to_str())
            .unwrap_or_default();
        name.starts_with("libpayhook-") && name.ends_with(".rlib")
    });
    libraries
        .max_by_key(|path| path.metadata().and_then(|m| m.modified()).ok())
        .expect("cargo has built the library before its tests")
}

fn compile(file: &Path) -> Output {
    let library = newest_library();
    let rustc = std::env::var_os("RUSTC").unwrap_or_else(|| "rustc".into());
    let out = tempfile::tempdir().expect("a temporary folder can be made");
    Command::new(rustc)
        .args([
            "--edition",
            "2024",
            "--crate-type",
            "lib",
            "--emit",
            "metadata",
            "--out-dir",
        ])
        .arg(out.path())
        .arg("--extern")
        .arg(format!("payhook={}", library.display()))
        .arg("-L")
        .arg(format!(
            "dependency={}",
            library.parent().expect("it lies in a folder").display()
        ))
        .arg(file)
        .output()
        .expect("rustc runs")
}

fn cases() -> Vec<PathBuf> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/wiring");
    let mut files: Vec<PathBuf> = fs::read_dir(folder)
        .expect("the cases can be read")
        .flatten()
        .map(|e| e.path())
        .collect();
    files.sort();
    files
}

#[test]
fn right_wiring_compiles() {
    let right = cases()
        .into_iter()
        .find(|f| f.ends_with("right.rs"))
        .expect("right.rs is there");
    let output = compile(&right);
    assert!(
        output.status.success(),
        "{}",
        String::from_utf8_lossy(&output.stderr)
    );
}

#[test]
fn wrong_wiring_is_refused_by_the_compiler_for_the_right_reason() {
    let wrong: Vec<PathBuf> = cases()
        .into_iter()
        .filter(|f| !f.ends_with("right.rs"))
        .collect();
    assert!(wrong.len() >= 8, "{} cases", wrong.len());
    for file in wrong {
        let text = fs::read_to_string(&file).expect("a case can be read");
        let expected = text
            .lines()
            .next()
            .and_then(|l| l.strip_prefix("//! "))
            .expect("it says what to expect");
        let (code, words) = expected.split_once(": ").expect("CODE: words");
        let output = compile(&file);
        let answer = String::from_utf8_lossy(&output.stderr).replace("payhook::graph::", "");
        assert!(!output.status.success(), "{} compiles", file.display());
        assert!(
            answer.contains(&format!("error[{code}]")),
            "{}: {answer}",
            file.display()
        );
        for word in words.split(", ") {
            assert!(
                answer.contains(word),
                "{}: `{word}` is not in: {answer}",
                file.display()
            );
        }
        assert!(
            answer.contains("aborting due to 1 previous error"),
            "{}: {answer}",
            file.display()
        );
    }
}
