//! Colours, or none.

use console::Style;

/// What a piece of text means; decides its colour.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Tone {
    /// Something new or in order.
    Good,
    /// Something that changes.
    Change,
    /// Something that goes away or failed.
    Bad,
    /// Less important.
    Dim,
    /// A heading or a name.
    Strong,
}

/// Paints text, if colours are wanted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Paint(bool);

impl Paint {
    /// No colours.
    pub const NONE: Self = Self(false);

    /// Colours if wanted.
    pub fn new(wanted: bool) -> Self {
        Self(wanted)
    }

    /// Whether colours are wanted.
    pub fn is_on(self) -> bool {
        self.0
    }

    /// The text in the colour of its tone.
    pub fn tone(self, tone: Tone, text: impl std::fmt::Display) -> String {
        let style = match tone {
            Tone::Good => Style::new().green(),
            Tone::Change => Style::new().yellow(),
            Tone::Bad => Style::new().red().bold(),
            Tone::Dim => Style::new().dim(),
            Tone::Strong => Style::new().bold(),
        };
        style.force_styling(self.0).apply_to(text).to_string()
    }
}
