using OnCache.Lab.Bench;

namespace OnCache.Lab.Traffic;

/// <summary>Several equal flows at once, reported as one.</summary>
internal static class ParallelTraffic
{
    /// <summary>Runs the flows inside a network namespace, each on a thread and a session of its own, and adds them up.</summary>
    /// <exception cref="LabException">One of them failed.</exception>
    public static async Task<TrafficResult> RunAsync(string networkNamespace, TrafficRequest request, int flows)
    {
        var running = Enumerable.Range(0, flows)
            .Select(_ => Task.Factory.StartNew(() => TrafficClient.Run(networkNamespace, request), CancellationToken.None, TaskCreationOptions.LongRunning, TaskScheduler.Default))
            .ToArray();
        return Combine(await Task.WhenAll(running));
    }

    /// <summary>Rates and losses add up; a core's busy time was seen by every flow and counts once; times of an exchange are the median flow's.</summary>
    internal static TrafficResult Combine(IReadOnlyList<TrafficResult> flows)
    {
        if (flows.Count == 1)
        {
            return flows[0];
        }

        var seconds = flows.Average(flow => flow.Seconds);
        return new TrafficResult(
            flows[0].Kind,
            seconds,
            flows.Sum(flow => flow.Transactions),
            flows.Sum(flow => flow.Rate),
            MedianOf(flows.Select(flow => flow.P50Microseconds)),
            MedianOf(flows.Select(flow => flow.P99Microseconds)),
            flows.Sum(flow => flow.Gbps),
            flows.Sum(flow => flow.Lost),
            flows.Any(flow => flow.CoreBusyNanoseconds is null) ? null : (long)flows.Average(flow => flow.CoreBusyNanoseconds!.Value),
            flows.Sum(flow => flow.CpuNanoseconds));
    }

    private static double? MedianOf(IEnumerable<double?> values)
    {
        var known = values.OfType<double>().ToArray();
        return known.Length == 0 ? null : Statistics.Median(known);
    }
}
