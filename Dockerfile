# syntax=docker/dockerfile:1
# For people with a builder: docker build --target agent|operator|lab . (the lab is the traffic generator of the demo)
# Without one, `make images` packs the same programs as archives for `ctr images import`. `make dockerfile` tries this file.
# Nothing of .NET is in the images: agent and operator are native, and the lab brings its own. What a program is linked with has to be
# there where it runs, so both bases are of one release: another than these has the packages named below, and for SDK the .NET 10 SDK.
ARG SDK=mcr.microsoft.com/dotnet/sdk:10.0-noble
ARG BASE=ubuntu:24.04

FROM ${SDK} AS build
RUN apt-get update && apt-get install -y --no-install-recommends make clang llvm libbpf-dev linux-libc-dev libc6-dev zlib1g-dev && rm -rf /var/lib/apt/lists/*
WORKDIR /src
COPY . .
# The commit that --version and the build information name; nobody inside can tell.
ARG REVISION=
RUN for program in agent operator lab; do dotnet publish $program -c Image -o /out/$program ${REVISION:+-p:SourceRevisionId=$REVISION} || exit 1; done

FROM ${BASE} AS base
RUN apt-get update && apt-get install -y --no-install-recommends libssl3 && rm -rf /var/lib/apt/lists/*

FROM base AS agent
RUN apt-get update && apt-get install -y --no-install-recommends libbpf1 && rm -rf /var/lib/apt/lists/*
COPY --from=build /out/agent /usr/lib/oncache-agent
RUN ln -s ../lib/oncache-agent/oncache-agent /usr/bin/oncache-agent
# Root without privileges: the capabilities it needs are named in config/agent.
ENTRYPOINT ["/usr/bin/oncache-agent"]

FROM base AS lab
# The lab's runtime is the only one here that is written in C++.
RUN apt-get update && apt-get install -y --no-install-recommends libstdc++6 && rm -rf /var/lib/apt/lists/*
COPY --from=build /out/lab /usr/lib/oncache-lab
RUN ln -s ../lib/oncache-lab/oncache-lab /usr/bin/oncache-lab
ENTRYPOINT ["/usr/bin/oncache-lab"]

FROM base AS operator
COPY --from=build /out/operator /usr/lib/oncache-operator
RUN ln -s ../lib/oncache-operator/oncache-operator /usr/bin/oncache-operator
USER 65532:65532
ENTRYPOINT ["/usr/bin/oncache-operator"]
