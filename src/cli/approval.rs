//! Plans kept in a file: written by preview, and held against what a deploy would do.

use super::Context;
use super::refusal::{Misuse, Refusal};
use crate::plan::{Approved, Plan};
use crate::resources::Given;
use std::fs;
use std::io::Write;
use std::path::Path;

/// Writes a plan so that no reader ever sees half of it, and says how to apply it.
pub fn write(context: &Context, path: &Path, given: &Given, plan: &Plan) -> anyhow::Result<()> {
    let at = context.now().to_string();
    let approved = Approved::new(context.env(), given, at, plan.clone());
    let fresh = path.with_extension(format!("{}.part", std::process::id()));
    let written = fs::File::create(&fresh)
        .and_then(|mut file| {
            file.write_all(approved.text().as_bytes())
                .and(file.sync_all())
        })
        .and_then(|()| fs::rename(&fresh, path));
    if written.is_err() {
        // It may not even be there.
        let _ = fs::remove_file(&fresh);
    }
    written.map_err(|error| Misuse {
        words: format!("cannot write the plan to {}: {error}", path.display()),
        next: "name a file in a folder that exists and may be written".to_owned(),
    })?;
    context.ui.note(format!(
        "\nWrote the plan to {file}; once it is approved: `payhook deploy --plan {file} --env {env}`",
        file = path.display(),
        env = context.env()
    ));
    Ok(())
}

/// Reads a plan of this environment.
pub fn read(context: &Context, path: &Path) -> anyhow::Result<Approved> {
    let unusable = |why: String| Misuse {
        words: format!("{} cannot be applied: {why}", path.display()),
        next: format!(
            "write it with `payhook preview --out {} --env {}`",
            path.display(),
            context.env()
        ),
    };
    let text = fs::read(path).map_err(|error| unusable(error.to_string()))?;
    let approved = Approved::parse(&text).map_err(|error| unusable(error.to_string()))?;
    match approved.env == context.env() {
        true => Ok(approved),
        false => Err(unusable(format!("it is a plan of environment `{}`", approved.env)).into()),
    }
}

/// Refuses a plan that does anything beyond the approved one.
pub fn guard(approved: &Approved, given: &Given, plan: &Plan) -> anyhow::Result<()> {
    if approved.given != *given {
        return Err(Refusal::ApprovedElsewhere {
            approved: approved.given.clone(),
            found: given.clone(),
        }
        .into());
    }
    let beyond = approved.exceeded_by(plan);
    match beyond.is_empty() {
        true => Ok(()),
        false => Err(Refusal::NotApproved {
            at: approved.at.clone(),
            beyond,
        }
        .into()),
    }
}
