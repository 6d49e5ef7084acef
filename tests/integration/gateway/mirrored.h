/* Workspaces that Twilio routes. */
#pragma once

/* Makes one of ACCOUNT, as sync-svc would. */
void workspace_of_twilio(const char *sid);
