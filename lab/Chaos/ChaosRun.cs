using System.Globalization;
using System.Net;
using OnCache.Lab.Api;
using OnCache.Lab.Policy;
using OnCache.Lab.Topology;

namespace OnCache.Lab.Chaos;

/// <summary>Brings the lab up, lets things happen to it under traffic, and has everything judged by the oracle.</summary>
public sealed class ChaosRun(ChaosOptions options, Action<string> print)
{
    /// <exception cref="LabException">The lab did not come up, or nothing was accelerated; not a violation.</exception>
    public async Task<ChaosReport> RunAsync(CancellationToken cancellationToken = default)
    {
        options.Validate();
        print(string.Create(CultureInfo.InvariantCulture, $"seed {options.Seed}; replay by --seed {options.Seed}"));
        Directory.CreateDirectory(options.Artifacts);
        var random = new Random(options.Seed);
        var enforcer = options.Enforcer ?? (random.Next(3) == 0 ? EnforcerKind.NewOnly : EnforcerKind.Cutting);
        using var log = new ChaosLog(Path.Combine(options.Artifacts, string.Create(CultureInfo.InvariantCulture, $"{options.Seed}.log")));
        log.Event($"{options}, enforcer {enforcer}");
        await using var lab = await ApiLab.UpAsync(
            new ApiLabOptions
            {
                Agent = options.Agent,
                Operator = options.Operator,
                Definitions = options.Definitions,
                Nodes = options.Nodes,

                // What the agents are told is not what the oracle believes.
                Lease = options.Sabotage ? TimeSpan.FromMinutes(10) : options.Lease,
                Settle = options.Settle,
            },
            new Progress<string>(log.Event),
            cancellationToken);
        var oracle = new Oracle(enforcer, options.Lease, options.Settle, options.Allowance);
        var tally = new TrafficTally();
        using var enforcement = new Enforcement(lab.Overlay, enforcer, oracle, log);
        await using var events = new ChaosEvents(options, lab, enforcement, oracle, log, tally, Places(), random);
        try
        {
            await events.PopulateAsync(cancellationToken);
            await WarmUpAsync(lab, cancellationToken);
            print($"pods talk on the fast path; enforcer {enforcer}; events for {options.Duration}");
            await events.RunAsync(cancellationToken);
            await events.CountAsync(cancellationToken);
        }
        catch (Exception exception) when (exception is not OperationCanceledException)
        {
            log.Attach("failure", exception.ToString());
            throw;
        }
        finally
        {
            foreach (var agent in lab.Agents)
            {
                log.Attach($"agent of {agent.Node.Name}", agent.Log);
            }

            log.Attach("operator", lab.Operator.Log);
        }

        return new ChaosReport
        {
            Seed = options.Seed,
            Events = events.Counts,
            Packets = tally.Packets,
            Connections = tally.Connections,
            Excused = tally.Excused,
            Hits = events.Hits,
            Stale = oracle.Stale,
            WorstHeard = oracle.WorstHeard,
            WorstLeased = oracle.WorstLeased,
            Flushes = events.Latency.Count,
            FlushMedian = events.Latency.Quantile(0.5),
            Flush99 = events.Latency.Quantile(0.99),
            Violations = log.Violations,
            LogPath = log.Path,
        };
    }

    private IPAddress[] Places() =>
        [.. Enumerable.Range(1, options.Nodes).SelectMany(node => Enumerable.Range(1, options.Pods).Select(pod => AddressPlan.Pod(node, pod)))];

    private static async Task WarmUpAsync(ApiLab lab, CancellationToken cancellationToken)
    {
        using var limit = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken);
        limit.CancelAfter(Liveness.Limit);
        foreach (var agent in lab.Agents)
        {
            try
            {
                while ((await agent.StatusAsync(limit.Token)).Hits == 0)
                {
                    await Task.Delay(TimeSpan.FromMilliseconds(200), limit.Token);
                }
            }
            catch (OperationCanceledException exception) when (!cancellationToken.IsCancellationRequested)
            {
                throw new LabException($"node {agent.Node.Name}: no packet took the fast path within {Liveness.Limit.TotalSeconds} s, so there is nothing to try", exception);
            }
        }
    }
}
