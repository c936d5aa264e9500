//! The deployed stack, read through the SDK and used through HTTP.
//!
//! Deploys with the real binary to an emulator of its own. With PAYHOOK_TEST_ENV=NAME and AWS credentials, the stack that
//! cfn-outputs/flat-outputs.json describes is looked at and used instead, and nothing is deployed or destroyed; its
//! providers need secrets, and Stripe's events must not be confirmed with Stripe, which does not know the test payments.

mod integration {
    mod clients;
    mod deployed;
    mod inventory;
    mod items;
    mod mollie_api;
    mod outcomes;
    mod place;
    mod request;
    mod senders;
    mod stripe_api;
    mod wire;

    mod api;
    mod bodies;
    mod confirmation;
    mod drift;
    mod every_sender;
    mod express;
    mod forgotten;
    mod functions;
    mod life;
    mod notices;
    mod operating;
    mod refusals;
    mod roles;
    mod sending;
    mod storage;
    mod there_and_back;
    mod webhooks;
    mod workflow;
}
