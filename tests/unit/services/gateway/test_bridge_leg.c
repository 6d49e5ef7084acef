/* What the provider's words make of the call to a worker. */
#include "bridge_leg.h"
#include "testing.h"

static void test_hear(void)
{
    static const struct {
        enum leg_state from;
        const char *word;
        enum leg_state to;
    } rows[] = {
        {LEG_PLACING,  "initiated",   LEG_RINGING },
        {LEG_PLACING,  "in-progress", LEG_ANSWERED}, /* before the reply of who placed it */
        {LEG_RINGING,  "ringing",     LEG_RINGING },
        {LEG_RINGING,  "in-progress", LEG_ANSWERED},
        {LEG_RINGING,  "busy",        LEG_FAILED  },
        {LEG_RINGING,  "no-answer",   LEG_FAILED  },
        {LEG_RINGING,  "canceled",    LEG_FAILED  },
        {LEG_RINGING,  "completed",   LEG_ENDED   }, /* what came between was lost */
        {LEG_ANSWERED, "ringing",     LEG_ANSWERED}, /* late */
        {LEG_ANSWERED, "failed",      LEG_ENDED   },
        {LEG_ANSWERED, "completed",   LEG_ENDED   },
        {LEG_ENDED,    "in-progress", LEG_ENDED   },
        {LEG_ENDED,    "busy",        LEG_ENDED   },
        {LEG_FAILED,   "ringing",     LEG_FAILED  },
        {LEG_FAILED,   "in-progress", LEG_ANSWERED}, /* was given up too early */
        {LEG_FAILED,   "completed",   LEG_ENDED   },
        {LEG_PLACING,  "sleeping",    LEG_PLACING },
        {LEG_RINGING,  "",            LEG_RINGING },
    };
    for (size_t i = 0; i < ARRAY_LEN(rows); i++)
        CHECK_I64(leg_hear(rows[i].from, str_from(rows[i].word)), rows[i].to);
}

static void test_events(void)
{
    static const struct {
        const char *events;
        const char *word;
        bool is_wanted;
    } rows[] = {
        {"",                   "completed",   true },
        {"",                   "busy",        true },
        {"",                   "in-progress", false},
        {"initiated,answered", "initiated",   true },
        {"initiated,answered", "in-progress", true },
        {"initiated,answered", "ringing",     false},
        {"initiated,answered", "completed",   false},
        {"ringing completed",  "ringing",     true },
        {"ringing, completed", "no-answer",   true },
        {"ringing",            "sleeping",    false},
        {"answer",             "in-progress", false},
        {",",                  "completed",   false},
        {"completed",          "",            false},
    };
    for (size_t i = 0; i < ARRAY_LEN(rows); i++)
        CHECK_I64(leg_is_wanted_event(rows[i].events, str_from(rows[i].word)), rows[i].is_wanted);
}

static void test_names(void)
{
    for (int i = LEG_NONE + 1; i < LEG_STATE_COUNT; i++)
        CHECK_I64(leg_state_from(str_from(leg_state_name((enum leg_state)i))), i);
    CHECK_I64(leg_state_from(STR("")), LEG_NONE);
    CHECK_I64(leg_state_from(STR("lost")), LEG_NONE);
}

static const struct test_case cases[] = {
    {"a leg follows what is said of it, in whatever order", test_hear  },
    {"an event is wanted when it is named",                 test_events},
    {"states have names",                                   test_names },
};

int main(int argc, char **argv)
{
    return testing_main("bridge_leg", cases, ARRAY_LEN(cases), argc, argv);
}
