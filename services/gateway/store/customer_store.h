/* Rows of customers. SQL in, domain structs out; texts live in the call's arena. */
#pragma once

#include <stdbool.h>
#include <stddef.h>

#include "customer.h"
#include "db/db.h"

/* Sets version and times. Errors: ALREADY_EXISTS EXTERNAL_ID_TAKEN (external_id). */
enum err_code customer_store_insert(struct db_conn *conn, struct call *call,
                                    struct customer *customer, struct err *err) MUST_CHECK;

/* All but sid, account and creation; the same errors. */
enum err_code customer_store_update(struct db_conn *conn, struct call *call,
                                    struct customer *customer, struct err *err) MUST_CHECK;

/* Errors: NOT_FOUND CUSTOMER_NOT_FOUND; so the next. locks: until the transaction ends. */
enum err_code customer_store_get(struct db_conn *conn, struct call *call, const char *account_sid,
                                 const char *sid, bool locks, struct customer *out,
                                 struct err *err) MUST_CHECK;

/* expected NULL: whatever its version. ABORTED VERSION_MISMATCH when it is another one. */
enum err_code customer_store_delete(struct db_conn *conn, struct call *call,
                                    const char *account_sid, const char *sid,
                                    const int64_t *expected, struct err *err) MUST_CHECK;

/* In order of SID, those after `after`. phone (E.164) and search: "" = any. */
enum err_code customer_store_list(struct db_conn *conn, struct call *call, const char *account_sid,
                                  const char *after, const char *phone, const char *search,
                                  size_t limit, struct customer **out, size_t *out_count,
                                  struct err *err) MUST_CHECK;

/* Of several with that phone (E.164) one that has a coordinator, then the one changed last. */
enum err_code customer_store_by_phone(struct db_pool *pool, struct call *call,
                                      const char *account_sid, const char *phone,
                                      struct customer *out, bool *out_found,
                                      struct err *err) MUST_CHECK;

/* All with one of these external ids or phones. */
enum err_code customer_store_matching(struct db_conn *conn, struct call *call,
                                      const char *account_sid, const struct str *external_ids,
                                      size_t external_id_count, const struct str *phones,
                                      size_t phone_count, size_t limit, struct customer **out,
                                      size_t *out_count, struct err *err) MUST_CHECK;

/* Waits for other imports of the account, until the transaction ends. */
enum err_code customer_store_import_lock(struct db_conn *conn, struct call *call,
                                         const char *account_sid, struct err *err) MUST_CHECK;

/* Inserts, or changes those whose SID is there. Errors: as of insert, without saying which. */
enum err_code customer_store_put(struct db_conn *conn, struct call *call, const char *account_sid,
                                 const struct customer *customers, size_t count,
                                 struct err *err) MUST_CHECK;

/* SID of the user with that e-mail, else with that QuickBase id; "" when there is none. */
enum err_code customer_store_coordinator(struct db_pool *pool, struct call *call,
                                         const char *account_sid, const char *email,
                                         const char *quickbase_id, const char **out_user_sid,
                                         struct err *err) MUST_CHECK;
