/* What can stand after arn:aws:states::: in the Resource of a Task.
 *
 * One row an action, with the ways to call it beside request and response.
 * Actions of aws-sdk:SERVICE are not listed: there are thousands.
 * Source: "Integrating services" in the Step Functions developer guide.
 */
#ifndef PAWL_ASL_INTEGRATIONS_H
#define PAWL_ASL_INTEGRATIONS_H

enum {
    CALL_ONLY = 0,
    CALL_SYNC = 1,   /* .sync */
    CALL_SYNC_2 = 2, /* .sync:2 */
    CALL_TOKEN = 4,  /* .waitForTaskToken */
};

/* service, action, patterns */
#define INTEGRATION_TABLE(X)                                                                       \
    X("apigateway", "invoke", CALL_TOKEN)                                                          \
    X("athena", "getQueryExecution", CALL_ONLY)                                                    \
    X("athena", "getQueryResults", CALL_ONLY)                                                      \
    X("athena", "startQueryExecution", CALL_SYNC)                                                  \
    X("athena", "stopQueryExecution", CALL_ONLY)                                                   \
    X("batch", "submitJob", CALL_SYNC | CALL_TOKEN)                                                \
    X("bedrock", "createModelCustomizationJob", CALL_SYNC)                                         \
    X("bedrock", "invokeModel", CALL_TOKEN)                                                        \
    X("codebuild", "batchDeleteBuilds", CALL_ONLY)                                                 \
    X("codebuild", "batchGetReports", CALL_ONLY)                                                   \
    X("codebuild", "deleteBuildBatch", CALL_ONLY)                                                  \
    X("codebuild", "retryBuildBatch", CALL_ONLY)                                                   \
    X("codebuild", "startBuild", CALL_SYNC)                                                        \
    X("codebuild", "startBuildBatch", CALL_SYNC)                                                   \
    X("codebuild", "stopBuild", CALL_ONLY)                                                         \
    X("codebuild", "stopBuildBatch", CALL_ONLY)                                                    \
    X("databrew", "startJobRun", CALL_SYNC)                                                        \
    X("dynamodb", "deleteItem", CALL_ONLY)                                                         \
    X("dynamodb", "getItem", CALL_ONLY)                                                            \
    X("dynamodb", "putItem", CALL_ONLY)                                                            \
    X("dynamodb", "updateItem", CALL_ONLY)                                                         \
    X("ecs", "runTask", CALL_SYNC | CALL_TOKEN)                                                    \
    X("eks", "call", CALL_ONLY)                                                                    \
    X("eks", "createAddon", CALL_SYNC)                                                             \
    X("eks", "createCluster", CALL_SYNC)                                                           \
    X("eks", "createFargateProfile", CALL_SYNC)                                                    \
    X("eks", "createNodegroup", CALL_SYNC)                                                         \
    X("eks", "deleteAddon", CALL_SYNC)                                                             \
    X("eks", "deleteCluster", CALL_SYNC)                                                           \
    X("eks", "deleteFargateProfile", CALL_SYNC)                                                    \
    X("eks", "deleteNodegroup", CALL_SYNC)                                                         \
    X("eks", "runJob", CALL_SYNC | CALL_TOKEN)                                                     \
    X("elasticmapreduce", "addStep", CALL_SYNC)                                                    \
    X("elasticmapreduce", "cancelStep", CALL_ONLY)                                                 \
    X("elasticmapreduce", "createCluster", CALL_SYNC)                                              \
    X("elasticmapreduce", "modifyInstanceFleetByName", CALL_ONLY)                                  \
    X("elasticmapreduce", "modifyInstanceGroupByName", CALL_ONLY)                                  \
    X("elasticmapreduce", "setClusterTerminationProtection", CALL_ONLY)                            \
    X("elasticmapreduce", "terminateCluster", CALL_SYNC)                                           \
    X("emr-containers", "createVirtualCluster", CALL_ONLY)                                         \
    X("emr-containers", "deleteVirtualCluster", CALL_SYNC)                                         \
    X("emr-containers", "startJobRun", CALL_SYNC)                                                  \
    X("emr-serverless", "cancelJobRun", CALL_SYNC)                                                 \
    X("emr-serverless", "createApplication", CALL_SYNC)                                            \
    X("emr-serverless", "deleteApplication", CALL_SYNC)                                            \
    X("emr-serverless", "startApplication", CALL_SYNC)                                             \
    X("emr-serverless", "startJobRun", CALL_SYNC)                                                  \
    X("emr-serverless", "stopApplication", CALL_SYNC)                                              \
    X("events", "putEvents", CALL_TOKEN)                                                           \
    X("glue", "startJobRun", CALL_SYNC)                                                            \
    X("http", "invoke", CALL_ONLY)                                                                 \
    X("lambda", "invoke", CALL_TOKEN)                                                              \
    X("mediaconvert", "createJob", CALL_SYNC)                                                      \
    X("sagemaker", "createEndpoint", CALL_ONLY)                                                    \
    X("sagemaker", "createEndpointConfig", CALL_ONLY)                                              \
    X("sagemaker", "createHyperParameterTuningJob", CALL_SYNC)                                     \
    X("sagemaker", "createLabelingJob", CALL_SYNC)                                                 \
    X("sagemaker", "createModel", CALL_ONLY)                                                       \
    X("sagemaker", "createProcessingJob", CALL_SYNC)                                               \
    X("sagemaker", "createTrainingJob", CALL_SYNC)                                                 \
    X("sagemaker", "createTransformJob", CALL_SYNC)                                                \
    X("sagemaker", "updateEndpoint", CALL_ONLY)                                                    \
    X("sns", "publish", CALL_TOKEN)                                                                \
    X("sqs", "sendMessage", CALL_TOKEN)                                                            \
    X("states", "startExecution", CALL_SYNC | CALL_SYNC_2 | CALL_TOKEN)

#endif
