//! Whole numbers on the command line, refused in words rather than in those of a parser.

use std::num::NonZeroUsize;
use std::str::FromStr;

/// 0 or more.
pub fn from_zero<T: FromStr>(text: &str) -> Result<T, String> {
    let number = text.parse();
    number.map_err(|_| "it must be a whole number, 0 or more".to_owned())
}

/// 1 or more.
pub fn from_one(text: &str) -> Result<NonZeroUsize, String> {
    let number = text.parse();
    number.map_err(|_| "it must be a whole number, 1 or more".to_owned())
}

/// 1 to `most`.
pub fn up_to(most: u32, text: &str) -> Result<u32, String> {
    let number = text.parse().ok();
    let number = number.filter(|number| (1..=most).contains(number));
    number.ok_or_else(|| format!("it must be a whole number from 1 to {most}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_no_number_or_too_small_or_large_is_told_the_rule() {
        let rule = |most: &str| format!("it must be a whole number, {most}");
        assert_eq!(from_zero::<u64>("0"), Ok(0));
        assert_eq!(from_one("7").map(NonZeroUsize::get), Ok(7));
        assert_eq!(up_to(9, "9"), Ok(9));
        for wrong in ["", "-1", "x", "1.5", "99999999999999999999"] {
            assert_eq!(from_zero::<u64>(wrong), Err(rule("0 or more")), "{wrong}");
            assert_eq!(from_one(wrong), Err(rule("1 or more")), "{wrong}");
        }
        assert_eq!(from_one("0"), Err(rule("1 or more")));
        for wrong in ["0", "10", "x"] {
            let told = up_to(9, wrong);
            assert_eq!(
                told,
                Err("it must be a whole number from 1 to 9".to_owned())
            );
        }
    }
}
