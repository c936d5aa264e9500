//! A plan as Markdown, for a comment on a pull request or a step summary.

use super::plan::{Heading, Item, SECTIONS, change, items, losses, totals, why};
use crate::plan::{Action, Plan};

/// Longest text that is produced, in bytes; GitHub refuses comments of more than 65,536 characters.
const LONGEST: usize = 60_000;

/// The whole plan as Markdown, with a sentence on what it costs.
pub fn markdown(plan: &Plan, heading: &Heading<'_>, cost: Option<&str>) -> String {
    let Heading {
        verb,
        env,
        account,
        region,
    } = heading;
    let mut text = format!(
        "### payhook: {verb} of `{env}`\n\nAccount {account}, {region}. **{}**\n",
        totals(plan)
    );
    if let Some(cost) = cost {
        text.push_str(&format!("\n{cost}\n"));
    }
    let losses = losses(plan);
    if !losses.is_empty() {
        text.push_str("\n> [!CAUTION]\n> This loses data:\n");
        for loss in &losses {
            text.push_str(&format!("> - {}\n", escape(loss)));
        }
    }
    for (action, sign, title) in SECTIONS {
        let items = items(plan, action);
        if !items.is_empty() {
            text.push_str(&section(action, sign, title, &items));
        }
    }
    cut(text)
}

fn section(action: Action, sign: &str, title: &str, items: &[Item<'_>]) -> String {
    // What is only made is seldom read line by line; what changes or goes away is.
    let open = match action {
        Action::Create | Action::Adopt => "",
        _ => " open",
    };
    let mut text = format!(
        "\n<details{open}><summary>{sign} {title}: {}</summary>\n\n| kind | name | what |\n|---|---|---|\n",
        items.len()
    );
    for item in items {
        text.push_str(&row(item));
    }
    text.push_str("\n</details>\n");
    text
}

fn row(item: &Item<'_>) -> String {
    let step = item.step;
    let loses = item
        .loses
        .map(|loses| format!("**loses {}**", escape(loses)));
    let why = why(step).map(escape);
    let changes = step
        .changes
        .iter()
        .map(|c| format!("`{}`", change(c).replace('`', "'").replace('|', "\\|")));
    let what: Vec<String> = loses.into_iter().chain(why).chain(changes).collect();
    format!(
        "| {} | `{}` | {} |\n",
        step.kind,
        step.physical,
        what.join("<br>")
    )
}

fn escape(text: &str) -> String {
    text.replace('|', "\\|")
        .replace('<', "&lt;")
        .replace('\n', " ")
}

fn cut(mut text: String) -> String {
    if text.len() <= LONGEST {
        return text;
    }
    let whole = text.floor_char_boundary(LONGEST);
    let end = text[..whole].rfind('\n').unwrap_or(0);
    text.truncate(end);
    text.push_str("\n\n</details>\n\nThere is more; `payhook preview` shows all of it.\n");
    text
}
