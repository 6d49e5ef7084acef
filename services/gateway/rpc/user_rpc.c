#include "user_rpc.h"

#include "base/ids.h"
#include "gateway.h"
#include "svc/check.h"
#include "svc/page.h"
#include "svc/wire.h"
#include "token_rpc.h"
#include "user_store.h"

#define LIST_TAG "us"

typedef Taskrouter__Directory__V1__User wire_user;

static enum err_code no_room(struct err *err)
{
    return ERR_SET(err, ERR_RESOURCE_EXHAUSTED, "REQUEST_TOO_LARGE",
                   "the request needs too much memory; ask for less at once");
}

static wire_user *user_to_wire(struct arena *arena, const struct user *user)
{
    wire_user *wire = PB_NEW(arena, taskrouter__directory__v1__user);
    if (wire == NULL)
        return NULL;
    wire->sid = wire_text(arena, user->sid);
    wire->account_sid = wire_text(arena, user->account_sid);
    wire->email = wire_text(arena, user->email);
    wire->name = wire_text(arena, user->name);
    wire->role = wire_text(arena, role_name(user->role));
    wire->department = wire_text(arena, user->department);
    wire->quickbase_user_id = wire_text(arena, user->quickbase_user_id);
    wire->date_created = wire_time(arena, user->created_at_us);
    wire->date_updated = wire_time(arena, user->updated_at_us);
    return arena_is_exhausted(arena) ? NULL : wire;
}

static enum err_code reply_with(struct call *call, const struct user *user, wire_user **out_reply,
                                struct err *err)
{
    wire_user *wire = user_to_wire(call->arena, user);
    if (wire == NULL)
        return no_room(err);
    *out_reply = wire;
    return ERR_OK;
}

static enum err_code create_tx(struct db_conn *conn, struct call *call, void *ctx, struct err *err)
{
    return user_store_insert(conn, call, ctx, err);
}

enum err_code user_rpc_create(void *app, struct call *call,
                              const Taskrouter__Directory__V1__CreateUserRequest *request,
                              wire_user **out_reply, struct err *err)
{
    struct gateway *gateway = app;
    struct sid sid = sid_new("US");
    struct user user = {
        .sid = sid.text,
        .email = request->email,
        .name = request->name,
        .role = role_from(request->role),
        .department = request->department,
        .quickbase_user_id = request->quickbase_user_id,
    };
    enum err_code code = directory_account(call, &user.account_sid, err);
    if (code == ERR_OK)
        code = user_check(&user, err);
    if (code == ERR_OK)
        code = db_tx_run(gateway->host.pool, call, create_tx, &user, err);
    return code == ERR_OK ? reply_with(call, &user, out_reply, err) : code;
}

enum err_code user_rpc_get(void *app, struct call *call,
                           const Taskrouter__Directory__V1__GetUserRequest *request,
                           wire_user **out_reply, struct err *err)
{
    struct gateway *gateway = app;
    const char *account_sid = NULL;
    enum err_code code = directory_account(call, &account_sid, err);
    if (code == ERR_OK && (request->sid[0] != '\0' || request->email[0] == '\0'))
        code = check_sid("sid", request->sid, "US", err);
    AUTO(db_release_cleanup) struct db_conn *conn = NULL;
    if (code == ERR_OK)
        code = db_acquire(gateway->host.pool, call, &conn, err);
    struct user user;
    if (code == ERR_OK)
        code = user_store_get(conn, call, account_sid, request->sid, request->email, &user, err);
    return code == ERR_OK ? reply_with(call, &user, out_reply, err) : code;
}

enum err_code user_rpc_list(void *app, struct call *call,
                            const Taskrouter__Directory__V1__ListUsersRequest *request,
                            Taskrouter__Directory__V1__ListUsersResponse **out_reply,
                            struct err *err)
{
    struct gateway *gateway = app;
    struct page page;
    const char *account_sid = NULL;
    struct user *users = NULL;
    size_t count = 0;
    enum err_code code = directory_account(call, &account_sid, err);
    if (code == ERR_OK)
        code = page_from(call->arena, LIST_TAG, request->page_size, request->cursor, &page, err);
    AUTO(db_release_cleanup) struct db_conn *conn = NULL;
    if (code == ERR_OK)
        code = db_acquire(gateway->host.pool, call, &conn, err);
    if (code == ERR_OK)
        code = user_store_list(conn, call, account_sid, page.after, (size_t)page.size + 1, &users,
                               &count, err);
    if (code != ERR_OK)
        return code;
    Taskrouter__Directory__V1__ListUsersResponse *reply =
        PB_NEW(call->arena, taskrouter__directory__v1__list_users_response);
    bool has_more = count > (size_t)page.size;
    size_t shown = has_more ? (size_t)page.size : count;
    wire_user **items = ARENA_ARRAY(call->arena, wire_user *, shown);
    if (reply == NULL || items == NULL)
        return no_room(err);
    for (size_t i = 0; i < shown; i++) {
        items[i] = user_to_wire(call->arena, &users[i]);
        if (items[i] == NULL)
            return no_room(err);
    }
    reply->items = items;
    reply->n_items = shown;
    if (has_more)
        reply->next_cursor = page_cursor(call->arena, LIST_TAG, users[shown - 1].sid);
    if (arena_is_exhausted(call->arena))
        return no_room(err);
    *out_reply = reply;
    return ERR_OK;
}
