# syntax=docker/dockerfile:1
# For people with a builder: docker build --target agent|operator|lab . (the lab is the traffic generator of the demo)
# Without one, `make images` packs the same programs as archives for `ctr images import`.
# Agent and operator are native and need nothing of .NET; the base is the same for all three. Ubuntu 24.04 has the same packages as Debian 12, for which there are no images of .NET 10.
FROM mcr.microsoft.com/dotnet/sdk:10.0-noble AS build
RUN apt-get update && apt-get install -y --no-install-recommends make clang llvm libbpf-dev linux-libc-dev zlib1g-dev && rm -rf /var/lib/apt/lists/*
WORKDIR /src
COPY . .
RUN for program in agent operator lab; do dotnet publish $program -c Image -o /out/$program || exit 1; done

FROM mcr.microsoft.com/dotnet/runtime-deps:10.0-noble AS agent
RUN apt-get update && apt-get install -y --no-install-recommends libbpf1 && rm -rf /var/lib/apt/lists/*
COPY --from=build /out/agent /usr/lib/oncache-agent
RUN ln -s ../lib/oncache-agent/oncache-agent /usr/bin/oncache-agent
# Root without privileges: the capabilities it needs are named in config/agent.
ENTRYPOINT ["/usr/bin/oncache-agent"]

FROM mcr.microsoft.com/dotnet/runtime-deps:10.0-noble AS lab
COPY --from=build /out/lab /usr/lib/oncache-lab
RUN ln -s ../lib/oncache-lab/oncache-lab /usr/bin/oncache-lab
ENTRYPOINT ["/usr/bin/oncache-lab"]

FROM mcr.microsoft.com/dotnet/runtime-deps:10.0-noble AS operator
COPY --from=build /out/operator /usr/lib/oncache-operator
RUN ln -s ../lib/oncache-operator/oncache-operator /usr/bin/oncache-operator
USER 65532:65532
ENTRYPOINT ["/usr/bin/oncache-operator"]
