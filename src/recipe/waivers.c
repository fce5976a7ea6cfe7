/* SPDX-License-Identifier: Apache-2.0
 *
 * Waivers: each names a control that the recipe's playbooks have, or a scanner's rule, and a last day that is not over.
 * A waiver that says nothing to anybody is a mistake, so it is a fault. */
#include <ctype.h>
#include <string.h>

#include "bakery/clock.h"
#include "bakery/str.h"
#include "load.h"

/* 2027-02-30 is none. */
static bool date_read(const char *text, int64_t *wall_ms)
{
	static const char shape[] = "dddd-dd-dd";
	_cleanup_(freep) char *midnight = mem_printf("%sT00:00:00Z", text);
	char back[CLOCK_TEXT_SIZE];

	if (strlen(text) != sizeof(shape) - 1)
		return false;
	for (size_t i = 0; shape[i]; i++) {
		if (shape[i] == 'd' ? !isdigit((unsigned char)text[i]) : text[i] != shape[i])
			return false;
	}
	if (!clock_parse_rfc3339(midnight, wall_ms))
		return false;
	clock_rfc3339(*wall_ms, back);
	return str_eq(back, midnight);
}

bool waiver_end(const struct waiver *waiver, int64_t *wall_ms)
{
	if (!date_read(waiver->expires, wall_ms))
		return false;
	*wall_ms += 24 * 3600 * 1000;
	return true;
}

bool waiver_is_for_scanner(const struct waiver *waiver)
{
	static const char *const prefixes[] = {"lynis:", "openscap:", "xccdf_"};

	for (size_t i = 0; i < ARRAY_SIZE(prefixes); i++) {
		if (str_starts(waiver->control, prefixes[i]))
			return true;
	}
	return false;
}

static void controls_add(const struct struct_list *uses, struct text_list *out, struct arena *arena)
{
	const struct playbook_use *items = uses->items;

	for (size_t i = 0; i < uses->count; i++) {
		const struct struct_list none = {0}, *list = items[i].playbook ? &items[i].playbook->steps : &none;
		const struct step *steps = list->items;
		for (size_t j = 0; j < list->count; j++) {
			for (size_t k = 0; k < steps[j].controls.count; k++)
				text_list_append(out, steps[j].controls.items[k], arena);
		}
	}
}

/* A playbook that has faults of its own is not there: whose control it may be is not known then. */
static bool all_loaded(const struct struct_list *uses)
{
	const struct playbook_use *items = uses->items;

	for (size_t i = 0; i < uses->count; i++) {
		if (!items[i].playbook && !items[i].ansible)
			return false;
	}
	return true;
}

static void check_control(const struct load *load, const struct waiver *waiver, const char *path)
{
	struct text_list controls = {0};
	const char *nearest;

	controls_add(&load->recipe->playbooks, &controls, load->arena);
	controls_add(&load->recipe->verify.playbooks, &controls, load->arena);
	if (waiver_is_for_scanner(waiver) || text_list_has(&controls, waiver->control))
		return;
	nearest = controls.count ? str_nearest(waiver->control, controls.items, controls.count) : NULL;
	load_fault(load, path, "no step of the recipe's playbooks has the control %s%s%s%s", waiver->control,
		   nearest ? " (did you mean " : "", nearest ? nearest : "", nearest ? "?)" : "");
}

static void check_end(const struct load *load, const struct waiver *waiver, const char *path)
{
	int64_t end_ms;

	if (!waiver_end(waiver, &end_ms))
		load_fault(load, path, "must be a date such as 2027-06-30, not \"%.40s\"", waiver->expires);
	else if (end_ms <= clock_wall_ms())
		load_fault(load, path,
			   "the waiver of %s ended on %s: remove it, or look at its reason again and give it a new end",
			   waiver->control, waiver->expires);
}

/* A recipe that extends another has its waivers, but perhaps not all of its playbooks. */
static bool is_inherited(const struct load *load, const char *path)
{
	const char *file = tree_position(tree_get(load->tree, path)).file;

	return file && !str_eq(file, load->shown) && !str_eq(file, load->path);
}

static bool is_twice(const struct waiver *waivers, size_t index)
{
	for (size_t i = 0; i < index; i++) {
		if (str_eq(waivers[i].control, waivers[index].control))
			return true;
	}
	return false;
}

void waivers_check(const struct load *load)
{
	const struct struct_list *list = &load->recipe->waivers;
	const struct waiver *waivers = list->items;
	bool is_array = tree_kind(tree_get(load->tree, "waive")) == TREE_ARRAY,
	     known = all_loaded(&load->recipe->playbooks) && all_loaded(&load->recipe->verify.playbooks);

	for (size_t i = 0; i < list->count; i++) {
		const char *at = is_array ? arena_printf(load->arena, "waive.%zu", i + 1) : "waive",
			   *control = arena_printf(load->arena, "%s.control", at);
		if (!waivers[i].control || !waivers[i].reason || !waivers[i].expires)
			continue; /* told as missing already */
		if (is_twice(waivers, i))
			load_fault(load, control, "%s is waived twice", waivers[i].control);
		else if (known && !is_inherited(load, control))
			check_control(load, &waivers[i], control);
		check_end(load, &waivers[i], arena_printf(load->arena, "%s.expires", at));
	}
}
