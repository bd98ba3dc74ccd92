/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Copyright (C) the Xenios authors */
/*
 * The policy "credit2": fair shares of CPU time by weight.
 *
 * Each vcpu has credit, in ns of a vcpu of normal weight. Running burns it, slower for a larger
 * weight. Who has most runs next. When even the next one has none left, the queue's period ends:
 * everybody of that CPU gets a helping, but nobody can save up more than one.
 *
 *     credit_cpus[cpu]   queue: unit (most credit) <-> unit <-> unit (least)
 *                        period: how many helpings were given out here
 *
 * A vcpu that sleeps is not in the queue; unit->period says which helpings it had, the missed ones
 * come when it wakes. So one that mostly sleeps has nearly all its credit and runs soon when it wakes.
 * One that runs while nobody waits has no end of its slice; its periods are counted when it is over
 * (settle), so that it starts on even terms with whoever comes then.
 *
 * Each CPU has a queue of its own. CPUs are kept even in four ways:
 *   - a vcpu that wakes goes to an idle CPU if there is one, its last one first;
 *   - a CPU about to go idle takes a waiting vcpu from another one;
 *   - who is queued on a busy CPU while another is idle calls that one to take it;
 *   - at the end of its period a CPU takes a waiting vcpu from a CPU with more weight on it, even if
 *     that only makes the two change places: three busy vcpus on two CPUs get two thirds each in the
 *     long run. A CPU where vcpus wait calls the least loaded one to do so.
 *
 * Invariants:
 *   1. A unit is in the queue of vcpu->processor exactly when unit->queued; then its period is the
 *      queue's and the vcpu is not `current` of any CPU.
 *   2. The queue is in falling order of credit; sched_cpus[cpu].queued is its length and load the sum
 *      of its weights.
 *   3. No credit is above CREDIT_INITIAL.
 *
 * Locks: those of schedule.c; a second CPU's is only tried. A CPU that failed to get one and found no
 * work tries again at once: the holder is about to leave something in the queue it holds.
 * Not guaranteed: fairness while a hard affinity forbids it; the order of vcpus of equal credit.
 */
#include "sched_private.h"

#include "hypervisor/error.h"
#include "hypervisor/heap.h"
#include "hypervisor/list.h"
#include "hypervisor/option.h"
#include "hypervisor/printk.h"
#include "hypervisor/work.h"

#include <xen/domctl.h>

#define CREDIT_INITIAL ((int64_t)(10 * NS_PER_MS))
#define CREDIT_LEAST   (-1000 * CREDIT_INITIAL)
#define RAN_MAX        ((int64_t)(1000 * NS_PER_SECOND)) /* counted at once */
#define SLICE_MAX      ((int64_t)(10 * NS_PER_MS))
#define SLICE_MIN      ((int64_t)(50 * NS_PER_US))
#define WEIGHT_NORMAL  256

/* A vcpu runs that long before another one that woke up takes its place. */
static unsigned int opt_ratelimit_us = 500;
OPTION_UINT("sched_ratelimit_us", opt_ratelimit_us,
            "least time in us a vcpu runs before another is preferred to it");

struct sched_unit {
    struct list queue; /* in the CPU's queue while queued */
    struct vcpu *vcpu;
    int64_t credit;
    uint32_t weight;
    uint32_t period;       /* of the CPU: helpings it has had */
    struct sched_cap *cap; /* pays to it too, when not NULL */
    system_time_t started; /* put on its CPU last */
    system_time_t burned;  /* credit is paid up to here, while it runs */
    bool queued;
    bool yielded;
    bool spends; /* counted as one of those that pay to its domain's cap: it runs */
};

struct credit_cpu {
    struct list queue;
    uint32_t period;
    uint32_t load; /* weight in the queue */
} __aligned(64);

static DEFINE_PER_CPU(struct credit_cpu, credit_cpus);

/*
 * Busy CPUs where vcpus wait. What waits for an idle CPU to wake up is not counted: it does not wait
 * long, and the CPU says so itself when it picks and somebody is left.
 */
static struct cpu_mask waiting_mask;

static int64_t ratelimit_ns(void)
{
    return (int64_t)READ_ONCE(opt_ratelimit_us) * (int64_t)NS_PER_US;
}

/* ---- credit ---------------------------------------------------------------------------------- */

static int64_t credit_of_time(const struct sched_unit *unit, int64_t ns)
{
    return likely(unit->weight == WEIGHT_NORMAL) ? ns : ns * WEIGHT_NORMAL / unit->weight;
}

static int64_t time_of_credit(const struct sched_unit *unit, int64_t credit)
{
    return likely(unit->weight == WEIGHT_NORMAL) ? credit : credit * unit->weight / WEIGHT_NORMAL;
}

/* What it would have left at that time, while it runs. */
static int64_t credit_at(const struct sched_unit *unit, system_time_t now)
{
    int64_t ran = min(max(now - unit->burned, (int64_t)0), RAN_MAX);

    return max(unit->credit - credit_of_time(unit, ran), CREDIT_LEAST);
}

/* Pays for the time since it did last. */
static void burn(struct sched_unit *unit, system_time_t now)
{
    unit->credit = credit_at(unit, now);
    unit->burned = max(unit->burned, now);
}

/* The same, and to its domain's cap. */
static void pay(struct sched_unit *unit, system_time_t now)
{
    system_time_t before = unit->burned;

    burn(unit, now);
    if (unlikely(unit->spends)) {
        sched_cap_pay(unit->cap, unit->burned - before);
    }
}

/* True when its domain has nothing left to pay with: the vcpu is not runnable then. */
static bool stopped_by_cap(struct sched_unit *unit, system_time_t now)
{
    return unlikely(unit->cap != NULL) && sched_cap_stops(unit->cap, unit->vcpu, now);
}

static void give(struct sched_unit *unit, int64_t helpings)
{
    unit->credit = min(unit->credit + helpings * CREDIT_INITIAL, CREDIT_INITIAL);
}

/* The helpings it missed since it was last queued on that CPU or ran there. */
static void catch_up(struct sched_unit *unit, const struct credit_cpu *on)
{
    if (unit->period != on->period) {
        give(unit, (int64_t)(uint32_t)(on->period - unit->period));
        unit->period = on->period;
    }
}

/* `first`, who is to run and is not in the queue, has no credit left: a new period. */
static void new_period(struct credit_cpu *on, struct sched_unit *first)
{
    int64_t helpings = 1 + -first->credit / CREDIT_INITIAL;
    struct sched_unit *unit;

    on->period += (uint32_t)helpings;
    list_for_each(unit, &on->queue, queue)
    {
        catch_up(unit, on);
    }
    catch_up(first, on);
}

/*
 * Pays for the time since it did last. What it ran beyond its helping while nobody waited here takes nothing
 * from anybody: its period ended several times over. True when it did.
 */
static bool settle(struct credit_cpu *on, struct sched_unit *unit, system_time_t now, bool alone)
{
    pay(unit, now);
    if (!alone || unit->credit > 0) {
        return false;
    }
    new_period(on, unit);
    return true;
}

/* ---- the queue ------------------------------------------------------------------------------- */

/* Behind those of equal credit. */
static void enqueue(struct sched_unit *unit, unsigned int cpu)
{
    struct credit_cpu *on = &per_cpu(credit_cpus, cpu);
    struct list *before = on->queue.prev;

    catch_up(unit, on);
    while (before != &on->queue &&
           list_entry(before, struct sched_unit, queue)->credit < unit->credit) {
        before = before->prev;
    }
    list_insert_between(&unit->queue, before, before->next);
    unit->queued = true;
    on->load += unit->weight;
    WRITE_ONCE(per_cpu(sched_cpus, cpu).queued, per_cpu(sched_cpus, cpu).queued + 1);
}

static void dequeue(struct sched_unit *unit, unsigned int cpu)
{
    list_remove(&unit->queue);
    unit->queued = false;
    per_cpu(credit_cpus, cpu).load -= unit->weight;
    WRITE_ONCE(per_cpu(sched_cpus, cpu).queued, per_cpu(sched_cpus, cpu).queued - 1);
}

/* ---- balance between CPUs -------------------------------------------------------------------- */

/*
 * The waiting vcpu of `from` whose move to `cpu` leaves the two most even; NULL when each would make
 * it worse. `mine` is the load of `cpu`; 0 when it is idle, then any is good. Both locks held.
 */
static struct sched_unit *best_to_take(unsigned int from, unsigned int cpu, uint32_t mine)
{
    const struct sched_unit *running =
        sched_cpu_idle(from) ? NULL : per_cpu(sched_cpus, from).current->sched;
    uint32_t theirs = per_cpu(credit_cpus, from).load + (running != NULL ? running->weight : 0);
    struct sched_unit *unit, *best = NULL;
    int64_t best_uneven = INT64_MAX;

    list_for_each(unit, &per_cpu(credit_cpus, from).queue, queue)
    {
        int64_t uneven = (int64_t)mine + unit->weight - ((int64_t)theirs - unit->weight);

        if (atomic_read(&unit->vcpu->running) || !sched_cpu_allowed(unit->vcpu, cpu)) {
            continue;
        }
        if (mine == 0) {
            return unit;
        }
        uneven = uneven < 0 ? -uneven : uneven;
        if (mine + unit->weight <= theirs && uneven < best_uneven) {
            best = unit;
            best_uneven = uneven;
        }
    }
    return best;
}

/* Says whether vcpus wait on that busy CPU, whose lock is held. True when they do and did not. */
static bool waiting_update(unsigned int cpu)
{
    bool waiting = !list_empty(&per_cpu(credit_cpus, cpu).queue);

    if (waiting == cpu_mask_test(&waiting_mask, cpu)) {
        return false;
    }
    if (waiting) {
        cpu_mask_set(&waiting_mask, cpu);
    } else {
        cpu_mask_clear(&waiting_mask, cpu);
    }
    return waiting;
}

/* Moves the best vcpu that waits on `other` to the queue of `cpu`. Both locks held. */
static bool take_from(unsigned int other, unsigned int cpu, uint32_t mine)
{
    struct sched_unit *unit = best_to_take(other, cpu, mine);

    if (unit == NULL) {
        return false;
    }
    dequeue(unit, other);
    (void)waiting_update(other);
    unit->period = per_cpu(credit_cpus, cpu).period;
    sched_assign(unit->vcpu, cpu);
    enqueue(unit, cpu);
    return true;
}

/* Takes a vcpu that waits elsewhere into the queue of `cpu`, whose lock is held. */
static bool take_from_others(unsigned int cpu, uint32_t mine)
{
    unsigned int other, distance, last = 0;
    bool missed = false, taken = false;

    /* Once around, starting behind this CPU; the mask changes meanwhile. */
    for (other = cpu; !taken; last = distance) {
        other = sched_mask_next(&waiting_mask, &sched_cpu_mask, NULL, other + 1);
        distance = (other + CONFIG_MAX_CPUS - cpu) % CONFIG_MAX_CPUS;
        if (other >= CONFIG_MAX_CPUS || distance <= last) {
            break;
        }
        if (!spin_trylock(&per_cpu(sched_cpus, other).lock)) {
            missed = true;
            continue;
        }
        taken = take_from(other, cpu, mine);
        spin_unlock(&per_cpu(sched_cpus, other).lock);
    }
    if (missed && !taken && mine == 0) {
        softwork_raise(SOFTWORK_SCHEDULE);
    }
    return taken;
}

/* Nothing to run here: from now on wakers know, and then others' queues are looked at. */
static bool go_idle_or_take(unsigned int cpu)
{
    cpu_mask_set(&sched_idle_mask, cpu);
    return take_from_others(cpu, 0);
}

/* Somebody waits on a busy CPU: an idle CPU may take it. */
static void call_idle_cpu(const struct vcpu *vcpu)
{
    unsigned int cpu;

    memory_barrier(); /* queued before the mask is read: invariant 4 of schedule.c */
    cpu = sched_mask_next(&sched_idle_mask, &vcpu->affinity, NULL, vcpu->processor);
    if (cpu < CONFIG_MAX_CPUS) {
        softwork_raise_on(cpu, SOFTWORK_SCHEDULE);
    }
}

/* Weight that competes for a CPU; without its lock a guess. */
static uint32_t load_of(unsigned int cpu)
{
    const struct sched_unit *running = READ_ONCE(per_cpu(sched_cpus, cpu).current)->sched;

    return READ_ONCE(per_cpu(credit_cpus, cpu).load) +
           (running != NULL ? READ_ONCE(running->weight) : 0);
}

/*
 * The period of `cpu` with that load has ended. Less loaded CPUs look for work at the end of theirs,
 * which one without a time slice would not notice: the least loaded one is made to look.
 */
static void call_less_loaded_cpu(unsigned int cpu, uint32_t load)
{
    unsigned int other, best = cpu;

    for (other = sched_mask_next(&sched_cpu_mask, &sched_cpu_mask, NULL, cpu + 1); other != cpu;
         other = sched_mask_next(&sched_cpu_mask, &sched_cpu_mask, NULL, other + 1)) {
        if (load_of(other) < load) {
            load = load_of(other);
            best = other;
        }
    }
    if (best != cpu) {
        softwork_raise_on(best, SOFTWORK_SCHEDULE);
    }
}

/* Evens out at the end of a period: `load` competes for `cpu`, whose lock is held. */
static void balance(unsigned int cpu, uint32_t load)
{
    if (!take_from_others(cpu, load) && !list_empty(&per_cpu(credit_cpus, cpu).queue)) {
        call_less_loaded_cpu(cpu, load);
    }
}

static unsigned int credit2_pick_cpu(struct vcpu *vcpu)
{
    unsigned int cpu = vcpu->processor;

    if (likely(sched_cpu_allowed(vcpu, cpu)) && cpu_mask_test(&sched_idle_mask, cpu) &&
        cpu_mask_test(&vcpu->affinity_soft, cpu)) {
        return cpu;
    }
    cpu = sched_mask_next(&sched_idle_mask, &vcpu->affinity, &vcpu->affinity_soft, cpu);
    if (cpu >= CONFIG_MAX_CPUS) {
        cpu = sched_mask_next(&sched_idle_mask, &vcpu->affinity, NULL, vcpu->processor);
    }
    if (cpu < CONFIG_MAX_CPUS) {
        return cpu;
    }
    return sched_cpu_allowed(vcpu, vcpu->processor) ? vcpu->processor : sched_least_loaded(vcpu);
}

/* ---- decisions ------------------------------------------------------------------------------- */

static void credit2_wake(struct vcpu *vcpu)
{
    struct sched_cpu *queue = &per_cpu(sched_cpus, vcpu->processor);
    const struct sched_unit *running = queue->current->sched;
    struct sched_unit *unit = vcpu->sched;
    unsigned int cpu = vcpu->processor;

    enqueue(unit, cpu);
    if (likely(queue->current == queue->idle)) {
        cpu_mask_clear(&sched_idle_mask, cpu);
        softwork_raise_on(cpu, SOFTWORK_SCHEDULE);
        return;
    }
    if (!queue->slice_limited || unit->credit > credit_at(running, time_now())) {
        softwork_raise_on(cpu, SOFTWORK_SCHEDULE);
    }
    (void)waiting_update(cpu);
    call_idle_cpu(vcpu);
}

static void credit2_sleep(struct vcpu *vcpu)
{
    if (vcpu->sched->queued) {
        dequeue(vcpu->sched, vcpu->processor);
        (void)waiting_update(vcpu->processor);
    }
}

static void credit2_yield(struct vcpu *vcpu)
{
    vcpu->sched->yielded = true;
}

static void credit2_context_saved(struct vcpu *vcpu)
{
    if (vcpu->sched->queued) {
        call_idle_cpu(vcpu);
    }
}

static void credit2_migrate(struct vcpu *vcpu, unsigned int cpu)
{
    struct sched_unit *unit = vcpu->sched;

    catch_up(unit, &per_cpu(credit_cpus, vcpu->processor));
    unit->period = READ_ONCE(per_cpu(credit_cpus, cpu).period);
}

static struct sched_unit *first_of(struct credit_cpu *on)
{
    return list_empty(&on->queue) ? NULL : list_first(&on->queue, struct sched_unit, queue);
}

/* The first that waits and that its domain's cap lets run: those that it does not leave the queue. */
static struct sched_unit *first_to_run(unsigned int cpu, system_time_t now)
{
    struct credit_cpu *on = &per_cpu(credit_cpus, cpu);
    struct sched_unit *first;

    while ((first = first_of(on)) != NULL && stopped_by_cap(first, now)) {
        dequeue(first, cpu);
        runstate_change(first->vcpu, RUNSTATE_offline, now);
        (void)waiting_update(cpu);
    }
    return first;
}

/* Of the one that runs and the first that waits (either may be NULL, not both). */
static struct sched_unit *better(struct sched_unit *running, struct sched_unit *first,
                                 system_time_t now)
{
    if (running == NULL || first == NULL) {
        return running != NULL ? running : first;
    }
    if (running->yielded) {
        return first;
    }
    if (now - running->started < ratelimit_ns()) {
        return running;
    }
    return running->credit >= first->credit ? running : first;
}

/* How long next may run while `first` waits. */
static system_time_t slice_of(const struct sched_unit *next, const struct sched_unit *first,
                              system_time_t now)
{
    int64_t least, slice = TIME_NEVER;

    if (first != NULL) {
        least = max(ratelimit_ns() - (now - next->started), SLICE_MIN);
        slice = time_of_credit(next, next->credit - first->credit);
        slice = min(max(slice, least), max(SLICE_MAX, least));
    }
    return likely(next->cap == NULL) ? slice : min(slice, sched_cap_slice(next->cap, now));
}

static void end_spending(struct sched_unit *unit)
{
    if (unit != NULL && unlikely(unit->spends)) {
        sched_cap_end(unit->cap, &unit->spends, unit->burned);
    }
}

static struct sched_decision credit2_pick(unsigned int cpu, system_time_t now)
{
    struct sched_cpu *queue = &per_cpu(sched_cpus, cpu);
    struct credit_cpu *on = &per_cpu(credit_cpus, cpu);
    struct sched_unit *prev = queue->current->sched, *running = NULL, *next, *first;
    struct sched_decision decision = { .next = queue->idle, .slice_ns = TIME_NEVER };
    bool ended = false;

    if (prev != NULL) {
        ended = settle(on, prev, now, !queue->slice_limited);
        if (vcpu_runnable(prev->vcpu) && sched_cpu_allowed(prev->vcpu, cpu) &&
            !stopped_by_cap(prev, now)) {
            running = prev;
        }
    }
    while ((first = first_to_run(cpu, now)) == NULL && running == NULL) {
        if (!go_idle_or_take(cpu)) {
            end_spending(prev);
            return decision;
        }
    }
    next = better(running, first, now);
    if (next != prev) {
        end_spending(prev);
        dequeue(next, cpu);
        next->started = next->burned = now;
        if (running != NULL) {
            enqueue(running, cpu);
            decision.prev_queued = true;
        }
    }
    if (unlikely(next->cap != NULL)) {
        decision.to_arm = sched_cap_begin(next->cap, &next->spends, next->burned);
    }
    if (cpu_mask_test(&sched_idle_mask, cpu)) {
        cpu_mask_clear(&sched_idle_mask, cpu);
    }
    if (unlikely(next->credit <= 0)) {
        new_period(on, next);
        ended = true;
    }
    if (ended) {
        balance(cpu, on->load + next->weight);
    }
    first = first_of(on);
    if (waiting_update(cpu)) {
        call_idle_cpu(first->vcpu);
    }
    next->yielded = false;
    decision.next = next->vcpu;
    decision.slice_ns = slice_of(next, first, now);
    return decision;
}

/* ---- life ------------------------------------------------------------------------------------ */

static int credit2_cpu_init(unsigned int cpu)
{
    list_init(&per_cpu(credit_cpus, cpu).queue);
    return 0;
}

static int credit2_vcpu_init(struct vcpu *vcpu)
{
    struct sched_unit *unit = heap_new(struct sched_unit);

    if (unit == NULL) {
        return -XEN_ENOMEM;
    }
    list_init(&unit->queue);
    unit->vcpu = vcpu;
    unit->credit = CREDIT_INITIAL;
    unit->weight = vcpu->domain->sched_weight;
    unit->period = READ_ONCE(per_cpu(credit_cpus, vcpu->processor).period);
    unit->cap = vcpu->domain->sched_cap_percent != 0 ? vcpu->domain->sched_cap : NULL;
    vcpu->sched = unit;
    return 0;
}

static void credit2_vcpu_fini(struct vcpu *vcpu)
{
    BUG_ON(vcpu->sched->queued);
    heap_free(vcpu->sched);
    vcpu->sched = NULL;
}

static void credit2_set_weight(struct vcpu *vcpu, uint32_t weight)
{
    struct sched_unit *unit = vcpu->sched;

    if (unit->queued) {
        per_cpu(credit_cpus, vcpu->processor).load += weight - unit->weight;
    }
    unit->weight = weight;
}

static void credit2_set_cap(struct vcpu *vcpu, struct sched_cap *cap)
{
    struct sched_unit *unit = vcpu->sched;

    end_spending(unit);
    unit->cap = cap;
}

static void credit2_dump(unsigned int cpu)
{
    pr_info("  period %u, load %u, %u waiting\n", per_cpu(credit_cpus, cpu).period,
            per_cpu(credit_cpus, cpu).load, per_cpu(sched_cpus, cpu).queued);
}

static bool credit2_valid(unsigned int cpu)
{
    const struct credit_cpu *on = &per_cpu(credit_cpus, cpu);
    const struct sched_unit *unit, *before = NULL;
    unsigned int count = 0;
    uint32_t load = 0;

    list_for_each(unit, &on->queue, queue)
    {
        if (!unit->queued || unit->spends || unit->vcpu->processor != cpu ||
            unit->period != on->period || unit->vcpu->runstate.state != RUNSTATE_runnable ||
            unit->credit > CREDIT_INITIAL || !sched_cpu_allowed(unit->vcpu, cpu) ||
            (before != NULL && before->credit < unit->credit)) {
            return false;
        }
        before = unit;
        count++;
        load += unit->weight;
    }
    return count == per_cpu(sched_cpus, cpu).queued && load == on->load;
}

const struct sched_policy sched_policy_credit2 = {
    .name = "credit2: fair shares by weight",
    .option = "credit2",
    .id = XEN_SCHEDULER_CREDIT2,
    .cpu_init = credit2_cpu_init,
    .vcpu_init = credit2_vcpu_init,
    .vcpu_fini = credit2_vcpu_fini,
    .pick_cpu = credit2_pick_cpu,
    .wake = credit2_wake,
    .sleep = credit2_sleep,
    .yield = credit2_yield,
    .pick = credit2_pick,
    .context_saved = credit2_context_saved,
    .migrate = credit2_migrate,
    .set_weight = credit2_set_weight,
    .set_cap = credit2_set_cap,
    .ratelimit_us = &opt_ratelimit_us,
    .dump = credit2_dump,
    .valid = credit2_valid,
};
