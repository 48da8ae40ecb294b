using System.CommandLine;
using System.Net;
using System.Text;
using Microsoft.Extensions.Logging;
using OnCache.Agent.Coherence;
using OnCache.Agent.Telemetry;
using OnCache.Api;

using OnCache.Kubernetes.Entities;
using OnCache.Kubernetes.Serialization;

namespace OnCache.Agent.Cli;

/// <summary>The options, each with its bounds. A wrong value is one line that names the option, the value and what would be right.</summary>
internal static class AgentOptions
{
    private static readonly AgentSettings Defaults = new();

    private static readonly Bounds<TimeSpan> HeartbeatBounds = new(TimeSpan.FromSeconds(1), TimeSpan.FromMinutes(1));

    public static Option<string?> Config() => new("--config")
    {
        HelpName = "FILE",
        Description = "YAML with a NodeCacheConfig and a LocalEndpoints document; read again when it changes",
    };

    public static Option<string?> Node() => Text<string?>(
        "--node",
        "NAME",
        "in a cluster: this node's name; the API server tells what to do",
        otherwise: null,
        value => value is { Length: > 0 and <= 253 } && value.All(c => char.IsAsciiLetterLower(c) || char.IsAsciiDigit(c) || c is '-' or '.')
            ? null
            : "use the name that kubectl get nodes shows");

    public static Option<string?> Kubeconfig() => new("--kubeconfig")
    {
        HelpName = "FILE",
        Description = "with --node: how to reach the API server; the pod's service account when left out",
    };

    public static Option<string?> Pod() => Text<string?>(
        "--pod",
        "NAMESPACE/NAME",
        "with --node: the pod that this agent is; when its DaemonSet is removed, the agent takes all of ours off the node as it ends",
        otherwise: null,
        value => value is null || PodOf(value) is not null ? null : "use namespace and name of the agent's own pod");

    /// <summary>The pod that <see cref="Pod"/> names; null where it names none.</summary>
    public static NamespacedName? PodOf(string value) =>
        value.Split('/') is [{ Length: > 0 } home, { Length: > 0 } name] ? new NamespacedName(home, name) : null;

    public static Option<string> PinRoot() => Text(
        "--pin-root",
        "DIR",
        "folder on a bpffs for the pinned maps and links",
        AgentSettings.DefaultPinRoot,
        value => Path.IsPathRooted(value) ? null : "use an absolute path on a bpffs");

    public static Option<string> Socket() => Text(
        "--socket",
        "PATH",
        "Unix socket of the agent",
        AgentSettings.DefaultSocket,
        value => !Path.IsPathRooted(value) ? "use an absolute path"
            : Encoding.UTF8.GetByteCount(value) > SocketFile.MaximumPathBytes ? $"use a path of at most {SocketFile.MaximumPathBytes} bytes"
            : null);

    public static Option<string?> Health() => Text<string?>(
        "--health",
        "ADDRESS:PORT",
        "tell health (GET /healthz, /readyz) there too, for probes that know no Unix sockets",
        otherwise: null,
        value => IPEndPoint.TryParse(value!, out var endPoint) && endPoint.Port > 0 ? null : "use an address of this node and a port, such as 127.0.0.1:9471");

    public static Option<string> ConntrackSysctl() => Text(
        "--conntrack-sysctl",
        "DIR",
        "folder of the node's conntrack settings; in a container, where it is mounted writable",
        AgentSettings.DefaultConntrackSysctl,
        value => Path.IsPathRooted(value) ? null : "use an absolute path");

    public static Option<string?> CniPolicies() => Text<string?>(
        "--cni-policies",
        "PLURAL.GROUP,...",
        "with --node: kinds that the CNI decides by beside NetworkPolicy, or none [default: those of Antrea, Calico, Cilium and the policy API]",
        otherwise: null,
        value => value is null || KindsOf(value) is not null ? null : "use names of definitions such as networkpolicies.crd.antrea.io, separated by commas, or none");

    /// <summary>The kinds that <see cref="CniPolicies"/> names; null where one of them is no kind.</summary>
    public static IReadOnlyList<CniPolicyKind>? KindsOf(string value)
    {
        var kinds = string.Equals(value, "none", StringComparison.Ordinal) ? [] : value.Split(',').Select(CniPolicyKind.Parse).Distinct().ToList();
        return kinds.Contains(item: null) ? null : [.. kinds.OfType<CniPolicyKind>()];
    }

    public static Option<string?> TunnelDevice() => Text<string?>(
        "--tunnel-device",
        "NAME",
        "the overlay's VXLAN device; found by itself when left out",
        otherwise: null,
        value => value is { Length: > 0 and < 16 } && !value.Any(c => c == '/' || char.IsWhiteSpace(c)) ? null : "use the name of a network device");

    public static Option<int?> MarkBit() => Integer(
        "--mark-bit",
        "bit of the packet mark that says a packet missed the cache",
        MarkBits.Default,
        new(0, 31));

    public static Option<int?> TcPriority() => Integer(
        "--tc-priority",
        "priority of the filters where the kernel has no tcx; lower runs first",
        Defaults.TcPriority,
        new(1, 65_535));

    public static Option<AttachMode?> Attach() => Choice(
        "--attach",
        "how programs are attached",
        "auto",
        [("auto", AttachMode.Auto), ("tcx", AttachMode.Tcx), ("clsact", AttachMode.Clsact)]);

    public static Option<LogLevel?> Logging()
    {
        var option = Choice(
            "--log-level",
            "the least severe message to log",
            "info",
            [("trace", LogLevel.Trace), ("debug", LogLevel.Debug), ("info", LogLevel.Information), ("warn", LogLevel.Warning), ("error", LogLevel.Error)]);
        option.Recursive = true;
        return option;
    }

    public static Option<TimeSpan?> HeartbeatTimeout() => Parsed(
        "--heartbeat-timeout",
        "DURATION",
        "how long after the agent's last sign of life the caches stay in use",
        GoDuration.Format(Defaults.HeartbeatTimeout),
        text => GoDuration.TryParse(text, out var value) && HeartbeatBounds.Contains(value) ? value : (TimeSpan?)null,
        $"use a duration from {GoDuration.Format(HeartbeatBounds.Minimum)} to {GoDuration.Format(HeartbeatBounds.Maximum)}");

    public static Option<OutputFormat?> Output() => Choice(
        "--output",
        "how to write the status",
        "text",
        [("text", OutputFormat.Text), ("json", OutputFormat.Json)],
        "-o");

    public static Option<string?> Endpoint() => new("--endpoint")
    {
        HelpName = "NAMESPACE/NAME|IP",
        Description = "flush one pod's flows",
    };

    public static Option<bool> All() => new("--all") { Description = "flush every flow" };

    private static Option<string> Text(string name, string help, string description, string otherwise, Func<string, string?> check) =>
        Text<string>(name, help, description, otherwise, check);

    private static Option<T> Text<T>(string name, string help, string description, T otherwise, Func<T, string?> check)
        where T : class?
    {
        var option = new Option<T>(name) { HelpName = help, Description = description, DefaultValueFactory = _ => otherwise };
        option.Validators.Add(result =>
        {
            if (result is { Implicit: false, Tokens: [var token] } && check((T)(object)token.Value) is { } expected)
            {
                result.AddError(Wrong(name, token.Value, expected));
            }
        });
        return option;
    }

    private static Option<int?> Integer(string name, string description, int otherwise, Bounds<int> bounds) => Parsed(
        name,
        "N",
        description,
        $"{otherwise}",
        text => int.TryParse(text, out var value) && bounds.Contains(value) ? value : (int?)null,
        $"use {bounds.Minimum} to {bounds.Maximum}");

    private static Option<T?> Choice<T>(string name, string description, string otherwise, (string Name, T Value)[] choices, params string[] aliases)
        where T : struct
    {
        var names = string.Join('|', choices.Select(choice => choice.Name));
        return Parsed(
            name,
            names,
            description,
            otherwise,
            Find,
            $"use {names.Replace("|", ", ", StringComparison.Ordinal)}",
            aliases);

        T? Find(string text)
        {
            foreach (var (candidate, value) in choices)
            {
                if (string.Equals(candidate, text, StringComparison.Ordinal))
                {
                    return value;
                }
            }

            return null;
        }
    }

    // The default is told in the description and applied by the verb: help would print the value's own spelling, not the option's.
    private static Option<T?> Parsed<T>(
        string name,
        string help,
        string description,
        string otherwise,
        Func<string, T?> parse,
        string expected,
        params string[] aliases)
        where T : struct =>
        new(name, aliases)
        {
            HelpName = help,
            Description = $"{description} [default: {otherwise}]",
            CustomParser = result =>
            {
                var text = result.Tokens[0].Value;
                var value = parse(text);
                if (value is null)
                {
                    result.AddError(Wrong(name, text, expected));
                }

                return value;
            },
        };

    private static string Wrong(string name, string value, string expected) => $"{name}: {value} is not accepted; {expected}";
}

/// <summary>How the status is written.</summary>
internal enum OutputFormat
{
    /// <summary>For a person.</summary>
    Text,

    /// <summary>As the agent sent it.</summary>
    Json,
}
