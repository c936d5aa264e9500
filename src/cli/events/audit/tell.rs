//! Says what an audit read and found.

use super::Letters;
use super::executions::Executions;
use crate::audit::{Fault, FaultKind, Report};
use crate::cli::Ui;
use crate::cli::events::counted;
use crate::view::Tone;
use serde_json::json;
use std::collections::BTreeMap;

/// Faults that are shown one by one, of each kind.
const SHOWN: usize = 20;

/// What was read.
pub struct Read<'a> {
    pub table: &'a str,
    pub items: usize,
    pub pages: u64,
    pub units: f64,
    pub executions: &'a Executions,
    pub queue: &'a Letters,
    pub sent: Option<usize>,
    pub outcomes: Option<usize>,
}

/// Tells it all.
pub fn tell(ui: &Ui, read: &Read<'_>, report: &Report) {
    if ui.is_json() {
        for fault in &report.faults {
            ui.json(&json!({"event": "fault", "fault": fault, "next": fault.kind.next()}));
        }
        return ui.json(&json!({
            "event": "audit",
            "right": report.faults.is_empty(),
            "faults": report.faults.len(),
            "figures": report.figures,
            "read": {
                "items": read.items,
                "pages": read.pages,
                "units": read.units,
                "executions": read.executions.listed.then_some(&read.executions.counts),
                "deadLetters": read.queue.messages,
            },
        }));
    }
    ui.note(format!("Read {}.", what(read)));
    ui.say(figures(report));
    let mut kinds = BTreeMap::<FaultKind, Vec<&Fault>>::new();
    for fault in &report.faults {
        kinds.entry(fault.kind).or_default().push(fault);
    }
    let bad = |text: &str| ui.paint().tone(Tone::Bad, text);
    for (kind, faults) in kinds {
        for fault in faults.iter().take(SHOWN) {
            ui.say(format!(
                "{}  {} {}",
                bad("FAULT"),
                fault.subject,
                fault.detail
            ));
        }
        if faults.len() > SHOWN {
            ui.say(format!(
                "       and {} more; --json tells all",
                faults.len() - SHOWN
            ));
        }
        ui.say(format!("       -> {}", kind.next()));
    }
    if report.faults.is_empty() {
        ui.say(format!(
            "{} {}",
            ui.paint().tone(Tone::Good, "ok"),
            promise(read)
        ));
    }
}

fn what(read: &Read<'_>) -> String {
    let mut parts = vec![format!(
        "{} items of {} in {} pages ({:.1} read units)",
        read.items, read.table, read.pages, read.units
    )];
    parts.push(match read.executions.listed {
        true => {
            let each = read.executions.counts.iter();
            let each: Vec<_> = each
                .map(|(status, count)| format!("{count} {}", status.to_lowercase()))
                .collect();
            match each.is_empty() {
                true => "no executions".to_owned(),
                false => format!("executions: {}", each.join(", ")),
            }
        }
        false => "no executions, since an Express workflow keeps no list of them".to_owned(),
    });
    let foreign = match read.queue.foreign {
        0 => String::new(),
        n => format!(", {n} of them not of the pipe"),
    };
    let letters = counted(read.queue.messages, "dead letter");
    parts.push(format!("{letters}{foreign}"));
    parts.extend(
        read.sent
            .map(|count| format!("{count} deliveries that were sent")),
    );
    parts.extend(
        read.outcomes
            .map(|count| format!("{count} outcomes that were seen")),
    );
    parts.join("; ")
}

fn figures(report: &Report) -> String {
    let figures = &report.figures;
    let counts = [
        (figures.processed, "processed"),
        (figures.ignored, "ignored"),
        (figures.failed, "failed with a reason"),
        (figures.in_queue, "in the dead-letter queue"),
        (figures.pending, "pending"),
        (figures.overdue, "overdue"),
    ];
    let counts = counts.iter().filter(|(count, _)| *count > 0);
    let counts: Vec<_> = counts
        .map(|(count, what)| format!("{count} {what}"))
        .collect();
    let since = figures
        .waiting_since
        .map(|at| format!(" (the oldest since {at})"));
    let repeated = match figures.outcomes_repeated {
        0 => String::new(),
        n => format!("; {n} outcomes came more than once, under the same id"),
    };
    format!(
        "{} of {}: {}{}{repeated}",
        counted(figures.events, "event"),
        counted(figures.payments, "payment"),
        match counts.is_empty() {
            true => "nothing to judge".to_owned(),
            false => counts.join(", "),
        },
        since.unwrap_or_default(),
    )
}

fn promise(read: &Read<'_>) -> String {
    let mut text =
        "every event is stored once and is settled, waits within its deadline or is in the queue; \
                    markers, heads and outcomes fit"
            .to_owned();
    if read.sent.is_some() {
        text.push_str("; everything that was sent is there once, what was tampered with is not, and nothing else is");
    }
    text + "."
}
