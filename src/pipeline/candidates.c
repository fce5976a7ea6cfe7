/* SPDX-License-Identifier: Apache-2.0
 *
 * See candidates.h. */
#include "candidates.h"

#include "bakery/str.h"

enum { MOST_REFUSALS = 1300 }; /* characters of them in an error */

const char *candidate_market(const struct candidate *candidate)
{
	return candidate->spot ? "spot" : "on-demand";
}

void candidates_init(struct candidates *candidates, const struct build *build)
{
	*candidates =
		(struct candidates){.launch = &build->plan->launch, .no_spot = build->losses > 0, .refusals = STR_INIT};
}

void candidates_free(struct candidates *candidates)
{
	str_free(&candidates->refusals);
}

/* The market of the first or second round; false: there is no such round. */
static bool market_of(const struct candidates *candidates, size_t round, bool *spot)
{
	int market = candidates->launch->market;

	if (market == MARKET_SPOT_THEN_ON_DEMAND && candidates->no_spot)
		market = MARKET_ON_DEMAND;
	*spot = market != MARKET_ON_DEMAND && round == 0;
	return round == 0 || (round == 1 && market == MARKET_SPOT_THEN_ON_DEMAND);
}

bool candidates_next(struct candidates *candidates, struct candidate *out)
{
	const struct plan_launch *launch = candidates->launch;
	const struct plan_subnet *subnets = launch->subnets.items;
	size_t types = launch->instance_types.count, places = launch->subnets.count, at = candidates->next;

	if (!types || !places || !market_of(candidates, at / (types * places), &out->spot))
		return false;
	out->type = launch->instance_types.items[at / places % types];
	out->subnet = &subnets[at % places];
	candidates->next++;
	candidates->tried++;
	return true;
}

void candidates_again(struct candidates *candidates)
{
	candidates->next--;
	candidates->tried--;
}

static struct launch_row row_of(const struct build *build, const struct candidate *candidate, const char *purpose)
{
	return (struct launch_row){
		.build = build->id,
		.purpose = purpose,
		.market = candidate_market(candidate),
		.instance_type = candidate->type,
		.zone = candidate->subnet->zone,
		.subnet = candidate->subnet->id,
	};
}

bool candidates_got(struct build *build, const struct candidate *candidate, struct box *box, struct error *err)
{
	struct launch_row row = row_of(build, candidate, box->purpose);

	row.instance = box->instance;
	box->spot = candidate->spot;
	if (box == &build->box) {
		build->state.instance_type = candidate->type;
		build->state.zone = candidate->subnet->zone;
		build->state.spot = candidate->spot;
	}
	build_note(build, "%s: %s%s in %s", box->instance, candidate->spot ? "spot " : "", candidate->type,
		   candidate->subnet->zone);
	return store_launch_add(build->store, &row, err) || error_context(err, "record");
}

/* What an account may have of a family of types, wherever it stands. */
static bool is_type_quota(const struct error *why)
{
	static const char *const codes[] = {"VcpuLimitExceeded", "InstanceLimitExceeded",
					    "MaxSpotInstanceCountExceeded"};

	for (size_t i = 0; i < ARRAY_SIZE(codes); i++) {
		if (str_eq(why->code, codes[i]))
			return true;
	}
	return false;
}

bool candidates_moves_on(const struct error *why)
{
	return error_is(why, ERROR_CAPACITY) || is_type_quota(why);
}

static void leave_type(struct candidates *candidates)
{
	size_t places = candidates->launch->subnets.count;

	candidates->next = (candidates->next + places - 1) / places * places;
}

bool candidates_refused(struct build *build, struct candidates *candidates, const struct candidate *candidate,
			const char *purpose, const char *instance, const struct error *why, struct error *err)
{
	struct launch_row row = row_of(build, candidate, purpose);

	row.code = why->code;
	build_note(build, "no room for %s%s in %s (%s)%s%s", candidate->spot ? "spot " : "", candidate->type,
		   candidate->subnet->zone, why->code, instance ? ": it ended " : "", instance ? instance : "");
	str_addf(&candidates->refusals, "%s%s%s in %s: %s", candidates->refusals.len ? ", " : "",
		 candidate->spot ? "spot " : "", candidate->type, candidate->subnet->zone, why->code);
	if (is_type_quota(why))
		leave_type(candidates);
	else
		candidates->other_than_quota = true;
	return (instance ? store_launch_ended(build->store, build->id, instance, why->code, err)
			 : store_launch_add(build->store, &row, err)) ||
	       error_context(err, "record");
}

bool candidates_exhausted(const struct candidates *candidates, struct error *err)
{
	const struct str *refusals = &candidates->refusals;
	bool is_long = refusals->len > MOST_REFUSALS;

	error_coded(err, candidates->other_than_quota ? ERROR_CAPACITY : ERROR_QUOTA, "NoRoom",
		    "nothing the recipe names has room (%zu tried): %.*s%s", candidates->tried, MOST_REFUSALS,
		    refusals->data, is_long ? " ... (`bakery show` has them all)" : "");
	if (!candidates->other_than_quota)
		return error_hint(err, "raise the account's quota for these types (Service Quotas, EC2), or name types "
				       "of another family in launch.instance_types");
	return error_hint(err,
			  "name more launch.instance_types, launch.subnets in other zones, or another "
			  "launch.market%s",
			  candidates->launch->market == MARKET_SPOT ? " (spot-then-on-demand)" : "");
}
