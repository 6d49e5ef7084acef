#include "rules_service.h"

#include "base/macros.h"
#include "decide_rpc.h"
#include "keyword_rpc.h"
#include "rule_rpc.h"

#define REQUEST(name)  Taskrouter__Routing__V1__##name##Request
#define RESPONSE(name) Taskrouter__Routing__V1__##name##Response
#define RULE           Taskrouter__Routing__V1__Rule
#define KEYWORD        Taskrouter__Routing__V1__Keyword
#define NOTHING        Google__Protobuf__Empty

/* clang-format off: one row a line, in columns: method, handler, request, reply, ms, who */
static const struct rpc_method methods[] = {
    RPC_UNARY("CreateRule", rule_rpc_create, REQUEST(CreateRule), RULE, 4000, ROLE_SUPERVISOR, 0),
    RPC_UNARY("GetRule", rule_rpc_get, REQUEST(GetRule), RULE, 1000, ROLE_VIEWER, 0),
    RPC_UNARY("ListRules", rule_rpc_list, REQUEST(ListRules), RESPONSE(ListRules), 2000,
              ROLE_VIEWER, 0),
    RPC_UNARY("UpdateRule", rule_rpc_update, REQUEST(UpdateRule), RULE, 4000, ROLE_SUPERVISOR, 0),
    RPC_UNARY("DeleteRule", rule_rpc_delete, REQUEST(DeleteRule), NOTHING, 4000, ROLE_SUPERVISOR,
              0),
    RPC_UNARY("ValidateRule", rule_rpc_validate, REQUEST(ValidateRule), RESPONSE(ValidateRule),
              4000, ROLE_VIEWER, 0),
    RPC_UNARY("ListRuleVersions", rule_rpc_versions, REQUEST(ListRuleVersions),
              RESPONSE(ListRuleVersions), 2000, ROLE_VIEWER, 0),
    RPC_UNARY("DiffRuleVersions", rule_rpc_diff, REQUEST(DiffRuleVersions),
              RESPONSE(DiffRuleVersions), 2000, ROLE_VIEWER, 0),
    RPC_UNARY("RollBackRule", rule_rpc_roll_back, REQUEST(RollBackRule), RULE, 4000,
              ROLE_SUPERVISOR, 0),
    RPC_UNARY("CreateKeyword", keyword_rpc_create, REQUEST(CreateKeyword), KEYWORD, 4000,
              ROLE_SUPERVISOR, 0),
    RPC_UNARY("GetKeyword", keyword_rpc_get, REQUEST(GetKeyword), KEYWORD, 1000, ROLE_VIEWER, 0),
    RPC_UNARY("ListKeywords", keyword_rpc_list, REQUEST(ListKeywords), RESPONSE(ListKeywords), 2000,
              ROLE_VIEWER, 0),
    RPC_UNARY("UpdateKeyword", keyword_rpc_update, REQUEST(UpdateKeyword), KEYWORD, 4000,
              ROLE_SUPERVISOR, 0),
    RPC_UNARY("DeleteKeyword", keyword_rpc_delete, REQUEST(DeleteKeyword), NOTHING, 4000,
              ROLE_SUPERVISOR, 0),
    RPC_UNARY("DetectKeywords", keyword_rpc_detect, REQUEST(DetectKeywords),
              RESPONSE(DetectKeywords), 1000, ROLE_VIEWER, 0),
    RPC_UNARY("CreateDefaultKeywords", keyword_rpc_create_defaults, REQUEST(CreateDefaultKeywords),
              RESPONSE(ListKeywords), 4000, ROLE_SUPERVISOR, 0),
    RPC_UNARY("Decide", decide_rpc_decide, REQUEST(Decide), Taskrouter__Routing__V1__Decision, 1000,
              ROLE_AGENT, 0),
    RPC_UNARY("DryRun", decide_rpc_dry_run, REQUEST(DryRun), RESPONSE(DryRun), 4000, ROLE_VIEWER,
              0),
    RPC_UNARY("CompareRules", decide_rpc_compare, REQUEST(CompareRules), RESPONSE(CompareRules),
              28000, ROLE_SUPERVISOR, 0),
};
/* clang-format on */

const struct rpc_service routing_rules_service = {
    .descriptor = &taskrouter__routing__v1__rules__descriptor,
    .methods = methods,
    .method_count = ARRAY_LEN(methods),
};
