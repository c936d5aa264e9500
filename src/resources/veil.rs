//! Values found in the cloud that payhook did not set and that may be secrets: told apart, never shown.

use base64::Engine as _;
use base64::prelude::BASE64_STANDARD_NO_PAD;

/// How many characters of the digest are kept: enough to tell values apart, too few to serve as proof of one.
const KEPT: usize = 12;

/// What stands in the place of a value; the same value in the same place gives the same text.
pub(super) fn veil(place: &str, value: &str) -> String {
    let text = format!("payhook veil\0{place}\0{value}");
    let digest = aws_lc_rs::digest::digest(&aws_lc_rs::digest::SHA256, text.as_bytes());
    let digest = BASE64_STANDARD_NO_PAD.encode(digest);
    format!("(not shown, digest {})", &digest[..KEPT])
}

#[cfg(test)]
mod tests {
    use super::veil;

    #[test]
    fn a_veil_tells_values_and_places_apart_and_shows_neither() {
        let secret = veil("validator/API_KEY", "sk_live_1");
        assert_eq!(secret, veil("validator/API_KEY", "sk_live_1"));
        assert_ne!(secret, veil("validator/API_KEY", "sk_live_2"));
        assert_ne!(secret, veil("processor/API_KEY", "sk_live_1"));
        assert!(!secret.contains("sk_live"));
    }
}
