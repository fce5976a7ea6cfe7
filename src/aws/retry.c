/* SPDX-License-Identifier: Apache-2.0
 *
 * The rules of asking again. Pure but for the budget: chance and what happened are arguments, so that tests can say
 * what must follow. */
#include "retry.h"

#define BUDGET 500
#define COST 5

#define BASE_MS 200
#define BASE_THROTTLED_MS 1000
#define BASE_UNREACHED_MS 100
#define LONGEST_MS 20000
#define LONGEST_RETRY_AFTER_MS 30000

void retry_budget_init(struct retry_budget *budget)
{
	budget->tokens = BUDGET;
}

bool retry_budget_take(struct retry_budget *budget)
{
	if (atomic_fetch_sub(&budget->tokens, COST) >= COST)
		return true;
	atomic_fetch_add(&budget->tokens, COST);
	return false;
}

void retry_budget_give_back(struct retry_budget *budget, int retries)
{
	int tokens = budget->tokens, fuller;
	do {
		fuller = tokens + (retries ? retries * COST : 1);
		if (fuller > BUDGET)
			fuller = BUDGET;
	} while (!atomic_compare_exchange_weak(&budget->tokens, &tokens, fuller));
}

/* Did AWS certainly not act? */
static bool is_untouched(const struct attempt *attempt)
{
	return attempt->outcome == HTTP_UNREACHED ||
	       (attempt->outcome == HTTP_ANSWERED && attempt->class.retry == RETRY_THROTTLED);
}

static bool is_worth_it(const struct attempt *attempt)
{
	switch (attempt->outcome) {
	case HTTP_ANSWERED:
		return attempt->class.retry != RETRY_NEVER;
	case HTTP_UNREACHED:
	case HTTP_BROKEN:
		return true;
	default:
		return false;
	}
}

bool retry_may_repeat(const struct attempt *attempt, enum repeat repeat, int number, int most)
{
	if (attempt->outcome == HTTP_UNREACHED && !attempt->host_known && most > RETRY_UNREACHED_ATTEMPTS)
		most = RETRY_UNREACHED_ATTEMPTS;
	return number < most && is_worth_it(attempt) && (repeat != REPEAT_ONCE || is_untouched(attempt));
}

static int64_t base_ms(const struct attempt *attempt)
{
	if (attempt->outcome == HTTP_UNREACHED && !attempt->host_known)
		return BASE_UNREACHED_MS;
	if (attempt->outcome == HTTP_ANSWERED && attempt->class.retry == RETRY_THROTTLED)
		return BASE_THROTTLED_MS;
	return BASE_MS;
}

int64_t retry_pause_ms(const struct attempt *attempt, int number, double random)
{
	int64_t longest = base_ms(attempt);
	for (int i = 1; i < number && longest < LONGEST_MS; i++)
		longest *= 2;
	if (longest > LONGEST_MS)
		longest = LONGEST_MS;
	int64_t pause = (int64_t)((double)longest * random), told = attempt->retry_after_s * 1000;
	if (told > LONGEST_RETRY_AFTER_MS)
		told = LONGEST_RETRY_AFTER_MS;
	return pause > told ? pause : told;
}
