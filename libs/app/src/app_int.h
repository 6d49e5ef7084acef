/* What the files of libs/app share. */
#pragma once

#include "app/app.h"

/* Settings and log, without starting anything. */
enum err_code app_load(struct app *app, struct err *err);

/* SIGHUP. */
void app_reload(struct app *app);
