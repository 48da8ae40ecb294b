using Microsoft.Extensions.Logging;
using OnCache.Agent.Bpf;
using OnCache.Agent.Cli;
using OnCache.Agent.Coherence;
using OnCache.Agent.Configuration;
using OnCache.Agent.Datapath;
using OnCache.Agent.Kubernetes;
using OnCache.Agent.Net;
using OnCache.Agent.Rules;
using OnCache.Agent.Telemetry;
using OnCache.Agent.Topology;
using OnCache.Api;
using OnCache.Kubernetes.Cli;
using OnCache.Kubernetes.Telemetry;

namespace OnCache.Agent.Daemon;

/// <summary>The verbs that touch the machine.</summary>
internal sealed partial class AgentOperations : IAgentOperations
{
    public Task<int> RunAsync(
        AgentSettings settings, IConfigurationSource configuration, ILoggerFactory loggers, CancellationToken cancellationToken)
    {
        var lane = new CoherenceLane();
        return RunAsync(settings, new ObservedConfiguration(configuration, lane), lane, loggers, companion: null, removal: null, cancellationToken);
    }

    public async Task<int> RunInClusterAsync(AgentSettings settings, ILoggerFactory loggers, CancellationToken cancellationToken)
    {
        var lane = new CoherenceLane();
        using var cluster = ClusterConnection.Open(settings, lane, loggers);
        // Watches outlive the agent's work: what they tell decides how it ends.
        using var stop = new CancellationTokenSource();
        var watching = cluster.RunAsync(stop.Token);
        try
        {
            await cluster.WaitForSyncAsync(cancellationToken);
            return await RunAsync(settings, cluster.Source, lane, loggers, cluster.WriteStatusAsync, cluster.RemovalReasonAsync, cancellationToken);
        }
        finally
        {
            await stop.CancelAsync();
            await watching.ContinueWith(static _ => { }, TaskScheduler.Default);
        }
    }

    /// <param name="companion">Runs beside the agent.</param>
    /// <param name="removal">Why no agent will follow, asked when this one is told to end; null when one may.</param>
    private static async Task<int> RunAsync(
        AgentSettings settings,
        IConfigurationSource configuration,
        CoherenceLane lane,
        ILoggerFactory loggers,
        Func<CurrentAgent, CancellationToken, Task>? companion,
        Func<Task<string?>>? removal,
        CancellationToken cancellationToken)
    {
        var capabilities = KernelCapabilities.Detect();
        var tcx = UseTcx(settings.Attach, capabilities);
        // Also refuses to start beside another agent, before anything is touched.
        SocketFile.Prepare(settings.Socket);
        var pins = PinDirectory.At(settings.PinRoot);

        using var monitor = NetworkMonitor.Start();
        using var neighbours = NeighbourAsker.Start(loggers.CreateLogger<NeighbourAsker>());
        using var rules = HostRulesMonitor.Start(index => monitor.Current.NameOf((int)index));
        UnderlayOptions Options() => new(settings.TunnelDevice, KernelDefaults.LocalPorts(), KernelDefaults.DefaultTtl());
        // In a cluster the CNI may come after us, and the status of the node says what is missing.
        if (settings.Node is null && UnderlayResolver.Resolve(monitor.Current, Options()).Refusal is { } refusal)
        {
            throw new DatapathException(refusal.Message);
        }

        var installed = pins.MapFolders().Count > 0;
        pins.Create();
        using var sole = pins.Lock();
        using var metrics = new CoherenceMetrics();
        using var exposition = new PrometheusText("OnCache.", CoherenceMetrics.Limits);
        var current = new CurrentAgent();
        using var conntrack = new ConntrackMetrics(() => current.ConntrackStatus);
        using var hostRules = new HostRuleMetrics(() => current.State?.HostRules.Counts ?? []);
        StatusServer? server = null;
        using var stop = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken);
        var beside = companion?.Invoke(current, stop.Token) ?? Task.CompletedTask;
        LoadedDatapath? datapath = null, former = null, failed = null;
        try
        {
            var started = new AgentStart(TimeProvider.System.GetUtcNow(), TimeProvider.System.GetTimestamp());
            LoadedDatapath Load(DatapathSizes sizes) => LoadedDatapath.Load(
                pins, sizes, capabilities, tcx, beforeNew: static sizes => MemoryBudget.Read().Require(sizes));
            (datapath, var refused) = LargestThatFits(DatapathSizes.Of(configuration.Current.Node.Spec.CacheSizes), Load);
            while (!cancellationToken.IsCancellationRequested)
            {
                failed?.Dispose();
                failed = null;
                IProgramAttacher attacher = tcx
                    ? new TcxAttacher(pins.Links)
                    : new ClsactAttacher((uint)settings.TcPriority, () => monitor.Current.Links.Keys);
                var agent = new NodeAgent(
                    datapath, attacher, monitor.Current, neighbours, new ConntrackSysctl(settings.ConntrackSysctl), rules, configuration.Current, settings, Options,
                    metrics, Load, refused, TimeProvider.System, loggers.CreateLogger<NodeAgent>());
                using var flushes = lane.Serve(agent);
                using var ended = new EndedConnectionsTeller(datapath.Maps, new ConntrackSysctl(settings.ConntrackSysctl).Timeouts, metrics);
                try
                {
                    try
                    {
                        // Other sizes mean other maps: programs are replaced in place, so no packet is lost between two datapaths.
                        datapath.Commit();
                        agent.Start();
                    }
                    catch (Exception failure) when (former is not null && SizesRefusal.IsOne(failure))
                    {
                        // What ran before takes its places again, and begins with nothing cached.
                        refused = SizesRefusal.Of(datapath.Maps.Sizes, former.Maps.Sizes, failure, refused);
                        datapath.HandOver();
                        // Flushes, and who tells of ended connections, use its maps until this turn is over.
                        (failed, datapath, former) = (datapath, former, null);
                        continue;
                    }

                    if (former is not null)
                    {
                        CarryOpen(former, datapath, settings.HeartbeatTimeout, loggers);
                        former.Dispose();
                        former = null;
                    }

                    RemoveOtherAttachments(settings, pins, monitor.Current, tcx);
                    datapath.RemoveOtherMaps();
                    using var turn = current.Use(agent, new StatusReport(
                        agent, datapath, capabilities, attacher.Name, configuration, settings.HeartbeatTimeout, started, TimeProvider.System));
                    server ??= await StatusServer.StartAsync(settings.Socket, settings.Health, current, current, exposition.Write, cancellationToken);
                    var next = await agent.RunAsync(monitor.Changes, configuration.ChangesAsync(cancellationToken), Task.WhenAny(ended.Completion, neighbours.Completion).Unwrap(), cancellationToken);
                    if (next is not null)
                    {
                        datapath.HandOver();
                        (former, datapath, refused) = (datapath, next, null);
                    }
                }
                catch when (!cancellationToken.IsCancellationRequested)
                {
                    // Something could not be carried out, a flush perhaps: not even the heartbeat timeout may pass under it.
                    datapath.HandOver();
                    throw;
                }
            }

            // Told to end between two datapaths: as beside one.
            throw new OperationCanceledException(cancellationToken);
        }
        catch (OperationCanceledException) when (server is not null && removal is not null && cancellationToken.IsCancellationRequested)
        {
            // The socket still answers, so that no other agent can start in between.
            if (await removal() is { } reason)
            {
                var logger = loggers.CreateLogger<AgentOperations>();
                LogRemoved(logger, reason);
                Uninstaller.Run(pins, new ConntrackSysctl(settings.ConntrackSysctl));
            }

            throw;
        }
        catch when (server is null && !installed)
        {
            // A first start that failed half-way: nobody would tend what it has left.
            Uninstaller.Run(pins, new ConntrackSysctl(settings.ConntrackSysctl));
            throw;
        }
        finally
        {
            await stop.CancelAsync();
            await beside.ContinueWith(static _ => { }, TaskScheduler.Default);
            if (server is not null)
            {
                await server.DisposeAsync();
            }

            failed?.Dispose();
            former?.Dispose();
            datapath?.Dispose();
        }
    }

    public Task<int> UninstallAsync(UninstallSettings settings, ILoggerFactory loggers, CancellationToken cancellationToken)
    {
        SocketFile.Prepare(settings.Socket);
        var pins = PinDirectory.At(settings.PinRoot);
        using var sole = Directory.Exists(pins.Root) ? pins.Lock() : null;
        Uninstaller.Run(pins, new ConntrackSysctl(settings.ConntrackSysctl));
        return Task.FromResult(ExitStatus.Success);
    }

    /// <summary>What cannot be carried ends no agent: it costs open connections a proper end.</summary>
    private static void CarryOpen(LoadedDatapath former, LoadedDatapath datapath, TimeSpan heartbeatTimeout, ILoggerFactory loggers)
    {
        var logger = loggers.CreateLogger<AgentOperations>();
        try
        {
            var carried = OpenConnections.Carry(former.Maps, datapath.Maps, heartbeatTimeout / 4);
            LogCarried(logger, carried);
        }
        catch (BpfException refused)
        {
            LogNotCarried(logger, refused.Message);
        }
    }

    /// <summary>
    /// Caches of the sizes that are asked for, or where the memory does not suffice of the largest filter cache for which it does: a start must not
    /// fail over a policy.
    /// </summary>
    internal static (LoadedDatapath Datapath, SizesRefusal? Refused) LargestThatFits(DatapathSizes asked, Func<DatapathSizes, LoadedDatapath> load)
    {
        Exception? refused = null;
        for (var sizes = asked; ; sizes = sizes with { Filter = Math.Max(sizes.Filter / 2, CacheSizes.FilterBounds.Minimum) })
        {
            try
            {
                var datapath = load(sizes);
                return (datapath, refused is null ? null : SizesRefusal.Of(asked, sizes, refused, former: null));
            }
            catch (Exception failure) when (SizesRefusal.IsOfMemory(failure) && sizes.Filter > CacheSizes.FilterBounds.Minimum)
            {
                refused ??= failure;
            }
        }
    }

    /// <summary>What an agent with other settings attached, once ours has taken its place: every packet would meet both.</summary>
    private static void RemoveOtherAttachments(AgentSettings settings, PinDirectory pins, NetworkSnapshot snapshot, bool tcx)
    {
        if (tcx)
        {
            Attachments.RemoveUnknownLinks(pins);
        }
        else
        {
            Attachments.RemoveLinks(pins);
        }

        Attachments.RemoveFilters(snapshot, tcx ? null : (uint)settings.TcPriority);
    }

    [LoggerMessage(Level = LogLevel.Information, Message = "no agent will follow: {Reason}; taking all of ours off the node")]
    private static partial void LogRemoved(ILogger logger, string reason);

    [LoggerMessage(Level = LogLevel.Information, Message = "caches of the other sizes are in use; {Count} open connections that began on the fast path are known to them")]
    private static partial void LogCarried(ILogger logger, int count);

    [LoggerMessage(Level = LogLevel.Warning, Message = "caches of the other sizes are in use; not all open connections that began on the fast path are known to them: {Reason}")]
    private static partial void LogNotCarried(ILogger logger, string reason);

    private static bool UseTcx(AttachMode mode, KernelCapabilities capabilities) => mode switch
    {
        AttachMode.Clsact => false,
        AttachMode.Tcx when !capabilities.Tcx =>
            throw new DatapathException($"--attach tcx: kernel {capabilities.KernelRelease} has no tcx; use Linux 6.6 or newer, or --attach clsact"),
        AttachMode.Tcx => true,
        _ => capabilities.Tcx,
    };
}
