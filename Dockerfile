# syntax=docker/dockerfile:1
# For people with a builder: docker build --target agent|operator|lab . (the lab is the traffic generator of the demo)
# Without one, `make images` packs the same programs as archives for `ctr images import`.
FROM mcr.microsoft.com/dotnet/sdk:10.0-bookworm-slim AS build
RUN apt-get update && apt-get install -y --no-install-recommends make clang llvm libbpf-dev linux-libc-dev && rm -rf /var/lib/apt/lists/*
WORKDIR /src
COPY . .
RUN dotnet publish agent/OnCache.Agent.csproj -c Image -o /out/agent \
 && dotnet publish operator/OnCache.Operator.csproj -c Release -o /out/operator \
 && dotnet publish lab/OnCache.Lab.csproj -c Release -o /out/lab

FROM mcr.microsoft.com/dotnet/runtime-deps:10.0-bookworm-slim AS agent
RUN apt-get update && apt-get install -y --no-install-recommends libbpf1 && rm -rf /var/lib/apt/lists/*
COPY --from=build /out/agent /usr/lib/oncache-agent
RUN ln -s ../lib/oncache-agent/oncache-agent /usr/bin/oncache-agent
# Root without privileges: the capabilities it needs are named in config/agent.
ENTRYPOINT ["/usr/bin/oncache-agent"]

FROM mcr.microsoft.com/dotnet/aspnet:10.0-bookworm-slim AS lab
COPY --from=build /out/lab/oncache-lab /usr/bin/
ENTRYPOINT ["/usr/bin/oncache-lab"]

FROM mcr.microsoft.com/dotnet/aspnet:10.0-bookworm-slim AS operator
COPY --from=build /out/operator/oncache-operator /usr/bin/
USER 65532:65532
ENTRYPOINT ["/usr/bin/oncache-operator"]
