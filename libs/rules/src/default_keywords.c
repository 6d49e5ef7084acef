/*
 * What the set-up guide's departments are asked about. Its table was searched for within words, so
 * the common inflections, which that found too, are listed here: whole words find nothing else.
 */
#include "rules/keywords.h"

#define P(text)                                                                                    \
    {                                                                                              \
        .ptr = "" text, .len = sizeof(text) - 1                                                    \
    }

static const struct str permits[] = {
    P("permit"),  P("permits"),  P("permitting"), P("approval"), P("approvals"), P("approved"),
    P("license"), P("licenses"), P("licence"),    P("code"),     P("codes"),
};
static const struct str permits_high[] = {P("inspection"), P("inspections"), P("inspector"),
                                          P("violation"), P("violations")};
static const struct str utilities[] = {P("utility"), P("utilities")};
static const struct str utilities_high[] = {P("water"), P("sewer"), P("sewers"), P("sewage")};
static const struct str utilities_urgent[] = {P("gas"),         P("electric"), P("electrical"),
                                              P("electricity"), P("power"),    P("outage"),
                                              P("outages")};
static const struct str scheduling[] = {
    P("schedule"),     P("schedules"),   P("scheduled"),    P("scheduling"), P("reschedule"),
    P("rescheduling"), P("appointment"), P("appointments"), P("meeting"),    P("meetings"),
    P("visit"),        P("visits"),      P("service"),      P("services"),   P("maintenance"),
};
static const struct str emergency[] = {P("emergency"),  P("emergencies"), P("urgent"),
                                       P("urgently"),   P("asap"),        P("immediate"),
                                       P("immediately")};
static const struct str billing[] = {
    P("bill"),     P("bills"),   P("billed"),   P("billing"), P("payment"),
    P("payments"), P("invoice"), P("invoices"), P("charge"),  P("charges"),
    P("charged"),  P("fee"),     P("fees"),
};
static const struct str support[] = {P("question"), P("questions"), P("information"),
                                     P("feedback")};
static const struct str support_high[] = {P("help"),   P("problem"),   P("problems"),  P("issue"),
                                          P("issues"), P("complaint"), P("complaints")};

#define KEYWORD(list, of, how, sure)                                                               \
    {                                                                                              \
        .phrases = (list), .phrase_count = sizeof(list) / sizeof(list)[0], .department = P(of),    \
        .priority = P(how), .confidence = (sure), .is_enabled = true                               \
    }

const struct keyword_def rule_default_keywords[] = {
    KEYWORD(permits, "permits", "normal", 0.8),
    KEYWORD(permits_high, "permits", "high", 0.9),
    KEYWORD(utilities, "utilities", "normal", 0.8),
    KEYWORD(utilities_high, "utilities", "high", 0.9),
    KEYWORD(utilities_urgent, "utilities", "urgent", 1.0),
    KEYWORD(scheduling, "scheduling", "normal", 0.8),
    KEYWORD(emergency, "emergency", "urgent", 1.0),
    KEYWORD(billing, "billing", "normal", 0.8),
    KEYWORD(support, "support", "normal", 0.8),
    KEYWORD(support_high, "support", "high", 0.9),
};
const size_t rule_default_keyword_count =
    sizeof rule_default_keywords / sizeof rule_default_keywords[0];
