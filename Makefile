# The targets a person needs; each installs what it needs first. Start with `make demo`.
SHELL := /bin/bash
.DEFAULT_GOAL := build
.DELETE_ON_ERROR:
.PHONY: build demo demo-overlay demo-use-cluster deploy undeploy check test model chaos bench bench-quick bench-scale bench-compare bench-builds bench-instructions bench-apply bench-idle bench-coherence bench-lease bench-host-rules lint sabotage manifests images dockerfile clean

export DOTNET_CLI_TELEMETRY_OPTOUT := 1
export DOTNET_NOLOGO := 1
# A minimal system has no ICU; nothing here depends on a culture.
export DOTNET_SYSTEM_GLOBALIZATION_INVARIANT := 1
# Build servers would outlive the target and hold memory.
export MSBUILDDISABLENODEREUSE := 1

DOTNET_QUIET := --nologo --verbosity quiet -p:UseSharedCompilation=false
BIN := artifacts/bin
SHARED := Directory.Build.props Directory.Packages.props eng/Shipped.props nuget.config global.json .editorconfig
sources = $(shell find $(1) \( -name bin -o -name obj \) -prune -o -type f ! -name 'packages*.lock.json' -print) $(SHARED)

build: ## the agent, the operator and the lab, in artifacts/bin
	@eng/prerequisites.sh && eng/packages.sh build
	@$(MAKE) --silent --no-print-directory $(BIN)/oncache-agent $(BIN)/oncache-operator $(BIN)/oncache-lab

# program NAME FOLDERS: how it is built, for this machine and for its image; of which folders beside its own it is made.
define program
$(BIN)/oncache-$(1): $(call sources,$(1) $(2))
	@echo "Building oncache-$(1)"
	@dotnet publish $(1) -c Release -o artifacts/publish/$(1) $(DOTNET_QUIET)
	@install -D artifacts/publish/$(1)/oncache-$(1) $$@

artifacts/publish/$(1)-image/oncache-$(1): $(call sources,$(1) $(2))
	@echo "Building oncache-$(1) for its image"
	@rm -rf $$(@D)
	@dotnet publish $(1) -c Image -o $$(@D) $(DOTNET_QUIET)
	@touch $$@
endef
$(eval $(call program,agent,api bpf kubernetes))
$(eval $(call program,operator,api kubernetes))
$(eval $(call program,lab,kubernetes))

demo: build ## in a real two-node Kubernetes: install, apply a policy, before and after
	@eng/cluster-prerequisites.sh
	@eng/packages.sh run
	@eng/kubernetes.sh all || { echo "oncache: without a cluster there is ./demo.sh overlay" >&2; exit 1; }
	@$(MAKE) --silent --no-print-directory images
	@$(BIN)/oncache-lab demo cluster

demo-overlay: build ## the same without Kubernetes: pod-to-pod traffic over the plain overlay and with OnCache, side by side
	@eng/packages.sh run
	@$(BIN)/oncache-lab demo overlay

demo-use-cluster: build ## in the cluster that KUBECONFIG names, after asking; DEMO_OPTIONS: --yes, --keep
	@$(BIN)/oncache-lab demo use-cluster $(DEMO_OPTIONS)

deploy: ## OnCache into the cluster that kubectl talks to
	@command -v kubectl >/dev/null || { echo "deploy: kubectl is not on PATH: install it, it talks to the cluster" >&2; exit 1; }
	@kubectl apply --validate=false -k config/default
	@kubectl -n oncache-system rollout status deployment/oncache-operator --timeout=120s
	@kubectl -n oncache-system rollout status daemonset/oncache-agent --timeout=120s

undeploy: ## and out of it again, off its nodes too, also where an agent could not clean its own
	@eng/undeploy.sh

check: ## the fast tier, without root, in less than two minutes; BASE=COMMIT: what is changed differs from it
	@BASE="$(BASE)" eng/check.sh

test: images ## every test
	@eng/packages.sh run model bench faults
	@eng/kubernetes.sh all
	@eng/kubernetes.sh cel || echo "The rules in CEL will not be tried: there is no server that knows CEL"
	@echo "Building the tests"
	@dotnet build OnCache.sln -c Release $(DOTNET_QUIET)
	@ONCACHE_TESTED_AGENT=$(abspath artifacts/publish/agent-image/oncache-agent) eng/run-tests.sh

model: ## the protocol of coherence and its negative variants, by spin
	@eng/packages.sh model
	@model/check.sh

chaos: build ## ten minutes of random events under traffic, judged by an oracle; SEED=N repeats a run, DURATION=N changes its seconds
	@eng/packages.sh run faults
	@eng/kubernetes.sh api
	@$(BIN)/oncache-lab chaos $(if $(SEED),--seed $(SEED)) $(if $(DURATION),--seconds $(DURATION))

bench: build ## host, overlay, OnCache side by side, in 15 minutes: table, artifacts/bench/latest.json and .html; BENCH_OPTIONS: --suite full, --only tcp-rr,...
	@eng/packages.sh run bench
	@$(BIN)/oncache-lab bench run $(BENCH_OPTIONS)

bench-quick: build ## the same as a look, in less than two minutes
	@eng/packages.sh run bench
	@$(BIN)/oncache-lab bench run --suite quick --output artifacts/bench/quick $(BENCH_OPTIONS)

bench-scale: build ## cost of a packet against the sizes of the caches, their memory; artifacts/bench/scale.json and .html
	@eng/packages.sh run bench
	@$(BIN)/oncache-lab bench scale

bench-compare: build ## what changed from result A to result B beyond the noise; fails when OnCache became worse
	@test -n "$(A)" -a -n "$(B)" || { echo "bench-compare: name two results: make bench-compare A=before.json B=after.json" >&2; exit 2; }
	@$(BIN)/oncache-lab bench compare "$(A)" "$(B)"

bench-builds: build ## the agent of BASE=COMMIT and this one in the same rounds; fails when this one is slower. ONLY=tcp-rr,... runs a part
	@test -n "$(BASE)" || { echo "bench-builds: name the commit to compare with: make bench-builds BASE=HEAD" >&2; exit 2; }
	@eng/packages.sh run bench
	@former=$$(eng/build-agent.sh "$(BASE)") && $(BIN)/oncache-lab bench builds --base "$$former" $(if $(ONLY),--only "$(ONLY)") $(if $(ROUNDS),--rounds "$(ROUNDS)")

bench-instructions: build ## exact counts of instructions per transaction, in an emulator, beside docs/instructions.json; fails when one rose. RECORD=1 replaces those
	@eng/packages.sh run guest
	@mkdir -p artifacts/bench
	@kernel=$$(eng/kernels.sh trixie) && eng/guest.sh --count "$$kernel" artifacts/bench/instructions.json \
		env DOTNET_TieredCompilation=0 $(BIN)/oncache-lab bench count --output /run/exchange/out
	@$(BIN)/oncache-lab bench instructions artifacts/bench/instructions.json $(if $(RECORD),--record)

bench-idle: images ## an agent that has nothing to do: until it is ready, memory, CPU time, wake-ups
	@eng/packages.sh run
	@eng/idle.sh

bench-apply: images ## in a real cluster: from a policy's write and deletion to the packets of an established flow
	@eng/kubernetes.sh all
	@mkdir -p artifacts/bench
	@$(BIN)/oncache-lab bench apply --json artifacts/bench/apply.json

bench-coherence: build ## how long cached verdicts outlive what made them wrong, with a million flows; figures in artifacts/bench
	@eng/packages.sh run
	@eng/kubernetes.sh api
	@mkdir -p artifacts/bench
	@$(BIN)/oncache-lab bench coherence --json artifacts/bench/coherence.json

bench-lease: build ## what each lease costs a busy flow, 10,000 slow ones and short connections; artifacts/bench/lease.json and .html
	@eng/packages.sh run bench
	@$(BIN)/oncache-lab bench lease

bench-host-rules: build ## what the agent pays while kube-proxy's rules are written again and again; fails when it flushes; artifacts/bench/host-rules.json and .html
	@eng/packages.sh run bench
	@$(BIN)/oncache-lab bench host-rules

sabotage: ## the tests are tested: each patch of tests/sabotage breaks a property, and the tests that it names must notice; ONLY=NAME runs one
	@eng/prerequisites.sh && eng/packages.sh build
	@eng/packages.sh run model
	@eng/sabotage.sh $(ONLY)

lint: ## style of C#, scripts and eBPF C; drift of generated manifests
	@eng/prerequisites.sh && eng/packages.sh build lint
	@dotnet restore OnCache.sln $(DOTNET_QUIET)
	@eng/lint.sh
	@echo "Checking that config/crd is what the types say"
	@eng/manifests.sh --check

manifests: ## config/crd from the types in api/
	@eng/prerequisites.sh && eng/packages.sh build
	@eng/manifests.sh

images: build ## OCI archives of agent, operator and lab, for `ctr images import`
	@eng/packages.sh run
	@$(MAKE) --silent --no-print-directory $(foreach name,agent operator lab,artifacts/publish/$(name)-image/oncache-$(name))
	@eng/images.sh

dockerfile: images ## the targets of the Dockerfile, built by buildah on bases of Debian's packages, beside these images, and run in a cluster; 8 minutes
	@eng/packages.sh run dockerfile
	@eng/kubernetes.sh all
	@eng/dockerfile.sh

clean: ## everything built
	@echo "Removing artifacts and build output"
	@rm -rf artifacts
	@find agent api kubernetes lab operator tests \( -name bin -o -name obj \) -type d -prune -exec rm -rf {} +
