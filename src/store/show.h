/* SPDX-License-Identifier: Apache-2.0
 *
 * A build as people see it: the head that history and show share. */
#ifndef BAKERY_STORE_SHOW_H
#define BAKERY_STORE_SHOW_H

#include "db.h"

/* Columns of build b LEFT JOIN claim c. The duration of a build that still runs is counted up to now. */
#define SQL_NOW_MS "CAST(round((julianday('now') - 2440587.5) * 86400000) AS INTEGER)"
/* While a build is worked on again, its earlier end and error wait for the new ones. */
#define SQL_ENDED "CASE WHEN b.status <> 'running' THEN b.ended_ms END"
#define SHOW_HEAD                                                                                                      \
	"b.build, b.recipe, " SQL_STATUS " AS status, b.started_ms, " SQL_ENDED " AS ended_ms,"                        \
	" coalesce(" SQL_ENDED ", CASE WHEN " SQL_HOLDER_ALIVE " THEN " SQL_NOW_MS                                     \
	" END) - b.started_ms AS duration_span,"                                                                       \
	" b.channel, b.project, b.region, b.account, b.source_ami, b.source_name, b.user, b.host, b.ci_job, b.ci_url," \
	" b.git_commit, b.git_branch, b.git_dirty AS git_dirty_flag, b.version, b.plan_sha256, b.recipe_sha256,"       \
	" b.playbooks_sha256,"                                                                                         \
	" CASE WHEN b.status <> 'running' AND b.error_kind IS NOT NULL THEN json_object('kind', b.error_kind, "        \
	"'code', b.error_code, 'text', "                                                                               \
	"b.error_text)"                                                                                                \
	"  END AS error_json,"                                                                                         \
	" coalesce((SELECT json_group_array(json_object('region', region, 'ami', ami, 'state', state))"                \
	"  FROM (SELECT * FROM image WHERE build = b.id ORDER BY id)), '[]') AS images_json"

struct tree *show_head(const struct rows *rows, struct error *err) must_check;

#endif
