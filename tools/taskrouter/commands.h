/* The commands; rows in commands.c. Each gives its exit status. */
#pragma once

struct cli;

int bootstrap_run(struct cli *cli);
int export_run(struct cli *cli);
int plan_run(struct cli *cli);
int apply_run(struct cli *cli);
int drift_run(struct cli *cli);
int sync_run(struct cli *cli);
int check_run(struct cli *cli);
int link_run(struct cli *cli);
int unlink_run(struct cli *cli);
int links_run(struct cli *cli);
int webhooks_run(struct cli *cli);
int writes_run(struct cli *cli);
