using System.CommandLine;
using System.Net;
using Microsoft.Extensions.Logging;
using OnCache.Agent.Configuration;
using OnCache.Kubernetes.Cli;

namespace OnCache.Agent.Cli;

/// <summary><c>oncache-agent run</c>: reads the configuration, then runs the agent until it is told to stop.</summary>
internal static class RunVerb
{
    public static Command Create(IAgentOperations operations, Option<LogLevel?> logging, Streams streams)
    {
        var config = AgentOptions.Config();
        var node = AgentOptions.Node();
        var kubeconfig = AgentOptions.Kubeconfig();
        var pod = AgentOptions.Pod();
        var cniPolicies = AgentOptions.CniPolicies();
        var pinRoot = AgentOptions.PinRoot();
        var socket = AgentOptions.Socket();
        var health = AgentOptions.Health();
        var conntrack = AgentOptions.ConntrackSysctl();
        var attach = AgentOptions.Attach();
        var tunnelDevice = AgentOptions.TunnelDevice();
        var markBit = AgentOptions.MarkBit();
        var tcPriority = AgentOptions.TcPriority();
        var heartbeatTimeout = AgentOptions.HeartbeatTimeout();
        var command = new Command("run", "accelerate the pods of this node until stopped")
        {
            config, node, kubeconfig, pod, cniPolicies, pinRoot, socket, health, conntrack, attach, tunnelDevice, markBit, tcPriority, heartbeatTimeout,
        };
        command.Validators.Add(result =>
        {
            if ((result.GetValue(config) is null) == (result.GetValue(node) is null))
            {
                result.AddError("run: name either a configuration by --config FILE or, in a cluster, this node by --node NAME");
            }
            else if (result.GetValue(kubeconfig) is not null && result.GetValue(node) is null)
            {
                result.AddError("--kubeconfig: goes with --node NAME");
            }
            else if (result.GetValue(pod) is not null && result.GetValue(node) is null)
            {
                result.AddError("--pod: goes with --node NAME");
            }
            else if (result.GetValue(cniPolicies) is not null && result.GetValue(node) is null)
            {
                result.AddError("--cni-policies: goes with --node NAME");
            }
        });
        command.SetAction((parsed, cancellationToken) => RunAsync(
            Settings(new AgentSettings(), parsed),
            operations,
            streams,
            cancellationToken));
        return command;

        AgentSettings Settings(AgentSettings defaults, ParseResult parsed) => defaults with
        {
            Config = parsed.GetValue(config),
            Node = parsed.GetValue(node),
            Kubeconfig = parsed.GetValue(kubeconfig),
            Pod = parsed.GetValue(pod) is { } name ? AgentOptions.PodOf(name) : null,
            CniPolicies = parsed.GetValue(cniPolicies) is { } kinds ? AgentOptions.KindsOf(kinds)! : defaults.CniPolicies,
            PinRoot = parsed.GetRequiredValue(pinRoot),
            Socket = parsed.GetRequiredValue(socket),
            Health = parsed.GetValue(health) is { } endPoint ? IPEndPoint.Parse(endPoint) : null,
            ConntrackSysctl = parsed.GetRequiredValue(conntrack),
            Attach = parsed.GetValue(attach) ?? defaults.Attach,
            TunnelDevice = parsed.GetValue(tunnelDevice),
            MarkBit = parsed.GetValue(markBit) ?? defaults.MarkBit,
            TcPriority = parsed.GetValue(tcPriority) ?? defaults.TcPriority,
            HeartbeatTimeout = parsed.GetValue(heartbeatTimeout) ?? defaults.HeartbeatTimeout,
            LogLevel = parsed.GetValue(logging) ?? defaults.LogLevel,
        };
    }

    private static async Task<int> RunAsync(AgentSettings settings, IAgentOperations operations, Streams streams, CancellationToken cancellationToken)
    {
        using var loggers = LogLines.Create(settings.LogLevel);
        if (settings.Config is null)
        {
            return await operations.RunInClusterAsync(settings, loggers, cancellationToken);
        }

        var (configuration, problems) = ConfigurationSource.Open(settings.Config, TimeProvider.System, loggers.CreateLogger<ConfigurationSource>());
        if (configuration is null)
        {
            foreach (var problem in problems)
            {
                streams.Problem(problem.ToString());
            }

            return ExitStatus.Usage;
        }

        return await operations.RunAsync(settings, configuration, loggers, cancellationToken);
    }
}
