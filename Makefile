# SPDX-License-Identifier: GPL-2.0-or-later
# Copyright (C) the Xenios authors
#
# make              build/xenios and, beside it, .elf .sym .asm .map
# make help         every other target
#
# Everything made lands under $(O) (build/ by default); no file is written elsewhere.

MAKEFLAGS += --no-builtin-rules --no-builtin-variables
.SUFFIXES:
.DELETE_ON_ERROR:
.DEFAULT_GOAL := all

O            ?= build
CC           ?= gcc
ifeq ($(origin CC),default)
CC           := gcc
endif
FUZZ_CC      ?= clang-14
AR           ?= ar
ifeq ($(origin AR),default)
AR           := ar
endif
LD           := ld
NM           := nm
OBJCOPY      := objcopy
OBJDUMP      := objdump
SIZE         := size
PYTHON       := /usr/bin/python3
FUZZ_SECONDS ?= $(if $(filter fuzz,$(MAKECMDGOALS)),3600,10)
SOAK_SECONDS ?= 600

ifeq ($(V),1)
quiet :=
say   := @:
else
quiet := @
say   := $(if $(findstring s,$(filter-out -%,$(firstword x$(MAKEFLAGS)))),@:,@printf '  %-7s %s\n')
endif

# --- Goals that only pass on to a script and need no configuration -------------------------

simple_goals := help clean mrproper run run-reference system check format test soak images deps bench \
	coverage fuzz mutants
needs_config := $(if $(MAKECMDGOALS),$(filter-out $(simple_goals),$(MAKECMDGOALS)),all)

# --- Packages --------------------------------------------------------------------------------

deps_stamp = build/deps/$(1).stamp

build/deps/%.stamp: scripts/deps
	$(quiet)mkdir -p $(@D)
	$(quiet)scripts/deps $*
	$(quiet)touch $@

# --- Configuration ---------------------------------------------------------------------------

config     := $(O)/.config
generated  := $(O)/generated
autoconf   := $(generated)/autoconf.h
KCONFIG_GOAL ?= defconfig
export KCONFIG_CONFIG := $(config)

kconfig_goals := menuconfig olddefconfig oldconfig alldefconfig allnoconfig allyesconfig

.PHONY: defconfig $(kconfig_goals) savedefconfig
defconfig: $(call deps_stamp,build)
	$(quiet)mkdir -p $(O)
	$(quiet)$(PYTHON) -m defconfig --kconfig Kconfig configs/defconfig

release-config: $(call deps_stamp,build)
	$(quiet)mkdir -p $(O)
	$(quiet)$(PYTHON) -m defconfig --kconfig Kconfig configs/release.config

$(kconfig_goals): $(call deps_stamp,build)
	$(quiet)mkdir -p $(O)
	$(quiet)$(PYTHON) -m $@ Kconfig

savedefconfig: $(config)
	$(quiet)$(PYTHON) -m savedefconfig --kconfig Kconfig --out configs/defconfig

ifneq ($(filter-out $(kconfig_goals) defconfig release-config savedefconfig,$(needs_config)),)
-include $(config)

# A missing configuration is the default one; a changed Kconfig fills in what is new.
$(config): Kconfig | $(call deps_stamp,build)
	$(say) KCONFIG $@
	$(quiet)mkdir -p $(O)
	$(quiet)if [ -f $@ ]; then $(PYTHON) -m olddefconfig Kconfig; \
		else $(PYTHON) -m defconfig --kconfig Kconfig configs/$(KCONFIG_GOAL); fi >/dev/null
	$(quiet)touch $@
endif

$(autoconf): $(config) Kconfig | $(call deps_stamp,build)
	$(quiet)mkdir -p $(@D)
	$(quiet)$(PYTHON) -m genconfig --header-path $@ Kconfig
	$(quiet)touch $@

# The visibility makes every reference RIP-relative: no global offset table is needed.
visibility := $(generated)/visibility.h
$(visibility): Makefile
	$(quiet)mkdir -p $(@D)
	$(quiet)printf '%s\n' '/* Made by the Makefile. */' '#pragma GCC visibility push(hidden)' >$@

# The C library's headers bring some names that are the project's own.
host_names := $(generated)/host_names.h
$(host_names): Makefile
	$(quiet)mkdir -p $(@D)
	$(quiet)printf '%s\n' '/* Made by the Makefile. */' '#include <sys/cdefs.h>' \
		'#undef __always_inline' >$@

# The public Xen headers, and no other header of the system, for freestanding code.
abi := $(O)/abi/xen
$(abi): | $(call deps_stamp,build)
	$(quiet)mkdir -p $(@D)
	$(quiet)ln -sfn /usr/include/xen $@

# --- Flags -----------------------------------------------------------------------------------

warnings := -Wall -Wextra -Wmissing-prototypes -Wstrict-prototypes -Wvla -Wshadow -Wundef \
	-Wno-unused-parameter -Werror
common   := -std=gnu11 -g -fno-strict-aliasing -fno-common -D__XEN_TOOLS__ \
	-include $(autoconf) -fmacro-prefix-map=$(CURDIR)/=

metal_cpp := -nostdinc -isystem $(shell $(CC) -print-file-name=include) -isystem $(O)/abi \
	-Ihypervisor/include -I. -Ihypervisor/arch/x86/include
metal_isa := -m64 -march=x86-64 -mno-red-zone -mno-mmx -mno-sse -mno-sse2 -mno-80387 \
	-mgeneral-regs-only
metal_cflags := $(common) $(metal_cpp) $(metal_isa) $(warnings) -O2 -ffreestanding \
	-fpie -include $(visibility) -fno-stack-protector -fcf-protection=none \
	-fno-asynchronous-unwind-tables -ffunction-sections -fdata-sections
metal_aflags := -D__ASSEMBLY__ -g -include $(autoconf) $(metal_cpp) -m64 \
	-D__XEN_TOOLS__
# What scripts/check adds.
ANALYZE ?=
metal_cflags += $(ANALYZE)
ifeq ($(CONFIG_DEBUG),y)
metal_cflags += -fno-omit-frame-pointer
endif
ifeq ($(CONFIG_RETPOLINES),y)
metal_cflags += $(if $(findstring clang,$(CC)),-mretpoline-external-thunk, \
	-mindirect-branch=thunk-extern -mindirect-branch-register -fno-jump-tables)
endif

host_cpp     := -isystem $(O)/abi -Ihypervisor/include -I. -Ihypervisor/arch/host/include \
	-Ihypervisor/arch/x86/include -DXENIOS_HOST -include $(host_names)
SANITIZE     ?= address,undefined
host_san     := $(if $(SANITIZE),-fsanitize=$(SANITIZE) -fno-sanitize-recover=all)
# What scripts/coverage adds.
INSTRUMENT   ?=
host_cflags  := $(common) $(host_cpp) $(warnings) -O1 -fno-omit-frame-pointer $(host_san) \
	$(INSTRUMENT)
host_libs    := -lcmocka -llzma -lz -lzstd -llz4 -lpthread
fuzz_cflags  := $(common) $(host_cpp) $(warnings) -O1 -fno-omit-frame-pointer \
	-fsanitize=fuzzer-no-link,address,undefined -fno-sanitize-recover=all $(INSTRUMENT)

# --- Sources ---------------------------------------------------------------------------------

include hypervisor/sources.mk

sources_of = $(foreach f,$(1),$(sort $(wildcard hypervisor/$(f)/*.c hypervisor/$(f)/*.S)))
# The linker script is preprocessed on its own.
metal_sources := $(filter-out %.lds.S,$(call sources_of,$(sort $(both-y) $(metal-y))))
host_sources  := $(filter %.c,$(call sources_of,$(sort $(both-y) $(host-y))))
objects_of     = $(patsubst %.c,$(1)/%.o,$(patsubst %.S,$(1)/%.S.o,$(2)))
metal_objects := $(call objects_of,$(O)/metal,$(metal_sources))
host_objects  := $(call objects_of,$(O)/host,$(host_sources))
fuzz_objects  := $(call objects_of,$(O)/fuzz,$(host_sources))
linker_script := hypervisor/arch/x86/xenios.lds.S

static_library = $(shell $(CC) -print-file-name=$(1))
metal_libs-$(CONFIG_KERNEL_XZ)   += $(call static_library,liblzma.a)
metal_libs-$(CONFIG_KERNEL_GZIP) += $(call static_library,libz.a)
metal_libs-$(CONFIG_KERNEL_ZSTD) += $(call static_library,libzstd.a)
metal_libs-$(CONFIG_KERNEL_LZ4)  += $(call static_library,liblz4.a)

# An object depends on the text of its flags: another CC or O rebuilds what it must.
flags_files := $(O)/metal.flags $(O)/host.flags $(O)/fuzz.flags
$(O)/metal.flags: flags_text = $(CC) $(metal_cflags) $(metal_aflags)
$(O)/host.flags:  flags_text = $(CC) $(host_cflags)
$(O)/fuzz.flags:  flags_text = $(FUZZ_CC) $(fuzz_cflags)
$(flags_files): FORCE
	$(quiet)mkdir -p $(@D)
	$(quiet)echo '$(flags_text)' | cmp -s - $@ || echo '$(flags_text)' >$@
.PHONY: FORCE
FORCE:

prerequisites := $(autoconf) $(visibility) $(host_names) | $(abi) $(call deps_stamp,build)

# --- The hypervisor --------------------------------------------------------------------------

.PHONY: all objects
all: $(O)/xenios $(O)/xenios.sym $(O)/xenios.asm

# Compile without linking.
objects: $(metal_objects)

$(O)/metal/%.o: %.c $(O)/metal.flags $(prerequisites)
	$(say) CC $<
	$(quiet)mkdir -p $(@D)
	$(quiet)$(CC) $(metal_cflags) -MMD -MP -c -o $@ $<

# The decompressors' headers are the system's, with the C library's types beneath them.
$(O)/metal/hypervisor/arch/x86/dom0/decompress/%.o: metal_cflags += \
	-idirafter /usr/include/x86_64-linux-gnu -idirafter /usr/include

# clang's own assembler knows less of GNU's syntax.
gnu_assembler := $(if $(findstring clang,$(CC)),-fno-integrated-as)

$(O)/metal/%.S.o: %.S $(O)/metal.flags $(prerequisites)
	$(say) AS $<
	$(quiet)mkdir -p $(@D)
	$(quiet)$(CC) $(metal_aflags) $(gnu_assembler) -MMD -MP -c -o $@ $<

$(O)/xenios.lds: $(linker_script) $(O)/metal.flags $(prerequisites)
	$(say) LDS $<
	$(quiet)$(CC) -E -P -x assembler-with-cpp $(metal_aflags) -D__LINKER_SCRIPT__ \
		-MMD -MP -MT $@ -MF $@.d -o $@ $<

link_inputs := $(O)/xenios.lds $(metal_objects) $(O)/metal.flags scripts/link scripts/symbols
$(O)/xenios.elf: $(link_inputs)
	$(say) LINK $@
	$(quiet)CC='$(CC)' LD='$(LD)' NM='$(NM)' PYTHON='$(PYTHON)' \
		scripts/link $(O) $(O)/xenios.lds $(metal_objects) -- $(metal_libs-y)

$(O)/xenios: $(O)/xenios.elf
	$(say) IMAGE $@
	$(quiet)$(OBJCOPY) -O binary $< $@

$(O)/xenios.sym: $(O)/xenios.elf
	$(quiet)$(NM) -n $< >$@

$(O)/xenios.asm: $(O)/xenios.elf
	$(say) DUMP $@
	$(quiet)$(OBJDUMP) -d $< >$@

.PHONY: size
size: $(O)/xenios.elf
	$(quiet)$(SIZE) $<
	$(quiet)printf 'source lines of this configuration: '; cat $(metal_sources) | wc -l

# --- The host library ------------------------------------------------------------------------

$(O)/host/hypervisor/%.o: hypervisor/%.c $(O)/host.flags $(prerequisites)
	$(say) HOSTCC $<
	$(quiet)mkdir -p $(@D)
	$(quiet)$(CC) $(host_cflags) -MMD -MP -c -o $@ $<

$(O)/fuzz/hypervisor/%.o: hypervisor/%.c $(O)/fuzz.flags $(prerequisites)
	$(say) FUZZCC $<
	$(quiet)mkdir -p $(@D)
	$(quiet)$(FUZZ_CC) $(fuzz_cflags) -MMD -MP -c -o $@ $<

$(O)/host/libxenioscore.a: $(host_objects)
$(O)/fuzz/libxenioscore.a: $(fuzz_objects)
$(O)/host/libxenioscore.a $(O)/fuzz/libxenioscore.a:
	$(say) AR $@
	$(quiet)mkdir -p $(@D)
	$(quiet)rm -f $@ && $(AR) rcs $@ $(filter %.o,$^)

.PHONY: host print-flags
host: $(O)/host/libxenioscore.a

# For scripts/check-headers: line 1 the hypervisor's, line 2 the host's.
print-flags:
	@echo '$(metal_cflags)'
	@echo '$(host_cflags)'

# --- The probe guests ------------------------------------------------------------------------

# Without the visibility: they are linked to one place. The hypervisor's lib serves them, too.
guest_cflags := $(common) -nostdinc -isystem $(shell $(CC) -print-file-name=include) \
	-isystem $(O)/abi -Ihypervisor/include -I. -Iguests -m64 -march=x86-64 -mno-red-zone \
	-mgeneral-regs-only -mcmodel=kernel -fno-pic -fno-pie $(warnings) -O2 -ffreestanding \
	-fno-stack-protector -fcf-protection=none -fno-asynchronous-unwind-tables \
	-fno-omit-frame-pointer
guest_aflags := -D__ASSEMBLY__ -g -isystem $(O)/abi -I. -Iguests -m64 -D__XEN_TOOLS__
guest_sources := $(sort $(wildcard guests/lib/*.[cS] guests/probe/*.[cS])) \
	hypervisor/lib/printf.c hypervisor/lib/number.c $(sort $(wildcard hypervisor/lib/freestanding/*.c))
guest_objects := $(call objects_of,$(O)/guests,$(guest_sources))

$(O)/guests.flags: flags_text = $(CC) $(guest_cflags) $(guest_aflags)
$(O)/guests.flags: FORCE
	$(quiet)mkdir -p $(@D)
	$(quiet)echo '$(flags_text)' | cmp -s - $@ || echo '$(flags_text)' >$@

$(O)/guests/%.o: %.c $(O)/guests.flags $(prerequisites)
	$(say) CC $<
	$(quiet)mkdir -p $(@D)
	$(quiet)$(CC) $(guest_cflags) -MMD -MP -c -o $@ $<

$(O)/guests/%.S.o: %.S $(O)/guests.flags $(prerequisites)
	$(say) AS $<
	$(quiet)mkdir -p $(@D)
	$(quiet)$(CC) $(guest_aflags) $(gnu_assembler) -MMD -MP -c -o $@ $<

$(O)/guests/probe.elf: guests/guest.lds $(guest_objects) $(O)/guests.flags
	$(say) LINK $@
	$(quiet)$(LD) -m elf_x86_64 -nostdlib -static -no-pie -z noexecstack -z max-page-size=4096 \
		--build-id=none --no-warn-rwx-segments --fatal-warnings -T $< -o $@ $(guest_objects)

.PHONY: guests
guests: $(O)/guests/probe.elf

# --- Test programs ---------------------------------------------------------------------------

programs_of    = $(patsubst tests/$(1)/%.c,$(O)/tests/$(1)/%,$(sort $(wildcard tests/$(1)/*.c)))
unit_programs  := $(call programs_of,unit)
model_programs := $(call programs_of,model)
fuzz_programs  := $(call programs_of,fuzz)
proofs         := $(sort $(wildcard tests/proof/*.c))
support        := $(sort $(wildcard tests/support/*.c))
test_prereq    := $(call deps_stamp,test)

$(O)/tests/support/host/%.o: tests/support/%.c $(O)/host.flags $(prerequisites) $(test_prereq)
	$(quiet)mkdir -p $(@D)
	$(quiet)$(CC) $(host_cflags) -Itests -MMD -MP -c -o $@ $<

$(O)/tests/support/fuzz/%.o: tests/support/%.c $(O)/fuzz.flags $(prerequisites) $(test_prereq)
	$(quiet)mkdir -p $(@D)
	$(quiet)$(FUZZ_CC) $(fuzz_cflags) -Itests -MMD -MP -c -o $@ $<

support_host := $(support:tests/support/%.c=$(O)/tests/support/host/%.o)
support_fuzz := $(support:tests/support/%.c=$(O)/tests/support/fuzz/%.o)

$(unit_programs) $(model_programs): $(O)/tests/%: tests/%.c $(O)/host/libxenioscore.a \
		$(support_host) $(O)/host.flags $(prerequisites) $(test_prereq)
	$(say) TEST $<
	$(quiet)mkdir -p $(@D)
	$(quiet)$(CC) $(host_cflags) -Itests -MMD -MP -MF $@.d -o $@ $< $(support_host) \
		$(O)/host/libxenioscore.a $(host_libs)

$(fuzz_programs): $(O)/tests/%: tests/%.c $(O)/fuzz/libxenioscore.a $(support_fuzz) \
		$(O)/fuzz.flags $(prerequisites) $(test_prereq)
	$(say) FUZZ $<
	$(quiet)mkdir -p $(@D)
	$(quiet)$(FUZZ_CC) $(fuzz_cflags) -fsanitize=fuzzer -Itests -MMD -MP -MF $@.d -o $@ $< \
		$(support_fuzz) $(O)/fuzz/libxenioscore.a $(host_libs)

.PHONY: unit model fuzz-smoke fuzz proofs system test soak check format coverage mutants \
	test-programs
unit: $(unit_programs)
	$(quiet)scripts/run-programs $^
model: $(model_programs)
	$(quiet)scripts/run-programs $^
fuzz-smoke: $(fuzz_programs)
	$(quiet)FUZZ_SECONDS=$(FUZZ_SECONDS) scripts/run-fuzz $^
proofs: $(abi) $(autoconf) $(host_names) $(test_prereq)
	$(quiet)scripts/run-proofs $(proofs)
test-programs: $(unit_programs) $(model_programs) $(fuzz_programs) $(autoconf) $(host_names) $(abi)

system: $(call deps_stamp,run) $(test_prereq) all
	$(quiet)tests/run-tests.py --only system

test: $(call deps_stamp,run) $(test_prereq)
	$(quiet)tests/run-tests.py

soak: $(call deps_stamp,run) $(test_prereq)
	$(quiet)SOAK_SECONDS=$(SOAK_SECONDS) tests/run-tests.py --only system -j 1 -m slow -k soak

# Hours, not the seconds that `make test` has for each target.
fuzz: $(test_prereq)
	$(quiet)$(MAKE) --no-print-directory FUZZ_SECONDS=$(FUZZ_SECONDS) fuzz-smoke

coverage: $(call deps_stamp,coverage)
	$(quiet)scripts/coverage 90

mutants: $(test_prereq)
	$(quiet)tests/mutants/run

check: $(call deps_stamp,check)
	$(quiet)scripts/check

format: $(call deps_stamp,check)
	$(quiet)git ls-files --cached --others --exclude-standard '*.c' '*.h' | \
		xargs clang-format-14 -i

# --- Machines --------------------------------------------------------------------------------

.PHONY: images run run-reference bench
images: $(call deps_stamp,run)
	$(quiet)dom0/build-toolstack

run: $(call deps_stamp,run) all images
	$(quiet)scripts/run $(O)/xenios

run-reference: $(call deps_stamp,run) images
	$(quiet)dom0/fetch-reference
	$(quiet)scripts/run build/reference/xen

# The release configuration is what Debian's package of Xen is, too.
bench: $(call deps_stamp,bench) images
	$(quiet)$(MAKE) --no-print-directory O=build/release release-config
	$(quiet)$(MAKE) --no-print-directory O=build/release
	$(quiet)bench/run --image build/release/xenios

# --- The rest --------------------------------------------------------------------------------

.PHONY: clean mrproper help deps
deps: $(foreach set,build test run check bench,$(call deps_stamp,$(set)))

clean:
	$(quiet)rm -rf $(O)/metal $(O)/host $(O)/fuzz $(O)/guests $(O)/tests $(O)/generated $(O)/abi \
		$(O)/xenios* $(O)/*.flags

mrproper:
	$(quiet)rm -rf build

help:
	@sed -n 's/^#?  //p' Makefile
#?  all            build/xenios (flat multiboot image), .elf .sym .asm .map   [default]
#?  objects        compile the hypervisor without linking it
#?  guests         build/guests/probe.elf: the PV guest that tries what a hostile one tries
#?  host           build/host/libxenioscore.a: the same core for this machine
#?  size           text, data, bss and source lines
#?  defconfig menuconfig olddefconfig allnoconfig allyesconfig savedefconfig release-config
#?  unit model fuzz-smoke proofs system     one kind of tests
#?  test           all of them; the last line is "N passed, N failed"
#?  soak           SOAK_SECONDS of load on each of four machines; not in test
#?  fuzz           every fuzz target for FUZZ_SECONDS, here 3600
#?  coverage       which lines of the core the host's tests reach; fails below 90 %
#?  mutants        plants faults one at a time; each has to make some test fail
#?  check          format, layers, headers, budgets, analysis, other configurations
#?  run            boot Xenios in QEMU, on this terminal; Debian's xl starts a guest on it
#?  run-reference  the same with Debian's Xen
#?  bench          measure Xenios beside Debian's Xen; writes PERFORMANCE.md
#?  clean mrproper deps help
#?  Variables: V=1 O=build CC=gcc|clang FUZZ_CC=clang-14 FUZZ_SECONDS=10 SOAK_SECONDS=600 SANITIZE=

-include $(metal_objects:.o=.d) $(host_objects:.o=.d) $(fuzz_objects:.o=.d) $(O)/xenios.lds.d
-include $(addsuffix .d,$(unit_programs) $(model_programs) $(fuzz_programs))
-include $(support_host:.o=.d) $(support_fuzz:.o=.d) $(guest_objects:.o=.d)
