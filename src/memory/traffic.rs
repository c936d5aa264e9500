//! Which calls of AWS stand behind a call in memory, as far as their rates are published.

use crate::resources::Kind;

/// The calls that reading, putting or deleting a resource makes; a put of what is there already may make others, and so
/// may a read of what has settled.
///
/// Alarms are read a hundred in a call, of which nine a second are allowed: those of a stack are never too many.
pub(super) fn traffic(kind: Kind, verb: &str, exists: bool) -> &'static [&'static str] {
    match (kind, verb, exists) {
        (Kind::Api, "read", true) => &[
            "apigateway:GetRestApi",
            "apigateway:GetResources",
            "apigateway:GetGatewayResponses",
            "apigateway:GetRequestValidators",
        ],
        (Kind::Api, "read", false) => &["apigateway:GetRestApis"],
        (Kind::Api, "put", false) => &["apigateway:CreateRestApi"],
        (Kind::Api, "put", true) => &["apigateway:PutRestApi"],
        (Kind::Api, "delete", true) => &["apigateway:DeleteRestApi"],
        (Kind::ApiDeployment, "read", _) => &["apigateway:GetDeployments"],
        (Kind::ApiDeployment, "put", false) => &["apigateway:CreateDeployment"],
        (Kind::ApiDeployment, "delete", true) => &["apigateway:DeleteDeployment"],
        (Kind::ApiStage, "read", _) => &["apigateway:GetStage"],
        (Kind::ApiStage, "put", false) => &["apigateway:CreateStage", "apigateway:UpdateStage"],
        (Kind::ApiStage, "put", true) => &["apigateway:UpdateStage"],
        (Kind::ApiStage, "delete", true) => &["apigateway:DeleteStage"],
        (Kind::ApiAccount, "read", _) => &["apigateway:GetAccount"],
        (Kind::ApiAccount, "put" | "delete", _) => &["apigateway:UpdateAccount"],
        (Kind::Function, "read", true) => &["lambda:GetFunction", "lambda:GetAlias"],
        (Kind::Function, "read", false) => &["lambda:GetFunction"],
        (Kind::Function, "put", false) => &["lambda:CreateFunction"],
        (Kind::Function, "put", true) => &["lambda:PublishVersion", "lambda:CreateAlias"],
        (Kind::Function, "delete", true) => &["lambda:DeleteFunction"],
        (Kind::Permission, "read", _) => &["lambda:GetPolicy"],
        (Kind::Permission, "put", _) => &["lambda:AddPermission"],
        (Kind::Permission, "delete", true) => &["lambda:RemovePermission"],
        (Kind::Alarm, "put", _) => &["cloudwatch:PutMetricAlarm"],
        (Kind::Dashboard, "put", _) => &["cloudwatch:PutDashboard"],
        (Kind::LogGroup, "read", _) => &["logs:DescribeLogGroups"],
        (Kind::LogGroup, "put", false) => &["logs:CreateLogGroup", "logs:PutRetentionPolicy"],
        (Kind::LogGroup, "put", true) => &["logs:PutRetentionPolicy"],
        (Kind::LogGroup, "delete", true) => &["logs:DeleteLogGroup"],
        (Kind::Key, "put", false) => &["kms:CreateKey"],
        (Kind::StateMachine, "put", false) => &["states:CreateStateMachine"],
        (Kind::StateMachine, "put", true) => &["states:UpdateStateMachine"],
        (Kind::StateMachine, "delete", true) => &["states:DeleteStateMachine"],
        _ => &[],
    }
}
