use super::*;

const STREAM_REASON: &str =
    "Cannot access stream arn:aws:dynamodb. Please ensure the customer role can perform actions";

async fn repaired(aws: &Aws, reason: &str) -> Result<Put, crate::resources::CloudError> {
    let observed = read(failed("CREATE_FAILED", reason)).await;
    Pipe::put(aws, &wanted(), Some(&observed)).await
}

#[tokio::test(start_paused = true)]
async fn a_pipe_whose_stream_is_not_readable_yet_is_made_again_for_five_minutes() {
    let made = reply(CREATE, 200, accepted());
    let deletes = (0..3).map(|_| reply(DELETE, 200, accepted()));
    let (aws, script) = scripted([made].into_iter().chain(deletes));
    Pipe::put(&aws, &wanted(), None).await.unwrap();
    for reason in [
        STREAM_REASON,
        "The customer role does not have permissions to call GetRecords",
        "Error occurred while sending message to SQS queue",
    ] {
        let put = repaired(&aws, reason).await.unwrap();
        assert_eq!(
            put,
            Put::Waiting("failed pipe to be deleted before it is made again")
        );
    }
    tokio::time::advance(Duration::from_secs(301)).await;
    let error = repaired(&aws, STREAM_REASON).await.unwrap_err();
    assert_eq!(error.class, Class::Failed);
    assert!(
        error
            .message
            .contains("check the permissions of the pipe's role"),
        "{error}"
    );
    script.assert_calls([CREATE, DELETE, DELETE, DELETE]);
}

#[tokio::test]
async fn a_pipe_that_cannot_be_made_is_reported_in_awss_words_and_made_anew_by_the_next_run() {
    let (aws, script) = scripted([reply(CREATE, 200, accepted())]);
    Pipe::put(&aws, &wanted(), None).await.unwrap();
    let error = repaired(&aws, "Filter pattern is invalid")
        .await
        .unwrap_err();
    assert_eq!(
        (error.class, error.message.as_str()),
        (Class::Failed, "CREATE_FAILED: Filter pattern is invalid")
    );
    script.assert_calls([CREATE]);

    let (next_run, script) = scripted([reply(DELETE, 200, accepted())]);
    let put = repaired(&next_run, "Filter pattern is invalid")
        .await
        .unwrap();
    assert!(matches!(put, Put::Waiting(_)));
    script.assert_calls([DELETE]);
}

#[test]
fn refusals_that_pass_are_waited_for() {
    let waits = |code, message| waits_for::<Pipe>(code, message);
    assert_eq!(
        waits("ConflictException", "Pipe is UPDATING"),
        Some("another change of the pipe to end")
    );
    assert_eq!(
        waits("ValidationException", STREAM_REASON),
        Some("stream to be readable by the pipe")
    );
    assert!(
        waits(
            "ValidationException",
            "Role cannot be assumed by principal pipes.amazonaws.com"
        )
        .is_some()
    );
    assert_eq!(waits("ValidationException", "Invalid filter pattern"), None);
    assert_eq!(
        waits("ServiceQuotaExceededException", "too many pipes"),
        None
    );
}
