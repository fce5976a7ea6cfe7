/* SPDX-License-Identifier: Apache-2.0
 *
 * The proof after sealing: every file that will be in the image is looked through, over the connection that sealing
 * left open, for private keys, for the keys that bakery made for this instance, and for each secret that a step was
 * given. A hit refuses the image; the answers are evidence, each with a control of its own. */
#include <stdlib.h>
#include <string.h>

#include "../pipeline.h"
#include "bakery/str.h"

enum { LEAST_SECRET = 8, MOST_NEEDLES = 500, MOST_TOLD = 10, PROVE_TIMEOUT_S = 3600 };

#define STEP "prove"
#define NO_PRIVATE_KEYS "bakery:no-private-keys"
#define NO_BUILD_KEYS "bakery:no-build-keys"
#define NO_SECRETS "bakery:no-secrets"

static const char login_key[] = "the temporary login key of this build", host_key[] = "the temporary host key of this "
										      "build";

struct proof {
	struct build *build;
	struct needle needles[MOST_NEEDLES];
	size_t count, secrets;
	struct str missing, too_short;
	struct text_list allowed;
};

static void proof_end(struct proof *proof)
{
	str_free(&proof->missing);
	str_free(&proof->too_short);
	mem_wipe(proof, sizeof(*proof));
}

static bool needle_add(struct proof *proof, const char *what, const char *text)
{
	for (size_t i = 0; i < proof->count; i++) {
		if (str_eq(proof->needles[i].what, what))
			return false;
	}
	if (proof->count == MOST_NEEDLES)
		return false;
	proof->needles[proof->count++] = (struct needle){what, text};
	return true;
}

static void secret_add(struct proof *proof, const char *name)
{
	const char *value = getenv(name);
	const char *what = arena_printf(proof->build->arena, "the secret %s", name);

	if (!value)
		str_addf(&proof->missing, "%s%s", proof->missing.len ? ", " : "", name);
	else if (strlen(value) >= LEAST_SECRET)
		proof->secrets += needle_add(proof, what, value);
	else if (*value && !strstr(proof->too_short.data, name))
		str_addf(&proof->too_short, "%s%s", proof->too_short.len ? ", " : "", name);
}

static void secrets_add(struct proof *proof, const struct struct_list *playbooks)
{
	const struct playbook *items = playbooks->items;

	for (size_t i = 0; i < playbooks->count; i++) {
		const struct step *steps = items[i].steps.items;
		for (size_t j = 0; j < items[i].steps.count; j++) {
			for (size_t k = 0; k < steps[j].secrets.count; k++)
				secret_add(proof, steps[j].secrets.items[k]);
		}
	}
}

/* Of "ssh-ed25519 AAAA... comment" what is the key's own. */
static const char *key_body(struct build *build, const char *public_key)
{
	const char *space = strchr(public_key, ' '), *body = space ? space + 1 : public_key;

	return arena_printf(build->arena, "%.*s", (int)strcspn(body, " "), body);
}

static void keys_add(struct proof *proof)
{
	const struct box *box = &proof->build->box;

	needle_add(proof, login_key, key_body(proof->build, box->login.public_key));
	/* The private halves have no name of their own to begin with, but bodies like any other key's. */
	needle_add(proof, host_key, box->host.private_key);
}

/* "a b c", from the variable of the playbook that seals. */
static void allowed_add(struct proof *proof)
{
	const struct playbook *seal = proof->build->plan->seal.items;
	const char *names = proof->build->plan->seal.count ? text_map_get(&seal->vars, "allowed_private_keys") : NULL;
	char *rest = NULL, *copy = arena_strdup(proof->build->arena, names ? names : "");

	for (char *name = strtok_r(copy, " \t\n", &rest); name; name = strtok_r(NULL, " \t\n", &rest))
		text_list_append(&proof->allowed, name, proof->build->arena);
}

static bool proof_begin(struct proof *proof, struct error *err)
{
	keys_add(proof);
	secrets_add(proof, &proof->build->plan->playbooks);
	secrets_add(proof, &proof->build->plan->seal);
	allowed_add(proof);
	return !proof->missing.len ||
	       error_set(err, ERROR_USAGE,
			 "secrets are missing in the environment, and cannot be looked for on the machine: %s",
			 proof->missing.data);
}

/* --- the answers --- */

static bool is_about(const char *control, const char *what)
{
	if (str_eq(what, SEARCH_PRIVATE_KEY))
		return str_eq(control, NO_PRIVATE_KEYS);
	if (str_eq(what, login_key) || str_eq(what, host_key))
		return str_eq(control, NO_BUILD_KEYS);
	return str_eq(control, NO_SECRETS);
}

/* The files with what is in them, or "". */
static size_t findings_tell(const struct tree *found, const char *control, struct str *out)
{
	size_t count = 0;

	for (struct tree_iter i = tree_iter(found); tree_next(&i);) {
		const char *what = tree_text(i.value, "what");
		if (control && !is_about(control, what))
			continue;
		if (count++ < MOST_TOLD)
			str_addf(out, "%s%s (%s)", count > 1 ? ", " : "", tree_text(i.value, "path"), what);
	}
	if (count > MOST_TOLD)
		str_addf(out, " and %zu more", count - MOST_TOLD);
	return count;
}

static bool answer_write(const struct proof *proof, const struct tree *result, const char *control, struct error *err)
{
	bool of_secrets = str_eq(control, NO_SECRETS), partly = of_secrets && proof->too_short.len;
	_cleanup_(str_free) struct str text = STR_INIT;
	bool hit = findings_tell(tree_get(result, "found"), control, &text) > 0;
	struct evidence_row row = {
		.build = proof->build->id,
		.phase = "seal",
		.control = control,
		.step = STEP,
		.answer = hit			      ? "fail"
			  : partly && !proof->secrets ? "skipped"
						      : "pass",
		.instance = proof->build->box.instance,
		.at_ms = build_now_ms(proof->build),
	};

	if (!hit)
		str_addf(&text, "looked for in %s files", tree_text_or(result, "files", "0"));
	if (!hit && of_secrets)
		str_addf(&text, ": %zu secrets", proof->secrets);
	if (partly)
		str_addf(&text, "; too short to be looked for: %s", proof->too_short.data);
	row.evidence = text.data;
	return store_evidence_add(proof->build->store, &row, err) || error_context(err, "record");
}

static bool answers_write(const struct proof *proof, const struct tree *result, struct error *err)
{
	return answer_write(proof, result, NO_PRIVATE_KEYS, err) && answer_write(proof, result, NO_BUILD_KEYS, err) &&
	       answer_write(proof, result, NO_SECRETS, err);
}

static void left_out_note(const struct proof *proof, const struct tree *result)
{
	for (struct tree_iter i = tree_iter(tree_get(result, "too_large")); tree_next(&i);)
		build_note(proof->build, "%s is larger than 4 GiB and was not looked into", tree_text(i.value, NULL));
	if (proof->too_short.len)
		build_note(proof->build, "secrets of fewer than %d characters cannot be looked for: %s", LEAST_SECRET,
			   proof->too_short.data);
}

static bool judge(const struct proof *proof, const struct tree *result, struct error *err)
{
	_cleanup_(str_free) struct str found = STR_INIT;

	if (findings_tell(tree_get(result, "found"), NULL, &found))
		return error_set(err, ERROR_REFUSED, "the machine is not clean, and no image is made of it: %s",
				 found.data);
	build_note(proof->build, "looked through %s files: no private key, no key of this build, none of %zu secrets",
		   tree_text_or(result, "files", "0"), proof->secrets);
	return true;
}

bool prove(struct build *build, struct error *err)
{
	_cleanup_(proof_end) struct proof proof = {.build = build, .missing = STR_INIT, .too_short = STR_INIT};
	_cleanup_(tree_freep) struct tree *result = NULL;
	struct search search = {.timeout_s = PROVE_TIMEOUT_S};
	const struct runner_options options = {.needs_sudo = !str_eq(build->plan->connect.user, "root")};

	if (!proof_begin(&proof, err))
		return false;
	search.needles = proof.needles;
	search.needle_count = proof.count;
	search.allowed = proof.allowed;
	build_progress(build, "looking through every file for keys and secrets");
	if (!runner_search(build->box.ssh, &options, &search, &result, err))
		return false;
	if (!tree_count(tree_get(result, "found")) && tree_count(tree_get(result, "unread")))
		return error_set(err, ERROR_FAILED, "not every file could be looked into: %s",
				 tree_text(result, "unread.1"));
	left_out_note(&proof, result);
	return answers_write(&proof, result, err) && judge(&proof, result, err);
}

bool prove_is_recorded(struct build *build, bool *proven, struct error *err)
{
	_cleanup_(tree_freep) struct tree *rows = NULL;
	size_t answers = 0, failed = 0;

	if (!store_evidence_list(build->store, build->id, "seal", &rows, err))
		return error_context(err, "record");
	for (struct tree_iter i = tree_iter(rows); tree_next(&i);) {
		if (!str_eq(tree_text(i.value, "step"), STEP) ||
		    !str_eq(tree_text(i.value, "instance"), build->state.instance))
			continue;
		answers++;
		failed += str_eq(tree_text(i.value, "answer"), "fail");
	}
	*proven = answers == 3 && !failed;
	return true;
}
