//! The report of `verify` in words and as JUnit XML.

use super::{Paint, Tone};
use crate::verify::{Check, Constraint, Report, Verdict};
use std::collections::BTreeSet;

/// Every constraint with the values seen, ending in a verdict.
pub fn report(report: &Report, paint: Paint) -> String {
    let mut text = String::new();
    for constraint in &report.constraints {
        text.push_str(&heading(constraint, paint));
        for check in &constraint.checks {
            text.push_str(&line(check, paint));
        }
        text.push('\n');
    }
    let remarks: BTreeSet<&str> = report
        .constraints
        .iter()
        .flat_map(|c| &c.checks)
        .filter_map(|c| c.remark)
        .collect();
    if !remarks.is_empty() {
        text.push_str("* The setting is right; what it does is not observable here:\n");
        for remark in remarks {
            text.push_str(&format!("    {}\n", paint.tone(Tone::Dim, remark)));
        }
        text.push('\n');
    }
    text.push_str(&summary(report));
    text
}

fn summary(report: &Report) -> String {
    let count = |verdict| {
        report
            .constraints
            .iter()
            .filter(|c| c.verdict == verdict)
            .count()
    };
    let all = report.constraints.len();
    if count(Verdict::Passed) == all {
        return format!("{}: all {all} constraints hold.", report.env);
    }
    let parts = [
        (Verdict::Passed, "hold"),
        (Verdict::Failed, "do not hold"),
        (Verdict::NotObservable, "cannot be observed here"),
    ];
    let parts: Vec<String> = parts
        .into_iter()
        .map(|(verdict, words)| (count(verdict), words))
        .filter(|(count, _)| *count > 0)
        .map(|(count, words)| format!("{count} {words}"))
        .collect();
    format!("{}: of {all} constraints {}.", report.env, parts.join(", "))
}

fn heading(constraint: &Constraint, paint: Paint) -> String {
    let title = format!("{}. {}", constraint.number, constraint.title);
    format!(
        "{} {}\n",
        mark(constraint.verdict, paint),
        paint.tone(Tone::Strong, title)
    )
}

fn line(check: &Check, paint: Paint) -> String {
    let Check {
        resource,
        what,
        wanted,
        seen,
        ..
    } = check;
    let said = match check.verdict {
        Verdict::Passed => format!("{resource}: {what}: {seen}"),
        Verdict::Failed => format!("{resource}: {what}: {seen}; wanted: {wanted}"),
        Verdict::NotObservable => {
            format!("{resource}: {what}: not observable here; wanted: {wanted}")
        }
    };
    let remark = if check.remark.is_some() { " *" } else { "" };
    format!("    {} {said}{remark}\n", mark(check.verdict, paint))
}

fn mark(verdict: Verdict, paint: Paint) -> String {
    match verdict {
        Verdict::Passed => paint.tone(Tone::Good, "ok  "),
        Verdict::Failed => paint.tone(Tone::Bad, "FAIL"),
        Verdict::NotObservable => paint.tone(Tone::Change, "n/o "),
    }
}

/// JUnit XML, as CI systems read it: a test case for each check.
pub fn junit(report: &Report) -> String {
    let checks: Vec<(&Constraint, &Check)> = report
        .constraints
        .iter()
        .flat_map(|constraint| {
            constraint
                .checks
                .iter()
                .map(move |check| (constraint, check))
        })
        .collect();
    let count = |verdict| {
        checks
            .iter()
            .filter(|(_, check)| check.verdict == verdict)
            .count()
    };
    let mut xml = format!(
        "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<testsuite name=\"payhook verify {}\" tests=\"{}\" failures=\"{}\" \
         skipped=\"{}\">\n",
        escape(&report.env),
        checks.len(),
        count(Verdict::Failed),
        count(Verdict::NotObservable)
    );
    for (constraint, check) in checks {
        xml.push_str(&case(constraint, check));
    }
    xml.push_str("</testsuite>\n");
    xml
}

fn case(constraint: &Constraint, check: &Check) -> String {
    let class = escape(&format!("{}. {}", constraint.number, constraint.title));
    let name = escape(&format!("{}: {}", check.resource, check.what));
    let body = match check.verdict {
        Verdict::Passed => format!("<system-out>{}</system-out>", escape(&check.seen)),
        Verdict::Failed => {
            format!(
                "<failure message=\"{}; wanted: {}\"/>",
                escape(&check.seen),
                escape(&check.wanted)
            )
        }
        Verdict::NotObservable => "<skipped message=\"not observable here\"/>".to_owned(),
    };
    format!("  <testcase classname=\"{class}\" name=\"{name}\">{body}</testcase>\n")
}

fn escape(text: &str) -> String {
    let mut escaped = String::with_capacity(text.len());
    for character in text.chars() {
        match character {
            '&' => escaped.push_str("&amp;"),
            '<' => escaped.push_str("&lt;"),
            '>' => escaped.push_str("&gt;"),
            '"' => escaped.push_str("&quot;"),
            // XML 1.0 has no way to write other control characters.
            c if c.is_control() => escaped.push(' '),
            c => escaped.push(c),
        }
    }
    escaped
}
