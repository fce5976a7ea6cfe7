/* SPDX-License-Identifier: Apache-2.0
 *
 * The table of settings, and their values as texts: a value is checked when it is set and read again when it is needed.
 */
#include "settings.h"

#include <ctype.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#include "bakery/mem.h"
#include "bakery/str.h"
#include "settings_values.h"

const struct setting_row setting_rows[] = {
	{"latency.request", SETTING_DURATION, "0", "every request takes this much longer"},
	{"latency.launch", SETTING_DURATION, "1s",
	 "an instance stays pending at least so long after RunInstances or StartInstances"},
	{"latency.boot", SETTING_DURATION, "0", "a launched machine begins to boot so much later"},
	{"latency.stop", SETTING_DURATION, "500ms", "an instance stays stopping at least so long"},
	{"latency.terminate", SETTING_DURATION, "500ms", "an instance stays shutting-down at least so long"},
	{"latency.image", SETTING_DURATION, "2s",
	 "an image of CreateImage and its snapshot stay pending at least so long"},
	{"latency.copy", SETTING_DURATION, "2s",
	 "an image of CopyImage and its snapshot stay pending at least so long"},
	{"latency.forget", SETTING_DURATION, "1h", "a terminated instance is still described for so long"},
	{"latency.cooldown", SETTING_DURATION, "24h",
	 "an image whose deregistration protection had a cooldown cannot be deregistered for so long after it was "
	 "disabled"},
	{"lag", SETTING_DURATION, "0", "what was made is not found for so long: eventual consistency"},
	{"lag.*", SETTING_DURATION, "",
	 "lag.KIND: the same for one kind of thing (image, snapshot, instance, volume, security-group, parameter, "
	 "kms-key, ...)"},
	{"clock", SETTING_OFFSET, "",
	 "the cloud's clock is ahead of this host's (+) or behind: signatures are judged by it, the Date header shows "
	 "it"},
	{"optin.*", SETTING_SWITCH, "",
	 "optin.REGION: whether the account has opted in to a region that it does not have from the start; until then "
	 "requests there are refused"},
	{"session.duration", SETTING_DURATION, "0",
	 "temporary credentials given out now last, and say so, for so long; 0: as asked for"},
	{"session.early", SETTING_DURATION, "0",
	 "temporary credentials are refused as expired so long before the time they were given out with"},
	{"capacity.*", SETTING_COUNT, "",
	 "capacity.TYPE or capacity.TYPE.ZONE: how many instances may run; capacity.spot.TYPE or "
	 "capacity.spot.TYPE.ZONE: how many of them spot instances; past it InsufficientInstanceCapacity"},
	{"spot.interrupt", SETTING_DURATION, "",
	 "EC2 takes a spot instance launched from now on back so long after its launch"},
	{"interrupt", SETTING_INSTANCE, "", "EC2 takes this spot instance back, now"},
	{"quota.*", SETTING_COUNT, "",
	 "quota.CODE: the account's quota of that code (L-1216C47A: vCPUs on demand, L-34B43A08: of spot, L-B665C33B: "
	 "images, ...)"},
	{"subscribed.*", SETTING_SWITCH, "",
	 "subscribed.CODE: whether the account has subscribed to the marketplace product; until then its launch is "
	 "refused with OptInRequired"},
	{"throttle", SETTING_COUNT, "0",
	 "requests a second that are answered, with as many at once; past it RequestLimitExceeded; 0: all"},
	{"fault.*", SETTING_FAULT, "",
	 "fault.OPERATION (fault.* for all): the next COUNT requests (1) get WHAT: an AWS code (CODE or CODE/STATUS), "
	 "an "
	 "HTTP status, reset, cut or hang (silence for as long as the client waits)"},
	{"hang.*", SETTING_HANG, "",
	 "hang.OPERATION (hang.* for all): every request waits so long, before it is carried out or after"},
	{"hold", SETTING_HOLD, "",
	 "the Nth request from now on is never answered: held before it is carried out, or after"},
	{"at", SETTING_STRIKE, "",
	 "the Nth request from now on gets WHAT (an AWS code, an HTTP status, reset, cut, hang), instead of being "
	 "carried "
	 "out or after it"},
	{"machines", SETTING_SWITCH, "on", "off: instances are only described, no machine is made (at start only)"},
	{NULL, 0, NULL, NULL},
};

struct value {
	char *name, *text;
	struct strike strike; /* FAULT, HANG, HOLD, STRIKE */
	int64_t number;	      /* COUNT; FAULT: how often yet; HOLD, STRIKE: at which request; DURATION: ms */
};

struct settings {
	pthread_mutex_t lock;
	struct value *values;
	size_t count;
	int64_t requests;
	double tokens; /* of the throttle */
	int64_t tokens_at_ms;
};

const char *setting_form(enum setting_kind kind)
{
	static const char *const forms[] = {
		[SETTING_DURATION] = "DURATION",
		[SETTING_COUNT] = "COUNT",
		[SETTING_SWITCH] = "on, off",
		[SETTING_FAULT] = "WHAT[:COUNT]",
		[SETTING_HANG] = "DURATION[:after]",
		[SETTING_HOLD] = "N[:after]",
		[SETTING_STRIKE] = "N:WHAT[:after]",
		[SETTING_INSTANCE] = "INSTANCE",
		[SETTING_OFFSET] = "+DURATION, -DURATION",
	};
	return forms[kind];
}

struct settings *settings_new(void)
{
	struct settings *settings = mem_alloc(sizeof *settings);
	pthread_mutex_init(&settings->lock, NULL);
	return settings;
}

void settings_free(struct settings *settings)
{
	if (settings == NULL)
		return;
	for (size_t i = 0; i < settings->count; i++) {
		free(settings->values[i].name);
		free(settings->values[i].text);
	}
	free(settings->values);
	pthread_mutex_destroy(&settings->lock);
	free(settings);
}

static const struct setting_row *row_of(const char *name)
{
	for (const struct setting_row *row = setting_rows; row->name != NULL; row++) {
		size_t length = strlen(row->name);
		bool family = row->name[length - 1] == '*';
		if (family ? strncmp(row->name, name, length - 1) == 0 && name[length - 1] != '\0'
			   : str_eq(row->name, name))
			return row;
	}
	return NULL;
}

static bool unknown_name(const char *name, struct error *err)
{
	const char *names[ARRAY_SIZE(setting_rows)];
	size_t count = 0;
	for (const struct setting_row *row = setting_rows; row->name != NULL; row++)
		names[count++] = row->name;
	const char *near = str_nearest(name, names, count);
	error_set(err, ERROR_USAGE, "%s: there is no such setting", name);
	return near == NULL ? false : error_hint(err, "did you mean %s?", near);
}

static bool read_value(const struct setting_row *row, const char *text, struct value *out)
{
	switch (row->kind) {
	case SETTING_DURATION:
		return value_duration(text, &out->number);
	case SETTING_COUNT:
		return str_to_int(text, &out->number) && out->number >= 0;
	case SETTING_SWITCH:
		out->number = str_eq(text, "on") || str_eq(text, "yes");
		return out->number != 0 || str_eq(text, "off") || str_eq(text, "no");
	case SETTING_FAULT:
		return value_fault(text, &out->strike, &out->number);
	case SETTING_HANG:
		return value_hang(text, &out->strike);
	case SETTING_HOLD:
		return value_hold(text, &out->strike, &out->number);
	case SETTING_STRIKE:
		return value_strike(text, &out->strike, &out->number);
	case SETTING_OFFSET:
		return value_offset(text, &out->number);
	case SETTING_INSTANCE:
		return str_starts(text, "i-");
	}
	return false;
}

static struct value *find_value(struct settings *settings, const char *name)
{
	for (size_t i = 0; i < settings->count; i++)
		if (str_eq(settings->values[i].name, name))
			return &settings->values[i];
	return NULL;
}

static void drop_value(struct settings *settings, const char *name)
{
	struct value *value = find_value(settings, name);
	if (value == NULL)
		return;
	free(value->name);
	free(value->text);
	*value = settings->values[--settings->count];
}

static void keep_value(struct settings *settings, const char *name, const char *text, struct value value)
{
	pthread_mutex_lock(&settings->lock);
	drop_value(settings, name);
	if (str_eq(name, "hold") || str_eq(name, "at"))
		settings->requests = 0;
	if (*text != '\0') {
		value.name = mem_strdup(name);
		value.text = mem_strdup(text);
		settings->values = mem_grow(settings->values, settings->count + 1, sizeof *settings->values);
		settings->values[settings->count++] = value;
	}
	pthread_mutex_unlock(&settings->lock);
}

bool settings_set(struct settings *settings, const char *assignment, struct error *err)
{
	const char *equals = strchr(assignment, '=');
	if (equals == NULL)
		return error_set(err, ERROR_USAGE, "%s: a setting is written NAME=VALUE", assignment);
	_cleanup_(freep) char *name = mem_strndup(assignment, (size_t)(equals - assignment));
	const struct setting_row *row = row_of(name);
	if (row == NULL)
		return unknown_name(name, err);
	struct value value = {0};
	if (equals[1] != '\0' && !read_value(row, equals + 1, &value))
		return error_set(err, ERROR_USAGE, "%s: \"%s\" is not of the form %s", name, equals + 1,
				 setting_form(row->kind));
	keep_value(settings, name, equals + 1, value);
	return true;
}

static bool number_of(struct settings *settings, const char *name, int64_t *out)
{
	pthread_mutex_lock(&settings->lock);
	struct value *value = find_value(settings, name);
	bool found = value != NULL;
	if (found)
		*out = value->number;
	pthread_mutex_unlock(&settings->lock);
	if (found)
		return true;
	const struct setting_row *row = row_of(name);
	struct value otherwise = {0};
	if (row == NULL || !read_value(row, row->otherwise, &otherwise))
		return false;
	*out = otherwise.number;
	return true;
}

int64_t settings_ms(struct settings *settings, const char *name)
{
	int64_t ms = 0;
	return number_of(settings, name, &ms) ? ms : 0;
}

int64_t settings_count(struct settings *settings, const char *name, int64_t otherwise)
{
	int64_t count = 0;
	return number_of(settings, name, &count) ? count : otherwise;
}

bool settings_on(struct settings *settings, const char *name)
{
	int64_t on = 0;
	return number_of(settings, name, &on) && on != 0;
}

struct tree *settings_tree(struct settings *settings)
{
	struct tree *tree = tree_new_object();
	for (const struct setting_row *row = setting_rows; row->name != NULL; row++)
		if (strchr(row->name, '*') == NULL)
			tree_set_text(tree, row->name, row->otherwise);
	pthread_mutex_lock(&settings->lock);
	for (size_t i = 0; i < settings->count; i++)
		tree_set_text(tree, settings->values[i].name, settings->values[i].text);
	pthread_mutex_unlock(&settings->lock);
	return tree;
}

static bool struck_at_number(struct settings *settings, const char *name, struct strike *out)
{
	struct value *value = find_value(settings, name);
	if (value == NULL || value->number != settings->requests)
		return false;
	*out = value->strike;
	return true;
}

static struct value *value_for_operation(struct settings *settings, const char *family, const char *operation)
{
	_cleanup_(freep) char *own = mem_printf("%s.%s", family, operation);
	_cleanup_(freep) char *any = mem_printf("%s.*", family);
	struct value *value = find_value(settings, own);
	return value != NULL ? value : find_value(settings, any);
}

static bool struck_by_fault(struct settings *settings, const char *operation, struct strike *out)
{
	struct value *value = value_for_operation(settings, "fault", operation);
	if (value == NULL)
		return false;
	*out = value->strike;
	if (--value->number == 0) {
		_cleanup_(freep) char *name = mem_strdup(value->name);
		drop_value(settings, name);
	}
	return true;
}

static bool struck_by_hang(struct settings *settings, const char *operation, struct strike *out)
{
	struct value *value = value_for_operation(settings, "hang", operation);
	if (value != NULL)
		*out = value->strike;
	return value != NULL;
}

/* A bucket that holds one second's worth. */
static bool struck_by_throttle(struct settings *settings, int64_t now_ms, struct strike *out)
{
	struct value *value = find_value(settings, "throttle");
	if (value == NULL || value->number == 0)
		return false;
	double rate = (double)value->number;
	settings->tokens += rate * (double)(now_ms - settings->tokens_at_ms) / 1000;
	settings->tokens = settings->tokens_at_ms == 0 || settings->tokens > rate ? rate : settings->tokens;
	settings->tokens_at_ms = now_ms;
	if (settings->tokens >= 1) {
		settings->tokens -= 1;
		return false;
	}
	*out = (struct strike){.kind = STRIKE_ERROR, .code = "RequestLimitExceeded"};
	return true;
}

struct strike settings_strike(struct settings *settings, const char *operation, int64_t now_ms)
{
	struct strike strike = {.kind = STRIKE_NONE};
	pthread_mutex_lock(&settings->lock);
	settings->requests++;
	(void)(struck_at_number(settings, "hold", &strike) || struck_at_number(settings, "at", &strike) ||
	       struck_by_fault(settings, operation, &strike) || struck_by_throttle(settings, now_ms, &strike) ||
	       struck_by_hang(settings, operation, &strike));
	pthread_mutex_unlock(&settings->lock);
	return strike;
}

int64_t settings_requests(struct settings *settings)
{
	pthread_mutex_lock(&settings->lock);
	int64_t requests = settings->requests;
	pthread_mutex_unlock(&settings->lock);
	return requests;
}
