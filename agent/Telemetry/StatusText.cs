using System.Globalization;
using System.Text;

using OnCache.Kubernetes.Serialization;

namespace OnCache.Agent.Telemetry;

/// <summary>Writes the status for a person. A pure function; plain text, at most 100 columns where names allow it.</summary>
internal static class StatusText
{
    private const string Absent = "-";

    private const int FactIndent = 15;

    public static string Of(AgentStatus status)
    {
        var text = new StringBuilder();
        AppendSummary(text, status);
        AppendWarnings(text, status);
        AppendCaches(text, status);
        AppendEndpoints(text, status);
        AppendNodes(text, status);
        AppendHostRules(text, status);
        AppendReasons(text, status);
        return text.ToString();
    }

    private static void AppendSummary(StringBuilder text, AgentStatus status)
    {
        var state = status.Ready ? "ready" : $"not ready ({status.NotReadyReason ?? "no reason given"})";
        _ = text.AppendLine(CultureInfo.InvariantCulture, $"oncache-agent {status.Version} on {status.Node}: {state}, up {Uptime(status.UptimeSeconds)}");
        AppendFact(text, "configuration", $"{status.Configuration.Source}, read {Moment(status.Configuration.LoadedAt)}");
        if (status.Configuration.Error is { } error)
        {
            AppendFact(text, "", $"its present content is not accepted: {error}");
        }

        AppendFact(text, "overlay", Overlay(status.Underlay));
        AppendFact(text, "kernel", Kernel(status.Capabilities));
        foreach (var (name, feature) in status.Capabilities.Features.Where(feature => !feature.Value.Available).OrderBy(feature => feature.Key, StringComparer.Ordinal))
        {
            AppendFact(text, "", $"without {name}{(feature.Detail is { } detail ? $": {detail}" : "")}");
        }

        var totals = status.Totals;
        AppendFact(text, "fast path", $"{totals.Hits} hits, {totals.Misses} misses, hit ratio {totals.HitRatio:0.0000}; {totals.Observed} observed");
        AppendFact(text, "last flush", status.LastFlush is { } flush
            ? $"{Moment(flush.At)}, {flush.Cause}{(flush.Subject is { } subject ? $" ({subject})" : "")}: {Flushed(flush)} in {flush.DurationMicroseconds:0} us"
            : "none");
    }

    private static void AppendWarnings(StringBuilder text, AgentStatus status)
    {
        foreach (var failure in status.NicFailures)
        {
            AppendFact(text, "failure", failure);
        }

        if (status.SizesRefused is { } refused)
        {
            AppendFact(text, "failure", refused.Message);
        }

        foreach (var warning in status.Warnings)
        {
            AppendFact(text, "warning", warning);
        }
    }

    private static void AppendCaches(StringBuilder text, AgentStatus status)
    {
        var table = new TextTable(new("CACHE"), new("HOLDS", Number: true), new("USED", Number: true), new("MEMORY", Number: true));
        Add("filter", status.Sizes.Filter);
        Add("egress", status.Sizes.Egress);
        Add("ingress", status.Sizes.Ingress);
        table.AppendTo(text);

        void Add(string name, CacheUse use) => table.Add(name, Number(use.Capacity), Number(use.Used), Memory(use.MemoryBytes));
    }

    private static void AppendEndpoints(StringBuilder text, AgentStatus status)
    {
        var table = new TextTable(
            new("ENDPOINT"),
            new("ADDRESS"),
            new("INTERFACE"),
            new("STATE"),
            new("HITS OUT", Number: true),
            new("HITS IN", Number: true),
            new("WHY"));
        foreach (var endpoint in status.Endpoints)
        {
            table.Add(
                $"{endpoint.Namespace}/{endpoint.Name}",
                endpoint.Ip,
                endpoint.Interface ?? Absent,
                endpoint.State.ToString(),
                Number(endpoint.Hits.Egress.Packets),
                Number(endpoint.Hits.Ingress.Packets),
                Why(endpoint));
        }

        table.AppendTo(text);
    }

    private static void AppendNodes(StringBuilder text, AgentStatus status)
    {
        var table = new TextTable(new("NODE"), new("STATE"), new("WHY"));
        foreach (var node in status.RemoteNodes)
        {
            table.Add(node.Address, node.State.ToString(), node.Reason ?? "");
        }

        table.AppendTo(text);
    }

    // A rule has any length and goes last; where it is tells it from most others.
    private static void AppendHostRules(StringBuilder text, AgentStatus status)
    {
        var table = new TextTable(new("HOST RULE"), new("SCOPE"), new("PODS", Number: true), new("WHY"));
        foreach (var rule in status.HostRules)
        {
            table.Add(rule.Where, rule.Scope.ToString(), Number(rule.Pods.Count + rule.MorePods), $"{rule.Reason}: {rule.Rule} ({rule.Region})");
        }

        if (status.MoreHostRules > 0)
        {
            table.Add($"{Number(status.MoreHostRules)} more", "", "", "");
        }

        table.AppendTo(text);
    }

    private static void AppendReasons(StringBuilder text, AgentStatus status)
    {
        var table = new TextTable(new("OFF THE FAST PATH"), new("OUT", Number: true), new("IN", Number: true), new("MEANING"));
        foreach (var reason in status.Reasons)
        {
            table.Add(reason.Name, Number(reason.Egress), Number(reason.Ingress), reason.Text);
        }

        table.AppendTo(text);
    }

    private static void AppendFact(StringBuilder text, string name, string fact)
    {
        foreach (var part in TextPage.Wrap(fact, FactIndent))
        {
            _ = text.AppendLine($"{name.PadRight(FactIndent)}{part}".TrimEnd());
            name = "";
        }
    }

    private static string Overlay(UnderlayStatus underlay)
    {
        var found = underlay.Device is { } device
            ? $"{device} over {underlay.Nic ?? Absent}, {underlay.LocalAddress ?? Absent}, VNI {Number(underlay.Vni)}, port {Number(underlay.Port)}, MTU {Number(underlay.Mtu)}"
            : "no tunnel device found";
        return underlay.Reason is { } reason ? $"{found}; not accelerated: {reason}" : found;
    }

    private static string Kernel(Capabilities capabilities)
    {
        var available = capabilities.Features.Where(feature => feature.Value.Available).Select(feature => feature.Key).Order(StringComparer.Ordinal).ToArray();
        return $"{capabilities.Kernel}, attached by {capabilities.Attach}{(available.Length > 0 ? $"; {string.Join(", ", available)}" : "")}";
    }

    // Where all is well the policy says why; everywhere else the reason does.
    private static string Why(EndpointStatus endpoint) => endpoint.State == EndpointState.Accelerated
        ? $"{endpoint.Policy ?? Absent}: {string.Join(' ', endpoint.Protocols)}"
        : endpoint.Reason ?? Absent;

    private static string Uptime(double seconds) => GoDuration.Format(TimeSpan.FromSeconds(Math.Floor(seconds)));

    private static string Moment(DateTimeOffset moment) => moment.UtcDateTime.ToString("yyyy-MM-dd HH:mm:ss'Z'", CultureInfo.InvariantCulture);

    private static string Flushed(LastFlush flush) =>
        Count(flush.Endpoints, "endpoint") + (flush.Nodes > 0 ? $" and {Count(flush.Nodes, "remote node")}" : "");

    private static string Count(int count, string noun) => count == 1 ? $"1 {noun}" : $"{count} {noun}s";

    private static string Number(long? number) => number?.ToString(CultureInfo.InvariantCulture) ?? Absent;

    private static string Memory(long bytes) => bytes < 1 << 20
        ? $"{bytes / 1024.0:0.0} KiB"
        : $"{bytes / (1024.0 * 1024):0.0} MiB";
}
