//! Money as integers: minor units, currency and the exponent that relates them. Never a floating-point number.

use std::fmt;

/// An amount in the smallest unit of its currency: 10.00 EUR is 1000 with exponent 2.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Money {
    pub minor: i64,
    pub currency: Currency,
    /// How many decimal digits the minor unit stands for, by the provider's own rules.
    pub exponent: u8,
}

/// A currency code in upper case, such as `EUR`.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Currency(String);

/// Why a text is not money.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum MoneyError {
    #[error("the currency is not a code of 3 to 8 letters or digits")]
    Currency,
    #[error("the amount is not a plain decimal number")]
    NotDecimal,
    #[error("the amount has more decimal digits than the currency")]
    TooPrecise,
    #[error("the amount does not fit 64 bits of minor units")]
    TooLarge,
}

impl Currency {
    /// Reads a code in any case.
    pub fn parse(code: &str) -> Result<Currency, MoneyError> {
        let plain =
            (3..=8).contains(&code.len()) && code.bytes().all(|b| b.is_ascii_alphanumeric());
        if plain {
            Ok(Currency(code.to_ascii_uppercase()))
        } else {
            Err(MoneyError::Currency)
        }
    }

    /// The code in upper case.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// Decimal digits by ISO 4217; two for a code that is not in its exceptions.
    pub fn iso_exponent(&self) -> u8 {
        match self.as_str() {
            "BIF" | "CLP" | "DJF" | "GNF" | "ISK" | "JPY" | "KMF" | "KRW" | "PYG" | "RWF"
            | "UGX" | "UYI" | "VND" | "VUV" | "XAF" | "XOF" | "XPF" => 0,
            "BHD" | "IQD" | "JOD" | "KWD" | "LYD" | "OMR" | "TND" => 3,
            "CLF" | "UYW" => 4,
            _ => 2,
        }
    }
}

impl fmt::Display for Currency {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl Money {
    /// Reads an amount that the provider states in minor units; `6540` and `6540.00` are the same amount.
    pub fn from_minor(amount: &str, currency: Currency, exponent: u8) -> Result<Money, MoneyError> {
        Ok(Money {
            minor: scaled(amount, 0)?,
            currency,
            exponent,
        })
    }

    /// Reads an amount that the provider states in major units with decimals, such as `10.00`.
    pub fn from_major(amount: &str, currency: Currency, exponent: u8) -> Result<Money, MoneyError> {
        Ok(Money {
            minor: scaled(amount, exponent)?,
            currency,
            exponent,
        })
    }
}

impl Money {
    /// The amount in major units with all the currency's decimals, such as `10.00`.
    pub fn decimal(&self) -> String {
        let sign = if self.minor < 0 { "-" } else { "" };
        let places = usize::from(self.exponent);
        let digits = format!("{:0width$}", self.minor.unsigned_abs(), width = places + 1);
        let (whole, fraction) = digits.split_at(digits.len() - places);
        let point = if fraction.is_empty() { "" } else { "." };
        format!("{sign}{whole}{point}{fraction}")
    }
}

impl fmt::Display for Money {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {}", self.decimal(), self.currency)
    }
}

/// The decimal text times ten to the power of `exponent`, exactly or not at all.
fn scaled(text: &str, exponent: u8) -> Result<i64, MoneyError> {
    let (negative, unsigned) = match text.strip_prefix('-') {
        Some(rest) => (true, rest),
        None => (false, text),
    };
    let (whole, fraction) = match unsigned.split_once('.') {
        Some((_, "")) => return Err(MoneyError::NotDecimal),
        Some(parts) => parts,
        None => (unsigned, ""),
    };
    if whole.is_empty()
        || !whole
            .bytes()
            .chain(fraction.bytes())
            .all(|b| b.is_ascii_digit())
    {
        return Err(MoneyError::NotDecimal);
    }
    let places = usize::from(exponent);
    let (kept, dropped) = fraction.split_at(fraction.len().min(places));
    if dropped.bytes().any(|b| b != b'0') {
        return Err(MoneyError::TooPrecise);
    }
    let padding = std::iter::repeat_n(b'0', places - kept.len());
    let mut value: i64 = 0;
    for digit in whole.bytes().chain(kept.bytes()).chain(padding) {
        value = value
            .checked_mul(10)
            .and_then(|v| v.checked_add(i64::from(digit - b'0')))
            .ok_or(MoneyError::TooLarge)?;
    }
    Ok(if negative { -value } else { value })
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn eur() -> Currency {
        Currency("EUR".into())
    }

    #[test]
    fn decimal_texts_become_minor_units_exactly() {
        let cases: [(&str, u8, Result<i64, MoneyError>); 15] = [
            ("10.00", 2, Ok(1000)),
            ("10", 2, Ok(1000)),
            ("10.1", 2, Ok(1010)),
            ("0.29", 2, Ok(29)),
            ("10.000", 2, Ok(1000)),
            ("10.005", 2, Err(MoneyError::TooPrecise)),
            ("1000", 0, Ok(1000)),
            ("1000.00", 0, Ok(1000)),
            ("-5.50", 2, Ok(-550)),
            ("1e3", 2, Err(MoneyError::NotDecimal)),
            ("", 2, Err(MoneyError::NotDecimal)),
            (".5", 2, Err(MoneyError::NotDecimal)),
            ("5.", 2, Err(MoneyError::NotDecimal)),
            ("٣", 2, Err(MoneyError::NotDecimal)),
            ("92233720368547758.08", 2, Err(MoneyError::TooLarge)),
        ];
        for (text, exponent, expected) in cases {
            let money = Money::from_major(text, eur(), exponent).map(|money| money.minor);
            assert_eq!(money, expected, "{text} with exponent {exponent}");
        }
    }

    #[test]
    fn a_currency_is_upper_case_and_short() {
        assert_eq!(
            Currency::parse("eur").map(|c| c.as_str().to_owned()),
            Ok("EUR".to_owned())
        );
        for bad in ["", "eu", "€€€", "EUR ", "NINELONGX"] {
            assert_eq!(Currency::parse(bad), Err(MoneyError::Currency), "{bad}");
        }
    }

    proptest! {
        #[test]
        fn what_is_shown_reads_back_as_the_same_money(minor in -1_000_000_000_000i64..1_000_000_000_000, exponent in 0u8..4) {
            let money = Money { minor, currency: eur(), exponent };
            let shown = money.to_string();
            let amount = shown.strip_suffix(" EUR").unwrap_or_default();
            prop_assert_eq!(Money::from_major(amount, eur(), exponent), Ok(money));
        }

        #[test]
        fn no_text_makes_reading_money_panic(text in ".*", exponent in 0u8..5) {
            let _ = Money::from_major(&text, eur(), exponent);
        }
    }
}
