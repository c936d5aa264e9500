//! Providers that put one value into one header: the HMAC of the raw body, or a token they share with the receiver.

use jiff::Timestamp;

use super::{CannotSign, Check, Outgoing, Provider, Reports, SampleSeed, Verified};
use crate::mac::{self, BodySignature};
use crate::request::Request;
use crate::secret::Secret;
use crate::settings::Settings;
use crate::signature::SignatureError;

/// What the one header holds.
pub(super) enum Scheme<'s> {
    Body(BodySignature<'s>),
    /// As [`Body`](Self::Body), with the URL registered with the provider signed in front of the body.
    UrlAndBody(BodySignature<'s>),
    /// The secret itself: only the sender is known, nothing of the body is covered.
    Token(&'s str),
}

/// A provider of this kind; all that it has of its own.
pub(super) trait HeaderSigned: Sync {
    /// See [`Provider::key`].
    fn key(&self) -> &'static str;

    fn scheme<'s>(&self, settings: &'s Settings) -> Scheme<'s>;

    /// Another name of the header, looked at where the usual one is not there.
    fn other_header(&self) -> Option<&'static str> {
        None
    }

    /// Whether headers besides the signature rule this provider out.
    fn is_of_another(&self, _request: &Request) -> bool {
        false
    }

    /// What has to hold before the signature is looked at.
    fn precondition(&self, _request: &Request) -> Result<(), SignatureError> {
        Ok(())
    }

    /// See [`Provider::reports`].
    fn reports(&self, request: &Request) -> Reports;

    /// Whether the request is from the mode, live or test, whose events count here; others are kept and move nothing.
    fn counts(&self, _request: &Request, _settings: &Settings) -> bool {
        true
    }

    /// A test event as the mode sends it whose events count here.
    fn of_mode(&self, outgoing: Outgoing, _settings: &Settings) -> Outgoing {
        outgoing
    }

    /// See [`Provider::delivery_members`].
    fn delivery_members(&self) -> &'static [&'static str] {
        &[]
    }

    /// See [`Provider::event_parts`].
    fn event_parts(&self, _request: &Request) -> Vec<String> {
        Vec::new()
    }

    /// See [`Provider::sample_types`].
    fn sample_types(&self) -> &'static [&'static str];

    /// See [`Provider::sample`].
    fn sample(&self, event_type: &str, seed: &SampleSeed<'_>) -> Option<Outgoing>;
}

impl<P: HeaderSigned> Provider for P {
    fn key(&self) -> &'static str {
        HeaderSigned::key(self)
    }

    fn recognises(&self, request: &Request, settings: &Settings) -> bool {
        let header = self
            .scheme(settings)
            .header_in(request, self.other_header());
        request.headers.contains(header) && !self.is_of_another(request)
    }

    fn verify(&self, request: &Request, check: &Check<'_>) -> Result<Verified, SignatureError> {
        self.precondition(request)?;
        let scheme = self.scheme(check.settings);
        let header = scheme.header_in(request, self.other_header());
        self.other_header()
            .map_or(Ok(()), |other| says_the_same(request, header, other))?;
        match scheme {
            Scheme::Body(scheme) => {
                BodySignature { header, ..scheme }.verify(request, check.secrets)?;
            }
            Scheme::UrlAndBody(scheme) => {
                // Behind API Gateway the Host header is not what the provider was told: the URL comes from infra.toml.
                let url = check.settings.url.as_deref();
                let url = url.ok_or(SignatureError::BadSecretConfig(
                    "the notification URL registered with the provider is not set as `url`",
                ))?;
                scheme.verify_after(request, check.secrets, url.as_bytes())?;
            }
            Scheme::Token(header) => {
                mac::verify_token(request, header, check.secrets)?;
                return Ok(Verified::SENDER_ONLY);
            }
        }
        Ok(Verified::SIGNED)
    }

    fn reports(&self, request: &Request, settings: &Settings) -> Reports {
        let mut reports = HeaderSigned::reports(self, request)?;
        if !self.counts(request, settings) {
            reports.iter_mut().for_each(|report| report.claimed = None);
        }
        Ok(reports)
    }

    fn delivery_members(&self) -> &'static [&'static str] {
        HeaderSigned::delivery_members(self)
    }

    fn event_parts(&self, request: &Request) -> Vec<String> {
        HeaderSigned::event_parts(self, request)
    }

    fn sample_types(&self) -> &'static [&'static str] {
        HeaderSigned::sample_types(self)
    }

    fn sample(&self, event_type: &str, seed: &SampleSeed<'_>) -> Option<Outgoing> {
        HeaderSigned::sample(self, event_type, seed)
    }

    fn sign(
        &self,
        outgoing: Outgoing,
        secret: &Secret,
        settings: &Settings,
        _now: Timestamp,
    ) -> Result<Outgoing, CannotSign> {
        let key = Provider::key(self);
        let unusable = CannotSign::Secret(key);
        let outgoing = self.of_mode(outgoing, settings);
        let (header, value) = match self.scheme(settings) {
            Scheme::Body(scheme) => (
                scheme.header,
                scheme.sign(b"", &outgoing.body, &secret.value),
            ),
            Scheme::UrlAndBody(scheme) => {
                let url = settings.url.as_deref().ok_or(CannotSign::NoUrl(key))?;
                (
                    scheme.header,
                    scheme.sign(url.as_bytes(), &outgoing.body, &secret.value),
                )
            }
            Scheme::Token(header) => {
                let token = secret.value.text().map(str::to_owned);
                (header, token.ok_or(mac::UNUSABLE))
            }
        };
        Ok(outgoing.with_header(header, value.map_err(|_| unusable)?))
    }
}

/// Two names of one header are one header: they may not say different things.
fn says_the_same(request: &Request, header: &str, other: &str) -> Result<(), SignatureError> {
    let (one, two) = (
        request.headers.single(header),
        request.headers.single(other),
    );
    match request.headers.contains(header) && request.headers.contains(other) && one != two {
        true => Err(SignatureError::malformed(
            header,
            "it is there under two names with different values",
        )),
        false => Ok(()),
    }
}

impl<'s> Scheme<'s> {
    /// The header to look at in a request.
    fn header_in(&self, request: &Request, other: Option<&'static str>) -> &'s str {
        let usual = match self {
            Scheme::Body(scheme) | Scheme::UrlAndBody(scheme) => scheme.header,
            Scheme::Token(header) => header,
        };
        other
            .filter(|other| request.headers.contains(other) && !request.headers.contains(usual))
            .unwrap_or(usual)
    }
}
