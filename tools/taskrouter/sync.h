/* Runs of the sync, as commands see them. */
#pragma once

struct cli;

/* A dry run of a mirrored workspace and its report: 0 nothing differs, 2 something does. */
int sync_drift(struct cli *cli);
