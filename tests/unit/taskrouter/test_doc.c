/* The configuration as a file: written and read again it is the same, whatever is in it. */
#include "doc.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "doc_parts.h"
#include "jx/jx.h"
#include "plan.h"
#include "testing.h"

enum { ARENA_BYTES = 64 << 20, ROUNDS = 150, ITEMS_MAX = 6, PARTS_MAX = 5, DEPTH = 3 };

static unsigned random_below(unsigned limit)
{
    static uint64_t state = 88172645463325252U;
    state ^= state << 13;
    state ^= state >> 7;
    state ^= state << 17;
    return (unsigned)((state >> 32) % limit);
}

static json_t *random_text(void)
{
    static const char *const parts[] = {
        "a",    "B",   " ",    "\n",       "\t",         "'",          "\"",
        ":",    "# ",  "- ",   "&x",       "*x",         "!t",         "%",
        "1==1", "7",   "007",  "null",     "true",       "yes",        "~",
        "{",    "]",   "\\",   "\r",       "2026-01-01", "\xC3\xA9",   "\xE2\x80\xA8",
        "|",    "---", "\x02", " \n  and", "1.0",        "skills HAS", "\xF0\x9F\x98\x80",
    };
    struct buf text;
    buf_init(&text, 0);
    for (unsigned i = random_below(PARTS_MAX); i > 0; i--)
        buf_text(&text, parts[random_below(ARRAY_LEN(parts))]);
    json_t *made = json_stringn(text.len > 0 ? text.data : "", text.len);
    buf_fini(&text);
    return made;
}

static const char *sid_text(char out[40], const char *prefix, unsigned number)
{
    (void)snprintf(out, 40, "%s%032x", prefix, number);
    return out;
}

/* What a workflow's document may hold: anything, with queues here and there. */
static json_t *random_routing(unsigned depth, unsigned queues)
{
    char sid[40];
    json_t *made = NULL;
    switch (random_below(depth == 0 ? 5 : 8)) {
    case 0:
        return json_integer((json_int_t)random_below(100) - 50);
    case 1:
        return json_real((double)random_below(1000) / 8);
    case 2:
        return random_below(2) == 0 ? json_null() : json_boolean(random_below(2));
    case 3:
    case 4:
        return random_text();
    case 5:
        made = json_array();
        for (unsigned i = random_below(ITEMS_MAX); i > 0; i--)
            (void)json_array_append_new(made, random_routing(depth - 1, queues));
        return made;
    default:
        made = json_object();
        for (unsigned i = random_below(ITEMS_MAX); i > 0; i--) {
            AUTO(jx_cleanup) json_t *key = random_text();
            (void)json_object_setn_new(made, json_string_value(key), json_string_length(key),
                                       random_routing(depth - 1, queues));
        }
        if (queues > 0)
            (void)json_object_set_new(made, "queue",
                                      json_string(sid_text(sid, "WQ", random_below(queues + 1))));
        return made;
    }
}

static json_t *random_texts(void)
{
    json_t *made = json_array();
    for (unsigned i = random_below(ITEMS_MAX); i > 0; i--)
        (void)json_array_append_new(made, random_text());
    return made;
}

static json_t *random_sids(const char *prefix, unsigned count)
{
    char sid[40];
    json_t *made = json_array();
    for (unsigned i = random_below(ITEMS_MAX); i > 0; i--)
        (void)json_array_append_new(made,
                                    json_string(sid_text(sid, prefix, random_below(count + 1))));
    return made;
}

static const char *const days[] = {"monday", "tuesday",  "wednesday", "thursday",
                                   "friday", "saturday", "sunday"};

/* {"isOpen", "timeSlots"}, as days and holidays have them. */
static json_t *random_day(void)
{
    json_t *slots = json_array();
    for (unsigned i = random_below(3); i > 0; i--)
        (void)json_array_append_new(
            slots, json_pack("{s:o, s:o}", "start", json_sprintf("%02u:30", random_below(12)),
                             "end", json_sprintf("%02u:00", 12 + random_below(13))));
    return json_pack("{s:b, s:o}", "isOpen", (int)random_below(2), "timeSlots", slots);
}

static json_t *random_week(void)
{
    json_t *made = json_object();
    for (size_t i = 0; i < ARRAY_LEN(days); i++)
        (void)json_object_set_new(made, days[i], random_below(3) == 0 ? json_null() : random_day());
    return made;
}

static json_t *random_dates(bool is_range)
{
    json_t *made = json_array();
    for (unsigned i = 1 + random_below(ITEMS_MAX); i > 1; i--) {
        json_t *item = is_range ? json_object() : random_day();
        (void)json_object_set_new(item, "name", random_text());
        (void)json_object_set_new(item, is_range ? "startDate" : "date",
                                  json_sprintf("2026-%02u-%02u", i, 1 + random_below(28)));
        if (is_range) {
            (void)json_object_set_new(item, "endDate", json_string("2027-01-01"));
            (void)json_object_set_new(item, "schedule", random_week());
        }
        (void)json_array_append_new(made, item);
    }
    return made;
}

static json_t *random_actions(unsigned queues, unsigned workflows)
{
    static const char *const types[] = {
        "route_to_queue", "route_to_worker", "route_to_workflow", "set_priority",
        "add_attributes", "set_timeout",     "voicemail",         "play_message",
        "transfer",       "hang_up",         "continue",
    };
    char sid[40];
    json_t *made = json_array();
    for (unsigned i = random_below(ITEMS_MAX); i > 0; i--) {
        unsigned type = random_below(ARRAY_LEN(types));
        const char *target = type == 0   ? sid_text(sid, "WQ", random_below(queues + 1))
                             : type == 1 ? sid_text(sid, "WK", 1)
                             : type == 2 ? sid_text(sid, "WW", random_below(workflows + 1))
                             : type == 8 ? "+15551234567"
                                         : "";
        json_t *action = json_pack("{s:s, s:s, s:s, s:o}", "type", types[type], "target", target,
                                   "targetName", type == 1 ? "Ann" : "", "message", random_text());
        bool has_number = type == 3 || type == 5 || random_below(2) == 0;
        (void)json_object_set_new(action, "priority",
                                  has_number ? json_integer(random_below(100)) : json_null());
        (void)json_object_set_new(action, "timeout",
                                  has_number ? json_integer(random_below(100)) : json_null());
        (void)json_object_set_new(action, "attributes",
                                  type == 4 || random_below(2) == 0
                                      ? json_pack("{s:o}", "a", random_text())
                                      : json_null());
        (void)json_array_append_new(made, action);
    }
    return made;
}

static json_t *random_field(const struct doc_field *field, const unsigned counts[DOC_KIND_COUNT])
{
    const unsigned activities = counts[DOC_ACTIVITIES];
    const unsigned queues = counts[DOC_QUEUES];
    static const char *const orders[] = {"FIFO", "LIFO"};
    char sid[40];
    json_t *routing = NULL;
    switch (field->type) {
    case DOC_FLAG:
        return json_boolean(random_below(2));
    case DOC_NUMBER:
        return json_integer(random_below(100));
    case DOC_ORDER:
        return json_string(orders[random_below(2)]);
    case DOC_ACTIVITY:
        return activities == 0 || random_below(3) == 0
                   ? json_string("")
                   : json_string(sid_text(sid, "WA", random_below(activities)));
    case DOC_ROUTING:
        routing = json_object();
        if (random_below(4) != 0)
            (void)json_object_set_new(routing, "task_routing", random_routing(DEPTH, queues));
        return routing;
    case DOC_REAL:
        return json_real((double)random_below(9) / 8);
    case DOC_TIME:
        return random_below(2) == 0 ? json_null() : json_string("2026-12-31T18:00:00Z");
    case DOC_TEXTS:
        return random_texts();
    case DOC_QUEUE_NAMES:
        return random_sids("WQ", queues);
    case DOC_ACTIONS:
        return random_actions(queues, counts[DOC_WORKFLOWS]);
    case DOC_WEEK:
        return random_week();
    case DOC_HOLIDAYS:
        return random_dates(false);
    case DOC_SPECIALS:
        return random_dates(true);
    case DOC_NONE:
    case DOC_TEXT:
        break;
    }
    return random_text();
}

/* As snapshot.c fills it. */
static struct doc *random_suite(struct arena *arena)
{
    struct doc *doc = doc_new(arena);
    unsigned counts[DOC_KIND_COUNT];
    char sid[40];
    for (int kind = 0; kind < DOC_KIND_COUNT; kind++)
        counts[kind] = kind == DOC_WORKSPACE ? 1 : random_below(ITEMS_MAX);
    for (int kind = 0; kind < DOC_KIND_COUNT; kind++) {
        const struct doc_section *section = &doc_sections[kind];
        doc->lists[kind].is_there = true;
        for (unsigned i = 0; i < counts[kind]; i++) {
            json_t *raw = doc_keep(arena, json_object());
            for (size_t k = 0; k < section->field_count; k++)
                (void)json_object_set_new(raw, section->fields[k].rest,
                                          random_field(&section->fields[k], counts));
            json_t *first = json_object_get(raw, section->fields[0].rest);
            const char *made = doc_key_from(first);
            AUTO(jx_cleanup) json_t *key = json_sprintf("%s%u", made == NULL ? "" : made, i);
            if (!json_is_array(first))
                (void)json_object_set(raw, section->fields[0].rest, key);
            else
                (void)json_array_insert(first, 0, key);
            struct doc_item *item = doc_add(doc, (enum doc_kind)kind, json_string_value(key), NULL);
            item->raw = raw;
            item->sid = arena_strdup(arena, sid_text(sid, section->sid_prefix, i));
            item->version = 1;
        }
    }
    return doc;
}

static char *exported(struct doc *doc, bool with_sids)
{
    struct map names;
    struct buf out;
    struct err err = {0};
    map_init(&names);
    buf_init(&out, 0);
    doc_names(doc, &names);
    doc_render(doc, &names);
    enum err_code code = doc_write(doc, "# heading\n", with_sids, &out, &err);
    CHECK_TEXT(err.detail, "");
    map_fini(&names);
    char *text = code == ERR_OK ? buf_take(&out) : NULL;
    buf_fini(&out);
    return text;
}

static struct plan *planned(struct arena *arena, const char *text, struct doc *suite, bool deletes)
{
    struct err err = {0};
    struct plan *plan = NULL;
    struct doc *file = doc_new(arena);
    enum err_code code = doc_read(file, str_from(text), &err);
    if (code == ERR_OK)
        code = plan_make(file, suite, deletes, &plan, &err);
    if (code != ERR_OK)
        (void)fprintf(stderr, "%s\n%s\n", err.detail, text);
    return plan;
}

static void what_is_exported_plans_to_nothing(void)
{
    for (int i = 0; i < ROUNDS; i++) {
        AUTO(arena_cleanup) struct arena *arena = arena_new(ARENA_BYTES);
        struct doc *suite = random_suite(arena);
        char *text = exported(suite, i % 2 == 0);
        REQUIRE(text != NULL);
        const struct plan *plan = planned(arena, text, suite, i % 3 == 0);
        bool is_empty = plan != NULL && plan->count == 0 && json_array_size(plan->kept) == 0;
        if (plan != NULL && plan->count > 0) {
            char *shown = json_dumps(plan->steps[0].differences, JSON_INDENT(1));
            (void)fprintf(stderr, "%s\n%s\n", shown, text);
            free(shown);
        }
        char *again = exported(suite, i % 2 == 0);
        CHECK_TEXT(again, text);
        free(again);
        free(text);
        REQUIRE(is_empty);
    }
}

/* Applied to an empty workspace everything is created, with the same fields. */
static void what_is_exported_can_be_made_elsewhere(void)
{
    for (int i = 0; i < ROUNDS / 3; i++) {
        AUTO(arena_cleanup) struct arena *arena = arena_new(ARENA_BYTES);
        struct doc *suite = random_suite(arena);
        struct doc *empty = doc_new(arena);
        AUTO(jx_cleanup) json_t *nothing = json_object();
        struct doc_item *workspace = doc_add(empty, DOC_WORKSPACE, "", NULL);
        workspace->raw = nothing;
        workspace->sid = "WS00000000000000000000000000000009";
        size_t count = 0;
        for (int kind = DOC_CHANNELS; kind < DOC_KIND_COUNT; kind++)
            count += suite->lists[kind].count;
        char *text = exported(suite, false);
        REQUIRE(text != NULL);
        const struct plan *plan = planned(arena, text, empty, true);
        free(text);
        REQUIRE(plan != NULL);
        CHECK_I64(plan->counts[PLAN_CREATE], count);
        CHECK_I64(plan->counts[PLAN_DELETE], 0);
        for (size_t k = 0; k < plan->count; k++) {
            const struct plan_step *step = &plan->steps[k];
            const struct doc_item *original =
                doc_find(suite, step->wanted->kind, step->wanted->key);
            REQUIRE(original != NULL);
            CHECK(json_equal(step->wanted->fields, original->fields));
        }
    }
}

/* ---- plans ---- */

static const char *const base =
    "activities:\n- {name: Idle, available: true}\n- {name: Away, available: false}\n"
    "queues:\n- {name: A, target_workers: '1==1', reservation_activity: Away}\n- {name: B}\n"
    "workflows:\n- name: W\n  configuration:\n    task_routing:\n      default_filter: {queue: "
    "A}\n";

static json_t *sid_of_queue(void *ctx, const char *name)
{
    const struct doc_item *item = doc_find(ctx, DOC_QUEUES, name);
    return item != NULL ? json_string(item->sid) : NULL;
}

/* References by SID, as the suite has them. */
static void refer_by_sid(struct doc *suite)
{
    for (size_t i = 0; i < suite->lists[DOC_WORKFLOWS].count; i++)
        doc_queues_map(suite->lists[DOC_WORKFLOWS].items[i]->raw, sid_of_queue, suite);
    for (size_t i = 0; i < suite->lists[DOC_QUEUES].count; i++) {
        json_t *raw = suite->lists[DOC_QUEUES].items[i]->raw;
        const char *name = jx_get_text(raw, "reservationActivitySid", "");
        const struct doc_item *activity = doc_find(suite, DOC_ACTIVITIES, name);
        if (activity != NULL)
            (void)json_object_set_new(raw, "reservationActivitySid", json_string(activity->sid));
    }
}

/* The suite as it is after applying a file to nothing. */
static struct doc *suite_of(struct arena *arena, const char *text)
{
    struct err err = {0};
    char sid[40];
    struct doc *doc = doc_new(arena);
    enum err_code code = doc_read(doc, str_from(text), &err);
    CHECK_TEXT(err.detail, "");
    INVARIANT(code == ERR_OK);
    struct doc *suite = doc_new(arena);
    json_t *nothing = doc_keep(arena, json_object());
    struct doc_item *workspace = doc_add(suite, DOC_WORKSPACE, "Here", NULL);
    workspace->raw = nothing;
    workspace->sid = "WS00000000000000000000000000000001";
    for (int kind = DOC_CHANNELS; kind < DOC_KIND_COUNT; kind++) {
        suite->lists[kind].is_there = true;
        for (size_t i = 0; i < doc->lists[kind].count; i++) {
            const struct doc_item *from = doc->lists[kind].items[i];
            struct doc_item *item = doc_add(suite, (enum doc_kind)kind, from->key, NULL);
            const struct doc_section *section = &doc_sections[kind];
            item->sid = arena_strdup(arena, sid_text(sid, section->sid_prefix, (unsigned)i + 1));
            item->version = 3;
            item->raw = doc_keep(arena, json_object());
            for (size_t k = 0; k < section->field_count; k++) {
                json_t *value = json_object_get(from->fields, section->fields[k].name);
                if (value != NULL)
                    (void)json_object_set_new(item->raw, section->fields[k].rest,
                                              json_deep_copy(value));
            }
        }
    }
    refer_by_sid(suite);
    return suite;
}

static void plan_describes(const char *text, bool deletes, const char *want)
{
    static const char signs[] = " +~-";
    AUTO(arena_cleanup) struct arena *arena = arena_new(ARENA_BYTES);
    struct err err = {0};
    struct plan *plan = NULL;
    struct doc *suite = suite_of(arena, base);
    struct doc *file = doc_new(arena);
    struct buf out;
    buf_init(&out, 0);
    enum err_code code = doc_read(file, str_from(text), &err);
    if (code == ERR_OK)
        code = plan_make(file, suite, deletes, &plan, &err);
    if (code != ERR_OK)
        buf_text(&out, err.detail);
    for (size_t i = 0; code == ERR_OK && i < plan->count; i++) {
        const struct plan_step *step = &plan->steps[i];
        const struct doc_item *item = step->wanted != NULL ? step->wanted : step->current;
        size_t index = 0;
        json_t *field = NULL;
        buf_printf(&out, "%s%c%s", i > 0 ? " " : "", signs[step->action], item->key);
        json_array_foreach(step->fields, index, field)
            buf_printf(&out, "%c%s", index > 0 ? ',' : '.', json_string_value(field));
    }
    CHECK_TEXT(out.len > 0 ? out.data : "", want);
    buf_fini(&out);
}

/* What is sent to the suite is shown by it as it was wanted. */
static void what_is_sent_comes_back_as_it_was_wanted(void)
{
    for (int i = 0; i < ROUNDS / 3; i++) {
        AUTO(arena_cleanup) struct arena *arena = arena_new(ARENA_BYTES);
        struct doc *suite = random_suite(arena);
        char *text = exported(suite, false);
        const struct plan *plan = planned(arena, text, suite, false);
        free(text);
        REQUIRE(plan != NULL);
        AUTO(jx_cleanup) json_t *week = random_week();
        AUTO(jx_cleanup) json_t *week_shown = parts_week_shown(week);
        AUTO(jx_cleanup) json_t *week_sent = parts_week_rest(week_shown);
        AUTO(jx_cleanup) json_t *week_again = parts_week_shown(week_sent);
        CHECK(json_equal(week_shown, week_again));
        AUTO(jx_cleanup) json_t *dates = random_dates(i % 2 == 0);
        AUTO(jx_cleanup)
        json_t *dates_shown =
            i % 2 == 0 ? parts_specials_shown(dates) : parts_holidays_shown(dates);
        AUTO(jx_cleanup)
        json_t *dates_sent =
            i % 2 == 0 ? parts_specials_rest(dates_shown) : parts_holidays_rest(dates_shown);
        AUTO(jx_cleanup)
        json_t *dates_again =
            i % 2 == 0 ? parts_specials_shown(dates_sent) : parts_holidays_shown(dates_sent);
        CHECK(json_equal(dates_shown, dates_again));
        for (size_t k = 0; k < suite->lists[DOC_RULES].count; k++) {
            json_t *shown = json_object_get(suite->lists[DOC_RULES].items[k]->fields, "actions");
            AUTO(jx_cleanup) json_t *sent = parts_actions_rest(plan, shown);
            AUTO(jx_cleanup) json_t *again = parts_actions_shown(sent, &plan->names);
            CHECK(json_equal(shown, again));
        }
    }
}

static void rules_and_hours_are_read_as_people_write_them(void)
{
    plan_describes("rules:\n- name: E\n  condition: a == 1\n  actions:\n  - route_to_queue: A\n"
                   "    priority: 100\n  - continue: true\n",
                   false, "+E.name,condition,actions");
    plan_describes("hours:\n- name: H\n  weekly: {monday: 08:00-18:00, sunday: []}\n  queues: [A]\n"
                   "  holidays: [{date: 2026-12-25, name: Christmas}]\n"
                   "keywords:\n- {phrases: [gas, gas leak], department: utilities}\n",
                   false, "+H.name,weekly,holidays,queues +gas.phrases,department");
    /* who is not the default any more says so first */
    plan_describes("hours:\n- {name: A, default: true}\n- {name: B, default: false}\n", false,
                   "+B.name,default +A.name,default");
    plan_describes("rules:\n- name: E\n  actions:\n  - route_to_queue: Z\n", false,
                   "line 4: there is no queue \"Z\", in the file or in the workspace; add it, or "
                   "name another one");
    plan_describes("rules:\n- name: E\n  actions: [{set_priority: high}]\n", false,
                   "line 3: set_priority must be a whole number, not a text");
    plan_describes("rules:\n- name: E\n  actions: [{continue: false}]\n", false,
                   "line 3: continue must be true, not true or false");
    plan_describes("hours:\n- name: H\n  weekly:\n    monday: [8-18]\n", false,
                   "line 4: hours are a list of times such as \"08:00-18:00\"; [] is closed");
    plan_describes("hours:\n- name: H\n  weekly:\n    mon: []\n", false,
                   "line 4: the days are monday, tuesday, wednesday, thursday, friday, saturday, "
                   "sunday");
    plan_describes("hours:\n- name: H\n  special:\n  - {from: 2026-07-01}\n", false,
                   "line 4: special hours needs until");
}

static void a_plan_names_what_has_to_be_done(void)
{
    plan_describes("version: 1\n", true, "");
    plan_describes(base, true, "");
    plan_describes("queues:\n- {name: B, max_reserved_workers: 2}\n", false,
                   "~B.max_reserved_workers");
    plan_describes("queues:\n- {name: A}\n- {name: B}\n- {name: C, task_order: lifo}\n", true,
                   "+C.name,task_order");
    plan_describes("queues:\n- {name: A}\n", true, "-B");
    plan_describes("prune: true\nqueues:\n- {name: A}\n", false, "-B");
    plan_describes("queues:\n- {name: A}\nactivities:\n- {name: Idle}\n- {name: Away}\n", false,
                   "");
    /* in order: what is referred to first, deletions last and backwards */
    plan_describes(
        "workflows:\n- {name: V, configuration: {x: {queue: C}}}\n"
        "queues:\n- {name: C, assignment_activity: New}\n"
        "activities:\n- {name: New}\n",
        true, "+New.name +C.name,assignment_activity +V.name,configuration -W -A -B -Idle -Away");
    plan_describes("workspace: {default_activity: Idle}\n", true, "~.default_activity");
}

static void by_sid_a_thing_is_renamed_with_all_that_names_it(void)
{
    plan_describes("queues:\n- {name: Z, sid: WQ00000000000000000000000000000001}\n- {name: B}\n"
                   "workflows:\n- {name: W, configuration: {task_routing: {default_filter: "
                   "{queue: WQ00000000000000000000000000000001}}}}\n",
                   true, "~Z.name");
    plan_describes("queues:\n- {name: Z, sid: WQ00000000000000000000000000000007}\n", true,
                   "line 2: there is no queue WQ00000000000000000000000000000007 in this "
                   "workspace; leave sid out to find it by its name");
    plan_describes("queues:\n- {name: Z, sid: WQ00000000000000000000000000000001}\n- {name: A}\n",
                   true,
                   "line 3: the queue \"A\" is another item's too, by its sid; keep one of them");
}

static void what_cannot_be_done_is_refused_by_line(void)
{
    plan_describes("activities:\n- {name: Idle, available: false}\n", false,
                   "line 2: available of the activity \"Idle\" cannot be changed; make another "
                   "one, and delete this one when nothing uses it");
    plan_describes("workflows:\n- name: W\n  configuration:\n    a: {queue: C}\n", false,
                   "line 4: there is no queue \"C\", in the file or in the workspace; add it, or "
                   "name another one");
    plan_describes(
        "queues:\n- {name: B}\nworkflows:\n- name: W\n  configuration:\n    a: {queue: A}\n", true,
        "line 6: the queue \"A\" would be deleted, because the file does not have it; "
        "add it, or name another one");
}

static const struct test_case cases[] = {
    {"what is exported plans to nothing",                 what_is_exported_plans_to_nothing       },
    {"what is exported can be made elsewhere",            what_is_exported_can_be_made_elsewhere  },
    {"what is sent comes back as it was wanted",          what_is_sent_comes_back_as_it_was_wanted},
    {"rules and hours are read as people write them",
     rules_and_hours_are_read_as_people_write_them                                                },
    {"a plan names what has to be done",                  a_plan_names_what_has_to_be_done        },
    {"by sid a thing is renamed, with all that names it",
     by_sid_a_thing_is_renamed_with_all_that_names_it                                             },
    {"what cannot be done is refused by line",            what_cannot_be_done_is_refused_by_line  },
};

int main(int argc, char **argv)
{
    return testing_main("doc", cases, ARRAY_LEN(cases), argc, argv);
}
