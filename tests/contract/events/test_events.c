#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>

#include "bus/event.h"
#include "jx/jx.h"
#include "outbox/outbox.h"
#include "pbjson/pbjson.h"
#include "samples.h"
#include "testing.h"

static const char folder[] = TR_SAMPLES;

static bool agree(const char *what, const json_t *actual, const json_t *want)
{
    bool is_same = json_equal(actual, want) == 1;
    if (!is_same) {
        char *a = json_dumps(actual, JSON_INDENT(2) | JSON_SORT_KEYS);
        char *b = json_dumps(want, JSON_INDENT(2) | JSON_SORT_KEYS);
        (void)fprintf(stderr, "%s: is %s\nwant %s\n", what, a == NULL ? "nothing" : a,
                      b == NULL ? "nothing" : b);
        free(a);
        free(b);
    }
    return is_same;
}

static void test_today(void)
{
    for (size_t i = 0; i < event_kind_count(); i++) {
        struct event_kind kind = event_kind_at(i);
        struct sample_newest newest = sample_newest(folder, &kind);
        AUTO(jx_cleanup) json_t *kept = newest.json;
        AUTO(jx_cleanup) json_t *today = sample_today(&kind);
        if (kept == NULL)
            (void)fprintf(stderr, "%s has no sample: run tools/update-contracts and commit it\n",
                          kind.type);
        else if (!agree(kind.type, today, kept))
            (void)fprintf(stderr,
                          "this event has changed: run tools/update-contracts for one more sample "
                          "and commit it\n");
        CHECK(kept != NULL && json_equal(kept, today));
    }
}

/* The envelope and the data, read as a consumer does and written as a producer does. */
static bool encode_again(struct arena *arena, struct str text, const json_t *sample,
                         struct buf *out)
{
    struct err err = {0};
    struct bus_event event;
    ProtobufCMessage *message = NULL;
    if (bus_event_parse(arena, text, &event, &err) != ERR_OK) {
        (void)fprintf(stderr, "envelope: %s\n", err.detail);
        return false;
    }
    struct event_kind kind;
    if (!event_kind_find(event.type, &kind)) {
        (void)fprintf(stderr, "%.*s: no row of kinds.c says who publishes it\n",
                      STR_ARG(event.type));
        return false;
    }
    struct outbox_event again = {
        .event_sid = sid_from(event.id),
        .source = event.source.ptr,
        .type = kind.type,
        .workspace_sid = event.workspace_sid.ptr,
        .account_sid = event.account_sid.ptr,
        .subject_sid = event.resource_sid.ptr,
        .version = event.version,
        .sequence = event.sequence,
        .at_us = event.at_us,
        .request_id = event.request_id.ptr,
        .actor_sid = event.actor_sid.ptr,
        .actor_type = event.actor_type.ptr,
    };
    if (pbjson_decode(event.data, kind.message, &pbjson_event, arena, &message, NULL, &err) !=
            ERR_OK ||
        pbjson_text(message, &pbjson_canonical, arena, &again.data_json, &err) != ERR_OK) {
        (void)fprintf(stderr, "data: %s\n", err.detail);
        return false;
    }
    struct call call;
    call_init(&call, arena, "test", 0);
    (void)snprintf(call.traceparent, sizeof call.traceparent, "%s",
                   jx_get_text(sample, "traceparent", ""));
    return outbox_event_payload(&again, &call, out);
}

static void check_sample(const char *path)
{
    enum { CALL_BYTES = 4 << 20 };
    struct err err = {0};
    struct buf written;
    AUTO(jx_cleanup) json_t *sample = json_load_file(path, 0, NULL);
    AUTO(jx_cleanup) json_t *again = NULL;
    char *text = sample == NULL ? NULL : json_dumps(sample, JSON_COMPACT);
    AUTO(arena_cleanup) struct arena *arena = arena_new(CALL_BYTES);
    buf_init(&written, 0);
    bool is_ok = text != NULL && encode_again(arena, str_from(text), sample, &written) &&
                 jx_parse_object(buf_str(&written), NULL, &again, &err) == ERR_OK &&
                 agree(path, again, sample);
    if (!is_ok)
        (void)fprintf(stderr, "%s no longer decodes to what it says\n", path);
    CHECK(is_ok);
    buf_fini(&written);
    free(text);
}

static void test_kept(void)
{
    size_t count = 0;
    DIR *dir = opendir(folder);
    REQUIRE(dir != NULL);
    struct dirent *entry;
    while ((entry = readdir(dir)) != NULL) { /* NOLINT(concurrency-mt-unsafe): one thread */
        char path[1024];
        if (!str_ends_with(str_from(entry->d_name), STR(".json")))
            continue;
        (void)snprintf(path, sizeof path, "%s/%s", folder, entry->d_name);
        check_sample(path);
        count++;
    }
    (void)closedir(dir);
    CHECK(count >= event_kind_count());
}

/* A producer one release ahead: members and fields that nobody here knows. */
static void test_newer(void)
{
    enum { CALL_BYTES = 4 << 20 };
    for (size_t i = 0; i < event_kind_count(); i++) {
        struct event_kind kind = event_kind_at(i);
        struct err err = {0};
        struct bus_event event = {0};
        ProtobufCMessage *message = NULL;
        ProtobufCMessage *before = NULL;
        struct str a = {0};
        struct str b = {0};
        AUTO(arena_cleanup) struct arena *arena = arena_new(CALL_BYTES);
        AUTO(jx_cleanup) json_t *json = sample_today(&kind);
        json_t *data = json_object_get(json, "data");
        char *plain = json_dumps(data, JSON_COMPACT);
        (void)json_object_set_new(json, "somethingnew", json_pack("{s:[i]}", "a", 1));
        (void)json_object_set_new(data, "somethingNew", json_pack("{s:s}", "b", "c"));
        char *text = json_dumps(json, JSON_COMPACT);
        CHECK(bus_event_parse(arena, str_from(text), &event, &err) == ERR_OK);
        CHECK(pbjson_decode(event.data, kind.message, &pbjson_event, arena, &message, NULL, &err) ==
              ERR_OK);
        CHECK(pbjson_decode(str_from(plain), kind.message, &pbjson_canonical, arena, &before, NULL,
                            &err) == ERR_OK);
        CHECK(message != NULL && before != NULL);
        CHECK(message == NULL || before == NULL ||
              (pbjson_text(message, &pbjson_canonical, arena, &a, &err) == ERR_OK &&
               pbjson_text(before, &pbjson_canonical, arena, &b, &err) == ERR_OK && str_eq(a, b)));
        free(plain);
        free(text);
    }
}

static const struct test_case cases[] = {
    {"every event has a sample of what is published today",            test_today},
    {"every sample ever kept still decodes to what it says",           test_kept },
    {"what a newer producer adds is ignored, in envelope and in data", test_newer},
};

int main(int argc, char **argv)
{
    return testing_main("events", cases, ARRAY_LEN(cases), argc, argv);
}
