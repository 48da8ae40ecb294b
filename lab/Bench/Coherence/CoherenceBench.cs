using System.Diagnostics;
using System.Globalization;
using System.Text.Json;
using System.Text.Json.Nodes;

namespace OnCache.Lab.Bench.Coherence;

/// <summary>Measures how long a cached verdict outlives what made it wrong, by the agent's account and by that of an independent observer.</summary>
/// <param name="say">Takes a line about how far it is.</param>
public sealed class CoherenceBench(CoherenceOptions options, Action<string> say)
{
    private readonly List<Measurement> measurements = [];

    /// <exception cref="LabException">The bed did not come up, or something that was waited for did not happen.</exception>
    public async Task<CoherenceResult> RunAsync(CancellationToken cancellationToken)
    {
        options.Validate();
        foreach (var pods in options.Pods)
        {
            say($"{pods} pods: bringing the lab up");
            await using var bed = await CoherenceBed.UpAsync(options, pods, cancellationToken);
            await MeasureAsync(bed, string.Create(CultureInfo.InvariantCulture, $"{pods} pods"), cancellationToken);
        }

        var load = double.Parse((await File.ReadAllTextAsync("/proc/loadavg", cancellationToken)).Split(' ')[0], CultureInfo.InvariantCulture);
        var result = new CoherenceResult(
            (await File.ReadAllTextAsync("/proc/sys/kernel/osrelease", cancellationToken)).Trim(), Environment.ProcessorCount, load, options.Flows, measurements);
        if (options.JsonPath is { } path)
        {
            await File.WriteAllTextAsync(path, JsonSerializer.Serialize(result, CoherenceJson.Default.CoherenceResult), cancellationToken);
        }

        return result;
    }

    private async Task MeasureAsync(CoherenceBed bed, string variant, CancellationToken cancellationToken)
    {
        var events = new CoherenceEvents(bed);
        foreach (var kind in events.All())
        {
            await FillAsync(bed, cancellationToken);
            say($"{variant}: {kind.Name}");
            await MeasureAsync(bed, kind, variant, cancellationToken);
        }

        await events.DeletePolicyAsync(cancellationToken);
        for (var i = 0; i < options.Repeats; i++)
        {
            await FillAsync(bed, cancellationToken);
            say($"{variant}: purge");
            await PurgeAsync(bed, variant, cancellationToken);
        }

        await UnheardAsync(bed, events, variant, cancellationToken);
    }

    private static async Task FillAsync(CoherenceBed bed, CancellationToken cancellationToken)
    {
        await bed.WaitFastAsync(cancellationToken);
        await bed.FillAsync(cancellationToken);
    }

    private async Task MeasureAsync(CoherenceBed bed, CoherenceEvent kind, string variant, CancellationToken cancellationToken)
    {
        var known = AgentJournal.Flushes(bed.Agent.Log, kind.Causes).Count;
        var seen = new List<PathChange>();
        for (var i = 0; i < options.Events; i++)
        {
            await kind.Prepare(cancellationToken);
            await bed.WaitFastAsync(cancellationToken);
            var begun = Stopwatch.GetTimestamp();
            await kind.Write(cancellationToken);
            var returned = Stopwatch.GetTimestamp();
            seen.Add(await LeaveAsync(bed, kind.Name, begun, returned, cancellationToken));
            await kind.Restore(cancellationToken);
        }

        await CoherenceBed.WaitAsync(
            () => AgentJournal.Flushes(bed.Agent.Log, kind.Causes).Count >= known + options.Events, $"the agent's log of {options.Events} flushes: {kind.Name}", cancellationToken);
        Add(kind.Name, CoherenceMetric.Agent, variant, "ms", AgentJournal.Flushes(bed.Agent.Log, kind.Causes).Skip(known).Take(options.Events));
        Add(kind.Name, CoherenceMetric.SinceReturn, variant, "ms", seen.Select(static change => change.SinceReturn.TotalMilliseconds));
        Add(kind.Name, CoherenceMetric.SinceSend, variant, "ms", seen.Select(static change => change.SinceSend.TotalMilliseconds));
        Add(kind.Name, CoherenceMetric.StaleBefore, variant, "packets", seen.Select(static change => (double)change.StaleBefore));
        Add(kind.Name, CoherenceMetric.StaleAfter, variant, "packets", seen.Select(static change => (double)change.StaleAfter));
    }

    /// <summary>Waits until the flow has left the fast path and judges how it did, before learning may begin again.</summary>
    private static async Task<PathChange> LeaveAsync(CoherenceBed bed, string name, long begun, long returned, CancellationToken cancellationToken)
    {
        var watched = (long)(CoherenceBed.Settle.TotalSeconds * 0.6 * Stopwatch.Frequency);
        long effect = 0;
        await CoherenceBed.WaitAsync(
            () => (effect = FirstSlow(bed.Flow, begun)) != 0 && Stopwatch.GetTimestamp() > effect + watched,
            $"the observed flow leaving the fast path: {name}",
            cancellationToken);

        // Judged is what had come by now, once the observer has caught up with it.
        var now = Stopwatch.GetTimestamp();
        await CoherenceBed.WaitAsync(() => bed.Flow.SeenUntil > now, "the observer", cancellationToken);
        return PathChange.Of(
            [.. bed.Flow.Between(begun, effect + watched).Select(packet => packet.Answered > now ? packet with { Answered = 0 } : packet)], begun, returned)!;
    }

    private static long FirstSlow(ObservedFlow flow, long begun) =>
        flow.Between(begun, long.MaxValue).FirstOrDefault(static packet => packet.LeftSlowly).Sent;

    /// <summary>All is flushed, and its memory given back by the agent's next sweep, beside the observed flow.</summary>
    private async Task PurgeAsync(CoherenceBed bed, string variant, CancellationToken cancellationToken)
    {
        const string Name = "purge";
        await bed.WaitFastAsync(cancellationToken);
        var calm = Stopwatch.GetTimestamp();
        await Task.Delay(TimeSpan.FromSeconds(1), cancellationToken);
        var before = bed.Flow.Between(calm, Stopwatch.GetTimestamp()).ToList();
        var last = AgentJournal.Sweeps(await bed.Agent.MetricsAsync(cancellationToken));
        var freed = last.Verdicts;
        await bed.Agent.FlushAsync(cancellationToken);

        // The sweep that was running, or that comes first, may be too early.
        var (seconds, ended, started) = (0.0, 0L, Stopwatch.GetTimestamp());
        while (last.Verdicts - freed < options.Flows * 0.9)
        {
            if (Stopwatch.GetElapsedTime(started) > TimeSpan.FromSeconds(120))
            {
                throw new LabException($"bench coherence: {last.Verdicts - freed} of {options.Flows} void verdicts were swept in 120 s");
            }

            await Task.Delay(TimeSpan.FromMilliseconds(10), cancellationToken);
            var now = AgentJournal.Sweeps(await bed.Agent.MetricsAsync(cancellationToken));
            if (now.Verdicts > last.Verdicts)
            {
                (seconds, ended) = (seconds + now.Seconds - last.Seconds, Stopwatch.GetTimestamp());
            }

            last = now;
        }

        Add(Name, "duration", variant, "ms", [seconds * 1000]);
        if (ended == 0)
        {
            return;
        }

        await Task.Delay(TimeSpan.FromSeconds(1), cancellationToken);
        var during = bed.Flow.Between(ended - (long)((seconds + 0.02) * Stopwatch.Frequency), ended).ToList();
        Add(Name, "round trip before, p99", variant, "us", RoundTrips(before));
        Add(Name, "round trip during, p99", variant, "us", RoundTrips(during));
        Add(Name, "packets lost during", variant, "packets", [during.Count(static packet => packet.Answered == 0)]);
    }

    private static IEnumerable<double> RoundTrips(List<ObservedFlow.Packet> packets)
    {
        var times = packets.Where(static packet => packet.Answered != 0)
            .Select(static packet => Stopwatch.GetElapsedTime(packet.Sent, packet.Answered).TotalMicroseconds).Order().ToList();
        return times.Count == 0 ? [] : [times[(int)Math.Ceiling(0.99 * times.Count) - 1]];
    }

    /// <summary>The agent hears nothing from the API, and the CNI begins to deny the flow: the lease is the bound.</summary>
    private async Task UnheardAsync(CoherenceBed bed, CoherenceEvents events, string variant, CancellationToken cancellationToken)
    {
        const string Name = "policy change unheard";
        say($"{variant}: {Name}, lease {options.Lease.TotalSeconds} s");
        var known = AgentJournal.Flushes(bed.Agent.Log, "Configuration").Count;
        var patch = new JsonObject { ["spec"] = new JsonObject { ["lease"] = string.Create(CultureInfo.InvariantCulture, $"{options.Lease.TotalMilliseconds:F0}ms") } };
        (await bed.Lab.Api.KubectlAsync(["patch", "overlaycachepolicy", "everything", "--type=merge", "-p", patch.ToJsonString()], cancellationToken: cancellationToken)).EnsureSuccess();
        await CoherenceBed.WaitAsync(() => AgentJournal.Flushes(bed.Agent.Log, "Configuration").Count > known, "the agent taking the new lease over", cancellationToken);
        var (times, late) = (new List<double>(), new List<double>());
        for (var i = 0; i < options.Repeats; i++)
        {
            await bed.WaitFastAsync(cancellationToken);
            bed.Agent.Gate.Cut();
            await bed.Node.DenyAsync(bed.Affected.Sandbox, bed.Server, cutEstablished: true, cancellationToken);
            var denied = Stopwatch.GetTimestamp();
            await events.ChangePolicyAsync(cancellationToken);
            await Task.Delay(2 * options.Lease, cancellationToken);
            var lease = (long)(options.Lease.TotalSeconds * Stopwatch.Frequency);
            var delivered = bed.Flow.Between(denied, denied + (2 * lease)).Where(static packet => packet.Arrived != 0).ToList();
            times.Add(delivered.Count == 0 ? 0 : Stopwatch.GetElapsedTime(denied, delivered[^1].Sent).TotalSeconds);
            late.Add(delivered.Count(packet => packet.Sent > denied + lease));
            await events.DeletePolicyAsync(cancellationToken);
            await bed.Node.AllowAsync(bed.Affected.Sandbox, bed.Server, cancellationToken);
            bed.Agent.Gate.Restore();
        }

        Add(Name, "deny to last stale packet", variant, "s", times);
        Add(Name, CoherenceMetric.StaleAfter, variant, "packets", late);
    }

    /// <summary>Adds to the samples of a metric.</summary>
    private void Add(string name, string metric, string variant, string unit, IEnumerable<double> samples)
    {
        var full = $"{name}: {metric}";
        var index = measurements.FindIndex(measurement => measurement.Metric == full && measurement.Variant == variant);
        if (index < 0)
        {
            measurements.Add(new Measurement(full, variant, unit, [.. samples]));
        }
        else
        {
            measurements[index] = measurements[index] with { Samples = [.. measurements[index].Samples, .. samples] };
        }
    }
}
