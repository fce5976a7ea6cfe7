/* SPDX-License-Identifier: Apache-2.0
 *
 * What the files of the pipeline share: the build, its state, the stages. */
#ifndef BAKERY_PIPELINE_H
#define BAKERY_PIPELINE_H

#include "bakery/build.h"
#include "bakery/crypto.h"
#include "bakery/ssh.h"

enum { ID_SIZE = 64 };
enum { BUILD_SPARE_S = 10 * 60 }; /* behind the deadline, for cleaning up */
enum { QUARANTINE_DEFAULT_S = 30 * 24 * 3600 };

/* How this host reaches the bastion. */
struct bastion_way {
	struct ssh_target target;
	struct str key; /* secret */
	char *known_hosts;
};

/* An instance that bakery talks to. Its keys live in memory, and those of "build" in the kernel's keyring (box_keys.c),
 * so that a build whose process died can go on there. */
struct box {
	const char *purpose; /* "build", "test" */
	char instance[ID_SIZE], address[64];
	struct ssh_key_pair login, host;
	const char *host_keys[2];
	struct bastion_way way;
	struct ssh *ssh;
	int64_t ended_ms; /* when AWS took the wish to terminate it (monotonic); 0: not yet */
	bool spot;
	bool is_ready;		 /* through with its first boot, as an earlier process saw */
	struct lookout *lookout; /* while it is a spot instance that is worked on */
};

struct build_image {
	const char *region, *ami;
	struct text_list snapshots;
};

/* What a finished stage leaves for the later ones; stored as JSON with the stage. */
struct build_state {
	const char *image_name, *image_description;
	const char *security_group, *instance_profile; /* the temporary ones */
	const char *instance, *instance_type, *zone;
	bool spot;
	int64_t earlier_steps;	   /* rows of steps that were there before this instance */
	struct struct_list images; /* of struct build_image; the first is the launch region's */
};
extern const struct field build_state_fields[];

struct keeper;

struct build {
	const struct build_context *context;
	const struct plan *plan;
	struct store *store;
	struct aws *aws;
	struct arena *arena;
	char id[BUILD_ID_SIZE];
	const struct stage *stage; /* the running one */
	struct build_state state;
	struct box box, test;
	int64_t started_ms, deadline_mono_ms;
	struct stop stop;  /* the context's stop, or the deadline */
	struct stop work;  /* what runs on an instance: the same, or that the instance is lost */
	int losses;	   /* instances that EC2 took away */
	size_t goes_on_at; /* connect is run once more, then this stage: on the instance of a process that died; or 0 */
	const char *doubt; /* why that is not done */
	const char *fall_back; /* the stage that can begin again after a loss, or NULL */
	bool deadline_passed;
	bool claim_lost;       /* another process has taken the build over */
	bool cleaning;	       /* then only `leave` ends calls and waits */
	bool was_quarantined;  /* by an earlier try: its images are tagged so */
	bool images_seen;      /* all available, by this process */
	bool surrounded;       /* launch_surroundings was through, in this process */
	const char *downloads; /* folder for what steps hand down; NULL: the working directory */
	struct keeper *keeper;
};

struct stage {
	const char *name;	 /* goes into the journal: never renamed */
	const char *doing;	 /* for people */
	const char *after_crash; /* stage to fall back to when this one did not finish in the process that began it, and
				    its instance cannot be gone on with; NULL: itself */
	const char *after_loss;	 /* stage to fall back to when its instance was taken away; NULL: it has none */
	bool (*run)(struct build *build, struct error *err) must_check; /* may be run again from its start */
};
extern const struct stage stages[]; /* ends with a NULL name */
/* Of the names of those that are done; that of the NULL name when all are. */
size_t stage_first_undone(const struct tree *done);

/* --- the build (build.c) --- */
void build_init(struct build *build, const struct build_context *context, const struct plan *plan, struct arena *arena);
void build_clear(struct build *build);

bool stage_prepare(struct build *build, struct error *err) must_check;
bool stage_launch(struct build *build, struct error *err) must_check;
/* The group that admits this host, and the instance profile. A stage that launches asks for them: a failure took them
 * away, or the process before was on another host. */
bool launch_surroundings(struct build *build, struct error *err) must_check;
bool stage_connect(struct build *build, struct error *err) must_check;
bool stage_provision(struct build *build, struct error *err) must_check;
bool stage_seal(struct build *build, struct error *err) must_check;
bool stage_image(struct build *build, struct error *err) must_check;
bool stage_test(struct build *build, struct error *err) must_check;
bool stage_gate(struct build *build, struct error *err) must_check;
bool stage_distribute(struct build *build, struct error *err) must_check;
bool stage_share(struct build *build, struct error *err) must_check;
bool stage_publish(struct build *build, struct error *err) must_check;
bool stage_tidy(struct build *build, struct error *err) must_check;

/* --- state (state.c) --- */
/* As it is stored with a finished stage; free it. */
char *build_state_json(const struct build *build);
/* Back from there; NULL or "": nothing was stored. */
bool build_state_read(struct build *build, const char *json, struct error *err) must_check;

/* --- talk (talk.c) --- */
void build_note(struct build *build, const char *fmt, ...) printf_like(2, 3); /* also in the build's log */
void build_progress(struct build *build, const char *fmt, ...) printf_like(2, 3);
void build_emit(struct build *build, struct build_event event); /* fills who and when */

/* --- AWS (request.c) --- */
/* Another account's credentials would find nothing of the build, and take that for "gone already". ERROR_DENIED. */
bool build_account_check(struct build *build, struct error *err) must_check;
/* What time it is for everything that a build writes down and judges: AWS's, which this host's clock may jump under. */
int64_t build_now_ms(const struct build *build);
/* What was made a moment ago may not be visible yet: a call that refers to it asks again for so long. */
int64_t build_settle_s(const struct build *build);
/* The rest of that time for something held, at least 0. */
int64_t build_unsettled_s(const struct build *build, const struct hold *hold);
bool build_send(struct build *build, struct aws_call *call, struct tree **reply, struct error *err) must_check;
bool build_wait(struct build *build, enum aws_wait wait, const char *region, const char *id, int64_t timeout_s,
		struct tree **item, struct error *err) must_check;
/* For what was begun just now: `name` ("launch") is remembered with the time it took, and the next wait of that name in
 * the region looks at the right time. */
bool build_wait_learning(struct build *build, enum aws_wait wait, const char *name, const char *region, const char *id,
			 int64_t timeout_s, struct tree **item, struct error *err) must_check;
/* The same for what was begun a while ago (monotonic time). Waits of the same kind that begin together look together.
 */
bool build_wait_since(struct build *build, enum aws_wait wait, const char *name, const char *region, const char *id,
		      int64_t began_ms, int64_t timeout_s, struct error *err) must_check;
const struct stop *build_stop(const struct build *build); /* what ends calls and waits now */
int64_t build_seconds_left(const struct build *build);	  /* until the deadline, at least 1 */
/* What the tag bakery:expires says: this process's deadline, by AWS's time, and what cleaning up may take. */
void build_expires(const struct build *build, char at[CLOCK_TEXT_SIZE]);
/* Of things done side by side: false with all that failed in one sentence, the first one's kind and code (but STOPPED
 * goes before all); true when none did. */
bool build_errors_join(const struct error *errors, size_t count, struct error *err) must_check;
/* TagSpecification.<number> for a resource type: bakery's tags and, for what is part of the result, the plan's own. */
void build_tag(const struct build *build, struct aws_call *call, int number, const char *resource_type,
	       const char *purpose, const char *token);

/* The same for what takes tags as a plain list, `list` being its path ("Tags.member"). */
void build_tag_plain(const struct build *build, struct aws_call *call, const char *list, const char *purpose,
		     const char *token);

/* --- ledger (ledger.c, kinds.c, profile.c) --- */
struct held_kind {
	const char *name; /* goes into the ledger: never renamed */
	bool is_result;	  /* an image: kept when a late stage fails */
	bool completes; /* of several parts: make is called again for one of an earlier try, and adds what is missing */
	/* Asks AWS for it; hold->token makes it unique. wish: what the stage passed to build_hold. */
	bool (*make)(struct build *build, const struct hold *hold, const void *wish, char id[ID_SIZE],
		     struct error *err) must_check;
	/* What an earlier try made, by token or name; id "" when there is none. */
	bool (*find)(struct build *build, const struct hold *hold, char id[ID_SIZE], struct error *err) must_check;
	/* Removes it; gone already counts as dropped, once build_unsettled_s is over. */
	bool (*drop)(struct build *build, const struct hold *hold, struct error *err) must_check;
};
extern const struct held_kind held_security_group, held_instance_profile, held_instance, held_image, held_copy;

/* For droppers: what is gone has no tags (nor has a terminated instance, before long), so that a policy which wants the
 * project's tag denies what would else be answered with "not found"
 * (https://github.com/aws/karpenter-provider-aws/issues/2100). Clears err then. */
bool held_is_denied_since_gone(struct build *build, const struct hold *hold, enum aws_operation describe,
			       const char *argument, struct error *err);

/* The resource of that kind, region and purpose: held already, adopted from an earlier try, or made now. */
bool build_hold(struct build *build, const struct held_kind *kind, const char *region, const char *purpose,
		const void *wish, char id[ID_SIZE], struct error *err) must_check;
/* For makers: AWS says that a thing of that name is there already, so that an earlier request did arrive. Looks for it
 * until AWS shows it; id "" when it is not one of this build's. */
bool build_find_shown(struct build *build, const struct held_kind *kind, const struct hold *hold, char id[ID_SIZE],
		      struct error *err) must_check;
/* Drops one if it is held. */
bool build_drop(struct build *build, const struct held_kind *kind, const char *purpose, struct error *err) must_check;
/* Whether something was made of an intent at all; if not, the ledger holds it no more. */
bool build_hold_exists(struct build *build, const struct hold *hold, bool *exists, struct error *err) must_check;
/* Drops everything held, newest first, results only if asked; what could not be dropped stays in the ledger, is noted,
 * and makes it fail with ERROR_LEFTOVER. When all is gone, but the ledger could not be told so (its disk is full), it
 * fails with the code LEDGER_UNTOLD. */
enum drop_extent { DROP_ALL, DROP_ALL_BUT_RESULTS };
bool build_drop_held(struct build *build, enum drop_extent extent, size_t *dropped, struct error *err) must_check;
/* The images are the result now: no longer the ledger's. */
bool build_release_results(struct build *build, struct error *err) must_check;

/* --- quarantine (quarantine.c) --- */
/* The images are kept though the build failed in that stage; until when, tags, the record and a note say.
 * why: a word for the note; NULL: there is nothing to try again. false: all of them are gone from AWS, and from state.
 */
bool quarantine_begin(struct build *build, const char *stage, const char *why);
void quarantine_end(struct build *build);

/* Before an image of the ledger goes: ERROR_CONFLICT when a parameter names it (published.c). */
bool image_check_unpublished(struct build *build, const struct hold *hold, struct error *err) must_check;

/* --- images (images.c) --- */
/* What the plan says (architecture, boot mode, TPM, ENA) against EC2's description. */
bool image_check(const struct build *build, const struct tree *image, struct error *err) must_check;
/* IMDSv2 where the plan wants it and the description does not say so; *changed: it was set. */
bool image_require_imds(struct build *build, const char *region, const char *ami, const struct tree *image,
			bool *changed, struct error *err) must_check;
struct text_list image_snapshots(const struct tree *image, struct arena *arena);
/* The image's row, with its snapshots. */
bool image_record(struct build *build, const char *region, const struct tree *image, struct error *err) must_check;

/* --- progress of snapshots (progress.c) --- */
struct watching { /* an image on its way */
	struct build *build;
	const char *region;
	int64_t began_ms, expected_ms; /* expected_ms 0: not known */
	int64_t next_ms;
};
void progress_show(void *watching, const struct tree *item); /* of aws_wait */
/* How long it may still take; -1: nobody knows. */
int64_t snapshot_left_ms(int64_t elapsed_ms, int percent, int64_t expected_ms);
enum { LEFT_TEXT_SIZE = 48 };
void snapshot_left_text(int64_t left_ms, char text[LEFT_TEXT_SIZE]); /* ", about 2 min left", or "" */

/* --- boxes (box.c, user_data.c) --- */
struct instance_wish { /* of held_instance */
	struct box *box;
	const char *ami, *security_group;
	bool is_test;
	struct candidates *candidates;
	struct candidate *candidate; /* the one that had room */
};
/* Whether EC2 would start one of that type there; nothing is done. Without the temporary security group, which is not
 * there yet, it is asked for the VPC's default one. */
bool instance_dry_run(struct build *build, const char *type, const struct plan_subnet *subnet,
		      struct error *err) must_check;
bool box_launch(struct build *build, struct box *box, const char *ami, struct error *err) must_check;
bool box_connect(struct build *build, struct box *box, struct error *err) must_check;
/* Adds to a refusal of RunInstances, when it is one for want of a subscription, what to subscribe to. Returns false. */
bool marketplace_hint(const struct plan *plan, struct error *err);
void box_close(struct box *box); /* connection and keys in memory; the instance stays */
bool box_address(struct build *build, struct box *box, const struct tree *instance, struct error *err) must_check;
bool box_terminate(struct build *build, struct box *box, struct error *err) must_check; /* asked for, not waited for */
/* For --keep-on-failure: writes the key where only this user reads it; *command: how to get in (free it). */
bool box_keep(struct build *build, const struct box *box, char **command, struct error *err) must_check;
/* Its keys in the kernel's keyring (box_keys.c); where there is none, nothing is kept. */
void box_keys_keep(struct build *build, const struct box *box);
void box_keys_forget(const struct build *build, const char *purpose);
bool box_keys_find(const struct build *build, struct box *box, struct error *err) must_check;
/* The cloud-config an instance starts with, base64. */
void user_data_make(const struct build *build, const struct box *box, struct str *base64);
/* A command for root that ends the instance when the build's deadline has passed; again: from now on. */
char *dead_man_command(const struct build *build);

/* --- going on after a kill, on the same instance (rejoin.c) --- */
/* For an instance just launched: the steps recorded up to now were not done on it. */
bool rejoin_mark(struct build *build, struct error *err) must_check;
/* How many steps of a phase are recorded as done on the present instance. ERROR_CONFLICT with RUNNER_NOT_REJOINED when
 * they are not the first ones of the playbooks, in order, or one has failed. */
bool rejoin_recorded(struct build *build, const char *phase, const struct struct_list *playbooks, size_t *count,
		     struct error *err) must_check;
/* Whether the build can go on at the stage on the instance it had, which is then in build->box with its keys; if not,
 * build->doubt says why. REJOIN_SEALED: nothing is to be done on it any more. */
enum rejoin { REJOIN_NOT, REJOIN_CONNECT, REJOIN_SEALED };
bool rejoin_check(struct build *build, const char *stage, enum rejoin *how, struct error *err) must_check;
/* After a stage failed: sets build->fall_back when it was for want of what the dead process had left. */
void rejoin_judge(struct build *build, const struct error *why);

/* --- bastion (bastion.c) --- */
bool bastion_way_make(const struct build *build, struct bastion_way *way, struct error *err) must_check;
void bastion_way_free(struct bastion_way *way);
/* Whether it lets us in, before anything is made behind it. */
bool bastion_check(struct build *build, struct error *err) must_check;
/* A file of the recipe's connect.bastion: "~/x" is in the home of who runs this. free() it. */
char *bastion_file(const char *path);
#define BASTION_KNOWN_HOSTS "~/.ssh/known_hosts" /* unless the recipe names another */
/* Adds to an ssh command line what leads through it. */
void bastion_command(const struct build *build, struct str *command);

/* --- instances that end before their time (ending.c, loss.c, lookout.c) --- */
/* What a reason of EC2's ("Server.InsufficientInstanceCapacity") amounts to; NULL: nothing is known of it. */
struct ending {
	const char *pattern; /* of the code */
	enum error_kind kind;
	const char *hint; /* or NULL */
};
const struct ending *ending_find(const char *code);
/* After the wait for a launch failed: a kind and a hint by EC2's own reason (err->code). */
void ending_explain_launch(const struct build *build, struct error *err);
/* The record tells why it ended, if why->code does; when it cannot be written, a note says so. */
void ending_record(struct build *build, const struct box *box, const struct error *why);
/* After a stage failed: when its instance is gone, *why says how it went, the record knows, and build->fall_back is
 * set if another one may do better. */
void loss_judge(struct build *build, struct error *why);
/* Makes the build ready to begin again at build->fall_back. */
bool loss_recover(struct build *build, struct error *err) must_check;
/* Looks at a spot instance now and then, and ends what runs on it (build->work) when EC2 has taken it back. */
struct lookout *lookout_start(struct build *build, const char *instance);
/* The description of the instance that has gone (free it), or NULL. */
struct tree *lookout_end(struct lookout *lookout);

/* --- Ansible's playbooks (play.c) --- */
bool play_run(struct build *build, struct box *box, const struct playbook *playbook,
	      const struct runner_options *options, struct error *err) must_check;

/* --- running playbooks into the record (record.c) --- */
bool record_playbooks(struct build *build, struct box *box, const struct struct_list *playbooks, enum runner_mode mode,
		      const char *phase, struct error *err) must_check;

/* --- what is on a machine (inventory.c) --- */
/* Its SBOM and its files under /etc become documents of the build. phase: "verify", "provision". */
bool inventory_take(struct build *build, struct box *box, const char *phase, struct error *err) must_check;
/* "" when the build has no SBOM. */
bool inventory_sbom_sha256(struct build *build, char sha256[SHA256_HEX_SIZE], struct error *err) must_check;

/* --- the proof after sealing (prove.c) --- */
/* Looks through the sealed machine's files; ERROR_REFUSED names those with a key or a secret in them. */
bool prove(struct build *build, struct error *err) must_check;
/* Whether the present instance was found clean, by this process or an earlier one. */
bool prove_is_recorded(struct build *build, bool *proven, struct error *err) must_check;

/* --- scanners (scan.c) --- */
/* Runs the plan's scanners on the instance of the test; their reports become documents and evidence. */
bool scan_run(struct build *build, struct error *err) must_check;
/* ERROR_REFUSED with the rules, when the plan's gate is not passed. */
bool scan_gate(struct build *build, struct error *err) must_check;

/* --- keeper (keeper.c): heartbeat, deadline, stop --- */
struct keeper *keeper_start(struct build *build);
void keeper_end(struct keeper *keeper);

#endif
