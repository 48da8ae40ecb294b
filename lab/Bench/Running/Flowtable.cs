using System.Text.Json;
using OnCache.Lab.Bench.Suites;
using OnCache.Lab.Namespaces;
using OnCache.Lab.Overlay;

namespace OnCache.Lab.Bench.Running;

/// <summary>What a user without OnCache can do with nftables: established flows of pods leave out the node's rules and routing.</summary>
/// <remarks>
/// On bridge and tunnel device it hooks in where packets come up from them, so bridge, encapsulation and the rules for the outer packet remain.
/// The chain comes after iptables' FORWARD: only what that has accepted is offered.
/// </remarks>
internal static class Flowtable
{
    private const string Table = "oncache_bench";

    /// <exception cref="LabException">nft is missing, or the kernel has no flowtables.</exception>
    public static async Task AddAsync(LabNode node, FlowtableDevices devices, CancellationToken cancellationToken) =>
        await InstallAsync(
            node,
            $$"""
            table ip {{Table}} {
              flowtable pods { hook ingress priority 0; devices = { {{string.Join(", ", Near(node, devices))}}, {{node.TunnelDevice}} }; }
              counter forwarded { }
              chain forward {
                type filter hook forward priority 10; policy accept;
                counter name forwarded
                ip protocol { tcp, udp } ct state established flow add @pods
              }
            }

            """,
            cancellationToken);

    /// <summary>Packets that passed the FORWARD hook so far, instead of the flowtable.</summary>
    public static async Task<long> ForwardedAsync(LabNode node, CancellationToken cancellationToken)
    {
        var result = await node.RunCommandAsync("nft", ["-j", "list", "counter", "ip", Table, "forwarded"], cancellationToken);
        using var document = JsonDocument.Parse(result.EnsureSuccess().Output);
        return document.RootElement.GetProperty("nftables").EnumerateArray()
            .First(entry => entry.TryGetProperty("counter", out _))
            .GetProperty("counter").GetProperty("packets").GetInt64();
    }

    private static IEnumerable<string> Near(LabNode node, FlowtableDevices devices) =>
        devices == FlowtableDevices.BridgeAndTunnel ? [node.BridgeDevice] : node.Pods.Select(pod => pod.HostInterface);

    private static async Task InstallAsync(LabNode node, string script, CancellationToken cancellationToken)
    {
        var result = await NetworkNamespace.RunCommandAsync(node.Namespace, "nft", ["-f", "-"], script, cancellationToken);
        if (result.ExitCode != 0 && result.Error.Contains("No such file or directory", StringComparison.Ordinal))
        {
            // What the kernel says of a kind of object that it was built without.
            throw new LabException("this kernel has no nftables flowtables (CONFIG_NF_FLOW_TABLE, CONFIG_NFT_FLOW_OFFLOAD)");
        }

        _ = result.EnsureSuccess();
    }
}
