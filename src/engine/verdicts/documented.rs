//! The errors that AWS documents for the calls of each kind, one a row: which call, with which status, code and message,
//! and what becomes of it. What a kind makes of an error itself (adopt, restore, repair) stands in the kind's own tests.

use super::*;

/// Kind, what is done, a part of the call that fails.
type Call = (Kind, Verb, &'static str);
/// Status, code, message.
type Answer = (u16, &'static str, &'static str);

const RUNS: &str = "waits for function's running change to end";
const ASSUMABLE: &str = "waits for role to be assumable by Lambda";
const LOOKED_INTO: &str = "waits for what is already under way on it";
const USABLE: &str = "waits for role to be usable by API Gateway";
const CREATE_FUNCTION: Call = (Kind::Function, Verb::Create, "POST /2015-03-31/functions");
const CONFIGURE: Call = (Kind::Function, Verb::Update("/memoryMb"), "/configuration");
const UPDATE_TABLE: Call = (
    Kind::Table,
    Verb::Update("/deletionProtection"),
    "dynamodb:UpdateTable",
);
const DELETE_TABLE: Call = (Kind::Table, Verb::Delete, "dynamodb:DeleteTable");
const CREATE_MACHINE: Call = (
    Kind::StateMachine,
    Verb::Create,
    "states:CreateStateMachine",
);
const UPDATE_MACHINE: Call = (
    Kind::StateMachine,
    Verb::Update("/role"),
    "states:UpdateStateMachine",
);
const CREATE_PIPE: Call = (Kind::Pipe, Verb::Create, "POST /v1/pipes");
const SET_ACCOUNT: Call = (Kind::ApiAccount, Verb::Update("/role"), "PATCH /account");
const CREATE_SECRET: Call = (Kind::Secret, Verb::Create, "secretsmanager:CreateSecret");
const CREATE_QUEUE: Call = (Kind::Queue, Verb::Create, "sqs:CreateQueue");
const CREATE_GROUP: Call = (Kind::LogGroup, Verb::Create, "logs:CreateLogGroup");
const CREATE_KEY: Call = (Kind::Key, Verb::Create, "kms:CreateKey");
const PUT_POLICY: Call = (Kind::Key, Verb::Update("/services"), "kms:PutKeyPolicy");
const CREATE_ROLE: Call = (Kind::Role, Verb::Create, "iam:CreateRole");
const CREATE_BUCKET: Call = (Kind::Bucket, Verb::Create, "PUT /");
const BUCKET_POLICY: Call = (Kind::Bucket, Verb::Update("/tlsOnly"), "PUT /?policy");
const PUT_STAGE: Call = (
    Kind::ApiStage,
    Verb::Update("/rateLimit"),
    "PATCH /restapis",
);

/// Facts, by section; a row a line.
#[rustfmt::skip]
const DOCUMENTED: &[(&str, Call, Answer, &str)] = &[
    // What looks like a quota and is none, and the reverse.
    ("1.1", UPDATE_TABLE, (400, "LimitExceededException", "Subscriber limit exceeded: Only 500 tables can be created, updated, or deleted simultaneously"), "again"),
    ("1.1", (Kind::Table, Verb::Create, "dynamodb:CreateTable"), (400, "LimitExceededException", "Subscriber limit exceeded: There is a limit of 2500 tables per subscriber"), "stops: quota"),
    ("1.1", CREATE_BUCKET, (400, "TooManyBuckets", "You have attempted to create more buckets than allowed"), "stops: quota"),
    ("1.1", CREATE_KEY, (400, "LimitExceededException", "too many keys"), "stops: quota"),
    ("1.1", CREATE_GROUP, (400, "LimitExceededException", "too many groups"), "stops: quota"),
    ("1.1", (Kind::Topic, Verb::Create, "sns:CreateTopic"), (403, "TopicLimitExceeded", ""), "stops: quota"),
    ("1.1", (Kind::Api, Verb::Create, "POST /restapis"), (429, "LimitExceededException", ""), "stops: quota"),
    ("1.1", (Kind::Queue, Verb::Update("/retentionSeconds"), "sqs:SetQueueAttributes"), (500, "InternalFailure", ""), "again"),
    ("1.1", CREATE_ROLE, (400, "Throttling", "Rate exceeded"), "again"),
    ("1.1", (Kind::Alarm, Verb::Create, "cloudwatch:PutMetricAlarm"), (400, "ThrottlingException", "Rate exceeded"), "again"),
    ("1.1", CREATE_FUNCTION, (429, "TooManyRequestsException", "Rate exceeded"), "again"),
    ("1.1", CREATE_FUNCTION, (400, "ServiceException", "Rate exceeded"), "again"),
    ("1.1", CREATE_QUEUE, (503, "ServiceUnavailable", ""), "again"),
    // What a new role, policy or key meets before it is seen everywhere.
    ("1.2", CREATE_FUNCTION, (400, "InvalidParameterValueException", "The role defined for the function cannot be assumed by Lambda."), ASSUMABLE),
    ("1.2", CONFIGURE, (400, "InvalidParameterValueException", "The role defined for the function cannot be assumed by Lambda."), ASSUMABLE),
    ("1.2", CREATE_FUNCTION, (400, "InvalidParameterValueException", "The provided execution role does not have permissions to call X on Y"), "waits for role's policy to be visible to Lambda"),
    ("1.2", CREATE_FUNCTION, (400, "InvalidParameterValueException", "The role with name r cannot be found."), "waits for role to be visible to lambda"),
    ("1.2", CREATE_FUNCTION, (400, "InvalidParameterValueException", "Lambda was unable to configure access to your environment variables because the KMS key is invalid for CreateGrant."), "waits for role to be visible to KMS"),
    ("1.2", CREATE_FUNCTION, (400, "InvalidParameterValueException", "The runtime parameter is not supported"), "stops: invalid"),
    ("1.2", CONFIGURE, (400, "InvalidParameterValueException", "The provided execution role does not have permissions to call X on Y"), "waits for role's policy to be visible to Lambda"),
    ("1.2", CONFIGURE, (400, "InvalidParameterValueException", "Lambda was unable to configure access to your environment variables because the KMS key is invalid for CreateGrant."), "waits for role to be visible to KMS"),
    ("1.2", CREATE_FUNCTION, (403, "AccessDeniedException", "User: d is not authorized to perform: iam:PassRole on resource: r"), "stops: denied"),
    ("1.2", CREATE_MACHINE, (400, "AccessDeniedException", "Neither the global service principal states.amazonaws.com, nor the regional one is authorized to assume the provided role."), "waits for role to be assumable by step functions"),
    ("1.2", CREATE_MACHINE, (400, "AccessDeniedException", "The state machine IAM Role is not authorized to access the Log Destination"), "waits for log group to be writable by the state machine's role"),
    ("1.2", CREATE_MACHINE, (400, "AccessDeniedException", "User: d is not authorized to perform: iam:PassRole on resource: r"), "stops: denied"),
    ("1.2", UPDATE_MACHINE, (400, "AccessDeniedException", "Neither the global service principal states.amazonaws.com, nor the regional one is authorized to assume the provided role."), "waits for role to be assumable by step functions"),
    ("1.2", UPDATE_MACHINE, (400, "AccessDeniedException", "The state machine IAM Role is not authorized to access the Log Destination"), "waits for log group to be writable by the state machine's role"),
    ("1.2", SET_ACCOUNT, (400, "BadRequestException", "The role ARN does not have required permissions configured."), USABLE),
    ("1.2", SET_ACCOUNT, (400, "BadRequestException", "API Gateway could not successfully write to CloudWatch Logs using the ARN specified"), USABLE),
    ("1.2", SET_ACCOUNT, (400, "BadRequestException", "The role ARN does not have required trust relationship"), USABLE),
    ("1.2", SET_ACCOUNT, (400, "BadRequestException", "role is not authorized"), USABLE),
    ("1.2", SET_ACCOUNT, (400, "BadRequestException", "Role ARN is not well formed"), "stops: invalid"),
    ("1.2", CREATE_PIPE, (400, "ValidationException", "Cannot access stream arn:s. Please ensure the customer role can perform actions"), "waits for stream to be readable by the pipe"),
    ("1.2", CREATE_PIPE, (400, "ValidationException", "The customer role does not have permissions to call kms:Decrypt"), "waits for role's permissions to reach eventbridge pipes"),
    ("1.2", CREATE_PIPE, (403, "AccessDeniedException", "The customer role does not have permissions to call kms:Decrypt"), "waits for role's permissions to reach eventbridge pipes"),
    ("1.2", CREATE_PIPE, (400, "ValidationException", "The role r cannot be assumed by principal 'pipes.amazonaws.com'"), "waits for role to be assumable by eventbridge pipes"),
    ("1.2", CREATE_PIPE, (403, "AccessDeniedException", "The role r cannot be assumed by principal 'pipes.amazonaws.com'"), "waits for role to be assumable by eventbridge pipes"),
    ("1.2", CREATE_PIPE, (403, "AccessDeniedException", "User: d is not authorized to perform: iam:PassRole on resource: r-assumed"), "stops: denied"),
    ("1.2", CREATE_PIPE, (400, "ValidationException", "Error occurred while sending message to SQS queue"), "waits for dead-letter queue to accept the pipe's messages"),
    ("1.2", PUT_POLICY, (400, "MalformedPolicyDocumentException", "Policy contains a statement with one or more invalid principals."), "waits for principals of the key policy to be visible to kms"),
    ("1.2", CREATE_KEY, (400, "MalformedPolicyDocumentException", "Policy contains a statement with one or more invalid principals."), "waits for principals of the key policy to be visible to kms"),
    ("1.2", CREATE_ROLE, (400, "MalformedPolicyDocument", "Invalid principal in policy: \"AWS\":\"r\""), "waits for principals of the trust policy to be visible to iam"),
    ("1.2", (Kind::Role, Verb::Update("/trust/service"), "iam:UpdateAssumeRolePolicy"), (400, "MalformedPolicyDocument", "Invalid principal in policy: \"AWS\":\"r\""), "waits for principals of the trust policy to be visible to iam"),
    ("1.2", (Kind::LogGroup, Verb::Update("/retentionDays"), "logs:PutRetentionPolicy"), (400, "AccessDeniedException", "because no identity-based policy allows the logs:PutRetentionPolicy action"), "waits for the log group's tags to admit its changes"),
    ("1.2", (Kind::Topic, Verb::Update("/key"), "sns:SetTopicAttributes"), (403, "AuthorizationError", "because no identity-based policy allows the action"), "waits for the topic's tags to admit its changes"),
    // KMS.
    ("2", PUT_POLICY, (400, "MalformedPolicyDocumentException", "The new key policy will not allow you to update the key policy in the future."), "stops: invalid"),
    ("2", PUT_POLICY, (400, "NotFoundException", "key k-1 does not exist"), "waits for key to be visible"),
    ("2", (Kind::Key, Verb::Update("/rotation"), "KeyRotation"), (400, "NotFoundException", "key k-1 does not exist"), "waits for key to be visible"),
    ("2", (Kind::Key, Verb::Update("/rotation"), "KeyRotation"), (400, "DisabledException", "k-1 is disabled."), "waits for key to be enabled"),
    ("2", (Kind::Key, Verb::Delete, "kms:ScheduleKeyDeletion"), (400, "KMSInvalidStateException", "k-1 is pending deletion."), "gone"),
    ("2", (Kind::Key, Verb::Delete, "kms:ScheduleKeyDeletion"), (400, "NotFoundException", "no key"), "gone"),
    ("2", CREATE_KEY, (500, "KMSInternalException", ""), "again"),
    ("2", CREATE_KEY, (503, "DependencyTimeoutException", ""), "again"),
    ("3", (Kind::KeyAlias, Verb::Create, "kms:CreateAlias"), (400, "NotFoundException", "key k-1 is not found"), "waits for key to be visible to aliases"),
    ("3", (Kind::KeyAlias, Verb::Create, "kms:CreateAlias"), (400, "AlreadyExistsException", "an alias with this name"), LOOKED_INTO),
    ("3", (Kind::KeyAlias, Verb::Delete, "kms:DeleteAlias"), (400, "NotFoundException", "no alias"), "gone"),
    // IAM.
    ("4", (Kind::Role, Verb::Create, "iam:PutRolePolicy"), (404, "NoSuchEntity", "The role cannot be found."), "waits for role to be visible to iam"),
    ("4", CREATE_ROLE, (409, "ConcurrentModification", "multiple requests to change this object"), "waits for another change of the role to finish"),
    ("4", (Kind::Role, Verb::Delete, "iam:DeleteRole"), (409, "ConcurrentModification", ""), "waits for another change of the role to finish"),
    ("4", (Kind::Role, Verb::Delete, "iam:DeleteRole"), (409, "DeleteConflict", "Cannot delete entity, must delete policies first."), "waits for role to be free of policies"),
    ("4", (Kind::Role, Verb::Delete, "iam:DeleteRole"), (404, "NoSuchEntity", ""), "gone"),
    ("4", CREATE_ROLE, (409, "EntityAlreadyExists", "Role with name r already exists."), LOOKED_INTO),
    ("4", CREATE_ROLE, (409, "LimitExceeded", "Cannot exceed quota for RolesPerAccount: 1000"), "stops: quota"),
    // DynamoDB.
    ("5", (Kind::Table, Verb::Create, "dynamodb:CreateTable"), (400, "ResourceInUseException", "Table already exists: payments-dev"), LOOKED_INTO),
    ("5", (Kind::Table, Verb::Create, "dynamodb:CreateTable"), (400, "LimitExceededException", "Subscriber limit exceeded: Only 500 tables can be created, updated, or deleted simultaneously"), "again"),
    ("5", UPDATE_TABLE, (400, "ValidationException", "Server-Side Encryption modification must be the only operation in the request"), "stops: invalid"),
    ("5", (Kind::Table, Verb::Update("/ttlAttribute"), "dynamodb:UpdateTimeToLive"), (400, "ValidationException", "TimeToLive is active on a different AttributeName: current AttributeName is t"), "stops: invalid"),
    ("5", (Kind::Table, Verb::Update(""), "dynamodb:TagResource"), (400, "ThrottlingException", "Rate exceeded"), "again"),
    ("5", DELETE_TABLE, (400, "ValidationException", "Resource cannot be deleted as it is currently protected against deletion. Disable deletion protection first."), "stops: invalid"),
    ("5", UPDATE_TABLE, (400, "ResourceInUseException", "Attempt to change a resource which is still in use: Table is being updated: payments-dev"), "waits for the table's running change to end"),
    ("5", UPDATE_TABLE, (400, "ValidationException", "One or more parameter values were invalid"), "stops: invalid"),
    ("5", (Kind::Table, Verb::Update("/pointInTimeRecovery"), "dynamodb:UpdateContinuousBackups"), (400, "ContinuousBackupsUnavailableException", "Backups are being enabled for the table"), "waits for the table's backups to be available"),
    ("5", (Kind::Table, Verb::Update("/ttlAttribute"), "dynamodb:UpdateTimeToLive"), (400, "ValidationException", "Backups are being enabled for the table"), "waits for the table's backups to be prepared"),
    ("5", (Kind::Table, Verb::Update("/ttlAttribute"), "dynamodb:UpdateTimeToLive"), (400, "ResourceInUseException", "Backups are being enabled for the table"), "waits for the table's backups to be prepared"),
    ("5", (Kind::Table, Verb::Update("/ttlAttribute"), "dynamodb:UpdateTimeToLive"), (400, "ValidationException", "Time to live has been modified multiple times within a fixed interval"), "stops: invalid"),
    ("5", DELETE_TABLE, (400, "ResourceInUseException", "Attempt to change a resource which is still in use: Table is being created"), "waits for the table's running change to end"),
    ("5", DELETE_TABLE, (400, "LimitExceededException", "Subscriber limit exceeded: simultaneously"), "again"),
    ("5", DELETE_TABLE, (400, "ValidationException", "Cannot delete table while indexes are being created, updated, or deleted"), "waits for the change of the table's indexes to end"),
    ("5", DELETE_TABLE, (400, "ResourceInUseException", "Cannot delete table while indexes are being created, updated, or deleted"), "waits for the change of the table's indexes to end"),
    ("5", DELETE_TABLE, (400, "ResourceNotFoundException", ""), "gone"),
    // Lambda.
    ("6", CREATE_FUNCTION, (409, "ResourceConflictException", "Function already exist: f"), LOOKED_INTO),
    ("6", CONFIGURE, (409, "ResourceConflictException", "The operation cannot be performed at this time. An update is in progress for resource: f"), RUNS),
    ("6", CONFIGURE, (409, "ResourceConflictException", "The operation cannot be performed at this time. The function is currently in the following state: Pending"), RUNS),
    ("6", CONFIGURE, (412, "PreconditionFailedException", "The RevisionId provided does not match"), "stops: conflict"),
    ("6", (Kind::Function, Verb::Update("/code"), "/code"), (400, "CodeStorageExceededException", "Code storage limit exceeded."), "stops: quota"),
    ("6", (Kind::Function, Verb::Delete, "DELETE /2015-03-31/functions"), (409, "ResourceConflictException", "The operation cannot be performed at this time. The function is currently in the following state: Pending"), RUNS),
    ("6", (Kind::Function, Verb::Delete, "DELETE /2015-03-31/functions"), (404, "ResourceNotFoundException", "Function not found"), "gone"),
    ("6", (Kind::Function, Verb::Update("/reservedConcurrency"), "/concurrency"), (400, "InvalidParameterValueException", "Specified ReservedConcurrentExecutions for function decreases account's UnreservedConcurrentExecution below its minimum value of [50]."), "stops: quota"),
    ("6", CREATE_FUNCTION, (500, "ServiceException", "An error occurred and the request cannot be processed."), "again"),
    ("6", (Kind::Function, Verb::Update("/code"), "/code"), (409, "ResourceConflictException", "The operation cannot be performed at this time. An update is in progress for resource: f"), RUNS),
    ("6", (Kind::Function, Verb::Delete, "DELETE /2015-03-31/functions"), (400, "InvalidParameterValueException", "Lambda was unable to delete f because it is a replicated function."), "stops: invalid"),
    ("7", (Kind::Permission, Verb::Create, "POST /2015-03-31/functions"), (404, "ResourceNotFoundException", "Cannot find alias arn: live"), "waits for function's alias to be visible"),
    ("7", (Kind::Permission, Verb::Create, "POST /2015-03-31/functions"), (409, "ResourceConflictException", "The statement id (payhook-x) provided already exists."), LOOKED_INTO),
    ("7", (Kind::Permission, Verb::Create, "POST /2015-03-31/functions"), (409, "ResourceConflictException", "concurrent update operation"), "waits for another change of the function's policy to end"),
    ("7", (Kind::Permission, Verb::Create, "POST /2015-03-31/functions"), (409, "ResourceConflictException", "The operation cannot be performed at this time. An update is in progress for resource: f"), RUNS),
    ("7", (Kind::Permission, Verb::Create, "POST /2015-03-31/functions"), (400, "PolicyLengthExceededException", "The final policy size is bigger than the limit (20480)."), "stops: quota"),
    ("7", (Kind::Permission, Verb::Delete, "DELETE /2015-03-31/functions"), (404, "ResourceNotFoundException", ""), "gone"),
    ("8", (Kind::Function, Verb::Missing("live"), "/versions"), (409, "ResourceConflictException", "The operation cannot be performed at this time. An update is in progress for resource: f"), RUNS),
    ("8", (Kind::Function, Verb::Missing("live"), "/versions"), (400, "CodeStorageExceededException", "Code storage limit exceeded."), "stops: quota"),
    ("8", (Kind::Function, Verb::Missing("live"), "POST /2015-03-31/functions/payment-processor-dev/aliases"), (409, "ResourceConflictException", "Alias already exists: arn:aws:lambda:f:live"), "done"),
    // API Gateway.
    ("9.1", PUT_STAGE, (400, "BadRequestException", "CloudWatch Logs role ARN must be set in account settings to enable logging"), "waits for API Gateway to see its logging role"),
    ("9.2", SET_ACCOUNT, (429, "TooManyRequestsException", "Too Many Requests"), "again"),
    ("9.2", (Kind::Api, Verb::Create, "POST /restapis"), (429, "TooManyRequestsException", "Too Many Requests"), "again"),
    ("9.2", (Kind::ApiDeployment, Verb::Create, "POST /restapis"), (429, "TooManyRequestsException", "Too Many Requests"), "again"),
    ("9.2", (Kind::Api, Verb::Delete, "DELETE /restapis"), (429, "TooManyRequestsException", "Too Many Requests"), "again"),
    ("9.3", PUT_STAGE, (409, "ConflictException", "Unable to complete operation due to concurrent modification. Please try again later."), "waits for another change of the API to end"),
    ("9.3", (Kind::Api, Verb::Delete, "DELETE /restapis"), (409, "ConflictException", "Unable to complete operation due to concurrent modification. Please try again later."), "waits for another change of the API to end"),
    ("9.3", (Kind::ApiDeployment, Verb::Create, "POST /restapis"), (409, "ConflictException", "Unable to complete operation due to concurrent modification. Please try again later."), "waits for another change of the API to end"),
    ("9.3", (Kind::Api, Verb::Delete, "DELETE /restapis"), (404, "NotFoundException", "Invalid API identifier specified"), "gone"),
    ("9.3", (Kind::ApiStage, Verb::Delete, "DELETE /restapis"), (404, "NotFoundException", "Invalid stage identifier specified"), "gone"),
    ("9.3", (Kind::ApiDeployment, Verb::Delete, "DELETE /restapis"), (404, "NotFoundException", "Invalid Deployment identifier specified"), "gone"),
    ("9.4", (Kind::Api, Verb::Delete, "DELETE /restapis"), (400, "BadRequestException", "Please remove all base path mappings related to your API before removing it"), "stops: invalid"),
    ("9.6", (Kind::ApiDeployment, Verb::Create, "POST /restapis"), (400, "BadRequestException", "No integration defined for method"), "stops: invalid"),
    ("9.6", (Kind::ApiDeployment, Verb::Delete, "DELETE /restapis"), (400, "BadRequestException", "Active stages pointing to this deployment must be moved or deleted"), "waits for stage to move to the new deployment"),
    ("9.6", (Kind::ApiDeployment, Verb::Delete, "DELETE /restapis"), (400, "BadRequestException", "Active stages with canary settings pointing to this deployment must be moved or deleted"), "waits for stage to move to the new deployment"),
    ("9.7", (Kind::ApiStage, Verb::Create, "POST /restapis"), (409, "ConflictException", "Stage already exists"), LOOKED_INTO),
    ("9.7", PUT_STAGE, (400, "BadRequestException", "Access Log destination must only contain characters a-z, A-Z, 0-9, '_', '-', '/', '.', '#'"), "stops: invalid"),
    ("9.7", PUT_STAGE, (400, "BadRequestException", "Cannot remove method setting because there is no method setting for this method"), "stops: invalid"),
    // Step Functions.
    ("10", CREATE_MACHINE, (400, "StateMachineDeleting", "State Machine is being deleted"), "waits for the deleted state machine to release its name"),
    ("10", CREATE_MACHINE, (400, "StateMachineAlreadyExists", ""), LOOKED_INTO),
    ("10", CREATE_MACHINE, (400, "InvalidDefinition", "Invalid State Machine Definition"), "stops: invalid"),
    ("10", CREATE_MACHINE, (400, "InvalidLoggingConfiguration", "The CloudWatch Logs Resource does not exist"), "waits for log group to be visible to step functions"),
    ("10", CREATE_MACHINE, (400, "StateMachineLimitExceeded", ""), "stops: quota"),
    ("10", CREATE_MACHINE, (400, "KmsAccessDeniedException", ""), "stops: denied"),
    ("10", CREATE_MACHINE, (400, "KmsThrottlingException", ""), "again"),
    ("10", CREATE_MACHINE, (400, "KmsInvalidStateException", ""), "stops: invalid"),
    ("10", CREATE_MACHINE, (400, "InvalidArn", "Invalid Arn: 'r'"), "stops: invalid"),
    ("10", UPDATE_MACHINE, (400, "MissingRequiredParameter", "Either the definition, the role ARN, the LoggingConfiguration or the TracingConfiguration must be specified"), "stops: invalid"),
    ("10", (Kind::StateMachine, Verb::Delete, "states:DeleteStateMachine"), (400, "StateMachineDoesNotExist", ""), "gone"),
    ("10", UPDATE_MACHINE, (409, "ConflictException", "another update"), "waits for another update of the state machine to end"),
    // Pipes.
    ("11", CREATE_PIPE, (409, "ConflictException", "Pipe p already exists"), "waits for another change of the pipe to end"),
    ("11", CREATE_PIPE, (429, "ThrottlingException", "Rate exceeded"), "again"),
    ("11", CREATE_PIPE, (402, "ServiceQuotaExceededException", "too many pipes"), "stops: quota"),
    ("11", (Kind::Pipe, Verb::Update("/batchSize"), "PUT /v1/pipes"), (409, "ConflictException", "Pipe p is in UPDATING state"), "waits for another change of the pipe to end"),
    ("11", (Kind::Pipe, Verb::Delete, "DELETE /v1/pipes"), (404, "NotFoundException", "Pipe p does not exist"), "gone"),
    // SQS.
    ("12", CREATE_QUEUE, (400, "AWS.SimpleQueueService.QueueDeletedRecently", "You must wait 60 seconds"), "waits for the deleted queue to release its name"),
    ("12", CREATE_QUEUE, (400, "QueueAlreadyExists", "A queue already exists with the same name and a different value for attribute"), LOOKED_INTO),
    ("12", (Kind::Queue, Verb::Update(""), "sqs:TagQueue"), (400, "AWS.SimpleQueueService.NonExistentQueue", ""), "waits for queue to be visible"),
    ("12", (Kind::Queue, Verb::Delete, "sqs:DeleteQueue"), (400, "AWS.SimpleQueueService.NonExistentQueue", ""), "gone"),
    ("12", CREATE_QUEUE, (400, "QueueDeletedRecently", "You must wait 60 seconds"), "waits for the deleted queue to release its name"),
    ("12", (Kind::Queue, Verb::Update(""), "sqs:TagQueue"), (400, "QueueDoesNotExist", ""), "waits for queue to be visible"),
    ("12", (Kind::Queue, Verb::Update("/key"), "sqs:SetQueueAttributes"), (400, "InvalidAttributeName", "You can use one type of server-side encryption"), "stops: invalid"),
    // CloudWatch Logs.
    ("13", CREATE_GROUP, (400, "OperationAbortedException", "A conflicting operation is currently in progress against this resource. Please try again."), "waits for another change of the log group to finish"),
    ("13", CREATE_GROUP, (400, "InvalidParameterException", "The specified KMS Key Id could not be found or is not allowed"), "waits for key policy to admit cloudwatch logs"),
    ("13", CREATE_GROUP, (400, "AccessDeniedException", "The specified KMS Key Id could not be found"), "waits for key policy to admit cloudwatch logs"),
    ("13", CREATE_GROUP, (400, "InvalidParameterException", "1 validation error detected"), "stops: invalid"),
    ("13", CREATE_GROUP, (400, "ResourceAlreadyExistsException", "The specified log group already exists"), LOOKED_INTO),
    ("13", (Kind::LogGroup, Verb::Delete, "logs:DeleteLogGroup"), (400, "OperationAbortedException", "try again"), "waits for another change of the log group to finish"),
    ("13", (Kind::LogGroup, Verb::Delete, "logs:DeleteLogGroup"), (400, "ResourceNotFoundException", ""), "gone"),
    // CloudWatch.
    ("14", (Kind::Dashboard, Verb::Create, "cloudwatch:PutDashboard"), (409, "ConflictException", ""), "waits for another change of the dashboard to end"),
    ("14", (Kind::Dashboard, Verb::Delete, "cloudwatch:DeleteDashboards"), (404, "DashboardNotFoundError", ""), "gone"),
    ("14", (Kind::Alarm, Verb::Delete, "cloudwatch:DeleteAlarms"), (404, "ResourceNotFound", ""), "gone"),
    ("14", (Kind::Alarm, Verb::Create, "cloudwatch:PutMetricAlarm"), (400, "LimitExceeded", "alarm quota"), "stops: quota"),
    // Secrets Manager.
    ("15", CREATE_SECRET, (400, "InvalidRequestException", "You can't create this secret because a secret with this name is already scheduled for deletion."), "waits for the deleted secret to release its name"),
    ("15", CREATE_SECRET, (400, "InvalidRequestException", "You can't perform this operation on the secret because it was deleted."), "waits for the deleted secret to release its name"),
    ("15", CREATE_SECRET, (400, "LimitExceededException", "too many secrets"), "stops: quota"),
    ("15", CREATE_SECRET, (400, "ResourceExistsException", "The operation failed because the secret s already exists."), LOOKED_INTO),
    ("15", CREATE_SECRET, (500, "InternalServiceError", ""), "again"),
    ("15", (Kind::Secret, Verb::Delete, "secretsmanager:DeleteSecret"), (400, "ResourceNotFoundException", ""), "gone"),
    // SNS.
    ("16", (Kind::Topic, Verb::Update(""), "sns:TagResource"), (400, "ConcurrentAccess", ""), "waits for another change of the topic's tags to finish"),
    ("16", (Kind::Topic, Verb::Update(""), "sns:TagResource"), (400, "StaleTag", ""), "waits for another change of the topic's tags to finish"),
    ("16", (Kind::Topic, Verb::Update("/key"), "sns:SetTopicAttributes"), (400, "KMSThrottling", ""), "again"),
    ("16", (Kind::Topic, Verb::Delete, "sns:DeleteTopic"), (404, "NotFound", ""), "gone"),
    // S3.
    ("17", CREATE_BUCKET, (409, "OperationAborted", "A conflicting conditional operation is currently in progress against this resource."), "waits for another change of the bucket to end"),
    ("17", CREATE_BUCKET, (409, "BucketAlreadyExists", ""), "stops: invalid"),
    ("17", CREATE_BUCKET, (409, "BucketAlreadyOwnedByYou", ""), "waits for bucket to be visible"),
    ("17", BUCKET_POLICY, (404, "NoSuchBucket", ""), "waits for bucket to be visible"),
    ("17", (Kind::Bucket, Verb::Delete, "GET /?uploads"), (404, "NoSuchBucket", ""), "gone"),
];

#[tokio::test(start_paused = true)]
async fn each_documented_error_of_our_calls_ends_as_the_facts_say() {
    let standing = Standing::new().await;
    let mut wrong = Vec::new();
    for (section, (kind, verb, call), (status, code, message), expected) in DOCUMENTED {
        let rule = move |asked: &str| {
            let refused = Wrong::Refused(*status, (*code).to_owned(), (*message).to_owned());
            asked.contains(call).then_some(refused)
        };
        let (verdict, calls) = standing.once(*kind, *verb, rule).await;
        let met = calls.iter().any(|asked| asked.contains(call));
        if !met || !verdict.eq_ignore_ascii_case(expected) {
            wrong.push(format!(
                "{section}: {call} {code} `{message}`: {verdict}, not {expected}; after {calls:?}"
            ));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

/// The sections of the facts that name errors of our calls; 9.5 is about parts of an API that we make as one body, 18 about
/// a kind that we do not have.
const SECTIONS: [&str; 23] = [
    "1.1", "1.2", "2", "3", "4", "5", "6", "7", "8", "9.1", "9.2", "9.3", "9.4", "9.6", "9.7",
    "10", "11", "12", "13", "14", "15", "16", "17",
];

#[test]
fn every_kind_and_every_section_about_one_has_a_row() {
    for section in SECTIONS {
        assert!(
            DOCUMENTED.iter().any(|(of, ..)| *of == section),
            "{section}"
        );
    }
    for kind in Kind::ALL {
        assert!(
            DOCUMENTED.iter().any(|(_, (of, ..), ..)| of == kind),
            "{kind}"
        );
    }
}

/// What a settle rule covers, AWS really says: each code and each part of a message stands in a row of its kind.
#[test]
fn every_code_and_message_of_every_settle_rule_is_a_documented_one() {
    let mut missing = Vec::new();
    for kind in Kind::ALL {
        let rows = || DOCUMENTED.iter().filter(|(_, (of, ..), ..)| of == kind);
        for rule in definition(*kind).settle() {
            let waits = format!("waits for {}", rule.name);
            let of_rule = || rows().filter(|(.., expected)| expected.eq_ignore_ascii_case(&waits));
            for code in rule.codes {
                if !of_rule().any(|(_, _, (_, of, _), _)| of == code) {
                    missing.push(format!("{kind}, `{}`: {code}", rule.name));
                }
            }
            for message in rule.messages {
                if !of_rule().any(|(_, _, (.., of), _)| of.contains(message)) {
                    missing.push(format!("{kind}, `{}`: `{message}`", rule.name));
                }
            }
        }
    }
    assert!(missing.is_empty(), "{}", missing.join("\n"));
}
