using System.CommandLine;
using System.Diagnostics;
using OnCache.Lab.Overlay;
using OnCache.Lab.Topology;

namespace OnCache.Lab.Commands;

internal static class UpCommand
{
    private const string KubeProxy = "kube-proxy";
    private const string NoRules = "none";

    public static Command Create()
    {
        var name = LabArguments.Name();
        var nodes = LabArguments.Number("--nodes", $"Number of nodes, {LabOptions.MinNodes} to {LabOptions.MaxNodes}", 2);
        var pods = LabArguments.Number("--pods", $"Pods on each node, {LabOptions.MinPods} to {LabOptions.MaxPods}", 1);
        var mtu = LabArguments.Number("--mtu", $"MTU of the wire in bytes, {LabOptions.MinMtu} to {LabOptions.MaxMtu}", 1500);
        var rules = new Option<NodeRules>("--rules")
        {
            Description = $"Packet filter rules of the nodes: {KubeProxy} or {NoRules}",
            DefaultValueFactory = _ => NodeRules.KubeProxy,
            CustomParser = result =>
            {
                var text = result.Tokens.Count == 1 ? result.Tokens[0].Value : "";
                if (text is not (KubeProxy or NoRules))
                {
                    result.AddError($"rules: '{text}' is not {KubeProxy} or {NoRules}");
                }

                return text == NoRules ? NodeRules.None : NodeRules.KubeProxy;
            },
        };
        var command = new Command("up", "Bring a lab up; it stays until it is taken down") { name, nodes, pods, mtu, rules };
        command.SetAction(async (parsed, cancellationToken) =>
        {
            var started = Stopwatch.GetTimestamp();
            await using var lab = await OverlayLab.UpAsync(
                new LabOptions
                {
                    Name = parsed.GetValue(name)!,
                    Nodes = parsed.GetValue(nodes),
                    Pods = parsed.GetValue(pods),
                    Mtu = parsed.GetValue(mtu),
                    Rules = parsed.GetValue(rules),
                    Detached = true,
                },
                cancellationToken: cancellationToken);
            Console.WriteLine($"lab '{lab.Name}' is up in {Stopwatch.GetElapsedTime(started).TotalSeconds:F1} s");
            foreach (var node in lab.Nodes)
            {
                Console.WriteLine($"  {node.Name} {node.Address}, pods {node.Pods[0].Name} {node.Pods[0].Address}"
                    + (node.Pods.Count > 1 ? $" to {node.Pods[^1].Name} {node.Pods[^1].Address}" : "")
                    + $", agent configuration {node.AgentConfigPath}");
            }

            return 0;
        });
        return command;
    }
}
