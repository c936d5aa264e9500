//! Zips of earlier deploys, named by their content, so that a rollback finds the code again.

use super::digest::sha256_of;
use super::{ArtifactError, FUNCTIONS, failed, replace};
use std::collections::{BTreeSet, HashMap};
use std::fs;
use std::io::{self, Read};
use std::path::{Path, PathBuf};

/// Folder of the zips that an environment's deploys have used.
fn folder(out: &Path, env: &str) -> PathBuf {
    out.join("deployed").join(env)
}

/// A SHA-256 in base64 as a file name.
fn file_name(code: &str) -> String {
    let letters = code
        .trim_end_matches('=')
        .chars()
        .map(|letter| match letter {
            '/' => '_',
            '+' => '-',
            other => other,
        });
    letters.chain(".zip".chars()).collect()
}

/// The zips at hand, by the base64 SHA-256 of their content: of the last build and of earlier deploys.
pub fn kept(out: &Path, env: &str) -> HashMap<String, PathBuf> {
    let built = ["local", "arm64"].into_iter().flat_map(|folder| {
        FUNCTIONS.map(|function| out.join(folder).join(format!("{function}.zip")))
    });
    let deployed = fs::read_dir(folder(out, env)).into_iter().flatten();
    let deployed = deployed.filter_map(|file| Some(file.ok()?.path()));
    built
        .chain(deployed)
        .filter_map(|zip| Some((sha256_of(&zip).ok()?, zip)))
        .collect()
}

/// Keeps the zip of a deploy.
pub fn keep(
    out: &Path,
    env: &str,
    code: &str,
    mut zip: impl Read,
) -> Result<PathBuf, ArtifactError> {
    let path = folder(out, env).join(file_name(code));
    if !sha256_of(&path).is_ok_and(|known| known == code) {
        replace(&path, |file| {
            let copied = io::copy(&mut zip, file);
            copied.map(drop).map_err(failed("write", &path))
        })?;
    }
    Ok(path)
}

/// Removes the zips of an environment's deploys but for those of these contents.
pub fn forget(out: &Path, env: &str, used: &BTreeSet<&str>) -> Result<(), ArtifactError> {
    let used: BTreeSet<String> = used.iter().map(|code| file_name(code)).collect();
    let folder = folder(out, env);
    let files = match fs::read_dir(&folder) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(()),
        files => files.map_err(failed("read", &folder))?,
    };
    for file in files {
        let file = file.map_err(failed("read", &folder))?;
        if !used.contains(&*file.file_name().to_string_lossy()) {
            fs::remove_file(file.path()).map_err(failed("remove", &file.path()))?;
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::super::digest::sha256;
    use super::*;

    #[test]
    fn a_kept_zip_is_found_by_its_content_until_no_deploy_on_record_has_used_it() {
        let out = tempfile::tempdir().unwrap();
        let codes: Vec<String> = [b"one", b"two"]
            .map(|zip| {
                let code = sha256(&zip[..]).unwrap();
                keep(out.path(), "dev", &code, &zip[..]).unwrap();
                code
            })
            .into();
        let at_hand = |env: &str| kept(out.path(), env).into_keys().collect::<BTreeSet<_>>();
        assert_eq!(at_hand("dev"), codes.iter().cloned().collect());
        assert!(at_hand("prod").is_empty());
        forget(out.path(), "dev", &BTreeSet::from([codes[1].as_str()])).unwrap();
        assert_eq!(at_hand("dev"), BTreeSet::from([codes[1].clone()]));
        forget(out.path(), "prod", &BTreeSet::new()).unwrap();
    }

    #[test]
    fn a_zip_that_was_tampered_with_is_not_taken_for_what_it_was() {
        let out = tempfile::tempdir().unwrap();
        let one = &b"one"[..];
        let code = sha256(one).unwrap();
        let zip = keep(out.path(), "dev", &code, one).unwrap();
        fs::write(&zip, b"other").unwrap();
        assert!(!kept(out.path(), "dev").contains_key(&code));
        keep(out.path(), "dev", &code, one).unwrap();
        assert_eq!(fs::read(&zip).unwrap(), one);
    }
}
