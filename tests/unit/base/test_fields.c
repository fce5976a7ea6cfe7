/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>

#include "bakery/fields.h"

#define AT(type, member) offsetof(struct type, member)

struct oven {
	const char *name;
	int64_t heat;
};
struct shop {
	const char *owner, *kind;
	int64_t loaves, open_s;
	bool has_cellar, closed;
	int day;
	struct text_list sorts, sizes;
	struct text_map prices;
	const struct oven *spare;
	struct oven oven;
	int64_t least, most; /* one map in the document, two members here */
	struct struct_list ovens;
	struct struct_map branches;
	const struct tree *notes;
};

static const char *const days[] = {"monday", "tuesday", "friday", NULL};
static const char *const kinds[] = {"bread", "cake", NULL};

static void check_owner(const struct fields_context *context, const struct tree *node, const void *value)
{
	if (str_eq(*(const char *const *)value, "nobody"))
		faults_add_at(context->faults, context->file, node, "%s: somebody must own it", context->key);
}

static const struct field oven_fields[] = {
	{"name", AT(oven, name), FIELD_TEXT, FIELD_REQUIRED | FIELD_NOT_EMPTY, .doc = "Its name."},
	{"heat", AT(oven, heat), FIELD_INT, .otherwise = "220", .least = 50, .most = 300, .doc = "How hot."},
	{0},
};
static const struct field range_fields[] = {
	{"least", AT(shop, least), FIELD_INT, .otherwise = "-1", .least = -1, .most = 9},
	{"most", AT(shop, most), FIELD_INT, .otherwise = "9", .least = -1, .most = 9},
	{0},
};
static const struct field shop_fields[] = {
	{"owner", AT(shop, owner), FIELD_TEXT, FIELD_REQUIRED, .check = check_owner, .doc = "Who owns it."},
	{"kind", AT(shop, kind), FIELD_TEXT, .otherwise = "bread", .choices = kinds},
	{"loaves", AT(shop, loaves), FIELD_INT, .least = 1, .most = 100},
	{"open", AT(shop, open_s), FIELD_DURATION, .otherwise = "8h", .least = 60, .most = 86400},
	{"has_cellar", AT(shop, has_cellar), FIELD_BOOL},
	{"open_today", AT(shop, closed), FIELD_BOOL, FIELD_INVERTED, .otherwise = "true"},
	{"day", AT(shop, day), FIELD_CHOICE, .otherwise = "tuesday", .choices = days},
	{"sorts", AT(shop, sorts), FIELD_TEXT_LIST, FIELD_NOT_EMPTY},
	{"sizes", AT(shop, sizes), FIELD_TEXT_LIST, .otherwise = "small"},
	{"prices", AT(shop, prices), FIELD_TEXT_MAP, FIELD_NULL_VALUES},
	{"spare", AT(shop, spare), FIELD_STRUCT, .fields = oven_fields, .size = sizeof(struct oven),
	 .shorthand = "name"},
	{"oven", AT(shop, oven), FIELD_INLINE, .fields = oven_fields},
	{"range", 0, FIELD_INLINE, .fields = range_fields},
	{"ovens", AT(shop, ovens), FIELD_STRUCT_LIST, FIELD_SINGLE, .fields = oven_fields, .size = sizeof(struct oven),
	 .shorthand = "name"},
	{"branches", AT(shop, branches), FIELD_STRUCT_MAP, .fields = oven_fields, .size = sizeof(struct oven)},
	{"notes", AT(shop, notes), FIELD_TREE},
	{0},
};

struct reading {
	struct arena *arena;
	struct faults faults;
	struct tree *tree;
	struct shop shop;
	struct str text;
};

static void reading_free(struct reading *reading)
{
	faults_free(&reading->faults);
	tree_free(reading->tree);
	str_free(&reading->text);
	arena_free(reading->arena);
}

static struct reading read_shop(const char *yaml)
{
	struct reading reading = {.arena = arena_new(), .faults = FAULTS_INIT, .text = STR_INIT};
	struct error err = {0};

	reading.tree = tree_from_yaml(yaml, strlen(yaml), &err);
	assert_string_equal(err.text, "");
	struct fields_context context = {.file = "s.yaml", .faults = &reading.faults, .arena = reading.arena};
	memset(&reading.shop, 0xAA, sizeof(reading.shop)); /* whatever was there is overwritten */
	fields_decode(shop_fields, reading.tree, "", &reading.shop, &context);
	faults_print(&reading.faults, &reading.text);
	return reading;
}

static void defaults(void **state)
{
	_cleanup_(reading_free) struct reading reading = read_shop("owner: me");
	const struct shop *shop = &reading.shop;

	assert_string_equal(reading.text.data, "");
	assert_string_equal(shop->owner, "me");
	assert_string_equal(shop->kind, "bread");
	assert_int_equal(shop->loaves, 0);
	assert_int_equal(shop->open_s, 8 * 3600);
	assert_false(shop->has_cellar);
	assert_false(shop->closed);
	assert_int_equal(shop->day, 1);
	assert_int_equal(shop->sorts.count, 0);
	assert_int_equal(shop->sizes.count, 1);
	assert_int_equal(shop->prices.count, 0);
	assert_null(shop->spare);
	assert_null(shop->oven.name);
	assert_int_equal(shop->oven.heat, 220);
	assert_int_equal(shop->least, -1);
	assert_int_equal(shop->most, 9);
	assert_int_equal(shop->ovens.count, 0);
	assert_int_equal(shop->branches.count, 0);
	assert_null(shop->notes);
}

static const char full[] = "owner: 42\n"
			   "kind: cake\n"
			   "loaves: \"17\"\n"
			   "open: 90m\n"
			   "has_cellar: true\n"
			   "open_today: false\n"
			   "day: friday\n"
			   "sorts: [rye, 7, true]\n"
			   "sizes: []\n"
			   "prices: {rye: 3, wheat: '', oat: }\n"
			   "spare: old\n"
			   "oven: {name: big, heat: 300}\n"
			   "range: {least: 2}\n"
			   "ovens: [a, {name: b, heat: 50}]\n"
			   "branches: {east: {name: e}, west: {name: w, heat: 60}}\n"
			   "notes: {any: [thing]}\n";

static void assert_full(const struct shop *shop)
{
	const struct oven *ovens = shop->ovens.items, *branches = shop->branches.items;

	assert_string_equal(shop->owner, "42");
	assert_string_equal(shop->kind, "cake");
	assert_int_equal(shop->loaves, 17);
	assert_int_equal(shop->open_s, 5400);
	assert_true(shop->has_cellar);
	assert_true(shop->closed);
	assert_int_equal(shop->day, 2);
	assert_int_equal(shop->sorts.count, 3);
	assert_true(text_list_has(&shop->sorts, "7"));
	assert_true(text_list_has(&shop->sorts, "true"));
	assert_false(text_list_has(&shop->sorts, "oat"));
	assert_int_equal(shop->sizes.count, 0);
	assert_int_equal(shop->prices.count, 3);
	assert_string_equal(text_map_get(&shop->prices, "rye"), "3");
	assert_string_equal(text_map_get(&shop->prices, "wheat"), "");
	assert_null(text_map_get(&shop->prices, "oat"));
	assert_null(text_map_get(&shop->prices, "corn"));
	assert_string_equal(shop->spare->name, "old");
	assert_int_equal(shop->spare->heat, 220);
	assert_int_equal(shop->oven.heat, 300);
	assert_int_equal(shop->least, 2);
	assert_int_equal(shop->most, 9);
	assert_int_equal(shop->ovens.count, 2);
	assert_string_equal(ovens[0].name, "a");
	assert_int_equal(ovens[1].heat, 50);
	assert_int_equal(shop->branches.count, 2);
	assert_string_equal(shop->branches.keys[1], "west");
	assert_int_equal(branches[1].heat, 60);
	assert_string_equal(tree_text(shop->notes, "any.1"), "thing");
}

static void every_type(void **state)
{
	_cleanup_(reading_free) struct reading reading = read_shop(full);

	assert_string_equal(reading.text.data, "");
	assert_full(&reading.shop);
}

static void encoding_is_the_reverse(void **state)
{
	_cleanup_(reading_free) struct reading reading = read_shop(full);
	_cleanup_(tree_freep) struct tree *tree = fields_encode(shop_fields, &reading.shop);
	_cleanup_(str_free) struct str json = STR_INIT;
	struct fields_context context = {.faults = &reading.faults, .arena = reading.arena};
	struct shop again;

	tree_to_json(tree, &json);
	assert_string_equal(json.data, "{\"owner\":\"42\",\"kind\":\"cake\",\"loaves\":17,\"open\":\"90m\",\"has_"
				       "cellar\":true,\"open_today\":false,"
				       "\"day\":\"friday\",\"sorts\":[\"rye\",\"7\",\"true\"],\"sizes\":[],\"prices\":{"
				       "\"rye\":\"3\",\"wheat\":\"\",\"oat\":null},"
				       "\"spare\":{\"name\":\"old\",\"heat\":220},\"oven\":{\"name\":\"big\",\"heat\":"
				       "300},\"range\":{\"least\":2,\"most\":9},"
				       "\"ovens\":[{\"name\":\"a\",\"heat\":220},{\"name\":\"b\",\"heat\":50}],"
				       "\"branches\":{\"east\":{\"name\":\"e\",\"heat\":220},\"west\":{\"name\":\"w\","
				       "\"heat\":60}},\"notes\":{\"any\":[\"thing\"]}}");
	fields_decode(shop_fields, tree, "", &again, &context);
	assert_int_equal(reading.faults.count, 0);
	assert_full(&again);
}

static void durations_encode_exactly(void **state)
{
	static const struct {
		int64_t seconds;
		const char *text;
	} cases[] = {{0, "0s"},	   {1, "1s"},	  {59, "59s"},	 {60, "1m"},	  {61, "61s"},
		     {3600, "1h"}, {5400, "90m"}, {86400, "1d"}, {7776000, "90d"}};

	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		struct shop shop = {.open_s = cases[i].seconds, .kind = "", .owner = ""};
		_cleanup_(tree_freep) struct tree *tree = fields_encode(shop_fields, &shop);
		assert_string_equal(tree_text(tree, "open"), cases[i].text);
	}
}

static void faults_say_what_and_where(void **state)
{
	static const struct {
		const char *yaml, *faults;
	} cases[] = {
		{"owner: a\nkin: cake", "s.yaml:2:1: kin: unknown key (did you mean kind?)\n"},
		{"owner: a\nsomething: else", "s.yaml:2:1: something: unknown key\n"},
		{"kind: cake", "s.yaml:1:1: owner: is missing\n"},
		{"owner:", "s.yaml:1:7: owner: has no value (it must be text)\n"},
		{"owner: [a]", "s.yaml:1:8: owner: must be text, not a list\n"},
		{"owner: nobody", "s.yaml:1:8: owner: somebody must own it\n"},
		{"owner: a\nkind: cakes",
		 "s.yaml:2:7: kind: must be one of bread, cake, not \"cakes\" (did you mean cake?)\n"},
		{"owner: a\nkind: ''", "s.yaml:2:7: kind: must be one of bread, cake, not \"\"\n"},
		{"owner: a\nday: sunday",
		 "s.yaml:2:6: day: must be one of monday, tuesday, friday, not \"sunday\" (did you mean monday?)\n"},
		{"owner: a\nday: {}", "s.yaml:2:6: day: must be text, not a map\n"},
		{"owner: a\nloaves: many", "s.yaml:2:9: loaves: must be a whole number, not \"many\"\n"},
		{"owner: a\nloaves: 1.5", "s.yaml:2:9: loaves: must be a whole number, not \"1.5\"\n"},
		{"owner: a\nloaves: 0", "s.yaml:2:9: loaves: must be between 1 and 100, not 0\n"},
		{"owner: a\nloaves: 101", "s.yaml:2:9: loaves: must be between 1 and 100, not 101\n"},
		{"owner: a\nopen: 8", "s.yaml:2:7: open: must be a duration such as 30s, 5m, 2h or 90d, not \"8\"\n"},
		{"owner: a\nopen: 8 h",
		 "s.yaml:2:7: open: must be a duration such as 30s, 5m, 2h or 90d, not \"8 h\"\n"},
		{"owner: a\nopen: -1h",
		 "s.yaml:2:7: open: must be a duration such as 30s, 5m, 2h or 90d, not \"-1h\"\n"},
		{"owner: a\nopen: 2d", "s.yaml:2:7: open: must be between 1m and 1d, not 2d\n"},
		{"owner: a\nopen: 30s", "s.yaml:2:7: open: must be between 1m and 1d, not 30s\n"},
		{"owner: a\nhas_cellar: yes", "s.yaml:2:13: has_cellar: must be true or false, not \"yes\"\n"},
		{"owner: a\nhas_cellar: {}", "s.yaml:2:13: has_cellar: must be true or false, not a map\n"},
		{"owner: a\nsorts: []", "s.yaml:2:8: sorts: must not be empty\n"},
		{"owner: a\nsorts: {a: b}", "s.yaml:2:8: sorts: must be a list, not a map\n"},
		{"owner: a\nsorts: [a, [b], ~]", "s.yaml:2:12: sorts.2: must be text, not a list\ns.yaml:2:17: "
						 "sorts.3: has no value (it must be text)\n"},
		{"owner: a\nprices: [a]", "s.yaml:2:9: prices: must be a map, not a list\n"},
		{"owner: a\nprices: {a: {b: c}}", "s.yaml:2:13: prices.a: must be text, not a map\n"},
		{"owner: a\nspare: {heat: 60}", "s.yaml:2:8: spare.name: is missing\n"},
		{"owner: a\nspare: {name: ''}", "s.yaml:2:15: spare.name: must not be empty\n"},
		{"owner: a\nspare:", "s.yaml:2:7: spare: has no value (it must be a map)\n"},
		{"owner: a\noven: big", "s.yaml:2:7: oven: must be a map, not a text\n"},
		{"owner: a\novens: [{nam: x, name: y}]",
		 "s.yaml:2:10: ovens.1.nam: unknown key (did you mean name?)\n"},
		{"owner: a\novens: {name: x, heat: 1}", "s.yaml:2:24: ovens.heat: must be between 50 and 300, not 1\n"},
		{"owner: a\nbranches: {x: }", "s.yaml:2:15: branches.x.name: is missing\n"},
		{"owner: a\nbranches: [x, x]",
		 "s.yaml:2:12: branches.x.name: is missing\ns.yaml:2:15: branches.2: x stands twice\n"},
		{"owner: a\nbranches: 5", "s.yaml:2:11: branches: must be a map, not a number\n"},
		{"- a", "s.yaml:1:1: must be a map, not a list\n"},
		{"", "s.yaml:1:1: must be a map, not nothing\n"},
	};

	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		_cleanup_(reading_free) struct reading reading = read_shop(cases[i].yaml);
		assert_string_equal(reading.text.data, cases[i].faults);
	}
}

static void all_faults_at_once(void **state)
{
	_cleanup_(reading_free) struct reading reading = read_shop("knd: x\nloaves: no\nday: x\noven: {heat: 1}\n");

	assert_string_equal(reading.text.data, "s.yaml:1:1: knd: unknown key (did you mean kind?)\n"
					       "s.yaml:1:1: owner: is missing\n"
					       "s.yaml:2:9: loaves: must be a whole number, not \"no\"\n"
					       "s.yaml:3:6: day: must be one of monday, tuesday, friday, not \"x\"\n"
					       "s.yaml:4:7: oven.name: is missing\n"
					       "s.yaml:4:14: oven.heat: must be between 50 and 300, not 1\n");
	assert_int_equal(reading.shop.day, 1); /* what is wrong keeps its default */
}

static void schema(void **state)
{
	_cleanup_(tree_freep) struct tree *tree = fields_schema(shop_fields);

	assert_string_equal(tree_text(tree, "$schema"), "https://json-schema.org/draft/2020-12/schema");
	assert_string_equal(tree_text(tree, "type"), "object");
	assert_string_equal(tree_text(tree, "required.1"), "owner");
	assert_int_equal(tree_count(tree_get(tree, "required")), 1);
	assert_string_equal(tree_text(tree, "additionalProperties"), "false");
	assert_int_equal(tree_count(tree_get(tree, "properties")), ARRAY_SIZE(shop_fields) - 1);
	assert_string_equal(tree_text(tree, "properties.owner.description"), "Who owns it.");
	assert_string_equal(tree_text(tree, "properties.open.default"), "8h");
	assert_string_equal(tree_text(tree, "properties.loaves.anyOf.1.maximum"), "100");
	assert_string_equal(tree_text(tree, "properties.day.anyOf.1.enum.3"), "friday");
	assert_string_equal(tree_text(tree, "properties.oven.required.1"), "name");
	assert_string_equal(tree_text(tree, "properties.spare.anyOf.2.properties.heat.anyOf.1.minimum"), "50");
	assert_string_equal(tree_text(tree, "$defs.variable.type"), "string");
}

static void reference(void **state)
{
	_cleanup_(str_free) struct str out = STR_INIT;

	fields_reference(shop_fields, &out);
	assert_non_null(strstr(out.data, "| `owner` | text | required | Who owns it. |\n"));
	assert_non_null(strstr(out.data, "| `kind` | `bread`, `cake` | `bread` |  |\n"));
	assert_non_null(strstr(out.data, "| `loaves` | number, 1 to 100 |  |  |\n"));
	assert_non_null(strstr(out.data, "| `ovens[].heat` | number, 50 to 300 | `220` | How hot. |\n"));
	assert_non_null(strstr(out.data, "| `branches.*.name` | text | required | Its name. |\n"));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(defaults),
		cmocka_unit_test(every_type),
		cmocka_unit_test(encoding_is_the_reverse),
		cmocka_unit_test(durations_encode_exactly),
		cmocka_unit_test(faults_say_what_and_where),
		cmocka_unit_test(all_faults_at_once),
		cmocka_unit_test(schema),
		cmocka_unit_test(reference),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
