/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Copyright (C) the Xenios authors */
/*
 * Every lock class with its level, lowest first: a CPU that holds a lock may take only locks that
 * stand further down. One line a class: what it protects.
 *
 * Classes from LOCK_INTERRUPT on may be taken in interrupt context and are therefore always taken
 * with interrupts off; the others never are taken in interrupt context. So whatever an interrupt
 * takes stands below whatever the interrupted code holds.
 */
#ifndef HYPERVISOR_LOCK_CLASS_H
#define HYPERVISOR_LOCK_CLASS_H

enum lock_class {
    LOCK_NONE,         /* unchecked */
    LOCK_DOMCTL,       /* the toolstack's operations, one at a time */
    LOCK_DOMAIN,       /* struct domain: life cycle */
    LOCK_VCPU_STATE,   /* vcpu bring-up and context replacement */
    LOCK_PCI_DEVICES,  /* the list of PCI devices and their message interrupts */
    LOCK_IRQ_MAP,      /* a domain's pirq table */
    LOCK_MMU,          /* PV page-table updates of a domain */
    LOCK_GRANT,        /* a grant table */
    LOCK_GRANT_MAP,    /* a map-track table */
    LOCK_GRANT_ACTIVE, /* one active grant entry */
    LOCK_DESCRIPTOR,   /* a vcpu's LDT shadow */
    LOCK_P2M,          /* a physical map: its entries and its pool of tables */
    LOCK_EVENT,        /* a domain's event ports */
    LOCK_PAGE_LIST,    /* a domain's frames and their count */
    LOCK_RANGESET,     /* one set of ranges */
    LOCK_HEAP,         /* small-object heap */
    LOCK_FRAME_POOL,   /* buddy allocator of a NUMA node */
    LOCK_PAGING,       /* the hypervisor's own page tables, vmap */
    LOCK_DOMAIN_LIST,  /* the table of domains; nothing is taken inside */
    LOCK_CALL,         /* cross-CPU calls and TLB flushes */
    LOCK_INTERRUPT,    /* no lock: the border */
    LOCK_EVENT_PORT,   /* one event port (interrupt context too) */
    LOCK_EVENT_QUEUE,  /* a FIFO queue (interrupt context too) */
    LOCK_IRQ,          /* one interrupt descriptor (interrupt context too) */
    LOCK_IRQ_VECTOR,   /* vector allocation */
    LOCK_IOAPIC,       /* IO-APIC registers */
    LOCK_PCI,          /* configuration space access (interrupt context too) */
    LOCK_PAUSE,        /* a domain's pause counts and flags (interrupt context too) */
    LOCK_WORK,         /* deferred work queues */
    LOCK_TIMER,        /* a CPU's timers (interrupt context too) */
    LOCK_SCHED,        /* a run queue (interrupt context too) */
    LOCK_SCHED_CAP,    /* a domain's budget of CPU time (interrupt context too) */
    LOCK_TIME,         /* clock source calibration, wall clock */
    LOCK_TRACE,        /* trace buffers */
    LOCK_CONSOLE,      /* the console: the last, so that anybody may print */
    LOCK_CLASS_COUNT,
};

#endif
