/* SPDX-License-Identifier: Apache-2.0
 *
 * Who works on a build. A claim names the process so exactly (boot, pid namespace, pid, start time) that a dead one's
 * claim is known for dead even when its pid was given to another; where the process cannot be looked at, the heartbeat
 * decides. */
#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "bakery/clock.h"
#include "bakery/file.h"
#include "bakery/store.h"
#include "db.h"

/* Field 22 of /proc/<pid>/stat, counted after the name, which may hold spaces and brackets itself. 0: no such process,
 * or one that has ended and only waits to be reaped. */
static int64_t start_of(int64_t pid)
{
	char path[64], state;
	snprintf(path, sizeof(path), "/proc/%lld/stat", (long long)pid);
	_cleanup_(str_free) struct str text = STR_INIT;
	struct error ignored;
	if (!file_read(path, 4096, &text, &ignored))
		return 0;
	const char *after_name = strrchr(text.data, ')');
	long long start;
	if (!after_name ||
	    sscanf(after_name + 1, " %c %*s %*s %*s %*s %*s %*s %*s %*s %*s %*s %*s %*s %*s %*s %*s %*s %*s %*s %lld",
		   &state, &start) != 2)
		return 0;
	return state == 'Z' || state == 'X' ? 0 : start;
}

void holder_of_this_process(struct holder *holder)
{
	_cleanup_(str_free) struct str boot = STR_INIT;
	struct error ignored;
	*holder = (struct holder){.pid = getpid()};
	holder->start = start_of(holder->pid);
	gethostname(holder->host, sizeof(holder->host) - 1);
	if (file_read("/proc/sys/kernel/random/boot_id", 256, &boot, &ignored)) {
		str_trim_right(&boot);
		snprintf(holder->boot, sizeof(holder->boot), "%s", boot.data);
	}
	if (readlink("/proc/self/ns/pid", holder->namespace, sizeof(holder->namespace) - 1) < 0)
		holder->namespace[0] = '\0';
}

/* The claim's process is this one. */
#define SQL_HOLDER_IS                                                                                                  \
	"host = ? AND substr(boot, 1, instr(boot || ' ', ' ') - 1) = ? AND namespace = ? AND pid = ? AND start = ?"
#define HOLDER_VALUES(self)                                                                                            \
	value_text((self)->host), value_text((self)->boot), value_text((self)->namespace), value_int((self)->pid),     \
		value_int((self)->start)

static bool same_place(const struct holder *a, const struct holder *b)
{
	return a->boot[0] && a->namespace[0] && str_eq(a->boot, b->boot) && str_eq(a->namespace, b->namespace);
}

bool holder_alive(const struct holder *self, const struct holder *holder, int64_t heartbeat_ms, struct moment now)
{
	if (!same_place(self, holder) && holder->beat_ms && self->boot[0] && str_eq(self->boot, holder->boot))
		return llabs(now.mono_ms - holder->beat_ms) < HOLDER_STALE_MS;
	if (!same_place(self, holder))
		return llabs(now.wall_ms - heartbeat_ms) < HOLDER_STALE_MS;
	int64_t start = start_of(holder->pid);
	if (start)
		return start == holder->start;
	/* /proc may hide other people's processes (hidepid); then a signal is refused, not unknown. */
	return kill((pid_t)holder->pid, 0) < 0 && errno == EPERM;
}

static bool same_process(const struct holder *a, const struct holder *b)
{
	return str_eq(a->host, b->host) && str_eq(a->boot, b->boot) && str_eq(a->namespace, b->namespace) &&
	       a->pid == b->pid && a->start == b->start;
}

static void text_to(char *out, size_t size, const char *text)
{
	snprintf(out, size, "%s", text ? text : "");
}

static struct moment moment_now(const struct store *store)
{
	return (struct moment){.wall_ms = store_now_ms(store), .mono_ms = clock_mono_ms()};
}

/* The column: "<boot id> <beat_ms>". */
static void boot_read(struct holder *holder, const char *text)
{
	long long beat_ms = 0;
	text_to(holder->boot, sizeof(holder->boot), text);
	holder->boot[strcspn(holder->boot, " ")] = '\0';
	if (text && sscanf(text, "%*s %lld", &beat_ms) == 1)
		holder->beat_ms = beat_ms;
}

static char *boot_write(const struct holder *holder)
{
	return mem_printf("%s %lld", holder->boot, (long long)clock_mono_ms());
}

static void alive_function(sqlite3_context *context, int count, sqlite3_value **values)
{
	const struct store *store = sqlite3_user_data(context);
	struct holder holder = {.pid = sqlite3_value_int64(values[3]), .start = sqlite3_value_int64(values[4])};
	text_to(holder.host, sizeof(holder.host), (const char *)sqlite3_value_text(values[0]));
	boot_read(&holder, (const char *)sqlite3_value_text(values[1]));
	text_to(holder.namespace, sizeof(holder.namespace), (const char *)sqlite3_value_text(values[2]));
	sqlite3_result_int(context,
			   holder_alive(&store->self, &holder, sqlite3_value_int64(values[5]), moment_now(store)));
}

bool claim_register(struct store *store, struct error *err)
{
	int code = sqlite3_create_function_v2(store->db, "holder_alive", 6, SQLITE_UTF8 | SQLITE_DIRECTONLY, store,
					      alive_function, NULL, NULL, NULL);
	return code == SQLITE_OK || db_error(store, code, err);
}

static bool claim_read(struct store *store, int64_t id, struct holder *holder, int64_t *heartbeat_ms, bool *found,
		       struct error *err)
{
	_cleanup_(rows_close) struct rows rows =
		db_rows(store, "SELECT host, boot, namespace, pid, start, heartbeat_ms FROM claim WHERE build = ?",
			VALUES(value_int(id)));
	*found = rows_next(&rows);
	if (*found) {
		text_to(holder->host, sizeof(holder->host), rows_text(&rows, 0));
		boot_read(holder, rows_text(&rows, 1));
		text_to(holder->namespace, sizeof(holder->namespace), rows_text(&rows, 2));
		holder->pid = rows_int(&rows, 3);
		holder->start = rows_int(&rows, 4);
		*heartbeat_ms = rows_int(&rows, 5);
	}
	return rows_ok(&rows, err);
}

static bool claimed_by_another(const char *build, const struct holder *holder, struct error *err)
{
	return error_coded(err, ERROR_CONFLICT, STORE_CLAIM_LOST, "build %s is being worked on by process %lld on %s",
			   build, (long long)holder->pid, holder->host);
}

static bool claim_check(struct store *store, const char *build, int64_t id, struct error *err)
{
	struct holder holder = {0};
	int64_t heartbeat_ms = 0;
	bool found;
	if (!claim_read(store, id, &holder, &heartbeat_ms, &found, err))
		return false;
	if (!found || same_process(&store->self, &holder) ||
	    !holder_alive(&store->self, &holder, heartbeat_ms, moment_now(store)))
		return true;
	return claimed_by_another(build, &holder, err);
}

bool claim_write(struct store *store, int64_t id, struct error *err)
{
	const struct holder *self = &store->self;
	_cleanup_(freep) char *boot = boot_write(self);
	return db_run(store,
		      "INSERT OR REPLACE INTO claim (build, host, boot, namespace, pid, start, heartbeat_ms) VALUES "
		      "(?, ?, ?, ?, ?, ?, ?)",
		      VALUES(value_int(id), value_text(self->host), value_text(boot), value_text(self->namespace),
			     value_int(self->pid), value_int(self->start), value_int(store_now_ms(store))),
		      err);
}

bool store_build_claim(struct store *store, const char *build, struct error *err)
{
	_cleanup_(transaction_end) struct transaction transaction = {0};
	int64_t id;
	return transaction_write(&transaction, store, err) && db_build_id(store, build, &id, err) &&
	       claim_check(store, build, id, err) && claim_write(store, id, err) &&
	       db_run(store, "UPDATE build SET status = 'running' WHERE id = ? AND status <> 'done'",
		      VALUES(value_int(id)), err) &&
	       transaction_commit(&transaction, err);
}

static bool claim_lost(struct store *store, const char *build, int64_t id, struct error *err)
{
	struct holder holder = {0};
	int64_t heartbeat_ms;
	bool found;
	if (!claim_read(store, id, &holder, &heartbeat_ms, &found, err))
		return false;
	return found ? claimed_by_another(build, &holder, err)
		     : error_coded(err, ERROR_CONFLICT, STORE_CLAIM_LOST,
				   "build %s is not being worked on by this process", build);
}

/* Who took the build over may have ended it, too: then there is no claim at all. */
bool claim_fence(struct store *store, const char *build, int64_t id, struct error *err)
{
	int64_t own;
	bool found;
	if (!db_int(store, "SELECT count(*) FROM claim WHERE build = ? AND " SQL_HOLDER_IS,
		    VALUES(value_int(id), HOLDER_VALUES(&store->self)), &own, &found, err))
		return false;
	return own || claim_lost(store, build, id, err);
}

bool store_build_is_claimed(struct store *store, const char *build, struct error *err)
{
	_cleanup_(transaction_end) struct transaction transaction = {0};
	int64_t id;
	return transaction_read(&transaction, store, err) && db_build_id(store, build, &id, err) &&
	       claim_fence(store, build, id, err) && transaction_commit(&transaction, err);
}

bool store_build_heartbeat(struct store *store, const char *build, struct error *err)
{
	_cleanup_(transaction_end) struct transaction transaction = {0};
	const struct holder *self = &store->self;
	_cleanup_(freep) char *boot = boot_write(self);
	int64_t id;
	if (!transaction_write_in_passing(&transaction, store, err) || !db_build_id(store, build, &id, err) ||
	    !db_run(store, "UPDATE claim SET heartbeat_ms = ?, boot = ? WHERE build = ? AND " SQL_HOLDER_IS,
		    VALUES(value_int(store_now_ms(store)), value_text(boot), value_int(id), HOLDER_VALUES(self)), err))
		return false;
	return db_changes(store) == 1 ? transaction_commit(&transaction, err) : claim_lost(store, build, id, err);
}
