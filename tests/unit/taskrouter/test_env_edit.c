#include "env_edit.h"

#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "testing.h"

static const struct env_line lines[] = {
    {"TWILIO_A_SID", "WQ1"},
    {"TWILIO_B_SID", "WQ2"}
};

static void a_text_keeps_all_but_the_lines(void)
{
    static const struct {
        const char *text;
        const char *want;
    } rows[] = {
        {"",                                            "TWILIO_A_SID=WQ1\nTWILIO_B_SID=WQ2\n"                 },
        {"X=1",                                         "X=1\nTWILIO_A_SID=WQ1\nTWILIO_B_SID=WQ2\n"            },
        {"# c\n\nTWILIO_B_SID=old # why\nX=1\n",
         "# c\n\nTWILIO_B_SID=WQ2\nX=1\nTWILIO_A_SID=WQ1\n"                                                    },
        {" export TWILIO_A_SID = 'x'\nTWILIO_B_SID=\n",
         "export TWILIO_A_SID=WQ1\nTWILIO_B_SID=WQ2\n"                                                         },
        {"TWILIO_A_SID=1\nX=2\nTWILIO_A_SID=3\n",       "X=2\nTWILIO_A_SID=WQ1\nTWILIO_B_SID=WQ2\n"            },
        {"#TWILIO_A_SID=1\n",                           "#TWILIO_A_SID=1\nTWILIO_A_SID=WQ1\nTWILIO_B_SID=WQ2\n"},
        {"TWILIO_A_SIDE=1\r\nno assignment\n",
         "TWILIO_A_SIDE=1\r\nno assignment\nTWILIO_A_SID=WQ1\nTWILIO_B_SID=WQ2\n"                              },
    };
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        struct buf once;
        struct buf twice;
        buf_init(&once, 0);
        buf_init(&twice, 0);
        env_edit_text(str_from(rows[i].text), lines, ARRAY_LEN(lines), &once);
        CHECK_TEXT(once.data, rows[i].want);
        env_edit_text(buf_str(&once), lines, ARRAY_LEN(lines), &twice);
        CHECK_TEXT(twice.data, once.data);
        buf_fini(&once);
        buf_fini(&twice);
    }
}

static void a_file_is_made_private_and_keeps_its_mode(void)
{
    char dir[] = "/tmp/tr-env-XXXXXX";
    char path[64];
    char link[64];
    struct err err = {0};
    struct stat facts;
    REQUIRE(mkdtemp(dir) != NULL);
    (void)snprintf(path, sizeof path, "%s/env", dir);
    (void)snprintf(link, sizeof link, "%s/link", dir);
    CHECK_I64(env_edit_file(path, lines, 1, &err), ERR_OK);
    CHECK_I64(stat(path, &facts), 0);
    CHECK_I64(facts.st_mode & 0777, 0600);
    CHECK_I64(facts.st_size, 17);
    CHECK_I64(chmod(path, 0644), 0);
    CHECK_I64(symlink(path, link), 0);
    CHECK_I64(env_edit_file(link, lines, 2, &err), ERR_OK);
    CHECK_I64(lstat(link, &facts), 0);
    CHECK(S_ISLNK(facts.st_mode));
    CHECK_I64(stat(path, &facts), 0);
    CHECK_I64(facts.st_mode & 0777, 0644);
    CHECK_I64(facts.st_size, 34);
    CHECK_I64(env_edit_file(dir, lines, 1, &err), ERR_FAILED_PRECONDITION);
    (void)unlink(link);
    (void)unlink(path);
    CHECK_I64(rmdir(dir), 0); /* nothing else was left */
}

static const struct test_case cases[] = {
    {"a text keeps all but the lines",             a_text_keeps_all_but_the_lines           },
    {"a file is made private, and keeps its mode", a_file_is_made_private_and_keeps_its_mode},
};

int main(int argc, char **argv)
{
    return testing_main("env_edit", cases, ARRAY_LEN(cases), argc, argv);
}
