/* SPDX-License-Identifier: Apache-2.0
 *
 * The schema. Times are milliseconds since 1970 UTC, hashes are hex, JSON is text. Tables are STRICT, so that a wrong
 * type is an error and not a surprise years later. What each table means to a reader: docs/database.md. */
#include "schema.h"

#include "bakery/macros.h"

static const char version_1[] =
	/* clang-format off */
	"CREATE TABLE build ("
	"  id INTEGER PRIMARY KEY,"
	"  build TEXT NOT NULL UNIQUE,"
	"  recipe TEXT NOT NULL,"
	"  project TEXT,"
	"  channel TEXT,"
	"  region TEXT,"
	"  account TEXT,"
	"  status TEXT NOT NULL CHECK (status IN ('running', 'done', 'failed', 'interrupted', 'quarantined')),"
	"  started_ms INTEGER NOT NULL,"
	"  ended_ms INTEGER,"
	"  plan_sha256 TEXT,"
	"  recipe_sha256 TEXT,"
	"  playbooks_sha256 TEXT,"
	"  source_ami TEXT,"
	"  source_name TEXT,"
	"  user TEXT,"
	"  host TEXT,"
	"  ci_job TEXT,"
	"  ci_url TEXT,"
	"  git_commit TEXT,"
	"  git_branch TEXT,"
	"  git_dirty INTEGER NOT NULL DEFAULT 0,"
	"  version TEXT,"
	"  error_kind TEXT,"
	"  error_code TEXT,"
	"  error_text TEXT"
	") STRICT;"
	/* One index for each way of asking, each in the order of the answer: history stops after its limit, however many builds there are. */
	"CREATE INDEX build_by_time ON build (started_ms);"
	"CREATE INDEX build_by_recipe ON build (recipe, started_ms);"
	"CREATE INDEX build_by_status ON build (status, started_ms);"
	"CREATE INDEX build_by_channel ON build (channel, started_ms);"
	"CREATE INDEX build_by_recipe_status ON build (recipe, status, started_ms);"
	"CREATE INDEX build_by_recipe_channel ON build (recipe, channel, started_ms);"
	"CREATE INDEX build_by_channel_status ON build (channel, status, started_ms);"

	/* Apart from build, whose rows stay short for that. */
	"CREATE TABLE plan ("
	"  build INTEGER PRIMARY KEY REFERENCES build (id),"
	"  size INTEGER NOT NULL,"
	"  data ANY NOT NULL"
	") STRICT;"

	"CREATE TABLE claim ("
	"  build INTEGER PRIMARY KEY REFERENCES build (id),"
	"  host TEXT NOT NULL,"
	"  boot TEXT NOT NULL,"
	"  namespace TEXT NOT NULL,"
	"  pid INTEGER NOT NULL,"
	"  start INTEGER NOT NULL,"
	"  heartbeat_ms INTEGER NOT NULL"
	") STRICT;"

	"CREATE TABLE stage ("
	"  id INTEGER PRIMARY KEY,"
	"  build INTEGER NOT NULL REFERENCES build (id),"
	"  stage TEXT NOT NULL,"
	"  status TEXT NOT NULL CHECK (status IN ('running', 'done', 'failed')),"
	"  forgotten INTEGER NOT NULL DEFAULT 0,"
	"  started_ms INTEGER NOT NULL,"
	"  ended_ms INTEGER,"
	"  state TEXT,"
	"  error_kind TEXT,"
	"  error_code TEXT,"
	"  error_text TEXT"
	") STRICT;"
	"CREATE INDEX stage_by_build ON stage (build);"

	"CREATE TABLE hold ("
	"  id INTEGER PRIMARY KEY,"
	"  build INTEGER NOT NULL REFERENCES build (id),"
	"  kind TEXT NOT NULL,"
	"  region TEXT NOT NULL,"
	"  purpose TEXT NOT NULL,"
	"  token TEXT,"
	"  resource TEXT,"
	"  status TEXT NOT NULL CHECK (status IN ('intended', 'held', 'dropped', 'kept')),"
	"  intended_ms INTEGER NOT NULL,"
	"  made_ms INTEGER,"
	"  ended_ms INTEGER"
	") STRICT;"
	"CREATE UNIQUE INDEX hold_held ON hold (build, kind, region, purpose) WHERE status IN ('intended', 'held');"
	"CREATE INDEX hold_by_build ON hold (build);"

	"CREATE TABLE step ("
	"  id INTEGER PRIMARY KEY,"
	"  build INTEGER NOT NULL REFERENCES build (id),"
	"  phase TEXT NOT NULL,"
	"  playbook TEXT,"
	"  playbook_sha256 TEXT,"
	"  step TEXT NOT NULL,"
	"  name TEXT,"
	"  result TEXT NOT NULL,"
	"  why TEXT,"
	"  file TEXT,"
	"  line INTEGER NOT NULL,"
	"  exit_status INTEGER NOT NULL,"
	"  attempts INTEGER NOT NULL,"
	"  started_ms INTEGER NOT NULL,"
	"  ended_ms INTEGER NOT NULL,"
	"  output_size INTEGER NOT NULL,"
	"  output ANY"
	") STRICT;"
	"CREATE INDEX step_by_build ON step (build);"

	"CREATE TABLE evidence ("
	"  id INTEGER PRIMARY KEY,"
	"  build INTEGER NOT NULL REFERENCES build (id),"
	"  phase TEXT NOT NULL,"
	"  control TEXT NOT NULL,"
	"  step TEXT,"
	"  answer TEXT NOT NULL,"
	"  evidence TEXT,"
	"  instance TEXT,"
	"  at_ms INTEGER NOT NULL"
	") STRICT;"
	"CREATE INDEX evidence_by_build ON evidence (build);"

	"CREATE TABLE image ("
	"  id INTEGER PRIMARY KEY,"
	"  build INTEGER NOT NULL REFERENCES build (id),"
	"  region TEXT NOT NULL,"
	"  ami TEXT NOT NULL,"
	"  name TEXT,"
	"  snapshots TEXT,"
	"  state TEXT NOT NULL,"
	"  at_ms INTEGER NOT NULL,"
	"  UNIQUE (build, region)"
	") STRICT;"
	"CREATE INDEX image_by_ami ON image (ami);"

	"CREATE TABLE parameter ("
	"  id INTEGER PRIMARY KEY,"
	"  build INTEGER NOT NULL REFERENCES build (id),"
	"  region TEXT NOT NULL,"
	"  name TEXT NOT NULL,"
	"  value TEXT,"
	"  previous TEXT,"
	"  version INTEGER NOT NULL,"
	"  at_ms INTEGER NOT NULL"
	") STRICT;"
	"CREATE INDEX parameter_by_build ON parameter (build);"

	"CREATE TABLE log ("
	"  id INTEGER PRIMARY KEY,"
	"  build INTEGER NOT NULL REFERENCES build (id),"
	"  first_ms INTEGER NOT NULL,"
	"  last_ms INTEGER NOT NULL,"
	"  lines INTEGER NOT NULL,"
	"  size INTEGER NOT NULL,"
	"  data ANY NOT NULL"
	") STRICT;"
	"CREATE INDEX log_by_build ON log (build);"

	"CREATE TABLE record ("
	"  id INTEGER PRIMARY KEY," /* 1, 2, 3: a gap is a record taken out */
	"  build TEXT NOT NULL,"
	"  at_ms INTEGER NOT NULL,"
	"  previous_sha256 TEXT NOT NULL,"
	"  sha256 TEXT NOT NULL,"
	"  size INTEGER NOT NULL,"
	"  data ANY NOT NULL"
	") STRICT;"
	"CREATE INDEX record_by_build ON record (build);";
/* clang-format on */

/* How long the cloud took, so that the next build looks at the right time. */
static const char version_2[] =
	/* clang-format off */
	"CREATE TABLE wait_time ("
	"  id INTEGER PRIMARY KEY,"
	"  region TEXT NOT NULL,"
	"  name TEXT NOT NULL,"
	"  took_ms INTEGER NOT NULL,"
	"  at_ms INTEGER NOT NULL"
	") STRICT;"
	"CREATE INDEX wait_time_by_name ON wait_time (region, name, id);";
/* clang-format on */

/* What was tried to get an instance, and what was not built because nothing had changed. */
static const char version_3[] =
	/* clang-format off */
	"CREATE TABLE launch ("
	"  id INTEGER PRIMARY KEY,"
	"  build INTEGER NOT NULL REFERENCES build (id),"
	"  purpose TEXT NOT NULL,"
	"  market TEXT NOT NULL,"
	"  instance_type TEXT NOT NULL,"
	"  zone TEXT,"
	"  subnet TEXT,"
	"  instance TEXT,"   /* NULL: there was no room */
	"  code TEXT,"       /* AWS's word for why not, or for why it ended before its time */
	"  at_ms INTEGER NOT NULL"
	") STRICT;"
	"CREATE INDEX launch_by_build ON launch (build);"

	"CREATE TABLE skip ("
	"  id INTEGER PRIMARY KEY,"
	"  recipe TEXT NOT NULL,"
	"  build INTEGER NOT NULL REFERENCES build (id)," /* the good one that is still current */
	"  reason TEXT NOT NULL,"
	"  user TEXT,"
	"  host TEXT,"
	"  ci_job TEXT,"
	"  at_ms INTEGER NOT NULL"
	") STRICT;"
	"CREATE INDEX skip_by_recipe ON skip (recipe, at_ms);";
/* clang-format on */

/* Until when the image of a failed build is kept. */
static const char version_4[] = "ALTER TABLE image ADD COLUMN retire_after_ms INTEGER;";

/* What only one build may do at a time. */
static const char version_5[] =
	/* clang-format off */
	"CREATE TABLE lease ("
	"  name TEXT PRIMARY KEY,"
	"  build INTEGER NOT NULL REFERENCES build (id)"
	") STRICT;";
/* clang-format on */

/* What belongs to a build and is a file of its own kind. */
static const char version_6[] =
	/* clang-format off */
	"CREATE TABLE document ("
	"  id INTEGER PRIMARY KEY,"
	"  build INTEGER NOT NULL REFERENCES build (id),"
	"  kind TEXT NOT NULL,"   /* sbom, files, scan */
	"  name TEXT NOT NULL,"   /* cyclonedx, etc, lynis */
	"  media_type TEXT NOT NULL,"
	"  size INTEGER NOT NULL,"
	"  sha256 TEXT NOT NULL,"
	"  data ANY NOT NULL,"
	"  at_ms INTEGER NOT NULL,"
	"  UNIQUE (build, kind, name)"
	") STRICT;";
/* clang-format on */

static const char *const steps[] = {version_1, version_2, version_3, version_4, version_5, version_6};

const struct migrations store_migrations = {.steps = steps, .count = ARRAY_SIZE(steps)};
