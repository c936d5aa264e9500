//! A plan in words, for a terminal or a log.

use super::value::show;
use super::{Paint, Tone};
use crate::plan::{Action, Change, Plan, Step};
use std::fmt::Write;

/// Which plan it is.
#[derive(Clone, Debug)]
pub struct Heading<'a> {
    /// `deploy`, `destroy`.
    pub verb: &'a str,
    /// Environment.
    pub env: &'a str,
    /// Account.
    pub account: &'a str,
    /// Region.
    pub region: &'a str,
}

/// One resource as the plan shows it: a replace is one item, although it is two steps.
pub(super) struct Item<'a> {
    pub step: &'a Step,
    /// What the plan would lose with it.
    pub loses: Option<&'a str>,
}

/// The order in which actions are shown, with the sign of each and its heading.
pub(super) const SECTIONS: [(Action, &str, &str); 5] = [
    (Action::Create, "+", "create"),
    (Action::Update, "~", "update in place"),
    (Action::Replace, "-/+", "replace by a new one"),
    (Action::Delete, "-", "delete"),
    (Action::Adopt, ">", "take over, since it is there and ours"),
];

/// The items of one section.
pub(super) fn items(plan: &Plan, action: Action) -> Vec<Item<'_>> {
    let of_action = plan.steps.iter().filter(|step| step.action == action);
    let shown =
        of_action.filter(|step| action != Action::Delete || replacement(plan, step).is_none());
    shown
        .map(|step| Item {
            step,
            loses: loses(plan, step),
        })
        .collect()
}

/// The step that puts something new in the place of what this one deletes.
fn replacement<'a>(plan: &'a Plan, delete: &Step) -> Option<&'a Step> {
    plan.steps
        .iter()
        .find(|step| step.action == Action::Replace && step.resource == delete.resource)
}

fn loses<'a>(plan: &'a Plan, step: &'a Step) -> Option<&'a str> {
    match step.action {
        Action::Replace => plan
            .steps
            .iter()
            .filter(|other| other.action == Action::Delete && other.resource == step.resource)
            .find_map(|other| other.loses.as_deref()),
        _ => step.loses.as_deref(),
    }
}

/// The whole plan, ending in its totals.
pub fn plan(plan: &Plan, heading: &Heading<'_>, paint: Paint) -> String {
    let Heading {
        verb,
        env,
        account,
        region,
    } = heading;
    let env = paint.tone(Tone::Strong, env);
    let mut text = format!("Plan of the {verb} of {env} (account {account}, {region})\n\n");
    let width = plan
        .steps
        .iter()
        .map(|step| step.kind.as_str().len())
        .max()
        .unwrap_or(0);
    for (action, sign, title) in SECTIONS {
        let items = items(plan, action);
        if items.is_empty() {
            continue;
        }
        let sign = format!("{sign:>3}");
        push(
            &mut text,
            format_args!("{} {title}", paint.tone(tone(action), &sign)),
        );
        for item in items {
            self::item(&mut text, &item, width, paint);
        }
        text.push('\n');
    }
    left_out(&mut text, plan, width);
    text.push_str(&totals(plan));
    text
}

/// What an emulator does not have; said every time, so that nobody takes it for deployed.
fn left_out(text: &mut String, plan: &Plan, width: usize) {
    let mut steps = plan.steps.iter().filter(|s| s.is_unobservable()).peekable();
    if steps.peek().is_none() {
        return;
    }
    push(
        text,
        format_args!("  ? not observable at this endpoint, so left out"),
    );
    for step in steps {
        let kind = step.kind.as_str();
        push(
            text,
            format_args!("      {kind:<width$}  {}", step.physical),
        );
    }
    text.push('\n');
}

fn item(text: &mut String, item: &Item<'_>, width: usize, paint: Paint) {
    let Item { step, loses } = item;
    let kind = step.kind.as_str();
    let line = format!("      {kind:<width$}  {}", step.physical);
    match why(step) {
        Some(why) => push(
            text,
            format_args!("{line}  {}", paint.tone(Tone::Dim, format!("({why})"))),
        ),
        None => push(text, format_args!("{line}")),
    }
    for change in &step.changes {
        push(text, format_args!("          {}", self::change(change)));
    }
    if let Some(loses) = loses {
        let warning = format!("DATA LOSS: {loses}");
        push(
            text,
            format_args!("          {}", paint.tone(Tone::Bad, warning)),
        );
    }
}

/// The reason, where neither the section nor the changes already say it.
pub(super) fn why(step: &Step) -> Option<&str> {
    let silent = match step.action {
        Action::Create => step.reason == "not there yet",
        Action::Update => step.reason == crate::plan::listed(&step.changes),
        Action::Delete => step.reason == "the stack is destroyed",
        Action::Adopt => true,
        _ => false,
    };
    (!silent).then_some(step.reason.as_str())
}

/// `memoryMb: 256 -> 512`.
pub(super) fn change(change: &Change) -> String {
    format!(
        "{}: {} -> {}",
        change.property,
        show(change.before.as_ref()),
        show(change.after.as_ref())
    )
}

/// The last line: how many of what.
pub fn totals(plan: &Plan) -> String {
    let count = |action| items(plan, action).len();
    let words = [
        (Action::Create, "to create"),
        (Action::Update, "to update"),
        (Action::Replace, "to replace"),
        (Action::Delete, "to delete"),
        (Action::Adopt, "to take over"),
    ];
    let mut parts: Vec<String> = words
        .into_iter()
        .map(|(action, words)| (count(action), words))
        .filter(|(count, _)| *count > 0)
        .map(|(count, words)| format!("{count} {words}"))
        .collect();
    let unobservable = plan.steps.iter().filter(|s| s.is_unobservable()).count();
    let kept = plan.count(Action::Keep) - unobservable;
    if parts.is_empty() {
        let are = if kept == 1 {
            "resource is"
        } else {
            "resources are"
        };
        return format!("Nothing to change: {kept} {are} as wanted.");
    }
    if kept > 0 {
        parts.push(format!("{kept} unchanged"));
    }
    format!("{}.", parts.join(", "))
}

/// Every loss in one line each: `dynamodb-table payments-dev: every stored payment event`.
pub fn losses(plan: &Plan) -> Vec<String> {
    let line = |step: &Step| {
        let loses = step.loses.as_deref()?;
        Some(format!("{} {}: {loses}", step.kind, step.physical))
    };
    plan.losses().filter_map(line).collect()
}

fn tone(action: Action) -> Tone {
    match action {
        Action::Create | Action::Adopt => Tone::Good,
        Action::Update => Tone::Change,
        Action::Replace | Action::Delete => Tone::Bad,
        Action::Keep => Tone::Dim,
    }
}

fn push(text: &mut String, line: std::fmt::Arguments<'_>) {
    // Writing into a string cannot fail.
    let _ = writeln!(text, "{line}");
}
