/*
 * The checker can fail: a small history in which nothing is wrong, and for each rule changes of it
 * that the rule must catch.
 */
#include <stdio.h>
#include <string.h>

#include "base/buf.h"
#include "check_int.h"
#include "testing.h"

/* ---- the good history ---- */

/*
 * One worker with capacity 2. Task WT1 is offered, rejected, offered again, accepted, completed;
 * WT2 was asked for twice with one key, is offered meanwhile, accepted, wrapped up and completed.
 */
static const char *const events[] = {
    "'q':1,'e':'workspace.created','r':'WS1','v':1,'src':'/workers-svc','rid':'RQ100'",
    "'q':2,'e':'worker.created','r':'WK1','v':1,'src':'/workers-svc','rid':'RQ101','worker':'WK1'",
    "'q':3,'e':'worker.capacity.update','r':'WK1','v':2,'src':'/workers-svc','rid':'RQ102',"
    "'worker':'WK1','ch':'TC1','cap':2,'at':1000",
    "'q':4,'e':'task.created','r':'WT1','v':1,'src':'/tasks-svc','rid':'RQ1','task':'WT1','tv':1,"
    "'st':'pending','key':'a'",
    "'q':5,'e':'workflow.target-matched','r':'WT1','v':2,'src':'/tasks-svc','rid':'RQ1','task':"
    "'WT1','tv':2,'st':'pending','key':'a'",
    "'q':6,'e':'reservation.created','r':'WR1','v':1,'src':'/tasks-svc','rid':'RQ1','task':'WT1',"
    "'tv':3,'st':'reserved','res':'WR1','rst':'pending','worker':'WK1','ch':'TC1','at':2000",
    "'q':7,'e':'reservation.rejected','r':'WR1','v':2,'src':'/tasks-svc','rid':'RQ2','task':'WT1',"
    "'tv':3,'st':'reserved','res':'WR1','rst':'rejected','worker':'WK1','ch':'TC1'",
    "'q':8,'e':'reservation.created','r':'WR2','v':1,'src':'/tasks-svc','rid':'RQ2','task':'WT1',"
    "'tv':5,'st':'reserved','res':'WR2','rst':'pending','worker':'WK1','ch':'TC1','at':3000",
    "'q':9,'e':'task.created','r':'WT2','v':1,'src':'/tasks-svc','rid':'RQ4','task':'WT2','tv':1,"
    "'st':'pending','key':'b'",
    "'q':10,'e':'reservation.created','r':'WR3','v':1,'src':'/tasks-svc','rid':'RQ4','task':'WT2',"
    "'tv':2,'st':'reserved','res':'WR3','rst':'pending','worker':'WK1','ch':'TC1','at':4000",
    "'q':11,'e':'reservation.accepted','r':'WR2','v':2,'src':'/tasks-svc','rid':'RQ5','task':'WT1',"
    "'tv':6,'st':'assigned','res':'WR2','rst':'accepted','worker':'WK1','ch':'TC1'",
    "'q':12,'e':'task.completed','r':'WT1','v':7,'src':'/tasks-svc','rid':'RQ6','task':'WT1',"
    "'tv':7,'st':'completed'",
    "'q':13,'e':'reservation.completed','r':'WR2','v':3,'src':'/tasks-svc','rid':'RQ6','task':"
    "'WT1','tv':7,'st':'completed','res':'WR2','rst':'completed','worker':'WK1','ch':'TC1'",
    "'q':14,'e':'reservation.accepted','r':'WR3','v':2,'src':'/tasks-svc','rid':'RQ7','task':'WT2',"
    "'tv':3,'st':'assigned','res':'WR3','rst':'accepted','worker':'WK1','ch':'TC1'",
    "'q':15,'e':'task.wrapup','r':'WT2','v':4,'src':'/tasks-svc','rid':'RQ8','task':'WT2','tv':4,"
    "'st':'wrapping'",
    "'q':16,'e':'reservation.wrapup','r':'WR3','v':3,'src':'/tasks-svc','rid':'RQ8','task':'WT2',"
    "'tv':4,'st':'wrapping','res':'WR3','rst':'wrapping','worker':'WK1','ch':'TC1'",
    "'q':17,'e':'task.completed','r':'WT2','v':5,'src':'/tasks-svc','rid':'RQ9','task':'WT2',"
    "'tv':5,'st':'completed'",
    "'q':18,'e':'reservation.completed','r':'WR3','v':4,'src':'/tasks-svc','rid':'RQ9','task':"
    "'WT2','tv':5,'st':'completed','res':'WR3','rst':'completed','worker':'WK1','ch':'TC1'",
};

static const char *const before[] = {
    "{'k':'meta','t':1,'format':1,'seed':1}",
    "{'k':'phase','t':2,'is':'load'}",
    "{'k':'call','t':100,'id':1,'m':'CreateTask','rid':'RQ1','key':'a'}",
    "{'k':'ok','t':110,'id':1,'sid':'WT1','st':'reserved','v':3}",
    "{'k':'call','t':120,'id':2,'m':'RejectReservation','rid':'RQ2','on':'WR1'}",
    "{'k':'ok','t':130,'id':2,'sid':'WR1','st':'rejected','task':'WT1','v':2}",
    "{'k':'fault','t':132,'is':'kill','who':'tasks-svc 0'}",
    "{'k':'call','t':135,'id':3,'m':'CreateTask','rid':'RQ3','key':'b'}",
    "{'k':'unknown','t':140,'id':3,'code':'UNAVAILABLE'}",
    "{'k':'call','t':141,'id':4,'m':'CreateTask','rid':'RQ4','key':'b'}",
    "{'k':'ok','t':150,'id':4,'sid':'WT2','st':'reserved','v':2}",
    "{'k':'call','t':160,'id':5,'m':'AcceptReservation','rid':'RQ5','on':'WR2'}",
    "{'k':'ok','t':170,'id':5,'sid':'WR2','st':'accepted','task':'WT1','v':2}",
    "{'k':'call','t':180,'id':6,'m':'CompleteTask','rid':'RQ6','on':'WT1'}",
    "{'k':'ok','t':190,'id':6,'sid':'WT1','st':'completed','v':7}",
    "{'k':'call','t':195,'id':7,'m':'AcceptReservation','rid':'RQ7','on':'WR3'}",
    "{'k':'ok','t':200,'id':7,'sid':'WR3','st':'accepted','task':'WT2','v':2}",
    "{'k':'call','t':205,'id':8,'m':'WrapUpTask','rid':'RQ8','on':'WT2'}",
    "{'k':'ok','t':210,'id':8,'sid':'WT2','st':'wrapping','v':4}",
    "{'k':'call','t':215,'id':9,'m':'CompleteTask','rid':'RQ9','on':'WT2'}",
    "{'k':'ok','t':220,'id':9,'sid':'WT2','st':'completed','v':5}",
    "{'k':'call','t':225,'id':10,'m':'GetTask','rid':'RQ10','on':'WT2'}",
    "{'k':'ok','t':230,'id':10,'sid':'WT2','st':'completed','v':5}",
    "{'k':'call','t':235,'id':11,'m':'AcceptReservation','rid':'RQ11','on':'WR1'}",
    "{'k':'refused','t':240,'id':11,'code':'FAILED_PRECONDITION'}",
    "{'k':'phase','t':300,'is':'heal'}",
    "{'k':'phase','t':310,'is':'drained'}",
    "{'k':'resume','t':50,'q':1}",
};

static const char *const after[] = {
    "{'k':'task','t':400,'sid':'WT1','st':'completed','v':7}",
    "{'k':'task','t':400,'sid':'WT2','st':'completed','v':5}",
    "{'k':'res','t':400,'sid':'WR1','st':'rejected','v':2,'task':'WT1'}",
    "{'k':'res','t':400,'sid':'WR2','st':'completed','v':3,'task':'WT1'}",
    "{'k':'res','t':400,'sid':'WR3','st':'completed','v':4,'task':'WT2'}",
    "{'k':'phase','t':500,'is':'end'}",
};

/* What a case does to the lines that hold `where`. */
struct bad_case {
    const char *rule;  /* that must say so */
    const char *where; /* NULL: `to` is added before the last line */
    const char *from;  /* NULL: the line is dropped, or moved behind the others when to is "move" */
    const char *to;
};

/* ---- building ---- */

struct built {
    struct buf text;
    struct buf moved;
    const struct bad_case *bad; /* NULL: nothing is wrong */
    int changes;
};

static void use_double_quotes(char *text)
{
    for (; *text != '\0'; text++) {
        if (*text == '\'')
            *text = '"';
    }
}

static void put_line(struct built *built, const char *line)
{
    char text[1024];
    (void)snprintf(text, sizeof text, "%s", line);
    use_double_quotes(text);
    const struct bad_case *bad = built->bad;
    bool is_hit = bad != NULL && bad->where != NULL && strstr(line, bad->where) != NULL;
    const char *from = is_hit && bad->from != NULL ? strstr(line, bad->from) : NULL;
    if (is_hit && bad->from == NULL) {
        built->changes++;
        if (bad->to != NULL)
            buf_printf(&built->moved, "%s\n", text);
        return;
    }
    if (from == NULL) {
        buf_printf(&built->text, "%s\n", text);
        return;
    }
    built->changes++;
    char to[512];
    (void)snprintf(to, sizeof to, "%s", bad->to);
    use_double_quotes(to);
    size_t offset = (size_t)(from - line);
    buf_append(&built->text, text, offset);
    buf_printf(&built->text, "%s%s\n", to, text + offset + strlen(bad->from));
}

static void put_event(struct built *built, const char *kind, size_t index)
{
    char line[1024];
    (void)snprintf(line, sizeof line, "{'k':'%s','sid':'EV%zu','t':%zu,'h':7,%s}", kind, index + 1,
                   60 + 10 * index, events[index]);
    put_line(built, line);
}

static void build(struct built *built)
{
    static const char *const kinds[] = {"bus','c':'live", "bus','c':'durable", "watch", "log"};
    buf_init(&built->text, 0);
    buf_init(&built->moved, 0);
    for (size_t i = 0; i < ARRAY_LEN(before); i++)
        put_line(built, before[i]);
    for (size_t k = 0; k < ARRAY_LEN(kinds); k++) {
        for (size_t i = 0; i < ARRAY_LEN(events); i++) {
            bool is_watched = strcmp(kinds[k], "watch") != 0 || i > 0;
            if (is_watched)
                put_event(built, kinds[k], i);
        }
    }
    buf_str_append(&built->text, buf_str(&built->moved));
    for (size_t i = 0; i < ARRAY_LEN(after); i++) {
        if (i == ARRAY_LEN(after) - 1 && built->bad != NULL && built->bad->where == NULL) {
            struct built extra = {.text = built->text};
            put_line(&extra, built->bad->to);
            built->text = extra.text;
            built->changes++;
        }
        put_line(built, after[i]);
    }
    buf_fini(&built->moved);
}

/* Whether the history is good; the verdict says so of the rule when it is not. */
static bool check(const struct bad_case *bad, bool *out_is_named, struct buf *verdict)
{
    struct built built = {.bad = bad};
    char want[64] = "";
    build(&built);
    CHECK(!buf_failed(&built.text));
    CHECK(bad == NULL || built.changes > 0);
    bool is_good = history_check(buf_str(&built.text), verdict, NULL);
    if (bad != NULL)
        (void)snprintf(want, sizeof want, "broken: %s (", bad->rule);
    *out_is_named = verdict->data != NULL && strstr(verdict->data, want) != NULL;
    buf_fini(&built.text);
    return is_good;
}

/* ---- cases ---- */

static const struct bad_case bad_cases[] = {
    {"readable",      NULL,                             NULL,              "nonsense"                                                },
    {"readable",      NULL,                             NULL,              "{'k':'call','t':1,'id':1,'m':'x'}"                       },
    {"readable",      NULL,                             NULL,              "{'k':'ok','t':1,'id':99}"                                },
    {"readable",      NULL,                             NULL,              "{'k':'ok','t':1,'id':1}"                                 },
    {"readable",      NULL,                             NULL,              "{'k':'bus','c':'live','bad':true}"                       },
    {"readable",      "'format'",                       NULL,              NULL                                                      },
    {"complete",      "'is':'end'",                     NULL,              NULL                                                      },
    {"log-order",     "'sid':'EV5'",                    NULL,              NULL                                                      },
    {"log-order",     "'sid':'EV5'",                    "'EV5'",           "'EV4'"                                                   },
    {"log-order",     "'k':'log','sid':'EV5'",          NULL,              "move"                                                    },
    {"log-order",     NULL,                             NULL,              "{'k':'other','q':5,'e':'x'}"                             },
    {"states",        "'sid':'EV15'",                   "task.wrapup",     "task.canceled"                                           },
    {"states",        "'sid':'EV13'",                   "completed",       "rejected"                                                },
    {"states",        "'sid':'EV15'",                   "'st':'wrapping'", "'st':'assigned'"                                         },
    {"states",        "'sid':'EV8'",                    "'task':'WT1'",    "'task':'WT9'"                                            },
    {"states",        "'sid':'EV12'",                   "task.completed",  "task.deleted"                                            },
    {"versions",      "'sid':'EV12'",                   "'tv':7",          "'tv':8"                                                  },
    {"versions",      "'sid':'EV8'",                    "'tv':5",          "'tv':4"                                                  },
    {"versions",      "'sid':'EV13'",                   "'v':3",           "'v':4"                                                   },
    {"versions",      "'sid':'EV3'",                    "'v':2",           "'v':3"                                                   },
    {"one-worker",    "'sid':'EV14'",                   "'task':'WT2'",    "'task':'WT1'"                                            },
    {"accepts",       "'id':7,",                        "'task':'WT2'",    "'task':'WT1'"                                            },
    {"capacity",      "'sid':'EV3'",                    "'cap':2",         "'cap':1"                                                 },
    {"capacity",      "'sid':'EV3'",                    "'ch':'TC1'",      "'ch':'TC2'"                                              },
    {"acknowledged",  "'sid':'EV12'",                   "'RQ6'",           "''"                                                      },
    {"acknowledged",  "'ok','t':110",                   "'WT1'",           "'WT9'"                                                   },
    {"acknowledged",  "'ok','t':170",                   "'v':2",           "'v':3"                                                   },
    {"acknowledged",  "'ok','t':190",                   "'v':7",           "'v':6"                                                   },
    {"once",          "'e':'task.created','r':'WT2'",   "'key':'b'",       "'key':'a'"                                               },
    {"once",          "'e':'task.created','r':'WT2'",   "'key':'b'",       "'key':'c'"                                               },
    {"once",          "'k':'unknown'",                  "unknown",         "ok','v':2,'sid':'WT9"                                    },
    {"once",          "'e':'task.created','r':'WT1'",   "'RQ1'",           "'RQ3'"                                                   },
    {"refused",       "'ok','t':130",                   "'ok'",            "'refused'"                                               },
    {"one-effect",    "'sid':'EV17'",                   "'RQ9'",           "'RQ6'"                                                   },
    {"one-effect",    "'sid':'EV17'",                   "'RQ9'",           "'RQ77'"                                                  },
    {"real-time",     "'call','t':205",                 "'t':205",         "'t':225"                                                 },
    {"reads",         "'ok','t':230",                   "'v':5",           "'v':4"                                                   },
    {"bus-complete",  "'c':'live','sid':'EV14'",        NULL,              NULL                                                      },
    {"bus-complete",  "'c':'durable','sid':'EV18'",     NULL,              NULL                                                      },
    {"bus-complete",  "'c':'live','sid':'EV3'",         NULL,              NULL                                                      },
    {"bus-complete",  "'c':'live','sid':'EV14'",        "'v':2",           "'v':3"                                                   },
    {"bus-order",     "'c':'live','sid':'EV14'",        NULL,              "move"                                                    },
    {"bus-order",     NULL,                             NULL,
     "{'k':'bus','c':'live','sid':'EV15','q':15,'h':8,'e':'task.wrapup','r':'WT2','v':4,'src':"
     "'/tasks-svc','rid':'RQ8'}"                                                                                                     },
    {"bus-committed", NULL,                             NULL,
     "{'k':'bus','c':'live','sid':'EV99','q':19,'e':'task.created','src':'/tasks-svc'}"                                              },
    {"watch",         "'k':'watch','sid':'EV14'",       NULL,              NULL                                                      },
    {"watch",         "'k':'watch','sid':'EV18'",       NULL,              NULL                                                      },
    {"watch",         "'k':'watch','sid':'EV14'",       "'h':7",           "'h':8"                                                   },
    {"watch",         "'k':'watch','sid':'EV14'",       NULL,              "move"                                                    },
    {"config-heard",  NULL,                             NULL,
     "{'k':'bus','c':'live','sid':'EV98','e':'worker.created','r':'WK2','src':'/workers-svc'}"                                       },
    {"left",          "'k':'task','t':400,'sid':'WT1'", NULL,              NULL                                                      },
    {"left",          "'k':'task','t':400,'sid':'WT1'", "completed",       "canceled"                                                },
    {"left",          "'k':'task','t':400,'sid':'WT1'", "'v':7",           "'v':6"                                                   },
    {"left",          "'k':'task','t':400,'sid':'WT1'", "'v':7",           "'gone':true"                                             },
    {"left",          "'k':'res','t':400,'sid':'WR3'",  NULL,              NULL                                                      },
    {"left",          NULL,                             NULL,              "{'k':'task','t':400,'sid':'WT3','st':'pending','v':1}"   },
    {"ended",         "'sid':'EV17'",                   "task.completed",  "task.updated"                                            },
    {"alive",         NULL,                             NULL,              "{'k':'died','t':9,'who':'tasks-svc 0','why':'by itself'}"},
};

static void test_good(void)
{
    struct buf verdict;
    bool is_named = false;
    buf_init(&verdict, 0);
    bool is_good = check(NULL, &is_named, &verdict);
    if (!is_good)
        (void)printf("%s", verdict.data);
    CHECK(is_good);
    CHECK(strstr(verdict.data, "2 tasks, 3 reservations, 18 events; 1 faults") != NULL);
    buf_fini(&verdict);
}

static void test_bad(void)
{
    for (size_t i = 0; i < ARRAY_LEN(bad_cases); i++) {
        struct buf verdict;
        bool is_named = false;
        buf_init(&verdict, 0);
        bool is_good = check(&bad_cases[i], &is_named, &verdict);
        if (is_good || !is_named)
            (void)printf("\n    case %zu of %s is not caught:\n%s", i, bad_cases[i].rule,
                         verdict.data);
        CHECK(!is_good && is_named);
        buf_fini(&verdict);
    }
}

static void test_all_rules(void)
{
    for (size_t i = 0; i < check_rule_count; i++) {
        bool has_case = false;
        for (size_t k = 0; k < ARRAY_LEN(bad_cases); k++)
            has_case = has_case || strcmp(bad_cases[k].rule, check_rules[i].name) == 0;
        if (!has_case)
            (void)printf("\n    no case for %s", check_rules[i].name);
        CHECK(has_case);
    }
}

/* What is allowed, and looks like a fault at first sight. */
static void test_allowed(void)
{
    static const struct bad_case allowed[] = {
  /* A message that JetStream delivers once more. */
        {"", NULL,           NULL,
         "{'k':'bus','c':'live','sid':'EV15','q':15,'h':7,'e':'task.wrapup','r':'WT2','v':4,'src':"
         "'/tasks-svc','rid':'RQ8'}"            },
 /* An outcome that nobody knows. */
        {"", "'ok','t':200", "'ok'", "'unknown'"},
        {"", "'ok','t':110", NULL,   NULL       },
    };
    for (size_t i = 0; i < ARRAY_LEN(allowed); i++) {
        struct buf verdict;
        bool is_named = false;
        buf_init(&verdict, 0);
        bool is_good = check(&allowed[i], &is_named, &verdict);
        if (!is_good)
            (void)printf("\n    case %zu:\n%s", i, verdict.data);
        CHECK(is_good);
        buf_fini(&verdict);
    }
}

/* Cut anywhere: no crash, never good, and the calls that it holds are still looked at. */
static void test_cut(void)
{
    struct built built = {.bad = NULL};
    build(&built);
    struct str whole = buf_str(&built.text);
    for (size_t len = 0; len + 1 < whole.len; len += 97) {
        struct buf verdict;
        buf_init(&verdict, 0);
        CHECK(!history_check((struct str){whole.ptr, len}, &verdict, NULL));
        buf_fini(&verdict);
    }
    buf_fini(&built.text);
}

static const struct test_case cases[] = {
    {"a history in which nothing is wrong is good", test_good     },
    {"each rule catches what breaks it",            test_bad      },
    {"each rule has a case",                        test_all_rules},
    {"late, doubled and unknown is not wrong",      test_allowed  },
    {"a history that was cut off is never good",    test_cut      },
};

int main(int argc, char **argv)
{
    return testing_main("checker", cases, ARRAY_LEN(cases), argc, argv);
}
