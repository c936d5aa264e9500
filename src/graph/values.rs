//! The types of outputs: what one resource can be given of another.

macro_rules! values {
    ($($(#[$doc:meta])* $name:ident),* $(,)?) => {
        $($(#[$doc])* #[derive(Clone, Copy, Debug, PartialEq, Eq)] pub enum $name {})*
    };
}

values! {
    /// Free text, often joined of several outputs.
    Text,
    /// Twelve digits.
    AccountId,
    /// `eu-central-1`.
    Region,
    /// `aws`, `aws-cn`, `aws-us-gov`.
    Partition,
    /// ARN of a KMS key.
    KeyArn,
    /// Bare id of a KMS key.
    KeyId,
    /// ARN of a DynamoDB table.
    TableArn,
    /// Name of a DynamoDB table.
    TableName,
    /// ARN of the table's current stream; another one each time the stream is switched on.
    StreamArn,
    /// ARN of a bucket.
    BucketArn,
    /// Name by which S3 knows a bucket.
    BucketName,
    /// ARN of a secret, with its six random characters.
    SecretArn,
    /// ARN of a queue.
    QueueArn,
    /// ARN of a topic.
    TopicArn,
    /// ARN of a log group without a trailing `:*`.
    LogGroupArn,
    /// Name of a log group.
    LogGroupName,
    /// ARN of a role whose policy is in place.
    RoleArn,
    /// Id that IAM gave a role; another one if the role is made anew under the same name.
    RoleId,
    /// ARN of a function's alias `live`.
    AliasArn,
    /// Name of a function.
    FunctionName,
    /// Base64 SHA-256 of a function's zip.
    CodeSha256,
    /// ARN of a state machine.
    StateMachineArn,
    /// Id of a REST API.
    ApiId,
    /// Digest of everything that a deployment of a REST API freezes.
    ApiContent,
    /// Id of a deployment.
    DeploymentId,
    /// Name of a stage.
    StageName,
}
