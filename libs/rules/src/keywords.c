/* Phrases are ways through a tree whose steps are folded words; a text is walked from each of its
 * words, at most KEYWORD_MAX_PHRASE_WORDS deep. */
#include "rules/keywords.h"

#include <stdio.h>
#include <stdlib.h>

#include "base/alloc.h"
#include "fold.h"
#include "jx/writer.h"
#include "rules/rules.h"

#define SET_MAX_BYTES ((size_t)256 << 20) /* 1000 keywords of 50 phrases stay far below */

/* From a node by a word to another one. */
struct step {
    uint32_t from;
    uint32_t to; /* 0: free, since nothing leads to the root */
    struct fold_word word;
};

/* A phrase that ends at a node. */
struct hit {
    size_t keyword;
    struct str sid;
    struct str phrase;
    struct str department;
    struct str priority;
    double confidence;
    uint32_t next; /* index + 1; 0: none */
};

struct keyword_set {
    struct arena *arena;
    struct step *steps; /* open addressing */
    size_t step_mask;
    size_t node_count;
    uint32_t *first_hits; /* by node: index + 1 */
    struct hit *hits;
    size_t hit_count;
};

/* From the least urgent. */
static const char *const priorities[] = {"low", "normal", "high", "urgent"};

static int urgency_of(struct str priority)
{
    for (int i = 0; i < (int)ARRAY_LEN(priorities); i++) {
        if (str_eq_text(priority, priorities[i]))
            return i;
    }
    return -1;
}

/* ---- checking -------------------------------------------------------------------------------- */

static bool has_control(struct str text)
{
    for (size_t i = 0; i < text.len; i++) {
        if ((unsigned char)text.ptr[i] < ' ' || (unsigned char)text.ptr[i] == 0x7F)
            return true;
    }
    return false;
}

static enum err_code check_phrase(struct str phrase, size_t index, struct err *err)
{
    char field[32];
    struct fold_words words;
    (void)snprintf(field, sizeof field, "phrases[%zu]", index);
    if (!str_is_utf8(phrase) || has_control(phrase) ||
        str_utf8_count(phrase) > KEYWORD_MAX_PHRASE_CHARS)
        return ERR_FIELD(err, ERR_INVALID_ARGUMENT, "PHRASE_INVALID", field,
                         "A phrase has at most %d characters, none of them a control character.",
                         KEYWORD_MAX_PHRASE_CHARS);
    AUTO(arena_cleanup) struct arena *arena = arena_new((size_t)1 << 20);
    bool has_room = fold_text(phrase, KEYWORD_MAX_PHRASE_CHARS, arena, &words);
    INVARIANT(has_room);
    bool is_whole = words.count > 0;
    for (size_t i = 0; i < words.count; i++)
        is_whole = is_whole && words.words[i].folded.len > 0;
    if (!is_whole || words.count > KEYWORD_MAX_PHRASE_WORDS)
        return ERR_FIELD(err, ERR_INVALID_ARGUMENT, "PHRASE_INVALID", field,
                         "A phrase has 1 to %d words of letters or digits, of at most %d "
                         "characters each.",
                         KEYWORD_MAX_PHRASE_WORDS, FOLD_MAX_WORD_CHARS);
    return ERR_OK;
}

enum err_code keyword_check(const struct keyword_def *def, struct err *err)
{
    enum err_code code = ERR_OK;
    if (def->phrase_count == 0 || def->phrase_count > KEYWORD_MAX_PHRASES)
        return ERR_FIELD(err, ERR_INVALID_ARGUMENT, "PHRASES_INVALID", "phrases",
                         "A keyword has 1 to %d phrases.", KEYWORD_MAX_PHRASES);
    for (size_t i = 0; i < def->phrase_count && code == ERR_OK; i++)
        code = check_phrase(def->phrases[i], i, err);
    if (code != ERR_OK)
        return code;
    if (def->department.len == 0 || !str_is_utf8(def->department) || has_control(def->department) ||
        str_utf8_count(def->department) > KEYWORD_MAX_DEPARTMENT_CHARS)
        return ERR_FIELD(err, ERR_INVALID_ARGUMENT, "DEPARTMENT_INVALID", "department",
                         "A department has 1 to %d characters, none of them a control character.",
                         KEYWORD_MAX_DEPARTMENT_CHARS);
    if (def->priority.len > 0 && urgency_of(def->priority) < 0)
        return ERR_FIELD(err, ERR_INVALID_ARGUMENT, "PRIORITY_INVALID", "priority",
                         "The priority is low, normal, high or urgent.");
    if (!(def->confidence >= 0 && def->confidence <= 1))
        return ERR_FIELD(err, ERR_INVALID_ARGUMENT, "CONFIDENCE_INVALID", "confidence",
                         "The confidence is a number from 0 to 1.");
    return ERR_OK;
}

/* ---- building -------------------------------------------------------------------------------- */

/* The place of the step, free or taken. */
static struct step *step_place(const struct keyword_set *set, uint32_t from,
                               const struct fold_word *word)
{
    size_t at = (word->hash ^ from * UINT32_C(0x9E3779B1)) & set->step_mask;
    for (;; at = (at + 1) & set->step_mask) {
        struct step *step = &set->steps[at];
        if (step->to == 0 || (step->from == from && step->word.hash == word->hash &&
                              str_eq(step->word.folded, word->folded)))
            return step;
    }
}

static void add_phrase(struct keyword_set *set, size_t index, const struct hit *like,
                       struct str phrase)
{
    struct fold_words words;
    uint32_t node = 0;
    if (!fold_text(phrase, KEYWORD_MAX_PHRASE_CHARS, set->arena, &words))
        return;
    for (size_t i = 0; i < words.count; i++) {
        struct step *step = step_place(set, node, &words.words[i]);
        if (step->to == 0)
            *step = (struct step){
                .from = node, .to = (uint32_t)++set->node_count, .word = words.words[i]};
        node = step->to;
    }
    for (uint32_t hit = set->first_hits[node]; hit != 0; hit = set->hits[hit - 1].next) {
        if (set->hits[hit - 1].keyword == index)
            return; /* the same phrase in other letters */
    }
    struct hit *hit = &set->hits[set->hit_count++];
    *hit = *like;
    hit->phrase = arena_str(set->arena, phrase);
    hit->next = set->first_hits[node];
    set->first_hits[node] = (uint32_t)set->hit_count;
}

static void add_keyword(struct keyword_set *set, size_t index, const struct keyword_def *def)
{
    struct hit like = {
        .keyword = index,
        .sid = arena_str(set->arena, def->sid),
        .department = arena_str(set->arena, def->department),
        .priority = def->priority.len == 0 ? STR("normal") : arena_str(set->arena, def->priority),
        .confidence = def->confidence > 0 ? def->confidence : KEYWORD_DEFAULT_CONFIDENCE,
    };
    for (size_t i = 0; i < def->phrase_count; i++)
        add_phrase(set, index, &like, def->phrases[i]);
}

static bool is_usable(const struct keyword_def *def)
{
    return def->is_enabled && keyword_check(def, NULL) == ERR_OK;
}

enum err_code keyword_set_new(const struct keyword_def *defs, size_t count,
                              struct keyword_set **out, struct err *err)
{
    size_t phrases = 0;
    size_t words = 0;
    if (count > KEYWORD_MAX_DEFS)
        return ERR_SET(err, ERR_RESOURCE_EXHAUSTED, "KEYWORDS_TOO_MANY",
                       "There are %zu keywords; at most %d can be used.", count, KEYWORD_MAX_DEFS);
    for (size_t i = 0; i < count; i++) {
        for (size_t k = 0; is_usable(&defs[i]) && k < defs[i].phrase_count; k++) {
            phrases++;
            words += KEYWORD_MAX_PHRASE_WORDS < defs[i].phrases[k].len ? KEYWORD_MAX_PHRASE_WORDS
                                                                       : defs[i].phrases[k].len;
        }
    }
    size_t size = 16;
    while (size < 2 * words)
        size *= 2;
    struct keyword_set *set = xcalloc(1, sizeof *set);
    set->arena = arena_new(SET_MAX_BYTES);
    set->steps = xcalloc(size, sizeof *set->steps);
    set->step_mask = size - 1;
    set->first_hits = xcalloc(words + 1, sizeof *set->first_hits);
    set->hits = xcalloc(phrases + 1, sizeof *set->hits);
    for (size_t i = 0; i < count; i++) {
        if (is_usable(&defs[i]))
            add_keyword(set, i, &defs[i]);
    }
    INVARIANT(!arena_is_exhausted(set->arena));
    *out = set;
    return ERR_OK;
}

void keyword_set_free(struct keyword_set *set)
{
    if (set == NULL)
        return;
    free(set->steps);
    free(set->first_hits);
    free(set->hits);
    arena_free(set->arena);
    free(set);
}

/* ---- finding --------------------------------------------------------------------------------- */

struct finder {
    const struct keyword_set *set;
    struct fold_words words;
    struct keyword_match *matches;
    struct str *phrases;
    struct keyword_result *out;
    int best_urgency;
    size_t best_words;
    size_t best_keyword;
};

/* The node of the longest phrase that begins at this word, and how many words it has. */
static uint32_t longest(const struct finder *f, size_t start, size_t *out_words)
{
    uint32_t node = 0;
    uint32_t found = 0;
    for (size_t i = start; i < f->words.count && i - start < KEYWORD_MAX_PHRASE_WORDS; i++) {
        const struct fold_word *word = &f->words.words[i];
        node = word->folded.len == 0 ? 0 : step_place(f->set, node, word)->to;
        if (node == 0)
            break;
        if (f->set->first_hits[node] != 0) {
            found = node;
            *out_words = i + 1 - start;
        }
    }
    return found;
}

/* The surest, then the more urgent, then the one of more words, then the first defined. */
static bool is_better(const struct finder *f, const struct keyword_match *match, int urgency,
                      size_t words)
{
    if (match->confidence > f->out->confidence || match->confidence < f->out->confidence)
        return match->confidence > f->out->confidence;
    if (urgency != f->best_urgency)
        return urgency > f->best_urgency;
    return words != f->best_words ? words > f->best_words : match->keyword < f->best_keyword;
}

static void judge(struct finder *f, const struct keyword_match *match, size_t words)
{
    int urgency = urgency_of(match->priority);
    if (!is_better(f, match, urgency, words))
        return;
    f->out->confidence = match->confidence;
    f->out->department = match->department;
    f->out->priority = match->priority;
    f->best_urgency = urgency;
    f->best_words = words;
    f->best_keyword = match->keyword;
}

static void take(struct finder *f, const struct hit *hit, size_t position, size_t words)
{
    if (f->out->match_count == KEYWORD_MAX_MATCHES) {
        f->out->is_cut = true;
        return;
    }
    struct keyword_match *match = &f->matches[f->out->match_count++];
    *match = (struct keyword_match){.keyword = hit->keyword,
                                    .sid = hit->sid,
                                    .phrase = hit->phrase,
                                    .position = position,
                                    .department = hit->department,
                                    .priority = hit->priority,
                                    .confidence = hit->confidence};
    judge(f, match, words);
    for (size_t i = 0; i < f->out->phrase_count; i++) {
        if (str_eq(f->phrases[i], hit->phrase))
            return;
    }
    f->phrases[f->out->phrase_count++] = hit->phrase;
}

/* Those of several keywords come in the order of their definition; they were put in front. */
static void take_all(struct finder *f, uint32_t index, size_t position, size_t words)
{
    if (index == 0)
        return;
    take_all(f, f->set->hits[index - 1].next, position, words);
    take(f, &f->set->hits[index - 1], position, words);
}

enum err_code keyword_set_detect(const struct keyword_set *set, struct str text,
                                 struct arena *arena, struct keyword_result *out, struct err *err)
{
    struct finder f = {.set = set, .out = out, .best_urgency = -1};
    size_t end = 0; /* of the words that are spoken for */
    *out = (struct keyword_result){0};
    if (!str_is_utf8(text))
        return ERR_FIELD(err, ERR_INVALID_ARGUMENT, "TEXT_INVALID", "text",
                         "The text is not valid UTF-8.");
    /* Not zeroed: nobody looks behind the counts, and most texts have few. */
    f.matches = arena_take(arena, KEYWORD_MAX_MATCHES * sizeof *f.matches);
    f.phrases = arena_take(arena, KEYWORD_MAX_MATCHES * sizeof *f.phrases);
    if (!fold_text(text, KEYWORD_MAX_TEXT_CHARS, arena, &f.words) || f.matches == NULL ||
        f.phrases == NULL)
        return ERR_SET(err, ERR_RESOURCE_EXHAUSTED, "TEXT_TOO_LARGE",
                       "The text does not fit the request's memory.");
    out->is_cut = f.words.is_cut;
    for (size_t i = 0; i < f.words.count; i++) {
        size_t words = 0;
        uint32_t node = longest(&f, i, &words);
        if (node == 0 || i + words <= end)
            continue;
        end = i + words;
        take_all(&f, set->first_hits[node], f.words.words[i].position, words);
    }
    out->matches = f.matches;
    out->phrases = f.phrases;
    return ERR_OK;
}

enum err_code keyword_result_merge(const struct keyword_result *result, struct str attributes,
                                   struct buf *out, struct err *err)
{
    struct buf added;
    struct jx_writer w;
    if (result->phrase_count == 0 && attributes.len > 0) {
        buf_str_append(out, attributes);
        return ERR_OK;
    }
    buf_init(&added, 0);
    jx_writer_init(&w, &added);
    jx_object_begin(&w);
    if (result->phrase_count > 0) {
        jx_key(&w, "keywords");
        jx_array_begin(&w);
        for (size_t i = 0; i < result->phrase_count; i++)
            jx_str(&w, result->phrases[i]);
        jx_array_end(&w);
        jx_put_str(&w, "department", result->department);
        jx_key(&w, "confidence");
        jx_double(&w, result->confidence);
    }
    jx_object_end(&w);
    enum err_code code = jx_writer_finish(&w, err);
    if (code == ERR_OK)
        code = rule_attributes_merge(attributes, buf_str(&added), false, out, err);
    buf_fini(&added);
    return code;
}
