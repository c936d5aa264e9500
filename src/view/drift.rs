//! Drift in words, for a terminal or a log.

use super::plan::Heading;
use super::value::show;
use super::{Paint, Tone};
use crate::plan::{Drift, Drifted};
use std::fmt::Write;

/// Everything that has drifted, ending in how much of the stack that is.
pub fn drift(drift: &Drift, heading: &Heading<'_>, paint: Paint) -> String {
    let Heading {
        env,
        account,
        region,
        ..
    } = heading;
    let env = paint.tone(Tone::Strong, env);
    let mut text = format!("Drift of {env} (account {account}, {region})\n\n");
    let width = drift.drifted.iter().map(|d| d.kind.as_str().len()).max();
    let width = width.unwrap_or(0);
    let (gone, changed): (Vec<&Drifted>, Vec<&Drifted>) =
        drift.drifted.iter().partition(|d| d.gone);
    for (sign, tone, title, drifted) in [
        ("~", Tone::Change, "changed outside payhook", changed),
        ("-", Tone::Bad, "deleted outside payhook", gone),
    ] {
        if drifted.is_empty() {
            continue;
        }
        let sign = paint.tone(tone, format!("{sign:>3}"));
        push(&mut text, format_args!("{sign} {title}"));
        drifted
            .iter()
            .for_each(|d| item(&mut text, d, width, paint));
        text.push('\n');
    }
    left_out(&mut text, drift);
    text.push_str(&totals(drift));
    text
}

fn item(text: &mut String, drifted: &Drifted, width: usize, paint: Paint) {
    let kind = drifted.kind.as_str();
    push(
        text,
        format_args!("      {kind:<width$}  {}", drifted.physical),
    );
    if let Some(condition) = &drifted.condition {
        push(
            text,
            format_args!("          {}", paint.tone(Tone::Bad, condition)),
        );
    }
    for change in &drifted.changes {
        push(
            text,
            format_args!(
                "          {}: {} -> {}",
                change.property,
                show(change.recorded.as_ref()),
                show(change.live.as_ref())
            ),
        );
    }
}

/// What nothing can be said about; said every time, so that nobody takes it for unchanged.
fn left_out(text: &mut String, drift: &Drift) {
    if !drift.unfinished.is_empty() {
        push(
            text,
            format_args!(
                "  ? the last run stopped in the middle of these; the next deploy goes on from there"
            ),
        );
        for name in &drift.unfinished {
            push(text, format_args!("      {name}"));
        }
        text.push('\n');
    }
    if !drift.unseen.is_empty() {
        push(text, format_args!("  ? not observable at this endpoint"));
        for (name, properties) in &drift.unseen {
            push(
                text,
                format_args!("      {name}: {}", properties.join(", ")),
            );
        }
        text.push('\n');
    }
}

/// The last line: how many of how many.
fn totals(drift: &Drift) -> String {
    let (drifted, as_recorded) = (drift.drifted.len(), drift.as_recorded);
    let are = |count: usize| {
        if count == 1 {
            "resource is"
        } else {
            "resources are"
        }
    };
    match drifted {
        0 => format!(
            "Nothing has drifted: {as_recorded} {} as recorded.",
            are(as_recorded)
        ),
        1 => format!("1 resource has drifted, {as_recorded} as recorded."),
        n => format!("{n} resources have drifted, {as_recorded} as recorded."),
    }
}

fn push(text: &mut String, line: std::fmt::Arguments<'_>) {
    // Writing into a string cannot fail.
    let _ = writeln!(text, "{line}");
}
